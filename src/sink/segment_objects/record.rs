//! One object record as the Objects API takes it: checked, and without nested values.

use rhai::{Dynamic, ImmutableString, Map};

use crate::event::Event;
use crate::json;
use crate::sink::{Refused, not_json, refused};

/// The largest value.
const VALUE_BYTES_MAX: usize = 32_000;
/// Levels that are laid out.
const DEPTH_MAX: usize = 16;

/// Appends `{"collection":…,"id":…,"properties":{…}}`.
pub(super) fn encode(event: &Event, out: &mut Vec<u8>) -> Result<(), Refused> {
    let Ok(map) = event.value.as_map_ref() else {
        return Err(refused("not-a-message", "the event is not a map"));
    };
    if !crate::sink::is_object(event) {
        return Err(refused("not-an-object", "only object records (type `set`) are sent here"));
    }
    let collection =
        text(map.get("collection")).ok_or_else(|| refused("no-collection", "the record has no collection"))?;
    let named = collection.starts_with(|c: char| c.is_ascii_lowercase())
        && collection.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_');
    if !named {
        let reason = format!("`{collection}` is no collection: lower-case letters, digits and `_`");
        return Err(refused("bad-collection", reason));
    }
    let id = text(map.get("id")).ok_or_else(|| refused("no-id", "the record has no id"))?;
    let mut flat = Map::new();
    match map.get("properties").map(Dynamic::as_map_ref) {
        Some(Ok(properties)) => lay_out("", &properties, event, DEPTH_MAX, &mut flat)?,
        Some(Err(kind)) if kind != "()" => return Err(refused("bad-properties", "`properties` is not a map")),
        _ => {}
    }
    let record = Map::from([
        ("collection".into(), collection.into()),
        ("id".into(), id.into()),
        ("properties".into(), flat.into()),
    ]);
    json::encode(&record.into(), &event.tape, out).map_err(|error| not_json(&error))
}

/// A text that is not empty; numbers count as their text.
fn text(value: Option<&Dynamic>) -> Option<ImmutableString> {
    let value = value?;
    if let Some(text) = value.read_lock::<ImmutableString>() {
        return (!text.is_empty()).then(|| text.clone());
    }
    value.as_int().ok().map(|int| int.to_string().into())
}

/// Lays maps out into keys that are joined with `_`, and writes lists as JSON text.
fn lay_out(prefix: &str, map: &Map, event: &Event, depth: usize, flat: &mut Map) -> Result<(), Refused> {
    for (key, value) in map {
        let name = if prefix.is_empty() { key.to_string() } else { format!("{prefix}_{key}") };
        if let Ok(inner) = value.as_map_ref() {
            if depth == 0 {
                return Err(refused("too-deep", format!("`{name}` is nested too deeply")));
            }
            lay_out(&name, &inner, event, depth - 1, flat)?;
            continue;
        }
        let mut written = Vec::new();
        json::encode(value, &event.tape, &mut written).map_err(|error| not_json(&error))?;
        if written.len() > VALUE_BYTES_MAX {
            let reason = format!("`{name}` has {} bytes; a value has at most {VALUE_BYTES_MAX}", written.len());
            return Err(refused("too-large", reason));
        }
        let value = if value.is_array() { String::from_utf8_lossy(&written).as_ref().into() } else { value.clone() };
        flat.insert(name.as_str().into(), value);
    }
    Ok(())
}
