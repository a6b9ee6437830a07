//! Each kind of proof, each kind of content, and what is wrong with options.

use proptest::prelude::*;
use serde_json::json;

use crate::source::testing::{Call, NOW_MS, build, problem, reply_header};
use crate::source::{Input, Source, Verdict};

fn open(more: &str) -> Box<dyn Source> {
    build(&format!("- webhook:\n    verify: none\n{more}"))
}

#[test]
fn verify_must_be_said() {
    assert!(problem("- webhook: {}\n").starts_with("missing-option"));
    assert!(problem("- webhook: { verify: non }\n").contains("did you mean `none`?"));
    assert!(problem("- webhook: { verify: hmac }\n").contains("`hmac` needs `header`"));
    assert!(problem("- webhook: { verify: { hmac: { header: x, secrts: a } } }\n").contains("did you mean `secrets`?"));
    assert!(problem("- webhook: { verify: { hmac: { header: x, secrets: [] } } }\n").starts_with("no-secrets"));
    assert!(
        problem("- webhook: { verify: { hmac: { header: x, secrets: a, signed: \"{timestamp}\" } } }\n")
            .contains("{body}")
    );
    let signed = "signed: \"{timestamp}.{body}\"";
    assert!(
        problem(&format!("- webhook: {{ verify: {{ hmac: {{ header: x, secrets: a, {signed} }} }} }}\n"))
            .contains("timestamp_header")
    );
    let unsigned = "timestamp_header: t, signed: \"{body}\"";
    assert!(
        problem(&format!("- webhook: {{ verify: {{ hmac: {{ header: x, secrets: a, {unsigned} }} }} }}\n"))
            .contains("not signed")
    );
    assert!(
        problem("- webhook: { verify: { standard_webhooks: { secrets: \"no base64!\" } } }\n").contains("key: raw")
    );
    assert!(problem("- webhook: { verify: [none] }\n").starts_with("wrong-type"));
    assert!(problem("- webhook: { verify: { none: { a: 1 } } }\n").contains("`none` has no options"));
}

#[test]
fn secrets_are_never_kept() {
    for options in
        ["keep_headers: [ Authorization ]", "keep_headers: X-Key", "event: \"{headers.x-key}\"", "id_header: x-key"]
    {
        let yaml = format!("- webhook: {{ verify: {{ header: {{ name: x-key, secrets: a }} }}, {options} }}\n");
        assert!(problem(&yaml).starts_with("secret-header"), "{yaml}");
    }
}

#[test]
fn a_secret_in_a_header() {
    let source = build(
        "- webhook: { verify: { header: { name: Authorization, prefix: \"Bearer \", secrets: [ a, \"${KEY}\" ] } } }\n",
    );
    let with = |value: &str| Call::post("{}").header("authorization", value).outcome(&*source);
    assert_eq!(with("Bearer secret"), "200");
    assert_eq!(with("Bearer a"), "200");
    assert_eq!(with("Bearer b"), "401 bad-signature");
    assert_eq!(with("a"), "401 bad-signature");
    assert_eq!(Call::post("{}").outcome(&*source), "401 no-signature");
    let Verdict::Accept { headers, .. } = Call::post("{}").signed(&*source).verdict(&*source) else { panic!() };
    assert_eq!(headers, [("content-type".to_owned(), "application/json".to_owned())]);
}

/// A backend that signs like GitHub, one that signs like Slack, and Shopify's scheme.
#[test]
fn keyed_hashes_of_well_known_platforms() {
    let github = build(
        "- webhook: { verify: { hmac: { header: X-Hub-Signature-256, prefix: sha256=, secrets: \"It's a Secret to Everybody\" } } }\n",
    );
    let signature = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";
    assert_eq!(Call::post("Hello, World!").header("x-hub-signature-256", signature).outcome(&*github), "200");
    assert_eq!(
        Call::post("Hello, World").header("x-hub-signature-256", signature).outcome(&*github),
        "401 bad-signature"
    );
    assert_eq!(
        Call::post("Hello, World!").header("x-hub-signature-256", &signature[7..]).outcome(&*github),
        "401 bad-signature"
    );
    let shopify =
        build("- webhook: { verify: { hmac: { header: x-sig, encoding: base64, secrets: test_secret_key } } }\n");
    let call = Call::post("{\"foo\": \"bar\"}").header("x-sig", "B23tXN681gZ0qIWNRrgtzBE9XSDo5yaUu6wfmhu3a7g=");
    assert_eq!(call.outcome(&*shopify), "200");
    let slack = build(
        "- webhook:\n    verify:\n      hmac: { header: x-slack-signature, prefix: v0=, secrets: 8f742231b10e8888abcd99yyyzzz85a5, \
         timestamp_header: x-slack-request-timestamp, signed: \"v0:{timestamp}:{body}\" }\n",
    );
    let mut call = Call::post(
        "token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&channel_name=foobar&\
         user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com%2F\
         commands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c",
    )
    .header("x-slack-request-timestamp", "1531420618")
    .header("x-slack-signature", "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503");
    call.now_ms = 1_531_420_618_000;
    assert_eq!(call.outcome(&*slack), "200");
    call.now_ms += 300_001;
    assert_eq!(call.outcome(&*slack), "401 stale-signature");
    // HMAC-SHA256 of `1700000000.{"id":"evt_1"}` under `whsec_test`, by another implementation.
    let stripe = build(
        "- webhook:\n    verify:\n      hmac: { header: Stripe-Signature, secrets: [whsec_old, whsec_test], signature_key: v1, timestamp_key: t }\n",
    );
    let signature = "c89214b5b5da833daed6f0b8c5bb6bd58cea9022bd80ccc78230f3942d632925";
    let mut call = Call::post("{\"id\":\"evt_1\"}");
    call.now_ms = 1_700_000_100_000;
    let with = |header: String| call.clone().header("stripe-signature", &header).outcome(&*stripe);
    assert_eq!(with(format!("t=1700000000,v1={signature},v0=abc")), "200");
    assert_eq!(with(format!("t=1700000000, v1=00{}, v1={signature}", &signature[2..])), "200");
    assert_eq!(with(format!("t=1700000001,v1={signature}")), "401 bad-signature");
    assert_eq!(with(format!("t=1700000000,v0={signature}")), "401 bad-signature");
    assert_eq!(with(format!("v1={signature}")), "401 no-signature");
    call.now_ms += 400_000;
    let late = call.header("stripe-signature", &format!("t=1700000000,v1={signature}"));
    assert_eq!(late.outcome(&*stripe), "401 stale-signature");
}

#[test]
fn every_combination_accepts_its_own_samples_only() {
    for algorithm in ["sha1", "sha256", "sha512"] {
        for encoding in ["hex", "base64", "base64url"] {
            for more in [
                "",
                "prefix: \"v1=\"",
                "timestamp_header: x-time",
                "timestamp_header: x-time, signed: \"{timestamp}{body}\"",
            ] {
                let yaml = format!(
                    "- webhook: {{ verify: {{ hmac: {{ header: x-sig, secrets: [ one, two ], algorithm: {algorithm}, encoding: {encoding}, \
                     {more} }} }} }}\n"
                );
                let source = build(&yaml.replace(", , ", ", "));
                let call = Call::post("{\"a\":1}").signed(&*source);
                assert_eq!(call.outcome(&*source), "200", "{yaml}");
                let mut other = call.clone();
                other.sample.body.push(b' ');
                assert_eq!(other.outcome(&*source), "401 bad-signature", "{yaml}");
                let given = Call::post("{\"a\":1}").header("x-sig", "00").signed(&*source);
                assert!(given.outcome(&*source).starts_with("401"), "a given signature stays: {yaml}");
            }
        }
    }
}

/// The standard's own constants, and `BigCommerce`'s way of using it.
#[test]
fn standard_webhooks() {
    let source =
        build("- webhook: { verify: { standard_webhooks: { secrets: whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw } } }\n");
    let mut call = Call::post("{\"test\": 2432232314}")
        .header("webhook-id", "msg_p5jXN8AQM9LWM0D4loKWxJek")
        .header("webhook-timestamp", "1614265330")
        .header("webhook-signature", "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    call.now_ms = 1_614_265_330_000;
    assert_eq!(call.outcome(&*source), "200");
    let mut again = call.delivery(&*source);
    let first = source.identity(&again);
    again.seq = 7;
    again.received_ms += 60_000;
    assert_eq!(source.identity(&again), first);
    call.now_ms += 300_001;
    assert_eq!(call.outcome(&*source), "401 stale-signature");

    let raw = "example-bc-client-secret-0123456789abcdef0123456789abcdef";
    let source = build(&format!("- webhook: {{ verify: {{ standard_webhooks: {{ secrets: {raw}, key: raw }} }} }}\n"));
    let body = concat!(
        r#"{"producer":"stores/abc123xyz","hash":"c3d64fed1b93cb17e6d9969bb4435f1954ec6e51","created_at":1777903380,"#,
        r#""store_id":"1025646","scope":"store/order/created","data":{"type":"order","id":250}}"#
    );
    let mut call = Call::post(body)
        .header("webhook-id", "msg_fbf0b23945ee528ca190576b3d373139")
        .header("webhook-timestamp", "1777903382")
        .header("webhook-signature", "v1,oLEU4Y1ywiSanqoML8x2+PvQOczbeeevtyYLOtptWt0=");
    call.now_ms = 1_777_903_382_000;
    assert_eq!(call.outcome(&*source), "200");
    assert_eq!(Call::post("x").signed(&*source).outcome(&*source), "200");
}

#[test]
fn content_of_all_kinds() {
    let source = open("");
    let properties = |call: Call| call.events(&*source)[0]["properties"].clone();
    let form = "application/x-www-form-urlencoded";
    for (kind, body, expected) in [
        ("application/json", r#"{"a":1}"#, json!({"a": 1})),
        ("application/vnd.api+json; charset=utf-8", "[1,2]", json!({"items": [1, 2]})),
        ("application/json", "5", json!({"value": 5})),
        ("text/plain", " {\"a\":1}", json!({"a": 1})),
        (form, "{\"a\":1}", json!({"a": 1})),
        (form, "a=1&b=x+y&b=z", json!({"a": "1", "b": ["x y", "z"]})),
        ("text/plain", "hello", json!({"text": "hello"})),
        ("text/plain", "{hello", json!({"text": "{hello"})),
        ("text/plain", "5", json!({"text": "5"})),
    ] {
        assert_eq!(properties(Call::post(body).header("content-type", kind)), expected, "{kind} {body}");
    }
    assert_eq!(properties(Call::post("[{}]")), json!({"items": [{}]}));
    assert_eq!(properties(Call::new("POST", "?a=1&b=2", "")), json!({"a": "1", "b": "2"}));
    assert_eq!(
        Call::post("{").header("content-type", "application/json").events(&*source),
        [json!({"refused": "bad-json"})]
    );
    assert_eq!(Call::post([0xff, 0xfe]).events(&*source), [json!({"refused": "not-text"})]);
    assert_eq!(
        Call::post("{}").events(&*source),
        [json!({
            "type": "track", "event": "Webhook Received", "timestamp": "2026-01-15T10:20:30.000Z", "properties": {}
        })]
    );
}

#[test]
fn arrays_split_and_names_are_filled_in() {
    let source = open("    split: true\n    event: \"{headers.X-Topic} {body.kind}\"\n");
    let call = Call::post(r#"[{"kind":"a"},{"kind":"b"},7]"#).header("x-topic", "item");
    let names: Vec<_> = call.events(&*source).iter().map(|event| event["event"].clone()).collect();
    assert_eq!(names, ["item a", "item b", "Webhook Received"]);
    assert_eq!(call.events(&*source)[2]["properties"], json!({"value": 7}));
    assert_eq!(Call::post("[]").events(&*source), Vec::<serde_json::Value>::new());
    assert!(problem("- webhook: { verify: none, event: \"{nme}\" }\n").contains("{body.field}"));
}

#[test]
fn methods_status_and_cors() {
    let source =
        open("    status: 202\n    path: /in/\n    methods: [ POST, GET ]\n    cors: true\n    body_max: 1KB\n");
    assert_eq!(source.input(), Input::Http { path: "/in".into(), below: false });
    assert_eq!(source.body_bytes_max(), 1000);
    assert_eq!(Call::new("GET", "?a=1", "").outcome(&*source), "202");
    assert_eq!(Call::new("PUT", "", "{}").outcome(&*source), "405 bad-method");
    let preflight = Call::new("OPTIONS", "", "").header("origin", "https://a.example").reply(&*source);
    assert_eq!(preflight.status, 204);
    assert_eq!(reply_header(&preflight, "access-control-allow-origin"), Some("https://a.example"));
    assert_eq!(reply_header(&Call::post("{}").reply(&*source), "access-control-allow-origin"), Some("*"));
    assert_eq!(reply_header(&source.overloaded(3), "retry-after"), Some("3"));
    let plain = open("");
    assert_eq!(Call::new("OPTIONS", "", "").outcome(&*plain), "405 bad-method");
    assert_eq!(Call::new("PATCH", "", "{}").outcome(&*plain), "200");
    assert_eq!(Call::new("GET", "", "").outcome(&*plain), "405 bad-method");
    assert_eq!(Call::new("GET", "", "x").signed(&*plain).sample.method, "POST");
}

#[test]
fn an_id_header_names_the_delivery() {
    let source = open("    id_header: X-Delivery\n    keep_headers: [ X-Topic ]\n");
    let call = Call::post("{}").header("x-delivery", "d1").header("x-topic", "t").header("x-other", "o");
    let mut delivery = call.delivery(&*source);
    assert_eq!(delivery.headers.len(), 2);
    let first = source.identity(&delivery);
    delivery.seq = 2;
    assert_eq!(source.identity(&delivery), first);
    assert_ne!(source.identity(&Call::post("{}").header("x-delivery", "d2").delivery(&*source)), first);
    delivery.headers.clear();
    assert_ne!(source.identity(&delivery), first);
}

proptest! {
    #[test]
    fn any_body_decodes_to_something(body in proptest::collection::vec(any::<u8>(), 0..200), kind in "[a-z/+;]{0,30}", split in any::<bool>()) {
        let source = open(&format!("    split: {split}\n"));
        let delivery = Call::post(body).header("content-type", &kind).delivery(&*source);
        let first: Vec<_> = source.decode(&delivery).into_iter().map(crate::source::testing::shown).collect();
        let second: Vec<_> = source.decode(&delivery).into_iter().map(crate::source::testing::shown).collect();
        prop_assert_eq!(first, second);
    }

    #[test]
    fn hostile_signatures_are_refused(signature in "[ -~]{0,80}", time in "[ -~]{0,20}", body in proptest::collection::vec(any::<u8>(), 0..50)) {
        let source = build("- webhook: { verify: { hmac: { header: x-sig, secrets: s, timestamp_header: x-time } } }\n");
        let mut call = Call::post(body).header("x-sig", &signature).header("x-time", &time);
        call.now_ms = NOW_MS;
        prop_assert!(call.outcome(&*source).starts_with("401"));
    }
}
