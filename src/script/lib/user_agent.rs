//! `user_agent::`: what a browser says of itself.
//!
//! The names come from the `woothee` data set, which is compiled in and knows the usual browsers, systems and crawlers; the model of a
//! device and the words that Segment's own libraries use for systems (`iOS`, `macOS`) are added here.

use rhai::{Dynamic, Map};
use woothee::parser::Parser;

use super::{Fun, Native, arg, put, put_text};

mod program;

/// The longest text that is looked at.
const TEXT_BYTES: usize = 2048;

/// The functions of the namespace.
pub const FUNS: &[Fun] = &[
    Fun {
        name: "user_agent::is_bot",
        signature: "user_agent::is_bot(text) -> bool",
        about: "Whether a user agent is a crawler, a browser without a person (headless) or a tool that fetches pages (curl, Wget, Postman, \
                Python, Go). False if it is absent, and for what shops' own servers and apps call with (`node`, `axios`, `okhttp`, \
                Segment's libraries): an order that a storefront's server places is a person's.",
        example: r#"user_agent::is_bot("Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)") == true
user_agent::is_bot("Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0") == false
user_agent::is_bot("curl/8.5.0") == true
user_agent::is_bot("node") == false"#,
        add: |module, _| {
            put(module, "is_bot", |value: Dynamic| -> Native<bool> {
                Ok(arg::text(&value, "is_bot")?.and_then(|text| read(&text)).is_some_and(|agent| agent.is_bot))
            });
        },
    },
    Fun {
        name: "user_agent::parse",
        signature: "user_agent::parse(text) -> map",
        about: "The parts of a user agent: `os` (name, version) and `device` (type, manufacturer, model) as Segment's context has them, \
                `browser` (name, version) and `bot`; what cannot be told is left out. `()` if nothing can.",
        example: r#"let agent = user_agent::parse("Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1");
agent.os == #{ name: "iOS", version: "17.5" }
agent.device == #{ type: "mobile", manufacturer: "Apple", model: "iPhone" }
agent.browser == #{ name: "Safari", version: "17.5" }
user_agent::parse(()) == ()"#,
        add: |module, lib| {
            put_text(module, lib, "parse", |text| Ok(read(text).map_or(Dynamic::UNIT, |agent| agent.to_map().into())));
        },
    },
];

/// What a user agent tells.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UserAgent {
    /// Name and version.
    pub browser: (Option<String>, Option<String>),
    /// Name and version.
    pub os: (Option<String>, Option<String>),
    /// `desktop`, `mobile`, `tablet`, `tv` …
    pub device_type: Option<&'static str>,
    /// Who made the device.
    pub manufacturer: Option<&'static str>,
    /// Its model.
    pub model: Option<String>,
    /// A crawler, a headless browser, or a tool that fetches pages.
    pub is_bot: bool,
}

impl UserAgent {
    /// As Segment's context has it.
    pub fn to_map(&self) -> Map {
        let text = |text: &str| Dynamic::from(text.to_owned());
        let pair = |(name, version): &(Option<String>, Option<String>)| {
            let parts = [("name", name), ("version", version)];
            parts.into_iter().filter_map(|(key, value)| Some((key.into(), text(value.as_deref()?)))).collect::<Map>()
        };
        let device =
            [("type", self.device_type), ("manufacturer", self.manufacturer), ("model", self.model.as_deref())];
        let device: Map = device.into_iter().filter_map(|(key, value)| Some((key.into(), text(value?)))).collect();
        let mut map = Map::new();
        for (key, part) in [("browser", pair(&self.browser)), ("os", pair(&self.os)), ("device", device)] {
            if !part.is_empty() {
                map.insert(key.into(), part.into());
            }
        }
        map.insert("bot".into(), self.is_bot.into());
        map
    }
}

/// Reads a user agent; none if nothing in it is known.
pub fn read(text: &str) -> Option<UserAgent> {
    let mut end = text.len().min(TEXT_BYTES);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let text = text[..end].trim();
    let is_program = program::is_one(text);
    let Some(found) = Parser::new().parse(text) else {
        return is_program.then(|| UserAgent { is_bot: true, ..UserAgent::default() });
    };
    let known = |value: &str| (!matches!(value, "" | "UNKNOWN" | "-")).then(|| value.to_owned());
    let is_bot = is_program || found.category == "crawler" || found.browser_type == "crawler";
    // The data set calls the clients of programming languages so, with the language as the version.
    let is_browser = found.name != "HTTP Library";
    let browser = if is_browser { (known(found.name), known(found.version)) } else { (None, None) };
    let os = if is_bot { (None, None) } else { system(text, found.os, &found.os_version) };
    let (device_type, manufacturer, model) =
        if is_bot { (None, None, None) } else { device(text, found.category, found.os) };
    let agent = UserAgent { browser, os, device_type, manufacturer, model, is_bot };
    (agent != UserAgent::default()).then_some(agent)
}

fn system(text: &str, name: &str, version: &str) -> (Option<String>, Option<String>) {
    let version = (!matches!(version, "" | "UNKNOWN")).then(|| version.replace('_', "."));
    match name {
        "" | "UNKNOWN" => (None, None),
        "iPhone" | "iPad" | "iPod" => (Some("iOS".into()), version),
        "Mac OSX" => (Some("macOS".into()), version.or_else(|| after(text, "Mac OS X "))),
        // `Windows 10`: the version is part of the name, and `NT 10.0` what the browser calls it.
        windows if windows.starts_with("Windows ") && !windows.starts_with("Windows Phone") => {
            (Some("Windows".into()), windows.split_once(' ').map(|(_, version)| version.to_owned()))
        }
        other => (Some(other.to_owned()), version),
    }
}

/// The version that follows some words: `10_15_7`.
fn after(text: &str, words: &str) -> Option<String> {
    let rest = text.split_once(words)?.1;
    let end = rest.find(|c: char| !c.is_ascii_digit() && !matches!(c, '_' | '.')).unwrap_or(rest.len());
    (end > 0).then(|| rest[..end].replace('_', "."))
}

fn device(text: &str, category: &str, os: &str) -> (Option<&'static str>, Option<&'static str>, Option<String>) {
    let model = match os {
        "iPhone" | "iPad" | "iPod" => {
            return (Some(if os == "iPad" { "tablet" } else { "mobile" }), Some("Apple"), Some(os.into()));
        }
        "Android" => android_model(text),
        _ => None,
    };
    let kind = match category {
        "pc" if os == "Mac OSX" => return (Some("desktop"), Some("Apple"), model),
        "pc" => Some("desktop"),
        // By Google's advice to makers of browsers, tablets leave out `Mobile`.
        "smartphone" if os == "Android" && !text.contains("Mobile") => Some("tablet"),
        "smartphone" | "mobilephone" => Some("mobile"),
        "appliance" => Some("console"),
        _ => None,
    };
    (kind, model.as_deref().and_then(maker), model)
}

/// `(Linux; Android 14; Pixel 8 Build/AP1A)` → `Pixel 8`. Browsers that hide the model write `K`.
fn android_model(text: &str) -> Option<String> {
    let inside = text.split_once('(')?.1;
    let inside = &inside[..inside.find(')').unwrap_or(inside.len())];
    let mut parts = inside.split(';').map(str::trim).skip_while(|part| !part.starts_with("Android"));
    parts.next()?;
    // Older browsers put the language in between.
    let is_language = |part: &&str| {
        matches!(part.len(), 2 | 5)
            && part.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_uppercase() || c == '-')
            && part.starts_with(|c: char| c.is_ascii_lowercase())
    };
    let part = parts.find(|part| !is_language(part) && *part != "wv")?;
    let model = part.split(" Build/").next().unwrap_or_default().trim();
    (!matches!(model, "" | "K" | "Mobile" | "Tablet") && !model.starts_with("rv:")).then(|| model.to_owned())
}

/// Who makes a model, as far as its name says so.
fn maker(model: &str) -> Option<&'static str> {
    const MAKERS: [(&str, &str); 12] = [
        ("SM-", "Samsung"),
        ("SAMSUNG", "Samsung"),
        ("Pixel", "Google"),
        ("Nexus", "Google"),
        ("moto", "Motorola"),
        ("Redmi", "Xiaomi"),
        ("Mi ", "Xiaomi"),
        ("M20", "Xiaomi"),
        ("HUAWEI", "Huawei"),
        ("ONEPLUS", "OnePlus"),
        ("CPH", "OPPO"),
        ("Nokia", "Nokia"),
    ];
    MAKERS.iter().find(|(start, _)| model.starts_with(start)).map(|(_, maker)| *maker)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(text: &str) -> String {
        let agent = read(text).unwrap_or_default();
        let part = |part: Option<&str>| part.unwrap_or("-").to_owned();
        [
            part(agent.browser.0.as_deref()),
            part(agent.os.0.as_deref()),
            part(agent.os.1.as_deref()),
            part(agent.device_type),
            part(agent.manufacturer),
            part(agent.model.as_deref()),
        ]
        .join("/")
    }

    #[test]
    fn the_usual_browsers_and_systems() {
        for (text, expected) in [
            (
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36 Edg/126.0.0.0",
                "Edge/Windows/10/desktop/-/-",
            ),
            (
                "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36",
                "Chrome/macOS/10.15.7/desktop/Apple/-",
            ),
            (
                "Mozilla/5.0 (Linux; Android 14; Pixel 8 Build/AP1A.240505.004) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/125.0.6422.165 Mobile Safari/537.36",
                "Chrome/Android/14/mobile/Google/Pixel 8",
            ),
            (
                "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Mobile Safari/537.36",
                "Chrome/Android/10/mobile/-/-",
            ),
            (
                "Mozilla/5.0 (Linux; Android 13; SM-X906C) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36",
                "Chrome/Android/13/tablet/Samsung/SM-X906C",
            ),
            (
                "Mozilla/5.0 (iPad; CPU OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1",
                "Safari/iOS/17.5/tablet/Apple/iPad",
            ),
            ("Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0", "Firefox/Linux/-/desktop/-/-"),
            ("curl/8.5.0", "-/-/-/-/-/-"),
            ("Ruby", "-/-/-/-/-/-"),
            ("", "-/-/-/-/-/-"),
            ("something else", "-/-/-/-/-/-"),
        ] {
            assert_eq!(told(text), expected, "{text}");
        }
    }
}
