//! From a webhook to the event that scripts get.

use rhai::{Dynamic, Map};

use super::find;
use crate::event::{Delivery, Event, Origin, Targets};
use crate::json::{self, Mask};
use crate::source::{Refused, kind, time};

/// The body as the properties of a `track` event that is named by the topic: see the source's details for the contract.
pub(super) fn event(delivery: &Delivery, mask: &Mask) -> Result<Event, Refused> {
    let refused = |reason| Refused { code: "bad-json", reason };
    let (body, tape) = json::decode_masked(delivery.body.clone(), &json::Limits::default(), &mask.of_key("properties"))
        .map_err(|error| refused(error.to_string()))?;
    if !body.is_map() {
        return Err(refused(format!("a Shopify body is a JSON object, not {}", kind(&body))));
    }
    let triggered = find(delivery, "triggered-at").filter(|text| time::parse_iso_ms(text).is_some());
    let mut event = Map::new();
    event.insert("type".into(), "track".into());
    event.insert("event".into(), name(delivery).into());
    event.insert("timestamp".into(), triggered.map_or_else(|| time::iso(delivery.received_ms), str::to_owned).into());
    event.insert("properties".into(), body);
    event.insert("context".into(), context(delivery));
    Ok(Event { value: Dynamic::from_map(event), tape, origin: Origin::default(), targets: Targets::default() })
}

/// The topic; for the newer subscriptions, whose topic is a resource, `<Resource> <action>`.
fn name(delivery: &Delivery) -> String {
    let topic = find(delivery, "topic").unwrap_or_default();
    match find(delivery, "action") {
        Some(action) => format!("{topic} {action}"),
        None => topic.to_owned(),
    }
}

fn context(delivery: &Delivery) -> Dynamic {
    let mut shop = Map::new();
    for (key, header) in [("domain", "shop-domain"), ("api_version", "api-version")] {
        if let Some(value) = find(delivery, header) {
            shop.insert(key.into(), value.to_owned().into());
        }
    }
    if find(delivery, "test").is_some_and(|value| value != "false") {
        shop.insert("test".into(), true.into());
    }
    let mut context = Map::new();
    context.insert("shop".into(), Dynamic::from_map(shop));
    Dynamic::from_map(context)
}
