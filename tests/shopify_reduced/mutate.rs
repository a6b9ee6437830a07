//! Bodies with one field missing or empty.

use serde_json::{Value, json};

/// Looks at a body with each of its fields missing, and written in each way that is nothing. `look` is told the field's place,
/// the body with that, and whether it is missing; it tells whether that made a difference. Where it makes none that all of a
/// map or a list is missing, what is in it is not tried. The first item of a list stands for all.
pub(crate) fn reduce(body: &Value, look: &mut dyn FnMut(&str, &Value, bool) -> bool) {
    below(body, body, "", look);
}

fn below(body: &Value, value: &Value, place: &str, look: &mut dyn FnMut(&str, &Value, bool) -> bool) {
    match value {
        Value::Object(members) => {
            for (key, member) in members {
                assert!(!key.contains(['/', '~']), "{key}");
                let place = format!("{place}/{key}");
                for nothing in [Value::Null, json!([]), json!({}), json!("")] {
                    let mut reduced = body.clone();
                    *reduced.pointer_mut(&place).unwrap() = nothing;
                    look(&place, &reduced, false);
                }
                if look(&place, &without(body, &place), true) {
                    below(body, member, &place, look);
                }
            }
        }
        Value::Array(items) => {
            if let Some(item) = items.first() {
                below(body, item, &format!("{place}/0"), look);
            }
        }
        _ => {}
    }
}

fn without(body: &Value, place: &str) -> Value {
    let mut reduced = body.clone();
    let (holder, key) = place.rsplit_once('/').unwrap();
    reduced.pointer_mut(holder).unwrap().as_object_mut().unwrap().remove(key);
    reduced
}
