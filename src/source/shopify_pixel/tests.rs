//! What a pixel may post, who may post it, and the event it becomes.

use proptest::prelude::*;
use serde_json::{Value, json};

use crate::source::testing::{Call, NOW_MS, build, problem, reply_header, written};
use crate::source::{Input, Source};

fn pixel(options: &str) -> Box<dyn Source> {
    build(&format!("- shopify_pixel: {{ {options} }}\n"))
}

fn viewed() -> Value {
    json!({
        "id": "sh-1", "clientId": "browser-1", "name": "product_viewed", "type": "standard", "seq": 4,
        "timestamp": "2026-01-15T10:20:20.000Z", "data": { "productVariant": { "id": "41" } },
    })
}

fn post(body: &Value) -> Call {
    Call::post(body.to_string()).header("content-type", "text/plain;charset=UTF-8").header("origin", "null")
}

#[test]
fn an_event_in_its_envelope_becomes_a_track_event() {
    let source = pixel("");
    assert_eq!(source.input(), Input::Http { path: "/shop/shopify_pixel".into(), below: false });
    let body = json!({
        "shop": "example-store.myshopify.com", "sentAt": "2026-01-15T10:20:25.000Z", "cart": "c1",
        "customer": { "id": "69" }, "consent": { "marketingAllowed": false }, "event": viewed(),
    });
    let call = post(&body).header("user-agent", "Browser/1").header("cookie", "secret");
    assert_eq!(call.reply(&*source).status, 204);
    assert_eq!(
        call.events(&*source),
        [json!({
            "type": "track", "event": "product_viewed", "anonymousId": "browser-1",
            // The browser's clock is five seconds late.
            "timestamp": "2026-01-15T10:20:25.000Z",
            "properties": viewed(),
            "context": {
                "shop": { "domain": "example-store.myshopify.com" },
                "pixel": { "cart": "c1", "customer": { "id": "69" }, "consent": { "marketingAllowed": false } },
                "ip": "203.0.113.7", "userAgent": "Browser/1",
            },
        })]
    );
    // Nobody is logged in, which is something else than not to say.
    let nobody = post(&json!({ "customer": null, "event": viewed() })).events(&*source).remove(0);
    assert_eq!(nobody["context"]["pixel"], json!({ "customer": null }));
    let names: Vec<_> = call.delivery(&*source).headers.into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["content-type", "origin", "user-agent"]);
}

#[test]
fn an_event_alone_is_taken_too() {
    let events = post(&viewed()).events(&*pixel(""));
    assert_eq!(events[0]["properties"], viewed());
    assert_eq!(events[0]["timestamp"], "2026-01-15T10:20:20.000Z");
    assert_eq!(events[0]["context"], json!({ "pixel": {}, "ip": "203.0.113.7" }));
    let bare = post(&json!({ "name": "x", "timestamp": "soon" })).events(&*pixel(""));
    assert_eq!(bare[0]["timestamp"], "2026-01-15T10:20:30.000Z");
    assert_eq!(bare[0].get("anonymousId"), None);
}

#[test]
fn the_event_stays_as_it_came() {
    let source = pixel("");
    let event = r#"{"name":"x","z":18446744073709551615,"a":0.10,"m":{"y":1E3,"b":"\u00e9\/"}}"#;
    for body in [event.to_owned(), format!(r#"{{ "shop": "s", "event": {event} }}"#)] {
        let written = written(source.decode(&Call::post(body).delivery(&*source)).remove(0));
        assert!(written.contains(&format!("\"properties\":{event}")), "{written}");
    }
}

#[test]
fn what_is_no_event_is_refused() {
    let source = pixel("");
    for body in [
        "",
        "{",
        "[]",
        "[{\"name\":\"x\"}]",
        "1",
        "{}",
        "{\"name\":7}",
        "{\"name\":\"\"}",
        "{\"event\":{}}",
        "{\"event\":7}",
    ] {
        assert_eq!(Call::post(body).outcome(&*source), "400 bad-event", "{body}");
    }
    assert_eq!(Call::post(&b"{\"name\":\"\xff\"}"[..]).outcome(&*source), "400 bad-event");
    assert_eq!(Call::post("{\"name\":\"x\",\"event\":null}").outcome(&*source), "204");
    assert_eq!(Call::new("GET", "", "").outcome(&*source), "405 bad-method");
}

#[test]
fn shops_and_origins_can_be_listed() {
    let one = pixel("shops: example-store.myshopify.com");
    let of = |shop: &str| post(&json!({ "shop": shop, "event": viewed() }));
    assert_eq!(of("Example-Store.myshopify.com").outcome(&*one), "204");
    assert_eq!(of("other.myshopify.com").outcome(&*one), "403 unknown-shop");
    assert_eq!(post(&viewed()).outcome(&*one), "204", "the only shop that there can be");
    assert_eq!(post(&viewed()).events(&*one)[0]["context"]["shop"]["domain"], "example-store.myshopify.com");
    let two = pixel("shops: [ a.myshopify.com, b.myshopify.com ]");
    assert_eq!(post(&viewed()).outcome(&*two), "403 unknown-shop");
    let named = Call::new("POST", "?shop=b.myshopify.com", viewed().to_string());
    assert_eq!(named.outcome(&*two), "204");
    assert_eq!(named.events(&*two)[0]["context"]["shop"]["domain"], "b.myshopify.com");

    let listed = pixel("origins: [ \"null\", \"https://shop.example.com\" ]");
    let from = |origin: &str| Call::post(viewed().to_string()).header("origin", origin);
    assert_eq!(from("null").outcome(&*listed), "204");
    assert_eq!(from("https://shop.example.com").outcome(&*listed), "204");
    assert_eq!(from("https://elsewhere.example.com").outcome(&*listed), "403 unknown-origin");
    assert_eq!(Call::post(viewed().to_string()).outcome(&*listed), "403 unknown-origin");
    assert_eq!(Call::post(viewed().to_string()).signed(&*listed).outcome(&*listed), "204");
}

#[test]
fn one_address_has_so_many_events_in_a_minute() {
    let source = pixel("per_minute: 2");
    let call = post(&viewed());
    assert_eq!(call.outcome(&*source), "204");
    assert_eq!(call.outcome(&*source), "204");
    let reply = call.reply(&*source);
    assert_eq!((reply.status, reply_header(&reply, "retry-after")), (429, Some("31")));
    assert_eq!(reply_header(&reply, "access-control-allow-origin"), Some("null"));
    let mut later = call.clone();
    later.now_ms = NOW_MS + 60_000;
    assert_eq!(later.outcome(&*source), "204");
}

#[test]
fn browsers_may_post_from_any_page() {
    let source = pixel("");
    let preflight = Call::new("OPTIONS", "", "").header("origin", "null").reply(&*source);
    assert_eq!((preflight.status, reply_header(&preflight, "access-control-allow-origin")), (204, Some("null")));
    assert_eq!(reply_header(&post(&viewed()).reply(&*source), "access-control-allow-origin"), Some("null"));
    assert_eq!(reply_header(&source.overloaded(3), "access-control-allow-origin"), Some("*"));
    assert_eq!(reply_header(&source.overloaded(3), "retry-after"), Some("3"));
    let large = source.refused(crate::source::Reply::text(413, "too large\n"));
    assert_eq!((large.status, reply_header(&large, "access-control-allow-origin")), (413, Some("*")));
    assert_eq!(source.body_bytes_max(), 256_000);
}

#[test]
fn a_repetition_is_the_same_and_another_event_is_not() {
    let source = pixel("");
    let identity = |body: &Value, seq: u64| {
        let mut delivery = post(body).delivery(&*source);
        delivery.seq = seq;
        source.identity(&delivery)
    };
    let enveloped = |sent: &str| json!({ "sentAt": sent, "event": viewed() });
    assert_eq!(identity(&enveloped("2026-01-15T10:20:25Z"), 1), identity(&enveloped("2026-01-15T10:20:26Z"), 2));
    assert_eq!(identity(&viewed(), 1), identity(&enveloped("2026-01-15T10:20:26Z"), 2));
    let mut other = viewed();
    other["id"] = "sh-2".into();
    assert_ne!(identity(&viewed(), 1), identity(&other, 1));
    assert_ne!(identity(&json!({ "name": "x" }), 1), identity(&json!({ "name": "x" }), 2));
}

#[test]
fn options_are_checked() {
    assert!(problem("- shopify_pixel: { per_minute: 0 }\n").contains("1 to 60000"));
    assert!(problem("- shopify_pixel: { shop: a }\n").contains("did you mean `shops`?"));
    assert!(problem("- shopify_pixel: { path: x }\n").contains("write /x"));
}

proptest! {
    #[test]
    fn any_bytes_get_an_answer_and_what_is_taken_decodes(body in proptest::collection::vec(any::<u8>(), 0..200), event in "[ -~]{0,40}") {
        let source = pixel("");
        for body in [body, format!("{{\"event\":{{\"name\":\"x\",{event}}}}}").into_bytes(), format!("{{\"name\":\"x\",{event}}}").into_bytes()] {
            let call = Call::post(body);
            if call.outcome(&*source) == "204" {
                prop_assert_eq!(call.events(&*source).len(), 1);
            } else {
                prop_assert_eq!(call.outcome(&*source), "400 bad-event");
            }
        }
    }
}
