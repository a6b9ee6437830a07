//! What a Shopify webhook must be to be accepted, and the event it becomes.

use proptest::prelude::*;
use serde_json::json;

use crate::source::testing::{Call, NOW_MS, build, problem, written};
use crate::source::{Input, Source, Verdict};

fn shop(more: &str) -> Box<dyn Source> {
    build(&format!("- shopify:\n    secrets: [ old_secret, test_secret_key ]\n{more}"))
}

/// Shopify's own test vector.
fn vector() -> Call {
    Call::post("{\"foo\": \"bar\"}")
        .header("X-Shopify-Topic", "orders/create")
        .header("X-Shopify-Shop-Domain", "example-store.myshopify.com")
        .header("X-Shopify-Hmac-Sha256", "B23tXN681gZ0qIWNRrgtzBE9XSDo5yaUu6wfmhu3a7g=")
}

#[test]
fn accepts_shopifys_own_vector_with_any_of_the_secrets() {
    let source = shop("");
    assert_eq!(source.input(), Input::Http { path: "/shop/shopify".into(), below: false });
    assert_eq!(vector().outcome(&*source), "200");
    assert!(vector().reply(&*source).body.is_empty());
    assert_eq!(vector().header("X-Shopify-Hmac-Sha256", "").outcome(&*source), "401 bad-signature");
    assert_eq!(Call::post("{}").header("x-shopify-topic", "a/b").outcome(&*source), "401 no-signature");
    let mut other = vector();
    other.sample.body = b"{\"foo\":\"bar\"}".to_vec();
    assert_eq!(other.outcome(&*source), "401 bad-signature");
    other.sample.body.clear();
    assert_eq!(other.outcome(&*source), "400 empty-body");
    let mut get = vector();
    get.sample.method = "GET".into();
    assert_eq!(get.outcome(&*source), "405 bad-method");
    assert_eq!(get.reply(&*source).headers.iter().find(|(name, _)| name == "allow").unwrap().1, "POST");
    assert_eq!(vector().header("x-shopify-topic", "").outcome(&*source), "400 no-topic");
}

#[test]
fn shops_and_age_can_be_bounded() {
    let source = shop("    shops: [ Example-Store.myshopify.com ]\n    max_age: 1h\n");
    let at = |time: &str| vector().header("x-shopify-triggered-at", time).outcome(&*source);
    assert_eq!(at("2026-01-15T09:20:30Z"), "200");
    assert_eq!(at("2026-01-15T09:20:29Z"), "400 too-old");
    assert_eq!(at("yesterday"), "400 too-old");
    assert_eq!(vector().outcome(&*source), "400 too-old");
    let other = vector().header("x-shopify-shop-domain", "other.myshopify.com");
    assert_eq!(other.outcome(&*source), "403 unknown-shop");
}

#[test]
fn becomes_a_track_event_named_by_the_topic() {
    let source = shop("");
    let call = Call::post(r#"{"id":820982911946154508,"total":"54.90"}"#)
        .header("x-shopify-triggered-at", "2026-05-04T14:05:31.900Z")
        .header("x-shopify-test", "true")
        .signed(&*source);
    assert_eq!(
        call.events(&*source),
        [json!({
            "type": "track",
            "event": "orders/create",
            "timestamp": "2026-05-04T14:05:31.900Z",
            "properties": { "id": 820_982_911_946_154_508_i64, "total": "54.90" },
            "context": { "shop": { "domain": "example-store.myshopify.com", "api_version": "2026-04", "test": true } },
        })]
    );
    let Verdict::Accept { headers, .. } = call.verdict(&*source) else { panic!() };
    let names: Vec<_> = headers.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(
        names,
        [
            "x-shopify-topic",
            "x-shopify-shop-domain",
            "x-shopify-api-version",
            "x-shopify-webhook-id",
            "x-shopify-triggered-at",
            "x-shopify-test"
        ]
    );
    assert_eq!(Call::post("[1]").signed(&*source).events(&*source), [json!({ "refused": "bad-json" })]);
    assert_eq!(Call::post("{").signed(&*source).events(&*source), [json!({ "refused": "bad-json" })]);
}

/// Every signed delivery of a recorded shopper's journey, with the headers that came with it.
#[test]
fn takes_a_whole_journey() {
    let dir = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/payloads/shopify/scenario/");
    let source = build("- shopify: { secrets: example-app-client-secret, shops: example-store.myshopify.com }\n");
    let mut taken = 0;
    for entry in std::fs::read_dir(dir).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let Some(stem) = name.strip_suffix(".headers.json") else { continue };
        let body = std::fs::read(format!("{dir}{}.json", stem.replace(".redelivery", ""))).unwrap();
        let headers: serde_json::Map<_, _> =
            serde_json::from_slice(&std::fs::read(format!("{dir}{name}")).unwrap()).unwrap();
        let text = |name: &str| headers[name].as_str().unwrap();
        let call = headers.keys().fold(Call::post(body.clone()), |call, key| call.header(key, text(key)));
        let delivery = call.delivery(&*source);
        let event = source.decode(&delivery).remove(0).unwrap();
        let shown = crate::source::testing::shown(Ok(event));
        assert_eq!(shown["event"], text("X-Shopify-Topic"), "{name}");
        assert_eq!(shown["timestamp"], text("X-Shopify-Triggered-At"), "{name}");
        assert_eq!(shown["properties"], serde_json::from_slice::<serde_json::Value>(&body).unwrap(), "{name}");
        taken += 1;
    }
    assert!(taken >= 20, "{taken}");
}

#[test]
fn the_body_stays_as_it_came() {
    let source = shop("");
    let body = r#"{"z":18446744073709551615,"a":0.10,"m":{"y":1E3,"b":"\u00e9\/"},"n":[199.00,null]}"#;
    let delivery = Call::post(body).signed(&*source).delivery(&*source);
    let written = written(source.decode(&delivery).remove(0));
    assert!(written.contains(&format!("\"properties\":{body}")), "{written}");
}

#[test]
fn takes_the_newer_headers_too() {
    let source = shop("");
    let mut signed = Call::post("{\"topic\":\"Product\"}").signed(&*source);
    for (name, _) in &mut signed.sample.headers {
        *name = name.replace("x-shopify-", "shopify-");
    }
    let call = signed.header("shopify-topic", "Product").header("shopify-action", "update");
    let events = call.events(&*source);
    assert_eq!(events[0]["event"], "Product update");
    assert_eq!(events[0]["timestamp"], "2026-01-15T10:20:30.000Z");
}

#[test]
fn a_redelivery_is_the_same_and_another_pipeline_is_not() {
    let source = shop("");
    let first = Call::post("{\"id\":1}").signed(&*source);
    let mut again = first.clone();
    again.now_ms = NOW_MS + 3_600_000;
    assert_eq!(first.sample, Call::post("{\"id\":1}").signed(&*source).sample);
    let (first, mut again) = (first.delivery(&*source), again.delivery(&*source));
    again.seq = 9;
    assert_eq!(source.identity(&first), source.identity(&again));
    let mut elsewhere = first.clone();
    elsewhere.pipeline = "other".into();
    assert_ne!(source.identity(&first), source.identity(&elsewhere));
    let update =
        Call::post("{\"id\":1}").header("x-shopify-topic", "orders/updated").signed(&*source).delivery(&*source);
    assert_ne!(source.identity(&first), source.identity(&update));
}

#[test]
fn says_what_is_wrong_with_its_options() {
    assert!(problem("- shopify: {}\n").starts_with("missing-option"));
    assert!(problem("- shopify: { secrets: [] }\n").starts_with("no-secrets"));
    assert!(problem("- shopify: { secrets: \"\" }\n").starts_with("empty-secret"));
    assert!(problem("- shopify: { secrts: [a] }\n").contains("did you mean `secrets`?"));
    assert!(problem("- shopify: { secrets: [a], path: orders }\n").contains("write /orders"));
    assert!(problem("- shopify: { secrets: [a], path: \"/a b\" }\n").contains("cannot hold ' '"));
    build("- shopify: \"${SHOPIFY_WEBHOOK_SECRET}\"\n");
}

proptest! {
    #[test]
    fn a_changed_bit_is_refused(body in proptest::collection::vec(any::<u8>(), 1..300), bit in any::<prop::sample::Index>()) {
        let source = shop("");
        let mut call = Call::post(body.clone()).signed(&*source);
        prop_assert_eq!(call.outcome(&*source), "200");
        let bit = bit.index(body.len() * 8);
        call.sample.body[bit / 8] ^= 1 << (bit % 8);
        prop_assert_eq!(call.outcome(&*source), "401 bad-signature");
    }

    #[test]
    fn nothing_random_is_accepted_or_panics(body in proptest::collection::vec(any::<u8>(), 0..100), signature in "[ -~]{0,60}", topic in "[ -~]{0,20}") {
        let call = Call::post(body).header("x-shopify-hmac-sha256", &signature).header("x-shopify-topic", &topic);
        let refused = matches!(call.verdict(&*shop("")), Verdict::Reject { .. });
        prop_assert!(refused);
    }
}
