//! What appenders, the writer thread and the readers of one journal share.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock};

use super::JournalOptions;
use super::queue::Queue;
use super::sync::lock;
use super::table::Table;

/// A listener for group commits.
pub type OnDurable = Arc<dyn Fn(u64) + Send + Sync>;

/// The state behind a journal.
pub struct Shared {
    /// Its directory.
    pub dir: PathBuf,
    /// Its limits.
    pub options: JournalOptions,
    /// What waits to be written.
    pub queue: Queue,
    /// Which segment holds what. Held for a few instructions only, never over a system call.
    pub table: Mutex<Table>,
    /// The last durable sequence number.
    pub durable: AtomicU64,
    /// The smallest cursor of all that still read.
    pub floor: AtomicU64,
    /// Bytes of all segments.
    pub bytes: AtomicU64,
    /// Why nothing is accepted any more.
    pub poison: OnceLock<Arc<str>>,
    /// Whom to tell of commits.
    pub listeners: Mutex<Vec<OnDurable>>,
    /// What happened since the start.
    pub counters: Counters,
}

/// Counts since the start.
#[derive(Debug, Default)]
pub struct Counters {
    /// Deliveries made durable.
    pub appended: AtomicU64,
    /// Bytes made durable.
    pub appended_bytes: AtomicU64,
    /// Group commits: each is one write and one sync.
    pub fsyncs: AtomicU64,
    /// Deliveries refused for want of room.
    pub refused: AtomicU64,
}

impl Shared {
    /// Bytes by which the segments may still grow.
    pub fn room(&self) -> u64 {
        self.options.max_bytes.saturating_sub(self.bytes.load(Ordering::Relaxed))
    }

    /// Above so many bytes consumed deliveries make room: a segment below the limit.
    pub fn high_bytes(&self) -> u64 {
        self.options.max_bytes.saturating_sub(self.options.segment_bytes)
    }

    /// Tells the listeners. Their list is copied first, so that a listener may add another.
    pub fn announce(&self, seq: u64) {
        let listeners = lock(&self.listeners).clone();
        for listener in listeners {
            listener(seq);
        }
    }
}
