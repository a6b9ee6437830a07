//! The limits of a journal, and the numbers that tell how near it is to them.

use std::time::Duration;

/// The limits of a journal.
#[derive(Debug, Clone)]
pub struct JournalOptions {
    /// A segment has so many bytes at most, unless one commit alone has more.
    pub segment_bytes: u64,
    /// All segments together; beyond it deliveries are refused.
    pub max_bytes: u64,
    /// Consumed deliveries are kept so long for replay.
    pub keep: Duration,
    /// Consumed deliveries take so many bytes at most.
    pub keep_bytes: u64,
    /// Deliveries of one commit.
    pub batch_deliveries: usize,
    /// Bytes of one commit; beyond it a sync gets slow.
    pub batch_bytes: usize,
    /// Deliveries that may wait for the writer.
    pub queue_deliveries: usize,
    /// Bytes that may wait for the writer.
    pub queue_bytes: usize,
    /// No sequence number up to this one is given out: the largest cursor there is. So even a journal that was deleted by
    /// hand cannot give a new delivery a number that a cursor has passed.
    pub after_seq: u64,
}

impl Default for JournalOptions {
    fn default() -> Self {
        Self {
            segment_bytes: 64 << 20,
            max_bytes: 10 << 30,
            keep: Duration::from_secs(7 * 24 * 3600),
            keep_bytes: 1 << 30,
            batch_deliveries: 1024,
            batch_bytes: 1 << 20,
            queue_deliveries: 8192,
            queue_bytes: 64 << 20,
            after_seq: 0,
        }
    }
}

/// How the journal is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Stats {
    /// Bytes of all segments.
    pub bytes: u64,
    /// Segments.
    pub segments: usize,
    /// Deliveries that wait for the writer.
    pub queued: usize,
    /// Their bytes.
    pub queued_bytes: usize,
    /// Deliveries made durable since the start.
    pub appended: u64,
    /// Their bytes.
    pub appended_bytes: u64,
    /// Group commits since the start.
    pub fsyncs: u64,
    /// Deliveries refused for want of room since the start.
    pub refused: u64,
}
