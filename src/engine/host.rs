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

    /// Heeds an answer's quota: BigCommerce says how many requests are left (`X-Rate-Limit-Requests-Left`) and in how many
    /// milliseconds there are more (`X-Rate-Limit-Time-Reset-Ms`).
    pub(super) fn note(&self, headers: &[(String, String)]) {
        let number = |name: &str| {
            let (_, value) = headers.iter().find(|(have, _)| have == name)?;
            value.trim().parse::<u64>().ok()
        };
        if number("x-rate-limit-requests-left") == Some(0)
            && let Some(reset_ms) = number("x-rate-limit-time-reset-ms")
        {
            self.pause(Duration::from_millis(reset_ms));
        }
    }
}
