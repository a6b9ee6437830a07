//! From a request of any content to events.

use std::rc::Rc;

use rhai::{Dynamic, Map};

use super::template::Template;
use crate::event::{Delivery, Event, Origin, Targets};
use crate::json::{self, Mask, Tape};
use crate::source::{Refused, form, time};

/// The name of an event whose template finds nothing.
const NAME: &str = "Webhook Received";

/// One event, or with `split` one for each item of an array.
pub(super) fn events(delivery: &Delivery, name: &Template, split: bool, mask: &Mask) -> Vec<Result<Event, Refused>> {
    let (content, tape) = match content(delivery, &of_body(name, split, mask)) {
        Ok(content) => content,
        Err(refused) => return vec![Err(refused)],
    };
    let one = |properties: Dynamic| Ok(event(delivery, name, properties, Rc::clone(&tape)));
    if !content.is_array() {
        return vec![one(properties(content))];
    }
    if split {
        return content.into_array().unwrap_or_default().into_iter().map(|item| one(properties(item))).collect();
    }
    vec![one(wrap("items", content))]
}

/// What is needed of a body, which may be an object or an array: see [`properties`].
fn of_body(name: &Template, split: bool, mask: &Mask) -> Mask {
    let mut of_one = mask.of_key("properties");
    name.fields().for_each(|field| field.iter().fold(&mut of_one, |at, key| at.key(key)).take_whole());
    let wrapped = of_one.of_key("items").of_items();
    of_one.items().merge(&wrapped);
    if split {
        let of_item = of_one.clone();
        of_one.items().merge(&of_item);
    }
    of_one
}

fn event(delivery: &Delivery, name: &Template, properties: Dynamic, tape: Rc<Tape>) -> Event {
    let name = properties.read_lock::<Map>().and_then(|body| name.fill(delivery, &body));
    let mut event = Map::new();
    event.insert("type".into(), "track".into());
    event.insert("event".into(), name.unwrap_or_else(|| NAME.to_owned()).into());
    event.insert("timestamp".into(), time::iso(delivery.received_ms).into());
    event.insert("properties".into(), properties);
    Event { value: Dynamic::from_map(event), tape, origin: Origin::default(), targets: Targets::default() }
}

/// Properties are a map: anything else stands under a key.
fn properties(value: Dynamic) -> Dynamic {
    if value.is_map() {
        value
    } else if value.is_array() {
        wrap("items", value)
    } else {
        wrap("value", value)
    }
}

fn wrap(key: &str, value: Dynamic) -> Dynamic {
    Dynamic::from_map(Map::from([(key.into(), value)]))
}

/// What the body holds. Declared JSON must be JSON; what looks like JSON is read as JSON under any name, because `curl -d` and browsers
/// without preflight send it so.
fn content(delivery: &Delivery, mask: &Mask) -> Result<(Dynamic, Rc<Tape>), Refused> {
    let body = delivery.body.as_ref();
    let declared = delivery.header("content-type").unwrap_or_default().to_ascii_lowercase();
    let media = declared.split(';').next().unwrap_or_default().trim();
    if body.iter().all(u8::is_ascii_whitespace) {
        return Ok((Dynamic::from_map(form::map(delivery.query.as_bytes())), Rc::default()));
    }
    let is_json = media == "application/json" || media.ends_with("+json");
    let looks_json = body.iter().find(|byte| !byte.is_ascii_whitespace()).is_some_and(|byte| b"{[".contains(byte));
    if is_json || looks_json {
        match json::decode_masked(delivery.body.clone(), &json::Limits::default(), mask) {
            Ok(decoded) => return Ok(decoded),
            Err(error) if is_json => return Err(Refused { code: "bad-json", reason: error.to_string() }),
            Err(_) => {}
        }
    }
    if media == "application/x-www-form-urlencoded" {
        return Ok((Dynamic::from_map(form::map(body)), Rc::default()));
    }
    match std::str::from_utf8(body) {
        Ok(text) => Ok((wrap("text", text.into()), Rc::default())),
        Err(error) => {
            Err(Refused { code: "not-text", reason: format!("the body is neither JSON nor UTF-8 text: {error}") })
        }
    }
}
