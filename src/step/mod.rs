//! Steps: each takes an event and passes it on, changes, drops or multiplies it.
//!
//! Pure: no clock, no network, no files; what a step needs of the outside stands in its [`Context`].

mod campaign;
mod consent;
mod dedupe;
mod default;
mod enrich;
mod fields;
mod filter;
mod hash;
mod identity;
mod ids;
mod keep;
mod lookup;
mod loop_guard;
mod mask;
mod paths;
mod redact;
mod remove;
mod rename;
mod route;
mod sample;
mod script;
mod set;
mod settings;
mod sinks;
mod split;
mod template;
mod throttle;
mod user_agent;
mod validate;

use std::rc::Rc;
use std::sync::Arc;

use crate::diag::Diag;
use crate::event::{Delivery, Event, Origin};
use crate::json::Mask;
use crate::registry::{Def, Options};
use crate::script::{Failure, Host, ScriptError};
use crate::state::{Claim, Session, StoreError};
use crate::tree::Tree;

pub use crate::script::LogLine;
pub(crate) use dedupe::DUPLICATE;
pub use filter::{CHECKS, FORMS};
pub use ids::Copies;

/// All steps, sorted by name.
pub static STEPS: &[&StepDef] = &[
    &campaign::CAMPAIGN,
    &consent::CONSENT,
    &dedupe::DEDUPE,
    &default::DEFAULT,
    &enrich::ENRICH,
    &filter::FILTER,
    &hash::HASH,
    &identity::IDENTITY,
    &keep::KEEP,
    &lookup::LOOKUP,
    &loop_guard::LOOP_GUARD,
    &mask::MASK,
    &redact::REDACT,
    &remove::REMOVE,
    &rename::RENAME,
    &route::ROUTE,
    &sample::SAMPLE,
    &script::SCRIPT,
    &set::SET,
    &split::SPLIT,
    &throttle::THROTTLE,
    &user_agent::USER_AGENT,
    &validate::VALIDATE,
];

/// A step as it is listed: the definition and how to build it from options.
pub struct StepDef {
    /// Name, options, example.
    pub def: Def,
    /// Checks what the option types cannot, compiles, and builds. Opens nothing.
    pub build: BuildStep,
}

/// Builds a step.
pub type BuildStep = fn(&Options, &mut Build<'_>) -> Result<Box<dyn Step>, Vec<Diag>>;

/// What building a step may use.
pub struct Build<'a> {
    /// The script host of the pipeline, one for all its steps.
    pub host: &'a Rc<Host>,
    /// The project's texts.
    pub tree: &'a Arc<Tree>,
    /// The part's `settings`, with references filled in; an empty map if there are none.
    pub settings: rhai::Dynamic,
    /// The ids of the pipeline's sinks, in their order.
    pub sinks: &'a [String],
    /// Warnings that do not keep the pipeline from loading.
    pub warnings: &'a mut Vec<Diag>,
}

/// One step, compiled for one worker thread.
pub trait Step {
    /// Handles one event. Repeatable: the same event and context give the same outcome.
    fn apply(&self, event: Event, cx: &mut Context<'_>) -> Result<Flow, StepError>;

    /// What it looks at in an event, besides scalars: only that is decoded (see [`json::Mask`](crate::json::Mask)). What it may move
    /// to another place, hand to something else or compare counts as looked at; what it removes or replaces does not.
    fn reads(&self) -> Mask {
        Mask::Whole
    }

    /// Whether what it does depends on what deliveries before left in the state. If so, the pipeline's deliveries are run one
    /// after another.
    fn remembers(&self) -> bool {
        false
    }

    /// What else names the person that `values` name, by what the step remembers in its `space`: the browser's anonymousId of a
    /// customer, say. Asked when a person is erased, so that what stands under these names goes too. Only what is that person's
    /// own: it is not asked again with what it gave, as a shared device would lead from one person to the next.
    fn related(&self, space: &str, values: &[String], session: &Session) -> Result<Vec<String>, StoreError> {
        let _ = (space, values, session);
        Ok(Vec::new())
    }

    /// Whether the step takes all events of a delivery that reach it at once, by [`Step::apply_batch`].
    fn batch(&self) -> bool {
        false
    }

    /// Handles the events of one delivery that reached the step, in their order, and answers for each in the same place.
    fn apply_batch(&self, events: Vec<Event>, cx: &mut Context<'_>) -> Vec<Result<Flow, StepError>> {
        events.into_iter().map(|event| self.apply(event, cx)).collect()
    }
}

/// What happens to the event.
#[derive(Debug)]
pub enum Flow {
    /// It goes on (changed or not).
    Next(Event),
    /// These go on in its place; none means that it ended here without a reason given.
    Fork(Vec<Event>),
    /// It ends here on purpose.
    Drop(String),
    /// It waits here, and comes to this step again later.
    Hold(Event, Hold),
    /// The step has asked its session for something that is not at hand: the delivery is run again when it is.
    Need,
}

/// How long an event waits, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hold {
    /// Until when, in milliseconds since 1970.
    pub until_ms: i64,
    /// Words that end the waiting earlier, each: see [`Session::wake`].
    pub wake: Vec<String>,
    /// Why, in words.
    pub reason: String,
}

/// What a step sees besides the event.
pub struct Context<'a> {
    /// The delivery the event came from.
    pub delivery: &'a Delivery,
    /// The delivery's identity (see `Source::identity`), from which ids derive.
    pub identity: &'a str,
    /// When the delivery was received (or the fixture's `now`), in milliseconds since 1970: the only time that scripts see, so
    /// that a replay gives the same result.
    pub now_ms: i64,
    /// Lines that scripts logged, in order.
    pub logs: Vec<LogLine>,
    /// The state, and the answers of the outside.
    pub session: &'a Rc<Session>,
    /// The id of the step that is applied: its space in the state.
    pub part: Rc<str>,
    /// How often this step has held the event before.
    pub attempt: u32,
    /// Keys that events have taken, to be given back if they die.
    pub claims: Vec<(Origin, Claim)>,
    /// How often copies of events were numbered, so that a later step gives other numbers.
    pub copies: Copies,
}

impl<'a> Context<'a> {
    /// The context in which the steps of a delivery begin.
    pub fn new(delivery: &'a Delivery, identity: &'a str, now_ms: i64, session: &'a Rc<Session>) -> Self {
        Self {
            delivery,
            identity,
            now_ms,
            logs: Vec::new(),
            session,
            part: Rc::from(""),
            attempt: 0,
            claims: Vec::new(),
            copies: Copies::default(),
        }
    }
}

/// Why an event cannot pass a step: it becomes a dead letter (or what `on_error` says).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StepError {
    /// A stable kebab-case word, as `script-error`.
    pub code: &'static str,
    /// The reason in words.
    pub reason: String,
    /// `file:line:column` of the script, if it is one's fault.
    pub place: Option<String>,
    /// The script functions that were inside each other, innermost first, as `price (scripts/lib/money.rhai:3:7)`.
    pub stack: Vec<String>,
    /// What the script logged in the run that failed.
    pub logs: Vec<LogLine>,
}

impl StepError {
    /// An error that no script is at fault for.
    pub fn new(code: &'static str, reason: impl Into<String>) -> Self {
        Self { code, reason: reason.into(), place: None, stack: Vec::new(), logs: Vec::new() }
    }
}

/// What a script's failure means for its event. A script that drops the event where only a condition was asked for is at fault.
pub fn script_failure(failure: Failure) -> StepError {
    match failure {
        Failure::Drop { reason, logs } => {
            StepError { logs, ..StepError::new("script-error", format!("drop: {reason}")) }
        }
        Failure::Reject { code, reason, place, logs } => StepError { place, logs, ..StepError::new(code, reason) },
        Failure::Retry { reason, place, logs, .. } => StepError { place, logs, ..StepError::new("retry", reason) },
        // Never seen: who asks for what is not at hand is run again.
        Failure::Need => StepError::new("need", "it asks for what is not at hand"),
        Failure::Error(ScriptError { code, message, place, stack, logs }) => {
            StepError { code, reason: message, place, stack, logs }
        }
    }
}

#[cfg(test)]
mod tests;
