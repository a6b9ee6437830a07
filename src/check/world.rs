//! The world of a case: its clock, its state, the answers from outside, and the events that wait.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::Case;
use super::outside::Outside;
use crate::erasure::Names;
use crate::event::{Delivery, Origin};
use crate::lookup::Answers;
use crate::pipeline::{self, Dropped, NoTrace, Outcome, Pipeline, Traced};
use crate::state::{Change, Erased, HELD_SPACE, Held, Memory, Reach, Session, Store};

/// Wake-ups of one case: more than that, and it would never end.
const WAKE_UPS_MAX: usize = 1000;

/// The limits of scripts that are none of counting.
const BY_CLOCK: [&str; 2] = ["script-limit-time", "script-limit-memory"];

/// What goes on in a case.
pub(super) struct World<'a> {
    pipeline: &'a Pipeline,
    outside: Outside<'a>,
    store: Arc<Memory>,
    now_ms: i64,
    seq: u64,
    wake_ups: usize,
    /// Events that wait, as the engine has them: by time, place and id, with the words that wake them.
    waiting: BTreeMap<(i64, Origin, String), Vec<String>>,
    pub(super) trace: Traced,
    pub(super) total: Outcome,
    pub(super) problems: Vec<String>,
}

impl<'a> World<'a> {
    pub(super) fn new(pipeline: &'a Pipeline, case: &'a Case) -> Self {
        Self {
            pipeline,
            outside: Outside::new(&case.http),
            store: Arc::default(),
            now_ms: case.now_ms,
            seq: 0,
            wake_ups: 0,
            waiting: BTreeMap::new(),
            trace: Traced::default(),
            total: Outcome::new(pipeline.plan().sinks.len()),
            problems: Vec::new(),
        }
    }

    /// What the clock says.
    pub(super) fn now_ms(&self) -> i64 {
        self.now_ms
    }

    /// Time passes; events go on whose time comes.
    pub(super) fn pass(&mut self, ms: u64) {
        let until = self.now_ms.saturating_add(i64::try_from(ms).unwrap_or(i64::MAX));
        while let Some(place) = self.waiting.keys().next().filter(|(at, ..)| *at <= until).cloned() {
            self.wake(&place);
        }
        self.now_ms = until;
    }

    /// Time passes until nothing waits any more.
    pub(super) fn rest(&mut self) {
        while let Some(place) = self.waiting.keys().next().cloned() {
            self.wake(&place);
        }
    }

    fn wake(&mut self, place: &(i64, Origin, String)) {
        let (at_ms, _, id) = place;
        self.waiting.remove(place);
        self.wake_ups += 1;
        if self.wake_ups > WAKE_UPS_MAX {
            self.problems.push(format!("after {WAKE_UPS_MAX} turns there are still events that wait"));
            self.waiting.clear();
            return;
        }
        self.now_ms = self.now_ms.max(*at_ms);
        self.deliver(Held::wake_up(&self.pipeline.plan().name, id, self.now_ms));
    }

    /// Runs a delivery, and keeps what came of it.
    pub(super) fn deliver(&mut self, mut delivery: Delivery) {
        self.seq += 1;
        delivery.seq = self.seq;
        let name = Arc::clone(&self.pipeline.plan().name);
        let mut answers = Answers::default();
        let mut outcome = Outcome::default();
        for round in 1.. {
            let session = Session::new(Arc::clone(&self.store) as Arc<dyn Store>, &name);
            let mut trace = Traced::default();
            outcome = self.pipeline.run_in(&delivery, self.now_ms, &session, answers.clone(), &mut trace);
            if outcome.needs.is_empty() {
                self.trace.records.append(&mut trace.records);
                self.compare_masked(&delivery, answers, &outcome);
                break;
            }
            if let Err(problem) = self.outside.answer(&outcome.needs, &mut answers, round) {
                self.problems.push(problem);
                return;
            }
        }
        let change = Change { seq: self.seq, now_ms: self.now_ms, writes: std::mem::take(&mut outcome.writes) };
        if let Err(error) = self.store.commit(&name, &[change], self.seq) {
            self.problems.push(error.to_string());
        }
        for held in &outcome.held {
            self.waiting.insert((held.until_ms, held.origin, held.id.clone()), held.wake.clone());
        }
        self.erase(&outcome);
        let wakes = std::mem::take(&mut outcome.wakes);
        self.keep(outcome);
        let woken: Vec<_> = self
            .waiting
            .iter()
            .filter(|(_, words)| words.iter().any(|word| wakes.contains(word)))
            .map(|(place, _)| place.clone())
            .collect();
        for (at_ms, origin, id) in woken {
            // It goes on now, not when its time would come.
            if self.waiting.remove(&(at_ms, origin, id.clone())).is_some() {
                self.wake(&(self.now_ms, origin, id));
            }
        }
    }

    /// Erases whom the delivery names, as the engine does.
    fn erase(&mut self, outcome: &Outcome) {
        if outcome.erasures.is_empty() {
            return;
        }
        let names = Names::new(&outcome.erasures);
        let all = outcome.erasures.iter().position(|erasure| erasure.all_state);
        let reach = Reach { names: &names, all, before: self.seq };
        match self.store.erase(&self.pipeline.plan().name, &reach, &Erased::default()) {
            Ok(gone) => {
                for (key, entry) in gone.iter().filter(|(key, _)| key.space == HELD_SPACE) {
                    self.waiting.retain(|(.., id), _| *id != key.name);
                    if let Ok(held) = Held::decode(&key.name, &entry.value) {
                        let reason = pipeline::ERASED.to_owned();
                        self.total.dropped.push(Dropped { origin: held.origin, part: held.part, reason });
                    }
                }
            }
            Err(error) => self.problems.push(error.to_string()),
        }
    }

    /// Runs a delivery as the engine does, which decodes only what is read. That must never show.
    fn compare_masked(&mut self, delivery: &Delivery, answers: Answers, whole: &Outcome) {
        // Where a script ends by the clock, no two runs are the same.
        let by_clock = |outcome: &Outcome| outcome.dead.iter().any(|dead| BY_CLOCK.contains(&&*dead.code));
        if self.pipeline.plan().mask.is_whole() || by_clock(whole) {
            return;
        }
        let session = Session::new(Arc::clone(&self.store) as Arc<dyn Store>, &self.pipeline.plan().name);
        let masked = self.pipeline.run_in(delivery, self.now_ms, &session, answers, &mut NoTrace);
        let same = masked.messages == whole.messages
            && masked.dropped == whole.dropped
            && masked.dead == whole.dead
            && masked.writes == whole.writes
            && masked.erasures == whole.erasures;
        if !same && !by_clock(&masked) {
            let mask = &self.pipeline.plan().mask;
            self.problems.push(format!("a bug of Cartwire: decoding only what is read, {mask}, gives something else"));
        }
    }

    fn keep(&mut self, outcome: Outcome) {
        for (all, messages) in self.total.messages.iter_mut().zip(outcome.messages) {
            all.extend(messages);
        }
        self.total.dropped.extend(outcome.dropped);
        self.total.dead.extend(outcome.dead);
        self.total.held.extend(outcome.held);
        self.total.logs.extend(outcome.logs);
        self.total.erasures.extend(outcome.erasures);
    }
}
