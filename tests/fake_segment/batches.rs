//! Sizes, batches as a whole, and messages that come again.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::FakeSegment;
use crate::{drop_codes, lenient, send, send_batch, track, warning_codes, without};

/// A batch of that many messages whose body has exactly this many bytes.
fn body_of(bytes: usize, messages: usize) -> String {
    let pads: Vec<Value> = (0..messages).map(|_| track(&json!({ "properties": { "pad": "" } }))).collect();
    let mut body = json!({ "batch": pads, "writeKey": "key" });
    let empty = body.to_string().len();
    let each = (bytes - empty) / messages;
    for i in 0..messages {
        let rest = if i == 0 { (bytes - empty) % messages } else { 0 };
        body["batch"][i]["properties"]["pad"] = json!("x".repeat(each + rest));
    }
    body.to_string()
}

#[test]
fn sizes() {
    let segment = FakeSegment::start();
    assert_eq!(send(&segment, "/v1/batch", &body_of(500_000, 20)).status, 200);
    assert_eq!(warning_codes(&segment), ["near_body_limit"]);
    let refusal = send(&segment, "/v1/batch", &body_of(500_001, 20));
    assert_eq!(refusal.status, 400);
    assert!(refusal.text().contains("Exceed payload limit"));
    segment.reset();
    assert_eq!(send(&segment, "/v1/batch", &body_of(480_000, 20)).status, 200);
    assert!(warning_codes(&segment).is_empty());

    let message = |bytes: usize| {
        let mut message = track(&json!({ "properties": { "pad": "" }, "writeKey": "key" }));
        let pad = "x".repeat(bytes - message.to_string().len());
        message["properties"]["pad"] = json!(pad);
        message
    };
    assert_eq!(send(&segment, "/v1/track", &message(32_768).to_string()).status, 200);
    assert_eq!(send(&segment, "/v1/track", &message(32_769).to_string()).status, 400);
    assert_eq!(send_batch(&segment, &[message(32_768)]).status, 200);
    segment.reset();
    let mixed = [track(&json!({})), message(32_769)];
    assert_eq!(send_batch(&segment, &mixed).status, 400, "a strict fake refuses the whole batch");
    assert!(segment.received().is_empty() && segment.drops().is_empty());
    segment.strict(false);
    assert_eq!(send_batch(&segment, &mixed).status, 200);
    assert_eq!((drop_codes(&segment), segment.received().len()), (vec!["bad_request"], 1));
    segment.reset();
    send_batch(&segment, &[message(32_000), message(32_001)]);
    assert_eq!(warning_codes(&segment), ["near_message_limit"]);
}

#[test]
fn batches() {
    let segment = lenient();
    assert_eq!(send_batch(&segment, &[]).status, 200);
    assert_eq!((drop_codes(&segment), segment.requests()[0].result), (vec!["empty_batch"], Some("empty_batch")));
    segment.reset();
    let bad = || track(&json!({ "userId": "" }));
    send_batch(&segment, &[track(&json!({})), bad(), track(&json!({}))]);
    assert_eq!((segment.received().len(), segment.requests()[0].result), (2, Some("multi_user_error")));
    send_batch(&segment, &[bad(), bad()]);
    assert_eq!(segment.requests()[1].result, Some("empty_batch_result"));
    segment.reset();
    let small = |n: usize| {
        (0..n).map(|i| json!({ "type": "alias", "userId": "u", "previousId": "p", "messageId": format!("{i:0>16}") }))
    };
    send_batch(&segment, &small(2500).collect::<Vec<_>>());
    assert_eq!((segment.received().len(), segment.drops().len()), (2500, 0));
    segment.reset();
    send_batch(&segment, &small(2501).collect::<Vec<_>>());
    assert_eq!((segment.received().len(), segment.drops().len()), (0, 2501));
    segment.reset();
    // The envelope's context lies under the message's.
    let own = track(&json!({ "context": { "ip": "203.0.113.1" } }));
    let body = json!({ "batch": [own], "writeKey": "key", "context": { "ip": "203.0.113.9", "locale": "en" }, "integrations": { "All": false } });
    send(&segment, "/v1/batch", &body.to_string());
    let stored = &segment.received()[0];
    assert_eq!(stored.merged["context"], json!({ "ip": "203.0.113.1", "locale": "en" }));
    assert_eq!(stored.as_destination()["integrations"], json!({ "All": false }));
    assert_eq!(
        (stored.message["context"]["locale"].as_str(), stored.envelope["writeKey"].as_str()),
        (None, Some("key"))
    );
    send(&segment, "/v1/track", &track(&json!({ "type": "page", "writeKey": "key" })).to_string());
    assert_eq!(warning_codes(&segment), ["type_mismatch"]);
    send(&segment, "/v1/track", &track(&json!({ "writeKey": "key", "properties": "x".repeat(9) })).to_string());
    assert_eq!(drop_codes(&segment), ["properties_not_object"]);
}

#[test]
fn a_message_counts_once() {
    let segment = FakeSegment::start();
    let first = track(&json!({}));
    let again = {
        track(
            &json!({ "messageId": first["messageId"], "timestamp": first["timestamp"], "sentAt": jiff::Timestamp::now().to_string() }),
        )
    };
    send_batch(&segment, &[first.clone(), track(&json!({}))]);
    send_batch(&segment, &[again]);
    let received = segment.wait_for(2, Duration::from_secs(5));
    assert_eq!(received[0].message, first);
    assert_eq!((segment.duplicates().len(), drop_codes(&segment)), (1, vec!["duplicate"]));
    assert_eq!(segment.attempts(first["messageId"].as_str().unwrap()), 2);
    assert_eq!(segment.attempts("unknown"), 0);
    // Two messages without an id are two messages.
    send_batch(&segment, &vec![without(first, &["messageId"]); 2]);
    let received = segment.received();
    assert_eq!(received.len(), 4);
    assert!(received[3].message_id.starts_with("api-") && received[2].message_id != received[3].message_id);
}
