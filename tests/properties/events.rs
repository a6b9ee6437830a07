//! Random events: valid ones, odd ones, and what is none.

use proptest::prelude::*;
use serde_json::{Value, json};

/// A value of properties, traits or context.
fn values() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        (-1000..1000_i32).prop_map(|cents| json!(f64::from(cents) / 100.0)),
        "\\PC{0,12}".prop_map(Value::from),
        Just(json!(" Jane@Example.com ")),
    ];
    leaf.prop_recursive(3, 24, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map("[a-z]{1,6}", inner, 0..4).prop_map(|map| map.into_iter().collect()),
        ]
    })
}

/// A map with members that scripts look for.
fn maps() -> impl Strategy<Value = Value> {
    let known = prop_oneof![
        Just("products"),
        Just("email"),
        Just("order_id"),
        Just("revenue"),
        Just("page"),
        Just("internal"),
        Just("n"),
    ];
    let products = prop::collection::vec((0..5_i64, 0..9999_i64), 0..4).prop_map(|lines| {
        lines.iter().map(|(quantity, cents)| json!({"sku": format!("S-{cents}"), "quantity": quantity, "price": *cents as f64 / 100.0})).collect()
    });
    let member = (known.prop_map(str::to_owned), prop_oneof![values(), products]);
    prop::collection::vec(member, 0..5).prop_map(|members| Value::Object(members.into_iter().collect()))
}

/// An event that Segment would take.
pub(super) fn event() -> impl Strategy<Value = Value> {
    let kind = prop_oneof![3 => Just("track"), 1 => Just("identify"), 1 => Just("page"), 1 => Just("group")];
    let name = prop_oneof![Just("Order Completed"), Just("Completed Order"), Just("Debug Ping"), Just("A")];
    let id = prop::option::of("[a-z0-9-]{1,20}");
    (kind, name, id, 0..4_u8, maps(), maps(), maps()).prop_map(|(kind, name, id, user, properties, traits, context)| {
        let mut event = json!({
            "type": kind, "userId": format!("u-{user}"), "timestamp": "2026-01-15T10:20:29.213Z", "context": context,
        });
        let (more, value) = match kind {
            "track" => (Some(("event", name)), ("properties", properties)),
            "page" => (None, ("properties", properties)),
            "group" => (Some(("groupId", "g")), ("traits", traits)),
            _ => (None, ("traits", traits)),
        };
        if let Some((key, text)) = more {
            event[key] = text.into();
        }
        event[value.0] = value.1;
        if let Some(id) = id {
            event["messageId"] = id.into();
        }
        event
    })
}

/// What may come in: an event, a batch of them, or something else.
pub(super) fn body() -> impl Strategy<Value = Value> {
    prop_oneof![4 => event(), 2 => prop::collection::vec(event(), 0..5).prop_map(Value::from), 1 => values()]
}
