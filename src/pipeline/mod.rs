//! A pipeline as an immutable value: [`Plan`] is what a revision says and may be shared between threads; [`Pipeline`] is the plan
//! compiled for one thread.
//!
//! Two values, because compiled scripts are not shared: each worker compiles its own, so that no reference counter is ever
//! touched by two cores. Nothing here awaits, reads a clock or opens a file.

mod compile;
mod outcome;
mod part;
mod plan;
mod run;
mod trace;
mod walk;

pub use outcome::{Dead, Dropped, HeldEvent, Message, Outcome};
pub use plan::{Loaded, Plan, SinkPart, SourcePart, digest};
pub use run::Pipeline;
pub use trace::{NoTrace, StepRecord, Trace, Traced};

use crate::event::Origin;

fn dead(origin: Origin, part: &str, code: &str, reason: String) -> Dead {
    Dead { origin, part: part.to_owned(), code: code.to_owned(), reason, place: None, message: None }
}

#[cfg(test)]
mod tests;
