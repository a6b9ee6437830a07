//! From a forwarded event to the event that scripts get, and what makes two of them the same.

use rhai::{Dynamic, Map};
use serde::Deserialize;
use serde_json::Value;

use crate::event::{Delivery, Event, Origin, Targets};
use crate::json;
use crate::source::{Refused, default_identity, kind, listen, time};

/// The body as the properties of a `track` event that is named as on the bus: see the source's details for the contract.
pub(super) fn event(delivery: &Delivery) -> Result<Event, Refused> {
    let refused = |code, reason| Refused { code, reason };
    let (body, tape) = json::decode_bytes(delivery.body.clone(), &json::Limits::default())
        .map_err(|error| refused("bad-json", error.to_string()))?;
    let (name, timestamp) = {
        let Some(map) = body.read_lock::<Map>() else {
            return Err(refused("bad-json", format!("a forwarded event is a JSON object, not {}", kind(&body))));
        };
        let Some(name) = text(map.get("name")) else {
            return Err(refused("no-name", "the event has no `name`: forward what the subscriber got".to_owned()));
        };
        let metadata = map.get("metadata").and_then(Dynamic::read_lock::<Map>);
        let emitted = metadata.and_then(|metadata| text(metadata.get("created_at")));
        (name, emitted.filter(|time| time::parse_iso_ms(time).is_some()))
    };
    let mut event = Map::new();
    event.insert("type".into(), "track".into());
    event.insert("event".into(), name.into());
    // Version 1 tells no time: one that a reconciliation made is as old as its order.
    let timestamp = timestamp.or_else(|| delivery.reconciled().map(str::to_owned));
    event.insert("timestamp".into(), timestamp.unwrap_or_else(|| time::iso(delivery.received_ms)).into());
    event.insert("properties".into(), body);
    Ok(Event { value: Dynamic::from_map(event), tape, origin: Origin::default(), targets: Targets::default() })
}

fn text(value: Option<&Dynamic>) -> Option<String> {
    value?.as_immutable_string_ref().ok().filter(|text| !text.is_empty()).map(|text| text.to_string())
}

/// The event of a new order.
pub(super) const PLACED: &str = "order.placed";

/// All of a body that identity needs: the entities beside it differ from one retry to the next.
#[derive(Deserialize)]
struct Head {
    name: String,
    #[serde(default)]
    data: Value,
    #[serde(default)]
    metadata: Value,
}

/// The name, the ids and, where the bus tells it (version 2), when the event was emitted: all that a retry repeats.
///
/// An order is placed once: there the id is enough, so that one that a reconciliation tells (see [`super::orders`]), which cannot
/// know when the event was emitted, is the same as the one that the bus may still send.
///
/// Version 1 tells no time. There, the same name with the same ids is the same event, which holds for everything that happens
/// once to an order, a fulfillment or a return; rows that are sent whole (`customer.updated`) are told apart by `updated_at`.
/// What is updated without telling when (`cart.updated`) may be so many times: better told twice, if the bus sends one again,
/// than only the first time.
pub(super) fn identity(delivery: &Delivery) -> String {
    let Ok(head) = serde_json::from_slice::<Head>(&delivery.body) else { return default_identity(delivery) };
    let emitted = head.metadata["created_at"].as_str().filter(|_| head.name != PLACED).unwrap_or_default();
    if head.name.ends_with("updated") && emitted.is_empty() && head.data["updated_at"].is_null() {
        return default_identity(delivery);
    }
    let mut parts = vec![delivery.pipeline.to_string(), delivery.source.to_string(), "medusa".to_owned(), head.name];
    parts.push(emitted.to_owned());
    let before = parts.len();
    match &head.data {
        Value::Object(row) => {
            for (key, value) in row {
                if key == "id" || key.ends_with("_id") || (key == "updated_at" && emitted.is_empty()) {
                    parts.extend(ids(value).map(|id| format!("{key}={id}")));
                }
            }
        }
        data => parts.extend(ids(data).map(str::to_owned)),
    }
    if parts.len() == before {
        // No id anywhere: only the same data is the same event.
        parts.push(head.data.to_string());
    }
    // An object's members in another order are the same object.
    parts[before..].sort_unstable();
    listen::digest(&parts.iter().map(String::as_str).collect::<Vec<_>>())
}

/// The texts of an id: one, or several of a list.
fn ids(value: &Value) -> impl Iterator<Item = &str> {
    value.as_array().map_or(std::slice::from_ref(value), Vec::as_slice).iter().filter_map(Value::as_str)
}

/// The id of the order that a body tells as placed.
pub(super) fn placed(body: &[u8]) -> Option<String> {
    let head: Head = serde_json::from_slice(body).ok().filter(|head: &Head| head.name == PLACED)?;
    match &head.data {
        Value::Object(data) => data.get("id")?.as_str().map(str::to_owned),
        data => data.as_str().map(str::to_owned),
    }
}
