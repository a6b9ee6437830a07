//! What a forwarded event must be to be accepted, the event it becomes, and which two are the same.

use proptest::prelude::*;
use serde_json::json;

use crate::source::testing::{Call, NOW_MS, build, problem, written};
use crate::source::{Input, Source, Verdict};

fn medusa() -> Box<dyn Source> {
    build("- medusa:\n    secrets: [ new_secret, old_secret ]\n")
}

const BODY: &str = r#"{"name":"order.placed","data":{"id":"order_1","no_notification":null}}"#;

#[test]
fn accepts_what_any_of_the_secrets_signed() {
    let source = medusa();
    assert_eq!(source.input(), Input::Http { path: "/shop/medusa".into(), below: false });
    assert!(source.body_bytes_max() >= 1_000_000);
    let call = Call::post(BODY);
    // Computed with `openssl dgst -sha256 -hmac old_secret`.
    let by_old = "62dc34c4c66f085b5e39942e1cd7078d6527d6535fc79eff6557ba299151b4f7";
    assert_eq!(call.clone().header("x-signature", by_old).outcome(&*source), "200");
    assert_eq!(call.outcome(&*source), "401 no-signature");
    assert_eq!(call.clone().header("x-signature", "no hex").outcome(&*source), "401 bad-signature");
    assert_eq!(call.clone().signed(&*source).outcome(&*source), "200");
    assert!(call.clone().signed(&*source).reply(&*source).body.is_empty());
    assert_eq!(call.clone().signed(&*build("- medusa: old_secret\n")).outcome(&*source), "200");
    assert_eq!(call.clone().signed(&*build("- medusa: other\n")).outcome(&*source), "401 bad-signature");
    assert_eq!(Call::post("").signed(&*source).outcome(&*source), "400 empty-body");
    assert_eq!(Call::new("GET", "", BODY).header("x-signature", "00").outcome(&*source), "405 bad-method");
    let Verdict::Accept { headers, .. } = call.signed(&*source).verdict(&*source) else { panic!() };
    assert!(headers.is_empty(), "{headers:?}");
}

#[test]
fn becomes_a_track_event_named_as_on_the_bus() {
    let source = medusa();
    assert_eq!(
        Call::post(BODY).signed(&*source).events(&*source),
        [json!({
            "type": "track",
            "event": "order.placed",
            "timestamp": "2026-01-15T10:20:30.000Z",
            "properties": { "name": "order.placed", "data": { "id": "order_1", "no_notification": null } },
        })]
    );
    let second =
        r#"{"data":"cart_1","name":"cart.customer_updated","metadata":{"created_at":"2026-05-04T14:05:31.9Z"}}"#;
    let events = Call::post(second).signed(&*source).events(&*source);
    assert_eq!(events[0]["event"], "cart.customer_updated");
    assert_eq!(events[0]["timestamp"], "2026-05-04T14:05:31.9Z");
    let odd = r#"{"name":"a.b","metadata":{"created_at":"yesterday"}}"#;
    assert_eq!(Call::post(odd).signed(&*source).events(&*source)[0]["timestamp"], "2026-01-15T10:20:30.000Z");
    for (body, code) in [("[]", "bad-json"), ("{", "bad-json"), ("{}", "no-name"), (r#"{"name":7}"#, "no-name")] {
        assert_eq!(Call::post(body).signed(&*source).events(&*source), [json!({ "refused": code })], "{body}");
    }
}

#[test]
fn the_body_stays_as_it_came() {
    let source = medusa();
    let body = r#"{"name":"order.placed","order":{"total":0.10,"raw_total":{"value":"0.1"},"b":"\u00e9\/","n":[199.00,null]}}"#;
    let delivery = Call::post(body).signed(&*source).delivery(&*source);
    let written = written(source.decode(&delivery).remove(0));
    assert!(written.contains(&format!("\"properties\":{body}")), "{written}");
}

fn identity(body: &str) -> String {
    let source = medusa();
    source.identity(&Call::post(body).signed(&*source).delivery(&*source))
}

#[test]
fn a_retry_is_the_same_whatever_was_read_with_it() {
    let source = medusa();
    let mut later = Call::post(BODY).signed(&*source);
    later.now_ms = NOW_MS + 3_600_000;
    let mut later = later.delivery(&*source);
    later.seq = 9;
    assert_eq!(identity(BODY), source.identity(&later));
    let mut elsewhere = later.clone();
    elsewhere.pipeline = "other".into();
    assert_ne!(identity(BODY), source.identity(&elsewhere));
    let with_order =
        r#"{"order":{"status":"archived"},"data":{"no_notification":true,"id":"order_1"},"name":"order.placed"}"#;
    assert_eq!(identity(BODY), identity(with_order));
    assert_ne!(identity(BODY), identity(&BODY.replace("placed", "canceled")));
    assert_ne!(identity(BODY), identity(&BODY.replace("order_1", "order_2")));
}

#[test]
fn other_fulfillments_returns_and_times_are_other_events() {
    let shipped =
        |id: &str| format!(r#"{{"name":"order.shipment_created","data":{{"id":"order_1","fulfillment_id":"{id}"}}}}"#);
    assert_eq!(identity(&shipped("ful_1")), identity(&shipped("ful_1")));
    assert_ne!(identity(&shipped("ful_1")), identity(&shipped("ful_2")));
    let emitted = |at: &str, published: &str| {
        format!(
            r#"{{"name":"cart.updated","data":{{"id":"cart_1"}},"metadata":{{"created_at":"{at}","published_at":"{published}"}}}}"#
        )
    };
    assert_eq!(identity(&emitted("1", "1")), identity(&emitted("1", "2")));
    assert_ne!(identity(&emitted("1", "1")), identity(&emitted("2", "1")));
    let row =
        |at: &str| format!(r#"{{"name":"customer.updated","data":{{"id":"cus_1","updated_at":"{at}","phone":null}}}}"#);
    assert_eq!(identity(&row("1")), identity(&row("1")));
    assert_ne!(identity(&row("1")), identity(&row("2")));
}

/// Version 1 does not tell one change of a cart from the next: each delivery is one, however often it is run.
#[test]
fn what_changes_again_and_again_is_told_each_time() {
    let source = medusa();
    let body = r#"{"name":"cart.customer_updated","data":"cart_1"}"#;
    let first = Call::post(body).signed(&*source).delivery(&*source);
    let mut next = first.clone();
    next.seq = first.seq + 1;
    assert_eq!(source.identity(&first), source.identity(&first.clone()));
    assert_ne!(source.identity(&first), source.identity(&next));
}

#[test]
fn data_may_be_a_text_a_list_or_nothing() {
    let with = |data: &str| identity(&format!(r#"{{"name":"a.b","data":{data}}}"#));
    let all = [
        r#""cart_1""#,
        r#""cart_2""#,
        r#"{"id":["a","b"]}"#,
        r#"{"id":["a","c"]}"#,
        "null",
        r#"{"n":1}"#,
        r#"{"n":2}"#,
    ];
    let ids: std::collections::BTreeSet<_> = all.iter().map(|data| with(data)).collect();
    assert_eq!(ids.len(), all.len());
    assert_eq!(with("null"), identity(r#"{"name":"a.b"}"#));
    // Nothing to know it by: only the same place in the journal is the same.
    assert_eq!(identity("{"), identity("{"));
}

#[test]
fn says_what_is_wrong_with_its_options() {
    assert!(problem("- medusa: {}\n").starts_with("missing-option"));
    assert!(problem("- medusa: { secrets: [] }\n").starts_with("no-secrets"));
    assert!(problem("- medusa: { secret: a }\n").contains("did you mean `secrets`?"));
    assert!(problem("- medusa: { secrets: [a], path: orders }\n").contains("write /orders"));
}

proptest! {
    #[test]
    fn a_changed_bit_is_refused(body in proptest::collection::vec(any::<u8>(), 1..300), bit in any::<prop::sample::Index>()) {
        let source = medusa();
        let mut call = Call::post(body.clone()).signed(&*source);
        prop_assert_eq!(call.outcome(&*source), "200");
        let bit = bit.index(body.len() * 8);
        call.sample.body[bit / 8] ^= 1 << (bit % 8);
        prop_assert_eq!(call.outcome(&*source), "401 bad-signature");
    }

    #[test]
    fn nothing_random_is_accepted_or_panics(body in proptest::collection::vec(any::<u8>(), 0..100), signature in "[ -~]{0,70}") {
        let call = Call::post(body).header("x-signature", &signature);
        let refused = matches!(call.verdict(&*medusa()), Verdict::Reject { .. });
        prop_assert!(refused);
    }
}
