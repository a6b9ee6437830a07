//! What pipelines remember from delivery to delivery: keys with values and a time to live, per pipeline and part.
//!
//! The rule that everything here follows: **the state after delivery n is a function of the deliveries 1 to n** (and of the
//! answers they got). A run sees the state through a [`Session`], which collects its writes; who runs the pipeline commits them
//! together with the sequence number, and keeps what was there before ([`Store::commit`]). When deliveries are run again, after
//! a crash or because a sink changed, the state first goes back to where it was before them ([`Store::rollback`]). So a counter
//! counts once, a first event stays the first, and a second run gives the same messages.
//!
//! Time to live is measured by the deliveries' clock, not by the machine's, for the same reason.
//!
//! [`Disk`] keeps the state in one embedded store, [`Memory`] for as long as a run of files or a fixture lasts.

mod disk;
mod erased;
mod hold;
mod memory;
mod session;
mod stake;

#[cfg(test)]
mod tests;

use std::fmt;

pub use disk::Disk;
pub use erased::{Erased, Reach};
pub use hold::{HELD_SOURCE, HELD_SPACE, Held, StepMark};
pub use memory::Memory;
pub use session::{Limit, Mark, Session};
pub use stake::{Claim, End, Stake, Then};

/// The space of the values that all scripts of a pipeline share, beside those of the steps.
pub const CACHE_SPACE: &str = "~cache";

/// Which value: the part that owns it and its own key.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    /// The id of the step, or a name that begins with `~` for what is not a step's.
    pub space: String,
    /// The key within it.
    pub name: String,
}

/// A value that is remembered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The value: JSON text, but for what [`hold`] keeps.
    pub value: Vec<u8>,
    /// From when on it is forgotten, in milliseconds since 1970; `i64::MAX`: never.
    pub expires_ms: i64,
}

/// One change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Write {
    /// Of what.
    pub key: Key,
    /// To what; `None`: removed.
    pub entry: Option<Entry>,
}

/// The changes that one delivery made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The delivery.
    pub seq: u64,
    /// Its time: what has expired by then may be tidied away.
    pub now_ms: i64,
    /// In order.
    pub writes: Vec<Write>,
}

/// A store could not be read or written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoreError(pub String);

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the state: {}", self.0)
    }
}

impl std::error::Error for StoreError {}

/// Keeps the state of all pipelines. Every call names the pipeline.
pub trait Store: Send + Sync {
    /// The value of a key, expired or not.
    fn get(&self, pipeline: &str, key: &Key) -> Result<Option<Entry>, StoreError>;

    /// All values of a space, by key.
    fn list(&self, pipeline: &str, space: &str) -> Result<Vec<(String, Entry)>, StoreError>;

    /// How far back the state can go: what deliveries up to here changed stays.
    fn floor(&self, pipeline: &str) -> Result<u64, StoreError>;

    /// Makes changes durable, all or none. Remembers what was there before, for deliveries after `floor`; those up to it will
    /// not be run again.
    fn commit(&self, pipeline: &str, changes: &[Change], floor: u64) -> Result<(), StoreError>;

    /// Takes back what deliveries after `seq` changed.
    fn rollback(&self, pipeline: &str, seq: u64) -> Result<(), StoreError>;

    /// Gives claims back that are still the same and not kept, outside of any delivery.
    fn release(&self, pipeline: &str, claims: &[Claim]) -> Result<(), StoreError>;

    /// Writes down that claims which are still the same are not given back any more, outside of any delivery.
    fn keep(&self, pipeline: &str, claims: &[Claim]) -> Result<(), StoreError>;

    /// Forgets all of a pipeline.
    fn forget(&self, pipeline: &str) -> Result<(), StoreError>;

    /// What of a pipeline's entries a person is to be erased from.
    fn find(&self, pipeline: &str, reach: &Reach<'_>) -> Result<Vec<(Key, Entry)>, StoreError>;

    /// Removes what [`Self::find`] gives, and what is remembered of it, so that no going back brings it to light; and notes which
    /// deliveries are erased. All or nothing, outside of any delivery.
    fn erase(&self, pipeline: &str, reach: &Reach<'_>, erased: &Erased) -> Result<Vec<(Key, Entry)>, StoreError>;
}
