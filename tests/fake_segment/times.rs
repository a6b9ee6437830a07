//! Client clocks, and JSON that is legal but read differently by different readers.

use serde_json::json;

use crate::support::Stored;
use crate::{lenient, send, send_batch, track, warning_codes, warns, without};

#[test]
fn times() {
    let at = |hours: i64| (jiff::Timestamp::now() + jiff::SignedDuration::from_hours(hours)).to_string();
    let time = |field: &str, value: &str| track(&json!({ field: value }));
    warns([
        ("time_no_zone", time("timestamp", "2026-01-02T03:04:05"), time("timestamp", "2026-01-02T03:04:05+01:00")),
        ("time_invalid", time("timestamp", "2015-2-02T00:30:08.276Z"), time("timestamp", "2015-02-02T00:30:08.276Z")),
        ("time_invalid", track(&json!({ "timestamp": 1 })), track(&json!({ "timestamp": null }))),
        ("time_future", time("timestamp", &at(1)), time("timestamp", &at(0))),
        ("time_before_1970", time("timestamp", "1969-12-31T23:59:59Z"), time("timestamp", "1970-01-01T00:00:00Z")),
        ("stale_sent_at", time("sentAt", &at(-25)), time("sentAt", &at(-1))),
    ]);
    // History that was sent truthfully keeps its time; a client's wrong clock is corrected by its own sentAt.
    let segment = lenient();
    let now = jiff::Timestamp::now();
    send_batch(&segment, &[track(&json!({ "timestamp": "2020-01-01T00:00:00Z", "sentAt": now.to_string() }))]);
    send_batch(&segment, &[track(&json!({ "timestamp": at(-3), "sentAt": at(-2) }))]);
    send_batch(&segment, &[without(track(&json!({})), &["timestamp"])]);
    let stored = segment.received();
    let off = |stored: &Stored, wanted: jiff::Timestamp| stored.timestamp.duration_since(wanted).as_secs().abs();
    assert!(off(&stored[0], "2020-01-01T00:00:00Z".parse().unwrap()) < 30);
    assert!(off(&stored[1], now - jiff::SignedDuration::from_hours(1)) < 30);
    assert_eq!(stored[2].timestamp, stored[2].received_at);
    assert_eq!(stored[2].as_destination()["originalTimestamp"], stored[2].as_destination()["receivedAt"]);
    assert_eq!(stored[2].as_destination()["version"], 2);
}

#[test]
fn what_json_allows_but_readers_differ_on() {
    let segment = lenient();
    let cases = [
        (r#"{"a":1,"a":2}"#, "duplicate_key"),
        (r#"{"a":"\ud800x"}"#, "lone_surrogate"),
        (r#"{"a":9007199254740993}"#, "integer_beyond_2_53"),
        (r#"{"a":1e400}"#, "number_not_finite"),
        (r#"{"a":"\u0000"}"#, "string_with_nul"),
    ];
    for (properties, code) in cases {
        let message = track(&json!({ "properties": "HERE" })).to_string().replace("\"HERE\"", properties);
        let body = format!("{{\"batch\":[ {message} ],\"writeKey\":\"key\"}}");
        send(&segment, "/v1/batch", &body);
        assert_eq!(warning_codes(&segment), [code]);
        assert_eq!(segment.received()[0].raw, message, "the text is kept as it stood");
        segment.reset();
    }
    send_batch(
        &segment,
        &[track(&json!({ "properties": { "a": 9_007_199_254_740_992_i64, "b": "\u{1F600}", "c": 1e308 } }))],
    );
    assert!(warning_codes(&segment).is_empty());
}
