//! The shipped Medusa pipeline against what the plugin that it replaces really sent, and against the spec.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, reason = "a test fails by panicking")]

#[path = "support/mapping.rs"]
#[allow(dead_code, unreachable_pub, reason = "each test uses its part")]
mod mapping;

use std::fs;
use std::path::{Path, PathBuf};

use cartwire::check::Given;
use mapping::{Mapped, map_in};
use serde_json::Value;

fn payloads() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/payloads/medusa")
}

fn read(file: &str) -> Vec<u8> {
    fs::read(payloads().join(file)).unwrap_or_else(|error| panic!("{file}: {error}"))
}

fn map(settings: &[(&str, &str)], bodies: Vec<Vec<u8>>) -> Vec<Mapped> {
    map_in("medusa", settings, bodies.into_iter().map(|body| Given::new(None, body)).collect())
}

const PLUGIN: (&str, &str) = ("mode", "plugin");

/// The forwarded events of a version beside which a file of that ending tells what must come of them.
fn pairs(version: &str, ending: &str) -> Vec<(String, Vec<u8>, Vec<Value>)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(payloads().join(version)).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let Some(stem) = name.strip_suffix(ending) else { continue };
        let body = read(&format!("{version}/{stem}.forwarded.json"));
        found.push((stem.to_owned(), body, serde_json::from_slice(&read(&format!("{version}/{name}"))).unwrap()));
    }
    found.sort_by(|one, other| one.0.cmp(&other.0));
    found
}

/// Takes out what is not comparable: ids and libraries, times that are a clock's, the order of products, which Medusa
/// does not keep.
fn comparable(mut message: Value) -> Value {
    let map = message.as_object_mut().unwrap();
    for key in ["messageId", "_metadata"] {
        map.remove(key);
    }
    let event = map.get("event").and_then(Value::as_str).unwrap_or_default().to_owned();
    if map["type"] == "identify" || ["Order Cancelled", "Order Refunded", "Customer Created"].contains(&event.as_str()) {
        map.remove("timestamp");
    }
    if let Some(context) = map.get_mut("context").and_then(Value::as_object_mut) {
        context.remove("library");
        if context.is_empty() {
            map.remove("context");
        }
    }
    if let Some(products) = message["properties"]["products"].as_array_mut() {
        products.sort_by_key(ToString::to_string);
    }
    message
}

#[test]
fn plugin_mode_sends_what_the_plugin_sent() {
    let pairs = pairs("v1", ".segment.json");
    let stems: Vec<_> = pairs.iter().map(|(stem, ..)| stem.as_str()).collect();
    assert_eq!(
        stems,
        [
            "claim.created",
            "order.canceled",
            "order.items_returned",
            "order.placed",
            "order.shipment_created",
            "swap.created",
            "swap.payment_completed",
            "swap.shipment_created"
        ]
    );
    let mapped = map(&[PLUGIN], pairs.iter().map(|(_, body, _)| body.clone()).collect());
    for ((stem, _, expected), mapped) in pairs.into_iter().zip(mapped) {
        assert!(mapped.failures.is_empty() && mapped.logs.is_empty(), "{stem}: {:?} {:?}", mapped.failures, mapped.logs);
        let got: Vec<_> = mapped.messages.into_iter().map(comparable).collect();
        let expected: Vec<_> = expected.into_iter().map(comparable).collect();
        for (got, want) in got.iter().zip(&expected) {
            assert_eq!(got, want, "{stem}\n{got:#}\nexpected\n{want:#}");
        }
        assert_eq!(got.len(), expected.len(), "{stem}");
    }
}

/// These say of a message only what can be said of version 2: nothing of contexts and shipping methods.
#[test]
fn plugin_mode_does_the_same_for_version_2() {
    let pairs = pairs("v2", ".derived-segment.json");
    assert_eq!(pairs.len(), 8);
    let mapped = map(&[PLUGIN], pairs.iter().map(|(_, body, _)| body.clone()).collect());
    for ((stem, _, expected), mapped) in pairs.into_iter().zip(mapped) {
        assert!(mapped.failures.is_empty() && mapped.logs.is_empty(), "{stem}: {:?} {:?}", mapped.failures, mapped.logs);
        assert_eq!(mapped.messages.len(), expected.len(), "{stem}");
        for (got, want) in mapped.messages.into_iter().zip(expected) {
            for key in ["type", "event", "userId", "traits"] {
                assert_eq!(got[key], want[key], "{stem}");
            }
            if let Some(time) = want["timestamp"].as_str() {
                assert_eq!(got["timestamp"], time, "{stem}");
            }
            let (got, want) = (comparable(got), comparable(want));
            assert_eq!(got["properties"], want["properties"], "{stem}\n{got:#}\nexpected\n{want:#}");
        }
    }
}
