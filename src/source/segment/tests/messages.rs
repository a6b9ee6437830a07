//! How messages are put right, merged and refused.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::{call, message, segment};
use crate::source::testing::{Call, written};

/// The one event of a message, sent to `/v1/track`.
fn one(message: &Value) -> Value {
    call("/v1/track", message).events(&*segment()).remove(0)
}

#[test]
fn what_is_not_the_messages_is_stripped() {
    let mut body = message();
    for key in ["sentAt", "writeKey", "receivedAt", "originalTimestamp", "version", "channel", "projectId", "_metadata"]
    {
        body[key] = if key == "writeKey" { "key1".into() } else { json!("x") };
    }
    body["custom"] = json!([1, { "sentAt": 2 }]);
    body["anonymousId"] = Value::Null;
    body["context"] = Value::Null;
    let mut expected = message();
    expected["custom"] = json!([1, { "sentAt": 2 }]);
    assert_eq!(one(&body), expected);
}

#[test]
fn ids_are_texts() {
    let event = one(&json!({ "event": "E", "userId": 123, "anonymousId": "a", "messageId": 5 }));
    assert_eq!((&event["userId"], &event["messageId"]), (&json!("123"), &json!("5")));
    assert_eq!(event["timestamp"], "2026-01-15T10:20:30.000Z");
    let delivery = call("/v1/batch", &json!({ "batch": [{}, message(), { "type": "identify", "userId": "u" }] }));
    let events = delivery.events(&*segment());
    assert_eq!(events[1]["messageId"], "m1");
    let id = events[2]["messageId"].as_str().unwrap();
    assert!(id.starts_with("cw-") && id.ends_with("-2") && id.len() <= 100, "{id}");
    assert_eq!(delivery.events(&*segment())[2]["messageId"], id);
}

#[test]
fn what_is_not_repaired_stays_as_it_came() {
    let item = |ids: &str, rest: &str| format!(r#"{{"type":"identify",{ids},"messageId":"m1"{rest}}}"#);
    let rest = r#","traits":{"z":1e400,"a":199.00,"é":"\u00e9"},"timestamp":"2026-01-15T10:20:00Z""#;
    let sent = item(r#""userId":18446744073709551615"#, &format!(r#","writeKey":"key1"{rest}"#));
    let source = segment();
    for (path, body) in [("/v1/batch", format!(r#"{{"batch":[{sent}]}}"#)), ("/v1/identify", sent)] {
        let delivery = Call::new("POST", path, body).header("authorization", "Basic a2V5MTo=").delivery(&*source);
        let expected = item(r#""userId":"18446744073709551615""#, rest);
        assert_eq!(written(source.decode(&delivery).remove(0)), expected);
    }
}

#[test]
fn the_clients_clock_is_corrected() {
    let at = |body: Value| {
        let mut call = call("/v1/batch", &body);
        call.now_ms = 1_768_471_207_000; // 10:00:07
        call.events(&*segment())[0]["timestamp"].clone()
    };
    let item = |time: &str| json!({ "type": "identify", "userId": "u", "timestamp": time });
    // Two hours slow, five seconds in the queue.
    assert_eq!(
        at(json!({ "batch": [item("2026-01-15T08:00:00.000Z")], "sentAt": "2026-01-15T08:00:05Z" })),
        "2026-01-15T10:00:02.000Z"
    );
    assert_eq!(
        at(json!({ "batch": [item("2026-01-15T09:00:00.5+01:00")], "sentAt": "2026-01-15T08:00:05Z" })),
        "2026-01-15T10:00:02.500Z"
    );
    assert_eq!(at(json!({ "batch": [item("2026-01-15T08:00:00Z")] })), "2026-01-15T08:00:00Z");
    assert_eq!(
        at(json!({ "batch": [item("2015-2-02T00:30:08Z")], "sentAt": "2026-01-15T08:00:05Z" })),
        "2015-2-02T00:30:08Z"
    );
    assert_eq!(at(json!({ "batch": [item("2026-01-15T08:00:00Z")], "sentAt": "now" })), "2026-01-15T08:00:00Z");
    let mut own = item("2026-01-15T08:00:00Z");
    own["sentAt"] = json!("2026-01-15T08:00:01Z");
    assert_eq!(at(json!({ "batch": [own] })), "2026-01-15T10:00:06.000Z");
    let original = json!({ "type": "identify", "userId": "u", "originalTimestamp": "2020-01-15T08:00:00Z" });
    assert_eq!(at(json!({ "batch": [original] })), "2020-01-15T08:00:00Z");
    assert_eq!(at(json!({ "batch": [{ "type": "identify", "userId": "u" }] })), "2026-01-15T10:00:07.000Z");
}

#[test]
fn the_envelope_goes_under_the_message() {
    let body = json!({
        "context": { "library": { "name": "x", "version": "1" }, "app": { "name": "shop" }, "list": [1] },
        "integrations": { "All": false },
        "batch": [
            { "type": "identify", "userId": "u", "context": { "library": { "name": "y" }, "list": [2] }, "integrations": { "All": true } },
            { "type": "identify", "userId": "u", "context": null },
            { "type": "identify", "userId": "u", "context": "no" },
        ],
    });
    let events = call("/v1/batch", &body).events(&*segment());
    assert_eq!(
        events[0]["context"],
        json!({ "library": { "name": "y", "version": "1" }, "app": { "name": "shop" }, "list": [2] })
    );
    assert_eq!(events[0]["integrations"], json!({ "All": true }));
    assert_eq!((&events[1]["context"], &events[1]["integrations"]), (&body["context"], &body["integrations"]));
    assert_eq!(events[2], json!({ "refused": "bad_request" }));
}

#[test]
fn the_callers_address_only_for_browsers() {
    let with = |context: Value| {
        let mut body = message();
        body["context"] = context;
        call("/v1/track", &body).header("user-agent", "Browser/1").events(&*segment()).remove(0)["context"].clone()
    };
    let library = json!({ "name": "analytics.js" });
    assert_eq!(
        with(json!({ "library": library })),
        json!({ "library": library, "ip": "203.0.113.7", "userAgent": "Browser/1" })
    );
    assert_eq!(
        with(json!({ "library": library, "ip": "198.51.100.1", "userAgent": "own" })),
        json!({ "library": library, "ip": "198.51.100.1", "userAgent": "own" })
    );
    assert_eq!(with(json!({ "direct": true })), json!({ "ip": "203.0.113.7", "userAgent": "Browser/1" }));
    for server in [json!({}), json!({ "library": { "name": "analytics-python" } }), json!({ "direct": false })] {
        assert_eq!(with(server.clone()), server);
    }
}

#[test]
fn a_bad_message_does_not_take_the_others_with_it() {
    let rows = [
        (json!(5), "bad_request"),
        (json!({ "userId": "u" }), "bad_request"),
        (json!({ "type": "delete", "userId": "u" }), "bad_request"),
        (json!({ "type": "track", "event": "E" }), "no_user_anon_id"),
        (json!({ "type": "track", "event": "E", "userId": null }), "no_user_anon_id"),
        (json!({ "type": "track", "event": "E", "userId": "" }), "id_not_string"),
        (json!({ "type": "track", "event": "E", "userId": "u", "anonymousId": {} }), "id_not_string"),
        (json!({ "type": "track", "userId": "u" }), "event_not_defined"),
        (json!({ "type": "track", "userId": "u", "event": null }), "event_not_defined"),
        (json!({ "type": "track", "userId": "u", "event": "" }), "event_not_string"),
        (json!({ "type": "track", "userId": "u", "event": 5 }), "event_not_string"),
        (json!({ "type": "track", "userId": "u", "event": "E", "properties": [] }), "properties_not_object"),
        (json!({ "type": "identify", "userId": "u", "traits": "t" }), "traits_not_object"),
        (json!({ "type": "page", "userId": "u", "name": 5 }), "name_not_string"),
        (json!({ "type": "screen", "userId": "u", "category": [] }), "category_not_string"),
        (json!({ "type": "group", "userId": "u" }), "id_required"),
        (json!({ "type": "alias", "userId": "u" }), "id_required"),
        (json!({ "type": "alias", "previousId": "p" }), "id_required"),
    ];
    let mut batch = vec![message()];
    batch.extend(rows.iter().map(|(item, _)| item.clone()));
    batch.push(message());
    let events = call("/v1/batch", &json!({ "batch": batch })).events(&*segment());
    assert_eq!(events.len(), rows.len() + 2);
    assert_eq!((&events[0], &events[rows.len() + 1]), (&message(), &message()));
    for ((item, code), event) in rows.iter().zip(&events[1..]) {
        assert_eq!(*event, json!({ "refused": code }), "{item}");
    }
}

#[test]
fn a_batch_is_bounded() {
    let many = vec![json!({}); 10_001];
    assert_eq!(call("/v1/batch", &json!({ "batch": many })).events(&*segment()), [json!({ "refused": "too-large" })]);
    let big = json!({ "batch": vec![json!({}); 1000], "context": { "x": "y".repeat(70_000) } });
    assert_eq!(call("/v1/batch", &big).events(&*segment()), [json!({ "refused": "too-large" })]);
    assert_eq!(call("/v1/batch", &json!({ "batch": [] })).events(&*segment()), Vec::<Value>::new());
}

fn json_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "[ -~é]{0,12}".prop_map(Value::from),
        Just(json!("track")),
        Just(json!("2026-01-15T10:00:00Z")),
    ];
    let key = prop_oneof![
        proptest::sample::select(vec![
            "batch",
            "type",
            "userId",
            "context",
            "integrations",
            "timestamp",
            "sentAt",
            "messageId",
            "event",
            "library",
            "name",
            "properties",
            "traits",
            "ip"
        ])
        .prop_map(str::to_owned),
        "[a-z.]{0,4}",
    ];
    leaf.prop_recursive(5, 60, 6, move |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            proptest::collection::btree_map(key.clone(), inner, 0..6).prop_map(|map| map.into_iter().collect()),
        ]
    })
}

proptest! {
    #[test]
    fn any_json_decodes_alike_twice(value in json_value(), path in proptest::sample::select(vec!["/v1/batch", "/v1/track", "/x", "/v1/alias"])) {
        let source = segment();
        let mut delivery = call("/v1/track", &message()).delivery(&*source);
        delivery.path = path.into();
        delivery.body = value.to_string().into();
        let decode = || -> Vec<_> { source.decode(&delivery).into_iter().map(crate::source::testing::shown).collect() };
        let first = decode();
        prop_assert_eq!(&first, &decode());
        for event in first.iter().filter(|event| event.get("refused").is_none()) {
            prop_assert!(event["type"].is_string() && event["messageId"].is_string());
            prop_assert!(event.get("sentAt").is_none() && event.get("writeKey").is_none());
        }
    }
}
