//! What a callback must be to be accepted, and the event it becomes.

use proptest::prelude::*;
use serde_json::json;

use crate::source::testing::{Call, NOW_MS, build, problem, written};
use crate::source::{Input, Source, Verdict};

const SECRET: &str = "example-bc-client-secret-0123456789abcdef0123456789abcdef";

fn store(more: &str) -> Box<dyn Source> {
    build(&format!("- bigcommerce:\n    secrets: [ old_secret, {SECRET} ]\n{more}"))
}

const BODY: &str = concat!(
    r#"{"producer":"stores/abc123xyz","hash":"c3d64fed1b93cb17e6d9969bb4435f1954ec6e51","created_at":1777903380,"#,
    r#""store_id":"1025646","scope":"store/order/created","data":{"type":"order","id":250}}"#
);

/// A recorded callback, whose signature the reference library of the standard gives too.
fn vector() -> Call {
    let mut call = Call::post(BODY)
        .header("webhook-id", "msg_fbf0b23945ee528ca190576b3d373139")
        .header("webhook-timestamp", "1777903382")
        .header("webhook-signature", "v1,oLEU4Y1ywiSanqoML8x2+PvQOczbeeevtyYLOtptWt0=");
    call.now_ms = 1_777_903_382_000;
    call
}

#[test]
fn accepts_a_recorded_callback_with_any_of_the_secrets() {
    let source = store("");
    assert_eq!(source.input(), Input::Http { path: "/shop/bigcommerce".into(), below: false });
    assert_eq!(vector().outcome(&*source), "200");
    assert!(vector().reply(&*source).body.is_empty());
    let mut other = vector();
    other.sample.body.push(b' ');
    assert_eq!(other.outcome(&*source), "401 bad-signature");
    other.sample.body.clear();
    assert_eq!(other.outcome(&*source), "400 empty-body");
    let mut late = vector();
    late.now_ms += 300_001;
    assert_eq!(late.outcome(&*source), "401 stale-signature");
    assert_eq!(late.outcome(&*store("    tolerance: 0s\n")), "200");
    assert_eq!(Call::post(BODY).outcome(&*source), "401 no-signature");
    let mut get = vector();
    get.sample.method = "GET".into();
    assert_eq!(get.outcome(&*source), "405 bad-method");
}

#[test]
fn keys_are_raw_or_base64() {
    let raw = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, SECRET);
    let source = build(&format!("- bigcommerce: {{ secrets: \"whsec_{raw}\", key: base64 }}\n"));
    assert_eq!(vector().outcome(&*source), "200");
    assert!(problem("- bigcommerce: { secrets: \"no base64!\", key: base64 }\n").contains("remove `key: base64`"));
}

#[test]
fn headers_of_your_own_make_up_for_a_missing_signature_only() {
    let headers = "    headers: { X-Collector-Key: [ one, two ], X-Team: red }\n";
    let own = |call: Call| call.header("x-collector-key", "two").header("x-team", "red");
    let only = build(&format!("- bigcommerce:\n{headers}"));
    assert_eq!(own(Call::post(BODY)).outcome(&*only), "200");
    assert_eq!(own(Call::post(BODY)).header("x-team", "blue").outcome(&*only), "401 bad-signature");
    assert_eq!(Call::post(BODY).header("x-team", "red").outcome(&*only), "401 no-signature");
    let either = store(headers);
    assert_eq!(own(Call::post(BODY)).outcome(&*either), "200");
    assert_eq!(vector().outcome(&*either), "200");
    assert_eq!(own(vector()).header("webhook-signature", "v1,AAAA").outcome(&*either), "401 bad-signature");
    let both = store(&format!("{headers}    require: all\n"));
    assert_eq!(own(vector()).outcome(&*both), "200");
    assert_eq!(vector().outcome(&*both), "401 no-signature");
    assert_eq!(own(Call::post(BODY)).outcome(&*both), "401 no-signature");
    assert_eq!(Call::post(BODY).signed(&*both).outcome(&*both), "200");
    let Verdict::Accept { headers, .. } = own(vector()).verdict(&*both) else { panic!() };
    let names: Vec<_> = headers.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["webhook-id", "webhook-timestamp"], "neither signature nor secrets are kept");
}

#[test]
fn stores_can_be_listed() {
    let source = store("    stores: [ other, abc123xyz ]\n");
    assert_eq!(vector().outcome(&*source), "200");
    let from = |body: &str| Call::post(body).signed(&*source).outcome(&*source);
    assert_eq!(from(r#"{"producer":"stores/abc","scope":"store/order/created"}"#), "403 unknown-store");
    assert_eq!(from(r#"{"scope":"store/order/created"}"#), "403 unknown-store");
    assert_eq!(from("no json"), "403 unknown-store");
    assert_eq!(Call::post("no json").header("webhook-signature", "v1,AAAA").outcome(&*source), "401 no-signature");
}

#[test]
fn becomes_a_track_event_named_by_the_scope() {
    let source = store("");
    assert_eq!(
        vector().events(&*source),
        [json!({
            "type": "track",
            "event": "store/order/created",
            "timestamp": "2026-05-04T14:03:00.000Z",
            "properties": serde_json::from_str::<serde_json::Value>(BODY).unwrap(),
            "context": { "store": { "hash": "abc123xyz", "id": "1025646" } },
        })]
    );
    let delivery = vector().delivery(&*source);
    let text = written(source.decode(&delivery).remove(0));
    assert!(text.contains(&format!("\"properties\":{BODY}")), "{text}");
    let bare = Call::post(r#"{"scope":"store/app/uninstalled"}"#).signed(&*source).events(&*source);
    assert_eq!(bare[0]["timestamp"], "2026-01-15T10:20:30.000Z");
    assert_eq!(bare[0]["context"], json!({ "store": {} }));
    for (body, code) in
        [("{", "bad-json"), ("[1]", "bad-json"), ("{\"scope\":\"\"}", "bad-callback"), ("{}", "bad-callback")]
    {
        assert_eq!(Call::post(body).signed(&*source).events(&*source), [json!({ "refused": code })], "{body}");
    }
}

/// Every callback of a recorded journey, with the headers that came with it.
#[test]
fn takes_a_whole_journey() {
    let dir = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/payloads/bigcommerce/scenario/");
    let source =
        store("    headers: { x-collector-key: example-collector-key }\n    require: all\n    stores: abc123xyz\n");
    let mut taken = 0;
    for entry in std::fs::read_dir(dir).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let Some(stem) = name.strip_suffix(".headers.json") else { continue };
        let body = std::fs::read(format!("{dir}{stem}.json")).unwrap();
        let headers: serde_json::Map<_, _> =
            serde_json::from_slice(&std::fs::read(format!("{dir}{name}")).unwrap()).unwrap();
        let text = |name: &str| headers[name].as_str().unwrap();
        let mut call = headers.keys().fold(Call::post(body.clone()), |call, key| call.header(key, text(key)));
        call.now_ms = text("webhook-timestamp").parse::<i64>().unwrap() * 1000;
        let sent: serde_json::Value = serde_json::from_slice(&body).unwrap();
        let events = call.events(&*source);
        assert_eq!(events[0]["event"], sent["scope"], "{name}");
        assert_eq!(events[0]["properties"], sent, "{name}");
        taken += 1;
    }
    assert_eq!(taken, 24);
}

#[test]
fn a_redelivery_is_the_same_and_another_callback_is_not() {
    let source = store("    headers: { x-key: one }\n");
    let identity = |call: &Call, seq: u64| {
        let mut delivery = call.delivery(&*source);
        delivery.seq = seq;
        source.identity(&delivery)
    };
    let signed = Call::post(BODY).signed(&*source);
    let mut again = signed.clone();
    again.now_ms = NOW_MS + 60_000;
    assert_eq!(identity(&signed, 1), identity(&again, 2));
    let other = Call::post(BODY).header("webhook-id", "msg_2").signed(&*source);
    assert_ne!(identity(&signed, 1), identity(&other, 1));
    // Without ids, the body tells.
    let bare = |body: &str| Call::post(body).header("x-key", "one");
    assert_eq!(identity(&bare(BODY), 1), identity(&bare(BODY), 2));
    assert_ne!(identity(&bare(BODY), 1), identity(&bare(&BODY.replace("3380", "3381")), 1));
    assert_ne!(identity(&bare(BODY), 1), identity(&bare(&BODY.replace("created\"", "updated\"")), 1));
    assert_ne!(identity(&bare("{}"), 1), identity(&bare("{}"), 2));
}

#[test]
fn says_what_is_wrong_with_its_options() {
    assert!(problem("- bigcommerce: {}\n").contains("neither `secrets` nor `headers`"));
    assert!(problem("- bigcommerce: { secrets: [] }\n").starts_with("no-secrets"));
    assert!(problem("- bigcommerce: { headers: {} }\n").contains("let anybody in"));
    assert!(problem("- bigcommerce: { headers: { x-key: \"\" } }\n").starts_with("empty-secret"));
    assert!(problem("- bigcommerce: { headers: { x-key: [] } }\n").starts_with("no-secrets"));
    assert!(problem("- bigcommerce: { headers: { \"x key\": a } }\n").contains("`x key` is not a header name"));
    assert!(problem("- bigcommerce: { secrets: a, require: all }\n").contains("needs both"));
    assert!(problem("- bigcommerce: { secrets: a, require: al }\n").contains("did you mean `all`?"));
    build("- bigcommerce: \"${BIGCOMMERCE_CLIENT_SECRET}\"\n");
}

proptest! {
    #[test]
    fn a_changed_bit_is_refused(body in proptest::collection::vec(any::<u8>(), 1..300), bit in any::<prop::sample::Index>()) {
        let source = store("");
        let mut call = Call::post(body.clone()).signed(&*source);
        prop_assert_eq!(call.outcome(&*source), "200");
        let bit = bit.index(body.len() * 8);
        call.sample.body[bit / 8] ^= 1 << (bit % 8);
        prop_assert_eq!(call.outcome(&*source), "401 bad-signature");
    }

    #[test]
    fn any_body_decodes_to_one_thing(body in proptest::collection::vec(any::<u8>(), 1..200)) {
        let source = store("");
        let delivery = Call::post(body).signed(&*source).delivery(&*source);
        prop_assert_eq!(source.decode(&delivery).len(), 1);
        prop_assert_eq!(source.identity(&delivery).len(), 32);
    }
}
