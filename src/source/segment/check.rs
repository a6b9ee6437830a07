//! What Segment would not take, by its own codes: such a message becomes a dead letter, and the others of its batch go on.

use rhai::{Dynamic, ImmutableString, Map};

use crate::source::{Refused, kind};

/// Checks a message after its repair.
pub(super) fn message(item: &Map) -> Result<(), Refused> {
    let name = item.get("type").and_then(text).unwrap_or_default();
    match name.as_str() {
        "track" => {
            ids(item)?;
            match item.get("event") {
                None => return refuse("event_not_defined", "a track call needs `event`".to_owned()),
                Some(event) if event.is_unit() => {
                    return refuse("event_not_defined", "a track call needs `event`".to_owned());
                }
                Some(event) => filled("event", event, "event_not_string")?,
            }
            object(item, "properties", "properties_not_object")
        }
        "page" | "screen" => {
            ids(item)?;
            optional(item, "name", "name_not_string")?;
            optional(item, "category", "category_not_string")?;
            object(item, "properties", "properties_not_object")
        }
        "identify" => {
            ids(item)?;
            object(item, "traits", "traits_not_object")
        }
        "group" => {
            ids(item)?;
            required(item, "groupId")?;
            object(item, "traits", "traits_not_object")
        }
        "alias" => {
            required(item, "previousId")?;
            required(item, "userId")?;
            optional(item, "anonymousId", "id_not_string")
        }
        "" => refuse("bad_request", "the message has no `type`".to_owned()),
        other => refuse("bad_request", format!("`{other}` is not a type of message")),
    }
}

fn ids(item: &Map) -> Result<(), Refused> {
    if item.get("userId").is_none() && item.get("anonymousId").is_none() {
        return refuse("no_user_anon_id", "the message has neither `userId` nor `anonymousId`".to_owned());
    }
    optional(item, "userId", "id_not_string")?;
    optional(item, "anonymousId", "id_not_string")
}

fn required(item: &Map, key: &str) -> Result<(), Refused> {
    match item.get(key) {
        Some(value) => filled(key, value, "id_required"),
        None => refuse("id_required", format!("`{key}` is missing")),
    }
}

fn optional(item: &Map, key: &str, code: &'static str) -> Result<(), Refused> {
    item.get(key).map_or(Ok(()), |value| filled(key, value, code))
}

fn filled(key: &str, value: &Dynamic, code: &'static str) -> Result<(), Refused> {
    match text(value) {
        Some(text) if !text.is_empty() => Ok(()),
        Some(_) => refuse(code, format!("`{key}` is empty")),
        None => refuse(code, format!("`{key}` is not a string but {}", kind(value))),
    }
}

fn object(item: &Map, key: &str, code: &'static str) -> Result<(), Refused> {
    match item.get(key) {
        Some(value) if !value.is_map() => refuse(code, format!("`{key}` is not an object but {}", kind(value))),
        _ => Ok(()),
    }
}

fn text(value: &Dynamic) -> Option<ImmutableString> {
    Some(value.read_lock::<ImmutableString>()?.clone())
}

fn refuse(code: &'static str, reason: String) -> Result<(), Refused> {
    Err(Refused { code, reason })
}
