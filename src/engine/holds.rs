//! Which events of a pipeline wait, and which is next: what the state says, in memory.
//!
//! How many may wait is bounded, and here is where it is decided: outcomes come in the order of their deliveries, so whether an
//! event finds room depends on the deliveries before it and on nothing else. Where a run is repeated from an earlier place, the
//! state goes back there first, and so the same events find room.

use std::collections::{BTreeMap, BTreeSet};

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
    /// Those that have not been woken yet, by time.
    due: BTreeSet<(i64, String)>,
    /// Of all records.
    bytes: usize,
    events_max: usize,
    bytes_max: usize,
}

#[derive(Debug)]
struct Wait {
    until_ms: i64,
    word: Option<String>,
    bytes: usize,
}

impl Default for Holds {
    fn default() -> Self {
        Self { known: BTreeMap::new(), due: BTreeSet::new(), bytes: 0, events_max: EVENTS_MAX, bytes_max: BYTES_MAX }
    }
}

impl Holds {
    /// What the state holds at a start.
    pub(super) fn load(store: &dyn Store, pipeline: &str) -> Result<Self, StoreError> {
        let mut holds = Self::default();
        for (id, entry) in store.list(pipeline, HELD_SPACE)? {
            // One that cannot be read is woken at once, and then becomes a dead letter that says why.
            let (until_ms, word) = Held::decode(&id, &entry.value).map_or((0, None), |held| (held.until_ms, held.wake));
            holds.add(id, Wait { until_ms, word, bytes: entry.value.len() });
        }
        Ok(holds)
    }

    fn add(&mut self, id: String, wait: Wait) {
        self.remove(&id);
        self.bytes += wait.bytes;
        self.due.insert((wait.until_ms, id.clone()));
        self.known.insert(id, wait);
    }

    fn remove(&mut self, id: &str) {
        if let Some(wait) = self.known.remove(id) {
            self.bytes -= wait.bytes;
            self.due.remove(&(wait.until_ms, id.to_owned()));
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
                let wait = Wait { until_ms: held.until_ms, word: held.wake.clone(), bytes: held.bytes };
                self.add(held.id.clone(), wait);
                outcome.held.push(held);
            } else {
                released.extend(refuse(held, outcome));
            }
        }
        if !outcome.wakes.is_empty() {
            let called = |wait: &Wait| wait.word.as_ref().is_some_and(|word| outcome.wakes.contains(word));
            let woken: Vec<String> =
                self.known.iter().filter(|(_, wait)| called(wait)).map(|(id, _)| id.clone()).collect();
            for id in woken {
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

    /// Gives out all that have not been given out, now.
    pub(super) fn hasten(&mut self) {
        for (_, id) in std::mem::take(&mut self.due) {
            if let Some(wait) = self.known.get_mut(&id) {
                wait.until_ms = 0;
                self.due.insert((0, id));
            }
        }
    }

    /// Gives one out at another time: it could not be woken, or is called.
    pub(super) fn again(&mut self, id: &str, at_ms: i64) {
        let Some(wait) = self.known.get_mut(id) else { return };
        self.due.remove(&(wait.until_ms, id.to_owned()));
        wait.until_ms = at_ms;
        self.due.insert((at_ms, id.to_owned()));
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
mod tests {
    use super::*;
    use crate::event::{Delivery, Origin};
    use crate::state::{Entry, Key, Write};

    /// What a run leaves that holds events of these names, each of 100 bytes and more.
    fn holding(names: &[&str]) -> Outcome {
        let mut outcome = Outcome::new(1);
        for name in names {
            let claim = Claim {
                key: Key { space: "dedupe".into(), name: (*name).into() },
                holder: b"1".to_vec(),
                shared: false,
            };
            let held = Held {
                id: (*name).into(),
                until_ms: 5,
                wake: None,
                reason: "later".into(),
                part: "wait".into(),
                mark: None,
                attempt: 1,
                origin: Origin::default(),
                identity: "i".into(),
                event: "{}".into(),
                targets: None,
                claims: vec![claim],
                delivery: Delivery::default(),
            };
            let key = Key { space: HELD_SPACE.into(), name: held.id.clone() };
            let entry = Some(Entry { value: held.encode(), expires_ms: i64::MAX });
            let Held { id, origin, part, reason, until_ms, wake, .. } = held;
            let bytes = entry.as_ref().unwrap().value.len();
            outcome.writes.push(Write { key, entry });
            outcome.held.push(HeldEvent { id, origin, part, reason, until_ms, wake, bytes });
        }
        outcome
    }

    fn woken(name: &str) -> Outcome {
        Outcome { woken: Some((name.into(), std::sync::Arc::default())), ..Outcome::new(1) }
    }

    /// Takes outcomes in turn; gives the names that were refused.
    fn refused(holds: &mut Holds, outcomes: Vec<Outcome>) -> Vec<String> {
        let mut names = Vec::new();
        for mut outcome in outcomes {
            let claims = holds.take(&mut outcome);
            assert_eq!(outcome.writes.len(), outcome.held.len(), "what is refused is not stored");
            assert_eq!(claims.len(), outcome.dead.len());
            assert!(outcome.dead.iter().all(|dead| dead.code == "too-many-held"));
            names.extend(claims.into_iter().map(|claim| claim.key.name));
        }
        names
    }

    #[test]
    fn what_finds_no_room_is_a_dead_letter_and_keeps_no_key() {
        let mut holds = Holds { events_max: 2, ..Holds::default() };
        assert_eq!(refused(&mut holds, vec![holding(&["a"]), holding(&["b", "c"]), holding(&["d"])]), ["c", "d"]);
        assert_eq!(holds.len(), 2);
        // One that goes on makes room, also for itself.
        let again = Outcome { woken: woken("a").woken, ..holding(&["a2"]) };
        assert_eq!(refused(&mut holds, vec![again, holding(&["e"]), woken("b"), holding(&["f", "g"])]), ["e", "g"]);
        assert_eq!(holds.take_due(5), ["a2", "f"]);
    }

    #[test]
    fn bytes_are_bounded_too_and_are_those_of_the_state() {
        let bytes = holding(&["a"]).held[0].bytes;
        let mut holds = Holds { bytes_max: 2 * bytes, ..Holds::default() };
        assert_eq!(refused(&mut holds, vec![holding(&["a", "b", "c"]), woken("a"), holding(&["d", "e"])]), ["c", "e"]);
        let store = crate::state::Memory::default();
        let writes = holding(&["b", "d"]).writes;
        store.commit("p", &[crate::state::Change { seq: 1, now_ms: 0, writes }], 0).unwrap();
        let loaded = Holds::load(&store, "p").unwrap();
        assert_eq!((loaded.len(), loaded.bytes), (holds.len(), holds.bytes));
        assert_eq!(loaded.bytes, 2 * bytes);
    }
}
