//! Sinks: what a message looks like on the wire, and what an answer means.
//!
//! Pure: the engine owns connections, files and retries, so every sink is tested without a socket.

mod answer;
mod console;
mod file;
mod gzip;
mod http;
mod local;
mod members;
mod message_id;
mod pii;
mod refusal;
mod retry_after;
mod segment;
mod segment_objects;
mod signature;

use ::http::HeaderMap;
use bytes::Bytes;

use crate::diag::Diag;
use crate::event::{Event, Origin};
use crate::json::Mask;
use crate::registry::{Def, Options};

pub use crate::event::Refused;

use refusal::{not_json, refused};

/// All sinks, sorted by name.
pub static SINKS: &[&SinkDef] =
    &[&console::CONSOLE, &file::FILE, &http::HTTP, &segment::SEGMENT, &segment_objects::SEGMENT_OBJECTS];

/// A sink as it is listed: the definition and how to build it from options.
pub struct SinkDef {
    /// Name, options, example.
    pub def: Def,
    /// Checks what the option types cannot, and builds. Opens nothing.
    pub build: Build,
}

/// Builds a sink.
pub type Build = fn(&Options) -> Result<Box<dyn Sink>, Vec<Diag>>;

/// One sink, built from options.
pub trait Sink: Send + Sync {
    /// Where the messages go.
    fn target(&self) -> Target;

    /// Whether the sink is for such events. An event that other sinks of the pipeline are for passes it by; one that no sink is
    /// for is encoded by all, which says why it cannot be sent.
    fn fit(&self, _: &Event) -> bool {
        true
    }

    /// Writes the message of one event (without a line end), or says why it cannot be sent. `id` is the event's
    /// deterministic id, used as `messageId` where the event has none. Called on worker threads. The note, if there is one,
    /// says what was left out on purpose; it goes to the log and names no value.
    fn encode(&self, event: &Event, id: &EventId<'_>, out: &mut Vec<u8>) -> Result<Option<String>, Refused>;

    /// What it looks at in an event, besides scalars and besides writing it: see [`Step::reads`](crate::step::Step::reads).
    fn reads(&self) -> Mask {
        Mask::Whole
    }

    /// How messages are put together.
    fn batching(&self) -> Batching;

    /// Messages with different keys do not go into one batch.
    fn batch_key(&self, _: &Bytes) -> u64 {
        0
    }

    /// The request for a batch. Called anew for each attempt (fresh `sentAt`). Only for [`Target::Http`].
    fn request(&self, messages: &[Bytes], attempt: &Attempt) -> Outgoing;

    /// What the answer to a request means. Only for [`Target::Http`].
    fn judge(&self, answer: &Answer<'_>) -> Judgement;

    /// Text for a person, for `console` and for the dry mode: pretty JSON by default.
    fn describe(&self) -> String;
}

/// An event's deterministic id: computed only when it is needed.
pub struct EventId<'a> {
    /// The delivery's identity.
    pub identity: &'a str,
    /// The event's position among those of the delivery.
    pub origin: Origin,
}

/// Where messages go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// Requests to a server.
    Http {
        /// A request that takes longer counts as failed, in milliseconds.
        timeout_ms: u64,
    },
    /// Lines in a file.
    File(FileTarget),
    /// Lines on standard output.
    Console {
        /// Indented and coloured for people, instead of NDJSON.
        pretty: bool,
    },
}

/// How a file is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileTarget {
    /// Path, relative to the project folder.
    pub path: String,
    /// Whether the file is emptied when the run starts.
    pub overwrite: bool,
    /// Beyond this size the file is renamed and a new one begun, in bytes.
    pub rotate_bytes: Option<u64>,
    /// How many renamed files are kept.
    pub rotate_keep: u32,
}

/// Bounds of a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Batching {
    /// Messages in one batch at most.
    pub events_max: usize,
    /// Sum of the messages' sizes at most, in bytes, counting one byte more for each (what separates it from the next).
    pub bytes_max: usize,
    /// How long a batch that is not full waits for more, in milliseconds.
    pub linger_ms: u64,
    /// Batches under way at once; 1 keeps the order of events.
    pub concurrency: usize,
}

/// What the engine knows at an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Attempt {
    /// Now, in milliseconds since 1970.
    pub now_ms: i64,
    /// 0 for the first attempt.
    pub retries: u32,
}

/// A request to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outgoing {
    /// Upper-case method.
    pub method: &'static str,
    /// The address.
    pub url: String,
    /// Headers. The engine never logs them.
    pub headers: Vec<(String, String)>,
    /// The body as it goes out.
    pub body: Vec<u8>,
}

/// A server's answer.
#[derive(Debug)]
pub struct Answer<'a> {
    /// The status.
    pub status: u16,
    /// The headers.
    pub headers: &'a HeaderMap,
    /// The beginning of the body (64 KiB at most).
    pub body: &'a [u8],
    /// How many messages the request held.
    pub messages: usize,
    /// Now, in milliseconds since 1970 (for `Retry-After` dates).
    pub now_ms: i64,
}

/// What the engine does after an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Judgement {
    /// All messages arrived.
    Delivered,
    /// Send the same batch again; after this time if the server named one, else with growing pauses.
    Retry {
        /// Milliseconds, if the server said.
        after_ms: Option<u64>,
        /// Why, for the log.
        reason: String,
    },
    /// Not as it is: with several messages the engine splits the batch, a single one becomes a dead letter.
    Reject {
        /// Why, for the dead letter.
        reason: String,
    },
    /// Something that no message is to blame for (credentials, address): stop, keep everything, try again when the
    /// configuration changes and from time to time.
    Halt {
        /// Why, for log and status.
        reason: String,
    },
}

/// Whether an event is an object record, as `set_object` makes them.
fn is_object(event: &Event) -> bool {
    let map = event.value.read_lock::<rhai::Map>();
    map.as_ref()
        .and_then(|map| map.get("type")?.read_lock::<rhai::ImmutableString>())
        .is_some_and(|kind| *kind == "set")
}

#[cfg(test)]
mod tests;
