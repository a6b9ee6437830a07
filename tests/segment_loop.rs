//! Two Segment sources with the shipped `segment_webhook` pipeline between them: what the first one's Webhook destination sends
//! arrives rewritten in the second one, and what comes round again goes no further.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use std::path::Path;
use std::time::{Duration, Instant};

use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha1::Sha1;
use support::{Cartwire, FakeSegment, Project};

const SECRET: &str = "shared-secret";
const ADDRESS: &str = "/segment_webhook/segment_webhook";
const SOON: Duration = Duration::from_secs(30);

fn shipped(path: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
}

/// The shipped pipeline, sending to the fake Segment.
fn project() -> Project {
    let pipeline = shipped("pipelines/segment_webhook.yaml")
        .replace("write_key: ${SEGMENT_WRITE_KEY}", "write_key: ${SEGMENT_WRITE_KEY}\n      endpoint: ${SEGMENT_URL}");
    assert!(pipeline.contains("SEGMENT_URL"));
    Project::new()
        .pipeline("segment_webhook", &pipeline)
        .script("segment_webhook.rhai", &shipped("scripts/segment_webhook.rhai"))
}

/// What a Webhook destination of Segment does with events: one alone is an object, several are an array.
fn webhook(cartwire: &Cartwire, events: &[Value], secret: &str) -> u16 {
    let first = events[0].to_string();
    let body = if events.len() == 1 { first.clone() } else { Value::from(events.to_vec()).to_string() };
    let mut mac = Hmac::<Sha1>::new_from_slice(secret.as_bytes()).unwrap();
    mac.update(first.as_bytes());
    let signature = hex::encode(mac.finalize().into_bytes());
    let headers = [("content-type", "application/json"), ("x-signature", &*signature)];
    cartwire.post(ADDRESS, &headers, body.as_bytes()).unwrap().status
}

/// What Segment's servers make of a message before they hand it on.
fn through_segment(message: &Value) -> Value {
    let mut message = message.clone();
    for key in ["receivedAt", "sentAt", "originalTimestamp"] {
        message[key] = "2026-01-15T10:20:31.000Z".into();
    }
    message["version"] = 2.into();
    message["projectId"] = "exampleProject".into();
    message
}

fn books(cartwire: &Cartwire) -> Value {
    cartwire.admin("/status").json()["pipelines"][0]["ledger"].clone()
}

fn event(id: &str) -> Value {
    json!({
        "type": "track", "event": "Completed Order", "messageId": id, "userId": "u-1001", "timestamp": "2026-01-15T10:20:29.213Z",
        "context": { "library": { "name": "analytics.js" } },
        "properties": { "order_id": "7", "products": [{ "sku": "MUG-BLU", "quantity": 2 }] },
    })
}

#[test]
fn what_comes_round_again_is_dropped_and_what_is_new_goes_on() {
    let segment = FakeSegment::start();
    let envs =
        [("SEGMENT_URL", &*segment.url()), ("SEGMENT_WEBHOOK_SECRET", SECRET), ("SEGMENT_WRITE_KEY", "source-b")];
    let mut cartwire = Cartwire::start_with(&project(), &[], &envs);
    assert_eq!(webhook(&cartwire, &[through_segment(&event("ajs-0001-order"))], SECRET), 200);
    let first = segment.wait_for(1, SOON);
    assert_eq!(first[0].message["event"], "Order Completed");
    assert_eq!(first[0].message["messageId"], "ajs-0001-order");
    assert_eq!(first[0].message["properties"]["num_items"], 2);
    assert_eq!(first[0].message["context"]["library"]["name"], "analytics.js");
    assert!(first[0].message.get("projectId").is_none());

    // The second source sends to the first one: all that arrived there comes back, alone and in a batch with a new event. A loop
    // without its guard would send on what it just got in every round.
    let mut returned = 0;
    for round in 1..=5 {
        let arrived: Vec<Value> = segment.received().iter().map(|stored| through_segment(&stored.message)).collect();
        let mut batch = arrived.clone();
        batch.push(through_segment(&event(&format!("ajs-0001-new-{round}"))));
        assert_eq!(webhook(&cartwire, &arrived[..1], SECRET), 200);
        assert_eq!(webhook(&cartwire, &batch, SECRET), 200);
        returned += 1 + arrived.len();
        segment.wait_for(1 + round, SOON);
    }
    let deadline = Instant::now() + SOON;
    let books = loop {
        let books = books(&cartwire);
        if books["dropped"] == returned || Instant::now() > deadline {
            break books;
        }
        std::thread::sleep(Duration::from_millis(20));
    };
    assert_eq!(books["dropped"], returned, "{books:#}");
    assert!(books.to_string().contains("loop_detected"), "{books:#}");
    assert_eq!(webhook(&cartwire, &[event("ajs-0001-forged")], "another-secret"), 401);
    cartwire.stop();
    assert_eq!(segment.received().len(), 6, "the first event and one new one of each round");
    assert!(segment.duplicates().is_empty(), "not even to be deduplicated does anything go round");
}
