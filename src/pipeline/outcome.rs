//! What became of the events of one delivery: every one is sent, dropped with a reason, or dead with a reason.

use std::sync::Arc;

use bytes::Bytes;

use crate::erasure::Erasure;
use crate::event::{Delivery, Origin};
use crate::lookup::Lookup;
use crate::state::{Stake, Write};
use crate::step::LogLine;

/// The result of running one delivery through a pipeline.
#[derive(Debug, Clone, Default)]
pub struct Outcome {
    /// Messages for each sink, in the order of the plan's sinks.
    pub messages: Vec<Vec<Message>>,
    /// Events that ended on purpose.
    pub dropped: Vec<Dropped>,
    /// Events that cannot go on.
    pub dead: Vec<Dead>,
    /// Events that wait; they are in `writes`.
    pub held: Vec<HeldEvent>,
    /// Lines that scripts logged.
    pub logs: Vec<LogLine>,
    /// What the delivery changed in the state.
    pub writes: Vec<Write>,
    /// Words for which events may wait.
    pub wakes: Vec<String>,
    /// Who is to be erased from what the pipeline keeps, with all that the steps know to be theirs.
    pub erasures: Vec<Erasure>,
    /// For a wake-up: the event that it woke, which waits no longer, and the delivery that the event came from.
    pub woken: Option<(String, Arc<Delivery>)>,
    /// Whether it was run a second time, because an event died or a script failed when not all was decoded.
    pub repeated: bool,
    /// What must be asked of the outside before the delivery can be run; then nothing else is here.
    pub needs: Vec<Lookup>,
}

impl Outcome {
    /// An empty outcome for that many sinks.
    pub fn new(sinks: usize) -> Self {
        Self { messages: vec![Vec::new(); sinks], ..Self::default() }
    }

    /// How many ends there are: what the ledger counts as accepted.
    pub fn ends(&self) -> usize {
        self.messages.iter().map(Vec::len).sum::<usize>() + self.dropped.len() + self.dead.len() + self.held.len()
    }
}

/// A message as a sink will send it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Where its event came from.
    pub origin: Origin,
    /// The encoded message.
    pub bytes: Bytes,
    /// What its event has taken, to be given back if nothing of it arrives.
    pub stakes: Vec<Arc<Stake>>,
}

/// An event that waits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeldEvent {
    /// Its id among those that wait.
    pub id: String,
    /// Where it came from.
    pub origin: Origin,
    /// The step that holds it.
    pub part: String,
    /// Why.
    pub reason: String,
    /// Until when, in milliseconds since 1970.
    pub until_ms: i64,
    /// Words that end the waiting earlier.
    pub wake: Vec<String>,
    /// The size of its record in the state.
    pub bytes: usize,
}

/// An event that ended on purpose.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dropped {
    /// Where it came from.
    pub origin: Origin,
    /// The part that ended it.
    pub part: String,
    /// Why.
    pub reason: String,
}

/// An event that cannot go on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dead {
    /// Where it came from.
    pub origin: Origin,
    /// The source, step or sink that refused it.
    pub part: String,
    /// A stable kebab-case word.
    pub code: String,
    /// The reason in words.
    pub reason: String,
    /// `file:line:column` of the script, if it is one's fault.
    pub place: Option<String>,
    /// The script functions that were inside each other, innermost first.
    pub stack: Vec<String>,
    /// What the script logged in the run that failed.
    pub logs: Vec<LogLine>,
    /// The message, where there was one.
    pub message: Option<Bytes>,
}
