//! Segment's own libraries, unmodified, as clients: they prove the fake right, and then the source and the sink.
//!
//! They are installed into `target/sdk` when `CARTWIRE_SDK_TESTS=1` is set (needs node with npm, python3 and the network).
//! Without that, and where they are not installed yet, these tests say so and pass.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a broken set-up should stop the test")]

#[path = "sdk/clients.rs"]
mod clients;
#[path = "sdk/directly.rs"]
mod directly;
mod support;
#[path = "sdk/through_cartwire.rs"]
mod through_cartwire;

use serde_json::Value;
use support::Stored;

/// Checks that exactly the messages that were sent have arrived, each once and with every field as it was given.
/// Timestamps may be a little later: a proxy moves them by the time the request took, as it would move a wrong clock.
fn assert_same(sent: &[Value], received: &[Stored], later_ms_max: i128) {
    for message in sent {
        let id = message["messageId"].as_str().unwrap();
        let arrived: Vec<_> = received.iter().filter(|stored| stored.message_id == id).collect();
        assert_eq!(arrived.len(), 1, "{message}");
        let arrived = &arrived[0].merged;
        for (field, value) in message.as_object().unwrap() {
            let same = match field.as_str() {
                "timestamp" => (0..=later_ms_max).contains(&later_ms(value, &arrived["timestamp"])),
                _ => contains(&arrived[field], value),
            };
            assert!(same, "{field} of {message} has arrived as {}", arrived[field]);
        }
    }
    assert_eq!(received.len(), sent.len());
}

/// Whether all that was sent is there: libraries add to objects (their name, the page's name), and change nothing.
fn contains(arrived: &Value, sent: &Value) -> bool {
    match (arrived, sent) {
        (Value::Object(arrived), Value::Object(sent)) => {
            sent.iter().all(|(key, value)| arrived.get(key).is_some_and(|arrived| contains(arrived, value)))
        }
        (Value::Array(arrived), Value::Array(sent)) => {
            arrived.len() == sent.len() && arrived.iter().zip(sent).all(|(arrived, sent)| contains(arrived, sent))
        }
        _ => arrived == sent,
    }
}

/// By how many whole milliseconds the second time is later than the first.
fn later_ms(first: &Value, second: &Value) -> i128 {
    instant(second).duration_since(instant(first)).as_millis()
}

fn instant(value: &Value) -> jiff::Timestamp {
    value.as_str().unwrap_or_default().parse().unwrap_or_else(|e| panic!("{value}: {e}"))
}
