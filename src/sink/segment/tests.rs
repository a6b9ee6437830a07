//! Messages, requests and judgements of the sink, without a socket.

use std::io::Read;
use std::rc::Rc;

use http::HeaderMap;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::event::{Origin, Targets};
use crate::json::{Limits, decode, from_json_value};
use crate::sink::tests::{build_sink, header};

fn sink(options: &str) -> Box<dyn Sink> {
    build_sink(&SEGMENT, &format!("- segment: {options}")).unwrap()
}

fn encode(text: &str) -> Result<String, Refused> {
    let (value, tape) = decode(text.as_bytes(), &Limits::default()).unwrap();
    encode_event(&Event { value, tape, origin: Origin::default(), targets: Targets::default() })
}

fn encode_event(event: &Event) -> Result<String, Refused> {
    // What stands in the buffer before is not touched.
    let mut out = b"before".to_vec();
    let id = EventId { identity: "delivery", origin: Origin::default() };
    let result = sink("{ write_key: k }").encode(event, &id, &mut out);
    assert!(out.starts_with(b"before"));
    if result.is_err() {
        assert_eq!(out, b"before");
    }
    result.map(|_| String::from_utf8(out[6..].to_vec()).unwrap())
}

fn code(text: &str) -> &'static str {
    encode(text).unwrap_err().code
}

#[test]
fn a_complete_message_leaves_as_it_is() {
    let text = r#"{"anonymousId":"a","custom":{"x":[1,2.5,null]},"event":"E","messageId":"m","properties":{"a":"é"},"type":"track","userId":null}"#;
    assert_eq!(encode(text).unwrap(), text);
}

#[test]
fn fields_of_the_server_are_left_out_and_an_id_is_assigned() {
    let text = r#"{"_metadata":{"bundled":["sentAt"]},"anonymousId":"a","channel":"browser","messageId":null,"originalTimestamp":"x","projectId":"p",
        "properties":{"version":1},"receivedAt":"x","sentAt":"x","timestamp":"t","type":"page","version":2,"writeKey":"k"}"#;
    let sent: Value = serde_json::from_str(&encode(text).unwrap()).unwrap();
    let id = sent["messageId"].as_str().unwrap();
    assert!(id.starts_with("cw-") && id.ends_with("-0") && id.len() == 3 + 32 + 2, "{id}");
    assert_eq!(
        sent,
        json!({"anonymousId": "a", "messageId": id, "properties": {"version": 1}, "timestamp": "t", "type": "page"})
    );
}

#[test]
fn what_nobody_touched_leaves_as_it_came() {
    let text = r#"{"zeta":1.10,"sentAt":"x","type":"track","\u0065vent":"\u00c9\/","userId":"u","properties":{"b":1e400,"a":18446744073709551616,"c":-0}}"#;
    let id = EventId { identity: "delivery", origin: Origin::default() }.message_id();
    let expected = text.replace(r#""sentAt":"x","#, "");
    let expected = format!("{},\"messageId\":\"{id}\"}}", &expected[..expected.len() - 1]);
    assert_eq!(encode(text).unwrap(), expected);
}

#[test]
fn what_segment_would_drop_silently_is_refused_with_a_name() {
    for (text, expected) in [
        ("[1]", "not-a-message"),
        (r#"{"userId":"u"}"#, "bad-type"),
        (r#"{"type":7,"userId":"u"}"#, "bad-type"),
        (r#"{"type":"purchase","userId":"u"}"#, "bad-type"),
        (r#"{"type":"set","userId":"u"}"#, "not-supported"),
        (r#"{"type":"track","userId":"u"}"#, "event-not-defined"),
        (r#"{"type":"track","userId":"u","event":""}"#, "event-not-string"),
        (r#"{"type":"track","userId":"u","event":1}"#, "event-not-string"),
        (r#"{"type":"track","event":"E"}"#, "no-user-anon-id"),
        (r#"{"type":"track","event":"E","userId":null}"#, "no-user-anon-id"),
        (r#"{"type":"track","event":"E","userId":7,"anonymousId":"a"}"#, "id-not-string"),
        (r#"{"type":"track","event":"E","userId":"","anonymousId":"a"}"#, "id-not-string"),
        (r#"{"type":"track","event":"E","userId":"u","properties":[]}"#, "properties-not-object"),
        (r#"{"type":"identify","userId":"u","traits":"x"}"#, "traits-not-object"),
        (r#"{"type":"group","userId":"u"}"#, "id-required"),
        (r#"{"type":"group","userId":"u","groupId":3}"#, "id-not-string"),
        (r#"{"type":"alias","userId":"u"}"#, "id-required"),
        (r#"{"type":"alias","previousId":"p","anonymousId":"a"}"#, "id-required"),
        (r#"{"type":"page","userId":"u","name":""}"#, "name-not-string"),
        (r#"{"type":"screen","userId":"u","category":{}}"#, "category-not-string"),
        (r#"{"type":"identify","userId":"u","context":[]}"#, "context-not-object"),
        (r#"{"type":"identify","userId":"u","integrations":true}"#, "integrations-not-object"),
        (r#"{"type":"identify","userId":"u","messageId":5}"#, "bad-message-id"),
    ] {
        assert_eq!(code(text), expected, "{text}");
    }
    let long = |count: usize| format!(r#"{{"messageId":"{}","type":"identify","userId":"u"}}"#, "é".repeat(count));
    assert!(encode(&long(100)).is_ok());
    assert_eq!(code(&long(101)), "bad-message-id");
}

#[test]
fn nulls_count_as_missing() {
    for text in [
        r#"{"type":"track","event":"E","userId":null,"anonymousId":"a","properties":null,"context":null}"#,
        r#"{"type":"page","userId":"u","name":null,"category":null}"#,
        r#"{"type":"alias","userId":"u","previousId":"p","anonymousId":null}"#,
    ] {
        assert!(encode(text).is_ok(), "{text}");
    }
}

#[test]
fn a_message_of_exactly_the_limit_passes_and_one_byte_more_does_not() {
    let message = |fill: usize| {
        format!(
            r#"{{"event":"E","messageId":"m","properties":{{"a":1,"note":"{}"}},"type":"track","userId":"u"}}"#,
            "x".repeat(fill)
        )
    };
    let frame = message(0).len();
    assert_eq!(encode(&message(32_000 - frame)).unwrap().len(), 32_000);
    let refused = encode(&message(32_001 - frame)).unwrap_err();
    assert_eq!(refused.code, "too-large");
    assert!(refused.reason.contains("32,001 bytes"), "{}", refused.reason);
    assert!(refused.reason.contains("properties.note"), "{}", refused.reason);
}

/// Many a JSON writer escapes what is not ASCII: six bytes for a letter of three.
#[test]
fn a_message_is_too_large_only_if_it_cannot_be_told_in_less() {
    let message = |letters: usize| {
        format!(
            r#"{{"event":"E","messageId":"m","properties":{{"n":1.50,"note":"{}","odd":"\ud800\/\"\n"}},"type":"track","userId":"u"}}"#,
            r"\u6771".repeat(letters)
        )
    };
    let small = message(5_000);
    assert_eq!(encode(&small).unwrap(), small, "what has room leaves as it came");
    let sent = encode(&message(10_000)).unwrap();
    assert_eq!(
        sent,
        message(0).replace(r#""note":"""#, &format!(r#""note":"{}""#, "東".repeat(10_000))).replace(r"\/", "/")
    );
    assert_eq!(code(&message(11_000)), "too-large");
}

#[test]
fn a_value_that_json_cannot_hold_is_refused() {
    let mut value = from_json_value(&json!({"type": "identify", "userId": "u"}));
    value.as_map_mut().unwrap().insert("x".into(), f64::NAN.into());
    let event = Event { value, tape: Rc::default(), origin: Origin::default(), targets: Targets::default() };
    assert_eq!(encode_event(&event).unwrap_err().code, "not-finite");
}

#[test]
fn the_address_follows_region_and_endpoint() {
    for (options, url) in [
        ("{ write_key: k }", "https://api.segment.io/v1/batch"),
        ("k", "https://api.segment.io/v1/batch"),
        ("{ write_key: k, region: eu }", "https://events.eu1.segmentapis.com/v1/batch"),
        ("{ write_key: k, endpoint: \"http://127.0.0.1:9\" }", "http://127.0.0.1:9/v1/batch"),
        ("{ write_key: k, endpoint: \"http://127.0.0.1:9/v1/\" }", "http://127.0.0.1:9/v1/batch"),
        ("{ write_key: k, endpoint: \"http://h/x/v1/batch\" }", "http://h/x/v1/batch"),
    ] {
        let sink = sink(options);
        let request = sink.request(&[], &Attempt { now_ms: 0, retries: 0 });
        assert_eq!(request.url, url);
        assert_eq!(request.method, "POST");
        assert_eq!(header(&request, "authorization"), Some("Basic azo="));
        assert_eq!(header(&request, "content-encoding").is_some(), !options.contains("endpoint"), "{options}");
        assert_eq!(header(&request, "x-retry-count"), None);
        assert!(!sink.describe().contains("azo="));
    }
    let retried = sink("{ write_key: k }").request(&[], &Attempt { now_ms: 0, retries: 3 });
    assert_eq!(header(&retried, "x-retry-count"), Some("3"));
}

#[test]
fn wrong_options_are_explained() {
    for (options, expected) in [
        ("{ write_key: \"two words\" }", "write_key"),
        ("{ write_key: k, timeout: 0s }", "timeout"),
        ("{ write_key: k, batch_events: 2501 }", "2500"),
        ("{ region: us }", "write_key"),
    ] {
        let problems = build_sink(&SEGMENT, &format!("- segment: {options}")).err().unwrap();
        assert!(problems[0].message.contains(expected), "{problems:?}");
    }
}

#[test]
fn each_attempt_has_a_fresh_sent_at() {
    let sink = sink("{ write_key: k, endpoint: \"http://h\" }");
    let messages = [Bytes::from_static(b"{\"a\":1}"), Bytes::from_static(b"{}")];
    for (now_ms, text) in
        [(1_768_472_430_000, "2026-01-15T10:20:30.000Z"), (1_768_472_430_007, "2026-01-15T10:20:30.007Z")]
    {
        let body = sink.request(&messages, &Attempt { now_ms, retries: 1 }).body;
        assert_eq!(String::from_utf8(body).unwrap(), format!(r#"{{"batch":[{{"a":1}},{{}}],"sentAt":"{text}"}}"#));
    }
}

#[test]
fn every_status_has_its_judgement() {
    let mut headers = HeaderMap::new();
    headers.insert("retry-after", "2".parse().unwrap());
    let sink = sink("{ write_key: k }");
    for status in 100..=599 {
        let answer = Answer { status, headers: &headers, body: b"{}", messages: 3, now_ms: 0 };
        let expected = match status {
            200..=299 => "delivered",
            408 | 410 | 425 | 429 | 460 => "retry",
            300..=399 | 401..=405 | 407 | 415 | 501 | 505 | 511 => "halt",
            400..=499 => "reject",
            _ => "retry",
        };
        let judged = match sink.judge(&answer) {
            Judgement::Delivered => "delivered",
            Judgement::Retry { after_ms, reason } => {
                assert_eq!(after_ms, Some(2000));
                assert!(reason.contains(&status.to_string()));
                "retry"
            }
            Judgement::Reject { .. } => "reject",
            Judgement::Halt { reason } => {
                assert!(reason.contains("write_key"), "{reason}");
                "halt"
            }
        };
        assert_eq!(judged, expected, "{status}");
    }
}

proptest! {
    // A case writes up to two megabytes.
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn no_batch_within_the_bounds_is_larger_than_the_api_takes(
        sizes in proptest::collection::vec(2_usize..32_000, 1..60), small in 2_usize..40, limit in 1_usize..=2500, zip in any::<bool>(),
    ) {
        let sink = sink(&format!("{{ write_key: k, batch_events: {limit}, gzip: {zip} }}"));
        let batching = sink.batching();
        let message = |size: usize| Bytes::from(format!("\"{}\"", "x".repeat(size - 2)));
        // Many small messages make the commas count, a few large ones the rest.
        let mut waiting = sizes.iter().map(|size| message(*size)).chain((0..3000).map(|_| message(small))).peekable();
        while waiting.peek().is_some() {
            let mut batch = Vec::new();
            let mut bytes = 0;
            while let Some(next) = waiting.next_if(|next| batch.len() < batching.events_max && bytes + next.len() < batching.bytes_max) {
                bytes += next.len() + 1;
                batch.push(next);
            }
            prop_assert!(!batch.is_empty());
            let request = sink.request(&batch, &Attempt { now_ms: 1_768_472_430_000, retries: 0 });
            let mut plain = Vec::new();
            if zip {
                flate2::read::GzDecoder::new(&*request.body).read_to_end(&mut plain).unwrap();
            } else {
                plain = request.body;
            }
            prop_assert!(plain.len() <= 480_000);
            prop_assert_eq!(plain.len(), HEAD.len() + TAIL.len() + bytes - 1);
            let value: Value = serde_json::from_slice(&plain).unwrap();
            prop_assert_eq!(value["batch"].as_array().unwrap().len(), batch.len());
        }
    }
}
