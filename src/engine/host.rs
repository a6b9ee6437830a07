//! The pace of one host: so many requests per second, so many at once, and a pause when it asks for one.

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

/// One host, as one list of limits sees it.
pub(super) struct Host {
    rate: Option<RateLimiter<NotKeyed, InMemoryState, DefaultClock>>,
    slots: Arc<Semaphore>,
    paused_until: Mutex<Option<Instant>>,
}

impl Host {
    /// `0` requests per second: as many as come.
    pub(super) fn new(per_second: u32, concurrent: u32) -> Self {
        let rate = NonZeroU32::new(per_second).map(|per_second| RateLimiter::direct(Quota::per_second(per_second)));
        let slots = Arc::new(Semaphore::new(concurrent.max(1) as usize));
        Self { rate, slots, paused_until: Mutex::default() }
    }

    /// Waits until a request may be made; it is under way as long as the permit lives.
    pub(super) async fn turn(&self) -> Option<OwnedSemaphorePermit> {
        // Never closed, so there is always a permit.
        let permit = Arc::clone(&self.slots).acquire_owned().await.ok();
        loop {
            let paused = *self.paused_until.lock().unwrap_or_else(PoisonError::into_inner);
            match paused.filter(|until| *until > Instant::now()) {
                Some(until) => sleep_until(until).await,
                None => break,
            }
        }
        if let Some(rate) = &self.rate {
            rate.until_ready().await;
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
