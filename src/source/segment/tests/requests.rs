//! Paths, keys, answers, CORS, settings and pixels.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::{call, message, segment};
use crate::source::testing::{Call, build, problem, reply_header};
use crate::source::{Input, Reply, Source};

#[test]
fn every_path_of_the_libraries() {
    let source = segment();
    assert_eq!(source.input(), Input::Http { path: "/shop/segment".into(), below: true });
    for (long, short, body) in [
        ("identify", "i", json!({ "userId": "u" })),
        ("track", "t", json!({ "userId": "u", "event": "E" })),
        ("page", "p", json!({ "anonymousId": "a", "name": "" })),
        ("screen", "s", json!({ "anonymousId": "a" })),
        ("group", "g", json!({ "userId": "u", "groupId": "g" })),
        ("alias", "a", json!({ "userId": "u", "previousId": "p" })),
    ] {
        for path in [
            format!("/v1/{long}"),
            format!("/v1/{long}/"),
            format!("/v1/{short}"),
            format!("/{long}"),
            format!("/{short}"),
        ] {
            let events = call(&path, &body).events(&*source);
            assert_eq!(events.len(), 1);
            assert_eq!(events[0]["type"], long, "{path}: {events:?}");
        }
    }
    for path in ["/v1/batch", "/v1/batch/", "/v1/b", "/v1/import", "/v1/import/", "/b"] {
        assert_eq!(call(path, &json!({ "batch": [message(), message()] })).events(&*source).len(), 2, "{path}");
    }
    for path in ["", "/", "/v1", "/v1/", "/v1/nothing", "/v2/track", "/v1/track/x"] {
        assert_eq!(call(path, &message()).outcome(&*source), "404 bad-path", "{path}");
    }
    assert_eq!(call("/v1/m", &json!({ "series": [] })).outcome(&*source), "200 answered");
    let get = Call::new("GET", "/v1/track", "").reply(&*source);
    assert_eq!((get.status, reply_header(&get, "allow")), (405, Some("POST, OPTIONS")));
}

#[test]
fn answers_are_what_the_libraries_understand() {
    let source = segment();
    let reply = call("/v1/track", &message()).reply(&*source);
    assert_eq!((reply.status, reply.body.as_slice()), (200, &b"{\"success\":true}"[..]));
    assert_eq!(reply_header(&reply, "content-type"), Some("application/json"));
    for (bad, status) in [
        (Call::new("POST", "/v1/track", "{"), 400),
        (Call::new("POST", "/v1/track", "[]"), 400),
        (Call::new("POST", "/v1/track", "{} {}"), 400),
        (Call::new("POST", "/v1/track", b"{\"a\":\"\xff\"}".to_vec()), 400),
        (Call::new("POST", "/v1/batch", "{\"writeKey\":\"key1\"}"), 400),
        (Call::new("POST", "/v1/batch", "{\"writeKey\":\"key1\",\"batch\":{}}"), 400),
        (Call::new("POST", "/v1/track", "{}"), 400),
        (Call::new("POST", "/v1/track", "{\"writeKey\":\"other\"}"), 401),
        (Call::new("GET", "/v1/projects/other/settings", ""), 404),
    ] {
        is_failure(&bad.reply(&*source), status);
    }
    is_failure(&source.overloaded(0), 503);
    assert_eq!(reply_header(&source.overloaded(0), "retry-after"), Some("1"));
    is_failure(&source.refused(Reply::text(413, "too large\n")), 400);
    is_failure(&source.refused(Reply::text(415, "gzip only\n")), 400);
    is_failure(&source.refused(Reply::text(408, "too slow\n")), 408);
}

fn is_failure(reply: &Reply, status: u16) {
    let body: Value = serde_json::from_slice(&reply.body).unwrap();
    assert_eq!(reply.status, status, "{body}");
    assert_eq!(body["success"], false);
    assert!(body["code"].is_string() && body["message"].is_string() && body["error"].is_string());
    assert!(reply_header(reply, "access-control-allow-origin").is_some());
    assert_eq!(reply_header(reply, "access-control-expose-headers"), Some("Retry-After, X-RateLimit-Reset"));
}

#[test]
fn the_key_in_header_body_or_both() {
    let source = segment();
    let with = |authorization: &str, key: Option<&str>| {
        let mut body = message();
        if let Some(key) = key {
            body["writeKey"] = key.into();
        }
        let mut call = Call::new("POST", "/v1/track", body.to_string());
        if !authorization.is_empty() {
            call = call.header("authorization", authorization);
        }
        call.outcome(&*source)
    };
    assert_eq!(with("Basic a2V5MTo=", None), "200");
    assert_eq!(with("Basic a2V5MQ==", None), "200", "without the colon");
    assert_eq!(with("basic a2V5Mjo", None), "200", "without padding");
    assert_eq!(with("", Some("key2")), "200");
    assert_eq!(with("Basic a2V5MTo=", Some("key1")), "200");
    assert_eq!(with("Bearer abc.def", Some("key1")), "200");
    assert_eq!(with("Basic a2V5MTpwYXNz", None), "200", "with a password");
    assert_eq!(with("Bearer abc.def", None), "400 no-key");
    assert_eq!(with("Basic Og==", None), "400 no-key");
    assert_eq!(with("", Some("")), "400 no-key");
    assert_eq!(with("", Some("key3")), "401 bad-key");
    assert_eq!(with("Basic a2V5MTo=", Some("key3")), "401 bad-key");
    assert_eq!(with("Basic a2V5Mzo=", Some("key1")), "401 bad-key");
    assert_eq!(with("Basic !!", Some("key1")), "200");
    let colon = build("- segment: { write_keys: \"placeholder-file:/run/key\" }\n");
    assert_eq!(Call::post("{}").signed(&*colon).outcome(&*colon), "200");
    let any = build("- segment: { any_key: true }\n");
    assert_eq!(Call::new("POST", "/v1/track", "{\"writeKey\":\"x\"}").outcome(&*any), "200");
    assert_eq!(Call::new("POST", "/v1/track", "{}").outcome(&*any), "400 no-key");
}

#[test]
fn options_are_checked() {
    assert!(problem("- segment: {}\n").contains("any_key: true"));
    assert!(problem("- segment: { write_keys: a, any_key: true }\n").starts_with("conflict"));
    assert!(problem("- segment: { write_keys: a, path: x }\n").contains("write /x"));
    assert_eq!(build("- segment: a\n").body_bytes_max(), 4_000_000);
    assert_eq!(build("- segment: { write_keys: a, path: / }\n").input(), Input::Http { path: "/".into(), below: true });
}

#[test]
fn browsers_may_send_from_any_page() {
    let source = segment();
    let preflight = Call::new("OPTIONS", "/v1/p", "")
        .header("origin", "https://shop.example")
        .header("access-control-request-method", "POST")
        .header("access-control-request-headers", "authorization, x-retry-count, X-Own, b\u{e9}")
        .reply(&*source);
    assert_eq!(preflight.status, 204);
    assert_eq!(reply_header(&preflight, "access-control-allow-origin"), Some("https://shop.example"));
    assert_eq!(reply_header(&preflight, "access-control-allow-credentials"), Some("true"));
    assert_eq!(reply_header(&preflight, "access-control-allow-methods"), Some("POST, GET, OPTIONS"));
    assert!(reply_header(&preflight, "access-control-max-age").is_some());
    let plain = Call::new("OPTIONS", "/v1/p", "").reply(&*source);
    assert_eq!(
        reply_header(&plain, "access-control-allow-headers"),
        Some("authorization, content-type, x-retry-count")
    );
    let own = Call::new("OPTIONS", "/v1/p", "").header("access-control-request-headers", "x-own, <x>").reply(&*source);
    assert_eq!(
        reply_header(&own, "access-control-allow-headers"),
        Some("authorization, content-type, x-retry-count, x-own")
    );
    for call in [call("/v1/t", &message()), call("/v1/nothing", &message()), Call::new("POST", "/v1/t", "{")] {
        assert_eq!(reply_header(&call.reply(&*source), "access-control-allow-origin"), Some("*"));
    }
}

#[test]
fn settings_let_analytics_js_start() {
    let get = |source: &dyn Source, key: &str| {
        Call::new("GET", &format!("/v1/projects/{key}/settings"), "").header("host", "in.example:81").reply(source)
    };
    let source = segment();
    let reply = get(&*source, "key2");
    let body: Value = serde_json::from_slice(&reply.body).unwrap();
    assert_eq!((reply.status, reply_header(&reply, "access-control-allow-origin")), (200, Some("*")));
    assert_eq!(
        body["integrations"],
        json!({
            "Segment.io": { "apiKey": "key2", "apiHost": "in.example:81/shop/segment/v1", "protocol": "http" }
        })
    );
    assert_eq!(body["metrics"]["sampleRate"], 0);
    let root = build("- segment: { write_keys: k, path: /, public_url: \"https://e.example/x/\" }\n");
    let body: Value = serde_json::from_slice(&get(&*root, "k").body).unwrap();
    assert_eq!(body["integrations"]["Segment.io"]["apiHost"], "e.example/x/v1");
    assert_eq!(body["integrations"]["Segment.io"]["protocol"], "https");
    assert_eq!(Call::new("GET", "/v1/projects/k/settings", "").outcome(&*build("- segment: k\n")), "400 no-host");
    let secure =
        Call::new("GET", "/v1/projects/k/settings", "").header("host", "h").header("x-forwarded-proto", "https");
    assert!(
        String::from_utf8(secure.reply(&*build("- segment: { write_keys: k, path: / }\n")).body)
            .unwrap()
            .contains("\"h/v1\"")
    );
}

#[test]
fn pixels_always_get_their_image() {
    let source = segment();
    let get = |path: &str| Call::new("GET", path, "").header("user-agent", "Mail/1");
    let dotted = get("/v1/pixel/track?writeKey=key1&event=Opened&userId=u&properties.subject=Hi+you&properties.a.b=1");
    assert_eq!(dotted.outcome(&*source), "200");
    let mut event = dotted.events(&*source).remove(0);
    assert!(event["messageId"].as_str().unwrap().starts_with("cw-"));
    event.as_object_mut().unwrap().remove("messageId");
    assert_eq!(
        event,
        json!({
            "type": "track", "event": "Opened", "userId": "u", "timestamp": "2026-01-15T10:20:30.000Z",
            "properties": { "subject": "Hi you", "a": { "b": "1" } },
            "context": { "ip": "203.0.113.7", "userAgent": "Mail/1" },
        })
    );
    let data = r#"{"writeKey":"key1","event":"Opened?>","userId":"u"}"#;
    for engine in [&URL_SAFE_NO_PAD, &STANDARD] {
        let call = get(&format!("/v1/pixel/track?data={}", engine.encode(data)));
        assert_eq!(call.events(&*source)[0]["event"], "Opened?>");
    }
    for (path, outcome) in [
        ("/v1/pixel/track?data=AAAA", "200 bad-json"),
        ("/v1/pixel/track?data=%%%", "200 bad-json"),
        ("/v1/pixel/track?writeKey=other", "200 bad-key"),
        ("/v1/pixel/track", "200 bad-key"),
        ("/v1/pixel/track?writeKey=key1", "200"),
    ] {
        assert_eq!(get(path).outcome(&*source), outcome, "{path}");
        let reply = get(path).reply(&*source);
        assert_eq!(reply_header(&reply, "content-type"), Some("image/gif"));
        assert!(reply.body.starts_with(b"GIF89a") && reply.body.ends_with(b"\x3b"));
    }
}

#[test]
fn samples_pass() {
    let source = segment();
    for (body, path) in [
        (message(), "/v1/track"),
        (json!({ "type": "page", "userId": "u" }), "/v1/page"),
        (json!({ "batch": [message()] }), "/v1/batch"),
    ] {
        let call = Call::post(body.to_string()).signed(&*source);
        assert_eq!(call.sample.path, path);
        assert_eq!(call.outcome(&*source), "200");
    }
    assert_eq!(
        Call::post("{}")
            .signed(&*build("- segment: { any_key: true }\n"))
            .outcome(&*build("- segment: { any_key: true }\n")),
        "200"
    );
}

proptest! {
    #[test]
    fn any_bytes_get_an_answer(body in proptest::collection::vec(any::<u8>(), 0..200), path in "/[ -~]{0,30}", query in "[ -~]{0,60}", authorization in "[ -~]{0,40}") {
        let source = segment();
        for method in ["GET", "POST", "OPTIONS"] {
            for path in [path.as_str(), "/v1/track", "/v1/pixel/page", "/v1/batch"] {
                let call = Call::new(method, path, body.clone()).header("authorization", &authorization);
                let mut call = call;
                call.sample.query.clone_from(&query);
                let reply = call.reply(&*source);
                prop_assert!((200..500).contains(&reply.status));
            }
        }
    }
}
