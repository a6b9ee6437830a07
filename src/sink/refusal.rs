//! Why an event cannot be sent, in words.

use super::Refused;
use crate::json::EncodeError;

/// A refusal.
pub(super) fn refused(code: &'static str, reason: impl Into<String>) -> Refused {
    Refused { code, reason: reason.into() }
}

/// The event has no JSON.
pub(super) fn not_json(error: &EncodeError) -> Refused {
    match error {
        EncodeError::NotFinite { path } => {
            refused("not-finite", format!("the number at {} is infinite or not a number", place(path)))
        }
        EncodeError::NotData { path, kind } => {
            refused("not-data", format!("the value at {} is {kind}, which JSON cannot hold", place(path)))
        }
        EncodeError::TooDeep => refused("too-deep", "the event is nested too deeply"),
    }
}

fn place(path: &str) -> &str {
    if path.is_empty() { "the top" } else { path }
}
