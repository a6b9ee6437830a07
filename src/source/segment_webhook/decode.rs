//! From a request of the Webhook destination to the events in it.

use std::rc::Rc;

use rhai::{Array, Dynamic, ImmutableString, Map};
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::event::{Delivery, Event, Origin, Targets};
use crate::json::{self, Mask, Tape};
use crate::source::{Refused, kind, listen, time};

/// What Segment's servers added: it would say something wrong about a message that is sent anew.
const SERVER_OWNED: [&str; 8] =
    ["receivedAt", "sentAt", "originalTimestamp", "channel", "version", "projectId", "_metadata", "writeKey"];

/// One event for an object, one for each item of an array.
pub(super) fn events(delivery: &Delivery, mask: &Mask) -> Vec<Result<Event, Refused>> {
    let mut of_body = mask.clone();
    *of_body.items() = mask.clone();
    let (root, tape) = match json::decode_masked(delivery.body.clone(), &json::Limits::default(), &of_body) {
        Ok(decoded) => decoded,
        Err(error) => return vec![Err(Refused { code: "bad-json", reason: error.to_string() })],
    };
    match root.try_cast_result::<Array>() {
        Ok(items) => items.into_iter().map(|item| event(item, &tape, delivery)).collect(),
        Err(item) => vec![event(item, &tape, delivery)],
    }
}

fn event(mut item: Dynamic, tape: &Rc<Tape>, delivery: &Delivery) -> Result<Event, Refused> {
    let found = kind(&item);
    // Edited where it stands: taken out of its value, the map would lose the mark by which the writer finds its source text.
    match item.write_lock::<Map>() {
        Some(mut map) => clean(&mut map, delivery)?,
        None => return Err(Refused { code: "bad-message", reason: format!("a message is an object, not {found}") }),
    }
    Ok(Event { value: item, tape: Rc::clone(tape), origin: Origin::default(), targets: Targets::default() })
}

fn clean(map: &mut Map, delivery: &Delivery) -> Result<(), Refused> {
    if !map.get("type").is_some_and(is_text) {
        let reason = "the object has no `type`, so it is not a whole event: map the destination's data to `$.`";
        return Err(Refused { code: "bad-message", reason: reason.to_owned() });
    }
    if !map.get("timestamp").is_some_and(is_text) {
        // Segment always sends one; a mapping may have left it out.
        let original = map.get("originalTimestamp").filter(|value| is_text(value)).cloned();
        map.insert("timestamp".into(), original.unwrap_or_else(|| time::iso(delivery.received_ms).into()));
    }
    for key in SERVER_OWNED {
        map.remove(key);
    }
    Ok(())
}

fn is_text(value: &Dynamic) -> bool {
    value.read_lock::<ImmutableString>().is_some_and(|text| !text.is_empty())
}

/// All of a message that identity needs.
#[derive(Deserialize)]
struct Identified<'a> {
    #[serde(rename = "messageId", borrow)]
    message_id: Option<&'a RawValue>,
}

/// The ids of the messages, as Segment keeps them over its retries; of what has none (deletions, mapped bodies), the body, which it
/// sends again as it was.
pub(super) fn identity(delivery: &Delivery) -> String {
    let text = std::str::from_utf8(&delivery.body).unwrap_or_default();
    let messages: Vec<Identified<'_>> =
        serde_json::from_str(text).or_else(|_| serde_json::from_str(text).map(|one| vec![one])).unwrap_or_default();
    let ids: Option<Vec<&str>> =
        messages.iter().map(|message| message.message_id.map(RawValue::get).filter(|id| *id != "\"\"")).collect();
    let mut parts = vec![&*delivery.pipeline, &*delivery.source, "segment_webhook"];
    match ids.filter(|ids| !ids.is_empty()) {
        Some(ids) => parts.extend(ids),
        // Told apart from a list of ids, which are JSON.
        None => parts.extend(["body", text]),
    }
    listen::digest(&parts)
}
