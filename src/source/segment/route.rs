//! Which call a path means.

use serde::Deserialize;

/// A call of the Tracking API.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Call<'p> {
    /// One message of that type.
    Message(&'static str),
    /// Several in an envelope: `batch` and `import`.
    Batch,
    /// One message of that type in the query, answered with an image.
    Pixel(&'static str),
    /// What analytics.js asks for when it starts, for that write key.
    Settings(&'p str),
    /// The collector for web pages, `cartwire.js`.
    Collector,
    /// Counters of analytics.js about itself.
    Telemetry,
}

impl Call<'_> {
    /// The only method that it takes, besides `OPTIONS`.
    pub(super) fn method(self) -> &'static str {
        match self {
            Self::Pixel(_) | Self::Settings(_) | Self::Collector => "GET",
            _ => "POST",
        }
    }
}

/// The call that a path below the source's own means. `/v1` may be missing, for libraries whose host already ends in the source's path.
pub(super) fn call(path: &str) -> Option<Call<'_>> {
    let path = path.trim_matches('/');
    let path = path.strip_prefix("v1/").unwrap_or(path);
    match path {
        "b" | "batch" | "import" => Some(Call::Batch),
        "cartwire.js" => Some(Call::Collector),
        "m" => Some(Call::Telemetry),
        _ => {
            if let Some(name) = path.strip_prefix("pixel/") {
                return message(name).map(Call::Pixel);
            }
            if let Some(key) = path.strip_prefix("projects/").and_then(|rest| rest.strip_suffix("/settings")) {
                return (!key.is_empty() && !key.contains('/')).then_some(Call::Settings(key));
            }
            message(path).map(Call::Message)
        }
    }
}

/// The type that a path's last part names, long or short.
fn message(name: &str) -> Option<&'static str> {
    Some(match name {
        "identify" | "i" => "identify",
        "track" | "t" => "track",
        "page" | "p" => "page",
        "screen" | "s" => "screen",
        "group" | "g" => "group",
        "alias" | "a" => "alias",
        _ => return None,
    })
}

/// The path for a sample, by what it holds.
pub(super) fn for_body(body: &[u8]) -> &'static str {
    #[derive(Deserialize)]
    struct Shape {
        batch: Option<serde::de::IgnoredAny>,
        r#type: Option<String>,
    }
    match serde_json::from_slice::<Shape>(body) {
        Ok(Shape { batch: Some(_), .. }) => "batch",
        Ok(Shape { r#type: Some(name), .. }) => message(&name).unwrap_or("track"),
        _ => "track",
    }
}
