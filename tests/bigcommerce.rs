//! The shipped BigCommerce pipeline in the running binary: recorded callbacks in, a REST API on loopback that answers as documented,
//! and exactly the expected messages out.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

#[path = "bigcommerce/api.rs"]
mod api;
#[path = "browser/chromium.rs"]
#[allow(dead_code, reason = "each test uses its part")]
mod chromium;
#[path = "bigcommerce/shop.rs"]
mod shop;
#[path = "bigcommerce/storefront.rs"]
mod storefront;
mod support;

use std::time::Duration;

use serde_json::{Value, json};
use shop::{Shop, recorded, same};

const SOON: Duration = Duration::from_secs(30);

#[test]
fn the_recorded_journey_gives_exactly_the_expected_messages() {
    let mut shop = Shop::start(&[]);
    shop.api.refuse_next("v2/orders/250");
    let recorded = recorded();
    assert_eq!(recorded.len(), 24, "all recorded callbacks are there");
    for (name, headers, body) in &recorded {
        let headers: Vec<_> = headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        if name.starts_with("18-") {
            shop.settle();
            shop.api.refunded();
        }
        let reply = shop.cartwire.post(shop::CALLBACKS, &headers, body).unwrap();
        assert_eq!((reply.status, reply.body.len()), (200, 0), "{name}");
        let mut forged = body.clone();
        forged[20] ^= 1;
        assert_eq!(shop.cartwire.post(shop::CALLBACKS, &headers, &forged).unwrap().status, 401, "{name}");
        if name.starts_with("11-") {
            // The cart is gone from here on, and what comes late about it is about nothing.
            shop.settle();
            shop.api.converted(shop::CART);
            shop.callback(
                "store/cart/lineItem/deleted",
                &json!({ "type": "cart_line_item", "id": "x", "cartId": shop::CART }),
            );
        }
    }
    // The customer is told where something of him is new.
    let expected = shop::expected("scenario-journey");
    assert_eq!(expected.len(), 15);
    let received = shop.segment.wait_for(expected.len(), SOON);
    for (number, (want, got)) in expected.iter().zip(&received).enumerate() {
        assert!(same(want, &got.message), "message {number}:\n{}\nexpected\n{want:#}", got.raw);
    }
    assert_eq!(shop.segment.received().len(), expected.len(), "nothing came behind the expected messages");
    assert!(shop.segment.duplicates().is_empty(), "the customer as he is now is told once");

    let asked = shop.api.asked();
    assert!(asked.iter().all(|asked| asked.header("x-auth-token") == Some("test-token")));
    assert!(asked.iter().all(|asked| asked.header("accept") == Some("application/json")));
    let times = |path: &str| asked.iter().filter(|asked| asked.line.ends_with(path)).count();
    assert!(times("v2/orders/250") >= 2, "a refused call is made again");
    assert_eq!(times("v2/orders/250/shippingaddresses"), 1, "an order is completed once");
    shop.cartwire.stop();

    let order = received.iter().find(|stored| stored.message["event"] == "Order Completed").unwrap();
    let properties = &order.message["properties"];
    for (name, amount) in [("revenue", 54.90), ("shipping", 7.50), ("tax", 4.39), ("discount", 6.10), ("total", 66.79)]
    {
        assert_eq!(properties[name].as_f64(), Some(amount), "{name} in {properties:#}");
    }
}

/// Callbacks are sent again, come in any order, and the process dies in between: an order is completed once.
#[test]
fn an_order_is_completed_once_whatever_happens() {
    let mut shop = Shop::start(&[]);
    let recorded = recorded();
    let send = |shop: &Shop, step: &str| {
        let (_, headers, body) = recorded.iter().find(|(name, ..)| name.starts_with(step)).unwrap();
        let headers: Vec<_> = headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        assert_eq!(shop.cartwire.post(shop::CALLBACKS, &headers, body).unwrap().status, 200);
    };
    for step in ["13-", "10-", "10-"] {
        send(&shop, step);
    }
    shop.cartwire.kill9();
    shop.cartwire.restart();
    for step in ["09-", "10-", "09-", "17-", "17-"] {
        send(&shop, step);
    }
    // Deliveries are run one after another, so what came before it has been told too.
    shop.segment
        .wait_until(SOON, "the last one", |stored| stored.iter().any(|one| one.message["event"] == "Order Fulfilled"));
    let messages: Vec<_> = shop.segment.received().into_iter().chain(shop.segment.duplicates()).collect();
    let times = |event: &str| messages.iter().filter(|one| one.message["event"] == event).count();
    // What is delivered again goes on once, whether or not Segment would still know it.
    assert_eq!((times("Order Completed"), times("Order Fulfilled")), (1, 1));
    assert_eq!(times("Order Updated"), 0, "a change that overtakes the creation of its order is none");
    shop.cartwire.stop();
}

/// The browser's copy and the callback's are one event, and the order's is the browser's.
#[test]
fn browser_and_callback_tell_one_order() {
    for browser_first in [true, false] {
        let mut shop = Shop::start(&[("orders_from", "both")]);
        let purchased = include_str!("fixtures/payloads/bigcommerce/scenario/storefront/bodl_v1_order_purchased.json");
        let mut purchased: Value = serde_json::from_str(purchased).unwrap();
        purchased["anonymousId"] = json!("browser-1");
        purchased["cart"] = json!({ "id": shop::CART });
        let browser = |shop: &Shop| {
            let body = purchased.to_string();
            let origin = [("origin", "https://shop.example.com")];
            assert_eq!(shop.cartwire.post(shop::STOREFRONT, &origin, body.as_bytes()).unwrap().status, 200);
            shop.settle();
        };
        let callback = |shop: &Shop| {
            shop.callback("store/order/created", &json!({ "type": "order", "id": 250 }));
            shop.settle();
        };
        if browser_first {
            browser(&shop);
            callback(&shop);
        } else {
            callback(&shop);
            browser(&shop);
        }
        let completed = shop
            .segment
            .wait_until(SOON, "the order", |stored| stored.iter().any(|one| one.message["event"] == "Order Completed"));
        let completed: Vec<_> = completed.iter().filter(|one| one.message["event"] == "Order Completed").collect();
        assert_eq!(completed.len(), 1, "browser first: {browser_first}");
        assert_eq!(completed[0].message["properties"]["total"].as_f64(), Some(66.79));
        // What comes later of the order is of the same browser, whichever told the order.
        shop.callback("store/shipment/created", &json!({ "type": "shipment", "id": 12, "orderId": 250 }));
        let parcel = shop.segment.wait_until(SOON, "the parcel", |stored| {
            stored.iter().any(|one| one.message["event"] == "Fulfillment Created")
        });
        let parcel = parcel.iter().find(|one| one.message["event"] == "Fulfillment Created").unwrap();
        assert_eq!(parcel.message["anonymousId"], "browser-1");
        shop.cartwire.stop();
    }
}

/// While BigCommerce is away, callbacks wait; with a token that is refused, they become dead letters in the end.
#[test]
fn what_cannot_be_asked_waits() {
    let mut shop = Shop::start(&[]);
    shop.api.away(true);
    shop.callback("store/customer/created", &json!({ "type": "customer", "id": 32 }));
    shop.wait("a callback that waits", |books| books["held"] == 1);
    assert!(shop.segment.received().is_empty());
    shop.api.away(false);
    let received = shop.segment.wait_for(2, SOON);
    assert_eq!(received[1].message["event"], "Customer Created");
    shop.api.expect_token("another-token");
    shop.callback("store/customer/updated", &json!({ "type": "customer", "id": 32 }));
    shop.wait("a dead letter", |books| books["dead"] == 1);
    shop.cartwire.stop();
}

/// A burst about one thing is one call.
#[test]
fn callbacks_in_a_burst_share_an_answer() {
    let mut shop = Shop::start(&[("cache", "30s")]);
    for time in 0..10 {
        let data = json!({ "type": "customer", "id": 60, "address": { "customer_id": 32 } });
        shop.callback_at("store/customer/address/updated", &data, 1_777_903_384 + time);
    }
    shop.segment.wait_for(1, SOON);
    shop.settle();
    assert_eq!(shop.api.asked().len(), 1);
    assert_eq!(shop.segment.received().len(), 1, "what they tell is the same");
    shop.cartwire.stop();
}
