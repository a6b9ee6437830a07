//! Which segments may go: those that every sink has passed, when they are old or take too much room.

use std::io;
use std::time::Duration;

use super::segment::Segment;
use super::table::Table;

/// What a sweep removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Swept {
    /// Segment files.
    pub segments: usize,
    /// Their bytes.
    pub bytes: u64,
    /// Sequence numbers up to this one are gone; 0 if nothing was removed.
    pub last: u64,
}

/// The rules of retention.
#[derive(Debug, Clone, Copy)]
pub struct Rules {
    /// Sequence numbers up to this one are consumed. Nothing above it is ever removed.
    pub floor: u64,
    /// Consumed deliveries stay so long.
    pub keep: Duration,
    /// Consumed deliveries take so much at most.
    pub keep_bytes: u64,
    /// Above this, consumed deliveries make room at once: taking new ones matters more than replaying old ones.
    pub high_bytes: u64,
    /// Now, in milliseconds since 1970.
    pub now_ms: i64,
}

impl Rules {
    /// Whether the segment is older than it must be kept.
    pub fn is_old(&self, segment: &Segment) -> bool {
        let keep_ms = i64::try_from(self.keep.as_millis()).unwrap_or(i64::MAX);
        self.now_ms.saturating_sub(segment.last_ms) > keep_ms
    }

    /// Forgets the segments that may go, oldest first, and gives them; their files can be deleted then.
    pub fn apply(&self, table: &mut Table) -> Vec<Segment> {
        let mut consumed: u64 =
            table.sealed().filter(|segment| segment.last <= self.floor).map(|segment| segment.bytes).sum();
        let mut total = table.bytes();
        let mut removed = Vec::new();
        while let Some(oldest) = table.oldest_sealed() {
            let wanted =
                consumed > self.keep_bytes || total > self.high_bytes || self.is_old(&oldest) || oldest.is_empty();
            if oldest.last > self.floor || !wanted {
                break;
            }
            consumed -= oldest.bytes;
            total -= oldest.bytes;
            removed.extend(table.remove_oldest());
        }
        removed
    }
}

/// Deletes the files of forgotten segments. One that cannot be deleted does not keep the others; a restart finds it again.
pub fn delete(removed: &[Segment], delete: impl Fn(u64) -> io::Result<()>) -> io::Result<Swept> {
    let mut swept = Swept::default();
    let mut failed = Ok(());
    for segment in removed {
        match delete(segment.first) {
            Ok(()) => {
                swept.segments += 1;
                swept.bytes += segment.bytes;
                swept.last = segment.last;
            }
            Err(error) => failed = Err(error),
        }
    }
    failed.map(|()| swept)
}
