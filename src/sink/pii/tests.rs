//! What leaves and what does not.

mod hidden;
mod notes;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::sink::segment::SEGMENT;
use crate::sink::tests::build_sink;

fn guard(action: Action, allow: &[&str]) -> Guard {
    Guard { action, allow: allow.iter().map(|path| Path::parse(path).unwrap()).collect() }
}

fn left(guard: &Guard, message: &Value) -> (Value, Option<String>) {
    let mut json = b"before".to_vec();
    json.extend_from_slice(message.to_string().as_bytes());
    let note = guard.apply(&mut json, 6).unwrap();
    assert!(json.starts_with(b"before"));
    (serde_json::from_slice(&json[6..]).unwrap(), note)
}

/// Whether a value below `properties` leaves.
fn leaves(key: &str, value: &Value) -> bool {
    let (after, note) = left(&guard(Action::Remove, &[]), &json!({"properties": {key: value, "z": 1}}));
    assert_eq!(after["properties"]["z"], 1);
    let there = after["properties"].get(key).is_some();
    assert_eq!(there, note.is_none());
    there
}

#[test]
fn names_of_secrets() {
    for key in [
        "password",
        "Password",
        "password_hash",
        "passwordHash",
        "token",
        "access_token",
        "accessToken",
        "client_secret",
        "api_key",
        "X-Api-Key",
        "authorization",
        "refresh_token",
        "cvv",
        "card_number",
        "secret",
        "cookie",
    ] {
        assert!(!leaves(key, &json!("x")), "{key}");
        assert!(leaves(key, &json!("")) && leaves(key, &json!(null)) && leaves(key, &json!(true)), "{key}: no secret");
    }
    assert!(!leaves("cvc", &json!(123)));
    for key in [
        "cart_token",
        "checkout_token",
        "token_type",
        "tokens",
        "secret_santa",
        "password_reset",
        "key",
        "code",
        "data",
        "pin",
    ] {
        assert!(leaves(key, &json!("x")), "{key}");
    }
}

#[test]
fn forms_of_secrets() {
    let jwt = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U";
    for value in [
        jwt,
        "$2b$12$R9h/cIPz0gi.URNNX3kh2OPST9/PgBkqquzi.Ss7KIUgO2t0jWMUW",
        "$argon2id$v=19$m=65536,t=3,p=4$c29tZXNhbHQ$RdescudvJCsgt3ub+b4dWRWJTmaaJObG",
        "pi_3MtwBwLkdIwHu7ix28a3tqPa_secret_YrKJUKribcBjcG8HVhfZluoGH",
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        "-----BEGIN PRIVATE KEY-----",
        "Bearer abcdefghijklmnopqrstuvwxyz",
    ] {
        assert!(!leaves("note", &json!(value)), "{value}");
        assert!(!leaves("order_id", &json!(value)), "{value}");
        let (after, _) = left(&guard(Action::Remove, &[]), &json!({"a": [value, {"deep": [1, value]}]}));
        assert_eq!(after, json!({"a": [{"deep": [1]}]}));
    }
    // Put together here, so that no scanner takes this file for a leak.
    assert!(!leaves("note", &json!(["sk", "live", "4eC39HqLyjWDarjtT1zdp7dc"].join("_"))));
    assert!(!leaves("note", &json!(format!("c2NyeXB0AA{}", "x".repeat(118)))));
    for value in [
        "eyJ",
        "$2 off",
        "$5.00",
        "sk_live_",
        "Bearer of good news for all of you",
        "e.y.J",
        "pi_day",
        "scrypt",
        "AKIA",
        "c2NyeXB0A",
    ] {
        assert!(leaves("note", &json!(value)), "{value}");
    }
}

#[test]
fn card_numbers_and_what_only_looks_like_one() {
    // The networks' published test numbers.
    for number in [
        "4111111111111111",
        "4242424242424242",
        "5555555555554444",
        "2223003122003222",
        "378282246310005",
        "6011111111111117",
        "3530111333300000",
        "30569309025904",
        "6200000000000005",
    ] {
        assert!(!leaves("note", &json!(number)), "{number}");
        assert!(leaves("order_id", &json!(number)) && leaves("sku", &json!(number)), "{number}: an id");
        let grouped = format!("{} {}-{}", &number[..4], &number[4..10], &number[10..]);
        assert!(!leaves("note", &json!(grouped)), "{grouped}");
        assert_eq!(leaves("note", &json!(number.parse::<u64>().unwrap())), number.len() < 15);
    }
    for number in [
        "4111111111111112",
        "4006381333931",
        "820982911946154508",
        "1768472430000",
        "0000000000000000",
        "4111111111111111x",
        "41111111",
        "4111  1111 1111 1111",
        "+4111111111111111",
        "9999999999999995",
    ] {
        assert!(leaves("note", &json!(number)), "{number}");
    }
    assert!(leaves("total", &json!(199.0)) && leaves("created", &json!(1_768_472_430_000_i64)));
}

#[test]
fn what_shops_send_along() {
    let message = json!({
        "type": "track",
        "userId": "4111111111111111",
        "context": {"device": {"token": "push"}, "token": "x"},
        "properties": {
            "gift_cards": [{"code": "GIFT-1", "value": 5}, {"code": "GIFT-2"}],
            "discount": {"code": "SUMMER"},
            "payments": [{"data": {"id": "pi_1", "client_secret": "x"}, "amount": 1}],
            "payment_session": {"data": "x"},
        },
    });
    let (after, note) = left(&guard(Action::Remove, &[]), &message);
    let expected = json!({
        "type": "track",
        "userId": "4111111111111111",
        "context": {"device": {"token": "push"}},
        "properties": {
            "gift_cards": [{"value": 5}, {}],
            "discount": {"code": "SUMMER"},
            "payments": [{"amount": 1}],
            "payment_session": {},
        },
    });
    assert_eq!(after, expected);
    let note = note.unwrap();
    assert!(
        note.starts_with("pii: removed context.token (a token), properties.gift_cards[0].code (a gift card code), "),
        "{note}"
    );
    assert!(!note.contains("GIFT"), "no value is told");
}

#[test]
fn escapes_hide_nothing() {
    let mut json = br#"{"properties":{"\u0074oken":"a","x":"\u0034111111111111111","y":"a\"b"}}"#.to_vec();
    guard(Action::Remove, &[]).apply(&mut json, 0).unwrap();
    assert_eq!(json, br#"{"properties":{"y":"a\"b"}}"#);
}

#[test]
fn a_field_may_be_allowed() {
    let message = json!({"properties": {"token": "a", "list": [{"token": "b"}, {"token": "c"}]}});
    for (allow, expected) in [
        (vec!["properties.token"], json!({"token": "a", "list": [{}, {}]})),
        (vec!["properties.list[].token"], json!({"list": [{"token": "b"}, {"token": "c"}]})),
        (vec!["properties.list[0]"], json!({"list": [{"token": "b"}, {}]})),
        (vec!["properties"], message["properties"].clone()),
        (vec!["properties.token.x"], json!({"list": [{}, {}]})),
    ] {
        assert_eq!(left(&guard(Action::Remove, &allow), &message).0["properties"], expected, "{allow:?}");
    }
    assert_eq!(left(&guard(Action::Off, &[]), &message), (message, None));
}

#[test]
fn a_message_may_be_refused_instead() {
    let mut json = br#"{"properties":{"password":"hunter2"}}"#.to_vec();
    let refused = guard(Action::DeadLetter, &[]).apply(&mut json, 0).unwrap_err();
    assert_eq!(refused.code, "private-data");
    assert!(refused.reason.contains("properties.password (a password)") && !refused.reason.contains("hunter2"));
}

#[test]
fn the_option_has_a_short_form() {
    for (options, ok) in [
        ("pii: off", true),
        ("pii: { action: dead_letter }", true),
        ("pii: { allow: [ properties.token ] }", true),
        ("pii: { allow: properties..token }", false),
        ("pii: perhaps", false),
        ("pii: { alow: a }", false),
    ] {
        let built = build_sink(&SEGMENT, &format!("- segment: {{ write_key: k, {options} }}"));
        assert_eq!(built.is_ok(), ok, "{options}");
    }
}

fn message() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(json!(null)),
        Just(json!(true)),
        (-999_999_999_999_i64..999_999_999_999).prop_map(Value::from),
        "[a-z\"\\\\,{}\\[\\]:é]{0,6}".prop_map(Value::from),
        Just(json!("4111111111111111")),
        Just(json!(4_111_111_111_111_111_i64)),
    ];
    leaf.prop_recursive(4, 40, 4, |inner| {
        let key = prop_oneof![Just("token".to_owned()), Just("a".to_owned()), "[a-z\"\\\\é]{0,3}"];
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            proptest::collection::btree_map(key, inner, 0..4).prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

/// The same, the slow and obvious way.
fn pruned(value: &Value) -> Value {
    let bad = |value: &Value| *value == json!("4111111111111111") || *value == json!(4_111_111_111_111_111_i64);
    match value {
        Value::Object(map) => map
            .iter()
            .filter(|(key, value)| {
                let holds = value.is_number() || value.as_str().is_some_and(|text| !text.is_empty());
                !(bad(value) || *key == "token" && holds)
            })
            .map(|(key, value)| (key.clone(), pruned(value)))
            .collect::<serde_json::Map<_, _>>()
            .into(),
        Value::Array(items) => items.iter().filter(|item| !bad(item)).map(pruned).collect::<Vec<_>>().into(),
        other => other.clone(),
    }
}

proptest! {
    #[test]
    fn removing_equals_removing_from_the_value(value in message()) {
        let message = json!({"properties": value});
        prop_assert_eq!(left(&guard(Action::Remove, &[]), &message).0, pruned(&message));
    }

    #[test]
    fn foreign_bytes_do_no_harm(bytes in proptest::collection::vec(prop_oneof![Just(b'{'), Just(b'['), Just(b']'), Just(b'"'), Just(b'\\'), Just(b','), Just(b':'), any::<u8>()], 0..60)) {
        let mut json = bytes;
        let _ = guard(Action::Remove, &[]).apply(&mut json, 0);
    }
}
