//! What travels: the delivery as it came, the event on its way through the steps, and where the event came from.

use std::borrow::Cow;
use std::fmt;
use std::rc::Rc;
use std::sync::Arc;

use bytes::Bytes;
use rhai::Dynamic;
use sha2::{Digest, Sha256};

use crate::json::Tape;

/// The header of a delivery that no sender sent: `cartwire reconcile` made it of an order whose own was missing. Its value is the
/// order's time. Sources never keep a header of that name from a request.
pub const RECONCILED: &str = "x-cartwire-reconciled";

/// One accepted request (or line of a file) as it came. Immutable; what the journal keeps.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Delivery {
    /// Position in the journal, from 1; 0 before it is journaled.
    pub seq: u64,
    /// The pipeline that accepted it.
    pub pipeline: Arc<str>,
    /// The id of the source that accepted it.
    pub source: Arc<str>,
    /// When it was received, in milliseconds since 1970 UTC.
    pub received_ms: i64,
    /// HTTP method, or `FILE`.
    pub method: Cow<'static, str>,
    /// Path of the request relative to the source's own path, without the query; for a file, the file's path.
    pub path: Arc<str>,
    /// Query string without `?`, as it came.
    pub query: String,
    /// Address of the peer without port, or empty.
    pub peer: String,
    /// The headers that the source keeps: lower-case name, value. Never a secret.
    pub headers: Vec<(String, String)>,
    /// The raw bytes that were signed, after content decoding.
    pub body: Bytes,
}

impl Delivery {
    /// The first header of that name, ignoring case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(have, _)| have.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// The time of the order that the delivery was made of, if it was made by a reconciliation and not sent.
    pub fn reconciled(&self) -> Option<&str> {
        self.header(RECONCILED)
    }
}

/// Where an event came from: enough to compute its identity again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Origin {
    /// The delivery's sequence number.
    pub delivery: u64,
    /// Position among the events that the source decoded from the delivery.
    pub index: u32,
    /// Which branch of which fork, 0 if no step multiplied the event: see [`Origin::branch`].
    pub fork: u64,
}

impl Origin {
    /// The origin of the `branch`-th event (from 0) that a step made of this one.
    ///
    /// Branches are digits to the base 4096, so that ids depend only on the way to the event and a dropped sibling changes nothing.
    #[must_use]
    pub fn branch(self, branch: usize) -> Self {
        Self { fork: self.fork.wrapping_mul(4096).wrapping_add(branch as u64 + 1), ..self }
    }

    /// The id of a message that came without one: `cw-<32 hex digits>-<position>`; the digits stand for the delivery.
    ///
    /// Segment deduplicates by this id over all its customers, so it must be the same when a delivery is sent again after a
    /// crash, and must not be guessable from small numbers: 128 bits of a hash are both.
    pub fn message_id(self, identity: &str) -> String {
        let digest = Sha256::digest(identity.as_bytes());
        format!("cw-{}-{self}", hex::encode(&digest[..16]))
    }

    /// Whether this event is that one, or steps made it of that one.
    pub fn is_of(self, ancestor: Self) -> bool {
        if (self.delivery, self.index) != (ancestor.delivery, ancestor.index) {
            return false;
        }
        let mut fork = self.fork;
        while fork > ancestor.fork {
            fork = (fork - 1) / 4096;
        }
        fork == ancestor.fork
    }
}

impl fmt::Display for Origin {
    /// The position within the delivery, as `3` or `3.17`: what event ids end in.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.index)?;
        if self.fork > 0 {
            write!(f, ".{}", self.fork)?;
        }
        Ok(())
    }
}

/// Which sinks an event may go to, by their positions in the pipeline: all of them, until a step chooses.
///
/// Cheap to copy: events that come of this one go the same way.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Targets(Option<Rc<[usize]>>);

impl Targets {
    /// These sinks only.
    pub fn only(sinks: &[usize]) -> Self {
        Self(Some(sinks.into()))
    }

    /// The chosen positions; `None` for all.
    pub fn chosen(&self) -> Option<&[usize]> {
        self.0.as_deref()
    }

    /// Whether the sink at that position is one of them.
    pub fn allow(&self, sink: usize) -> bool {
        self.0.as_ref().is_none_or(|chosen| chosen.contains(&sink))
    }

    /// The same without some, in a pipeline of that many sinks; `None` if none is left.
    pub fn without(&self, sinks: &[usize], count: usize) -> Option<Self> {
        let left: Vec<usize> = (0..count).filter(|sink| self.allow(*sink) && !sinks.contains(sink)).collect();
        (!left.is_empty()).then(|| Self::only(&left))
    }
}

/// A Segment-shaped message on its way through the steps.
///
/// The value is ordinary Rhai data; values that came from the delivery's text carry the number of their node in
/// `tape`, by which the writer finds the source text of what no step changed.
#[derive(Debug, Clone)]
pub struct Event {
    /// The message: a map in every shipped case, yet a step may make it anything, which the sink then refuses.
    pub value: Dynamic,
    /// The source text that the value was decoded from.
    pub tape: Rc<Tape>,
    /// Where it came from.
    pub origin: Origin,
    /// Where it may go; every sink unless a step chose.
    pub targets: Targets,
}

/// Why one event of a delivery cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// A stable kebab-case word, as `bad-json`.
    pub code: &'static str,
    /// The reason in words, for the dead letter.
    pub reason: String,
}
