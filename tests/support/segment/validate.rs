//! What Segment's ingest says about one message: drops with Segment's own codes, and warnings with ours.

use serde_json::{Map, Value};

use super::context;
use super::json::Note;

/// The six calls.
pub const TYPES: [&str; 6] = ["identify", "track", "page", "screen", "group", "alias"];

/// Fields only Segment writes.
const SERVER_FIELDS: [&str; 5] = ["receivedAt", "version", "channel", "projectId", "originalTimestamp"];

/// Whether a finding costs the message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Severity {
    /// Answered 200 and thrown away.
    Drop,
    /// Kept.
    Warn,
}

/// Something found in a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What it costs.
    pub severity: Severity,
    /// Segment's code for drops, ours for warnings.
    pub code: &'static str,
    /// What was seen.
    pub detail: String,
}

impl Finding {
    /// A finding that costs the message.
    pub fn drop(code: &'static str, detail: impl Into<String>) -> Self {
        Self { severity: Severity::Drop, code, detail: detail.into() }
    }

    /// A finding that costs nothing.
    pub fn warn(code: &'static str, detail: impl Into<String>) -> Self {
        Self { severity: Severity::Warn, code, detail: detail.into() }
    }
}

impl From<&Note> for Finding {
    fn from(note: &Note) -> Self {
        match note {
            Note::DuplicateKey(key) => Self::warn("duplicate_key", format!("key {key:?} twice in one object")),
            Note::LoneSurrogate => Self::warn("lone_surrogate", "half of a surrogate pair"),
            Note::BigInteger(token) => Self::warn("integer_beyond_2_53", format!("{token} is rounded by most readers")),
            Note::NotFinite(token) => Self::warn("number_not_finite", format!("{token} overflows a double")),
            Note::Nul => Self::warn("string_with_nul", "U+0000 in a string"),
        }
    }
}

/// Judges everything about a message but its size and times. `path_type` is the type that the path of a single call implies.
pub fn message(message: &Value, path_type: Option<&str>, notes: &[Note], found: &mut Vec<Finding>) {
    found.extend(notes.iter().map(Finding::from));
    let Some(map) = message.as_object() else {
        found.push(Finding::drop("bad_request", "the message is not an object"));
        return;
    };
    let own_type = map.get("type").and_then(Value::as_str);
    if let (Some(own), Some(path)) = (own_type, path_type)
        && own != path
    {
        found.push(Finding::warn("type_mismatch", format!("type {own} sent to the path of {path}")));
    }
    let Some(kind) = path_type.or(own_type).filter(|kind| TYPES.contains(kind)) else {
        found.push(Finding::drop("bad_request", format!("type {:?} is none of {TYPES:?}", map.get("type"))));
        return;
    };
    ids(map, found);
    call(kind, map, found);
    message_id(map, found);
    context::check(kind, map, found);
    for field in SERVER_FIELDS.iter().filter(|&&field| map.contains_key(field)) {
        found.push(Finding::warn("server_field", format!("{field} belongs to Segment")));
    }
}

fn ids(map: &Map<String, Value>, found: &mut Vec<Finding>) {
    let mut any = false;
    for field in ["userId", "anonymousId"] {
        let Some(value) = present(map, field) else {
            continue;
        };
        any = true;
        let Some(id) = value.as_str().filter(|id| !id.is_empty()) else {
            found.push(Finding::drop("id_not_string", format!("{field} {value}")));
            continue;
        };
        if id.bytes().all(|b| b == b'0' || b == b'-') || ["-1", "null", "anonymous"].contains(&id) {
            found
                .push(Finding::warn("id_blocked", format!("{field} {id} is a value that identity resolution ignores")));
        }
        if id.chars().count() > 500 {
            found.push(Finding::warn("id_long", format!("{field} has more than 500 characters")));
        }
        if field == "userId" && id.contains('@') {
            found.push(Finding::warn("id_email", format!("userId {id} looks like an e-mail address")));
        }
    }
    if !any {
        found.push(Finding::drop("no_user_anon_id", "neither userId nor anonymousId"));
    }
}

fn call(kind: &str, map: &Map<String, Value>, found: &mut Vec<Finding>) {
    let text = |field: &str| map.get(field).and_then(Value::as_str).is_some_and(|text| !text.is_empty());
    let object = |field: &str| present(map, field).is_none_or(Value::is_object);
    if kind == "track" {
        match present(map, "event") {
            None => found.push(Finding::drop("event_not_defined", "a track without event")),
            Some(event) if !text("event") => {
                found.push(Finding::drop("event_not_string", format!("event {event}")));
            }
            Some(_) => {}
        }
    }
    if matches!(kind, "track" | "page" | "screen") && !object("properties") {
        found.push(Finding::drop("properties_not_object", format!("properties {}", map["properties"])));
    }
    if matches!(kind, "identify" | "group") && !object("traits") {
        found.push(Finding::drop("traits_not_object", format!("traits {}", map["traits"])));
    }
    if matches!(kind, "page" | "screen") {
        for (field, code) in [("name", "name_not_string"), ("category", "category_not_string")] {
            if let Some(value) = present(map, field).filter(|_| !text(field)) {
                found.push(Finding::drop(code, format!("{field} {value}")));
            }
        }
    }
    let required: &[&str] = match kind {
        "group" => &["groupId"],
        "alias" => &["previousId", "userId"],
        _ => &[],
    };
    for field in required.iter().filter(|field| !text(field)) {
        found.push(Finding::drop("id_required", format!("{kind} needs {field}, a string that is not empty")));
    }
    let count = |field: &str| map.get(field).and_then(Value::as_object).map_or(0, Map::len);
    if count("properties") > 10_000 {
        found.push(Finding::warn("many_properties", "more than 10,000 properties: the excess is dropped"));
    }
    if kind == "identify" && count("traits") > 299 {
        found.push(Finding::warn("many_traits", "300 traits or more are refused by profiles"));
    }
}

fn message_id(map: &Map<String, Value>, found: &mut Vec<Finding>) {
    let Some(value) = present(map, "messageId") else {
        found.push(Finding::warn("message_id_missing", "without messageId a retry is a second event"));
        return;
    };
    let Some(id) = value.as_str().filter(|id| (1..=100).contains(&id.chars().count())) else {
        found.push(Finding::drop("bad_request", format!("messageId {value} is not a string of 1 to 100 characters")));
        return;
    };
    let distinct = id.chars().collect::<std::collections::BTreeSet<_>>().len();
    if id.chars().count() < 16 || distinct < 6 {
        found.push(Finding::warn("message_id_weak", format!("messageId {id} can collide with a stranger's")));
    }
}

/// A field that is there and not null: clients send null for an id they do not have.
pub(super) fn present<'a>(map: &'a Map<String, Value>, field: &str) -> Option<&'a Value> {
    map.get(field).filter(|value| !value.is_null())
}
