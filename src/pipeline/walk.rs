//! The way of a delivery's events through the steps to the sinks.

use std::collections::{BTreeMap, VecDeque};
use std::rc::Rc;

use super::{Dropped, HeldEvent, Message, Outcome, Pipeline, Trace, dead, failed};
use crate::event::{Event, Origin, Refused};
use crate::json;
use crate::sink::EventId;
use crate::state::{Claim, HELD_SPACE, Held};
use crate::step::{Context, Flow, Hold, LogLine, StepError, script_failure};

/// Events that steps may make of one delivery: each step that multiplies them multiplies what those before it made.
const EVENTS_MAX: usize = 100_000;
/// Bytes of the messages of one delivery, for all sinks, beyond sixteen times its body. A thousand events cost little as long as
/// they share what they hold.
const MESSAGE_BYTES_MAX: usize = 64 << 20;

/// One delivery under way.
pub(super) struct Walk<'a, T> {
    pipeline: &'a Pipeline,
    cx: Context<'a>,
    /// Events that wait at steps which take all events of a delivery at once, by the position of the step.
    gathered: BTreeMap<usize, Vec<(Event, u32)>>,
    /// How many more events steps may make, and how many more bytes of messages may come of them all.
    left: (usize, usize),
    /// Messages of a pipeline are of similar size: the last one's size saves the growing.
    size_hint: usize,
    outcome: &'a mut Outcome,
    trace: &'a mut T,
}

/// Events before their next step: its position, the event, and how often the step has held it before.
type Waiting = VecDeque<(usize, Event, u32)>;

impl<'a, T: Trace> Walk<'a, T> {
    pub(super) fn new(pipeline: &'a Pipeline, cx: Context<'a>, outcome: &'a mut Outcome, trace: &'a mut T) -> Self {
        let bytes = MESSAGE_BYTES_MAX.saturating_add(cx.delivery.body.len().saturating_mul(16));
        Self { pipeline, cx, gathered: BTreeMap::new(), left: (EVENTS_MAX, bytes), size_hint: 512, outcome, trace }
    }

    /// An event that the source decoded.
    pub(super) fn decoded(&mut self, event: Event) {
        self.trace.decoded(&event);
        self.walk(VecDeque::from([(0, event, 0)]));
    }

    /// An event that goes on at the step that held it.
    pub(super) fn resumed(&mut self, at: usize, event: Event, attempt: u32) {
        self.trace.decoded(&event);
        self.walk(VecDeque::from([(at, event, attempt)]));
    }

    /// A part of the delivery that the source could not decode.
    pub(super) fn refused(&mut self, origin: Origin, part: &str, refused: Refused) {
        self.outcome.dead.push(dead(origin, part, refused.code, refused.reason));
    }

    /// All events of the delivery are under way: the steps that wait for all of them go on.
    pub(super) fn end(mut self) {
        // Events only move on, so nothing can reach the first of these steps any more.
        while let Some((at, events)) = self.gathered.pop_first() {
            let origins: Vec<_> = events.iter().map(|(event, _)| event.origin).collect();
            // One that has waited comes alone.
            let attempt = events.iter().map(|(_, attempt)| *attempt).max().unwrap_or(0);
            let events = events.into_iter().map(|(event, _)| event).collect();
            let run = Rc::clone(self.pipeline.host.run());
            let results = self.pipeline.steps[at].apply_batch(events, attempt, &run, &mut self.cx);
            if self.cx.session.is_in_need() {
                break;
            }
            for (origin, result) in origins.into_iter().zip(results) {
                let mut waiting = VecDeque::new();
                self.settle(at, origin, attempt, result, &mut waiting);
                self.walk(waiting);
            }
        }
        self.outcome.logs = self.cx.logs;
    }

    /// Takes events, and all that steps make of them, through the rest of the steps. Depth first, so that order is kept. Those that
    /// come to a step which takes all events at once are left there.
    fn walk(&mut self, mut waiting: Waiting) {
        let pipeline = self.pipeline;
        while let Some((at, event, attempt)) = waiting.pop_front() {
            let Some(part) = pipeline.steps.get(at) else {
                self.send(event);
                continue;
            };
            if part.batch {
                self.gathered.entry(at).or_default().push((event, attempt));
                continue;
            }
            let origin = event.origin;
            let result = part.apply(event, attempt, pipeline.host.run(), &mut self.cx);
            self.settle(at, origin, attempt, result, &mut waiting);
        }
    }

    /// Notes what a step made of an event; what goes on waits for the next step.
    fn settle(
        &mut self,
        at: usize,
        origin: Origin,
        attempt: u32,
        result: Result<Flow, StepError>,
        waiting: &mut Waiting,
    ) {
        let part = &self.pipeline.steps[at].id;
        match result {
            Ok(Flow::Next(event)) => {
                self.trace.passed(part, &event);
                waiting.push_front((at + 1, event, 0));
            }
            Ok(Flow::Fork(events)) if events.is_empty() => self.drop(origin, part, "nothing emitted".to_owned()),
            Ok(Flow::Fork(events)) => {
                let Some(left) = self.left.0.checked_sub(events.len()) else {
                    let reason = format!("the steps make more than {EVENTS_MAX} events of this delivery");
                    return self.die(origin, part, StepError::new("too-many-events", reason));
                };
                self.left.0 = left;
                for (branch, mut event) in events.into_iter().enumerate().rev() {
                    event.origin = origin.branch(branch);
                    self.trace.passed(part, &event);
                    waiting.push_front((at + 1, event, 0));
                }
            }
            Ok(Flow::Drop(reason)) => self.drop(origin, part, reason),
            Ok(Flow::Hold(event, hold)) => {
                if let Err(error) = self.hold(&event, part, attempt + 1, hold) {
                    self.die(origin, part, error);
                }
            }
            // What this event would become is told by the run that has the answer.
            Ok(Flow::Need) => {}
            Err(error) => self.die(origin, part, error),
        }
    }

    fn drop(&mut self, origin: Origin, part: &str, reason: String) {
        self.trace.ended(part, origin, &format!("dropped: {reason}"));
        self.outcome.dropped.push(Dropped { origin, part: part.to_owned(), reason });
    }

    fn die(&mut self, origin: Origin, part: &str, error: StepError) {
        self.trace.ended(part, origin, &format!("dead: {}", error.reason));
        let claims = self.claims(origin);
        for claim in claims {
            // A store that fails here fails the commit too, and then the delivery is run again.
            let _ = self.cx.session.release(&claim);
        }
        self.outcome.dead.push(failed(origin, part, error));
    }

    /// What the event, or one that it was made of, has taken.
    fn claims(&self, origin: Origin) -> Vec<Claim> {
        self.cx.claims.iter().filter(|(owner, _)| origin.is_of(*owner)).map(|(_, claim)| claim.clone()).collect()
    }

    /// Keeps an event until its time comes.
    fn hold(&mut self, event: &Event, part: &str, attempt: u32, hold: Hold) -> Result<(), StepError> {
        let mut text = Vec::new();
        json::encode(&event.value, &event.tape, &mut text)
            .map_err(|error| StepError::new("not-encodable", format!("the event cannot wait: {error}")))?;
        let waiting = Held {
            id: Held::id(self.cx.identity, event.origin, part, attempt),
            until_ms: hold.until_ms,
            wake: hold.wake,
            reason: hold.reason,
            part: part.to_owned(),
            attempt,
            origin: event.origin,
            identity: self.cx.identity.to_owned(),
            event: String::from_utf8(text).unwrap_or_default(),
            // By their ids: positions may be others when it goes on.
            targets: event.targets.chosen().map(|chosen| {
                let sinks = &self.pipeline.plan.sinks;
                chosen.iter().filter_map(|at| sinks.get(*at)).map(|part| part.id.to_string()).collect()
            }),
            delivery: self.cx.delivery.clone(),
        };
        self.cx
            .session
            .set(HELD_SPACE, &waiting.id, waiting.encode(), None)
            .map_err(|error| StepError::new("state", error.to_string()))?;
        self.trace.ended(part, event.origin, &format!("held: {}", waiting.reason));
        self.outcome.held.push(HeldEvent {
            id: waiting.id,
            origin: waiting.origin,
            part: waiting.part,
            reason: waiting.reason,
            until_ms: waiting.until_ms,
            wake: waiting.wake,
        });
        Ok(())
    }

    /// Encodes an event for every sink that takes it.
    fn send(&mut self, mut event: Event) {
        let pipeline = self.pipeline;
        let mut taken = false;
        let fits = pipeline.plan.sinks.iter().any(|part| part.sink.fit(&event));
        for (number, part) in pipeline.plan.sinks.iter().enumerate() {
            if !event.targets.allow(number) || (fits && !part.sink.fit(&event)) {
                continue;
            }
            if let Some(condition) = &pipeline.sink_conditions[number] {
                match condition.test(&mut event.value, self.cx.delivery, &pipeline.nothing, self.cx.now_ms) {
                    Ok(true) => {}
                    Ok(false) => continue,
                    Err(failure) => {
                        taken = true;
                        self.die(event.origin, &part.id, script_failure(failure));
                        continue;
                    }
                }
            }
            taken = true;
            if self.left.1 == 0 {
                let reason = "the messages of this delivery are too large together".to_owned();
                self.die(event.origin, &part.id, StepError::new("too-large", reason));
                continue;
            }
            let mut bytes = Vec::with_capacity(self.size_hint);
            let id = EventId { identity: self.cx.identity, origin: event.origin };
            let encoded = part.sink.encode(&event, &id, &mut bytes);
            // The room that it took, which a message that is refused has taken too.
            self.left.1 = self.left.1.saturating_sub(bytes.capacity());
            match encoded {
                Ok(note) => {
                    self.cx.logs.extend(note.map(|text| LogLine { level: "warn", text }));
                    self.trace.ended(&part.id, event.origin, "sent");
                    self.size_hint = bytes.len() + bytes.len() / 8;
                    let claims = self.claims(event.origin);
                    self.outcome.messages[number].push(Message { origin: event.origin, bytes: bytes.into(), claims });
                }
                Err(refused) => {
                    self.die(event.origin, &part.id, StepError::new(refused.code, refused.reason));
                }
            }
        }
        if !taken {
            self.drop(event.origin, "sinks", "no sink takes it".to_owned());
        }
    }
}
