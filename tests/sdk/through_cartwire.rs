//! The libraries send to cartwire's `segment` source, and cartwire's `segment` sink sends to the fake.

use std::time::Duration;

use crate::assert_same;
use crate::clients::Client;
use crate::support::{Cartwire, FakeSegment, Fault, Project};

const PIPELINE: &str = r#"
sources:
  - segment: { path: /, write_keys: [ "in-key" ] }
sinks:
  - segment: { write_key: "out-key", endpoint: "${SEGMENT_URL}" }
"#;

/// What a request from a client of the same machine may take, at most.
const LATENCY_MS_MAX: i128 = 10_000;

fn check(client: &Client, faults: impl IntoIterator<Item = Fault>) {
    let segment = FakeSegment::start();
    segment.faults(faults);
    let project = Project::new().pipeline("proxy", PIPELINE);
    let mut cartwire = Cartwire::start_with(&project, &[], &[("SEGMENT_URL", &segment.url())]);
    let sent = client.send(&cartwire.url(""), "in-key", 200);
    let received = segment.wait_for(sent.len(), Duration::from_secs(30));
    assert_same(&sent, &received, LATENCY_MS_MAX);
    for stored in &received {
        assert_eq!(stored.key, "out-key");
        // The sink's own clock, once for the whole batch.
        assert!(stored.envelope["sentAt"].is_string() && stored.message.get("sentAt").is_none(), "{}", stored.raw);
        assert!(stored.message.get("writeKey").is_none(), "{}", stored.raw);
    }
    let codes: Vec<_> = segment.warnings().iter().map(|warning| warning.code).collect();
    assert!(codes.iter().all(|&code| code == "integer_beyond_2_53"), "{codes:?}");
    for digits in ["9007199254740993", "9223372036854775809", "123456789012345678901234567890", "-820982911946154508"] {
        let was_sent = sent[0]["userId"] == "sdk-user-43";
        assert_eq!(received.iter().any(|stored| stored.raw.contains(digits)), was_sent, "{digits}");
    }
    cartwire.stop();
}

#[test]
fn node() {
    let Some(client) = Client::node() else { return };
    check(&client, []);
}

#[test]
fn python() {
    let Some(client) = Client::python() else { return };
    check(&client, []);
}

#[test]
fn nothing_is_lost_or_doubled_when_segment_has_trouble() {
    let Some(client) = Client::node() else { return };
    check(
        &client,
        [Fault::status(503).times(2), Fault::close_before_reply(), Fault::process_then_close(), Fault::too_many(1)],
    );
}
