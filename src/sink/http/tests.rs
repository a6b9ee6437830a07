//! Requests and judgements of the sink `http`.

use std::io::Read;

use ::http::HeaderMap;
use proptest::prelude::*;
use serde_json::Value;

use super::*;
use crate::event::{Origin, Targets};
use crate::json::{Limits, decode};
use crate::sink::tests::{build_sink, header};

fn sink(options: &str) -> Box<dyn Sink> {
    build_sink(&HTTP, &format!("- http: {{ url: \"https://example.com/in?key=hidden\", {options} }}")).unwrap()
}

const FIRST: Attempt = Attempt { now_ms: 0, retries: 0 };

fn body(options: &str, messages: &[&'static str]) -> String {
    let messages: Vec<_> = messages.iter().map(|message| Bytes::from_static(message.as_bytes())).collect();
    String::from_utf8(sink(options).request(&messages, &FIRST).body).unwrap()
}

#[test]
fn formats_put_messages_together() {
    assert_eq!(body("format: json", &["{}"]), "{}");
    assert_eq!(body("format: array", &["{}", "[1]"]), "[{},[1]]");
    assert_eq!(body("format: ndjson", &["{}", "[1]"]), "{}\n[1]\n");
    assert_eq!(sink("format: json, batch_events: 50").batching().events_max, 1);
    assert_eq!(sink("format: array, batch_events: 50").batching().events_max, 50);
}

#[test]
fn headers_of_the_user_win_and_are_not_shown() {
    let sink = sink("method: PUT, headers: { Authorization: Bearer t, Content-Type: application/vnd.x+json }");
    let request = sink.request(&[Bytes::from_static(b"{}")], &Attempt { now_ms: 0, retries: 2 });
    assert_eq!(request.method, "PUT");
    assert_eq!(request.url, "https://example.com/in?key=hidden");
    assert_eq!(header(&request, "authorization"), Some("Bearer t"));
    assert_eq!(header(&request, "content-type"), Some("application/vnd.x+json"));
    assert_eq!(request.headers.iter().filter(|(name, _)| name == "content-type").count(), 1);
    assert_eq!(header(&request, "x-retry-count"), Some("2"));
    assert_eq!(sink.describe(), "PUT https://example.com/in");
}

#[test]
fn the_signature_covers_the_bytes_that_are_sent() {
    for zip in [false, true] {
        let options =
            format!("gzip: {zip}, sign_secret: Jefe, sign_header: X-Hub-Signature-256, sign_prefix: \"sha256=\"");
        let request = sink(&options).request(&[Bytes::from_static(b"{}")], &FIRST);
        let mut direct = build_sink(&HTTP, "- http: { url: \"http://h\", sign_secret: Jefe }")
            .unwrap()
            .request(&[Bytes::from(request.body.clone())], &FIRST);
        assert_eq!(direct.body, request.body);
        direct.headers.retain(|(name, _)| name == "x-signature");
        assert_eq!(header(&request, "x-hub-signature-256").unwrap(), format!("sha256={}", direct.headers[0].1));
        assert_eq!(header(&request, "content-encoding").is_some(), zip);
    }
}

#[test]
fn wrong_options_are_explained() {
    for (options, expected) in [
        ("url: \"ftp://h\"", "http or https"),
        ("url: \"h/x\"", "http or https"),
        ("url: \"http://h\", headers: { \"a b\": c }", "not the name of a header"),
        ("url: \"http://h\", headers: { a: \"x\\ny\" }", "cannot stand in a header"),
        ("url: \"http://h\", headers: { Content-Length: \"5\" }", "set by the connection"),
        ("url: \"http://h\", sign_header: \"a b\"", "sign_header"),
        ("url: \"http://h\", timeout: 0s", "timeout"),
        ("url: \"http://h\", batch_bytes: 10", "batch_bytes"),
    ] {
        let problems = build_sink(&HTTP, &format!("- http: {{ {options} }}")).err().unwrap();
        assert!(problems[0].message.contains(expected), "{problems:?}");
        assert!(problems[0].span.is_some());
    }
}

#[test]
fn every_status_has_its_judgement() {
    let headers = HeaderMap::new();
    let sink = sink("format: json");
    for status in 100..=599 {
        let judged = sink.judge(&Answer { status, headers: &headers, body: b"", messages: 1, now_ms: 0 });
        let fits = match status {
            200..=299 => judged == Judgement::Delivered,
            300..=399 | 401..=405 | 407 | 410 | 415 | 501 | 505 | 511 => {
                matches!(judged, Judgement::Halt { .. })
            }
            100..=199 | 408 | 425 | 429 | 500..=599 => {
                matches!(judged, Judgement::Retry { after_ms: None, .. })
            }
            _ => matches!(judged, Judgement::Reject { .. }),
        };
        assert!(fits, "{status}: {judged:?}");
    }
}

#[test]
fn an_event_that_fits_no_request_is_refused() {
    let encode = |fill: usize| {
        let text = format!("[\"{}\"]", "x".repeat(fill));
        let (value, tape) = decode(text.as_bytes(), &Limits::default()).unwrap();
        let event = Event { value, tape, origin: Origin::default(), targets: Targets::default() };
        let mut out = Vec::new();
        let id = EventId { identity: "", origin: Origin::default() };
        sink("format: array, batch_events: 1, batch_bytes: 1024").encode(&event, &id, &mut out).map(|_| out.len())
    };
    assert_eq!(encode(1024 - 2 - 4).unwrap(), 1022);
    assert_eq!(encode(1024 - 2 - 3).unwrap_err().code, "too-large");
}

proptest! {
    #[test]
    fn no_batch_is_larger_than_asked_for(
        sizes in proptest::collection::vec(2_usize..900, 1..200), limit in 1_usize..200, format in 0_usize..2, zip in any::<bool>(),
    ) {
        let format = ["array", "ndjson"][format];
        let sink = sink(&format!("format: {format}, batch_events: {limit}, batch_bytes: 2KB, gzip: {zip}"));
        let batching = sink.batching();
        let mut waiting = sizes.iter().map(|size| Bytes::from(format!("\"{}\"", "x".repeat(size - 2)))).peekable();
        while waiting.peek().is_some() {
            let mut batch = Vec::new();
            let mut bytes = 0;
            while let Some(next) = waiting.next_if(|next| batch.len() < batching.events_max && bytes + next.len() < batching.bytes_max) {
                bytes += next.len() + 1;
                batch.push(next);
            }
            prop_assert!(!batch.is_empty());
            let sent = sink.request(&batch, &FIRST).body;
            let mut plain = Vec::new();
            if zip {
                flate2::read::GzDecoder::new(&*sent).read_to_end(&mut plain).unwrap();
            } else {
                plain = sent;
            }
            prop_assert!(plain.len() <= 2000);
            let items: Vec<Value> = if format == "array" {
                serde_json::from_slice(&plain).unwrap()
            } else {
                plain.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).map(|line| serde_json::from_slice(line).unwrap()).collect()
            };
            prop_assert_eq!(items.len(), batch.len());
        }
    }
}
