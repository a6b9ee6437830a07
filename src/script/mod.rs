//! Rhai: compiling and running the scripts and conditions of a pipeline, inside their limits.
//!
//! [`Host`] is the interpreter of one pipeline on one thread. It compiles a [`Script`] (statements that rewrite `event`) or an
//! [`Expression`] (a condition). Nothing here awaits, reads files or knows the time of day; the only clock is the one that stops
//! a script which runs too long.
//!
//! How a script is kept in bounds:
//! * every operation passes a hook ([`run`]) that counts, looks at the clock now and then, and sees the watchdog's verdict;
//! * a [`watchdog`] thread judges runs from outside by time and by the growth of the process;
//! * the interpreter's functions that multiply their input are replaced by bounded ones ([`bounded`]);
//! * imports come from a cache that only `scripts/` fills ([`modules`]); `eval`, `sleep` and clocks are not there;
//! * threads that run scripts have a stack of [`STACK_BYTES`], since a value can be nested as deep as there are operations.
//!
//! How files are kept apart: each calls its own functions by names of its own ([`own`]).
//!
//! The interpreter's own size limits stay off: they re-measure a container at every write, which costs a third of the speed.

pub mod answer;
pub mod bounded;
mod braces;
pub mod builtins;
pub mod check;
pub mod delivery;
pub mod entry;
pub mod exec;
pub mod fault;
pub mod form;
pub mod habits;
pub mod host;
pub mod lib;
pub mod limits;
mod mask;
pub mod modules;
pub mod outcome;
pub mod own;
pub mod place;
pub mod run;
pub mod secrets;
pub mod watchdog;

#[cfg(test)]
mod tests;

pub use answer::Answer;
pub use entry::Kind;
pub use exec::{Asked, Expression, Script, constant};
pub use host::Host;
pub use limits::{Budget, Limits, STACK_BYTES};
pub use outcome::{Failure, Input, LogLine, Ran, ScriptError};
pub use place::Unit;
pub use run::Run;
pub use secrets::Secrets;
