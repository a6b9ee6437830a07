//! What goes into a run of a script and what comes out of it.

use std::rc::Rc;

use rhai::Dynamic;

use super::answer::Answer;
use crate::event::{Delivery, Origin};
use crate::json::Tape;

/// A line that a script logged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogLine {
    /// `debug`, `info`, `warn` or `error`.
    pub level: &'static str,
    /// The text.
    pub text: String,
}

/// What a run works on.
pub struct Input<'a> {
    /// The event; it is moved into the script and out again, never copied.
    pub event: Dynamic,
    /// The delivery that the event came from.
    pub delivery: &'a Delivery,
    /// The delivery's identity, from which repeatable ids derive.
    pub identity: &'a str,
    /// The event's place among those of the delivery, so that two of them get different ids.
    pub origin: Origin,
    /// The part's settings; make it with [`super::constant`], then handing it over costs nothing.
    pub settings: &'a Dynamic,
    /// The time that the script sees, in milliseconds since 1970.
    pub now_ms: i64,
}

/// What a run that ended well left behind.
#[derive(Debug)]
pub struct Ran {
    /// The event, unless the script set it to `()`.
    pub event: Option<Dynamic>,
    /// What the emitting functions added, in order.
    pub emitted: Vec<Dynamic>,
    /// What was logged.
    pub logs: Vec<LogLine>,
    /// The source text of what the script took from `delivery.json()`, if it did.
    pub tape: Option<Rc<Tape>>,
}

/// What a run over the events of a delivery left behind.
#[derive(Debug)]
pub struct RanBatch {
    /// What becomes of each event.
    pub answers: Vec<Result<Answer, Failure>>,
    /// What the emitting functions added, in order.
    pub emitted: Vec<Dynamic>,
    /// What was logged.
    pub logs: Vec<LogLine>,
    /// The source text of what the script took from `delivery.json()`, if it did.
    pub tape: Option<Rc<Tape>>,
}

/// Why a run left no event. Nothing that it emitted leaves either.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failure {
    /// The script dropped the event on purpose.
    Drop {
        /// Why, in the script's words.
        reason: String,
        /// What was logged.
        logs: Vec<LogLine>,
    },
    /// The script refused the event: a dead letter.
    Reject {
        /// `rejected`, `event-not-supported`, `invalid-event-payload` or `validation-error`.
        code: &'static str,
        /// Why, in the script's words.
        reason: String,
        /// `file:line:column` of the call.
        place: Option<String>,
        /// What was logged.
        logs: Vec<LogLine>,
    },
    /// The script asks to be run again later.
    Retry {
        /// Why, in the script's words.
        reason: String,
        /// After how long, if it says so.
        after_ms: Option<u64>,
        /// `file:line:column` of the call.
        place: Option<String>,
        /// What was logged.
        logs: Vec<LogLine>,
    },
    /// The script asked for something that is not at hand: the delivery is run again when it is.
    Need,
    /// The script is at fault.
    Error(ScriptError),
}

/// A fault of a script while it ran.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScriptError {
    /// `script-error`, or `script-limit-…` with operations, time, memory, depth, size, emitted or lookups.
    pub code: &'static str,
    /// What happened.
    pub message: String,
    /// `file:line:column`, as near to the fault as is known.
    pub place: Option<String>,
    /// The functions that were inside each other, innermost first, as `price (scripts/lib/money.rhai:3:7)`; empty if there
    /// was none.
    pub stack: Vec<String>,
    /// What was logged until then.
    pub logs: Vec<LogLine>,
}

impl Failure {
    /// The logged lines.
    pub fn logs(&self) -> &[LogLine] {
        match self {
            Self::Drop { logs, .. } | Self::Reject { logs, .. } | Self::Retry { logs, .. } => logs,
            Self::Need => &[],
            Self::Error(error) => &error.logs,
        }
    }
}
