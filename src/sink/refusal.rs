//! Why an event cannot be sent, in words.

use super::Refused;
use crate::json::EncodeError;

/// A refusal.
pub(super) fn refused(code: &'static str, reason: impl Into<String>) -> Refused {
    Refused { code, reason: reason.into() }
}

/// The event has no JSON.
pub(super) fn not_json(error: &EncodeError) -> Refused {
    let code = match error {
        EncodeError::NotFinite { .. } => "not-finite",
        EncodeError::NotData { .. } => "not-data",
        EncodeError::TooDeep => "too-deep",
        EncodeError::TooLarge => "too-large",
    };
    refused(code, format!("the event cannot be written as JSON: {error}"))
}
