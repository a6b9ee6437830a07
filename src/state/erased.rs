//! Deliveries that were erased: the journal cannot be rewritten, so it is remembered which of them named the person.
//!
//! Whoever runs a delivery again, shows it or sends what came of it looks here first. The list lies in the state and is written
//! together with what it erases, all or nothing. It holds numbers only, and those that the journal no longer has are forgotten.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Entry, Held, Key, Store, StoreError};
use crate::erasure::Names;

/// The space of what was erased.
const SPACE: &str = "~erased";
/// Its only key.
const NAME: &str = "deliveries";

/// The deliveries of a pipeline that were erased.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Erased {
    /// Whole ones: first and last sequence numbers. Other pipelines' deliveries may have numbers in between.
    whole: BTreeMap<u64, u64>,
    /// Those with several events of which some named the person: the events' positions.
    some: BTreeMap<u64, Vec<u32>>,
}

impl Erased {
    /// What a store knows.
    pub fn load(store: &dyn Store, pipeline: &str) -> Result<Self, StoreError> {
        let Some(entry) = store.get(pipeline, &key())? else { return Ok(Self::default()) };
        serde_json::from_slice(&entry.value).map_err(|error| StoreError(format!("what was erased: {error}")))
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.whole.is_empty() && self.some.is_empty()
    }

    /// Whether all of a delivery was erased.
    pub fn is_whole(&self, seq: u64) -> bool {
        self.whole.range(..=seq).next_back().is_some_and(|(_, last)| *last >= seq)
    }

    /// Whether an event of a delivery was erased.
    pub fn covers(&self, seq: u64, index: u32) -> bool {
        self.is_whole(seq) || self.some.get(&seq).is_some_and(|events| events.contains(&index))
    }

    /// Whether anything of a delivery was erased.
    pub fn touches(&self, seq: u64) -> bool {
        self.is_whole(seq) || self.some.contains_key(&seq)
    }

    /// How many deliveries are listed; ranges count as one.
    pub fn len(&self) -> usize {
        self.whole.len() + self.some.len()
    }

    /// Adds a whole delivery. `follows`: the one before it of the same pipeline, if that was added too.
    pub fn add(&mut self, seq: u64, follows: Option<u64>) {
        self.some.remove(&seq);
        if self.is_whole(seq) {
            return;
        }
        let last = follows.and_then(|before| self.whole.range_mut(..=before).next_back()).filter(|(_, last)| {
            // The range that ends in the one before goes on.
            Some(**last) == follows
        });
        match last {
            Some((_, last)) => *last = seq,
            None => _ = self.whole.insert(seq, seq),
        }
    }

    /// Adds some events of a delivery.
    pub fn add_events(&mut self, seq: u64, events: Vec<u32>) {
        if !self.is_whole(seq) {
            let known = self.some.entry(seq).or_default();
            known.extend(events);
            known.sort_unstable();
            known.dedup();
        }
    }

    /// Forgets those that the journal no longer has.
    pub fn forget_before(&mut self, oldest: u64) {
        self.whole.retain(|_, last| *last >= oldest);
        self.some.retain(|seq, _| *seq >= oldest);
    }

    /// As it is kept.
    pub(super) fn entry(&self) -> (Key, Entry) {
        // Numbers only: writing them as JSON cannot fail.
        (key(), Entry { value: serde_json::to_vec(self).unwrap_or_default(), expires_ms: i64::MAX })
    }
}

fn key() -> Key {
    Key { space: SPACE.to_owned(), name: NAME.to_owned() }
}

/// What of a pipeline's state is to be erased.
pub struct Reach<'a> {
    /// Who is meant.
    pub names: &'a Names,
    /// Also what names nobody: the position of the request that says so. Events that wait stay unless they are named.
    pub all: Option<usize>,
    /// Events that wait are meant if they came of deliveries before this one.
    pub before: u64,
}

impl Reach<'_> {
    /// The position of the request that an entry is erased for.
    pub fn find(&self, key: &Key, value: &[u8]) -> Option<usize> {
        match key.space.as_str() {
            SPACE => None,
            super::HELD_SPACE => self.find_held(&key.name, value),
            _ => self.names.find_in([key.name.as_bytes(), value]).or(self.all),
        }
    }

    fn find_held(&self, id: &str, value: &[u8]) -> Option<usize> {
        match Held::decode(id, value) {
            Ok(held) if held.origin.delivery >= self.before => None,
            Ok(held) => {
                let beside = [&held.event, &held.identity].into_iter().chain(&held.wake).map(String::as_bytes);
                self.names.find_in(beside).or_else(|| self.names.find_delivery(&held.delivery))
            }
            // What cannot be read waits for nobody; its id may tell of the person.
            Err(_) => self.names.find_in([id.as_bytes(), value]),
        }
    }
}
