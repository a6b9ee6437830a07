//! The mark of messages that no sender caused.

use rhai::{Dynamic, Map};

use crate::event::Event;

/// Says in a message that its delivery was made by a reconciliation: `context.reconciled`. Done behind all steps, because scripts
/// build contexts of their own; what has no type is no message, and object records have no context.
pub(super) fn mark_reconciled(event: &mut Event) {
    let Some(mut map) = event.value.write_lock::<Map>() else { return };
    let is_message = |kind: &Dynamic| kind.as_immutable_string_ref().is_ok_and(|kind| *kind != "set");
    if !map.get("type").is_some_and(is_message) {
        return;
    }
    let context = map.entry("context".into()).or_insert_with(|| Dynamic::from_map(Map::new()));
    if context.is_unit() {
        *context = Dynamic::from_map(Map::new());
    }
    if let Some(mut context) = context.write_lock::<Map>() {
        context.insert("reconciled".into(), true.into());
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::event::{Origin, Targets};
    use crate::json;

    #[test]
    fn messages_are_marked_and_nothing_else_is() {
        for (text, expected) in [
            (r#"{"type":"track"}"#, json!({"type": "track", "context": {"reconciled": true}})),
            (r#"{"type":"page","context":null}"#, json!({"type": "page", "context": {"reconciled": true}})),
            (
                r#"{"type":"identify","context":{"ip":"203.0.113.7"}}"#,
                json!({"type": "identify", "context": {"ip": "203.0.113.7", "reconciled": true}}),
            ),
            (r#"{"type":"track","context":7}"#, json!({"type": "track", "context": 7})),
            (r#"{"type":"set","id":"1"}"#, json!({"type": "set", "id": "1"})),
            (r#"{"id":"1"}"#, json!({"id": "1"})),
            ("[1]", json!([1])),
        ] {
            let (value, tape) = json::decode_bytes(text.into(), &json::Limits::default()).unwrap();
            let mut event = Event { value, tape, origin: Origin::default(), targets: Targets::default() };
            mark_reconciled(&mut event);
            let mut written = Vec::new();
            json::encode(&event.value, &event.tape, &mut written).unwrap();
            assert_eq!(serde_json::from_slice::<serde_json::Value>(&written).unwrap(), expected);
        }
    }
}
