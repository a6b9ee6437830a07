//! The option `limits`: what one run of a step's script may use up.

use crate::diag::Diag;
use crate::registry::{Default, Opt, Options, Type};
use crate::script::Budget;

/// What a run may use up. Without it the defaults of [`Limits`](crate::script::Limits) hold, which these repeat.
pub(super) const LIMITS: &[Opt] = &[
    Opt {
        name: "time",
        ty: Type::Duration,
        default: Default::Is("250ms"),
        about: "Time by the clock, without what the script waits for; at most 5s. A worker is kept busy for so long.",
    },
    Opt {
        name: "operations",
        ty: Type::Int(1, OPERATIONS_MAX),
        default: Default::Is("500000"),
        about: "Steps of the interpreter: about one for each word and sign of what is run.",
    },
    Opt {
        name: "memory",
        ty: Type::Bytes,
        default: Default::Is("128MiB"),
        about: "How much the whole process may grow while the script runs; from 16MiB to 1GiB. One operation can copy all that a \
                script has, so it ends when it has used half of this. The process is looked at every few milliseconds, in which \
                it may grow by some tens of MiB more. The next run then waits, for about a second at most, until what was taken is given back.",
    },
];

/// As many as take about as long as [`TIME_MS_MAX`].
const OPERATIONS_MAX: i64 = 50_000_000;
/// As long as Segment lets a function run.
const TIME_MS_MAX: i64 = 5000;
/// Below, the growth that a neighbour causes would be blamed on the script.
const MEMORY_BYTES_MIN: i64 = 16 << 20;
const MEMORY_BYTES_MAX: i64 = 1 << 30;

/// The `limits` options as a value, if there are any.
pub(super) fn budget(options: &Options) -> Result<Option<Budget>, Vec<Diag>> {
    let Some(limits) = options.inner("limits") else { return Ok(None) };
    let (time, memory) = (limits.int("time"), limits.int("memory"));
    let mut problems = Vec::new();
    if !(1..=TIME_MS_MAX).contains(&time) {
        problems.push(limits.error("time", "wrong-value", "`time` is from 1ms to 5s"));
    }
    if !(MEMORY_BYTES_MIN..=MEMORY_BYTES_MAX).contains(&memory) {
        problems.push(limits.error("memory", "wrong-value", "`memory` is from 16MiB to 1GiB"));
    }
    let budget =
        Budget { operations: limits.int("operations") as u64, time_ms: time as u64, memory_bytes: memory as u64 };
    if problems.is_empty() { Ok(Some(budget)) } else { Err(problems) }
}
