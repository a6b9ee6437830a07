//! A pipeline as an immutable value: [`Plan`] is what a revision says and may be shared between threads; [`Pipeline`] is the plan
//! compiled for one thread.
//!
//! Two values, because compiled scripts are not shared: each worker compiles its own, so that no reference counter is ever
//! touched by two cores. Nothing here awaits, reads a clock or opens a file.

mod outcome;
mod plan;
mod run;
mod trace;

pub use outcome::{Dead, Dropped, HeldEvent, Message, Outcome};
pub use plan::{Loaded, Plan, SinkPart, SourcePart, digest};
pub use run::Pipeline;
pub use trace::{NoTrace, StepRecord, Trace, Traced};

#[cfg(test)]
mod tests;
