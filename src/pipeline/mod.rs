//! A pipeline as an immutable value: [`Plan`] is what a revision says and may be shared between threads; [`Pipeline`] is the plan
//! compiled for one thread.
//!
//! Two values, because compiled scripts are not shared: each worker compiles its own, so that no reference counter is ever
//! touched by two cores. Nothing here awaits, reads a clock or opens a file.

mod compile;
mod ends;
mod mark;
mod outcome;
mod part;
mod place;
mod plan;
mod run;
mod trace;
mod walk;

pub use outcome::{Dead, Dropped, HeldEvent, Message, Outcome};
pub use plan::{Loaded, Plan, SinkPart, SourcePart, digest};
pub use run::Pipeline;
pub use trace::{NoTrace, StepRecord, Trace, Traced};

use crate::event::Origin;
use crate::step::StepError;

/// Why events end that a person was erased from.
pub const ERASED: &str = "erased";

/// The end of an event that a step, or the condition of a sink, failed at.
fn failed(origin: Origin, part: &str, error: StepError) -> Dead {
    let StepError { code, reason, place, stack, logs } = error;
    Dead { place, stack, logs, ..dead(origin, part, code, reason) }
}

fn dead(origin: Origin, part: &str, code: &str, reason: String) -> Dead {
    Dead {
        origin,
        part: part.to_owned(),
        code: code.to_owned(),
        reason,
        place: None,
        stack: Vec::new(),
        logs: Vec::new(),
        message: None,
    }
}

#[cfg(test)]
pub(crate) mod tests;
