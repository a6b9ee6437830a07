//! Two sources: values of a request in an event of its own source leave as they came, too.

use rhai::{Dynamic, Map};

use super::super::{Limits, decode, decode_request};
use super::written;

/// An event of a text, with members of a request put into it under the same names and `r` before.
fn joined(event: &str, request: &str) -> String {
    let (mut event, tape) = decode(event.as_bytes(), &Limits::default()).unwrap();
    let (request, lent) = decode_request(request.to_owned().into(), &Limits::default()).unwrap();
    tape.lend(lent);
    for (key, value) in request.cast::<Map>() {
        event.as_map_mut().unwrap().insert(format!("r{key}").into(), value);
    }
    written(&event, &tape)
}

#[test]
fn each_value_is_written_as_its_own_source_has_it() {
    for (event, request, expected) in [
        (r#"{"a":1.50}"#, r#"{"a":1.5}"#, r#"{"a":1.50,"ra":1.5}"#),
        // Nodes of one number and equal floats, which are not the same number.
        (
            r#"{"id":12345678901234567890}"#,
            r#"{"id":12345678901234567891}"#,
            r#"{"id":12345678901234567890,"rid":12345678901234567891}"#,
        ),
        (
            r#"{"b":{"z":1E3,"a":[]}}"#,
            r#"{"c":{"z":2E3,"a":[1.0]}}"#,
            r#"{"b":{"z":1E3,"a":[]},"rc":{"z":2E3,"a":[1.0]}}"#,
        ),
        ("{}", r#"{ "a" : [ { "\u0061" : "\/" } , null ] }"#, r#"{"ra":[{"\u0061":"\/"},null]}"#),
        (r#"{"a":"x"}"#, r#"{"a":{"b":{}}}"#, r#"{"a":"x","ra":{"b":{}}}"#),
    ] {
        assert_eq!(joined(event, request), expected);
    }
}

#[test]
fn values_of_both_stand_inside_each_other() {
    let (event, tape) = decode(br#"{"a":{"n":1.0,"m":2.0}}"#, &Limits::default()).unwrap();
    let (mut request, lent) = decode_request(r#"{"b":{"o":3.0},"p":4.0}"#.into(), &Limits::default()).unwrap();
    let inner = event.as_map_ref().unwrap().get("a").unwrap().clone();
    request.as_map_mut().unwrap().get_mut("b").unwrap().as_map_mut().unwrap().insert("e".into(), inner);
    let mut event = event;
    event.as_map_mut().unwrap().get_mut("a").unwrap().as_map_mut().unwrap().insert("r".into(), request);
    let unlent = written(&event, &tape);
    assert_eq!(unlent, r#"{"a":{"n":1.0,"m":2.0,"r":{"b":{"e":{"n":1.0,"m":2.0},"o":3.0},"p":4.0}}}"#);
    tape.lend(lent);
    // Now the order of the request's keys is known, too.
    assert_eq!(written(&event, &tape), r#"{"a":{"n":1.0,"m":2.0,"r":{"b":{"o":3.0,"e":{"n":1.0,"m":2.0}},"p":4.0}}}"#);
}

#[test]
fn a_number_that_a_script_set_names_nothing_by_mistake() {
    let (_, tape) = decode(br#"{"a":1.50}"#, &Limits::default()).unwrap();
    tape.lend(decode_request(r#"{"a":2.50}"#.into(), &Limits::default()).unwrap().1);
    for tag in [i32::MIN, i32::MAX, -1, 1, -99] {
        let mut value = Dynamic::from_float(7.5);
        value.set_tag(tag);
        assert_eq!(written(&value, &tape), "7.5", "{tag}");
    }
}
