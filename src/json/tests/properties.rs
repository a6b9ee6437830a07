//! Properties: on random documents, random edits and random tags.

use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use rhai::Dynamic;
use serde_json::Value;

use super::super::{Limits, decode, decode_plain, from_json_value, to_json_value};
use super::{read, written};

/// Keys from a small set, so that objects share shapes and edits hit, and some of any kind.
fn key() -> impl Strategy<Value = String> {
    prop_oneof![
        6 => "[a-e]",
        1 => Just("a key of more than twenty-three bytes".to_owned()),
        1 => "\\PC{0,12}",
        1 => "[\"\\\\/\n\u{1}é\u{1f600}]{1,3}",
    ]
}

fn scalar() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        (-1000_i64..1000).prop_map(Value::from),
        // Quarters are exact in every codec, so that values can be compared with serde_json's.
        (-4000_i64..4000).prop_map(|n| Value::from(n as f64 / 4.0)),
        any::<String>().prop_map(Value::from),
        "[ -~]{0,40}".prop_map(Value::from),
    ]
}

pub(super) fn document() -> impl Strategy<Value = Value> {
    scalar().prop_recursive(5, 60, 8, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..8).prop_map(Value::from),
            btree_map(key(), inner, 0..20).prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

/// Compact texts with numbers, escapes and orders of keys that no writer would choose.
pub(super) fn odd_text() -> impl Strategy<Value = String> {
    let number = "-?(0|[1-9][0-9]{0,25})(\\.[0-9]{1,25})?([eE][+-]?[0-9]{1,4})?";
    let string = "\"([ !#-\\[\\]-~é😀]|\\\\[\"\\\\/bfnrt]|\\\\u[0-9a-fA-F]{4}){0,12}\"";
    let word = prop_oneof![Just("null"), Just("true"), Just("false")].prop_map(str::to_owned);
    let leaf = prop_oneof![number, string, word];
    leaf.prop_recursive(4, 40, 6, move |inner| {
        prop_oneof![
            vec(inner.clone(), 0..6).prop_map(|parts| format!("[{}]", parts.join(","))),
            vec((string, inner), 0..6).prop_map(|members| {
                // A number before each key keeps the keys apart, descending keeps them unsorted.
                let members: Vec<_> = members
                    .iter()
                    .rev()
                    .enumerate()
                    .map(|(n, (key, value))| format!("\"{}{}:{value}", 9 - n, &key[1..]))
                    .collect();
                format!("{{{}}}", members.join(","))
            }),
        ]
    })
}

/// What a script does to an event. Numbers choose among what there is.
#[derive(Debug, Clone)]
enum Edit {
    Set(Vec<usize>, String, Value),
    Remove(Vec<usize>, usize),
    Move(Vec<usize>, usize, Vec<usize>, String),
    Push(Vec<usize>, Value),
}

fn edit() -> impl Strategy<Value = Edit> {
    let path = || vec(any::<usize>(), 0..4);
    prop_oneof![
        (path(), key(), document()).prop_map(|(at, key, value)| Edit::Set(at, key, value)),
        (path(), any::<usize>()).prop_map(|(at, n)| Edit::Remove(at, n)),
        (path(), any::<usize>(), path(), key()).prop_map(|(at, n, to, key)| Edit::Move(at, n, to, key)),
        (path(), scalar()).prop_map(|(at, value)| Edit::Push(at, value)),
    ]
}

/// The container that a path of numbers chooses, in both representations.
fn walk(value: &mut Value, dynamic: &mut Dynamic, path: &[usize], then: impl FnOnce(&mut Value, &mut Dynamic)) {
    let Some((&first, rest)) = path.split_first() else {
        return then(value, dynamic);
    };
    match value {
        Value::Array(array) if !array.is_empty() => {
            let index = first % array.len();
            let mut list = dynamic.as_array_mut().unwrap();
            walk(&mut array[index], &mut list[index], rest, then);
        }
        Value::Object(object) if !object.is_empty() => {
            let key = object.keys().nth(first % object.len()).unwrap().clone();
            let mut map = dynamic.as_map_mut().unwrap();
            walk(&mut object[&key], map.get_mut(key.as_str()).unwrap(), rest, then);
        }
        _ => then(value, dynamic),
    }
}

fn apply(edit: &Edit, value: &mut Value, dynamic: &mut Dynamic) {
    let set = |path: &[usize], key: &str, new: Value, fresh: Dynamic, value: &mut Value, dynamic: &mut Dynamic| {
        walk(value, dynamic, path, |value, dynamic| {
            if let Value::Object(object) = value {
                object.insert(key.to_owned(), new);
                dynamic.as_map_mut().unwrap().insert(key.into(), fresh);
            } else {
                *value = new;
                *dynamic = fresh;
            }
        });
    };
    match edit {
        Edit::Set(path, key, new) => {
            set(path, key, new.clone(), from_json_value(new), value, dynamic);
        }
        Edit::Push(path, new) => walk(value, dynamic, path, |value, dynamic| {
            if let Value::Array(array) = value {
                array.insert(0, new.clone());
                dynamic.as_array_mut().unwrap().insert(0, from_json_value(new));
            }
        }),
        Edit::Remove(path, n) => {
            take(path, *n, value, dynamic);
        }
        Edit::Move(path, n, to, key) => {
            if let Some((moved, tagged)) = take(path, *n, value, dynamic) {
                set(to, key, moved, tagged, value, dynamic);
            }
        }
    }
}

fn take(path: &[usize], n: usize, value: &mut Value, dynamic: &mut Dynamic) -> Option<(Value, Dynamic)> {
    let mut taken = None;
    walk(value, dynamic, path, |value, dynamic| match value {
        Value::Object(object) if !object.is_empty() => {
            let key = object.keys().nth(n % object.len()).unwrap().clone();
            let tagged = dynamic.as_map_mut().unwrap().remove(key.as_str()).unwrap();
            taken = Some((object.remove(&key).unwrap(), tagged));
        }
        Value::Array(array) if !array.is_empty() => {
            let index = n % array.len();
            taken = Some((array.remove(index), dynamic.as_array_mut().unwrap().remove(index)));
        }
        _ => {}
    });
    taken
}

/// Gives every value a tag, right or wrong.
fn forge(value: &mut Dynamic, tags: &mut impl Iterator<Item = i32>) {
    if let Some(tag) = tags.next() {
        value.set_tag(tag);
    }
    if let Ok(mut map) = value.as_map_mut() {
        map.values_mut().for_each(|value| forge(value, tags));
    } else if let Ok(mut array) = value.as_array_mut() {
        array.iter_mut().for_each(|value| forge(value, tags));
    }
}

proptest! {
    #[test]
    fn compact_documents_come_out_as_they_went_in(document in document()) {
        let text = document.to_string();
        let (value, tape) = read(&text);
        prop_assert_eq!(written(&value, &tape), text);
        prop_assert_eq!(to_json_value(&value), Ok(document));
    }

    #[test]
    fn odd_texts_come_out_as_they_went_in(text in odd_text()) {
        for _ in 0..3 {
            let (value, tape) = read(&text);
            prop_assert_eq!(&written(&value, &tape), &text);
        }
    }

    #[test]
    fn spread_documents_come_out_compact(document in document()) {
        let (value, tape) = read(&serde_json::to_string_pretty(&document).unwrap());
        prop_assert_eq!(written(&value, &tape), document.to_string());
    }

    #[test]
    fn edits_give_what_they_give_on_json_values(document in document(), edits in vec(edit(), 1..8)) {
        let (mut dynamic, tape) = read(&document.to_string());
        let mut value = document;
        for edit in &edits {
            apply(edit, &mut value, &mut dynamic);
        }
        let text = written(&dynamic, &tape);
        prop_assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), value);
    }

    #[test]
    fn tags_never_change_the_value(
        document in document(),
        other in document(),
        tags in vec(prop_oneof![0..80_i32, any::<i32>()], 1..80),
    ) {
        let (mut value, tape) = read(&document.to_string());
        let (_, strange) = read(&other.to_string());
        let mut tags = tags.iter().copied().cycle();
        forge(&mut value, &mut tags);
        for tape in [&tape, &strange] {
            let text = written(&value, tape);
            prop_assert_eq!(&serde_json::from_str::<Value>(&text).unwrap(), &document);
        }
    }

    #[test]
    fn odd_texts_with_any_tags_keep_their_value(text in odd_text(), tags in vec(0..60_i32, 1..60)) {
        let (mut value, tape) = read(&text);
        let plain = written(&value, &tape);
        forge(&mut value, &mut tags.iter().copied().cycle());
        // Infinite numbers have no text without their own node.
        let mut out = Vec::new();
        if super::super::encode(&value, &tape, &mut out).is_ok() {
            let ours = decode_plain(&out, &Limits::default()).unwrap();
            let theirs = decode_plain(plain.as_bytes(), &Limits::default()).unwrap();
            prop_assert_eq!(to_json_value(&ours), to_json_value(&theirs));
        }
    }

    #[test]
    fn any_bytes_are_read_or_refused(bytes in vec(any::<u8>(), 0..40), text in "[\\[\\]{}:,\"\\\\0-9eE.+tfnu a-]{0,30}") {
        for text in [&bytes[..], text.as_bytes()] {
            let tagged = decode(text, &Limits::default()).map(|(value, _)| value.to_string());
            let plain = decode_plain(text, &Limits::default()).map(|value| value.to_string());
            prop_assert_eq!(tagged, plain);
        }
    }
}
