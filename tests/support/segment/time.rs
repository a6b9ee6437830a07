//! Client clocks: how timestamps are read, what is odd about them, and the time Segment computes.

use jiff::{SignedDuration, Timestamp, civil::DateTime, tz::TimeZone};
use serde_json::{Map, Value};

use super::validate::Finding;

/// What one message says about time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Times {
    /// The client's time of the call.
    pub original: Option<Timestamp>,
    /// The client's time of sending, of the message or else of its envelope.
    pub sent: Option<Timestamp>,
}

impl Times {
    /// `receivedAt − (sentAt − originalTimestamp)`: without `sentAt` the original, without an original the time of receipt.
    pub fn computed(&self, received: Timestamp) -> Timestamp {
        let Some(original) = self.original else {
            return received;
        };
        let Some(sent) = self.sent else {
            return original;
        };
        received.checked_sub(sent.duration_since(original)).unwrap_or(received)
    }
}

/// Reads the times of a message and warns about what Segment would misread.
pub fn times(
    message: &Map<String, Value>,
    envelope: &Map<String, Value>,
    received: Timestamp,
    found: &mut Vec<Finding>,
) -> Times {
    let original = time(message, "timestamp", received, found);
    time(message, "originalTimestamp", received, found);
    let sent = time(message, "sentAt", received, found).or_else(|| time(envelope, "sentAt", received, &mut Vec::new()));
    if let Some(sent) = sent {
        let stale = received.duration_since(sent) > SignedDuration::from_hours(24);
        let before_call = original.is_some_and(|t| t.duration_since(sent) > SignedDuration::from_hours(24 * 365));
        if stale || before_call {
            found.push(Finding::warn(
                "stale_sent_at",
                format!("sentAt {sent} is not the time of sending: history would move to now"),
            ));
        }
    }
    Times { original, sent }
}

fn time(map: &Map<String, Value>, key: &str, received: Timestamp, found: &mut Vec<Finding>) -> Option<Timestamp> {
    let value = map.get(key).filter(|v| !v.is_null())?;
    let text = value.as_str().unwrap_or_default();
    let zoned = text.parse::<Timestamp>().ok();
    let utc = || text.parse::<DateTime>().ok()?.to_zoned(TimeZone::UTC).ok();
    let Some(time) = zoned.or_else(|| utc().map(|zoned| zoned.timestamp())) else {
        let detail = format!("{key} {value} is not an ISO-8601 time");
        found.push(Finding::warn("time_invalid", detail));
        return None;
    };
    if zoned.is_none() {
        found.push(Finding::warn("time_no_zone", format!("{key} {value} has no zone")));
    }
    if time.duration_since(received) > SignedDuration::from_mins(10) {
        found.push(Finding::warn("time_future", format!("{key} {text} is in the future")));
    }
    if time < Timestamp::UNIX_EPOCH {
        found.push(Finding::warn("time_before_1970", format!("{key} {text} is before 1970")));
    }
    Some(time)
}
