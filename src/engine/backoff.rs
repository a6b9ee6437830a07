//! How long to wait before the next attempt: exponential with jitter, or what the server said.

use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

const FIRST_MS: u64 = 500;
const LONGEST_MS: u64 = 60_000;

/// Counts attempts and gives pauses (Segment's own clients: 0.5 s doubling up to 60 s, about 10 % jitter).
#[derive(Debug)]
pub(super) struct Backoff {
    retries: u32,
    /// Growing part: attempts for which the server named no time.
    steps: u32,
    seed: RandomState,
}

impl Backoff {
    pub(super) fn new() -> Self {
        Self { retries: 0, steps: 0, seed: RandomState::new() }
    }

    /// Retries so far.
    pub(super) fn retries(&self) -> u32 {
        self.retries
    }

    /// Starts over after a success.
    pub(super) fn reset(&mut self) {
        self.retries = 0;
        self.steps = 0;
    }

    /// The pause before the next attempt. A time that the server named is kept, plus up to 10 % so that many senders do not return at once.
    pub(super) fn next(&mut self, after_ms: Option<u64>) -> Duration {
        self.retries = self.retries.saturating_add(1);
        let base = after_ms.unwrap_or_else(|| {
            let base = FIRST_MS << self.steps.min(16);
            self.steps += 1;
            base.min(LONGEST_MS)
        });
        let jitter = self.seed.hash_one(self.retries) % (base / 10 + 1);
        Duration::from_millis(base + jitter)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grows_to_a_minute_and_starts_over() {
        let mut backoff = Backoff::new();
        let pauses: Vec<_> = (0..12).map(|_| backoff.next(None).as_millis() as u64).collect();
        assert!((500..=550).contains(&pauses[0]));
        assert!((1000..=1100).contains(&pauses[1]));
        assert!((60_000..=66_000).contains(&pauses[11]));
        assert_eq!(backoff.retries(), 12);
        backoff.reset();
        assert!(backoff.next(None).as_millis() <= 550);
    }

    #[test]
    fn keeps_what_the_server_said() {
        let mut backoff = Backoff::new();
        let pause = backoff.next(Some(2000)).as_millis();
        assert!((2000..=2200).contains(&pause));
    }
}
