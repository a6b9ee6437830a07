//! The compiled pipeline of one worker thread: a delivery in, messages and ends out.

use std::rc::Rc;
use std::sync::Arc;

use rhai::Dynamic;

use super::compile::{Compiled, compile, nothing};
use super::part::StepPart;
use super::walk::Walk;
use super::{Dropped, ERASED, NoTrace, Outcome, Plan, Trace, dead, place};
use crate::diag::Diag;
use crate::erasure::Erasure;
use crate::event::{Delivery, Event, Origin, Targets};
use crate::json::{self, Mask};
use crate::lookup::Answers;
use crate::script::{Expression, Host};
use crate::state::{HELD_SPACE, Held, Session, StoreError};
use crate::step::Context;

/// A plan compiled for one thread.
pub struct Pipeline {
    pub(super) plan: Arc<Plan>,
    pub(super) steps: Vec<StepPart>,
    pub(super) sink_conditions: Vec<Option<Expression>>,
    pub(super) nothing: Dynamic,
    pub(super) host: Rc<Host>,
}

impl Pipeline {
    /// Compiles a plan. It has compiled before, so an error means that the machine cannot, not the user.
    pub fn new(plan: &Arc<Plan>) -> Result<Self, Vec<Diag>> {
        let Compiled { host, steps, sink_conditions } = compile(plan, &mut Vec::new())?;
        Ok(Self { plan: Arc::clone(plan), steps, sink_conditions, nothing: nothing(), host })
    }

    /// The plan it was compiled from.
    pub fn plan(&self) -> &Arc<Plan> {
        &self.plan
    }

    /// Runs one delivery as if there had been none before and nothing outside. `now_ms` is the time that scripts see.
    pub fn run(&self, delivery: &Delivery, now_ms: i64) -> Outcome {
        self.run_in(delivery, now_ms, &Session::empty(), Answers::default(), &mut NoTrace)
    }

    /// Runs one delivery with a state and the answers that it has so far. With [`Outcome::needs`], nothing has happened: run it
    /// again when the answers are there.
    pub fn run_in(
        &self,
        delivery: &Delivery,
        now_ms: i64,
        session: &Rc<Session>,
        answers: Answers,
        trace: &mut impl Trace,
    ) -> Outcome {
        session.begin(now_ms, answers);
        session.keep_order(self.plan.remembers);
        self.host.run().attach(session);
        let mut outcome = if Held::is_wake_up(delivery) {
            self.wake_up(delivery, now_ms, session, trace)
        } else if Erasure::is_request(delivery) {
            self.erase(delivery, session)
        } else {
            self.decode_what_is_read(delivery, now_ms, session, trace)
        };
        if session.is_in_need() {
            let needs = session.discard();
            return Outcome { needs, ..Outcome::new(self.plan.sinks.len()) };
        }
        let asked = session.take_erasures();
        outcome.erasures = match self.related(asked.clone(), session) {
            Ok(erasures) => erasures,
            // What was named is erased; that there may be more stays as a dead letter, to be asked again when the state can be read.
            Err(error) => {
                broken(&mut outcome, delivery, error.to_string());
                asked
            }
        };
        (outcome.writes, outcome.wakes) = session.finish();
        outcome
    }

    /// The requests with what else names the person, as far as the steps know. Every step is asked once, with what those before
    /// it gave: what it gives itself is not followed, as a device that two people share would lead from one to the other.
    pub fn related(&self, mut erasures: Vec<Erasure>, session: &Session) -> Result<Vec<Erasure>, StoreError> {
        for erasure in &mut erasures {
            for part in &self.steps {
                let more = part.step.related(&part.id, &erasure.values, session)?;
                erasure.add(more);
            }
        }
        Ok(erasures)
    }

    /// Runs a delivery of which only what the plan's mask names is decoded. What fails then is run again on all of it: so a reason
    /// never depends on the mask, and if the mask had too little, it cost time and nothing else.
    fn decode_what_is_read(
        &self,
        delivery: &Delivery,
        now_ms: i64,
        session: &Rc<Session>,
        trace: &mut impl Trace,
    ) -> Outcome {
        if self.plan.mask.is_whole() || trace.looks() {
            return self.decode(delivery, now_ms, session, &Mask::Whole, trace);
        }
        self.host.take_failed();
        let outcome = self.decode(delivery, now_ms, session, &self.plan.mask, trace);
        if outcome.dead.is_empty() && !self.host.take_failed() || session.is_in_need() {
            return outcome;
        }
        session.discard();
        Outcome { repeated: true, ..self.decode(delivery, now_ms, session, &Mask::Whole, trace) }
    }

    fn decode(
        &self,
        delivery: &Delivery,
        now_ms: i64,
        session: &Rc<Session>,
        mask: &Mask,
        trace: &mut impl Trace,
    ) -> Outcome {
        let mut outcome = Outcome::new(self.plan.sinks.len());
        let first = Origin { delivery: delivery.seq, ..Origin::default() };
        let Some(source) = self.plan.source(&delivery.source) else {
            let reason = "the pipeline no longer has the source that accepted this delivery".to_owned();
            outcome.dead.push(dead(first, &delivery.source, "no-source", reason));
            return outcome;
        };
        let erased = match session.erased() {
            Ok(erased) => erased,
            Err(error) => {
                broken(&mut outcome, delivery, error.to_string());
                return outcome;
            }
        };
        if erased.is_whole(delivery.seq) {
            outcome.dropped.push(gone(first, &source.id));
            return outcome;
        }
        let identity = source.source.identity(delivery);
        let decoded = source.source.decode_masked(delivery, mask);
        if decoded.is_empty() {
            let (part, reason) = (source.id.to_string(), "empty".to_owned());
            outcome.dropped.push(Dropped { origin: first, part, reason });
        }
        let cx = Context::new(delivery, &identity, now_ms, session);
        let mut walk = Walk::new(self, cx, &mut outcome, trace);
        for (index, event) in decoded.into_iter().enumerate() {
            let origin = Origin { index: index as u32, ..first };
            if erased.covers(delivery.seq, origin.index) {
                walk.gone(gone(origin, &source.id));
                continue;
            }
            match event {
                Ok(mut event) => {
                    event.origin = origin;
                    walk.decoded(event);
                }
                Err(refused) => walk.refused(origin, &source.id, refused),
            }
        }
        walk.end();
        outcome
    }

    /// Takes up what a command asks to be erased.
    fn erase(&self, request: &Delivery, session: &Session) -> Outcome {
        let mut outcome = Outcome::new(self.plan.sinks.len());
        let asked =
            Erasure::read(request).and_then(|erasure| session.erase(erasure).map_err(|limit| limit.to_string()));
        if let Err(reason) = asked {
            broken(&mut outcome, request, reason);
        }
        outcome
    }

    /// Goes on with an event that waited, if it still does.
    fn wake_up(&self, wake_up: &Delivery, now_ms: i64, session: &Rc<Session>, trace: &mut impl Trace) -> Outcome {
        let mut outcome = Outcome::new(self.plan.sinks.len());
        let id = String::from_utf8_lossy(&wake_up.body).into_owned();
        let held = match session.get(HELD_SPACE, &id) {
            Ok(Some(entry)) => Held::decode(&id, &entry.value),
            // Woken before: the wake-up was journaled twice.
            Ok(None) => return outcome,
            Err(error) => Err(error),
        };
        let held = match held {
            Ok(held) => held,
            Err(error) => {
                broken(&mut outcome, wake_up, error.to_string());
                return outcome;
            }
        };
        if let Err(error) = session.remove(HELD_SPACE, &id) {
            broken(&mut outcome, wake_up, error.to_string());
            return outcome;
        }
        let delivery = Arc::new(held.delivery.clone());
        outcome.woken = Some((id, Arc::clone(&delivery)));
        // What cannot go on gives back what it has taken, as every event that dies.
        let lost = |outcome: &mut Outcome, code: &str, reason: String| {
            for claim in &held.claims {
                // A store that fails here fails the commit too, and then the delivery is run again.
                let _ = session.release(claim);
            }
            outcome.dead.push(dead(held.origin, &held.part, code, reason));
        };
        let Some(at) = place::find(&self.steps, &held) else {
            let reason = format!(
                "the pipeline no longer has the step `{}` that held this event, or has several like it",
                held.part
            );
            lost(&mut outcome, "no-step", reason);
            return outcome;
        };
        match json::decode_bytes(held.event.clone().into(), &json::Limits::default()) {
            Ok((value, tape)) => {
                let mut cx = Context::new(&delivery, &held.identity, now_ms, session);
                cx.copies.put(held.origin, held.copies);
                cx.claims.extend(held.claims.iter().map(|claim| (held.origin, claim.clone())));
                let mut walk = Walk::new(self, cx, &mut outcome, trace);
                let targets = held.targets.as_ref().map_or_else(Targets::default, |ids| {
                    let at = |id: &String| self.plan.sinks.iter().position(|part| *part.id == **id);
                    Targets::only(&ids.iter().filter_map(at).collect::<Vec<_>>())
                });
                walk.resumed(
                    at,
                    Event { value, tape, origin: held.origin, targets },
                    held.attempt,
                    Held::is_last(wake_up),
                );
                walk.end();
            }
            Err(error) => lost(&mut outcome, "bad-json", error.to_string()),
        }
        outcome
    }
}

/// The state cannot do what a delivery needs.
fn broken(outcome: &mut Outcome, delivery: &Delivery, reason: String) {
    let origin = Origin { delivery: delivery.seq, ..Origin::default() };
    outcome.dead.push(dead(origin, &delivery.source, "state", reason));
}

/// The end of what was erased before it was run again.
fn gone(origin: Origin, source: &str) -> Dropped {
    Dropped { origin, part: source.to_owned(), reason: ERASED.to_owned() }
}
