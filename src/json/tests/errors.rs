//! What is refused, where, and in which words.

use rhai::{Array, Dynamic, FnPtr, Map};

use super::super::JsonErrorKind as Kind;
use super::super::{
    ENCODE_DEPTH_MAX, EncodeError, JsonError, Limits, Tape, decode, decode_plain, encode, to_json_value,
};

fn refused(text: &[u8]) -> JsonError {
    let error = decode(text, &Limits::default()).unwrap_err();
    assert_eq!(decode_plain(text, &Limits::default()).unwrap_err(), error);
    error
}

#[test]
fn errors_name_the_offset_and_the_reason() {
    let cases: &[(&[u8], usize, Kind)] = &[
        (b"", 0, Kind::ExpectedValue),
        (b"  ", 2, Kind::ExpectedValue),
        (b"\xef\xbb\xbf1", 0, Kind::ExpectedValue),
        (b"{\"a\" 1}", 5, Kind::ExpectedColon),
        (b"{\"a\":}", 5, Kind::ExpectedValue),
        (b"{\"a\":1 \"b\"", 7, Kind::ExpectedCommaOrBrace),
        (b"{\"a\":1,}", 7, Kind::ExpectedKey),
        (b"{a:1}", 1, Kind::ExpectedKey),
        (b"{", 1, Kind::ExpectedKey),
        (b"[1,]", 3, Kind::ExpectedValue),
        (b"[1 2]", 3, Kind::ExpectedCommaOrBracket),
        (b"[", 1, Kind::ExpectedValue),
        (b"1 2", 2, Kind::TrailingText),
        (b"{}}", 2, Kind::TrailingText),
        (b"01", 1, Kind::LeadingZero),
        (b"-", 1, Kind::ExpectedDigit),
        (b"-01", 2, Kind::LeadingZero),
        (b"1.", 2, Kind::ExpectedDigit),
        (b"1.e3", 2, Kind::ExpectedDigit),
        (b"1e", 2, Kind::ExpectedDigit),
        (b"1e+", 3, Kind::ExpectedDigit),
        (b".5", 0, Kind::ExpectedValue),
        (b"+1", 0, Kind::ExpectedValue),
        (b"NaN", 0, Kind::ExpectedValue),
        (b"nul", 0, Kind::ExpectedValue),
        (b"truex", 4, Kind::TrailingText),
        (b"\"a", 2, Kind::UnclosedString),
        (b"\"a\\", 3, Kind::UnclosedString),
        (b"\"a\\\"", 4, Kind::UnclosedString),
        (b"\"a\\x\"", 2, Kind::BadEscape),
        (b"\"\\u12g4\"", 1, Kind::BadEscape),
        (b"\"\\u12\"", 1, Kind::BadEscape),
        (b"\"\\u+123\"", 1, Kind::BadEscape),
        (b"\"a\nb\"", 2, Kind::ControlCharacter),
        (b"\"12345678\x1f\"", 9, Kind::ControlCharacter),
        (b"{\"\\q\":1}", 2, Kind::BadEscape),
        (b"[\"\xff\"]", 2, Kind::NotUtf8),
        (b"[\0]", 1, Kind::ExpectedValue),
    ];
    for (text, offset, kind) in cases {
        let error = refused(text);
        assert_eq!((error.offset, error.kind), (*offset, *kind), "{}", text.escape_ascii());
    }
}

#[test]
fn errors_read_well() {
    assert_eq!(refused(b"{\"a\" 1}").to_string(), "expected `:` at line 1 column 6");
    assert_eq!(
        refused("{\n \"é\": 01}".as_bytes()).to_string(),
        "a number cannot begin with `0` and go on with digits at line 2 column 8"
    );
}

#[test]
fn depth_is_limited() {
    let deep = |levels: usize| [vec![b'['; levels], vec![b']'; levels]].concat();
    assert!(decode(&deep(128), &Limits::default()).is_ok());
    assert_eq!(refused(&deep(129)).kind, Kind::TooDeep);
    assert_eq!(refused(&vec![b'['; 100_000]).kind, Kind::TooDeep);
    assert_eq!(refused(&b"{\"a\":".repeat(100_000)).offset, 128 * 5);
    let boundless = Limits { depth: usize::MAX, nodes: usize::MAX };
    assert!(decode(&deep(512), &boundless).is_ok());
    assert_eq!(decode(&deep(100_000), &boundless).unwrap_err().kind, Kind::TooDeep);
}

#[test]
fn the_number_of_values_is_limited() {
    let limits = Limits { nodes: 4, ..Limits::default() };
    assert!(decode(b"[1,2,3]", &limits).is_ok());
    assert_eq!(decode(b"[1,2,3,4]", &limits).unwrap_err().kind, Kind::TooLarge);
    assert_eq!(decode_plain(b"[1,{\"a\":2},3]", &limits).unwrap_err().offset, 11);
}

#[test]
fn values_without_a_text_are_named_with_their_path() {
    let mut inner = Map::new();
    inner.insert("price".into(), Dynamic::from_float(f64::NAN));
    let list: Array = vec![Dynamic::ONE, Dynamic::from_map(inner)];
    let mut map = Map::new();
    map.insert("list".into(), list.into());
    let value = Dynamic::from_map(map);

    let mut out = b"before".to_vec();
    let error = encode(&value, &Tape::default(), &mut out).unwrap_err();
    assert_eq!(error, EncodeError::NotFinite { path: "list[1].price".into() });
    assert_eq!(out, b"before");
    assert_eq!(to_json_value(&value), Err(error.clone()));
    assert_eq!(error.to_string(), "`list[1].price` is infinite or not a number, which JSON cannot say");

    for (value, kind) in [
        (Dynamic::from(FnPtr::new("f").unwrap()), "Fn"),
        (Dynamic::from(0_i64..3), "range"),
        (Dynamic::from_blob(vec![1]), "blob"),
    ] {
        let error = encode(&value, &Tape::default(), &mut out).unwrap_err();
        let EncodeError::NotData { path, kind: have } = error else { panic!("{error}") };
        assert_eq!(path, "");
        assert!(have.contains(kind), "{have}");
    }
}

#[test]
fn an_error_in_an_object_of_the_source_has_its_path() {
    let (value, tape) = decode(br#"{"z":{"\u0062":[1,2]}}"#, &Limits::default()).unwrap();
    let value = super::run(value, "e.z.b[0] = 1.0 / 0.0;");
    let error = encode(&value, &tape, &mut Vec::new()).unwrap_err();
    assert_eq!(error, EncodeError::NotFinite { path: "z.b[0]".into() });
}

#[test]
fn scripts_cannot_nest_without_end() {
    let nested = |levels: usize| (0..levels).fold(Dynamic::UNIT, |value, _| Dynamic::from_array(vec![value]));
    assert!(encode(&nested(ENCODE_DEPTH_MAX), &Tape::default(), &mut Vec::new()).is_ok());
    let too_deep = nested(ENCODE_DEPTH_MAX + 1);
    assert_eq!(encode(&too_deep, &Tape::default(), &mut Vec::new()), Err(EncodeError::TooDeep));
    assert_eq!(to_json_value(&too_deep), Err(EncodeError::TooDeep));
}

#[test]
fn objects_may_nest_as_deep_as_arrays() {
    let text = format!("{}1{}", "{\"a\":".repeat(ENCODE_DEPTH_MAX), "}".repeat(ENCODE_DEPTH_MAX));
    let limits = Limits { depth: ENCODE_DEPTH_MAX, ..Limits::default() };
    let (value, tape) = decode(text.as_bytes(), &limits).unwrap();
    assert_eq!(super::written(&value, &tape), text);
}

#[test]
fn shared_values_cannot_unfold_without_end() {
    let doubled = (0..25).fold(Dynamic::UNIT, |value, _| {
        let shared = value.into_shared();
        Dynamic::from_array(vec![shared.clone(), shared])
    });
    let mut out = Vec::new();
    assert_eq!(encode(&doubled, &Tape::default(), &mut out), Err(EncodeError::TooLarge));
    assert!(out.is_empty());
}

#[test]
fn references_to_one_long_text_cannot_be_written_out() {
    let text: Dynamic = "x".repeat(1 << 20).into();
    let many = Dynamic::from_array(vec![text; 1000]);
    let mut out = Vec::from(*b"before");
    assert_eq!(encode(&many, &Tape::default(), &mut out), Err(EncodeError::TooLarge));
    assert_eq!(out, b"before");
    assert_eq!(to_json_value(&many), Err(EncodeError::TooLarge));
}

#[test]
fn a_long_document_is_written_whatever_its_size() {
    let text = format!("[{}0]", format!("\"{}\",", "x".repeat(1 << 20)).repeat(20));
    let (mut value, tape) = decode(text.as_bytes(), &Limits::default()).unwrap();
    assert_eq!(super::written(&value, &tape), text);
    value.write_lock::<Array>().unwrap().push(1.into());
    assert_eq!(super::written(&value, &tape).len(), text.len() + 2);
}
