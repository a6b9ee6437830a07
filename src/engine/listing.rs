//! Asking a shop's API for its orders, on behalf of a command: one request after another, as patient as the shop wants it.

use std::time::Duration;

use tokio::time::sleep;

use super::host::Host;
use super::outside::{once, retry_after};
use crate::lookup::{Answer, Lookup};

/// The largest answer: 250 orders with many lines.
const ANSWER_BYTES_MAX: usize = 64 << 20;
/// Attempts that may fail in a row.
const FAILURES_MAX: u32 = 5;
/// How often a shop may ask to wait before the same answer.
const WAITS_MAX: u32 = 60;
/// The longest single wait.
const WAIT_MAX: Duration = Duration::from_secs(300);

/// One shop's API.
pub struct Lister {
    client: reqwest::Client,
    host: Host,
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unanswered {
    /// The shop answered this, and would again.
    Status(u16),
    /// There was no answer; why.
    Failed(String),
}

impl Lister {
    /// A client that follows no redirect: it would carry the token elsewhere.
    pub fn new() -> Result<Self, String> {
        // A second installation is refused, which is fine: the first one is the same.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .user_agent(concat!("cartwire/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(Duration::from_secs(10))
            .build()
            .map_err(|error| super::transmit::chain(&error))?;
        Ok(Self { client, host: Host::default() })
    }

    /// Asks until there is an answer of success. `waiting` is told before each pause why there is one.
    pub async fn ask(&self, lookup: &Lookup, waiting: impl Fn(&str)) -> Result<Answer, Unanswered> {
        let (mut failures, mut waits) = (0, 0);
        loop {
            let answer = {
                let _turn = self.host.turn(0, 1).await;
                once(&self.client, lookup, ANSWER_BYTES_MAX).await
            };
            self.host.note(&answer.headers);
            let end = match (&answer.error, answer.status) {
                (None, 200..300) => return Ok(answer),
                (None, status @ (429 | 500..)) => Unanswered::Status(status),
                (None, status) => return Err(Unanswered::Status(status)),
                (Some(error), _) => Unanswered::Failed(error.clone()),
            };
            let wait = match asked_wait(&answer) {
                Some(wait) if waits < WAITS_MAX && wait <= WAIT_MAX => {
                    waits += 1;
                    wait
                }
                None if failures + 1 < FAILURES_MAX => {
                    failures += 1;
                    Duration::from_millis(125 << failures)
                }
                _ => return Err(end),
            };
            match &end {
                Unanswered::Status(429) => waiting("the shop asks to wait"),
                Unanswered::Status(status) => waiting(&format!("the shop answered {status}, asking again")),
                Unanswered::Failed(_) => waiting("no answer, asking again"),
            }
            sleep(wait).await;
        }
    }
}

/// How long a busy shop asks to wait.
fn asked_wait(answer: &Answer) -> Option<Duration> {
    if !matches!(answer.status, 429 | 503) {
        return None;
    }
    let reset = || {
        let (_, value) = answer.headers.iter().find(|(name, _)| name == "x-rate-limit-time-reset-ms")?;
        value.trim().parse().ok().map(Duration::from_millis)
    };
    retry_after(answer).or_else(reset)
}
