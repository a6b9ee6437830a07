//! Which events of a pipeline wait, and which is next: what the state says, in memory.

use std::collections::{BTreeMap, BTreeSet};

use crate::pipeline::Outcome;
use crate::state::{HELD_SPACE, Held, Store, StoreError};

/// The events of one pipeline that wait.
#[derive(Debug, Default)]
pub(super) struct Holds {
    known: BTreeMap<String, Wait>,
    /// Those that have not been woken yet, by time.
    due: BTreeSet<(i64, String)>,
}

#[derive(Debug)]
struct Wait {
    until_ms: i64,
    word: Option<String>,
}

impl Holds {
    /// What the state holds at a start.
    pub(super) fn load(store: &dyn Store, pipeline: &str) -> Result<Self, StoreError> {
        let mut holds = Self::default();
        for (id, entry) in store.list(pipeline, HELD_SPACE)? {
            // One that cannot be read is woken at once, and then becomes a dead letter that says why.
            let (until_ms, word) = Held::decode(&id, &entry.value).map_or((0, None), |held| (held.until_ms, held.wake));
            holds.add(id, until_ms, word);
        }
        Ok(holds)
    }

    fn add(&mut self, id: String, until_ms: i64, word: Option<String>) {
        self.due.insert((until_ms, id.clone()));
        self.known.insert(id, Wait { until_ms, word });
    }

    /// Takes up what a delivery changed.
    pub(super) fn take(&mut self, outcome: &Outcome) {
        if let Some((id, _)) = &outcome.woken {
            self.forget(id);
        }
        for held in &outcome.held {
            self.add(held.id.clone(), held.until_ms, held.wake.clone());
        }
        if !outcome.wakes.is_empty() {
            let called = |wait: &Wait| wait.word.as_ref().is_some_and(|word| outcome.wakes.contains(word));
            let woken: Vec<String> =
                self.known.iter().filter(|(_, wait)| called(wait)).map(|(id, _)| id.clone()).collect();
            for id in woken {
                self.again(&id, 0);
            }
        }
    }

    /// One waits no longer, and is not woken.
    pub(super) fn forget(&mut self, id: &str) {
        if let Some(wait) = self.known.remove(id) {
            self.due.remove(&(wait.until_ms, id.to_owned()));
        }
    }

    /// How many wait.
    pub(super) fn len(&self) -> usize {
        self.known.len()
    }

    /// When the next one is to be woken.
    pub(super) fn next_ms(&self) -> Option<i64> {
        self.due.first().map(|(until_ms, _)| *until_ms)
    }

    /// The ids of those whose time has come. Each is given out once.
    pub(super) fn take_due(&mut self, now_ms: i64) -> Vec<String> {
        let mut ids = Vec::new();
        while self.due.first().is_some_and(|(until_ms, _)| *until_ms <= now_ms) {
            ids.extend(self.due.pop_first().map(|(_, id)| id));
        }
        ids
    }

    /// Gives one out at another time: it could not be woken, or is called.
    pub(super) fn again(&mut self, id: &str, at_ms: i64) {
        let Some(wait) = self.known.get_mut(id) else { return };
        self.due.remove(&(wait.until_ms, id.to_owned()));
        wait.until_ms = at_ms;
        self.due.insert((at_ms, id.to_owned()));
    }
}
