//! Bodies with one field missing or empty.

use serde_json::{Value, json};

/// Ways to say that there is nothing.
const EMPTY: [(&str, fn() -> Value); 4] =
    [("null", || Value::Null), ("[]", || json!([])), ("{}", || json!({})), ("an empty text", || json!(""))];

/// For each field: its place, what is done to it, and the body with that. The first item of a list stands for all.
pub(crate) fn reduced(body: &Value) -> Vec<(String, &'static str, Value)> {
    let mut pointers = Vec::new();
    collect(body, String::new(), &mut pointers);
    let mut found = Vec::new();
    for pointer in pointers {
        let place = pointer.trim_start_matches('/').replace('/', ".");
        for (what, value) in EMPTY {
            let mut reduced = body.clone();
            *reduced.pointer_mut(&pointer).unwrap() = value();
            found.push((place.clone(), what, reduced));
        }
        let (holder, key) = pointer.rsplit_once('/').unwrap();
        let mut reduced = body.clone();
        match reduced.pointer_mut(holder).unwrap() {
            Value::Object(members) => {
                members.remove(key);
            }
            Value::Array(items) => {
                items.remove(0);
            }
            leaf => panic!("{leaf} holds {key}"),
        }
        found.push((place, "missing", reduced));
    }
    found
}

fn collect(value: &Value, pointer: String, pointers: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            for (key, member) in members {
                assert!(!key.contains(['/', '~']), "{key}");
                let inner = format!("{pointer}/{key}");
                pointers.push(inner.clone());
                collect(member, inner, pointers);
            }
        }
        Value::Array(items) => {
            if let Some(item) = items.first() {
                collect(item, format!("{pointer}/0"), pointers);
            }
        }
        _ => {}
    }
}
