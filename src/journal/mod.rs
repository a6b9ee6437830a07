//! The journal: the durable, append-only log of deliveries, the cursors of those who read it, and the dead letters.
//!
//! A delivery is answered with success only after the sync that covers it. One thread writes (see [`writer`]): it takes
//! everything that waits, writes it at once, syncs once, and then answers everyone, so a hundred requests cost one sync.
//! There are no clocks here: whoever sweeps brings the time. A failed sync poisons the journal for good, as the system may
//! have dropped the pages and would report success the second time; a restart reads back what is there.
//!
//! # Files
//! `<dir>/00000000000000000001.log`, each named by the first sequence number it may hold, and `<dir>/lock`. All numbers are
//! little-endian, `bytes` is a `u32` length and so many bytes, checksums are CRC-32 (IEEE).
//!
//! | part | content |
//! |---|---|
//! | header (40) | `CWJL`, version `u32` = 1, first `u64`, last before `u64`, latest time before `i64`, 0 `u32`, checksum of these `u32` |
//! | frame | payload length `u32`, checksum of length and payload `u32`, payload |
//! | payload | version `u8` = 1, sequence number `u64`, time in ms since 1970 `i64`, content |
//! | content of a delivery | pipeline, source, method, path, query, peer: `bytes`; header count `u32`, name and value `bytes` each; body `bytes` |
//! | content of a dead letter | kind `u8` = 1; pipeline, source: `bytes`; delivery `u64`, index `u32`, fork `u64`; revision, part, code, reason: `bytes`; place and message: `u8` 0, or 1 and `bytes`; the delivery's number `u64`, its time `i64`, and its content as `bytes` |
//! | content of a removal | kind `u8` = 2, the removed letter's number `u64` |
//! | content of an erased letter | kind `u8` = 4, zeros up to the letter's length |
//! | cursor | two slots at 0 and 512: `CWC1`, generation `u64`, sequence number `u64`, checksum `u32`; the highest generation counts |
//!
//! Sequence numbers start at 1 and are contiguous within a segment. Between segments there may be a gap, which the header
//! states: a recovery that had to cut something goes on beyond every number that was ever written, so that a cursor which
//! saw one of them can never hide a new delivery. Dead letters lie in segments of their own whose header says `CWDL` (see
//! [`dead`]).

pub mod cursor;
pub mod dead;
pub mod error;
pub mod frame;
pub mod lock;
pub mod options;
pub mod queue;
pub mod reader;
pub mod record;
pub mod recovery;
pub mod retention;
pub mod segment;
pub mod shared;
pub mod storage;
pub mod sync;
pub mod table;
pub mod tail;
pub mod wire;
pub mod writer;

#[cfg(test)]
mod tests;

use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::thread::{self, JoinHandle};

pub use self::cursor::Cursors;
pub use self::dead::{DeadFilter, DeadLetter, DeadLetters, DeadOptions, DeadPage, DeadStats};
pub use self::error::{AppendError, Full, JournalError, ReadError};
pub use self::options::{JournalOptions, Stats};
pub use self::queue::Done;
pub use self::reader::Reader;
pub use self::recovery::{Damage, Recovery};
pub use self::retention::Swept;

use self::queue::{Limits, Pending, Queue};
use self::record::DELIVERY_BYTES_MAX;
use self::retention::Rules;
use self::segment::Kind;
use self::shared::{Counters, Shared};
use self::storage::{Disk, Storage};
use self::sync::lock;
use self::writer::Writer;
use crate::event::Delivery;

/// Smaller segments than this are made only where the options say so.
const SEGMENT_BYTES_MIN: u64 = 64 << 10;

/// The durable log of deliveries.
pub struct Journal {
    shared: Arc<Shared>,
    storage: Arc<dyn Storage>,
    thread: Mutex<Option<JoinHandle<()>>>,
    _lock: File,
}

impl Journal {
    /// Opens the journal in a directory, or creates it; repairs what a crash left behind.
    pub fn open(dir: &Path, options: JournalOptions) -> Result<(Arc<Self>, Recovery), JournalError> {
        Self::open_on(dir, options, Arc::new(Disk))
    }

    /// [`Self::open`] on a storage of one's own, as tests do that make it fail.
    pub fn open_on(
        dir: &Path,
        mut options: JournalOptions,
        storage: Arc<dyn Storage>,
    ) -> Result<(Arc<Self>, Recovery), JournalError> {
        let lock = lock::lock(dir)?;
        // Room comes back a segment at a time: a small journal needs small ones.
        options.segment_bytes = options.segment_bytes.min((options.max_bytes / 8).max(SEGMENT_BYTES_MIN));
        let opened = recovery::open(dir, Kind::Deliveries, &storage, options.after_seq)?;
        let limits = Limits {
            deliveries: options.queue_deliveries,
            bytes: options.queue_bytes,
            batch_deliveries: options.batch_deliveries.max(1),
            batch_bytes: options.batch_bytes,
        };
        let shared = Arc::new(Shared {
            dir: dir.to_owned(),
            options,
            queue: Queue::new(limits),
            durable: AtomicU64::new(opened.recovery.durable),
            floor: AtomicU64::new(0),
            bytes: AtomicU64::new(opened.table.bytes()),
            table: Mutex::new(opened.table),
            poison: OnceLock::new(),
            listeners: Mutex::default(),
            counters: Counters::default(),
        });
        let writer = Writer::new(Arc::clone(&shared), opened.tail, opened.next);
        let thread = thread::Builder::new()
            .name("journal".to_owned())
            .spawn(move || writer.run())
            .map_err(JournalError::io(dir))?;
        Ok((Arc::new(Self { shared, storage, thread: Mutex::new(Some(thread)), _lock: lock }), opened.recovery))
    }

    /// Queues a delivery and returns at once. `done` is called from the writer thread after the sync that covers the delivery,
    /// or with the reason why there is none; if this fails it is not called.
    pub fn append(
        &self,
        delivery: Delivery,
        done: impl FnOnce(Result<u64, AppendError>) + Send + 'static,
    ) -> Result<(), AppendError> {
        let pending = admit(delivery, Box::new(done)).map_err(|refused| refused.1)?;
        match self.push([pending]).pop() {
            None => Ok(()),
            Some((_, error)) => Err(error),
        }
    }

    /// Queues many deliveries under one lock, with one wake-up at most. Every `done` is called exactly once: from here, before
    /// this returns, for those that are refused.
    pub fn append_batch(&self, deliveries: impl IntoIterator<Item = (Delivery, Done)>) {
        let mut refused = Vec::new();
        let mut admitted = Vec::new();
        for (delivery, done) in deliveries {
            match admit(delivery, done) {
                Ok(pending) => admitted.push(pending),
                Err((done, error)) => refused.push((done, error)),
            }
        }
        refused.extend(self.push(admitted).into_iter().map(|(pending, error)| (pending.done, error)));
        for (done, error) in refused {
            done(Err(error));
        }
    }

    fn push(&self, pending: impl IntoIterator<Item = Pending>) -> Vec<(Pending, AppendError)> {
        let mut refused = self.shared.queue.push(pending, self.shared.room());
        for (_, error) in &mut refused {
            // A queue that the writer closed behind itself was closed for a reason.
            if let (AppendError::Closed, Some(reason)) = (&*error, self.shared.poison.get()) {
                *error = AppendError::Poisoned(Arc::clone(reason));
            }
        }
        self.shared.counters.refused.fetch_add(refused.len() as u64, Ordering::Relaxed);
        refused
    }

    /// The sequence number of the last durable delivery; 0 if there never was one.
    pub fn durable(&self) -> u64 {
        self.shared.durable.load(Ordering::Acquire)
    }

    /// Has `listener` called with [`Self::durable`] after every group commit and its answers, from the writer thread: it must
    /// be quick.
    pub fn on_durable(&self, listener: impl Fn(u64) + Send + Sync + 'static) {
        lock(&self.shared.listeners).push(Arc::new(listener));
    }

    /// Why nothing is accepted any more, if that is so.
    pub fn poisoned(&self) -> Option<Arc<str>> {
        self.shared.poison.get().cloned()
    }

    /// A reader of the deliveries with sequence numbers above `after`.
    pub fn reader(&self, after: u64) -> Reader {
        Reader::new(Arc::clone(&self.shared), after)
    }

    /// The oldest sequence number that may still be read; one more than [`Self::durable`] if there is none.
    pub fn oldest(&self) -> u64 {
        lock(&self.shared.table).oldest()
    }

    /// How the journal is doing.
    pub fn stats(&self) -> Stats {
        let (queued, queued_bytes) = self.shared.queue.waiting();
        let table = lock(&self.shared.table);
        let (bytes, segments) = (table.bytes(), table.count());
        drop(table);
        let counters = &self.shared.counters;
        Stats {
            bytes,
            segments,
            queued,
            queued_bytes,
            appended: counters.appended.load(Ordering::Relaxed),
            appended_bytes: counters.appended_bytes.load(Ordering::Relaxed),
            fsyncs: counters.fsyncs.load(Ordering::Relaxed),
            refused: counters.refused.load(Ordering::Relaxed),
        }
    }

    /// States that everything up to `seq` is consumed: the smallest cursor of all sinks of all pipelines. Retention removes
    /// nothing above it; before it is set, nothing at all.
    pub fn set_floor(&self, seq: u64) {
        self.shared.floor.store(seq, Ordering::Release);
    }

    /// Whether it is so near to its limit that a sweep cannot wait.
    pub fn is_tight(&self) -> bool {
        self.shared.bytes.load(Ordering::Relaxed) > self.shared.high_bytes()
    }

    /// Removes consumed segments that are older than `keep`, or beyond `keep_bytes`, or in the way of new deliveries.
    pub fn sweep(&self, now_ms: i64) -> io::Result<Swept> {
        let options = &self.shared.options;
        let rules = Rules {
            floor: self.shared.floor.load(Ordering::Acquire),
            keep: options.keep,
            keep_bytes: options.keep_bytes,
            high_bytes: self.shared.high_bytes(),
            now_ms,
        };
        let mut table = lock(&self.shared.table);
        let removed = rules.apply(&mut table);
        let active = *table.active();
        drop(table);
        let bytes: u64 = removed.iter().map(|segment| segment.bytes).sum();
        self.shared.bytes.fetch_sub(bytes, Ordering::Relaxed);
        // A shop with three orders a day never fills a segment; its old deliveries must go all the same. So must consumed ones that
        // leave no room for the delivery that would fill the segment.
        let in_the_way = self.is_tight();
        if !active.is_empty() && active.last <= rules.floor && (rules.is_old(&active) || in_the_way) {
            self.shared.queue.request_rotation();
        }
        retention::delete(&removed, |first| self.storage.remove(&self.shared.dir.join(segment::file_name(first))))
    }

    /// Takes nothing more, makes durable what waits, answers it, and ends the writer thread. Readers go on.
    pub fn close(&self) {
        self.shared.queue.close();
        // A callback may hold the last reference; the thread cannot wait for its own end then.
        if let Some(thread) = lock(&self.thread).take().filter(|handle| handle.thread().id() != thread::current().id())
        {
            // The thread protects itself from panics of others and has none of its own to report.
            let _ended = thread.join();
        }
    }
}

impl Drop for Journal {
    fn drop(&mut self) {
        self.close();
    }
}

/// Measures a delivery, and refuses one that is too large.
fn admit(delivery: Delivery, done: Done) -> Result<Pending, (Done, AppendError)> {
    let bytes = record::frame_len(&delivery);
    if bytes > DELIVERY_BYTES_MAX {
        return Err((done, AppendError::TooLarge { bytes, bytes_max: DELIVERY_BYTES_MAX }));
    }
    Ok(Pending { delivery, bytes, done })
}
