//! Who may deliver: keyed hashes, shared secrets and Standard Webhooks, compared in constant time.
//!
//! The only code besides [`super::Source::verify`] that sees unauthenticated bytes. Nothing here parses a body.

mod keyed;
mod standard;

pub use keyed::{Algorithm, Encoding, mac, mac_matches};
pub use standard::{Key, StandardWebhooks};

use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::registry::Secret;

/// Why a request is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Denied {
    /// No signature, or no secret, was given.
    Missing,
    /// It was given, and it is wrong.
    Wrong,
    /// It is right, but too old or from the future.
    Stale,
}

impl Denied {
    /// The word for metrics and logs.
    pub fn reason(self) -> &'static str {
        match self {
            Self::Missing => "no-signature",
            Self::Wrong => "bad-signature",
            Self::Stale => "stale-signature",
        }
    }
}

/// Whether a given text is one of the secrets. Digests are compared, so that not even a length leaks.
pub fn is_one_of(secrets: &[Secret], given: &str) -> bool {
    let given = Sha256::digest(given);
    // No early exit: the time taken does not tell which one matched.
    secrets.iter().fold(false, |found, secret| found | bool::from(Sha256::digest(secret.reveal()).ct_eq(&given)))
}

/// Whether a time is near enough, both ways. A tolerance of 0 allows any.
pub fn is_fresh(time_ms: i64, now_ms: i64, tolerance_ms: i64) -> bool {
    tolerance_ms == 0 || time_ms.abs_diff(now_ms) <= tolerance_ms.unsigned_abs()
}

#[cfg(test)]
mod tests;
