//! The index of the dead letters: where each one stands, and how many each pipeline has.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::journal::segment::Segment;

/// Where a letter stands.
#[derive(Debug, Clone)]
pub struct Spot {
    /// Its pipeline.
    pub pipeline: Arc<str>,
    /// The delivery whose run it died in.
    pub run_seq: u64,
    /// The first number of its segment.
    pub segment: u64,
    /// Where its frame begins.
    pub offset: u64,
    /// Where its frame ends.
    pub end: u64,
}

/// All letters that were not removed, by number.
#[derive(Debug, Default)]
pub struct Index {
    spots: BTreeMap<u64, Spot>,
    counts: BTreeMap<Arc<str>, u64>,
}

impl Index {
    /// Adds a letter.
    pub fn insert(&mut self, id: u64, spot: Spot) {
        *self.counts.entry(Arc::clone(&spot.pipeline)).or_default() += 1;
        self.spots.insert(id, spot);
    }

    /// Forgets a letter. True if it was there.
    pub fn remove(&mut self, id: u64) -> bool {
        let Some(spot) = self.spots.remove(&id) else { return false };
        if let Some(count) = self.counts.get_mut(&spot.pipeline) {
            *count -= 1;
            if *count == 0 {
                self.counts.remove(&spot.pipeline);
            }
        }
        true
    }

    /// Forgets the letters of a segment, and says how many there were.
    pub fn remove_segment(&mut self, segment: &Segment) -> u64 {
        let ids: Vec<u64> = self.spots.range(segment.first..=segment.last).map(|(id, _)| *id).collect();
        ids.iter().map(|id| u64::from(self.remove(*id))).sum()
    }

    /// Whether a segment holds a letter still.
    pub fn is_used(&self, segment: &Segment) -> bool {
        !segment.is_empty() && self.spots.range(segment.first..=segment.last).next().is_some()
    }

    /// Where a letter stands.
    pub fn get(&self, id: u64) -> Option<&Spot> {
        self.spots.get(&id)
    }

    /// Letters with numbers below `before`, newest first.
    pub fn newest_first(&self, before: u64) -> impl Iterator<Item = (u64, &Spot)> {
        self.spots.range(..before).rev().map(|(id, spot)| (*id, spot))
    }

    /// The letters of a pipeline that died in runs of deliveries after `seq`.
    pub fn since(&self, pipeline: &str, seq: u64) -> impl Iterator<Item = (u64, &Spot)> {
        let wanted = move |spot: &&Spot| spot.run_seq > seq && *spot.pipeline == *pipeline;
        self.spots.iter().map(|(id, spot)| (*id, spot)).filter(move |(_, spot)| wanted(spot))
    }

    /// How many letters each pipeline has.
    pub fn counts(&self) -> &BTreeMap<Arc<str>, u64> {
        &self.counts
    }

    /// How many letters there are.
    pub fn len(&self) -> usize {
        self.spots.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.spots.is_empty()
    }
}
