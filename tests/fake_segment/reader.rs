//! The fake's own JSON reader agrees with `serde_json` on what is JSON and what it says.

use proptest::prelude::*;
use serde_json::{Value, json};

use crate::support::segment::json::{Note, read};

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 32, 6, |inner| {
        let list = prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from);
        let map = prop::collection::btree_map(any::<String>(), inner, 0..6);
        prop_oneof![list, map.prop_map(|map| Value::Object(map.into_iter().collect()))]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_document_is_read_as_it_was_written(items in prop::collection::vec(any_json(), 0..4), pretty: bool) {
        let body = json!({ "batch": items, "a": items.first() });
        let text = if pretty { format!("{body:#}") } else { body.to_string() };
        let document = read(text.as_bytes()).unwrap();
        prop_assert_eq!(&document.envelope["a"], &body["a"]);
        let read_items = document.items.unwrap();
        prop_assert_eq!(read_items.len(), items.len());
        for (item, value) in read_items.iter().zip(&items) {
            prop_assert_eq!(&item.value, value);
// Not by serde_json, which reads some doubles one bit off.
            let alone = read(format!("{{\"a\":{}}}", &text[item.span.clone()]).as_bytes()).unwrap();
            prop_assert_eq!(&alone.envelope["a"], value);
        }
    }

    #[test]
    fn a_broken_document_is_refused_by_both_or_by_none(value in any_json(), at: prop::sample::Index, with in "[\\x00-\\x7f]{0,2}") {
        let mut text = json!({ "a": value, "b": [1.5e3, -0, "\u{e9}\\\"\n"] }).to_string();
        let start = (0..=at.index(text.len())).rev().find(|&at| text.is_char_boundary(at)).unwrap();
        let end = start + text[start..].chars().next().map_or(0, char::len_utf8);
        text.replace_range(start..end, &with);
        let ours = read(text.as_bytes());
        let lossy = ours.iter().flat_map(|d| &d.notes).any(|n| matches!(n, Note::LoneSurrogate | Note::NotFinite(_)));
        if !lossy {
            let theirs = serde_json::from_str::<serde_json::Map<String, Value>>(&text);
            prop_assert_eq!(ours.is_ok(), theirs.is_ok(), "{}", text);
        }
    }
}
