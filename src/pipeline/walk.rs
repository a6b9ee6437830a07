//! The way of a delivery's events through the steps to the sinks.

use std::collections::{BTreeMap, VecDeque};
use std::rc::Rc;

use super::ends::Ends;
use super::mark::mark_reconciled;
use super::{Dropped, HeldEvent, Message, Outcome, Pipeline, Trace, dead, failed, place};
use crate::event::{Event, Origin, Refused};
use crate::json;
use crate::sink::EventId;
use crate::state::{HELD_SPACE, Held};
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
    /// How the events ended that have taken something.
    ends: Ends,
    /// No event may wait any more.
    last: bool,
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
        Self {
            pipeline,
            cx,
            gathered: BTreeMap::new(),
            ends: Ends::default(),
            last: false,
            left: (EVENTS_MAX, bytes),
            size_hint: 512,
            outcome,
            trace,
        }
    }

    /// An event that the source decoded.
    pub(super) fn decoded(&mut self, event: Event) {
        self.trace.decoded(&event);
        let index = event.origin.index;
        self.walk(VecDeque::from([(0, event, 0)]));
        self.ends.settle(index, &mut self.cx, self.outcome);
    }

    /// An event that goes on at the step that held it. `last`: nothing that comes of it may wait again.
    pub(super) fn resumed(&mut self, at: usize, event: Event, attempt: u32, last: bool) {
        self.last = last;
        self.trace.decoded(&event);
        let index = event.origin.index;
        self.walk(VecDeque::from([(at, event, attempt)]));
        self.ends.settle(index, &mut self.cx, self.outcome);
    }

    /// A part of the delivery that the source could not decode.
    pub(super) fn refused(&mut self, origin: Origin, part: &str, refused: Refused) {
        self.outcome.dead.push(dead(origin, part, refused.code, refused.reason));
    }

    /// An event that was erased.
    pub(super) fn gone(&mut self, dropped: Dropped) {
        self.outcome.dropped.push(dropped);
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
                self.ends.goes_on(origin.index);
                self.ends.settle(origin.index, &mut self.cx, self.outcome);
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
                self.ends.stays(event.origin.index);
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
                let copies = self.cx.copies.take(origin);
                for (branch, mut event) in events.into_iter().enumerate().rev() {
                    event.origin = origin.branch(branch);
                    self.ends.made(event.origin, origin);
                    self.cx.copies.put(event.origin, copies);
                    self.trace.passed(part, &event);
                    waiting.push_front((at + 1, event, 0));
                }
            }
            Ok(Flow::Drop(reason)) => self.drop(origin, part, reason),
            Ok(Flow::Hold(event, hold)) => {
                if let Err(error) = self.hold(&event, at, attempt + 1, hold) {
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
        self.ends.died(&self.cx, origin);
        self.outcome.dead.push(failed(origin, part, error));
    }

    /// Keeps an event until its time comes.
    fn hold(&mut self, event: &Event, at: usize, attempt: u32, hold: Hold) -> Result<(), StepError> {
        if self.last {
            let reason = format!("it would wait again ({}), but its pipeline was removed", hold.reason);
            return Err(StepError::new("pipeline-removed", reason));
        }
        let part = &self.pipeline.steps[at].id;
        let mut text = Vec::new();
        json::encode(&event.value, &event.tape, &mut text)
            .map_err(|error| StepError::new("not-encodable", format!("the event cannot wait: {error}")))?;
        let waiting = Held {
            id: Held::id(self.cx.identity, event.origin, part, attempt),
            until_ms: hold.until_ms,
            wake: hold.wake,
            reason: hold.reason,
            part: part.to_string(),
            mark: Some(place::mark(&self.pipeline.steps, at)),
            attempt,
            origin: event.origin,
            identity: self.cx.identity.to_owned(),
            event: String::from_utf8(text).unwrap_or_default(),
            // By their ids: positions may be others when it goes on.
            targets: event.targets.chosen().map(|chosen| {
                let sinks = &self.pipeline.plan.sinks;
                chosen.iter().filter_map(|at| sinks.get(*at)).map(|part| part.id.to_string()).collect()
            }),
            claims: self.ends.taken_along(&self.cx, event.origin),
            copies: self.cx.copies.of(event.origin),
            delivery: self.cx.delivery.clone(),
        };
        let record = waiting.encode();
        let bytes = record.len();
        self.cx
            .session
            .set(HELD_SPACE, &waiting.id, record, None)
            .map_err(|error| StepError::new("state", error.to_string()))?;
        self.ends.waits(&self.cx, event.origin);
        self.trace.ended(part, event.origin, &format!("held: {}", waiting.reason));
        self.outcome.held.push(HeldEvent {
            id: waiting.id,
            origin: waiting.origin,
            part: waiting.part,
            reason: waiting.reason,
            until_ms: waiting.until_ms,
            wake: waiting.wake,
            bytes,
        });
        Ok(())
    }

    /// Encodes an event for every sink that takes it.
    fn send(&mut self, mut event: Event) {
        let pipeline = self.pipeline;
        if self.cx.delivery.reconciled().is_some() {
            mark_reconciled(&mut event);
        }
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
                    let messages = &mut self.outcome.messages[number];
                    self.ends.leaves(&self.cx, event.origin, (number, messages.len()));
                    messages.push(Message { origin: event.origin, bytes: bytes.into(), stakes: Vec::new() });
                }
                Err(refused) => {
                    self.die(event.origin, &part.id, StepError::new(refused.code, refused.reason));
                }
            }
        }
        // A step chooses one sink at least: none is left only for an event that waited while its sinks were removed.
        if event.targets.chosen().is_some_and(<[usize]>::is_empty) {
            let reason = "the sinks that it was to go to were removed from the pipeline while it waited";
            self.die(event.origin, "sinks", StepError::new("no-sink", reason));
        } else if !taken {
            self.drop(event.origin, "sinks", "no sink takes it".to_owned());
        }
    }
}
