//! The books of a pipeline: accepted = sent + dropped + dead + held + pending, always.
//!
//! The unit is a message: one event on its way to one sink. An event that ends before the sinks counts once.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use serde_json::json;

/// Counters of one pipeline since the process started.
#[derive(Debug, Default)]
pub struct Ledger {
    accepted: AtomicU64,
    sent: AtomicU64,
    dead: AtomicU64,
    dropped: AtomicU64,
    held: AtomicU64,
    /// By part and reason; bounded, because reasons come from scripts.
    reasons: Mutex<BTreeMap<(String, String), u64>>,
    /// Deliveries that were answered 2xx.
    deliveries: AtomicU64,
    /// Those of them that nobody sent: a reconciliation made them.
    reconciled: AtomicU64,
    /// Deliveries that went through the steps.
    processed: AtomicU64,
}

/// Different reasons that are kept apart; further ones are counted together.
const REASONS_MAX: usize = 200;

/// The books at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Balance {
    /// Messages that exist or existed.
    pub accepted: u64,
    /// Taken by a sink.
    pub sent: u64,
    /// Ended on purpose.
    pub dropped: u64,
    /// Kept with a reason.
    pub dead: u64,
    /// Waiting for their time.
    pub held: u64,
    /// On their way.
    pub pending: u64,
}

impl Ledger {
    /// A delivery was accepted.
    pub fn delivered(&self) {
        self.deliveries.fetch_add(1, Ordering::Relaxed);
    }

    /// So many deliveries were journaled that a reconciliation made.
    pub fn reconciled(&self, deliveries: usize) {
        self.deliveries.fetch_add(deliveries as u64, Ordering::Relaxed);
        self.reconciled.fetch_add(deliveries as u64, Ordering::Relaxed);
    }

    /// A delivery went through the steps, and so many of its events ended there.
    pub fn processed(&self, ended: usize) {
        self.accepted(ended);
        self.processed.fetch_add(1, Ordering::Relaxed);
    }

    /// That many messages or ends came to be. Each is counted as sent, dropped or dead later.
    pub fn accepted(&self, count: usize) {
        self.accepted.fetch_add(count as u64, Ordering::Relaxed);
    }

    /// Messages that were on their way are made anew, and then accepted again.
    pub fn withdrawn(&self, count: u64) {
        self.accepted.fetch_sub(count, Ordering::Relaxed);
    }

    /// Messages were taken by a sink.
    pub fn sent(&self, messages: usize) {
        self.sent.fetch_add(messages as u64, Ordering::Relaxed);
    }

    /// An event ended on purpose.
    pub fn dropped(&self, part: &str, reason: &str) {
        self.dropped.fetch_add(1, Ordering::Relaxed);
        self.count(part, reason);
    }

    /// An event or message became a dead letter.
    pub fn dead(&self, part: &str, code: &str) {
        self.dead.fetch_add(1, Ordering::Relaxed);
        self.count(part, code);
    }

    /// So many events wait now. One that waits is accepted; one that goes on is made anew, and then accepted again.
    pub fn held(&self, now: usize) {
        let now = now as u64;
        let before = self.held.load(Ordering::SeqCst);
        if now >= before {
            self.accepted.fetch_add(now - before, Ordering::SeqCst);
            self.held.store(now, Ordering::SeqCst);
        } else {
            self.held.store(now, Ordering::SeqCst);
            self.accepted.fetch_sub(before - now, Ordering::SeqCst);
        }
    }

    fn count(&self, part: &str, reason: &str) {
        let mut reasons = self.reasons.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (part.to_owned(), reason.to_owned());
        if reasons.len() >= REASONS_MAX && !reasons.contains_key(&key) {
            *reasons.entry((part.to_owned(), "other".to_owned())).or_default() += 1;
        } else {
            *reasons.entry(key).or_default() += 1;
        }
    }

    /// The books now. Reads `accepted` last, so that nothing is ever seen ended before it was accepted.
    pub fn balance(&self) -> Balance {
        let (sent, dropped, dead) =
            (self.sent.load(Ordering::SeqCst), self.dropped.load(Ordering::SeqCst), self.dead.load(Ordering::SeqCst));
        let held = self.held.load(Ordering::SeqCst);
        let accepted = self.accepted.load(Ordering::SeqCst);
        Balance { accepted, sent, dropped, dead, held, pending: accepted.saturating_sub(sent + dropped + dead + held) }
    }

    /// Accepted deliveries, and those of them that went through the steps.
    pub fn deliveries(&self) -> (u64, u64) {
        let processed = self.processed.load(Ordering::SeqCst);
        (self.deliveries.load(Ordering::SeqCst), processed)
    }

    /// The books as JSON for `status`.
    pub fn to_json(&self) -> serde_json::Value {
        let balance = self.balance();
        let (deliveries, processed) = self.deliveries();
        let reasons: Vec<_> = self
            .reasons
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .iter()
            .map(|((part, reason), count)| json!({"part": part, "reason": reason, "count": count}))
            .collect();
        json!({
            "deliveries": deliveries, "reconciled": self.reconciled.load(Ordering::SeqCst), "processed": processed, "accepted": balance.accepted, "sent": balance.sent,
            "dropped": balance.dropped, "dead": balance.dead, "held": balance.held, "pending": balance.pending,
            "reasons": reasons,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_books_balance() {
        let ledger = Ledger::default();
        ledger.processed(1);
        ledger.accepted(4);
        ledger.withdrawn(1);
        ledger.sent(2);
        ledger.dropped("filter", "not wanted");
        assert_eq!(ledger.balance(), Balance { accepted: 4, sent: 2, dropped: 1, dead: 0, held: 0, pending: 1 });
        ledger.dead("segment", "too-large");
        assert_eq!(ledger.balance().pending, 0);
        ledger.held(2);
        assert_eq!(ledger.balance(), Balance { accepted: 6, sent: 2, dropped: 1, dead: 1, held: 2, pending: 0 });
        ledger.held(1);
        ledger.accepted(1);
        ledger.sent(1);
        assert_eq!(ledger.balance(), Balance { accepted: 6, sent: 3, dropped: 1, dead: 1, held: 1, pending: 0 });
    }

    #[test]
    fn reasons_are_bounded() {
        let ledger = Ledger::default();
        for number in 0..1000 {
            ledger.dropped("script", &format!("reason {number}"));
        }
        assert!(ledger.to_json()["reasons"].as_array().unwrap().len() <= REASONS_MAX + 1);
        assert_eq!(ledger.balance().dropped, 1000);
    }
}
