//! The order of keys, duplicate keys, and objects known by their shape.

use std::fmt::Write;

use super::super::{Limits, decode, decode_plain};
use super::{after, read, run, written};

#[test]
fn keys_stay_where_they_were_and_new_ones_follow_sorted() {
    let source = r#"{"z":1,"m":2,"a":3}"#;
    assert_eq!(after(source, "e.m = \"new\";"), r#"{"z":1,"m":"new","a":3}"#);
    assert_eq!(after(source, "e.remove(\"m\"); e.y = 5; e.b = 4;"), r#"{"z":1,"a":3,"b":4,"y":5}"#);
    assert_eq!(after(source, "e.remove(\"m\"); e.m = 2;"), r#"{"z":1,"m":2,"a":3}"#);
    assert_eq!(after(source, "e.clear(); e.q = 1;"), r#"{"q":1}"#);
}

#[test]
fn a_moved_object_keeps_its_order_and_a_literal_is_sorted() {
    let source = r#"{"t":"x","o":{"z":1.0,"a":{"y":1,"b":2}}}"#;
    assert_eq!(
        after(source, "e.p = e.remove(\"o\"); e.p.a.c = 3;"),
        r#"{"t":"x","p":{"z":1.0,"a":{"y":1,"b":2,"c":3}}}"#
    );
    assert_eq!(after(source, "e = #{ type: e.t, props: e.o };"), r#"{"props":{"z":1.0,"a":{"y":1,"b":2}},"type":"x"}"#);
}

#[test]
fn swapped_values_keep_their_text_under_the_other_key() {
    let swapped = after(r#"{"b":1.50,"a":2E3}"#, "let x = e.a; e.a = e.b; e.b = x;");
    assert_eq!(swapped, r#"{"b":2E3,"a":1.50}"#);
}

#[test]
fn of_duplicate_keys_the_last_value_stands_in_the_first_place() {
    for (source, expected) in [
        (r#"{"a":1,"b":2,"a":3}"#, r#"{"a":3,"b":2}"#),
        (r#"{"a":1,"a":2.0,"a":3.00,"b":4}"#, r#"{"a":3.00,"b":4}"#),
        (r#"{"x":{"a":1,"b":{},"a":{"q":1,"q":2}}}"#, r#"{"x":{"a":{"q":2},"b":{}}}"#),
        (r#"{"c":0,"a":1,"b":2,"\u0061":3}"#, r#"{"c":0,"\u0061":3,"b":2}"#),
        (r#"{"\ud800":1,"\ud801":2}"#, r#"{"\ud801":2}"#),
    ] {
        let (value, tape) = read(source);
        assert_eq!(written(&value, &tape), expected);
        let again = serde_json::from_str::<serde_json::Value>(source);
        if let Ok(again) = again {
            let plain = decode_plain(source.as_bytes(), &Limits::default()).unwrap();
            assert_eq!(super::super::to_json_value(&plain), Ok(again));
        }
    }
    assert_eq!(after(r#"{"a":1,"b":2,"a":3}"#, "e.a = 9; e.c = 1;"), r#"{"a":9,"b":2,"c":1}"#);
}

#[test]
fn escaped_keys_are_found_by_their_meaning() {
    let source = r#"{"b\u0062":1,"\\a":2,"a":3}"#;
    assert_eq!(after(source, "e.bb = 10;"), r#"{"b\u0062":10,"\\a":2,"a":3}"#);
    // The key whose characters are the raw text of another one is a new key.
    assert_eq!(after(source, r#"e["b\\u0062"] = 4;"#), r#"{"b\u0062":1,"\\a":2,"a":3,"b\\u0062":4}"#);
}

#[test]
fn objects_of_a_known_shape_are_the_same_as_of_an_unknown_one() {
    // The third object of a shape is the first that is built from it; a document later the shape is still known.
    let sources = [
        r#"{"z":1,"b":"x","long key of more than 23 bytes":null,"a":{"y":[],"c":1.0}}"#,
        r#"{"z":{"z":1,"b":2,"a":3},"b":2.50,"long key of more than 23 bytes":[1],"a":0}"#,
        r#"{"b":1,"z":2,"a":3}"#,
        r#"{"z":1,"b":2,"z":3}"#,
        r#"{"z":1,"\u0062":2,"a":3}"#,
    ];
    for round in 0..4 {
        for source in sources {
            let (value, tape) = read(source);
            if !source.ends_with(r#""z":3}"#) {
                assert_eq!(written(&value, &tape), source, "round {round}");
            }
            let plain = decode_plain(source.as_bytes(), &Limits::default()).unwrap();
            let theirs: serde_json::Value = serde_json::from_str(source).unwrap();
            assert_eq!(super::super::to_json_value(&plain).unwrap(), theirs, "round {round}");
            assert_eq!(super::super::to_json_value(&value).unwrap(), theirs, "round {round}");
        }
        assert!(decode(br#"{"z":1,"b":"x","a":}"#, &Limits::default()).is_err());
    }
}

#[test]
fn a_wide_object_is_no_trouble() {
    let mut source = String::from("{");
    for n in 0..100_000 {
        write!(source, r#"{}"k{}":{n}.0"#, if n == 0 { "" } else { "," }, n * 7919 % 100_000).unwrap();
    }
    source.push('}');
    let (value, tape) = read(&source);
    assert_eq!(written(&value, &tape), source);
    let added = run(value, "for k in 0..1000 { e[`k${k}`] = k; e[`n${k}`] = k; }");
    let theirs: serde_json::Value = serde_json::from_str(&written(&added, &tape)).unwrap();
    assert_eq!(theirs.as_object().unwrap().len(), 101_000);
    assert_eq!((&theirs["k7"], &theirs["n7"]), (&7.into(), &7.into()));
}
