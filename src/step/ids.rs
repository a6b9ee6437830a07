//! `messageId`s of events that one event became: Segment keeps one message of an id and drops the others without a word.

use std::collections::HashSet;

use rhai::{Dynamic, ImmutableString, Map};

use crate::event::Event;

/// Longer ids are refused by Segment.
const MESSAGE_ID_CHARS_MAX: usize = 100;

/// The id that an event has.
pub(super) fn of(value: &Dynamic) -> Option<ImmutableString> {
    let map = value.read_lock::<Map>()?;
    map.get("messageId")?.as_immutable_string_ref().ok().filter(|id| !id.is_empty()).map(|id| id.clone())
}

/// Gives an event that is the `number`th one made of another the other's id with `:number` behind it.
pub(super) fn number(value: &mut Dynamic, id: &str, number: usize) {
    name(value, id, &number.to_string());
}

/// Gives an event the id of another with `:name` behind it. One that would be too long goes, and the sink derives one of its own.
pub(super) fn name(value: &mut Dynamic, id: &str, name: &str) {
    let own = format!("{id}:{name}");
    let Some(mut map) = value.write_lock::<Map>() else { return };
    if own.chars().count() <= MESSAGE_ID_CHARS_MAX {
        map.insert("messageId".into(), own.into());
    } else {
        map.remove("messageId");
    }
}

/// Numbers those of `events` whose id is one of `taken` or that of an event before them, by their position behind `before` others.
/// An event keeps the id that it has alone.
pub(super) fn tell_apart<'a>(
    events: impl IntoIterator<Item = &'a mut Event>,
    before: usize,
    taken: &mut HashSet<ImmutableString>,
) {
    for (position, event) in events.into_iter().enumerate() {
        let Some(id) = of(&event.value) else { continue };
        if taken.insert(id.clone()) {
            continue;
        }
        number(&mut event.value, &id, before + position);
        if let Some(own) = of(&event.value)
            && !taken.insert(own)
            && let Some(mut map) = event.value.write_lock::<Map>()
        {
            map.remove("messageId");
        }
    }
}
