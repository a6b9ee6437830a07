//! From a callback to the event that scripts get, and what a callback says of itself.

use std::borrow::Cow;

use rhai::{Dynamic, ImmutableString, Map};
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::event::{Delivery, Event, Origin, Targets};
use crate::json;
use crate::source::orders::id_text;
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

    /// The scope without what all have: `order/created` of `store/order/created`, and of a channel's `store/channel/1/order/created`.
    pub(super) fn scope_in_store(&self) -> Option<&str> {
        let scope = self.scope.as_deref()?.strip_prefix("store/")?;
        let of_channel = scope.strip_prefix("channel/").and_then(|rest| rest.split_once('/'));
        Some(of_channel.filter(|(number, _)| number.parse::<u64>().is_ok()).map_or(scope, |(_, scope)| scope))
    }

    /// What tells it from every other callback of the store, if it is all there.
    pub(super) fn itself(&self) -> Option<[&str; 4]> {
        Some([self.producer.as_deref()?, self.scope.as_deref()?, self.hash.as_deref()?, self.created_at?.get()])
    }
}

/// What a callback about an order says of it.
#[derive(Deserialize)]
pub(super) struct Changed<'a> {
    #[serde(borrow)]
    data: About<'a>,
}

#[derive(Deserialize)]
struct About<'a> {
    #[serde(borrow, rename = "orderId")]
    camel: Option<&'a RawValue>,
    #[serde(borrow)]
    order_id: Option<&'a RawValue>,
    #[serde(borrow)]
    id: Option<&'a RawValue>,
    status: Option<Statuses>,
}

#[derive(Deserialize)]
#[allow(clippy::struct_field_names, reason = "as BigCommerce names them")]
struct Statuses {
    previous_status_id: Option<i64>,
    new_status_id: Option<i64>,
}

impl<'a> Changed<'a> {
    pub(super) fn read(body: &'a [u8]) -> Option<Self> {
        serde_json::from_slice(body).ok()
    }

    /// The number of the order.
    pub(super) fn order(&self) -> Option<String> {
        self.data.camel.or(self.data.order_id).or(self.data.id).and_then(id_text)
    }

    /// The numbers of its status before and after.
    pub(super) fn statuses(&self) -> Option<(i64, i64)> {
        let statuses = self.data.status.as_ref()?;
        statuses.previous_status_id.zip(statuses.new_status_id)
    }
}
