//! The lint for the e-commerce spec, which is advice unless a test asks for more.

use serde_json::{Value, json};

use crate::support::segment::Lint;
use crate::{drop_codes, lenient, send_batch, track, warns};

/// Code, message that earns it, neighbour that does not.
fn cases() -> Vec<(&'static str, Value, Value)> {
    let order = |fields: Value| {
        let mut properties = json!({
            "order_id": "1", "subtotal": 22.5, "revenue": 22.5, "shipping": 3, "tax": 2, "discount": 2.5, "total": 27.5, "currency": "USD",
            "products": [{ "product_id": "a", "price": 19, "quantity": 1 }, { "sku": "b", "price": 3, "quantity": 2 }],
        });
        for (field, value) in fields.as_object().unwrap() {
            properties[field] = value.clone();
        }
        track(&json!({ "event": "Order Completed", "properties": properties }))
    };
    let good = || order(json!({}));
    let named = |event: &str| track(&json!({ "event": event, "properties": { "order_id": "1", "products": [] } }));
    let missing = track(&json!({ "event": "Order Completed", "properties": { "order_id": "1" } }));
    let product = |product: Value| {
        order(json!({ "products": [product], "discount": 0, "subtotal": 5, "revenue": 5, "total": 10 }))
    };
    vec![
        ("ecommerce_v1_event", named("Completed Order"), named("Order Completed")),
        ("ecommerce_v1_event", named("Order Canceled"), named("Order Cancelled")),
        ("ecommerce_event_name", named("order_completed"), named("Thing Done")),
        ("ecommerce_property_type", order(json!({ "tax": "2" })), good()),
        ("ecommerce_property_type", order(json!({ "order_id": 1 })), good()),
        ("ecommerce_v1_property", order(json!({ "orderId": "1" })), good()),
        ("ecommerce_currency", order(json!({ "currency": "usd" })), good()),
        ("ecommerce_currency", order(json!({ "currency": "ZZZ" })), order(json!({ "currency": "EUR" }))),
        ("ecommerce_order_incomplete", missing, good()),
        ("ecommerce_products", order(json!({ "products": {} })), good()),
        ("ecommerce_products", order(json!({ "products": [null] })), good()),
        (
            "ecommerce_products",
            product(json!({ "price": 5, "quantity": 1 })),
            product(json!({ "name": "x", "price": 5, "quantity": 1 })),
        ),
        (
            "ecommerce_products",
            product(json!({ "sku": "x", "quantity": 0 })),
            product(json!({ "sku": "x", "quantity": 1 })),
        ),
        ("ecommerce_money", order(json!({ "total": 27.49, "tax": 2.02 })), good()),
        ("ecommerce_money", order(json!({ "revenue": 25 })), good()),
        ("ecommerce_money", order(json!({ "discount": 0 })), order(json!({ "discount": 0.5 }))),
    ]
}

#[test]
fn commerce_events_are_linted() {
    let cases = cases();
    warns(cases.clone());
    let segment = lenient();
    segment.ecommerce(Lint::Drop);
    for (code, bad, _) in &cases {
        send_batch(&segment, std::slice::from_ref(bad));
        assert_eq!(drop_codes(&segment), [*code], "{bad}");
        segment.reset();
    }
    segment.ecommerce(Lint::Off);
    send_batch(&segment, &[cases[0].1.clone()]);
    assert!(segment.drops().is_empty() && segment.warnings().is_empty());
}
