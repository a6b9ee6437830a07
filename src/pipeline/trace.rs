//! Watching an event on its way, for `test` and for people; costs nothing when nobody watches.

use rhai::Dynamic;

use crate::event::{Event, Origin};
use crate::json;

/// Called as an event moves on.
pub trait Trace {
    /// Whether it looks at events: then all of them is decoded.
    fn looks(&self) -> bool {
        true
    }
    /// The source decoded an event.
    fn decoded(&mut self, event: &Event);
    /// A step passed an event on, changed or not.
    fn passed(&mut self, part: &str, event: &Event);
    /// An event ended at a part: dropped, dead, or taken by a sink.
    fn ended(&mut self, part: &str, origin: Origin, how: &str);
}

/// Nobody watches.
#[derive(Debug, Default)]
pub struct NoTrace;

impl Trace for NoTrace {
    fn looks(&self) -> bool {
        false
    }
    fn decoded(&mut self, _: &Event) {}
    fn passed(&mut self, _: &str, _: &Event) {}
    fn ended(&mut self, _: &str, _: Origin, _: &str) {}
}

/// Keeps what was seen.
#[derive(Debug, Default)]
pub struct Traced {
    /// In order.
    pub records: Vec<StepRecord>,
}

/// One thing that happened to an event.
#[derive(Debug, Clone, PartialEq)]
pub struct StepRecord {
    /// The event's origin after the step.
    pub origin: Origin,
    /// The source, step or sink.
    pub part: String,
    /// The event after the part, or how it ended.
    pub state: Result<serde_json::Value, String>,
}

impl Traced {
    fn record(&mut self, part: &str, origin: Origin, value: &Dynamic) {
        let state = json::to_json_value(value).map_err(|error| error.to_string());
        self.records.push(StepRecord { origin, part: part.to_owned(), state });
    }
}

impl Trace for Traced {
    fn decoded(&mut self, event: &Event) {
        self.record("source", event.origin, &event.value);
    }

    fn passed(&mut self, part: &str, event: &Event) {
        self.record(part, event.origin, &event.value);
    }

    fn ended(&mut self, part: &str, origin: Origin, how: &str) {
        self.records.push(StepRecord { origin, part: part.to_owned(), state: Err(how.to_owned()) });
    }
}
