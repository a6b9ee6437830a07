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
