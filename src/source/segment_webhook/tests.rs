//! Signatures as Segment makes them, what is refused, and the events that come out.

use serde_json::json;

use crate::source::testing::{Call, build, problem, reply_header, written};
use crate::source::{Input, Source};

const OBJECT: &str = "{\"cool\":true}";
const BATCH: &str = "[{\"cool\":false},{\"cool\":true}]";
/// HMAC-SHA1 with `abc123`, made with Node.
const OBJECT_SIGNATURE: &str = "5099cab379b3be52908387457007040cc934ef86";
const BATCH_SIGNATURE: &str = "c702b94a2569dd8d2f7185ce0ae951021bef4706";

fn signed(more: &str) -> Box<dyn Source> {
    build(&format!("- segment_webhook:\n    secrets: [ old, abc123 ]\n{more}"))
}

fn open() -> Box<dyn Source> {
    build("- segment_webhook: { verify: none }\n")
}

#[test]
fn accepts_segments_signatures() {
    let source = signed("");
    assert_eq!(source.input(), Input::Http { path: "/shop/segment_webhook".into(), below: false });
    for (body, signature) in [
        (OBJECT, OBJECT_SIGNATURE),
        (BATCH, BATCH_SIGNATURE),
        // As a proxy may have written it anew.
        ("[ { \"cool\" : false }, {\"cool\":true} ]", BATCH_SIGNATURE),
        ("[{\"\\u0063ool\":false}]", BATCH_SIGNATURE),
        (OBJECT, "5099CAB379B3BE52908387457007040CC934EF86"),
    ] {
        for method in ["POST", "PUT", "PATCH"] {
            let call = Call::new(method, "", body).header("X-Signature", signature);
            assert_eq!(call.outcome(&*source), "200", "{method} {body}");
        }
    }
}

#[test]
fn refuses_everything_else() {
    let source = signed("");
    for (body, signature, expected) in [
        (OBJECT, BATCH_SIGNATURE, "401 bad-signature"),
        (BATCH, OBJECT_SIGNATURE, "401 bad-signature"),
        ("{ \"cool\":true}", OBJECT_SIGNATURE, "401 bad-signature"),
        ("[{\"cool\":false}", "c702", "401 bad-signature"),
        ("[]", BATCH_SIGNATURE, "401 bad-signature"),
        (OBJECT, "no hex", "401 bad-signature"),
        (OBJECT, "", "401 no-signature"),
        (" ", OBJECT_SIGNATURE, "400 empty-body"),
    ] {
        let call = Call::post(body).header("x-signature", signature);
        assert_eq!(call.outcome(&*source), expected, "{body} {signature}");
    }
    assert_eq!(Call::post(OBJECT).outcome(&*source), "401 no-signature");
    let get = Call::new("GET", "", OBJECT).header("x-signature", OBJECT_SIGNATURE);
    assert_eq!(get.outcome(&*source), "405 bad-method");
    assert_eq!(reply_header(&get.reply(&*source), "allow"), Some("POST, PUT, PATCH"));
    let busy = source.overloaded(7);
    assert_eq!((busy.status, reply_header(&busy, "retry-after")), (503, Some("7")));
}

#[test]
fn batches_can_be_refused() {
    let source = signed("    batches: false\n");
    assert_eq!(Call::post(BATCH).header("x-signature", BATCH_SIGNATURE).outcome(&*source), "400 batch-refused");
    assert_eq!(Call::post(BATCH).outcome(&*source), "401 no-signature");
    assert_eq!(Call::post(OBJECT).header("x-signature", OBJECT_SIGNATURE).outcome(&*source), "200");
}

#[test]
fn letting_anybody_in_must_be_written() {
    assert_eq!(Call::post(OBJECT).outcome(&*open()), "200");
    assert!(problem("- segment_webhook: {}\n").contains("verify: none"));
    assert!(problem("- segment_webhook: { secrets: [] }\n").starts_with("no-secrets"));
    assert!(problem("- segment_webhook: { secrets: \"\" }\n").starts_with("empty-secret"));
    assert!(problem("- segment_webhook: { secrets: a, verify: none }\n").starts_with("contradiction"));
    assert!(problem("- segment_webhook: { secrets: a, verify: non }\n").contains("did you mean `none`?"));
    assert!(problem("- segment_webhook: { secrets: a, keep_headers: X-Signature }\n").starts_with("secret-header"));
    assert!(problem("- segment_webhook: { secrets: a, keep_headers: Cookie }\n").starts_with("secret-header"));
    assert!(problem("- segment_webhook: { secrets: a, keep_headers: \"a b\" }\n").starts_with("wrong-value"));
}

#[test]
fn samples_are_signed_as_segment_does() {
    let source = build("- segment_webhook: abc123\n");
    for (body, signature) in [(OBJECT, OBJECT_SIGNATURE), ("[ {\"cool\": false}, 1 ]", BATCH_SIGNATURE)] {
        let call = Call::new("GET", "", body).signed(&*source);
        assert_eq!(call.outcome(&*source), "200");
        let header = call.sample.headers.iter().find(|(name, _)| name == "x-signature").unwrap();
        assert_eq!(header.1, signature);
    }
}

#[test]
fn only_wanted_headers_are_kept() {
    let source = signed("    keep_headers: [ X-Workspace ]\n");
    let call = Call::post(OBJECT).header("x-workspace", "w").header("x-other", "o").signed(&*source);
    let names: Vec<_> = call.delivery(&*source).headers.into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["content-type", "user-agent", "x-workspace"]);
}

/// As Segment sends it, with what its servers added.
const EVENT: &str = r#"{"_metadata":{"bundled":["Segment.io"]},"channel":"client","context":{"ip":"203.0.113.9"},"event":"Order Completed","integrations":{},"messageId":"ajs-1","originalTimestamp":"2026-01-15T10:20:28.000Z","projectId":"p","properties":{"total":199.00},"receivedAt":"2026-01-15T10:20:30.000Z","sentAt":"2026-01-15T10:20:29.000Z","timestamp":"2026-01-15T10:20:29.500Z","type":"track","userId":"u","version":2}"#;

#[test]
fn an_event_keeps_what_its_sender_gave() {
    let source = open();
    let mut events = source.decode(&Call::post(EVENT).delivery(&*source));
    assert_eq!(events.len(), 1);
    assert_eq!(
        written(events.remove(0)),
        r#"{"context":{"ip":"203.0.113.9"},"event":"Order Completed","integrations":{},"messageId":"ajs-1","properties":{"total":199.00},"timestamp":"2026-01-15T10:20:29.500Z","type":"track","userId":"u"}"#
    );
}

#[test]
fn a_batch_is_one_event_for_each_item_and_bad_ones_keep_their_places() {
    let source = open();
    let body = json!([
        {"type": "delete", "userId": "u", "timestamp": "2026-01-15T10:20:29Z"},
        {"email": "mapped@example.com"},
        7,
        {"type": "page", "anonymousId": "a", "originalTimestamp": "2026-01-15T10:00:00Z", "sentAt": "2026-01-15T10:01:00Z"},
        {"type": "identify", "userId": "u", "timestamp": null},
    ]);
    assert_eq!(
        Call::post(body.to_string()).events(&*source),
        [
            json!({"type": "delete", "userId": "u", "timestamp": "2026-01-15T10:20:29Z"}),
            json!({"refused": "bad-message"}),
            json!({"refused": "bad-message"}),
            json!({"type": "page", "anonymousId": "a", "timestamp": "2026-01-15T10:00:00Z"}),
            json!({"type": "identify", "userId": "u", "timestamp": "2026-01-15T10:20:30.000Z"}),
        ]
    );
    assert_eq!(Call::post("{").events(&*source), [json!({"refused": "bad-json"})]);
    assert_eq!(Call::post("\"text\"").events(&*source), [json!({"refused": "bad-message"})]);
    assert_eq!(Call::post("[]").events(&*source), Vec::<serde_json::Value>::new());
}

#[test]
fn a_retry_has_the_same_identity_and_another_delivery_another() {
    let source = open();
    let identity = |body: &str, seq| {
        let mut delivery = Call::post(body).delivery(&*source);
        delivery.seq = seq;
        delivery.received_ms += i64::try_from(seq).unwrap();
        source.identity(&delivery)
    };
    assert_eq!(identity(EVENT, 1), identity(&EVENT.replace(":30.000Z", ":59.000Z"), 2));
    let bodies = [
        EVENT.to_owned(),
        EVENT.replace("ajs-1", "ajs-2"),
        format!("[{EVENT},{}]", EVENT.replace("ajs-1", "ajs-2")),
        format!("[{EVENT},{{\"type\":\"delete\"}}]"),
        "{\"type\":\"delete\",\"userId\":\"u\"}".to_owned(),
        "{\"type\":\"delete\",\"userId\":\"v\"}".to_owned(),
        "{\"messageId\":\"\",\"type\":\"delete\",\"userId\":\"v\"}".to_owned(),
        "[]".to_owned(),
        "{".to_owned(),
    ];
    let mut seen: Vec<_> = bodies.iter().map(|body| identity(body, 1)).collect();
    assert!(bodies.iter().zip(&seen).all(|(body, id)| identity(body, 2) == *id));
    seen.sort();
    seen.dedup();
    assert_eq!(seen.len(), bodies.len());
}
