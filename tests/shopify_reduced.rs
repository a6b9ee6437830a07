//! Shopify subscriptions may leave fields out of the bodies, and Shopify writes nothing in many ways: whatever is missing, no
//! delivery is lost, none passes for another, and no amount is wrong.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, reason = "a test fails by panicking")]

#[path = "support/mapping.rs"]
#[allow(dead_code, unreachable_pub, reason = "each test uses its part")]
mod mapping;

use std::collections::BTreeSet;

use mapping::explore_journeys;
use serde_json::{Value, json};

/// For each topic a body as small as a subscription may make it: neither id nor time.
fn reduced() -> Vec<(&'static str, Value)> {
    let order = json!({"email": "ada@example.com", "total_price": "10.00", "currency": "USD"});
    let mut bodies: Vec<_> = ["create", "updated", "cancelled", "fulfilled", "partially_fulfilled"]
        .map(|action| format!("orders/{action}"))
        .into_iter()
        .map(|topic| (&*topic.leak(), order.clone()))
        .collect();
    bodies.extend([
        ("orders/edited", json!({"order_edit": {"staff_note": "n"}})),
        ("refunds/create", json!({"note": "n"})),
        ("order_transactions/create", json!({"status": "failure", "amount": "10.00", "currency": "USD"})),
        ("checkouts/create", json!({"total_price": "10.00", "currency": "USD"})),
        ("checkouts/update", json!({"total_price": "10.00", "currency": "USD"})),
        ("carts/create", json!({"line_items": [{"quantity": 1}]})),
        ("carts/update", json!({"line_items": [{"quantity": 1}]})),
        ("customers/create", json!({"first_name": "Ada"})),
        ("customers/update", json!({"first_name": "Ada"})),
        ("customers/enable", json!({"first_name": "Ada"})),
        ("customers/disable", json!({"first_name": "Ada"})),
        ("customers_email_marketing_consent/update", json!({"email_marketing_consent": {"state": "subscribed"}})),
        ("customers_marketing_consent/update", json!({"sms_marketing_consent": {"state": "subscribed"}})),
        ("fulfillments/create", json!({"status": "success"})),
        ("fulfillments/update", json!({"status": "success", "shipment_status": "delivered"})),
        ("fulfillment_events/create", json!({"status": "in_transit"})),
        ("returns/request", json!({"status": "REQUESTED"})),
        ("returns/update", json!({"status": "OPEN"})),
    ]);
    bodies
}

#[test]
fn two_reduced_bodies_are_two_events_and_two_persons() {
    explore_journeys(&[], |run| {
        for (topic, body) in reduced() {
            let mut other = body.clone();
            other["other_field"] = 1.into();
            let bodies = [&body, &other].map(|body| (topic, body.to_string().into_bytes()));
            let (both, one) = (run(&bodies), run(&bodies[..1]));
            assert!(both.failures.is_empty(), "{topic}: {:?}", both.failures);
            assert!(!one.messages.is_empty(), "{topic}: {:?}", one.ends);
            assert_eq!(both.messages.len(), 2 * one.messages.len(), "{topic}: {:?}", both.ends);
            let ids: BTreeSet<_> = both.messages.iter().map(|message| message["messageId"].to_string()).collect();
            assert_eq!(ids.len(), both.messages.len(), "{topic}");
            let persons: BTreeSet<_> = both.messages.iter().map(|message| message["anonymousId"].to_string()).collect();
            assert_eq!(persons.len(), 2, "{topic}: {persons:?}");
        }
    });
}

#[test]
fn an_id_that_is_told_by_its_gid_only_is_the_same_id() {
    let topics = [
        ("orders/create", "Order", "order_id"),
        ("refunds/create", "Refund", "refund_id"),
        ("fulfillments/create", "Fulfillment", "fulfillment_id"),
        ("customers/create", "Customer", "customer_id"),
        ("returns/request", "Return", "return_id"),
    ];
    explore_journeys(&[], |run| {
        for (topic, kind, property) in topics {
            let gid = format!("gid://shopify/{kind}/820982911946154508");
            let bodies = [("id", json!(820_982_911_946_154_508_u64)), ("admin_graphql_api_id", json!(gid))];
            let [by_id, by_gid] = bodies.map(|(name, id)| {
                let body = json!({name: id, "order_id": 1});
                run(&[(topic, body.to_string().into_bytes())]).messages
            });
            assert_eq!(by_id, by_gid, "{topic}");
            let track = by_id.iter().find(|message| message["type"] == "track").unwrap();
            assert_eq!(track["properties"][property], "820982911946154508", "{topic}");
        }
    });
}
