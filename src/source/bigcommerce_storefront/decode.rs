//! From a post of the storefront script to the events in it.

use std::borrow::Cow;
use std::rc::Rc;

use rhai::{Array, Dynamic, ImmutableString, Map};
use serde::Deserialize;

use crate::event::{Delivery, Event, Origin, Targets};
use crate::json::{self, Tape};
use crate::source::{Refused, kind, time};

/// What the script tells beside the event; it becomes context, under these names.
const CONTEXT: [&str; 4] = ["page", "locale", "consent", "cart"];

/// One event for an object, one for each item of an array.
pub(super) fn events(delivery: &Delivery, store: &str) -> Vec<Result<Event, Refused>> {
    let (root, tape) = match json::decode_bytes(delivery.body.clone(), &json::Limits::default()) {
        Ok(decoded) => decoded,
        Err(error) => return vec![Err(Refused { code: "bad-json", reason: error.to_string() })],
    };
    match root.try_cast_result::<Array>() {
        Ok(items) => items.into_iter().map(|item| event(item, &tape, delivery, store)).collect(),
        Err(item) => vec![event(item, &tape, delivery, store)],
    }
}

fn event(mut item: Dynamic, tape: &Rc<Tape>, delivery: &Delivery, store: &str) -> Result<Event, Refused> {
    let refused = |reason| Refused { code: "bad-event", reason };
    let found = kind(&item);
    let Some(mut posted) = item.write_lock::<Map>() else {
        return Err(refused(format!("an event is an object, not {found}")));
    };
    let Some(name) = text(&posted, "event") else {
        return Err(refused("the object has no `event`, so it is not from the storefront script".to_owned()));
    };
    let payload = posted.remove("payload").unwrap_or_else(|| Dynamic::from_map(Map::new()));
    if !payload.is_map() {
        return Err(refused(format!("a `payload` is an object, not {}", kind(&payload))));
    }
    let told = text(&posted, "timestamp").filter(|text| time::parse_iso_ms(text).is_some());
    let mut event = Map::new();
    event.insert("type".into(), "track".into());
    event.insert("event".into(), name.into());
    event.insert("timestamp".into(), told.unwrap_or_else(|| time::iso(delivery.received_ms).into()).into());
    if let Some(id) = text(&posted, "anonymousId") {
        event.insert("anonymousId".into(), id.into());
    }
    event.insert("properties".into(), payload);
    event.insert("context".into(), context(&mut posted, delivery, store));
    Ok(Event {
        value: Dynamic::from_map(event),
        tape: Rc::clone(tape),
        origin: Origin::default(),
        targets: Targets::default(),
    })
}

fn context(posted: &mut Map, delivery: &Delivery, store: &str) -> Dynamic {
    let mut context = Map::new();
    for key in CONTEXT {
        if let Some(value) = posted.remove(key).filter(|value| !value.is_unit()) {
            context.insert(key.into(), value);
        }
    }
    let agent = delivery.header("user-agent").unwrap_or_default();
    for (key, value) in [("ip", delivery.peer.as_str()), ("userAgent", agent)] {
        if !value.is_empty() {
            context.insert(key.into(), value.to_owned().into());
        }
    }
    let mut named = Map::new();
    named.insert("hash".into(), store.to_owned().into());
    context.insert("store".into(), Dynamic::from_map(named));
    Dynamic::from_map(context)
}

fn text(map: &Map, key: &str) -> Option<ImmutableString> {
    map.get(key)?.read_lock::<ImmutableString>().filter(|text| !text.is_empty()).map(|text| text.clone())
}

/// All of an event that identity needs.
#[derive(Deserialize)]
struct Timed<'a> {
    #[serde(borrow)]
    timestamp: Option<Cow<'a, str>>,
    #[serde(borrow)]
    payload: Option<Payload<'a>>,
}

#[derive(Deserialize)]
struct Payload<'a> {
    #[serde(borrow)]
    event_id: Option<Cow<'a, str>>,
}

/// Whether every event in the body has an id or a time, by which it differs from the same action done again.
pub(super) fn is_one_of_its_kind(body: &[u8]) -> bool {
    let items: Vec<Timed<'_>> =
        serde_json::from_slice(body).or_else(|_| serde_json::from_slice(body).map(|one| vec![one])).unwrap_or_default();
    let marked = |item: &Timed<'_>| {
        item.timestamp.is_some() || item.payload.as_ref().is_some_and(|payload| payload.event_id.is_some())
    };
    !items.is_empty() && items.iter().all(marked)
}
