//! What browsers ask for besides the calls: preflight, boot settings and the pixel.

use base64::{Engine as _, engine::general_purpose};
use http::HeaderMap;
use serde_json::{Map, Value, json};

use super::json::Item;
use super::request::{Parsed, Request};

/// The smallest GIF: one transparent point.
pub const GIF: &[u8] =
    b"GIF89a\x01\0\x01\0\x80\0\0\0\0\0\0\0\0!\xf9\x04\x01\0\0\0\0,\0\0\0\0\x01\0\x01\0\0\x02\x02D\x01\0;";

/// The headers without which a browser does not send, retry or read the answer.
pub fn cors(headers: &mut HeaderMap) {
    for (name, value) in [
        ("access-control-allow-origin", "*"),
        ("access-control-allow-headers", "authorization, content-type, x-retry-count"),
        ("access-control-allow-methods", "POST, GET, OPTIONS"),
        ("access-control-max-age", "600"),
        ("access-control-expose-headers", "Retry-After, X-RateLimit-Reset"),
    ] {
        headers.insert(name, value.parse().expect("a header value"));
    }
}

/// The settings that make analytics.js send to Segment and to nothing else.
pub fn settings(key: &str) -> Value {
    json!({ "integrations": { "Segment.io": { "apiKey": key } }, "metrics": { "sampleRate": 0 } })
}

/// The message in a pixel's query: base64 JSON in `data`, or plain keys with dots for nesting.
pub fn pixel(request: &Request, kind: &'static str) -> Option<Parsed> {
    let pairs: Vec<(String, String)> = url::form_urlencoded::parse(request.query.as_bytes()).into_owned().collect();
    let data = pairs.iter().find(|(name, _)| name == "data");
    let message = if let Some((_, data)) = data {
        let plain = data.trim_end_matches('=').replace('+', "-").replace('/', "_");
        let bytes = general_purpose::URL_SAFE_NO_PAD.decode(plain).ok()?;
        serde_json::from_slice::<Map<String, Value>>(&bytes).ok()?
    } else {
        let mut message = Map::new();
        for (name, value) in pairs {
            insert(&mut message, &name, value);
        }
        message
    };
    let key = message.get("writeKey")?.as_str()?.to_owned();
    let value = Value::Object(message);
    let text = value.to_string();
    let items = vec![Item { span: 0..text.len(), value, notes: Vec::new() }];
    Some(Parsed { text, path_type: Some(kind), key, envelope: Map::new(), items, found: Vec::new() })
}

fn insert(map: &mut Map<String, Value>, path: &str, text: String) {
    match path.split_once('.') {
        None => {
            map.insert(path.to_owned(), Value::String(text));
        }
        Some((first, rest)) => {
            let inner = map.entry(first).or_insert_with(|| Value::Object(Map::new()));
            if let Value::Object(inner) = inner {
                insert(inner, rest, text);
            }
        }
    }
}
