//! The reader against `serde_json` on mutated documents: the same texts accepted, the same values read.
//!
//! Seeded and bounded in count, so that it is the same test on every machine. Two differences are meant: a lone
//! surrogate, which the grammar allows, is read as U+FFFD; and a number beyond the range of floats is infinite.
#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of a test")]

use cartwire::json::{self, Limits, Tape};
use rhai::Dynamic;
use serde_json::Value;

const ROUNDS: usize = 60_000;

const SEEDS: &[&str] = &[
    include_str!("fixtures/bench/event_a.json"),
    r#"{"a":[1,-2.5,3e10,0.1,1E-7,-0,12345678901234567890],"b":{"c":null,"d":true,"e":false,"":""}}"#,
    r#"["\u00e9\/x","\ud83d\ude00","a\\b\"c\n\t\r\b\f","é😀","plain text of some length, twice eight"]"#,
    " { \"x\" : [ ] , \"y\" : { } , \"x\" : [ 1 , [ 2 , [ 3 ] ] ] } ",
    "[9223372036854775807,-9223372036854775808,9223372036854775808,18446744073709551616,1e308,5e-324]",
];

/// Pieces that grammars trip over.
const PIECES: &[&[u8]] = &[
    b"\"",
    b"\\",
    b"{",
    b"}",
    b"[",
    b"]",
    b",",
    b":",
    b"0",
    b"-",
    b".",
    b"e",
    b"E+",
    b"00",
    b"1e400",
    b"\\u",
    b"\\ud800",
    b"\\udc00",
    b"\\u0000",
    b"\0",
    b"\n",
    b"\x1f",
    b"\x7f",
    b"\x80",
    b"\xff",
    b"\xed\xa0\x80",
    b"\xef\xbb\xbf",
    b"null",
    b"true",
    b"nul",
    b" ",
    b"//",
    b"'",
    b"\"a\":1,",
    b"NaN",
    b"18446744073709551615",
];

#[test]
fn the_reader_agrees_with_serde_json() {
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    let mut accepted = 0;
    for round in 0..ROUNDS {
        let mut text = SEEDS[random.below(SEEDS.len())].as_bytes().to_vec();
        // Some rounds work on a small part, where a mutation is more likely to leave a correct document.
        if random.below(3) == 0 {
            let start = random.below(text.len());
            let end = (start + random.below(40)).min(text.len());
            text = text[start..end].to_vec();
        }
        for _ in 0..random.below(4) {
            mutate(&mut text, &mut random);
        }
        accepted += usize::from(agrees(&text, round));
    }
    // If nearly all were refused, nothing but the refusal would have been tested.
    assert!((ROUNDS / 20..ROUNDS * 19 / 20).contains(&accepted), "{accepted} accepted");
}

/// Checks one text, and tells whether it was accepted.
fn agrees(text: &[u8], round: usize) -> bool {
    let shown = || format!("round {round}: {}", text.escape_ascii());
    let ours = json::decode(text, &Limits::default());
    let plain = json::decode_plain(text, &Limits::default());
    let theirs = serde_json::from_slice::<Value>(text);
    assert_eq!(ours.is_ok(), plain.is_ok(), "{}", shown());
    match (&ours, &theirs) {
        (Ok((value, tape)), Ok(theirs)) => {
            assert!(same(value, theirs), "{}\n{value:?}\n{theirs:?}", shown());
            assert!(same(plain.as_ref().unwrap(), theirs), "{}", shown());
            comes_back(value, tape, &shown);
        }
        (Ok((value, tape)), Err(error)) => {
            let message = error.to_string();
            let meant = ["surrogate", "number out of range", "unexpected end of hex escape"]
                .iter()
                .any(|reason| message.contains(reason));
            assert!(meant, "only we accept, {message}: {}", shown());
            comes_back(value, tape, &shown);
        }
        (Err(error), Ok(_)) => panic!("only we refuse, {error}: {}", shown()),
        (Err(error), Err(_)) => assert!(error.offset <= text.len(), "{}", shown()),
    }
    ours.is_ok()
}

/// What was read can be written, and reads as the same again.
fn comes_back(value: &Dynamic, tape: &Tape, shown: &dyn Fn() -> String) {
    let mut once = Vec::new();
    json::encode(value, tape, &mut once).unwrap();
    let (again, tape) = json::decode(&once, &Limits::default()).unwrap();
    let mut twice = Vec::new();
    json::encode(&again, &tape, &mut twice).unwrap();
    assert_eq!(once, twice, "{}", shown());
    assert_eq!(value.to_string(), again.to_string(), "{}", shown());
}

fn same(ours: &Dynamic, theirs: &Value) -> bool {
    match theirs {
        Value::Null => ours.is_unit(),
        Value::Bool(is) => ours.as_bool() == Ok(*is),
        Value::String(text) => ours.clone().into_string().as_ref() == Ok(text),
        Value::Array(list) => {
            let array = ours.as_array_ref().unwrap();
            array.len() == list.len() && array.iter().zip(list).all(|(ours, theirs)| same(ours, theirs))
        }
        Value::Object(object) => {
            let map = ours.as_map_ref().unwrap();
            map.len() == object.len()
                && map.iter().zip(object).all(|((key, ours), (name, theirs))| key == name && same(ours, theirs))
        }
        Value::Number(number) => match (ours.as_int(), number.as_i64()) {
            (Ok(ours), Some(theirs)) => ours == theirs,
            // `-0` is an integer for us, and a float for them.
            (Ok(ours), None) => ours == 0 && number.as_f64() == Some(0.0),
            // Ours is correctly rounded; theirs may be off by one in the last place.
            _ => {
                let (ours, theirs) = (ours.as_float().unwrap(), number.as_f64().unwrap());
                ours.to_bits().abs_diff(theirs.to_bits()) <= 1
            }
        },
    }
}

fn mutate(text: &mut Vec<u8>, random: &mut Random) {
    let at = random.below(text.len() + 1);
    match random.below(5) {
        0 => drop(text.splice(at..at, PIECES[random.below(PIECES.len())].iter().copied())),
        1 => drop(text.drain(at..(at + random.below(6)).min(text.len()))),
        2 => text.truncate(at),
        3 => {
            if let Some(byte) = text.get_mut(at) {
                *byte ^= 1 << random.below(8);
            }
        }
        _ => {
            let end = (at + random.below(20)).min(text.len());
            let piece = text[at..end].to_vec();
            let to = random.below(text.len() + 1);
            drop(text.splice(to..to, piece));
        }
    }
}

/// A small generator (xorshift64*), so that the texts are the same everywhere.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) as usize % bound.max(1)
    }
}
