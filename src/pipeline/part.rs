//! A compiled step with the keys that stand beside it: `when`, `on_error`, `settings`.

use std::rc::Rc;

use rhai::Dynamic;

use crate::config::{OnError, PartSpec};
use crate::event::Event;
use crate::json::Mask;
use crate::script::{Expression, Run};
use crate::step::{Context, Flow, Step, StepError, script_failure};

/// A step of a compiled pipeline.
pub(super) struct StepPart {
    pub(super) id: Rc<str>,
    pub(super) kind: &'static str,
    /// Whether the id is the user's.
    pub(super) named: bool,
    /// Equal for two steps that are written alike.
    pub(super) print: String,
    pub(super) step: Box<dyn Step>,
    /// Whether the step takes all events of a delivery at once.
    pub(super) batch: bool,
    when: Option<Expression>,
    on_error: OnError,
    settings: Dynamic,
}

impl StepPart {
    pub(super) fn new(part: &PartSpec, step: Box<dyn Step>, when: Option<Expression>, settings: Dynamic) -> Self {
        let batch = step.batch();
        Self {
            id: part.id.as_str().into(),
            kind: part.kind,
            named: part.named,
            print: part.print.clone(),
            step,
            batch,
            when,
            on_error: part.on_error,
            settings,
        }
    }

    /// What the step and its condition look at.
    pub(super) fn reads(&self) -> Mask {
        let mut mask = self.step.reads();
        if let Some(when) = &self.when {
            mask.merge(&when.reads());
        }
        mask
    }

    /// Applies the step to an event that it has held so many times before. What a failing step wrote is taken back.
    pub(super) fn apply(&self, event: Event, attempt: u32, run: &Run, cx: &mut Context<'_>) -> Result<Flow, StepError> {
        self.enter(attempt, run, cx);
        let mark = cx.session.mark();
        let result = self.attempt(event, cx);
        if result.is_err() {
            cx.session.back_to(mark);
        }
        match result {
            // What is asked for comes, and the delivery is run again: nothing has failed.
            Err((_, _)) if cx.session.is_in_need() => Ok(Flow::Need),
            Err((error, spare)) => self.failed(error, spare),
            Ok(flow) => Ok(flow),
        }
    }

    #[allow(clippy::result_large_err, reason = "taken apart by the only caller, at once")]
    fn attempt(&self, mut event: Event, cx: &mut Context<'_>) -> Result<Flow, (StepError, Option<Event>)> {
        if let Some(when) = &self.when {
            match when.test(&mut event.value, cx.delivery, &self.settings, cx.now_ms) {
                Ok(true) => {}
                Ok(false) => return Ok(Flow::Next(event)),
                Err(failure) => return Err((script_failure(failure), Some(event))),
            }
        }
        let spare = (self.on_error == OnError::Pass).then(|| event.clone());
        self.step.apply(event, cx).map_err(|error| (error, spare))
    }

    /// The same for all events of a delivery; each result stands where its event stood.
    pub(super) fn apply_batch(
        &self,
        events: Vec<Event>,
        attempt: u32,
        run: &Run,
        cx: &mut Context<'_>,
    ) -> Vec<Result<Flow, StepError>> {
        self.enter(attempt, run, cx);
        let mark = cx.session.mark();
        let mut results: Vec<Option<Result<Flow, StepError>>> = Vec::with_capacity(events.len());
        let mut taken = Vec::new();
        for mut event in events {
            let verdict = match &self.when {
                Some(when) => when.test(&mut event.value, cx.delivery, &self.settings, cx.now_ms),
                None => Ok(true),
            };
            results.push(match verdict {
                Ok(true) => {
                    taken.push(event);
                    None
                }
                Ok(false) => Some(Ok(Flow::Next(event))),
                Err(failure) => Some(self.failed(script_failure(failure), Some(event))),
            });
        }
        let passes = self.on_error == OnError::Pass;
        let spares: Vec<_> = taken.iter().map(|event| passes.then(|| event.clone())).collect();
        let answers = if taken.is_empty() { Vec::new() } else { self.step.apply_batch(taken, cx) };
        if !answers.is_empty() && answers.iter().all(Result::is_err) {
            cx.session.back_to(mark);
        }
        let (mut answers, mut spares) = (answers.into_iter(), spares.into_iter());
        let answer = |result: Option<_>| {
            result.unwrap_or_else(|| {
                let spare = spares.next().flatten();
                // No event may be lost, whatever a step does.
                let none = || Err(StepError::new("no-answer", "the step gave no answer"));
                answers.next().unwrap_or_else(none).or_else(|error| self.failed(error, spare))
            })
        };
        results.into_iter().map(answer).collect()
    }

    fn enter(&self, attempt: u32, run: &Run, cx: &mut Context<'_>) {
        run.enter(&self.id, attempt);
        cx.session.enter();
        cx.part = Rc::clone(&self.id);
        cx.attempt = attempt;
    }

    fn failed(&self, error: StepError, event: Option<Event>) -> Result<Flow, StepError> {
        match (self.on_error, event) {
            (OnError::Drop, _) => Ok(Flow::Drop(format!("{}: {}", error.code, error.reason))),
            (OnError::Pass, Some(event)) => Ok(Flow::Next(event)),
            _ => Err(error),
        }
    }
}
