//! The answers that the Segment libraries understand.

use serde_json::json;

use crate::source::{Reply, Request};

/// A transparent image of one pixel.
const GIF: &[u8] = b"GIF89a\x01\x00\x01\x00\x80\x00\x00\x00\x00\x00\xff\xff\xff\x21\xf9\x04\x01\x00\x00\x00\x00\
    \x2c\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x01\x44\x00\x3b";

/// The one safe answer: at any other status, or a body that is not this, some library sends everything again.
pub(super) fn success() -> Reply {
    Reply::json(200, r#"{"success":true}"#)
}

/// An error in the words that the libraries look for: `code` and `message` in Python, `error` in Ruby.
pub(super) fn failure(status: u16, code: &str, message: &str) -> Reply {
    let body = json!({ "success": false, "code": code, "message": message, "error": message });
    Reply::json(status, &body.to_string())
}

/// The image.
pub(super) fn pixel() -> Reply {
    Reply::empty(200).header("content-type", "image/gif").header("cache-control", "no-store").with_body(GIF.to_vec())
}

/// What analytics.js needs to start: with another key in `integrations` it would load bundles from elsewhere, without `apiHost` it
/// would send to Segment directly. A sample rate of 0 keeps its telemetry quiet.
pub(super) fn settings(key: &str, protocol: &str, host: &str) -> Reply {
    let body = json!({
        "integrations": {
            "Segment.io": { "apiKey": key, "apiHost": format!("{host}/v1"), "protocol": protocol },
        },
        "plan": { "track": { "__default": { "enabled": true, "integrations": {} } } },
        "metrics": { "sampleRate": 0 },
        "remotePlugins": [],
    });
    Reply::json(200, &body.to_string()).header("cache-control", "private, max-age=60")
}

/// Protocol, and host with path, at which browsers reach the source.
pub(super) fn address(request: &Request<'_>, path: &str, public_url: Option<&str>) -> Option<(&'static str, String)> {
    if let Some(url) = public_url {
        let (protocol, rest) = match url.strip_prefix("https://") {
            Some(rest) => ("https", rest),
            None => ("http", url.strip_prefix("http://").unwrap_or(url)),
        };
        return Some((protocol, rest.to_owned()));
    }
    let host = request.header("host").filter(|host| !host.is_empty())?;
    let secure = request.header("x-forwarded-proto").is_some_and(|protocol| protocol.eq_ignore_ascii_case("https"));
    Some((if secure { "https" } else { "http" }, format!("{host}{}", path.trim_end_matches('/'))))
}
