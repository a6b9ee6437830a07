//! One object record as the Objects API takes it: checked, and without nested values.

use std::rc::Rc;

use rhai::{Dynamic, ImmutableString, Map};

use crate::event::Event;
use crate::json::{self, Tape};
use crate::sink::pii::Guard;
use crate::sink::{Refused, not_json, refused};

/// The largest value.
const VALUE_BYTES_MAX: usize = 32_000;
/// Levels that are laid out.
const DEPTH_MAX: usize = 16;

/// Appends `{"collection":…,"id":…,"properties":{…}}`. The note says what the guard removed.
pub(super) fn encode(event: &Event, guard: &Guard, out: &mut Vec<u8>) -> Result<Option<String>, Refused> {
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
    let no_properties = Dynamic::from(Map::new());
    let properties = map.get("properties").filter(|properties| !properties.is_unit()).unwrap_or(&no_properties);
    if !properties.is_map() {
        return Err(refused("bad-properties", "`properties` is not a map"));
    }
    let guarded = guarded(properties, event, guard)?;
    let (properties, tape, note) = match &guarded {
        Some(guarded) => (&guarded.properties, &guarded.tape, Some(guarded.note.clone())),
        None => (properties, &event.tape, None),
    };
    let mut flat = Map::new();
    if let Ok(properties) = properties.as_map_ref() {
        lay_out("", &properties, tape, DEPTH_MAX, &mut flat)?;
    }
    let record = Map::from([
        ("collection".into(), collection.into()),
        ("id".into(), id.into()),
        ("properties".into(), flat.into()),
    ]);
    json::encode(&record.into(), tape, out).map_err(|error| not_json(&error))?;
    Ok(note)
}

/// Properties from which something was removed.
struct Guarded {
    properties: Dynamic,
    tape: Rc<Tape>,
    note: String,
}

/// The properties without what should not leave; nothing if they may leave as they are.
///
/// The guard looks at the names that the script wrote: laid out, `card` and `number` would be `card_number`, and a list only text.
fn guarded(properties: &Dynamic, event: &Event, guard: &Guard) -> Result<Option<Guarded>, Refused> {
    let mut json = b"{\"properties\":".to_vec();
    json::encode(properties, &event.tape, &mut json).map_err(|error| not_json(&error))?;
    json.push(b'}');
    let Some(note) = guard.apply(&mut json, 0)? else { return Ok(None) };
    let (whole, tape) = json::decode(&json, &json::Limits::default())
        .map_err(|error| refused("not-data", format!("the record cannot be read again: {error}")))?;
    let properties = whole.as_map_ref().ok().and_then(|map| map.get("properties").cloned()).unwrap_or_default();
    Ok(Some(Guarded { properties, tape, note }))
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
fn lay_out(prefix: &str, map: &Map, tape: &Tape, depth: usize, flat: &mut Map) -> Result<(), Refused> {
    for (key, value) in map {
        let name = if prefix.is_empty() { key.to_string() } else { format!("{prefix}_{key}") };
        if let Ok(inner) = value.as_map_ref() {
            if depth == 0 {
                return Err(refused("too-deep", format!("`{name}` is nested too deeply")));
            }
            lay_out(&name, &inner, tape, depth - 1, flat)?;
            continue;
        }
        let mut written = Vec::new();
        json::encode(value, tape, &mut written).map_err(|error| not_json(&error))?;
        if written.len() > VALUE_BYTES_MAX {
            let reason = format!("`{name}` has {} bytes; a value has at most {VALUE_BYTES_MAX}", written.len());
            return Err(refused("too-large", reason));
        }
        let value = if value.is_array() { String::from_utf8_lossy(&written).as_ref().into() } else { value.clone() };
        flat.insert(name.as_str().into(), value);
    }
    Ok(())
}
