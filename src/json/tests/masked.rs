//! The mask: the same text comes out and the same texts are refused, whatever is decoded.

use bytes::Bytes;
use proptest::collection::vec;
use proptest::prelude::*;

use super::super::{JsonError, Limits, Mask, Unread, decode_bytes, decode_masked};
use super::properties::{document, odd_text};
use super::written;

/// A mask that reads what is named: `a` a member, `[` items, `]` members and items; each way ends with everything.
fn mask(ways: &[&str]) -> Mask {
    let mut mask = Mask::opened();
    for way in ways {
        let made = way.chars().rev().fold(Mask::Whole, |inside, step| {
            let mut made = Mask::opened();
            match step {
                '[' => *made.items() = inside,
                ']' => made.merge_any(inside),
                key => *made.key(&key.to_string()) = inside,
            }
            made
        });
        mask.merge(&made);
    }
    mask
}

fn masked(text: &str, mask: &Mask, limits: &Limits) -> Result<String, JsonError> {
    let (value, tape) = decode_masked(Bytes::copy_from_slice(text.as_bytes()), limits, mask)?;
    Ok(written(&value, &tape))
}

fn whole(text: &str, limits: &Limits) -> Result<String, JsonError> {
    let (value, tape) = decode_bytes(Bytes::copy_from_slice(text.as_bytes()), limits)?;
    Ok(written(&value, &tape))
}

#[test]
fn only_what_is_named_is_decoded() {
    let text = r#"{"a":{"b":{"c":[1]},"d":{}},"l":[{"x":{}},[],2],"s":"t","u":{"v":1.0}}"#;
    let read = |ways: &[&str], path: &str| {
        let (value, _) = decode_masked(text.into(), &Limits::default(), &mask(ways)).unwrap();
        crate::path::Path::parse(path).unwrap().get(&value).map(|value| !value.is::<Unread>())
    };
    let cases: &[(&[&str], &str, bool)] = &[
        (&[], "a", false),
        (&[], "s", true),
        (&["a"], "a", true),
        (&["a"], "a.b.c", true),
        (&["ab"], "a.b", true),
        (&["ab"], "a.d", false),
        (&["ab"], "l", false),
        (&["l"], "l[0].x", true),
        (&["l["], "l[0].x", true),
        (&["l[x"], "l[1]", true),
        (&["l[y"], "l[0].x", false),
        (&["]"], "u", true),
        (&["]b"], "a.d", false),
        (&["]b", "ac"], "a.b", true),
        (&["ac", "]b"], "a.b", true),
        (&["["], "u", false),
    ];
    for (ways, path, expected) in cases {
        assert_eq!(read(ways, path), Some(*expected), "{ways:?} {path}");
    }
}

#[test]
fn skipped_text_leaves_as_decoded_text_does() {
    let many = (0..40).map(|n| format!("\"k{n}\":{n}")).collect::<Vec<_>>().join(",");
    let cases = [
        r#"{"a":{"x":1.00,"y":[1E3,"\u00e9\/x"]}}"#.to_owned(),
        r#"{"a": {"x" : 1 , "y":[ 1, {} ]}, "b":[ ]}"#.to_owned(),
        r#"{"a":{"x":1,"y":2,"x":3},"b":{"x":{"k":1,"k":2}}}"#.to_owned(),
        r#"{"a":{"x":1,"\u0078":3}}"#.to_owned(),
        r#"{"a":{"current_shipping_price_set":1,"current_subtotal_price_set":2,"current_shipping_price_set":3}}"#
            .to_owned(),
        format!("{{\"a\":{{{many}}},\"b\":{{{many},\"k7\":0}}}}"),
        format!(
            "{{\"a\":{{{}}}}}",
            (10..50).map(|n| format!("\"12345678{n}12345678\":0")).collect::<Vec<_>>().join(",")
        ),
        r#"{"a":[["\ud800"],{"":{"":[null,true,false]}}]}"#.to_owned(),
        "[ {\"a\":1}, [ 2 ] ]".to_owned(),
        "  3".to_owned(),
    ];
    for text in cases {
        assert_eq!(masked(&text, &mask(&[]), &Limits::default()), whole(&text, &Limits::default()), "{text}");
    }
}

#[test]
fn skipped_text_counts() {
    let text = r#"{"a":{"b":[[1,2],{"c":3}]}}"#;
    for depth in 0..6 {
        for nodes in 0..10 {
            let limits = Limits { depth, nodes };
            assert_eq!(masked(text, &mask(&[]), &limits), whole(text, &limits));
        }
    }
}

fn ways() -> impl Strategy<Value = Vec<String>> {
    vec("[a-e9\\[\\]]{0,4}", 0..5)
}

/// A document, compact, spread or odd, perhaps with something wrong in it.
fn text() -> impl Strategy<Value = String> {
    let spread = document().prop_map(|document| serde_json::to_string_pretty(&document).unwrap_or_default());
    let good = prop_oneof![document().prop_map(|document| document.to_string()), spread, odd_text()];
    let wrong = (good.clone(), any::<prop::sample::Index>(), "[\\[\\]{}:,\"\\\\0-9eE.+tfnu a-]?", any::<bool>());
    prop_oneof![
        good.clone(),
        // A key once more.
        good.prop_map(|text| text.replace("\"b\":", "\"a\":")),
        wrong.prop_map(|(text, at, new, insert)| {
            let mut chars: Vec<char> = text.chars().collect();
            let at = at.index(chars.len().max(1)).min(chars.len());
            chars.splice(at..(at + usize::from(!insert)).min(chars.len()), new.chars());
            chars.into_iter().collect()
        }),
    ]
}

proptest! {
    #[test]
    fn a_mask_changes_nothing(text in text(), ways in ways()) {
        let ways: Vec<&str> = ways.iter().map(String::as_str).collect();
        prop_assert_eq!(masked(&text, &mask(&ways), &Limits::default()), whole(&text, &Limits::default()));
    }
}
