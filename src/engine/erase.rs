//! Carrying out an erasure: what of all that a pipeline keeps names the person, and its end. Blocking.
//!
//! The order makes it safe to be cut off anywhere: dead letters go first, then the state in one transaction with the list of the
//! deliveries that are erased, then the record is written. Until the state is gone, everything that tells what belongs to the
//! person is still there; so the run that asks for it again, after a crash, asks for the same.

use std::io;

use serde_json::{Value, json};

use super::audit::{Audit, Line, Place};
use crate::erasure::{Erasure, Names};
use crate::event::{Delivery, Event};
use crate::journal::{DeadLetter, DeadLetters, Journal, ReadError};
use crate::json;
use crate::pipeline::Plan;
use crate::state::{Erased, HELD_SPACE, Held, Reach, Store};

/// Deliveries that are looked through at once.
const BATCH_DELIVERIES: usize = 256;
const BATCH_BYTES: usize = 4 << 20;

/// What an erasure is about.
pub(super) struct Erasing<'a> {
    /// The pipeline that keeps it.
    pub(super) pipeline: &'a str,
    /// Its version, to tell the events of a delivery apart; without it a delivery is one.
    pub(super) plan: Option<&'a Plan>,
    /// Who is meant, with all that the steps know to be theirs.
    pub(super) erasures: &'a [Erasure],
    /// Their values.
    pub(super) names: &'a Names,
    /// What came in from this delivery on is not meant.
    pub(super) before: u64,
    /// The delivery that asks for it.
    pub(super) delivery: Option<u64>,
}

/// What was found of one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tally {
    /// Entries of the state.
    pub state: usize,
    /// Events that waited.
    pub held: usize,
    /// Dead letters.
    pub dead: usize,
    /// Deliveries in the journal, which will not be run again.
    pub deliveries: usize,
}

impl Tally {
    /// Whether nothing was found; deliveries are found again each time.
    pub(super) fn is_empty(&self) -> bool {
        (self.state, self.held, self.dead) == (0, 0, 0)
    }

    /// As numbers.
    pub fn to_json(self) -> Value {
        let Self { state, held, dead, deliveries } = self;
        json!({ "state": state, "held": held, "dead": dead, "deliveries": deliveries })
    }
}

/// What came of it.
#[derive(Debug, Default)]
pub(super) struct Done {
    /// By request.
    pub(super) tallies: Vec<Tally>,
    /// The events that waited until now: their ids, and the steps that held them.
    pub(super) held: Vec<(String, String)>,
}

impl Erasing<'_> {
    /// Looks through the journal for deliveries that name the person, and adds them to those known before.
    pub(super) fn deliveries(&self, journal: &Journal, store: &dyn Store) -> io::Result<(Erased, Vec<usize>)> {
        let mut counts = vec![0; self.erasures.len()];
        let mut erased = Erased::load(store, self.pipeline).map_err(io::Error::other)?;
        erased.forget_before(journal.oldest());
        let mut reader = journal.reader(journal.oldest().saturating_sub(1));
        // The delivery of this pipeline before, if it is erased.
        let mut follows = None;
        while reader.position() + 1 < self.before {
            let batch = match reader.next_batch(BATCH_DELIVERIES, BATCH_BYTES) {
                Ok(batch) if batch.is_empty() => break,
                Ok(batch) => batch,
                Err(ReadError::Io { error, .. }) => return Err(error),
                // What cannot be read is not run or shown again either.
                Err(_) if reader.skip().is_some() => continue,
                Err(error) => return Err(io::Error::other(error.to_string())),
            };
            for delivery in batch.iter().filter(|delivery| *delivery.pipeline == *self.pipeline) {
                if delivery.seq >= self.before {
                    break;
                }
                let seq = delivery.seq;
                let Some(request) = self.find_delivery(delivery) else {
                    follows = erased.is_whole(seq).then_some(seq);
                    continue;
                };
                // A command's request for the same person is no news.
                counts[request] += usize::from(!Erasure::is_request(delivery));
                if let Some(events) = self.named_events(delivery) {
                    erased.add_events(seq, events);
                    follows = None;
                } else {
                    erased.add(seq, follows);
                    follows = Some(seq);
                }
            }
        }
        Ok((erased, counts))
    }

    /// The request that a delivery names the person of. A call in an address may hold its message encoded (a pixel's `data`): what the
    /// source makes of it tells.
    fn find_delivery(&self, delivery: &Delivery) -> Option<usize> {
        let found = self.names.find_delivery(delivery);
        if found.is_some() || delivery.query.is_empty() || !delivery.body.is_empty() {
            return found;
        }
        let source = &self.plan?.source(&delivery.source)?.source;
        let mut text = Vec::new();
        source.decode(delivery).iter().flatten().find_map(|event| {
            text.clear();
            json::encode(&event.value, &event.tape, &mut text).ok()?;
            self.names.find(&text)
        })
    }

    /// The events of a delivery that name the person, where others do not; `None`: it is about nobody else.
    fn named_events(&self, delivery: &Delivery) -> Option<Vec<u32>> {
        let source = &self.plan?.source(&delivery.source)?.source;
        let events = source.decode(delivery);
        let mut text = Vec::new();
        let mut is_theirs = |event: &Event| {
            text.clear();
            json::encode(&event.value, &event.tape, &mut text).is_ok() && self.names.find(&text).is_some()
        };
        let own = (0..).zip(&events).filter(|(_, event)| event.as_ref().is_ok_and(&mut is_theirs));
        let named: Vec<u32> = own.map(|(at, _)| at).collect();
        (!named.is_empty() && named.len() < events.len()).then_some(named)
    }

    /// Erases dead letters, state and events that wait. The last argument is what [`Self::deliveries`] gave.
    pub(super) fn carry_out(
        &self,
        store: &dyn Store,
        letters: &DeadLetters,
        (erased, counts): &(Erased, Vec<usize>),
    ) -> io::Result<Done> {
        let mut done = Done { tallies: tallies(counts), held: Vec::new() };
        let mut dead = vec![0; self.erasures.len()];
        letters.erase(self.pipeline, &mut |letter| self.letter(letter, &mut dead))?;
        for (tally, dead) in done.tallies.iter_mut().zip(dead) {
            tally.dead = dead;
        }
        let reach = self.reach();
        for (key, entry) in store.erase(self.pipeline, &reach, erased).map_err(io::Error::other)? {
            let Some(tally) = reach.find(&key, &entry.value).and_then(|request| done.tallies.get_mut(request)) else {
                continue;
            };
            if key.space == HELD_SPACE {
                tally.held += 1;
                let part = Held::decode(&key.name, &entry.value).map_or_else(|_| key.space, |held| held.part);
                done.held.push((key.name, part));
            } else {
                tally.state += 1;
            }
        }
        Ok(done)
    }

    /// Leaves a line for each request in the record and in the log.
    pub(super) fn record(&self, audit: &Audit, tallies: &[Tally], at_ms: i64) -> io::Result<()> {
        for (number, (erasure, tally)) in self.erasures.iter().zip(tallies).enumerate() {
            let place: Place = (self.pipeline.to_owned(), self.delivery, number);
            audit.append(&Line { place, at_ms, why: &erasure.why, reference: &erasure.reference, tally: *tally })?;
            let Tally { state, held, dead, deliveries } = *tally;
            tracing::info!(
                pipeline = self.pipeline,
                delivery = self.delivery,
                why = erasure.why,
                reference = erasure.reference,
                state,
                held,
                dead,
                deliveries,
                "erased"
            );
        }
        Ok(())
    }

    /// What [`Self::carry_out`] would erase.
    pub(super) fn count(&self, store: &dyn Store, letters: &DeadLetters, counts: &[usize]) -> io::Result<Vec<Tally>> {
        let mut tallies = tallies(counts);
        let mut dead = vec![0; self.erasures.len()];
        letters.count(self.pipeline, &mut |letter| self.letter(letter, &mut dead))?;
        for (tally, dead) in tallies.iter_mut().zip(dead) {
            tally.dead = dead;
        }
        let reach = self.reach();
        for (key, entry) in store.find(self.pipeline, &reach).map_err(io::Error::other)? {
            let Some(tally) = reach.find(&key, &entry.value).and_then(|request| tallies.get_mut(request)) else {
                continue;
            };
            *(if key.space == HELD_SPACE { &mut tally.held } else { &mut tally.state }) += 1;
        }
        Ok(tallies)
    }

    fn reach(&self) -> Reach<'_> {
        let all = self.erasures.iter().position(|erasure| erasure.all_state);
        Reach { names: self.names, all, before: self.before }
    }

    /// Whether a dead letter names the person; counts it.
    fn letter(&self, letter: &DeadLetter, counts: &mut [usize]) -> bool {
        // Lines of files have numbers of their own.
        if letter.delivery_seq > self.before && letter.delivery.method != "FILE" {
            return false;
        }
        let texts = [letter.reason.as_bytes(), letter.message.as_deref().unwrap_or_default()];
        let beside = || self.names.find_in(letter.logs.iter().chain(&letter.stack).map(String::as_bytes));
        let found = self.names.find_in(texts).or_else(beside).or_else(|| self.find_delivery(&letter.delivery));
        if let Some(count) = found.and_then(|request| counts.get_mut(request)) {
            *count += 1;
        }
        found.is_some()
    }
}

fn tallies(counts: &[usize]) -> Vec<Tally> {
    counts.iter().map(|deliveries| Tally { deliveries: *deliveries, ..Tally::default() }).collect()
}
