//! One event as Segment takes it: checked, with an id, without what belongs to the server.

use rhai::{Dynamic, Map};

use crate::event::Event;
use crate::json::{self, Mask};
use crate::sink::members::{grouped, largest, remove_members};
use crate::sink::message_id::MESSAGE_ID_CHARS_MAX;
use crate::sink::pii::Guard;
use crate::sink::{EventId, Refused, not_json, refused};

/// The API takes 32 KB and does not say whether a KB is 1,000 bytes.
const MESSAGE_BYTES_MAX: usize = 32_000;

/// What the request or the server sets. An old `sentAt` would even shift the time of the event; a `writeKey` would be stored with it.
///
/// `messageId` stands first and goes only when it is `null`: see [`write`].
const LEFT_OUT: [&str; 9] = [
    "messageId",
    "sentAt",
    "writeKey",
    "receivedAt",
    "originalTimestamp",
    "version",
    "channel",
    "projectId",
    "_metadata",
];

/// What [`check`] asks of an event besides texts: that these are maps.
pub(super) fn reads() -> Mask {
    let mut mask = Mask::opened();
    for key in ["context", "integrations", "properties", "traits"] {
        mask.key(key);
    }
    mask
}

/// Appends the message.
///
/// The event is encoded as it is, and what must change is changed in the bytes: this copies no value, and keeps the source text and
/// the order of everything else.
pub(super) fn encode(
    event: &Event,
    id: &EventId<'_>,
    guard: &Guard,
    out: &mut Vec<u8>,
) -> Result<Option<String>, Refused> {
    let start = out.len();
    let outcome = write(event, id, guard, out, start);
    if outcome.is_err() {
        out.truncate(start);
    }
    outcome
}

fn write(
    event: &Event,
    id: &EventId<'_>,
    guard: &Guard,
    out: &mut Vec<u8>,
    start: usize,
) -> Result<Option<String>, Refused> {
    let Ok(map) = event.value.as_map_ref() else {
        return Err(refused("not-a-message", format!("the event is {}, not a map", kind(&event.value))));
    };
    check(&map)?;
    let has_id = has_message_id(&map)?;
    let left_out = &LEFT_OUT[usize::from(has_id)..];
    let foreign = left_out.iter().any(|key| map.contains_key(*key));
    drop(map);

    json::encode(&event.value, &event.tape, out).map_err(|error| not_json(&error))?;
    if foreign {
        remove_members(out, start, left_out);
    }
    let note = guard.apply(out, start)?;
    if !has_id {
        // The message has a type, so a member precedes the brace.
        out.pop();
        out.extend_from_slice(b",\"messageId\":\"");
        out.extend_from_slice(id.message_id().as_bytes());
        out.extend_from_slice(b"\"}");
    }
    if out.len() - start > MESSAGE_BYTES_MAX {
        // What came with every letter escaped can be told in less: better another text of the same than none.
        let short = json::shorten(&out[start..]);
        out.truncate(start);
        out.extend_from_slice(&short);
    }
    let size = out.len() - start;
    if size > MESSAGE_BYTES_MAX {
        let named = largest(out, start, 3);
        return Err(refused(
            "too-large",
            format!(
                "the message has {} bytes, Segment takes {}; the largest fields are {named}",
                grouped(size),
                grouped(MESSAGE_BYTES_MAX),
            ),
        ));
    }
    Ok(note)
}

/// The checks of Segment's ingest, with its own names for what it would drop.
fn check(map: &Map) -> Result<(), Refused> {
    let kind_of_call = match text(map, "type") {
        Field::Text(text) => text,
        Field::Missing => {
            return Err(refused("bad-type", "`type` is missing; it is track, identify, page, screen, group or alias"));
        }
        Field::Empty | Field::Other(_) => {
            return Err(refused("bad-type", "`type` is not one of track, identify, page, screen, group, alias"));
        }
    };
    match kind_of_call.as_str() {
        "track" => {
            match text(map, "event") {
                Field::Text(_) => {}
                Field::Missing => {
                    return Err(refused("event-not-defined", "a track message needs `event`, the name of the event"));
                }
                Field::Empty => return Err(refused("event-not-string", "`event` is empty")),
                Field::Other(kind) => {
                    return Err(refused("event-not-string", format!("`event` is {kind}, not a text")));
                }
            }
            object(map, "properties", "properties-not-object")?;
        }
        "identify" => object(map, "traits", "traits-not-object")?,
        "page" | "screen" => {
            optional_text(map, "name", "name-not-string")?;
            optional_text(map, "category", "category-not-string")?;
            object(map, "properties", "properties-not-object")?;
        }
        "group" => {
            required_text(map, "group", "groupId")?;
            object(map, "traits", "traits-not-object")?;
        }
        "alias" => {
            required_text(map, "alias", "previousId")?;
            required_text(map, "alias", "userId")?;
        }
        "set" => {
            return Err(refused(
                "not-supported",
                "`type: set` belongs to Segment's Objects API, which this sink does not serve",
            ));
        }
        other => {
            let shown: String = other.chars().take(40).collect();
            return Err(refused(
                "bad-type",
                format!("`type` is `{shown}`, not one of track, identify, page, screen, group, alias"),
            ));
        }
    }
    ids(map)?;
    object(map, "context", "context-not-object")?;
    object(map, "integrations", "integrations-not-object")
}

fn ids(map: &Map) -> Result<(), Refused> {
    let mut found = false;
    for key in ["userId", "anonymousId"] {
        match text(map, key) {
            Field::Text(_) => found = true,
            Field::Missing => {}
            Field::Empty => {
                return Err(refused("id-not-string", format!("`{key}` is empty; leave it out or set it to ()")));
            }
            Field::Other(kind) => {
                return Err(refused(
                    "id-not-string",
                    format!("`{key}` is {kind}, and Segment drops ids that are not texts; use to_string()"),
                ));
            }
        }
    }
    if found {
        Ok(())
    } else {
        Err(refused("no-user-anon-id", "neither `userId` nor `anonymousId` is set; Segment needs one of them"))
    }
}

/// Whether there is an id to keep. `null` and an empty text count as none.
fn has_message_id(map: &Map) -> Result<bool, Refused> {
    match text(map, "messageId") {
        Field::Missing | Field::Empty => Ok(false),
        Field::Text(text) if text.len() > MESSAGE_ID_CHARS_MAX && text.chars().count() > MESSAGE_ID_CHARS_MAX => {
            Err(refused("bad-message-id", format!("`messageId` is longer than {MESSAGE_ID_CHARS_MAX} characters")))
        }
        Field::Text(_) => Ok(true),
        Field::Other(kind) => Err(refused("bad-message-id", format!("`messageId` is {kind}, not a text"))),
    }
}

/// A field that should be a text.
enum Field {
    Text(rhai::ImmutableString),
    Empty,
    /// Not there, or `null`.
    Missing,
    /// What it is instead.
    Other(&'static str),
}

fn text(map: &Map, key: &str) -> Field {
    match map.get(key) {
        None => Field::Missing,
        Some(value) if value.is_unit() => Field::Missing,
        Some(value) => match value.as_immutable_string_ref() {
            Ok(text) if text.is_empty() => Field::Empty,
            Ok(text) => Field::Text(text.clone()),
            Err(_) => Field::Other(kind(value)),
        },
    }
}

fn required_text(map: &Map, call: &str, key: &str) -> Result<(), Refused> {
    match text(map, key) {
        Field::Text(_) => Ok(()),
        Field::Missing | Field::Empty => Err(refused("id-required", format!("a message of type {call} needs `{key}`"))),
        Field::Other(kind) => Err(refused("id-not-string", format!("`{key}` is {kind}, not a text"))),
    }
}

fn optional_text(map: &Map, key: &str, code: &'static str) -> Result<(), Refused> {
    match text(map, key) {
        Field::Text(_) | Field::Missing => Ok(()),
        Field::Empty => Err(refused(code, format!("`{key}` is empty; leave it out or set it to ()"))),
        Field::Other(kind) => Err(refused(code, format!("`{key}` is {kind}, not a text"))),
    }
}

fn object(map: &Map, key: &str, code: &'static str) -> Result<(), Refused> {
    match map.get(key) {
        Some(value) if !value.is_unit() && !value.is_map() => {
            Err(refused(code, format!("`{key}` is {}, not a map", kind(value))))
        }
        _ => Ok(()),
    }
}

fn kind(value: &Dynamic) -> &'static str {
    crate::path::kind(value)
}
