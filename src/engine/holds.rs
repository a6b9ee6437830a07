//! Which events of a pipeline wait, and which is next: what the state says, in memory.
//!
//! How many may wait is bounded, and here is where it is decided: outcomes come in the order of their deliveries, so whether an
//! event finds room depends on the deliveries before it and on nothing else. Where a run is repeated from an earlier place, the
//! state goes back there first, and so the same events find room.

use std::collections::{BTreeMap, BTreeSet};

use crate::event::Origin;
use crate::pipeline::{Dead, HeldEvent, Outcome};
use crate::state::{Claim, HELD_SPACE, Held, Store, StoreError};

/// Events of one pipeline that may wait at once, and the bytes of their records: those of an hour in which a service does not
/// answer a busy shop. More become dead letters.
const EVENTS_MAX: usize = 100_000;
const BYTES_MAX: usize = 256 << 20;

/// The events of one pipeline that wait.
#[derive(Debug)]
pub(super) struct Holds {
    known: BTreeMap<String, Wait>,
    /// Those that have not been woken yet, by time; of the same time, in the order in which they came.
    due: BTreeSet<(i64, Origin, String)>,
    /// Those that a word wakes.
    words: BTreeMap<String, BTreeSet<String>>,
    /// Of all records.
    bytes: usize,
    events_max: usize,
    bytes_max: usize,
}

#[derive(Debug)]
struct Wait {
    until_ms: i64,
    origin: Origin,
    words: Vec<String>,
    bytes: usize,
}

impl Default for Holds {
    fn default() -> Self {
        Self {
            known: BTreeMap::new(),
            due: BTreeSet::new(),
            words: BTreeMap::new(),
            bytes: 0,
            events_max: EVENTS_MAX,
            bytes_max: BYTES_MAX,
        }
    }
}

impl Holds {
    /// What the state holds at a start.
    pub(super) fn load(store: &dyn Store, pipeline: &str) -> Result<Self, StoreError> {
        let mut holds = Self::default();
        for (id, entry) in store.list(pipeline, HELD_SPACE)? {
            // One that cannot be read is woken at once, and then becomes a dead letter that says why.
            let (until_ms, origin, words) = Held::decode(&id, &entry.value)
                .map_or((0, Origin::default(), Vec::new()), |held| (held.until_ms, held.origin, held.wake));
            holds.add(id, Wait { until_ms, origin, words, bytes: entry.value.len() });
        }
        Ok(holds)
    }

    fn add(&mut self, id: String, wait: Wait) {
        self.remove(&id);
        self.bytes += wait.bytes;
        self.due.insert((wait.until_ms, wait.origin, id.clone()));
        for word in &wait.words {
            self.words.entry(word.clone()).or_default().insert(id.clone());
        }
        self.known.insert(id, wait);
    }

    fn remove(&mut self, id: &str) {
        if let Some(wait) = self.known.remove(id) {
            self.bytes -= wait.bytes;
            self.due.remove(&(wait.until_ms, wait.origin, id.to_owned()));
            for word in &wait.words {
                let Some(ids) = self.words.get_mut(word) else { continue };
                ids.remove(id);
                if ids.is_empty() {
                    self.words.remove(word);
                }
            }
        }
    }

    /// Takes up what a delivery changed, before that is stored: an event that finds no room becomes a dead letter. Gives the
    /// claims of those, to be given back when it is stored.
    pub(super) fn take(&mut self, outcome: &mut Outcome) -> Vec<Claim> {
        if let Some((id, _)) = &outcome.woken {
            self.remove(id);
        }
        let mut released = Vec::new();
        for held in std::mem::take(&mut outcome.held) {
            if self.known.len() < self.events_max && self.bytes + held.bytes <= self.bytes_max {
                let words = held.wake.clone();
                let wait = Wait { until_ms: held.until_ms, origin: held.origin, words, bytes: held.bytes };
                self.add(held.id.clone(), wait);
                outcome.held.push(held);
            } else {
                released.extend(refuse(held, outcome));
            }
        }
        for word in &outcome.wakes {
            for id in self.words.get(word).cloned().unwrap_or_default() {
                self.again(&id, 0);
            }
        }
        released
    }

    /// One waits no longer, and is not woken.
    pub(super) fn forget(&mut self, id: &str) {
        self.remove(id);
    }

    /// How many wait.
    pub(super) fn len(&self) -> usize {
        self.known.len()
    }

    /// When the next one is to be woken.
    pub(super) fn next_ms(&self) -> Option<i64> {
        self.due.first().map(|(until_ms, ..)| *until_ms)
    }

    /// The ids of those whose time has come. Each is given out once.
    pub(super) fn take_due(&mut self, now_ms: i64) -> Vec<String> {
        let mut ids = Vec::new();
        while self.due.first().is_some_and(|(until_ms, ..)| *until_ms <= now_ms) {
            ids.extend(self.due.pop_first().map(|(.., id)| id));
        }
        ids
    }

    /// Gives out all that have not been given out, now.
    pub(super) fn hasten(&mut self) {
        for (_, origin, id) in std::mem::take(&mut self.due) {
            if let Some(wait) = self.known.get_mut(&id) {
                wait.until_ms = 0;
                self.due.insert((0, origin, id));
            }
        }
    }

    /// Gives one out at another time: it could not be woken, or is called.
    pub(super) fn again(&mut self, id: &str, at_ms: i64) {
        let Some(wait) = self.known.get_mut(id) else { return };
        self.due.remove(&(wait.until_ms, wait.origin, id.to_owned()));
        wait.until_ms = at_ms;
        self.due.insert((at_ms, wait.origin, id.to_owned()));
    }
}

/// Makes a dead letter of an event that may not wait; gives its claims.
fn refuse(held: HeldEvent, outcome: &mut Outcome) -> Vec<Claim> {
    let is_its = |write: &&crate::state::Write| write.key.space == HELD_SPACE && write.key.name == held.id;
    let record = outcome.writes.iter().find(is_its).and_then(|write| write.entry.as_ref());
    let claims = record.and_then(|entry| Held::decode(&held.id, &entry.value).ok()).map(|held| held.claims);
    outcome.writes.retain(|write| !is_its(&write));
    outcome.dead.push(Dead {
        origin: held.origin,
        part: held.part,
        code: "too-many-held".to_owned(),
        reason: format!("it would wait ({}), but too many events of this pipeline wait already", held.reason),
        place: None,
        stack: Vec::new(),
        logs: Vec::new(),
        message: None,
    });
    claims.unwrap_or_default()
}

#[cfg(test)]
mod tests;
