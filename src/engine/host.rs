//! The pace of one host: so many requests per second, so many at once, and a pause when it asks for one.
//!
//! Whoever asks says how much of the host a request takes: of five per second, a fifth of its second. So those that name different
//! numbers share the host, and together are never faster than the fastest of them may be alone.

use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use governor::clock::DefaultClock;
use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota, RateLimiter};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, sleep_until};

/// The longest pause that a host's headers can bring about.
const PAUSE_MAX: Duration = Duration::from_secs(60);

/// What a host gives in a second, and at once, in parts: the largest numbers that options take.
const SECOND: NonZeroU32 = NonZeroU32::MIN.saturating_add(9_999);
const AT_ONCE: u32 = 256;

/// One host.
pub(super) struct Host {
    rate: RateLimiter<NotKeyed, InMemoryState, DefaultClock>,
    slots: Arc<Semaphore>,
    paused_until: Mutex<Option<Instant>>,
}

impl Default for Host {
    fn default() -> Self {
        Self {
            rate: RateLimiter::direct(Quota::per_second(SECOND)),
            slots: Arc::new(Semaphore::new(AT_ONCE as usize)),
            paused_until: Mutex::default(),
        }
    }
}

impl Host {
    /// Waits until somebody may make a request who makes so many per second and at once; it is under way as long as the permit
    /// lives. `0` per second: as many as come.
    pub(super) async fn turn(&self, per_second: u32, concurrent: u32) -> Option<OwnedSemaphorePermit> {
        // Never closed, so there is always a permit.
        let slots = AT_ONCE / concurrent.clamp(1, AT_ONCE);
        let permit = Arc::clone(&self.slots).acquire_many_owned(slots).await.ok();
        loop {
            let paused = *self.paused_until.lock().unwrap_or_else(PoisonError::into_inner);
            match paused.filter(|until| *until > Instant::now()) {
                Some(until) => sleep_until(until).await,
                None => break,
            }
        }
        if per_second > 0
            && let Some(parts) = NonZeroU32::new(SECOND.get().div_ceil(per_second))
        {
            // No request takes more than there is.
            let _ = self.rate.until_n_ready(parts).await;
        }
        permit
    }

    /// Makes no request for a while.
    pub(super) fn pause(&self, pause: Duration) {
        let until = Instant::now() + pause.min(PAUSE_MAX);
        let mut paused = self.paused_until.lock().unwrap_or_else(PoisonError::into_inner);
        *paused = Some(paused.map_or(until, |before| before.max(until)));
    }

    /// Heeds an answer's quota: see [`quota_pause`].
    pub(super) fn note(&self, headers: &[(String, String)]) {
        if let Some(pause) = quota_pause(headers) {
            self.pause(pause);
        }
    }
}

/// Shopify gives back two requests a second to a shop on the smallest plan.
const SHOPIFY_LEAK: Duration = Duration::from_millis(500);

/// How long to make no request, by the headers of an answer. BigCommerce says how many are left (`X-Rate-Limit-Requests-Left`) and in
/// how many milliseconds there are more (`X-Rate-Limit-Time-Reset-Ms`), Shopify how full its bucket is
/// (`X-Shopify-Shop-Api-Call-Limit: 39/40`).
fn quota_pause(headers: &[(String, String)]) -> Option<Duration> {
    let text = |name: &str| headers.iter().find(|(have, _)| have == name).map(|(_, value)| value.trim());
    let number = |name: &str| text(name)?.parse::<u64>().ok();
    if number("x-rate-limit-requests-left") == Some(0) {
        return number("x-rate-limit-time-reset-ms").map(Duration::from_millis);
    }
    let (used, size) = text("x-shopify-shop-api-call-limit")?.split_once('/')?;
    let (used, size) = (used.parse::<u64>().ok()?, size.parse::<u64>().ok()?);
    (used >= size).then_some(SHOPIFY_LEAK)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn those_who_name_different_numbers_share_a_host() {
        let soon = Duration::from_millis(20);
        let host = Host::default();
        // A second's worth comes at once, whoever takes it: a half, and nothing is left of a whole one but the other half.
        assert!(tokio::time::timeout(soon, host.turn(2, 8)).await.is_ok());
        assert!(tokio::time::timeout(soon, host.turn(1, 8)).await.is_err());
        assert!(tokio::time::timeout(soon, host.turn(2, 8)).await.is_ok());
        assert!(tokio::time::timeout(soon, host.turn(2, 8)).await.is_err());
        let (host, mut under_way) = (Host::default(), Vec::new());
        while let Ok(turn) = tokio::time::timeout(soon, host.turn(0, 4)).await {
            under_way.push(turn);
        }
        assert_eq!(under_way.len(), 4);
        assert!(tokio::time::timeout(soon, host.turn(0, 8)).await.is_err());
    }

    #[test]
    fn quotas_are_heeded() {
        let pause = |headers: &[(&str, &str)]| {
            let owned: Vec<_> = headers.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect();
            quota_pause(&owned).map(|pause| pause.as_millis())
        };
        let (left, reset) = ("x-rate-limit-requests-left", "x-rate-limit-time-reset-ms");
        assert_eq!(pause(&[(left, "0"), (reset, "1500")]), Some(1500));
        assert_eq!(pause(&[(left, "1"), (reset, "1500")]), None);
        assert_eq!(pause(&[(left, "0")]), None);
        let bucket = "x-shopify-shop-api-call-limit";
        assert_eq!(pause(&[(bucket, "40/40")]), Some(500));
        for text in ["39/40", "40", "a/b", ""] {
            assert_eq!(pause(&[(bucket, text)]), None, "{text}");
        }
        assert_eq!(pause(&[]), None);
    }
}
