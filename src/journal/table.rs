//! The table of segments: which file holds which sequence numbers.

use std::collections::VecDeque;

use super::segment::Segment;

/// All segments in order. There is always one; the last is the one being written.
#[derive(Debug)]
pub struct Table {
    sealed: VecDeque<Segment>,
    active: Segment,
}

/// Where a reader goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// In this segment.
    In(Segment),
    /// Nowhere before these: they existed, but their segments are gone.
    Gone {
        /// First sequence number that is gone.
        first: u64,
        /// Last one.
        last: u64,
    },
}

impl Table {
    /// A table of these segments, in order.
    pub fn new(sealed: &[Segment], active: Segment) -> Self {
        Self { sealed: sealed.iter().copied().collect(), active }
    }

    /// The segment being written.
    pub fn active(&self) -> &Segment {
        &self.active
    }

    /// The segment being written, to move its end.
    pub fn active_mut(&mut self) -> &mut Segment {
        &mut self.active
    }

    /// The segments before it, oldest first.
    pub fn sealed(&self) -> impl Iterator<Item = &Segment> {
        self.sealed.iter()
    }

    /// The oldest segment that is not being written.
    pub fn oldest_sealed(&self) -> Option<Segment> {
        self.sealed.front().copied()
    }

    /// Makes a new segment the one being written.
    pub fn rotate(&mut self, active: Segment) {
        self.sealed.push_back(std::mem::replace(&mut self.active, active));
    }

    /// Forgets the oldest segment. The one being written stays.
    pub fn remove_oldest(&mut self) -> Option<Segment> {
        self.sealed.pop_front()
    }

    /// How many segments there are.
    pub fn count(&self) -> usize {
        self.sealed.len() + 1
    }

    /// Their bytes together.
    pub fn bytes(&self) -> u64 {
        self.sealed.iter().map(|segment| segment.bytes).sum::<u64>() + self.active.bytes
    }

    /// The oldest sequence number there is a file for.
    pub fn oldest(&self) -> u64 {
        self.sealed.front().unwrap_or(&self.active).first
    }

    /// Where the first record after `after` stands, if it is durable already.
    pub fn locate(&self, after: u64) -> Option<Place> {
        if self.active.last <= after {
            return None;
        }
        let index = self.sealed.partition_point(|segment| segment.last <= after);
        let segment = *self.sealed.get(index).unwrap_or(&self.active);
        if segment.last_before > after {
            return Some(Place::Gone { first: after + 1, last: segment.last_before });
        }
        Some(Place::In(segment))
    }
}
