//! The writer thread: takes everything that waits, writes it at once, syncs once, and then answers everyone.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::error::{AppendError, Full};
use super::frame::put_frame;
use super::queue::{Pending, Turn};
use super::record;
use super::segment::{HEADER_BYTES, Header, Segment};
use super::shared::Shared;
use super::sync::lock;
use super::tail::{CommitError, Tail};

const BUFFER_BYTES_KEPT: usize = 4 << 20;

/// What the writer thread owns.
pub struct Writer {
    shared: Arc<Shared>,
    tail: Tail,
    next: u64,
    buffer: Vec<u8>,
}

impl Writer {
    /// A writer that gives out sequence numbers from `next` on.
    pub fn new(shared: Arc<Shared>, tail: Tail, next: u64) -> Self {
        Self { shared, tail, next, buffer: Vec::new() }
    }

    /// Works until the queue is closed and empty, or the disk has failed.
    pub fn run(mut self) {
        let mut batch = Vec::new();
        loop {
            let written = match self.shared.queue.take(&mut batch) {
                Turn::Stop => return,
                Turn::Rotate => self.rotate().map(|()| None),
                Turn::Commit => self.commit(&batch).map(Some),
            };
            match written {
                Ok(first) => {
                    answer(&mut batch, |index| Ok(first.unwrap_or_default() + index));
                    if first.is_some() {
                        let durable = self.next - 1;
                        protected(|| self.shared.announce(durable));
                    }
                }
                Err(CommitError::Full) => answer(&mut batch, |_| Err(AppendError::full(Full::Disk))),
                Err(CommitError::Broken(error)) => {
                    let reason = self.shared.poison.get_or_init(|| Arc::from(error.to_string())).clone();
                    batch.extend(self.shared.queue.close_and_drain());
                    return answer(&mut batch, |_| Err(AppendError::Poisoned(Arc::clone(&reason))));
                }
            }
        }
    }

    /// Makes a batch durable and gives the sequence number of its first delivery.
    fn commit(&mut self, batch: &[Pending]) -> Result<u64, CommitError> {
        let bytes: usize = batch.iter().map(|pending| pending.bytes).sum();
        let over = self.tail.bytes() + bytes as u64 > self.shared.options.segment_bytes;
        if over && self.tail.bytes() > HEADER_BYTES {
            self.rotate()?;
        }
        self.buffer.clear();
        self.buffer.shrink_to(BUFFER_BYTES_KEPT);
        let first = self.next;
        let mut last_ms = i64::MIN;
        for (seq, Pending { delivery, .. }) in (first..).zip(batch) {
            put_frame(&mut self.buffer, seq, delivery.received_ms, |out| record::encode(delivery, out));
            last_ms = last_ms.max(delivery.received_ms);
        }
        self.tail.commit(&self.buffer)?;
        self.next = first + batch.len() as u64;
        let bytes = self.buffer.len() as u64;
        let mut table = lock(&self.shared.table);
        let active = table.active_mut();
        active.last = self.next - 1;
        active.last_ms = active.last_ms.max(last_ms);
        active.bytes += bytes;
        drop(table);
        self.shared.bytes.fetch_add(bytes, Ordering::Relaxed);
        self.shared.durable.store(self.next - 1, Ordering::Release);
        let counters = &self.shared.counters;
        counters.appended.fetch_add(batch.len() as u64, Ordering::Relaxed);
        counters.appended_bytes.fetch_add(bytes, Ordering::Relaxed);
        counters.fsyncs.fetch_add(1, Ordering::Relaxed);
        Ok(first)
    }

    /// Begins a new segment, unless the open one is still empty.
    fn rotate(&mut self) -> Result<(), CommitError> {
        let active = *lock(&self.shared.table).active();
        if active.is_empty() {
            return Ok(());
        }
        let header = Header { first: self.next, last_before: active.last, before_ms: active.last_ms };
        self.tail.rotate(&header)?;
        lock(&self.shared.table).rotate(Segment::empty(&header));
        self.shared.bytes.fetch_add(HEADER_BYTES, Ordering::Relaxed);
        Ok(())
    }
}

fn answer(batch: &mut Vec<Pending>, result: impl Fn(u64) -> Result<u64, AppendError>) {
    for (index, pending) in (0..).zip(batch.drain(..)) {
        protected(|| (pending.done)(result(index)));
    }
}

/// A panic in someone's callback must not end the one thread that makes things durable.
fn protected(callback: impl FnOnce()) {
    if catch_unwind(AssertUnwindSafe(callback)).is_err() {
        tracing::error!("a callback of the journal panicked");
    }
}
