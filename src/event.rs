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

/// How many branches have a digit of their own: see [`Origin::branch`].
const DIGITS: u64 = 4096;
/// Forks from here on are hashes.
const HASHED: u64 = 1 << 63;

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
    /// A way of more than five or six digits is told by a hash of it instead: no number of steps makes two events share a number.
    #[must_use]
    pub fn branch(self, branch: usize) -> Self {
        let digit = branch as u64 + 1;
        let digits = (digit <= DIGITS).then(|| self.fork.checked_mul(DIGITS)?.checked_add(digit)).flatten();
        let fork = digits.filter(|fork| *fork < HASHED).unwrap_or_else(|| {
            let digest =
                Sha256::new().chain_update(self.fork.to_le_bytes()).chain_update(digit.to_le_bytes()).finalize();
            digest.iter().take(8).fold(0, |fork, byte| fork << 8 | u64::from(*byte)) | HASHED
        });
        Self { fork, ..self }
    }

    /// The event that a step made this one of, unless none did, or only a hash of the way is known.
    pub fn parent(self) -> Option<Self> {
        (1..HASHED).contains(&self.fork).then(|| Self { fork: (self.fork - 1) / DIGITS, ..self })
    }

    /// The id of a message that came without one: `cw-<32 hex digits>-<position>`; the digits stand for the delivery.
    ///
    /// Segment deduplicates by this id over all its customers, so it must be the same when a delivery is sent again after a
    /// crash, and must not be guessable from small numbers: 128 bits of a hash are both.
    pub fn message_id(self, identity: &str) -> String {
        let digest = Sha256::digest(identity.as_bytes());
        format!("cw-{}-{self}", hex::encode(&digest[..16]))
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

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn a_branch_has_a_number_of_its_own_however_long_the_way() {
        let of = |fork| Origin { fork, ..Origin::default() };
        assert_eq!([0, 1, 4095].map(|branch| of(0).branch(branch).fork), [1, 2, 4096]);
        assert_eq!([0, 4095].map(|branch| of(2).branch(branch).fork), [8193, 12288]);
        let mut forks = BTreeSet::from([0]);
        let mut level = vec![of(0)];
        for _ in 0..12 {
            level =
                level.iter().flat_map(|origin| [0, 1, 4095, 4096, 5000].map(|branch| origin.branch(branch))).collect();
            assert!(level.iter().all(|origin| forks.insert(origin.fork)));
            level = level.into_iter().step_by(4).collect();
        }
        assert!(forks.len() > 100 && forks.iter().any(|fork| *fork >= HASHED));
    }

    #[test]
    fn the_way_back_is_known_as_long_as_it_is_digits() {
        let mut way = vec![Origin { delivery: 3, index: 2, fork: 0 }];
        for branch in [0, 4095, 7, 4095, 1, 3, 0, 2] {
            way.push(way[way.len() - 1].branch(branch));
        }
        assert_eq!(way[0].parent(), None);
        for pair in way.windows(2) {
            assert_eq!(pair[1].parent(), (pair[1].fork < HASHED).then_some(pair[0]));
        }
        assert!(way[5].fork < HASHED && way[8].fork >= HASHED);
    }
}
