//! Writing and comparing expectations.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::compare::matches;
use super::emit;

fn documents() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        (-1e6..1e6).prop_map(Value::from),
        "\\PC{0,12}".prop_map(Value::from),
        prop_oneof![
            Just("true"),
            Just("null"),
            Just("1.10"),
            Just("- a"),
            Just("a: b"),
            Just("#x"),
            Just(" x "),
            Just("")
        ]
        .prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 40, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::btree_map("[a-zA-Z0-9_ .:#-]{1,8}", inner, 0..5)
                .prop_map(|map| map.into_iter().collect()),
        ]
    })
}

proptest! {
    #[test]
    fn a_blessed_message_reads_back(document in documents()) {
        let text = document.to_string();
        let yaml = format!("expect:\n{}", emit::yaml_list(&[text.as_bytes()], 2));
        let (node, problems) = crate::yaml::parse("f", &yaml);
        prop_assert!(problems.is_empty(), "{problems:?}\n{yaml}");
        let read = node.unwrap().get("expect").unwrap().as_list().unwrap()[0].to_json();
        prop_assert!(matches(&document, &read, true), "{yaml}");
    }
}

#[test]
fn an_expectation_says_what_must_be_there_and_exact_says_all() {
    let got = json!({"a": 1, "b": [{"c": 2.50, "d": 1}]});
    assert!(matches(&json!({"b": [{"c": 2.5}]}), &got, false));
    assert!(!matches(&json!({"b": [{"c": 2.5}]}), &got, true));
    assert!(!matches(&json!({"b": []}), &got, false));
    assert!(!matches(&json!({"a": "1"}), &got, false));
    assert!(!matches(&json!({"a": 820_982_911_946_154_508_i64}), &json!({"a": 820_982_911_946_154_500_i64}), false));
    assert!(matches(&json!(20), &json!(20.0), false));
    assert!(!matches(&json!(9_007_199_254_740_993_i64), &json!(9_007_199_254_740_992.0), false));
}
