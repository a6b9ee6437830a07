//! Bodies with one field missing or empty.

use serde_json::{Value, json};

/// Looks at each field of a body as it is missing, and written in each way that is nothing. `look` is told the field's place and
/// what stands there, if anything, and tells whether that made a difference. Where it makes none that a whole map or list is
/// missing, what is in it is not tried. The first item of a list stands for all.
pub(crate) fn reduce(body: &Value, look: &mut dyn FnMut(&str, Option<Value>) -> bool) {
    below(body, "", look);
}

fn below(value: &Value, place: &str, look: &mut dyn FnMut(&str, Option<Value>) -> bool) {
    match value {
        Value::Object(members) => {
            for (key, member) in members {
                assert!(!key.contains(['/', '~']), "{key}");
                let place = format!("{place}/{key}");
                for nothing in [Value::Null, json!([]), json!({}), json!("")] {
                    look(&place, Some(nothing));
                }
                if look(&place, None) {
                    below(member, &place, look);
                }
            }
        }
        Value::Array(items) => {
            if let Some(item) = items.first() {
                below(item, &format!("{place}/0"), look);
            }
        }
        _ => {}
    }
}

/// The body with that in a place, or with nothing there.
pub(crate) fn with(body: &Value, place: &str, value: Option<&Value>) -> Value {
    let mut reduced = body.clone();
    let (holder, key) = place.rsplit_once('/').unwrap();
    let holder = reduced.pointer_mut(holder).unwrap().as_object_mut().unwrap();
    match value {
        Some(value) => holder.insert(key.to_owned(), value.clone()),
        None => holder.remove(key),
    };
    reduced
}
