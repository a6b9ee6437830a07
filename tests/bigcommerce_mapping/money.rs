//! What is told of an order adds up to its total, to the last digit, and is what Shopify's mapping tells of the same basket.

use cartwire::check::Expect;
use serde_json::Value;

use crate::cases::{load, map, map_one};

/// An amount in thousandths: exact for every amount that a shop can have.
fn mills(properties: &Value, name: &str) -> i64 {
    let value = &properties[name];
    if value.is_null() {
        return 0;
    }
    (value.as_f64().unwrap_or_else(|| panic!("{name} is {value}, not a number")) * 1000.0).round() as i64
}

#[test]
fn the_parts_of_every_order_and_refund_are_its_total() {
    let cases = load("bigcommerce");
    let names: Vec<_> = cases.iter().map(|case| case.name.clone()).collect();
    let (mut orders, mut refunds) = (0, 0);
    for (name, mapped) in names.iter().zip(map(&[("orders_from", "both")], cases)) {
        for message in mapped.messages.iter().filter(|message| message["event"].as_str().is_some_and(is_order)) {
            let properties = &message["properties"];
            let first = if message["event"] == "Order Refunded" { "subtotal" } else { "revenue" };
            let parts = [first, "shipping", "tax", "wrapping", "adjustment"].map(|part| mills(properties, part));
            assert_eq!(parts.iter().sum::<i64>(), mills(properties, "total"), "{name}: {properties:#}");
            for part in ["currency", "subtotal", "shipping", "tax", "total"] {
                assert!(!properties[part].is_null(), "{name} has no {part}");
            }
            if first == "revenue" {
                orders += 1;
                assert_eq!(mills(properties, "revenue"), mills(properties, "subtotal"), "{name}");
            } else {
                refunds += 1;
            }
        }
    }
    assert!(orders >= 25 && refunds >= 4, "{orders} orders, {refunds} refunds");
}

fn is_order(name: &str) -> bool {
    name.starts_with("Order ")
}

const PARTS: [&str; 5] = ["revenue", "shipping", "tax", "discount", "total"];

#[test]
fn orders_with_known_answers() {
    // revenue, shipping, tax, discount, total in thousandths
    let answers: [(&str, &str, &str, [i64; 5]); 6] = [
        ("scenario-09-order-created", "Order Completed", "USD", [54_900, 7_500, 4_390, 6_100, 66_790]),
        ("scenario-20-order-status-updated", "Order Cancelled", "USD", [54_900, 7_500, 4_390, 6_100, 66_790]),
        ("docs-order", "Order Completed", "USD", [53_440, 11_090, 5_310, 10_000, 69_840]),
        ("docs-order-without-lists", "Order Completed", "USD", [924_470, 7_390, 76_880, 0, 1_008_740]),
        ("edge-handling-and-wrapping", "Order Completed", "EUR", [56_670, 10_000, 14_170, 7_500, 85_000]),
        ("edge-yen", "Order Completed", "JPY", [5_490_000, 750_000, 439_000, 0, 6_679_000]),
    ];
    for (name, event, currency, answer) in answers {
        let mapped = map_one(&[], name);
        let properties = &mapped.only(event)["properties"];
        assert_eq!(properties["currency"], currency, "{name}");
        assert_eq!(PARTS.map(|part| mills(properties, part)), answer, "{name}");
    }
    let refund = map_one(&[], "scenario-18-order-refund-created");
    let properties = &refund.only("Order Refunded")["properties"];
    let got = ["subtotal", "tax", "shipping", "total"].map(|part| mills(properties, part));
    assert_eq!(got, [16_200, 1_300, 2_500, 20_000]);
}

/// The basket of the scenario is that of the Shopify order #1101: both mappings and the browser tell the same.
#[test]
fn the_same_basket_is_the_same_money_everywhere() {
    let shopify = load("shopify").into_iter().find(|case| case.name == "scenario-18-orders-create").unwrap();
    let Some(Expect::Messages(messages)) = shopify.expect else { panic!("Shopify's fixture has no messages") };
    let theirs = &messages.iter().find(|message| message["event"] == "Order Completed").unwrap()["properties"];
    let callback = map_one(&[], "scenario-09-order-created");
    let browser = map_one(&[("orders_from", "storefront")], "storefront-order-purchased");
    for ours in [callback, browser] {
        let ours = &ours.only("Order Completed")["properties"];
        for part in PARTS {
            assert_eq!(mills(ours, part), mills(theirs, part), "{part}");
        }
        assert_eq!((&ours["coupon"], &ours["currency"]), (&theirs["coupon"], &theirs["currency"]));
        let lines = |properties: &Value| -> Vec<[i64; 3]> {
            let products = properties["products"].as_array().unwrap();
            products.iter().map(|line| ["price", "quantity", "discount"].map(|field| mills(line, field))).collect()
        };
        assert_eq!(lines(ours), lines(theirs));
    }
}

#[test]
fn a_total_that_is_off_is_told_in_the_log() {
    let mapped = map_one(&[], "edge-off-by-some");
    assert_eq!(mapped.logs, ["warn: order 250: its total is off by 1.0000 USD from its parts"]);
    assert_eq!(map_one(&[], "edge-rounded-parts").logs, Vec::<String>::new());
}
