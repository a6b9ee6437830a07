//! What the fake remembers of messages and requests.

use std::time::Instant;

use http::{HeaderMap, Method};
use jiff::Timestamp;
use serde_json::{Value, json};

/// A message that was accepted for the first time.
#[derive(Debug, Clone)]
pub struct Stored {
    /// Its text as it stood in the request.
    pub raw: String,
    /// The same, decoded (integers beyond 2^64 are rounded: compare `raw` for those).
    pub message: Value,
    /// The message with the envelope's context and integrations merged under its own.
    pub merged: Value,
    /// The batch without its messages; null for a single call.
    pub envelope: Value,
    /// The request's headers.
    pub headers: HeaderMap,
    /// The request's path.
    pub path: String,
    /// The write key.
    pub key: String,
    /// `messageId`, assigned if it was missing.
    pub message_id: String,
    /// The client's time of sending.
    pub sent_at: Option<Timestamp>,
    /// The computed time: `receivedAt − (sentAt − originalTimestamp)`.
    pub timestamp: Timestamp,
    /// When the request came.
    pub received_at: Timestamp,
}

impl Stored {
    /// The message as Segment hands it to a destination.
    pub fn as_destination(&self) -> Value {
        let mut out = self.merged.clone();
        out["originalTimestamp"] =
            self.message.get("timestamp").cloned().unwrap_or_else(|| json!(self.timestamp.to_string()));
        out["timestamp"] = json!(self.timestamp.to_string());
        out["receivedAt"] = json!(self.received_at.to_string());
        out["sentAt"] = json!(self.sent_at.unwrap_or(self.received_at).to_string());
        out["messageId"] = json!(self.message_id);
        out["version"] = json!(2);
        out["channel"] = json!("server");
        out["projectId"] = json!(self.key);
        out
    }
}

/// A message that was answered 200 and thrown away.
#[derive(Debug, Clone)]
pub struct Dropped {
    /// Segment's code.
    pub code: &'static str,
    /// What was wrong.
    pub detail: String,
    /// The message's text; empty for an empty batch.
    pub raw: String,
    /// Its `messageId`, if it had one.
    pub message_id: Option<String>,
}

/// Something that costs nothing here but may cost something elsewhere.
#[derive(Debug, Clone)]
pub struct Warning {
    /// Our code.
    pub code: &'static str,
    /// What was seen.
    pub detail: String,
    /// The message it was seen in, if in one.
    pub message_id: Option<String>,
}

/// One request, whatever became of it.
#[derive(Debug, Clone)]
pub struct Recorded {
    /// The method.
    pub method: Method,
    /// The path.
    pub path: String,
    /// The headers.
    pub headers: HeaderMap,
    /// The body as it came, still encoded.
    pub body: Vec<u8>,
    /// The status that was answered; none if the connection was closed instead.
    pub status: Option<u16>,
    /// Why it was refused.
    pub refusal: Option<String>,
    /// `multi_user_error` if some messages were dropped, `empty_batch_result` if all were, `empty_batch` if there were none.
    pub result: Option<&'static str>,
    /// Which connection it came on, counted from 1.
    pub connection: u64,
    /// When it came.
    pub at: Instant,
}
