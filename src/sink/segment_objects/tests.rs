//! Records as the API takes them, and the requests that they go in.

use bytes::Bytes;
use serde_json::{Value, json};

use super::*;
use crate::event::{Origin, Targets};
use crate::sink::SINKS;
use crate::sink::tests::build_sink as build;

fn build_sink(text: &str) -> Box<dyn Sink> {
    let name = text.trim_start_matches("- ").split(':').next().unwrap();
    let def = SINKS.iter().find(|def| def.def.name == name).unwrap();
    build(def, text).unwrap_or_else(|problems| panic!("{problems:?}"))
}

fn event(value: &Value) -> Event {
    let text = value.to_string();
    let (value, tape) = crate::json::decode(text.as_bytes(), &crate::json::Limits::default()).unwrap();
    Event { value, tape, origin: Origin::default(), targets: Targets::default() }
}

fn encoded(value: &Value) -> Result<Value, Refused> {
    let sink = build_sink("- segment_objects: { write_key: key }");
    let mut out = Vec::new();
    let id = EventId { identity: "", origin: Origin::default() };
    sink.encode(&event(value), &id, &mut out).map(|_| serde_json::from_slice(&out).unwrap())
}

#[test]
fn nested_values_are_laid_out() {
    let record = json!({
        "type": "set", "collection": "orders", "id": 7,
        "properties": { "total": 54.90, "to": { "city": "Berlin", "geo": { "lat": 1 } }, "tags": ["a", { "b": 1 }], "none": null }
    });
    let want = json!({
        "collection": "orders", "id": "7",
        "properties": { "total": 54.90, "to_city": "Berlin", "to_geo_lat": 1, "tags": "[\"a\",{\"b\":1}]", "none": null }
    });
    assert_eq!(encoded(&record).unwrap(), want);
    assert_eq!(encoded(&json!({ "type": "set", "collection": "a", "id": "b" })).unwrap()["properties"], json!({}));
}

#[test]
fn what_the_api_would_drop_is_refused() {
    let refused = |value: Value| encoded(&value).unwrap_err().code;
    assert_eq!(refused(json!({ "type": "track", "event": "A" })), "not-an-object");
    assert_eq!(refused(json!({ "type": "set", "id": "1" })), "no-collection");
    assert_eq!(refused(json!({ "type": "set", "collection": "Orders", "id": "1" })), "bad-collection");
    assert_eq!(refused(json!({ "type": "set", "collection": "orders", "id": "" })), "no-id");
    assert_eq!(refused(json!({ "type": "set", "collection": "orders", "id": 1, "properties": 5 })), "bad-properties");
    let long = json!({ "type": "set", "collection": "orders", "id": 1, "properties": { "x": "y".repeat(40_000) } });
    assert_eq!(refused(long), "too-large");
}

#[test]
fn secrets_stay_whatever_a_map_is_laid_out_to() {
    let record = json!({
        "type": "set", "collection": "users", "id": 7,
        "properties": {
            "total": 54.90, "password_hash": "x", "card": { "number": "4111111111111111", "brand": "visa" },
            "login": { "access_token": "x", "at": 1 }, "keys": [{ "api_key": "x", "name": "a" }],
        }
    });
    let left = |options: &str| {
        let sink = build_sink(&format!("- segment_objects: {{ write_key: key{options} }}"));
        let mut out = Vec::new();
        let note = sink.encode(&event(&record), &EventId { identity: "", origin: Origin::default() }, &mut out)?;
        Ok::<_, Refused>((serde_json::from_slice::<Value>(&out).unwrap(), note))
    };
    let (message, note) = left("").unwrap();
    let want = json!({
        "collection": "users", "id": "7",
        "properties": { "total": 54.90, "card_brand": "visa", "login_at": 1, "keys": "[{\"name\":\"a\"}]" }
    });
    assert_eq!(message, want);
    let note = note.unwrap();
    for path in ["properties.password_hash", "properties.card.number", "properties.keys[0].api_key"] {
        assert!(note.contains(path), "{note}");
    }
    let (message, _) = left(", pii: { allow: [ properties.login.access_token ] }").unwrap();
    assert_eq!(
        (&message["properties"]["login_access_token"], message["properties"].get("password_hash")),
        (&json!("x"), None)
    );
    assert_eq!(left(", pii: off").unwrap().0["properties"]["card_number"], json!("4111111111111111"));
    assert_eq!(left(", pii: dead_letter").unwrap_err().code, "private-data");
}

#[test]
fn a_request_holds_objects_of_one_collection() {
    let sink = build_sink("- segment_objects: { write_key: key, region: eu }");
    let message = |collection: &str, id: &str| {
        Bytes::from(format!("{{\"collection\":\"{collection}\",\"id\":\"{id}\",\"properties\":{{\"n\":1.50}}}}"))
    };
    let (one, other) = (message("orders", "1"), message("plans", "1"));
    assert_ne!(sink.batch_key(&one), sink.batch_key(&other));
    assert_eq!(sink.batch_key(&one), sink.batch_key(&message("orders", "2")));
    let request = sink.request(&[one, message("orders", "2")], &Attempt { now_ms: 0, retries: 0 });
    assert_eq!(request.url, "https://objects.euw1.segment.com/v1/set");
    let body =
        r#"{"collection":"orders","objects":[{"id":"1","properties":{"n":1.50}},{"id":"2","properties":{"n":1.50}}]}"#;
    assert_eq!(String::from_utf8(request.body).unwrap(), body);
    assert!(sink.batching().events_max <= 10);
}

#[test]
fn it_takes_object_records_only_and_segment_takes_all_others() {
    let objects = build_sink("- segment_objects: { write_key: key }");
    let segment = build_sink("- segment: { write_key: key }");
    for (kind, is_object) in [("set", true), ("track", false), ("identify", false)] {
        let event = event(&json!({ "type": kind }));
        assert_eq!((objects.fit(&event), segment.fit(&event)), (is_object, !is_object), "{kind}");
    }
}
