//! From a callback to the event that scripts get, and what a callback says of itself.

use std::borrow::Cow;

use rhai::{Dynamic, ImmutableString, Map};
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::event::{Delivery, Event, Origin, Targets};
use crate::json;
use crate::source::{Refused, kind, time};

/// What stands before the store's hash in `producer`.
const PRODUCER: &str = "stores/";

/// The callback as the properties of a `track` event that is named by the scope: see the source's details for the contract.
pub(super) fn event(delivery: &Delivery) -> Result<Event, Refused> {
    let refused = |code, reason| Refused { code, reason };
    let (body, tape) = json::decode_bytes(delivery.body.clone(), &json::Limits::default())
        .map_err(|error| refused("bad-json", error.to_string()))?;
    let Some(map) = body.read_lock::<Map>() else {
        return Err(refused("bad-json", format!("a callback is a JSON object, not {}", kind(&body))));
    };
    let Some(scope) = text(&map, "scope") else {
        let reason = "the object has no `scope`, so it is not a callback of BigCommerce";
        return Err(refused("bad-callback", reason.to_owned()));
    };
    let context = context(&map);
    let created_ms = map.get("created_at").and_then(|value| value.as_int().ok()).map(|s| s.saturating_mul(1000));
    drop(map);
    let mut event = Map::new();
    event.insert("type".into(), "track".into());
    event.insert("event".into(), scope.into());
    event.insert("timestamp".into(), time::iso(created_ms.unwrap_or(delivery.received_ms)).into());
    event.insert("properties".into(), body);
    event.insert("context".into(), context);
    Ok(Event { value: Dynamic::from_map(event), tape, origin: Origin::default(), targets: Targets::default() })
}

fn context(body: &Map) -> Dynamic {
    let mut store = Map::new();
    if let Some(producer) = text(body, "producer")
        && let Some(hash) = producer.strip_prefix(PRODUCER)
    {
        store.insert("hash".into(), hash.into());
    }
    if let Some(id) = text(body, "store_id") {
        store.insert("id".into(), id.into());
    }
    let mut context = Map::new();
    context.insert("store".into(), Dynamic::from_map(store));
    Dynamic::from_map(context)
}

fn text(map: &Map, key: &str) -> Option<ImmutableString> {
    map.get(key)?.read_lock::<ImmutableString>().filter(|text| !text.is_empty()).map(|text| text.clone())
}

/// What a callback says of itself, as far as it is needed outside of its event.
#[derive(Default, Deserialize)]
pub(super) struct Named<'a> {
    #[serde(borrow)]
    scope: Option<Cow<'a, str>>,
    #[serde(borrow)]
    producer: Option<Cow<'a, str>>,
    #[serde(borrow)]
    hash: Option<Cow<'a, str>>,
    #[serde(borrow)]
    created_at: Option<&'a RawValue>,
}

impl<'a> Named<'a> {
    /// Nothing of a body that is no callback.
    pub(super) fn read(body: &'a [u8]) -> Self {
        serde_json::from_slice(body).unwrap_or_default()
    }

    /// The hash of the store, as it stands in addresses of the API.
    pub(super) fn store(&self) -> Option<&str> {
        self.producer.as_deref()?.strip_prefix(PRODUCER).filter(|store| !store.is_empty())
    }

    /// What tells it from every other callback of the store, if it is all there.
    pub(super) fn itself(&self) -> Option<[&str; 4]> {
        Some([self.producer.as_deref()?, self.scope.as_deref()?, self.hash.as_deref()?, self.created_at?.get()])
    }
}
