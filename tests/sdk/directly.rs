//! The libraries against the fake alone: if this fails, the fake is wrong and nothing it says about us counts.

use crate::assert_same;
use crate::clients::Client;
use crate::support::{FakeSegment, Fault};

/// The fake stores the time it was given.
const EXACT: i128 = 0;

fn warning_codes(segment: &FakeSegment) -> Vec<&'static str> {
    segment.warnings().iter().map(|warning| warning.code).collect()
}

#[test]
fn node() {
    let Some(client) = Client::node() else { return };
    let segment = FakeSegment::start();
    let sent = client.send(&segment.url(), "node-key", 200);
    assert_eq!(sent.len(), 208);
    assert_same(&sent, &segment.received(), EXACT);
    assert!(warning_codes(&segment).is_empty(), "{:?}", segment.warnings());
    let requests = segment.requests();
    assert!(requests.len() > 8 && requests.iter().all(|r| r.path == "/v1/batch" && r.status == Some(200)));
    assert!(requests.iter().all(|r| r.headers.contains_key("authorization")));
    assert!(segment.received().iter().all(|stored| stored.key == "node-key" && stored.sent_at.is_some()));
}

#[test]
fn python() {
    let Some(client) = Client::python() else { return };
    let segment = FakeSegment::start();
    let sent = client.send(&segment.url(), "python-key", 200);
    assert_eq!(sent.len(), 208);
    let received = segment.received();
    assert_same(&sent, &received, EXACT);
    assert_eq!(warning_codes(&segment), ["integer_beyond_2_53"; 4]);
    for digits in ["9007199254740993", "9223372036854775809", "123456789012345678901234567890", "-820982911946154508"] {
        assert!(received.iter().any(|stored| stored.raw.contains(digits)), "{digits}");
    }
    let requests = segment.requests();
    assert!(requests.len() > 3 && requests.iter().all(|r| r.path == "/v1/batch" && r.status == Some(200)));
    assert!(requests.iter().all(|r| r.headers["content-encoding"] == "gzip"));
    assert!(received.iter().all(|stored| stored.key == "python-key" && stored.sent_at.is_some()));
}

/// One batch meets one trouble after the other and arrives once.
fn through_trouble(client: &Client) {
    let segment = FakeSegment::start();
    segment.faults([Fault::status(503), Fault::too_many(1), Fault::process_then_close()]);
    let sent = client.send(&segment.url(), "key", 0);
    assert_same(&sent, &segment.received(), EXACT);
    assert_eq!(segment.duplicates().len(), sent.len());
    assert_eq!(segment.attempts(sent[0]["messageId"].as_str().unwrap()), 4);
    assert!(!warning_codes(&segment).contains(&"retry_after_ignored"));
    let requests = segment.requests();
    assert_eq!(requests.iter().map(|r| r.status).collect::<Vec<_>>(), [Some(503), Some(429), None, Some(200)]);
    assert!(requests[1].headers.contains_key("x-retry-count"), "{:?}", requests[1].headers);
}

#[test]
fn node_retries() {
    let Some(client) = Client::node() else { return };
    through_trouble(&client);
}

#[test]
fn python_retries() {
    let Some(client) = Client::python() else { return };
    through_trouble(&client);
}
