//! `messageId`s of events that one event became: Segment keeps one message of an id and drops the others without a word.
//!
//! A copy gets the id of the event that it is a copy of, and a number behind it. One step knows only the events that it makes itself,
//! so an event takes along how often its copies were numbered before: the second step that copies it gives `:1.1` where the
//! first gave `:1`. It is not the way to the event that tells them apart, since that is another when a sender delivers again and a
//! step before has nothing to add any more; a copy should have the id then that it had.

use std::collections::{BTreeMap, HashSet};

use rhai::{Dynamic, ImmutableString, Map};

use crate::event::{Event, Origin};

/// Longer ids are refused by Segment.
const MESSAGE_ID_CHARS_MAX: usize = 100;

/// How often copies of the events that are under way were numbered; costs nothing as long as none is copied.
#[derive(Debug, Default)]
pub struct Copies(BTreeMap<Origin, u32>);

impl Copies {
    /// How often those of an event were.
    pub fn of(&self, origin: Origin) -> u32 {
        self.0.get(&origin).copied().unwrap_or_default()
    }

    /// How often those of an event were that goes on as others, for these.
    pub fn take(&mut self, origin: Origin) -> u32 {
        self.0.remove(&origin).unwrap_or_default()
    }

    /// Those of an event were so often before.
    pub fn put(&mut self, origin: Origin, times: u32) {
        if times > 0 {
            self.0.insert(origin, times);
        }
    }

    /// Those of an event are once more.
    pub(super) fn count(&mut self, origin: Origin) {
        *self.0.entry(origin).or_default() += 1;
    }

    /// The name of an event's `number`th copy of this time.
    pub(super) fn name(&self, origin: Origin, number: usize) -> String {
        match self.of(origin) {
            0 => number.to_string(),
            before => format!("{before}.{number}"),
        }
    }
}

/// The id that an event has.
pub(super) fn of(value: &Dynamic) -> Option<ImmutableString> {
    let map = value.read_lock::<Map>()?;
    map.get("messageId")?.as_immutable_string_ref().ok().filter(|id| !id.is_empty()).map(|id| id.clone())
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
/// An event keeps the id that it has alone. `owner` says whose copy one with a taken id is.
pub(super) fn tell_apart<'a>(
    events: impl IntoIterator<Item = &'a mut Event>,
    before: usize,
    taken: &mut HashSet<ImmutableString>,
    copies: &mut Copies,
    owner: impl Fn(&ImmutableString, Origin) -> Origin,
) {
    let mut owners = Vec::new();
    for (position, event) in events.into_iter().enumerate() {
        let Some(id) = of(&event.value) else { continue };
        if taken.insert(id.clone()) {
            continue;
        }
        let owner = owner(&id, event.origin);
        name(&mut event.value, &id, &copies.name(owner, before + position));
        if !owners.contains(&owner) {
            owners.push(owner);
        }
        if let Some(own) = of(&event.value)
            && !taken.insert(own)
            && let Some(mut map) = event.value.write_lock::<Map>()
        {
            map.remove("messageId");
        }
    }
    for owner in owners {
        copies.count(owner);
    }
}
