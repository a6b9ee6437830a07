//! What the sinks without a server share: each message is one line.

use bytes::Bytes;

use super::{Answer, Attempt, Batching, EventId, Judgement, Outgoing, Refused, Sink, Target, not_json};
use crate::event::Event;
use crate::json::{self, Mask};

/// A sink whose target the engine writes lines to.
pub(super) struct Local {
    /// Where to.
    pub(super) target: Target,
    /// For people.
    pub(super) description: String,
}

impl Sink for Local {
    fn target(&self) -> Target {
        self.target.clone()
    }

    fn encode(&self, event: &Event, _: &EventId<'_>, out: &mut Vec<u8>) -> Result<Option<String>, Refused> {
        let start = out.len();
        let written = json::encode(&event.value, &event.tape, out);
        written.map(|()| None).map_err(|error| {
            out.truncate(start);
            not_json(&error)
        })
    }

    fn reads(&self) -> Mask {
        Mask::opened()
    }

    fn batching(&self) -> Batching {
        // Lines need no envelope: the bound only keeps one write from becoming arbitrarily large.
        Batching { events_max: 10_000, bytes_max: 1024 * 1024, linger_ms: 0, concurrency: 1 }
    }

    fn request(&self, _: &[Bytes], _: &Attempt) -> Outgoing {
        Outgoing { method: "POST", url: String::new(), headers: Vec::new(), body: Vec::new() }
    }

    fn judge(&self, _: &Answer<'_>) -> Judgement {
        Judgement::Delivered
    }

    fn describe(&self) -> String {
        self.description.clone()
    }
}
