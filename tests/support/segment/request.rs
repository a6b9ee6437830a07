//! The request level: path, content type, encoding, size, JSON and write key, before any message is looked at.

use std::io::Read;

use base64::{Engine as _, engine::general_purpose};
use http::{HeaderMap, Method, header};
use serde_json::{Map, Value};

use super::json::{self, Item};
use super::validate::{Finding, TYPES};

/// Larger bodies are refused even before their content is decoded; far above what is accepted.
const DECODED_BYTES_MAX: u64 = 16 * 1024 * 1024;
/// The documented limit of a batch body.
pub const BATCH_BYTES_MAX: usize = 500_000;
/// The documented limit of one message, alone or in a batch.
pub const MESSAGE_BYTES_MAX: usize = 32_768;

/// A request as it came off the wire.
#[derive(Debug, Clone)]
pub struct Request {
    /// The method.
    pub method: Method,
    /// The path, without the query.
    pub path: String,
    /// The query, without the question mark.
    pub query: String,
    /// The headers.
    pub headers: HeaderMap,
    /// The body, still encoded.
    pub body: Vec<u8>,
    /// Which connection it came on, counted from 1.
    pub connection: u64,
}

/// What a path is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Route {
    /// One message of this type.
    Single(&'static str),
    /// A batch.
    Batch,
    /// Telemetry of the browser library.
    Metrics,
    /// The boot settings for this key.
    Settings(String),
    /// One message of this type in a query.
    Pixel(&'static str),
    /// A CORS preflight.
    Preflight,
    /// Nothing of ours.
    Unknown,
}

/// A request whose body is well-formed.
#[derive(Debug)]
pub struct Parsed {
    /// The decoded text.
    pub text: String,
    /// The type that the path implies.
    pub path_type: Option<&'static str>,
    /// The write key.
    pub key: String,
    /// The batch without its items; for a single call, empty.
    pub envelope: Map<String, Value>,
    /// The messages.
    pub items: Vec<Item>,
    /// What is odd about the request as a whole.
    pub found: Vec<Finding>,
}

impl Request {
    /// What this request asks for.
    pub fn route(&self) -> Route {
        let path = self.path.strip_prefix("/v1/").unwrap_or("").trim_end_matches('/');
        let typed =
            |name: &str| TYPES.into_iter().find(|kind| *kind == name || (name.len() == 1 && kind.starts_with(name)));
        match self.method {
            Method::OPTIONS => Route::Preflight,
            Method::POST => match path {
                "batch" | "b" | "import" => Route::Batch,
                "m" => Route::Metrics,
                name => typed(name).map_or(Route::Unknown, Route::Single),
            },
            Method::GET => {
                if let Some(kind) =
                    path.strip_prefix("pixel/").and_then(|name| TYPES.into_iter().find(|kind| *kind == name))
                {
                    return Route::Pixel(kind);
                }
                let key = path.strip_prefix("projects/").and_then(|rest| rest.strip_suffix("/settings"));
                key.map_or(Route::Unknown, |key| Route::Settings(key.to_owned()))
            }
            _ => Route::Unknown,
        }
    }

    /// The body with its content encoding undone.
    pub fn decoded(&self) -> Result<Vec<u8>, String> {
        let mut decoded = Vec::new();
        match self.header(header::CONTENT_ENCODING) {
            "" | "identity" => decoded.clone_from(&self.body),
            "gzip" => {
                let mut gunzip = flate2::read::MultiGzDecoder::new(self.body.as_slice()).take(DECODED_BYTES_MAX);
                gunzip.read_to_end(&mut decoded).map_err(|e| format!("not gzip: {e}"))?;
            }
            other => return Err(format!("unknown content encoding {other}")),
        }
        Ok(decoded)
    }

    /// Reads the messages of a single call or a batch; the error is the text of a 400.
    pub fn parse(&self, route: &Route) -> Result<Parsed, String> {
        let path_type = if let Route::Single(kind) = route { Some(*kind) } else { None };
        let kind = self.header(header::CONTENT_TYPE).split(';').next().unwrap_or("").trim();
        if !["application/json", "text/plain"].contains(&kind.to_ascii_lowercase().as_str()) {
            return Err(format!("content type {kind:?} is neither application/json nor text/plain"));
        }
        let body = self.decoded()?;
        let (bytes_max, bytes_near) =
            if path_type.is_some() { (MESSAGE_BYTES_MAX, 32_000) } else { (BATCH_BYTES_MAX, 480_000) };
        if body.len() > bytes_max {
            return Err(format!("Exceed payload limit: {} bytes", body.len()));
        }
        let mut found = Vec::new();
        if body.len() > bytes_near {
            found.push(Finding::warn("near_body_limit", format!("{} bytes", body.len())));
        }
        let document = json::read(&body)?;
        let text = String::from_utf8(body).map_err(|e| e.to_string())?;
        let key = self.key(&document.envelope, &mut found)?;
        let (envelope, items) = if path_type.is_some() {
            let start = text.len() - text.trim_start().len();
            let span = start..start + text.trim().len();
            (Map::new(), vec![Item { span, value: Value::Object(document.envelope), notes: document.notes }])
        } else {
            document.notes.iter().for_each(|note| found.push(note.into()));
            (document.envelope, document.items.ok_or("batch is not an array")?)
        };
        Ok(Parsed { text, path_type, key, envelope, items, found })
    }

    fn key(&self, body: &Map<String, Value>, found: &mut Vec<Finding>) -> Result<String, String> {
        let in_body = body.get("writeKey").and_then(Value::as_str).unwrap_or_default();
        let (scheme, credentials) = self.header(header::AUTHORIZATION).split_once(' ').unwrap_or_default();
        let in_header =
            if scheme.eq_ignore_ascii_case("basic") { basic_user(credentials, found)? } else { String::new() };
        if !in_header.is_empty() && !in_body.is_empty() && in_header != in_body {
            found.push(Finding::warn("key_mismatch", format!("{in_header} in the header, {in_body} in the body")));
        }
        let key = if in_header.is_empty() { in_body.to_owned() } else { in_header };
        if key.is_empty() { Err("no write key".to_owned()) } else { Ok(key) }
    }

    fn header(&self, name: header::HeaderName) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }
}

fn basic_user(credentials: &str, found: &mut Vec<Finding>) -> Result<String, String> {
    let bytes = general_purpose::STANDARD
        .decode(credentials.trim())
        .map_err(|e| format!("Authorization is not base64: {e}"))?;
    let text = String::from_utf8(bytes).map_err(|_| "Authorization is not UTF-8")?;
    let Some((user, password)) = text.split_once(':') else {
        found.push(Finding::warn("key_without_colon", "the write key is encoded without a colon after it"));
        return Ok(text);
    };
    if !password.is_empty() {
        found.push(Finding::warn("key_with_password", "the password should be empty"));
    }
    Ok(user.to_owned())
}
