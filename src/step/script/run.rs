//! Running the script of a step, and what its answers mean for the events.

use std::collections::{HashMap, HashSet};
use std::rc::Rc;
use std::sync::Arc;

use rhai::{Dynamic, ImmutableString, Map};

use crate::event::{Event, Origin};
use crate::json::{Mask, Tape};
use crate::lookup::Access;
use crate::script::{Answer, Failure, Input, Kind, Run, Script};
use crate::state::{CACHE_SPACE, Mark};
use crate::step::{Context, Flow, Hold, Step, StepError, ids, script_failure};

/// What becomes of an event without a handler.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Missing {
    Pass,
    Drop,
    Reject,
}

/// A compiled script with what stands beside it.
pub(super) struct ScriptStep {
    pub(super) script: Script,
    pub(super) settings: Dynamic,
    pub(super) missing: Missing,
    pub(super) run: Rc<Run>,
    /// What it may reach.
    pub(super) access: Arc<Access>,
    /// How often an event comes again that it asks to retry, and after how long the first time.
    pub(super) retries: u32,
    pub(super) wait_ms: u64,
}

/// How events end that `on_request` was called for together with others. Stable, since counts of dropped events are kept by it.
const TAKEN_UP: &str = "taken up by on_request";
/// The longest wait that comes of doubling.
const WAIT_MS_MAX: u64 = 20 * 60 * 1000;

impl Step for ScriptStep {
    fn apply(&self, event: Event, cx: &mut Context<'_>) -> Result<Flow, StepError> {
        if !self.script.handles(&event.value) {
            return self.unhandled(event);
        }
        // Few scripts ask to be run again: only for those is the event kept as it came.
        let spare = self.script.may_retry().then(|| event.clone());
        let Event { value, tape, origin, targets } = event;
        self.run.allow(&self.access);
        let mark = cx.session.mark();
        match self.script.run(self.input(value, origin, cx)) {
            Ok(ran) => {
                cx.logs.extend(ran.logs);
                lend(&tape, ran.tape);
                if ran.emitted.is_empty()
                    && let Some(value) = ran.event
                {
                    return Ok(Flow::Next(Event { value, tape, origin, targets }));
                }
                let values = ran.event.into_iter().chain(ran.emitted);
                let made = |value| Event { value, tape: tape.clone(), origin, targets: targets.clone() };
                Ok(fork(values.map(made).collect(), cx))
            }
            Err(failure) => {
                cx.logs.extend_from_slice(failure.logs());
                self.ended(failure, spare, mark, cx)
            }
        }
    }

    fn reads(&self) -> Mask {
        self.script.reads()
    }

    fn batch(&self) -> bool {
        let handlers = self.script.handlers();
        handlers.get(Kind::Batch).is_some() || handlers.get(Kind::Request).is_some()
    }

    fn apply_batch(&self, events: Vec<Event>, cx: &mut Context<'_>) -> Vec<Result<Flow, StepError>> {
        if self.script.handlers().get(Kind::Request).is_some() {
            return self.apply_request(events, cx);
        }
        let mut values = Vec::with_capacity(events.len());
        let mut rest = Vec::with_capacity(events.len());
        let spares: Vec<Option<Event>> =
            events.iter().map(|event| self.script.may_retry().then(|| event.clone())).collect();
        for Event { value, tape, origin, targets } in events {
            rest.push((ids::of(&value), tape, origin, targets));
            values.push(value);
        }
        self.run.allow(&self.access);
        let mark = cx.session.mark();
        let origin = rest.first().map(|(_, _, origin, _)| *origin).unwrap_or_default();
        let ran = match self.script.run_batch(self.input(Dynamic::from_array(values), origin, cx)) {
            Ok(ran) => ran,
            Err(failure) => {
                cx.logs.extend_from_slice(failure.logs());
                return spares.into_iter().map(|spare| self.ended(failure.clone(), spare, mark, cx)).collect();
            }
        };
        cx.logs.extend(ran.logs);
        for (_, tape, ..) in &rest {
            lend(tape, ran.tape.clone());
        }
        let mut flows: Vec<_> = ran
            .answers
            .into_iter()
            .zip(&rest)
            .zip(spares)
            .map(|((answer, (_, tape, origin, targets)), spare)| {
                let event = |value| Event { value, tape: Rc::clone(tape), origin: *origin, targets: targets.clone() };
                match answer {
                    Ok(Answer::Event(value)) => Ok(Flow::Next(event(value))),
                    Ok(Answer::Events(values)) => Ok(fork(values.into_iter().map(event).collect(), cx)),
                    // What the run remembers is the whole batch's.
                    Err(failure) => self.ended(failure, spare, cx.session.mark(), cx),
                }
            })
            .collect();
        let goes_on = |flow: &Result<Flow, StepError>| matches!(flow, Ok(Flow::Next(_) | Flow::Fork(_)));
        let last = flows
            .iter()
            .rposition(goes_on)
            .or_else(|| flows.iter().rposition(|flow| matches!(flow, Ok(Flow::Drop(_)))));
        if let Some(last) = last {
            let (_, tape, origin, targets) = &rest[last];
            let event = |value| Event { value, tape: Rc::clone(tape), origin: *origin, targets: targets.clone() };
            let mut emitted: Vec<_> = ran.emitted.into_iter().map(event).collect();
            if !emitted.is_empty() {
                let owners = owners(&flows, rest.iter().map(|(id, _, origin, _)| (id.clone(), *origin)));
                // Two events of a delivery may have one id as they came; a copy of one of them may not.
                let mut taken = owners.keys().cloned().collect();
                let owner = |id: &ImmutableString, leaves_with| owners.get(id).copied().unwrap_or(leaves_with);
                let before = goes_on_as(&flows[last]).len();
                ids::tell_apart(&mut emitted, before, &mut taken, &mut cx.copies, owner);
                bring_along(&mut flows[last], emitted.into_iter());
            }
        }
        flows
    }
}

impl ScriptStep {
    /// Runs `on_request` once for the delivery: the first of its events stands for it, and the others end with it.
    fn apply_request(&self, events: Vec<Event>, cx: &mut Context<'_>) -> Vec<Result<Flow, StepError>> {
        let count = events.len();
        let mut answers = Vec::with_capacity(count);
        answers.extend(events.into_iter().next().map(|first| self.apply(first, cx)));
        let others = match answers.first() {
            Some(Ok(Flow::Drop(reason))) => Ok(reason.clone()),
            Some(Err(error)) => Err(error.clone()),
            // Also if it is to be run again: that it is for the first one, once.
            _ => Ok(TAKEN_UP.to_owned()),
        };
        answers.resize_with(count, || others.clone().map(Flow::Drop));
        answers
    }

    fn input<'a>(&'a self, event: Dynamic, origin: Origin, cx: &Context<'a>) -> Input<'a> {
        let Context { delivery, identity, now_ms, .. } = *cx;
        Input { event, delivery, identity, origin, settings: &self.settings, now_ms }
    }

    /// What a run that left nothing means for its event, which is kept as it came where the script may ask to retry.
    fn ended(&self, failure: Failure, event: Option<Event>, mark: Mark, cx: &Context<'_>) -> Result<Flow, StepError> {
        match (failure, event) {
            (Failure::Drop { reason, .. }, _) => Ok(Flow::Drop(reason)),
            (Failure::Need, _) => Ok(Flow::Need),
            (Failure::Retry { reason, after_ms, place, logs }, Some(event)) => {
                // It is run again: what it remembers counts then. What it learned for the next run, as that a token has ended, stays.
                cx.session.back_to_but(mark, CACHE_SPACE);
                if cx.attempt >= self.retries {
                    let times = cx.attempt + 1;
                    let reason = format!("{reason} (given up after {times} run{})", if times == 1 { "" } else { "s" });
                    return Err(StepError { place, logs, ..StepError::new("retries-exhausted", reason) });
                }
                let doubled = self.wait_ms.saturating_mul(1 << cx.attempt.min(20));
                let wait_ms = after_ms.unwrap_or(doubled.min(WAIT_MS_MAX.max(self.wait_ms)));
                let until_ms = cx.now_ms.saturating_add(i64::try_from(wait_ms).unwrap_or(i64::MAX));
                Ok(Flow::Hold(event, Hold { until_ms, wake: Vec::new(), reason }))
            }
            (other, _) => Err(script_failure(other)),
        }
    }

    fn unhandled(&self, event: Event) -> Result<Flow, StepError> {
        let why = || {
            let map = event.value.read_lock::<Map>();
            match map.as_ref().and_then(|map| map.get("type")?.read_lock::<ImmutableString>()) {
                Some(kind) => format!("the script has no handler for events of type `{}`", kind.as_str()),
                None => "the script has handlers by type, and the event has no type".to_owned(),
            }
        };
        match self.missing {
            Missing::Pass => Ok(Flow::Next(event)),
            Missing::Drop => Ok(Flow::Drop(why())),
            Missing::Reject => Err(StepError::new("event-not-supported", why())),
        }
    }
}

/// Several events in place of one, told apart.
fn fork(mut events: Vec<Event>, cx: &mut Context<'_>) -> Flow {
    ids::tell_apart(&mut events, 0, &mut HashSet::new(), &mut cx.copies, |_, origin| origin);
    Flow::Fork(events)
}

/// What an event goes on as.
fn goes_on_as(flow: &Result<Flow, StepError>) -> &[Event] {
    match flow {
        Ok(Flow::Next(event)) => std::slice::from_ref(event),
        Ok(Flow::Fork(events)) => events,
        _ => &[],
    }
}

/// Who has which id when a batch has been run. One that waits, or that may go on in spite of a failure, has the one that it came with.
fn owners(
    flows: &[Result<Flow, StepError>],
    came: impl Iterator<Item = (Option<ImmutableString>, Origin)>,
) -> HashMap<ImmutableString, Origin> {
    let mut owners = HashMap::new();
    for (flow, (id, origin)) in flows.iter().zip(came) {
        let id = id.filter(|_| matches!(flow, Ok(Flow::Hold(..)) | Err(_)));
        for id in goes_on_as(flow).iter().filter_map(|event| ids::of(&event.value)).chain(id) {
            owners.entry(id).or_insert(origin);
        }
    }
    owners
}

/// Values of `delivery.json()` may stand in what leaves with this source text.
fn lend(tape: &Tape, request: Option<Rc<Tape>>) {
    if let Some(request) = request {
        tape.lend(request);
    }
}

/// What `on_batch` emitted leaves with the last event that goes on.
fn bring_along(flow: &mut Result<Flow, StepError>, emitted: impl Iterator<Item = Event>) {
    let mut emitted = emitted.peekable();
    if emitted.peek().is_none() {
        return;
    }
    *flow = match std::mem::replace(flow, Ok(Flow::Fork(Vec::new()))) {
        Ok(Flow::Next(event)) => Ok(Flow::Fork(std::iter::once(event).chain(emitted).collect())),
        Ok(Flow::Fork(events)) => Ok(Flow::Fork(events.into_iter().chain(emitted).collect())),
        Ok(Flow::Drop(_)) => Ok(Flow::Fork(emitted.collect())),
        // Of an event that waits, is run again or has failed, nothing leaves.
        other => other,
    };
}
