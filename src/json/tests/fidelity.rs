//! What no script touches, or only moves, leaves exactly as it came.

use rhai::{Blob, Dynamic, Map};
use rust_decimal::Decimal;

use super::super::{Limits, Tape, decode_plain, encode, from_json_value, shorten, to_json_value};
use super::{after, read, run, written};

/// Texts that other codecs change.
const ODD: &[&str] = &[
    "820982911946154508",
    "9007199254740993",
    "18446744073709551615",
    "-9223372036854775808",
    "-9223372036854775809",
    "123456789012345678901234567890",
    "199.00",
    "0.10",
    "1E3",
    "1e+3",
    "-0",
    "-0.0",
    "0e0",
    "1e400",
    "-1e400",
    "1e-400",
    "1e99999999999999999999",
    "0.1234567890123456789",
    r#""\u00e9\/x""#,
    r#""\ud83d\ude00 \ud800 \udc00\ud800x""#,
    r#""caf\u00E9 \b\f\n\r\t\"\\""#,
    "\"\u{10ffff}\u{2028}\u{7f}é\"",
    r#""  white  space ""#,
    r#"{"\u0061\/":1,"z":{"\ud800":[]},"":{}}"#,
    r#"[null,true,false,"",{},[],[[]],0]"#,
];

#[test]
fn untouched_values_keep_their_text() {
    for text in ODD {
        for wrapped in [(*text).to_owned(), format!("[{text},{text}]"), format!(r#"{{"z":{text},"a":{text}}}"#)] {
            let (value, tape) = read(&wrapped);
            assert_eq!(written(&value, &tape), wrapped);
        }
    }
}

#[test]
fn fewer_escapes_are_the_same_values() {
    for text in ODD {
        let short = shorten(text.as_bytes());
        assert!(short.len() <= text.len(), "{text}");
        let again = |text: &[u8]| decode_plain(text, &Limits::default()).unwrap().to_string();
        assert_eq!(again(&short), again(text.as_bytes()), "{text}");
    }
    let short = |text: &str| String::from_utf8(shorten(text.as_bytes())).unwrap();
    assert_eq!(short(r#""\u00e9\/\u6771""#), "\"é/東\"");
    // What must be escaped stays so, and half a letter stays as it came.
    assert_eq!(short(r#""\u0022\u005c\u000a\u0001\\u0041""#), r#""\"\\\n\u0001\\u0041""#);
    assert_eq!(short(r#""\ud83d\ude00 \ud800 \udc00\ud800x""#), "\"😀 \\ud800 \\udc00\\ud800x\"");
}

#[test]
fn moved_values_keep_their_text() {
    // All but strings by themselves: Rhai interns an assigned string, so its tag and its own way of escaping are lost.
    for text in ODD.iter().filter(|text| !text.starts_with('"')) {
        let source = format!(r#"{{"z":{text},"a":1}}"#);
        let moved = after(&source, "e.b = e.z; e.l = [e.z]; e.remove(\"z\");");
        assert_eq!(moved, format!(r#"{{"a":1,"b":{text},"l":[{text}]}}"#));
    }
}

#[test]
fn changed_values_are_written_anew() {
    assert_eq!(after(r#"{"n":199.00}"#, "e.n += 1.0;"), r#"{"n":200.0}"#);
    assert_eq!(after(r#"{"n":1E3}"#, "e.n = 1000.0;"), r#"{"n":1000.0}"#);
    assert_eq!(after(r#"{"s":"\u0041b"}"#, "e.s.make_lower();"), r#"{"s":"ab"}"#);
    assert_eq!(after(r#"{"s":"ab"}"#, r#"e.s += "\n\"\x01";"#), r#"{"s":"ab\n\"\u0001"}"#);
    assert_eq!(after(r#"{"l":[1.0,2]}"#, "e.l.push(3); e.l[0] = ();"), r#"{"l":[null,2,3]}"#);
    assert_eq!(after(r#"{"x":true}"#, "e.x = !e.x;"), r#"{"x":false}"#);
}

#[test]
fn space_between_tokens_goes_and_inside_strings_stays() {
    let text = " {\r\n \"b\" : [ 1.0 , \"a  b\" ] ,\t\"a\" : { } , \"c\" : [ ] } \n";
    let (value, tape) = read(text);
    assert_eq!(written(&value, &tape), r#"{"b":[1.0,"a  b"],"a":{},"c":[]}"#);
    assert_eq!(tape.text(), text.as_bytes());
    let inner = value.as_map_ref().unwrap()["b"].tag();
    assert_eq!(tape.source(inner), Some(&b"[ 1.0 , \"a  b\" ]"[..]));
    assert_eq!(tape.source(0), None);
    assert_eq!(tape.source(-1), None);
    assert_eq!(tape.source(i32::MAX), None);
}

#[test]
fn scripts_see_ordinary_values() {
    let (value, _) =
        read(r#"{"i":1,"f":1.0,"big":18446744073709551615,"inf":1e400,"s":"\ud83d\ude00\ud800","n":null}"#);
    let map = value.as_map_ref().unwrap();
    assert_eq!(map["i"].as_int(), Ok(1));
    assert_eq!(map["f"].as_float(), Ok(1.0));
    assert_eq!(map["big"].as_float(), Ok(18_446_744_073_709_551_615.0));
    assert_eq!(map["inf"].as_float(), Ok(f64::INFINITY));
    assert_eq!(map["s"].clone().into_string().unwrap(), "\u{1f600}\u{fffd}");
    assert!(map["n"].is_unit());
}

#[test]
fn plain_values_have_no_tags() {
    let value = decode_plain(br#"{"a":[199.00,"\u0041"]}"#, &Limits::default()).unwrap();
    let map = value.as_map_ref().unwrap();
    assert_eq!((value.tag(), map["a"].tag()), (0, 0));
    assert_eq!(written(&value, &Tape::default()), r#"{"a":[199.0,"A"]}"#);
}

#[test]
fn tags_are_never_trusted() {
    let (value, tape) = read(r#"{"a":1,"b":2,"c":"x","d":1.0}"#);
    let forged = run(value, "e.a.tag = 2; e.b = 1; e.b.tag = 99; e.c.tag = 1; e.d.tag = -7;");
    assert_eq!(written(&forged, &tape), r#"{"a":1,"b":1,"c":"x","d":1.0}"#);
    // An integer that has the bits of the node's float is still another number.
    let (mut value, tape) = (Dynamic::from_int(1.0_f64.to_bits() as i64), read("1.0").1);
    value.set_tag(1);
    assert_eq!(written(&value, &tape), "4607182418800017408");
}

#[test]
fn values_of_another_tape_are_safe() {
    // The other tape may lend its order of keys, but no text.
    let (value, _) = read(r#"{"a":199.00,"b":"x"}"#);
    let (_, other) = read(r#"{"b":12345,"a":"y"}"#);
    assert_eq!(written(&value, &other), r#"{"b":"x","a":199.0}"#);
}

#[test]
fn other_types_have_their_text() {
    let mut map = Map::new();
    map.insert("letter".into(), Dynamic::from('"'));
    map.insert("money".into(), Dynamic::from_decimal(Decimal::new(-19_900, 2)));
    map.insert("float".into(), Dynamic::from_float(1e21));
    let value = Dynamic::from_map(map);
    assert_eq!(written(&value, &Tape::default()), r#"{"float":1e+21,"letter":"\"","money":-199.00}"#);
    assert!(encode(&Dynamic::from_blob(Blob::new()), &Tape::default(), &mut Vec::new()).is_err());
}

#[test]
fn shared_values_are_written_like_others() {
    // A variable that a closure captures becomes shared.
    let shared = after(r#"{"z":1.50,"a":2}"#, "let x = e.z; let f = || x; e.y = [x, f.call()]; e.w = f.call();");
    assert_eq!(shared, r#"{"z":1.50,"a":2,"w":1.50,"y":[1.50,1.50]}"#);
    let (value, tape) = read(r#"{"z":{"b":1.0,"a":[2]}}"#);
    assert_eq!(written(&value.into_shared(), &tape), r#"{"z":{"b":1.0,"a":[2]}}"#);
}

#[test]
fn json_values_come_and_go() {
    let value = serde_json::json!({"a": [1, 1.5, null, true, "x"], "b": {"c": -3}});
    assert_eq!(to_json_value(&from_json_value(&value)), Ok(value));
    let beyond = serde_json::json!(18_446_744_073_709_551_615_u64);
    assert_eq!(from_json_value(&beyond).as_float(), Ok(18_446_744_073_709_551_615.0));
    let decimal = |text: &str| to_json_value(&Dynamic::from_decimal(text.parse().unwrap())).unwrap();
    assert_eq!((decimal("3"), decimal("3.50")), (3.into(), 3.5.into()));
}
