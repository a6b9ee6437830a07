//! What one run of a script may use up.

/// The stack that a thread which runs scripts needs.
///
/// A script can nest a value as deep as it has operations (`box.push([box.remove(0)])` in a loop), and dropping, comparing or
/// copying such a value recurses once per level. Pages that are never touched cost nothing, so a generous stack is cheaper than
/// a depth check on every write.
pub const STACK_BYTES: usize = 256 << 20;

/// What one run of a script may use up. A run that asks for more ends as a dead letter, whatever the script catches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Steps of the interpreter.
    pub operations: u64,
    /// Script functions that are inside each other.
    pub call_depth: usize,
    /// Time by the clock.
    pub time_ms: u64,
    /// How many times as long a run may take as its step says: more than once where fixtures are run, on a machine that builds or
    /// tests other things beside, because how fast that is says nothing of the script.
    pub patience: u64,
    /// Growth of the whole process while the run goes on, sampled: a run ends when its next operation could pass it, which is when
    /// half of it is used.
    pub memory_bytes: u64,
    /// The longest text that a library function builds from shorter ones.
    pub string_bytes: usize,
    /// The largest array that a library function builds from smaller values.
    pub items: usize,
    /// Events that one run emits.
    pub emitted: usize,
    /// Text that one run logs; the rest is cut.
    pub log_bytes: usize,
}

impl Limits {
    /// The usual ones, where fixtures are run.
    #[must_use]
    pub fn of_fixtures() -> Self {
        Self { patience: 8, ..Self::default() }
    }

    /// The bounds that a step may set for its own script.
    pub fn budget(&self) -> Budget {
        Budget { operations: self.operations, time_ms: self.time_ms, memory_bytes: self.memory_bytes }
    }
}

/// The bounds that a step may set for its own script.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Budget {
    /// Steps of the interpreter.
    pub operations: u64,
    /// Time by the clock.
    pub time_ms: u64,
    /// Growth of the whole process while the run goes on, sampled: a run ends when its next operation could pass it, which is when
    /// half of it is used.
    pub memory_bytes: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            operations: 500_000,
            call_depth: 64,
            time_ms: 250,
            patience: 1,
            memory_bytes: 128 << 20,
            string_bytes: 4 << 20,
            items: 100_000,
            emitted: 1000,
            log_bytes: 4 << 10,
        }
    }
}
