//! What the Segment libraries send, what they get as an answer, and the messages that come out.

mod messages;
mod requests;

use serde_json::{Value, json};

use crate::source::Source;
use crate::source::testing::{Call, build};

fn segment() -> Box<dyn Source> {
    build("- segment: { write_keys: [ key1, key2 ] }\n")
}

fn call(path: &str, body: &Value) -> Call {
    Call::new("POST", path, body.to_string()).header("authorization", "Basic a2V5MTo=")
}

fn message() -> Value {
    json!({ "type": "track", "event": "E", "userId": "u1", "messageId": "m1", "timestamp": "2026-01-15T10:20:00Z" })
}
