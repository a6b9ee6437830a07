//! From a posted body to the event that scripts get.

use rhai::{Dynamic, Map};

use super::posted::Posted;
use crate::event::{Delivery, Event, Origin, Targets};
use crate::json;
use crate::source::{Refused, kind, time};

/// What the pixel may say around an event, and scripts get in `context.pixel`.
const AROUND: [&str; 3] = ["cart", "customer", "consent"];

/// The customer event as the properties of a `track` event of its name: see the source's details for the contract.
pub(super) fn event(delivery: &Delivery, shop: impl FnOnce(&Posted<'_>) -> Option<String>) -> Result<Event, Refused> {
    let refused = |reason| Refused { code: "bad-json", reason };
    let (mut body, tape) = json::decode_bytes(delivery.body.clone(), &json::Limits::default())
        .map_err(|error| refused(error.to_string()))?;
    let posted = Posted::of(&delivery.body).map_err(refused)?;
    let found = kind(&body);
    let Unpacked { event, around, sent_ms } = unpacked(&mut body);
    let body = event.unwrap_or(body);
    let Some(pixel) = body.read_lock::<Map>() else {
        return Err(refused(format!("a customer event is a JSON object, not {found}")));
    };
    let client = pixel.get("clientId").filter(|id| id.is_string()).cloned();
    let timestamp = timestamp(pixel.get("timestamp"), sent_ms, delivery.received_ms);
    drop(pixel);

    let mut event = Map::new();
    event.insert("type".into(), "track".into());
    event.insert("event".into(), posted.name().to_owned().into());
    event.insert("timestamp".into(), timestamp.into());
    if let Some(client) = client {
        event.insert("anonymousId".into(), client);
    }
    event.insert("context".into(), context(delivery, shop(&posted), around));
    event.insert("properties".into(), body);
    Ok(Event { value: Dynamic::from_map(event), tape, origin: Origin::default(), targets: Targets::default() })
}

/// What an envelope held.
#[derive(Default)]
struct Unpacked {
    event: Option<Dynamic>,
    around: Map,
    sent_ms: Option<i64>,
}

/// Takes an envelope apart; nothing of an event that stands alone.
fn unpacked(body: &mut Dynamic) -> Unpacked {
    let Some(mut outer) = body.write_lock::<Map>() else { return Unpacked::default() };
    let Some(event) = outer.remove("event").filter(|event| !event.is_unit()) else { return Unpacked::default() };
    let sent_ms = outer.get("sentAt").and_then(time_of);
    // A null stays: of the customer it says that nobody is logged in.
    let around = AROUND.iter().filter_map(|name| Some(((*name).into(), outer.remove(*name)?))).collect();
    Unpacked { event: Some(event), around, sent_ms }
}

/// The event's own time, corrected for a browser whose clock is wrong: the pixel says when it sent, and that was about now.
fn timestamp(own: Option<&Dynamic>, sent_ms: Option<i64>, received_ms: i64) -> String {
    match (own.and_then(time_of), sent_ms) {
        (Some(own_ms), Some(sent_ms)) => time::iso(received_ms.saturating_sub(sent_ms.saturating_sub(own_ms))),
        (Some(own_ms), None) => time::iso(own_ms),
        (None, _) => time::iso(received_ms),
    }
}

fn context(delivery: &Delivery, shop: Option<String>, around: Map) -> Dynamic {
    let mut context = Map::new();
    if let Some(domain) = shop {
        let mut shop = Map::new();
        shop.insert("domain".into(), domain.into());
        context.insert("shop".into(), Dynamic::from_map(shop));
    }
    context.insert("pixel".into(), Dynamic::from_map(around));
    for (key, value) in
        [("ip", delivery.peer.as_str()), ("userAgent", delivery.header("user-agent").unwrap_or_default())]
    {
        if !value.is_empty() {
            context.insert(key.into(), value.to_owned().into());
        }
    }
    Dynamic::from_map(context)
}

fn time_of(value: &Dynamic) -> Option<i64> {
    time::parse_iso_ms(&value.read_lock::<rhai::ImmutableString>()?)
}
