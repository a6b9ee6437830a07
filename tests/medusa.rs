//! The shipped Medusa pipeline against what the plugin that it replaces really sent, and against the spec.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, reason = "a test fails by panicking")]

#[path = "support/mapping.rs"]
#[allow(dead_code, unreachable_pub, reason = "each test uses its part")]
mod mapping;

use std::fs;
use std::path::{Path, PathBuf};

use cartwire::check::{Canned, Given};
use cartwire::lookup::Answer;
use mapping::{Mapped, map_asking, map_in};
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
    if map["type"] == "identify" || ["Order Cancelled", "Order Refunded", "Customer Created"].contains(&event.as_str())
    {
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
        assert!(
            mapped.failures.is_empty() && mapped.logs.is_empty(),
            "{stem}: {:?} {:?}",
            mapped.failures,
            mapped.logs
        );
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
        assert!(
            mapped.failures.is_empty() && mapped.logs.is_empty(),
            "{stem}: {:?} {:?}",
            mapped.failures,
            mapped.logs
        );
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

/// The query of the Admin API as the script asks it, so that the answers below are given to exactly that.
fn query(name: &str) -> String {
    let script = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/medusa/admin.rhai")).unwrap();
    let value = script.split(&format!("#{{ {name}: \"")).nth(1).unwrap().split('"').next().unwrap();
    url::form_urlencoded::Serializer::new(String::new()).append_pair(name, value).finish()
}

fn answer(path: &str, status: u16, body: Vec<u8>) -> Canned {
    let answer = Answer { status, body, ..Answer::default() };
    Canned { method: "GET".to_owned(), url: format!("https://medusa.example.com/admin/{path}"), sends: None, answer }
}

/// `{"order": …}` around the content of a file.
fn wrapped(name: &str, file: &str) -> Vec<u8> {
    [format!("{{\"{name}\":").as_bytes(), &read(file), b"}"].concat()
}

/// With `admin_url` and the host allowed, as the comments of the pipeline tell.
fn map_asking_admin(settings: &[(&str, &str)], deliveries: Vec<(Vec<u8>, Vec<Canned>)>) -> Vec<Mapped> {
    let mut settings = settings.to_vec();
    settings.extend([("admin_url", "https://medusa.example.com"), ("admin_token", "sk_test")]);
    let allow = |text: String| {
        let allowed = text.replace("# http: { allow: [medusa", "http: { allow: [medusa");
        assert_ne!(allowed, text, "the pipeline no longer tells how to allow the host");
        allowed
    };
    let given = |(body, http)| (Given::new(None, body), http);
    map_asking("medusa", &settings, allow, deliveries.into_iter().map(given).collect())
}

/// The forwarded event as a forwarder sends it that attaches nothing.
fn ids_only(body: &[u8]) -> Vec<u8> {
    let mut body: Value = serde_json::from_slice(body).unwrap();
    body.as_object_mut().unwrap().retain(|key, _| ["name", "data", "metadata"].contains(&key.as_str()));
    body.to_string().into_bytes()
}

#[test]
fn the_admin_api_completes_what_was_not_attached() {
    let pairs: Vec<_> = pairs("v1", ".segment.json").into_iter().filter(|(stem, ..)| stem != "claim.created").collect();
    let deliveries = pairs.iter().map(|(stem, body, _)| {
        let body: Value = serde_json::from_slice(&ids_only(body)).unwrap();
        let id = body["data"]["id"].as_str().unwrap();
        let order: Value = serde_json::from_slice(&read(&format!("v1/{stem}.order.json"))).unwrap();
        let order_path = format!("orders/{}?{}", order["id"].as_str().unwrap(), query("expand"));
        let mut http = vec![answer(&order_path, 200, wrapped("order", &format!("v1/{stem}.order.json")))];
        if stem.starts_with("swap.") {
            http.push(answer(&format!("swaps/{id}"), 200, wrapped("swap", &format!("v1/{stem}.swap.json"))));
        }
        (body.to_string().into_bytes(), http)
    });
    let mapped = map_asking_admin(&[PLUGIN], deliveries.collect());
    assert_eq!(mapped.len(), 7);
    for ((stem, _, expected), mapped) in pairs.into_iter().zip(mapped) {
        assert!(mapped.failures.is_empty(), "{stem}: {:?}", mapped.failures);
        let got: Vec<_> = mapped.messages.into_iter().map(comparable).collect();
        let expected: Vec<_> = expected.into_iter().map(comparable).collect();
        assert_eq!(got, expected, "{stem}");
    }
}

#[test]
fn the_admin_api_of_version_2_is_asked_in_its_own_way() {
    let body = read("v2/order.placed.forwarded.json");
    let order: Value = serde_json::from_slice(&read("v2/order.placed.admin-order.json")).unwrap();
    let path = format!("orders/{}?{}", order["id"].as_str().unwrap(), query("fields"));
    let http = vec![answer(&path, 200, wrapped("order", "v2/order.placed.admin-order.json"))];
    let asked = map_asking_admin(&[], vec![(ids_only(&body), http)]).remove(0);
    assert!(asked.failures.is_empty(), "{:?}", asked.failures);
    let attached = map(&[], vec![body]).remove(0);
    assert_eq!(asked.messages, attached.messages);
}

#[test]
fn what_the_admin_api_cannot_give_is_kept_with_its_reason() {
    let placed = ids_only(&read("v1/order.placed.forwarded.json"));
    let id = "orders/order_01M830KB8WPYESZT39C51YM9CT";
    let path = format!("{id}?{}", query("expand"));
    let claim = ids_only(&read("v1/claim.created.forwarded.json"));
    let shipment = ids_only(&read("v2/shipment.created.forwarded.json"));
    let mapped = map_asking_admin(
        &[],
        vec![
            (placed.clone(), vec![answer(&path, 401, vec![])]),
            (placed.clone(), vec![answer(&path, 404, vec![])]),
            (placed, vec![answer(&path, 503, vec![])]),
            (claim, vec![]),
            (shipment, vec![]),
        ],
    );
    let reasons = [
        "the Admin API answered 401 for orders/order_01M830KB8WPYESZT39C51YM9CT (admin_token)",
        "the Admin API answered 404 for orders/",
        "the Admin API answered 503 for orders/",
        "claim.created came without its claim: the forwarder attaches it",
        "shipment.created came without its fulfillment: the forwarder attaches it",
    ];
    for (mapped, reason) in mapped.iter().zip(reasons) {
        assert!(mapped.messages.is_empty());
        let told = format!("{:?} {:?}", mapped.failures, mapped.ends);
        assert!(told.contains(reason), "no {reason:?} in {told}");
    }
}
