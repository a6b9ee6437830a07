//! What the process has, what a run may still take of it, and how it is given back.
//!
//! The allocator keeps what is freed for a while, and looks at what it keeps only when something large is freed. Without that, memory
//! that one script has taken would stay, and the next could take as much again on top of it, unseen.

use std::thread;
use std::time::{Duration, Instant};

/// How long what is freed may be kept before the next run of the same scripts; the allocator needs some 800 ms.
const SETTLE: Duration = Duration::from_millis(1200);
const LOOK: Duration = Duration::from_millis(20);
/// How long after a verdict large things are freed, how often, and how large.
const GIVE_BACK: Duration = Duration::from_secs(10);
const NUDGE: Duration = Duration::from_millis(50);
const NUDGE_BYTES: usize = 1 << 20;

/// Whether the next operation of a run may pass its limit: by copying all that is there, or by doing twice what this one does, as
/// where a text is doubled over and over.
pub(super) fn may_pass(limit_bytes: u64, (grown, grown_at_once): (u64, u64)) -> bool {
    let next = grown.max(grown_at_once.saturating_mul(2));
    grown.saturating_add(next) > limit_bytes
}

/// The resident size of the process; 0, so that nothing ever grows, where the system does not tell.
pub(super) fn resident_bytes() -> u64 {
    const PAGE_BYTES: u64 = 4096;
    std::fs::read_to_string("/proc/self/statm")
        .ok()
        .and_then(|text| text.split(' ').nth(1)?.parse::<u64>().ok())
        .map_or(0, |pages| pages * PAGE_BYTES)
}

/// Waits until most of what a run took beyond this size is given back.
///
/// This holds up a worker, and only where a script was stopped for its memory: one that does it with every event would otherwise
/// make the process grow from each to the next.
pub(super) fn settle(before_bytes: u64, limit_bytes: u64) {
    let until = Instant::now() + SETTLE;
    while resident_bytes() > before_bytes.saturating_add(limit_bytes / 4) && Instant::now() < until {
        thread::sleep(LOOK);
    }
}

/// Has the allocator look at what it keeps.
#[derive(Default)]
pub(super) struct GiveBack {
    until: Option<Instant>,
    next: Option<Instant>,
}

impl GiveBack {
    /// From now on, for a while.
    pub(super) fn begin(&mut self, now: Instant) {
        self.until = Some(now + GIVE_BACK);
        self.next.get_or_insert(now + NUDGE);
    }

    /// Whether it goes on.
    pub(super) fn goes_on(&mut self, now: Instant) -> bool {
        if self.next.is_some_and(|next| next <= now) {
            drop(std::hint::black_box(vec![1_u8; NUDGE_BYTES]));
            self.next = Some(now + NUDGE);
        }
        if self.until.is_some_and(|until| until <= now) {
            *self = Self::default();
        }
        self.until.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_next_operation_may_take_counts() {
        assert!(!may_pass(128, (64, 0)) && may_pass(128, (65, 0)), "a copy of all that is there");
        assert!(!may_pass(128, (42, 42)) && may_pass(128, (44, 44)), "twice what was done at once");
        assert!(!may_pass(u64::MAX, (u64::MAX, u64::MAX)));
    }

    #[test]
    fn giving_back_ends() {
        let mut give_back = GiveBack::default();
        let now = Instant::now();
        assert!(!give_back.goes_on(now));
        give_back.begin(now);
        assert!(give_back.goes_on(now) && give_back.goes_on(now + NUDGE * 2));
        assert!(!give_back.goes_on(now + GIVE_BACK) && !give_back.goes_on(now + GIVE_BACK * 2));
    }
}
