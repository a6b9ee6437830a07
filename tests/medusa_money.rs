//! The money of the shipped Medusa mapping: what is told of an order adds up to its total, to the last digit.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, reason = "a test fails by panicking")]

#[path = "support/mapping.rs"]
#[allow(dead_code, unreachable_pub, reason = "each test uses its part")]
mod mapping;

use std::collections::BTreeMap;
use std::path::Path;
use std::str::FromStr;

use cartwire::check::{self, Given};
use cartwire::tree::Tree;
use mapping::map_in;
use rust_decimal::Decimal;
use serde_json::Value;

/// Currencies of which the fixtures have orders, with their decimals; Medusa's own where it differs from ISO 4217.
const DECIMALS: [(&str, u32); 5] = [("CHF", 2), ("EUR", 2), ("JPY", 0), ("KWD", 3), ("USD", 2)];

/// Everything that forwarders send in the fixtures, the deliveries of journeys one by one.
fn forwarded() -> Vec<(String, Vec<u8>)> {
    let (cases, problems) = check::load(Path::new(env!("CARGO_MANIFEST_DIR")), &mut Tree::new());
    assert!(problems.is_empty(), "{problems:?}");
    let mut found = Vec::new();
    for case in cases.into_iter().filter(|case| case.pipeline.starts_with("medusa")) {
        let sent = |given: &&Given| given.source.as_deref() == Some("medusa") && given.status.is_none();
        for (at, given) in case.given.iter().filter(sent).enumerate() {
            found.push((format!("{}/{} ({at})", case.pipeline, case.name), given.body.clone()));
        }
    }
    found
}

/// An amount as it leaves; nothing is nothing.
fn amount(properties: &Value, name: &str) -> Decimal {
    match &properties[name] {
        Value::Null => Decimal::ZERO,
        Value::Number(number) => Decimal::from_str(&number.to_string()).unwrap(),
        other => panic!("{name} is {other}"),
    }
}

#[test]
fn the_parts_of_every_order_are_its_total() {
    let forwarded = forwarded();
    let given = forwarded.iter().map(|(_, body)| Given::new(None, body.clone())).collect();
    let mapped = map_in("medusa", &[("mode", "clean")], given);
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for ((name, _), mapped) in forwarded.iter().zip(mapped) {
        for message in mapped.messages.iter().filter(|message| message["properties"].get("revenue").is_some()) {
            let event = message["event"].as_str().unwrap();
            let told = &message["properties"];
            let currency = told["currency"].as_str().unwrap();
            *counts.entry(event.to_owned()).or_default() += 1;
            *counts.entry(currency.to_owned()).or_default() += 1;

            let parts: Decimal =
                ["revenue", "shipping", "tax", "adjustment"].iter().map(|part| amount(told, part)).sum();
            assert_eq!(parts, amount(told, "total"), "{name}, {event}: {told:#}");
            assert_eq!(amount(told, "revenue"), amount(told, "subtotal"), "{name}, {event}");
            let decimals = DECIMALS.iter().find(|(code, _)| *code == currency);
            let (_, decimals) = decimals.unwrap_or_else(|| panic!("{name}: how many decimals has {currency}?"));
            for part in ["total", "revenue", "subtotal", "shipping", "tax", "discount", "gift_card", "adjustment"] {
                assert!(amount(told, part).normalize().scale() <= *decimals, "{name}, {event}: {part} in {told:#}");
            }
            if told.get("products_count").is_none() {
                worth_of_products(told, *decimals, &format!("{name}, {event}"));
            }
        }
    }
    // What is asserted above is asserted of something.
    for (what, at_least) in
        [("Order Completed", 30), ("Order Cancelled", 2), ("Order Refunded", 8), ("JPY", 2), ("KWD", 2), ("USD", 2)]
    {
        assert!(counts.get(what).is_some_and(|count| *count >= at_least), "{what} in {counts:?}");
    }
}

/// The products are worth the revenue, but for what rounding one piece of each leaves over.
fn worth_of_products(told: &Value, decimals: u32, what: &str) {
    let (mut worth, mut pieces) = (Decimal::ZERO, Decimal::ZERO);
    for product in told["products"].as_array().unwrap() {
        let quantity = amount(product, "quantity");
        worth += amount(product, "price") * quantity - amount(product, "discount");
        pieces += quantity + Decimal::ONE;
    }
    let off = (worth - amount(told, "revenue")).abs();
    assert!(off <= pieces * Decimal::new(5, decimals + 1), "{what}: {worth} in {told:#}");
}
