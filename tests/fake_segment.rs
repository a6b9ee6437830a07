//! The fake Segment judges as the real one does: every code has a case that triggers it and one that does not.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a broken set-up should stop the test")]

#[path = "fake_segment/batches.rs"]
mod batches;
#[path = "fake_segment/commerce.rs"]
mod commerce;
#[path = "fake_segment/faults.rs"]
mod faults;
#[path = "fake_segment/messages.rs"]
mod messages;
#[path = "fake_segment/reader.rs"]
mod reader;
#[path = "fake_segment/requests.rs"]
mod requests;
mod support;
#[path = "fake_segment/times.rs"]
mod times;

use serde_json::{Value, json};
use support::FakeSegment;
use support::http::{Reply, post};

/// The header of every well-formed request; the write key is in the body.
const JSON: (&str, &str) = ("content-type", "application/json");

/// A track call that nobody has anything against, with these fields instead of its own.
fn track(fields: &Value) -> Value {
    let mut message = json!({
        "type": "track",
        "event": "Thing Done",
        "userId": "user-42",
        "messageId": format!("test-{}", uuid::Uuid::new_v4()),
        "timestamp": jiff::Timestamp::now().to_string(),
    });
    for (field, value) in fields.as_object().unwrap() {
        message[field] = value.clone();
    }
    message
}

/// A message without some fields.
fn without(mut message: Value, fields: &[&str]) -> Value {
    message.as_object_mut().unwrap().retain(|field, _| !fields.contains(&field.as_str()));
    message
}

fn send(segment: &FakeSegment, path: &str, body: &str) -> Reply {
    post(&format!("{}{path}", segment.url()), &[JSON], body.as_bytes()).unwrap()
}

fn send_batch(segment: &FakeSegment, messages: &[Value]) -> Reply {
    send(segment, "/v1/batch", &json!({ "batch": messages, "writeKey": "key" }).to_string())
}

fn lenient() -> FakeSegment {
    let segment = FakeSegment::start();
    segment.strict(false);
    segment
}

fn drop_codes(segment: &FakeSegment) -> Vec<&'static str> {
    segment.drops().iter().map(|drop| drop.code).collect()
}

fn warning_codes(segment: &FakeSegment) -> Vec<&'static str> {
    segment.warnings().iter().map(|warning| warning.code).collect()
}

/// Sends both messages of each case, in turn; the first must be dropped under the code alone, the second kept.
fn drops(cases: impl IntoIterator<Item = (&'static str, Value, Value)>) {
    let segment = lenient();
    for (code, bad, good) in cases {
        let reply = send_batch(&segment, std::slice::from_ref(&bad));
        assert_eq!((reply.status, reply.text().as_str()), (200, r#"{"success":true}"#));
        assert_eq!(drop_codes(&segment), [code], "{bad}");
        assert_eq!(segment.requests()[0].result, Some("empty_batch_result"), "{bad}");
        assert!(segment.received().is_empty(), "{bad}");
        segment.reset();
        send_batch(&segment, std::slice::from_ref(&good));
        assert!(drop_codes(&segment).is_empty(), "{good}: {:?}", segment.drops());
        assert_eq!(segment.received()[0].message, good);
        segment.reset();
    }
}

/// The same for warnings: both are kept, and only the first is warned about.
fn warns(cases: impl IntoIterator<Item = (&'static str, Value, Value)>) {
    let segment = lenient();
    for (code, bad, good) in cases {
        send_batch(&segment, std::slice::from_ref(&bad));
        assert!(warning_codes(&segment).contains(&code), "{code}: {bad}: {:?}", segment.warnings());
        assert_eq!(segment.received().len(), 1, "{bad}: {:?}", segment.drops());
        segment.reset();
        send_batch(&segment, std::slice::from_ref(&good));
        assert!(!warning_codes(&segment).contains(&code), "{good}");
        segment.reset();
    }
}
