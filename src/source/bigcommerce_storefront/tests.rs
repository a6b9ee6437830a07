//! Who may post to the storefront's source, and the events that come of it.

use proptest::prelude::*;
use serde_json::json;

use crate::source::testing::{Call, build, problem, reply_header, shown, written};
use crate::source::{Input, Source};

fn storefront(more: &str) -> Box<dyn Source> {
    build(&format!("- bigcommerce_storefront:\n    store: abc123xyz\n{more}"))
}

const POSTED: &str = concat!(
    r#"{"event":"bodl_v1_cart_viewed","payload":{"event_id":"ev-0005","cart_value":54.90,"channel_id":"1"},"#,
    r#""timestamp":"2026-05-04T14:01:30.000Z","anonymousId":"anon-1","cart":{"id":"c1","customerId":32},"#,
    r#""page":{"url":"https://shop.example.com/cart.php"},"locale":"en-US","consent":{"analytics":true},"other":1}"#
);

#[test]
fn becomes_a_track_event_with_what_the_page_told() {
    let source = storefront("");
    assert_eq!(source.input(), Input::Http { path: "/shop/bigcommerce_storefront".into(), below: false });
    let call = Call::post(POSTED).header("user-agent", "Browser/1").header("content-type", "text/plain");
    assert_eq!(
        call.events(&*source),
        [json!({
            "type": "track",
            "event": "bodl_v1_cart_viewed",
            "timestamp": "2026-05-04T14:01:30.000Z",
            "anonymousId": "anon-1",
            "properties": { "event_id": "ev-0005", "cart_value": 54.9, "channel_id": "1" },
            "context": {
                "store": { "hash": "abc123xyz" },
                "cart": { "id": "c1", "customerId": 32 },
                "page": { "url": "https://shop.example.com/cart.php" },
                "locale": "en-US",
                "consent": { "analytics": true },
                "ip": "203.0.113.7",
                "userAgent": "Browser/1",
            },
        })]
    );
    let text = written(source.decode(&call.delivery(&*source)).remove(0));
    assert!(text.contains(r#""properties":{"event_id":"ev-0005","cart_value":54.90,"channel_id":"1"}"#), "{text}");
}

#[test]
fn an_array_is_as_many_events() {
    let source = storefront("");
    let events =
        Call::post(r#"[{"event":"a"},{"event":"b","timestamp":"soon"},{"payload":{}},7,{"event":"c","payload":[]}]"#)
            .events(&*source);
    assert_eq!(events[0]["event"], "a");
    assert_eq!(events[0]["properties"], json!({}));
    assert_eq!(events[1]["timestamp"], "2026-01-15T10:20:30.000Z");
    assert_eq!(events[1].get("anonymousId"), None);
    assert_eq!(events[2..], vec![json!({ "refused": "bad-event" }); 3]);
    assert_eq!(Call::post("{").events(&*source), [json!({ "refused": "bad-json" })]);
    assert_eq!(Call::post("[]").events(&*source), Vec::<serde_json::Value>::new());
}

#[test]
fn browsers_may_post_from_listed_origins() {
    let source = storefront(
        "    origins: [ https://shop.example.com, \"http://localhost:3000\" ]\n    path: /s\n    body_max: 64KB\n",
    );
    assert_eq!(source.body_bytes_max(), 64_000);
    let shop = "https://shop.example.com";
    let from = |method: &str, origin: &str| Call::new(method, "", POSTED).header("origin", origin);
    assert_eq!(from("POST", shop).outcome(&*source), "200");
    assert_eq!(from("POST", "HTTPS://Shop.example.com").outcome(&*source), "200");
    assert_eq!(from("POST", "http://localhost:3000").outcome(&*source), "200");
    assert_eq!(reply_header(&from("POST", shop).reply(&*source), "access-control-allow-origin"), Some(shop));
    assert_eq!(from("OPTIONS", shop).outcome(&*source), "204 answered");
    for other in ["https://evil.example", "https://shop.example.com.evil.example", "null", ""] {
        assert_eq!(from("POST", other).outcome(&*source), "403 unknown-origin", "{other}");
        assert_eq!(from("OPTIONS", other).outcome(&*source), "403 unknown-origin", "{other}");
        assert_eq!(reply_header(&from("POST", other).reply(&*source), "access-control-allow-origin"), None);
    }
    assert_eq!(Call::post(POSTED).outcome(&*source), "403 unknown-origin");
    assert_eq!(Call::post(POSTED).signed(&*source).outcome(&*source), "200");
}

#[test]
fn without_a_list_any_origin_may_post() {
    let source = storefront("");
    assert_eq!(Call::post(POSTED).outcome(&*source), "200");
    let opaque = Call::post(POSTED).header("origin", "null").reply(&*source);
    assert_eq!(reply_header(&opaque, "access-control-allow-origin"), Some("null"));
    assert_eq!(Call::post("").outcome(&*source), "400 empty-body");
    assert_eq!(Call::new("GET", "", "").outcome(&*source), "405 bad-method");
    assert_eq!(reply_header(&source.overloaded(3), "access-control-allow-origin"), Some("*"));
}

#[test]
fn a_retry_is_the_same_and_the_same_action_again_is_not() {
    let source = storefront("");
    let identity = |body: &str, seq: u64| {
        let mut delivery = Call::post(body).delivery(&*source);
        delivery.seq = seq;
        source.identity(&delivery)
    };
    for body in [POSTED, r#"[{"event":"a","payload":{"event_id":"1"}}]"#] {
        assert_eq!(identity(body, 1), identity(body, 2), "{body}");
    }
    assert_ne!(identity(POSTED, 1), identity(&POSTED.replace("anon-1", "anon-2"), 1));
    for body in [r#"{"event":"a"}"#, r#"[{"event":"a","timestamp":"2026-05-04T14:01:30Z"},{"event":"a"}]"#, "[]", "{"] {
        assert_ne!(identity(body, 1), identity(body, 2), "{body}");
    }
}

#[test]
fn says_what_is_wrong_with_its_options() {
    assert!(problem("- bigcommerce_storefront: {}\n").starts_with("missing-option"));
    assert!(problem("- bigcommerce_storefront: { store: \"\" }\n").contains("write its hash"));
    for origin in ["shop.example.com", "https://shop.example.com/", "https://*.example.com", "https://"] {
        let yaml = format!("- bigcommerce_storefront: {{ store: a, origins: \"{origin}\" }}\n");
        assert!(problem(&yaml).contains("is not an origin"), "{origin}");
    }
    assert!(problem("- bigcommerce_storefront: { store: a, origins: [] }\n").contains("`origins` is empty"));
    build("- bigcommerce_storefront: abc123xyz\n");
}

proptest! {
    #[test]
    fn any_body_decodes_the_same_each_time(body in proptest::collection::vec(any::<u8>(), 1..200)) {
        let source = storefront("");
        let delivery = Call::post(body).delivery(&*source);
        let first: Vec<_> = source.decode(&delivery).into_iter().map(shown).collect();
        let second: Vec<_> = source.decode(&delivery).into_iter().map(shown).collect();
        prop_assert_eq!(first, second);
        prop_assert_eq!(source.identity(&delivery).len(), 32);
    }
}
