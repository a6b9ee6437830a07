//! Steps: each takes an event and passes it on, changes, drops or multiplies it.
//!
//! Pure: no clock, no network, no files; what a step needs of the outside stands in its [`Context`].

mod campaign;
mod consent;
mod default;
mod fields;
mod filter;
mod hash;
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
mod validate;

use std::rc::Rc;
use std::sync::Arc;

use crate::diag::Diag;
use crate::event::{Delivery, Event};
use crate::registry::{Def, Options};
use crate::script::{Failure, Host};
use crate::tree::Tree;

pub use crate::script::LogLine;
pub use filter::{CHECKS, FORMS};

/// All steps, sorted by name.
pub static STEPS: &[&StepDef] = &[
    &campaign::CAMPAIGN,
    &consent::CONSENT,
    &default::DEFAULT,
    &filter::FILTER,
    &hash::HASH,
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
}

/// What a script's failure means for its event. A script that drops the event where only a condition was asked for is at fault.
pub fn script_failure(failure: Failure) -> StepError {
    match failure {
        Failure::Drop { reason, .. } => {
            StepError { code: "script-error", reason: format!("drop: {reason}"), place: None }
        }
        Failure::Reject { code, reason, place, .. } => StepError { code, reason, place },
        Failure::Error(error) => StepError { code: error.code, reason: error.message, place: error.place },
    }
}

#[cfg(test)]
mod tests;
