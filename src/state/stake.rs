//! Keys that events take for themselves, and when they give them back.
//!
//! A key counts when its event arrives. An event may become several messages, by forks and for several sinks, and parts of it may
//! wait: it has arrived when one of them has. So a key is given back when all that came of its event has ended, something of it
//! in a dead letter and nothing at a sink.

use std::sync::{Mutex, MutexGuard, PoisonError};

use super::Key;

/// What follows the holder of a key that stays taken, whatever becomes of the parts of its event that wait.
const KEPT: &[u8] = b"\0kept";

/// A key that an event has taken for itself, and gives back if it dies: see the step `dedupe`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// What it has taken.
    pub key: Key,
    /// Who holds it: what was written there.
    pub holder: Vec<u8>,
    /// Whether parts of the event may have gone on while this one waited. That one of them has arrived is then written to the
    /// state, because the others end in other runs.
    pub shared: bool,
}

impl Claim {
    /// Whether a value is what this claim wrote.
    pub fn holds(&self, value: &[u8]) -> bool {
        value == self.holder || value.strip_suffix(KEPT).is_some_and(|value| value == self.holder)
    }

    /// What is written when the key stays taken: it is no longer given back.
    pub fn kept(&self) -> Vec<u8> {
        [&self.holder, KEPT].concat()
    }
}

/// How a message ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// A sink took it.
    Arrived,
    /// It became a dead letter.
    Refused,
    /// It is not sent, and that is nobody's fault: its sink was removed.
    Gone,
}

/// What follows from the end of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Then {
    /// Nothing.
    Nothing,
    /// The key must be written down as taken for good.
    Keep,
    /// The key is given back.
    Release,
}

/// A claim on which several messages depend.
///
/// It lasts as long as they do, in memory: a restart makes them anew, with a new one. What another life has sent counts as arrived
/// then, for that is what it nearly always has.
#[derive(Debug)]
pub struct Stake {
    /// The claim.
    pub claim: Claim,
    ends: Mutex<Ends>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Ends {
    /// Messages, and parts that wait, which have not ended.
    open: usize,
    arrived: bool,
    refused: bool,
}

impl Stake {
    /// A claim on which so many messages depend, and so many parts that wait: these end in other runs, so while there are any
    /// nothing is given back here. `refused`: something of the event is a dead letter already.
    pub fn new(claim: Claim, messages: usize, waiting: usize, refused: bool) -> Self {
        let claim = Claim { shared: claim.shared || waiting > 0, ..claim };
        Self { claim, ends: Mutex::new(Ends { open: messages + waiting, arrived: false, refused }) }
    }

    /// One of the messages has ended.
    pub fn ended(&self, end: End) -> Then {
        let mut ends = self.ends();
        ends.open = ends.open.saturating_sub(1);
        let first = end == End::Arrived && !ends.arrived;
        ends.arrived |= end == End::Arrived;
        ends.refused |= end == End::Refused;
        match *ends {
            _ if first && self.claim.shared => Then::Keep,
            Ends { open: 0, arrived: false, refused: true } => Then::Release,
            _ => Then::Nothing,
        }
    }

    fn ends(&self) -> MutexGuard<'_, Ends> {
        self.ends.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl PartialEq for Stake {
    fn eq(&self, other: &Self) -> bool {
        // One after the other: two stakes compared crosswise must not wait for each other.
        let own = *self.ends();
        self.claim == other.claim && own == *other.ends()
    }
}

impl Eq for Stake {}

#[cfg(test)]
mod tests {
    use super::*;

    fn stake(messages: usize, waiting: usize, refused: bool) -> Stake {
        let key = Key { space: "dedupe".to_owned(), name: "k".to_owned() };
        Stake::new(Claim { key, holder: b"1 /in 0".to_vec(), shared: false }, messages, waiting, refused)
    }

    fn then(stake: &Stake, ends: &[End]) -> Vec<Then> {
        ends.iter().map(|end| stake.ended(*end)).collect()
    }

    #[test]
    fn a_key_is_given_back_when_all_have_ended_and_none_arrived() {
        use End::{Arrived, Gone, Refused};
        use Then::{Keep, Nothing, Release};
        assert_eq!(then(&stake(1, 0, false), &[Refused]), [Release]);
        assert_eq!(then(&stake(2, 0, false), &[Refused, Arrived]), [Nothing, Nothing]);
        assert_eq!(then(&stake(2, 0, false), &[Arrived, Refused]), [Nothing, Nothing]);
        assert_eq!(then(&stake(2, 0, false), &[Refused, Refused]), [Nothing, Release]);
        assert_eq!(then(&stake(2, 0, false), &[Refused, Gone]), [Nothing, Release]);
        assert_eq!(then(&stake(1, 0, true), &[Gone]), [Release], "a part of it died before the sinks");
        assert_eq!(then(&stake(1, 0, false), &[Gone]), [Nothing]);
        assert_eq!(then(&stake(2, 1, false), &[Arrived, Arrived]), [Keep, Nothing], "written down once");
        assert_eq!(then(&stake(1, 1, false), &[Refused]), [Nothing], "another part still waits");
    }

    #[test]
    fn a_kept_key_is_still_its_holders() {
        let claim = stake(1, 0, false).claim;
        assert!(claim.holds(&claim.holder) && claim.holds(&claim.kept()));
        assert!(!claim.holds(b"2 /in 0") && !claim.holds(b""));
    }
}
