//! The compiled pipeline of one worker thread: a delivery in, messages and ends out.

use std::collections::VecDeque;
use std::rc::Rc;
use std::sync::Arc;

use rhai::Dynamic;

use super::{Dead, Dropped, Message, NoTrace, Outcome, Plan, Trace};
use crate::config::OnError;
use crate::diag::Diag;
use crate::event::{Delivery, Event, Origin};
use crate::json;
use crate::script::{Expression, Failure, Host, Unit};
use crate::sink::EventId;
use crate::step::{Build, Context, Flow, LogLine, STEPS, Step, StepError};

/// A plan compiled for one thread.
pub struct Pipeline {
    plan: Arc<Plan>,
    steps: Vec<StepPart>,
    /// Conditions of the sinks, in their order.
    sink_conditions: Vec<Option<Expression>>,
    nothing: Dynamic,
    /// Kept alive for the steps' scripts.
    _host: Rc<Host>,
}

/// A compiled step with the keys that stand beside it.
pub(super) struct StepPart {
    id: String,
    step: Box<dyn Step>,
    when: Option<Expression>,
    on_error: OnError,
    settings: Dynamic,
}

impl Pipeline {
    /// Compiles a plan. It has compiled before, so an error means that the machine cannot, not the user.
    pub fn new(plan: &Arc<Plan>) -> Result<Self, Vec<Diag>> {
        let (host, steps, sink_conditions) = Self::compile_parts(plan, &mut Vec::new())?;
        Ok(Self {
            plan: Arc::clone(plan),
            steps,
            sink_conditions,
            nothing: Dynamic::from_map(rhai::Map::new()),
            _host: host,
        })
    }

    #[allow(clippy::type_complexity, reason = "the three results of one pass, taken apart at once by both callers")]
    pub(super) fn compile_parts(
        plan: &Plan,
        problems: &mut Vec<Diag>,
    ) -> Result<(Rc<Host>, Vec<StepPart>, Vec<Option<Expression>>), Vec<Diag>> {
        let host = Host::new(&plan.tree, plan.limits.clone());
        let mut found = Vec::new();
        let mut steps = Vec::new();
        let sinks: Vec<String> = plan.spec.sinks.iter().map(|part| part.id.clone()).collect();
        for part in &plan.spec.steps {
            let Some(def) = STEPS.iter().find(|def| def.def.name == part.kind) else { continue };
            let settings = json::from_json_value(&part.settings);
            let mut build =
                Build { host: &host, tree: &plan.tree, settings: settings.clone(), sinks: &sinks, warnings: problems };
            let step = match (def.build)(&part.options, &mut build) {
                Ok(step) => Some(step),
                Err(errors) => {
                    found.extend(errors);
                    None
                }
            };
            let when = condition(&host, plan, part.when.as_ref(), problems, &mut found);
            if let Some(step) = step {
                steps.push(StepPart { id: part.id.clone(), step, when, on_error: part.on_error, settings });
            }
        }
        let conditions = plan
            .spec
            .sinks
            .iter()
            .map(|part| condition(&host, plan, part.when.as_ref(), problems, &mut found))
            .collect();
        if found.is_empty() { Ok((host, steps, conditions)) } else { Err(found) }
    }

    /// The plan it was compiled from.
    pub fn plan(&self) -> &Arc<Plan> {
        &self.plan
    }

    /// Runs one delivery. `now_ms` is the time that scripts see.
    pub fn run(&self, delivery: &Delivery, now_ms: i64) -> Outcome {
        self.run_traced(delivery, now_ms, &mut NoTrace)
    }

    /// The same, watched.
    pub fn run_traced(&self, delivery: &Delivery, now_ms: i64, trace: &mut impl Trace) -> Outcome {
        let mut outcome = Outcome::new(self.plan.sinks.len());
        let Some(source) = self.plan.source(&delivery.source) else {
            outcome.dead.push(dead(
                Origin { delivery: delivery.seq, ..Origin::default() },
                &delivery.source,
                "no-source",
                "the pipeline no longer has the source that accepted this delivery".to_owned(),
            ));
            return outcome;
        };
        let identity = source.source.identity(delivery);
        let decoded = source.source.decode(delivery);
        if decoded.is_empty() {
            outcome.dropped.push(Dropped {
                origin: Origin { delivery: delivery.seq, ..Origin::default() },
                part: source.id.to_string(),
                reason: "empty".to_owned(),
            });
        }
        let mut cx = Context { delivery, identity: &identity, now_ms, logs: Vec::new() };
        let mut size_hint = 512;
        for (index, event) in decoded.into_iter().enumerate() {
            let origin = Origin { delivery: delivery.seq, index: index as u32, fork: 0 };
            match event {
                Ok(mut event) => {
                    event.origin = origin;
                    trace.decoded(&event);
                    self.walk(event, &mut cx, &mut size_hint, &mut outcome, trace);
                }
                Err(refused) => outcome.dead.push(dead(origin, &source.id, refused.code, refused.reason)),
            }
        }
        outcome.logs = cx.logs;
        outcome
    }

    /// Takes one event, and all that steps make of it, through the rest of the steps. Depth first, so that order is kept.
    fn walk(
        &self,
        event: Event,
        cx: &mut Context<'_>,
        size_hint: &mut usize,
        outcome: &mut Outcome,
        trace: &mut impl Trace,
    ) {
        let mut waiting = VecDeque::from([(0, event)]);
        while let Some((at, event)) = waiting.pop_front() {
            let Some(part) = self.steps.get(at) else {
                self.send(event, cx, size_hint, outcome, trace);
                continue;
            };
            let origin = event.origin;
            match part.apply(event, cx) {
                Ok(Flow::Next(event)) => {
                    trace.passed(&part.id, &event);
                    waiting.push_front((at + 1, event));
                }
                Ok(Flow::Fork(events)) if events.is_empty() => {
                    trace.ended(&part.id, origin, "dropped: nothing emitted");
                    outcome.dropped.push(Dropped {
                        origin,
                        part: part.id.clone(),
                        reason: "nothing emitted".to_owned(),
                    });
                }
                Ok(Flow::Fork(events)) => {
                    for (branch, mut event) in events.into_iter().enumerate().rev() {
                        event.origin = origin.branch(branch);
                        trace.passed(&part.id, &event);
                        waiting.push_front((at + 1, event));
                    }
                }
                Ok(Flow::Drop(reason)) => {
                    trace.ended(&part.id, origin, &format!("dropped: {reason}"));
                    outcome.dropped.push(Dropped { origin, part: part.id.clone(), reason });
                }
                Err(error) => {
                    trace.ended(&part.id, origin, &format!("dead: {}", error.reason));
                    outcome.dead.push(Dead { place: error.place, ..dead(origin, &part.id, error.code, error.reason) });
                }
            }
        }
    }

    /// Encodes an event for every sink that takes it.
    fn send(
        &self,
        mut event: Event,
        cx: &mut Context<'_>,
        size_hint: &mut usize,
        outcome: &mut Outcome,
        trace: &mut impl Trace,
    ) {
        let mut taken = false;
        for (number, part) in self.plan.sinks.iter().enumerate() {
            if !event.targets.allow(number) {
                continue;
            }
            if let Some(condition) = &self.sink_conditions[number] {
                match condition.test(&mut event.value, cx.delivery, &self.nothing, cx.now_ms) {
                    Ok(true) => {}
                    Ok(false) => continue,
                    Err(failure) => {
                        taken = true;
                        let error = step_error(failure);
                        outcome.dead.push(Dead {
                            place: error.place,
                            ..dead(event.origin, &part.id, error.code, error.reason)
                        });
                        continue;
                    }
                }
            }
            taken = true;
            // Messages of a pipeline are of similar size: the last one's size saves the growing.
            let mut bytes = Vec::with_capacity(*size_hint);
            match part.sink.encode(&event, &EventId { identity: cx.identity, origin: event.origin }, &mut bytes) {
                Ok(note) => {
                    cx.logs.extend(note.map(|text| LogLine { level: "warn", text }));
                    trace.ended(&part.id, event.origin, "sent");
                    *size_hint = bytes.len() + bytes.len() / 8;
                    outcome.messages[number].push(Message { origin: event.origin, bytes: bytes.into() });
                }
                Err(refused) => {
                    trace.ended(&part.id, event.origin, &format!("dead: {}", refused.reason));
                    outcome.dead.push(dead(event.origin, &part.id, refused.code, refused.reason));
                }
            }
        }
        if !taken {
            trace.ended("sinks", event.origin, "dropped: no sink takes it");
            outcome.dropped.push(Dropped {
                origin: event.origin,
                part: "sinks".to_owned(),
                reason: "no sink takes it".to_owned(),
            });
        }
    }
}

impl StepPart {
    fn apply(&self, mut event: Event, cx: &mut Context<'_>) -> Result<Flow, StepError> {
        if let Some(when) = &self.when {
            match when.test(&mut event.value, cx.delivery, &self.settings, cx.now_ms) {
                Ok(true) => {}
                Ok(false) => return Ok(Flow::Next(event)),
                Err(failure) => return self.failed(step_error(failure), Some(event)),
            }
        }
        let spare = (self.on_error == OnError::Pass).then(|| event.clone());
        self.step.apply(event, cx).or_else(|error| self.failed(error, spare))
    }

    fn failed(&self, error: StepError, event: Option<Event>) -> Result<Flow, StepError> {
        match (self.on_error, event) {
            (OnError::Drop, _) => Ok(Flow::Drop(format!("{}: {}", error.code, error.reason))),
            (OnError::Pass, Some(event)) => Ok(Flow::Next(event)),
            _ => Err(error),
        }
    }
}

fn condition(
    host: &Rc<Host>,
    plan: &Plan,
    node: Option<&crate::yaml::Node>,
    warnings: &mut Vec<Diag>,
    found: &mut Vec<Diag>,
) -> Option<Expression> {
    let node = node?;
    let file = plan.spec.file.as_str();
    let file_text = plan.tree.get(file).map_or("", |text| text);
    let unit = Unit { file, text: node.as_text().unwrap_or_default(), node: Some(node), file_text };
    match host.expression(&unit, warnings) {
        Ok(expression) => Some(expression),
        Err(errors) => {
            found.extend(errors);
            None
        }
    }
}

fn step_error(failure: Failure) -> StepError {
    crate::step::script_failure(failure)
}

fn dead(origin: Origin, part: &str, code: &str, reason: String) -> Dead {
    Dead { origin, part: part.to_owned(), code: code.to_owned(), reason, place: None, message: None }
}
