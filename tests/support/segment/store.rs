//! What the fake remembers, and how it takes a request: faults first, then the request level, then each message.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use serde_json::{Value, json};

use super::ecommerce::{self, Lint};
use super::faults::{self, Action, Fault};
use super::json::Item;
use super::record::{Dropped, Recorded, Stored, Warning};
use super::request::{MESSAGE_BYTES_MAX, Parsed, Request, Route};
use super::validate::{self, Finding, Severity};
use super::{context, time};

/// Everything behind the mutex.
#[derive(Debug)]
pub struct Store {
    /// Whether a dropped message fails the test.
    pub strict: bool,
    /// The e-commerce lint.
    pub lint: Lint,
    /// Faults to come.
    pub faults: Vec<Fault>,
    /// Keys whose messages are dropped, with the code.
    pub refused_keys: BTreeMap<String, &'static str>,
    /// Unique messages in order.
    pub received: Vec<Stored>,
    /// Repeated messages in order.
    pub duplicates: Vec<Stored>,
    /// Dropped messages in order.
    pub dropped: Vec<Dropped>,
    /// Warnings in order.
    pub warnings: Vec<Warning>,
    /// What fails a test in strict mode.
    pub violations: Vec<String>,
    /// All requests in order.
    pub requests: Vec<Recorded>,
    /// Requests per `messageId`, counting those that a fault refused.
    pub attempts: BTreeMap<String, usize>,
    /// Requests being answered at the moment, and the most there ever were.
    pub in_flight: (usize, usize),
    /// Until when a polite client sends nothing.
    pub silent_until: Option<Instant>,
}

/// What to answer, and the misbehaviour on the way.
#[derive(Debug)]
pub struct Verdict {
    /// The status; none to close the connection instead.
    pub status: Option<u16>,
    /// Why it is not 200.
    pub refusal: Option<String>,
    /// The fault that applies.
    pub fault: Option<Action>,
}

impl Default for Store {
    fn default() -> Self {
        Self {
            strict: true,
            lint: Lint::Warn,
            faults: Vec::new(),
            refused_keys: BTreeMap::new(),
            received: Vec::new(),
            duplicates: Vec::new(),
            dropped: Vec::new(),
            warnings: Vec::new(),
            violations: Vec::new(),
            requests: Vec::new(),
            attempts: BTreeMap::new(),
            in_flight: (0, 0),
            silent_until: None,
        }
    }
}

impl Store {
    /// Takes a single call or a batch.
    pub fn take(&mut self, request: &Request, route: &Route, received: Timestamp) -> Verdict {
        let parsed = request.parse(route);
        let ids: Vec<_> = parsed.iter().flat_map(|p| &p.items).filter_map(message_id).collect();
        for id in ids {
            *self.attempts.entry(id).or_default() += 1;
        }
        if self.silent_until.is_some_and(|until| Instant::now() < until) {
            self.warn(&Finding::warn("retry_after_ignored", "a request before Retry-After had passed"), None);
        }
        let has = |marker: &str| {
            parsed
                .iter()
                .flat_map(|p| &p.items)
                .any(|item| item.value["messageId"] == marker || item.value["event"] == marker)
        };
        let body_bytes = parsed.as_ref().map_or(request.body.len(), |p| p.text.len());
        let fault = faults::next(&mut self.faults, body_bytes, has);
        let (status, refusal, result) = match &fault {
            Some(Action::Refuse { status, retry_after_s, .. }) => {
                self.silent_until = retry_after_s.map(|s| Instant::now() + Duration::from_secs(s));
                (Some(*status), Some("a fault was set".to_owned()), None)
            }
            Some(Action::CloseBeforeReply) => (None, None, None),
            _ => match parsed.and_then(|parsed| self.accept(request, &parsed, received)) {
                Ok(result) => (if fault == Some(Action::ProcessThenClose) { None } else { Some(200) }, None, result),
                Err(refusal) => (Some(400), Some(refusal), None),
            },
        };
        self.record(request, status, refusal.clone(), result);
        Verdict { status, refusal, fault }
    }

    /// Remembers a request.
    pub fn record(
        &mut self,
        request: &Request,
        status: Option<u16>,
        refusal: Option<String>,
        result: Option<&'static str>,
    ) {
        self.requests.push(Recorded {
            method: request.method.clone(),
            path: request.path.clone(),
            headers: request.headers.clone(),
            body: request.body.clone(),
            status,
            refusal,
            result,
            connection: request.connection,
            at: Instant::now(),
        });
    }

    /// Takes one message from a query.
    pub fn take_pixel(&mut self, request: &Request, parsed: &Parsed, received: Timestamp) {
        let result = self.accept(request, parsed, received);
        let refusal = result.err();
        self.record(request, Some(200), refusal, None);
    }

    fn accept(
        &mut self,
        request: &Request,
        parsed: &Parsed,
        received: Timestamp,
    ) -> Result<Option<&'static str>, String> {
        if self.strict
            && let Some(item) = parsed.items.iter().find(|item| item.span.len() > MESSAGE_BYTES_MAX)
        {
            return Err(format!("Exceed payload limit: a message of {} bytes", item.span.len()));
        }
        parsed.found.iter().for_each(|finding| self.warn(finding, None));
        if parsed.items.is_empty() {
            self.drop_message(&Finding::drop("empty_batch", "no messages"), "", None);
        }
        let dropped_before = self.dropped.iter().filter(|d| d.code != "duplicate").count();
        for item in &parsed.items {
            self.message(request, parsed, item, received);
        }
        let dropped = self.dropped.iter().filter(|d| d.code != "duplicate").count() - dropped_before;
        Ok(match dropped {
            _ if parsed.items.is_empty() => Some("empty_batch"),
            0 => None,
            n if n == parsed.items.len() => Some("empty_batch_result"),
            _ => Some("multi_user_error"),
        })
    }

    fn message(&mut self, request: &Request, parsed: &Parsed, item: &Item, received: Timestamp) {
        let raw = &parsed.text[item.span.clone()];
        let mut merged = item.value.clone();
        if let Some(map) = merged.as_object_mut() {
            context::merge(map, &parsed.envelope);
            map.entry("type").or_insert_with(|| json!(parsed.path_type));
        }
        let mut found = Vec::new();
        if let Some(code) = self.refused_keys.get(&parsed.key) {
            found.push(Finding::drop(code, format!("write key {}", parsed.key)));
        }
        if parsed.items.len() > 2500 {
            found.push(Finding::drop("bad_request", "more than 2,500 messages in a batch"));
        }
        match raw.len() {
            0..=32_000 => {}
            bytes if bytes > MESSAGE_BYTES_MAX => {
                found.push(Finding::drop("bad_request", format!("a message of {bytes} bytes")));
            }
            bytes => found.push(Finding::warn("near_message_limit", format!("a message of {bytes} bytes"))),
        }
        validate::message(&merged, parsed.path_type, &item.notes, &mut found);
        ecommerce::lint(&merged, self.lint, &mut found);
        let none = serde_json::Map::new();
        let times = time::times(merged.as_object().unwrap_or(&none), &parsed.envelope, received, &mut found);
        let id = message_id(item);
        found.iter().filter(|f| f.severity == Severity::Warn).for_each(|f| self.warn(f, id.clone()));
        let mut drops = found.iter().filter(|f| f.severity == Severity::Drop).peekable();
        if drops.peek().is_some() {
            // One message is one drop, under the first code; further reasons are told with it.
            let code = drops.peek().map_or("bad_request", |first| first.code);
            let detail: Vec<_> = drops.map(|f| format!("{}: {}", f.code, f.detail)).collect();
            self.drop_message(&Finding::drop(code, detail.join("; ")), raw, id);
            return;
        }
        let stored = Stored {
            raw: raw.to_owned(),
            message: item.value.clone(),
            merged,
            envelope: if parsed.path_type.is_some() { Value::Null } else { Value::Object(parsed.envelope.clone()) },
            headers: request.headers.clone(),
            path: request.path.clone(),
            key: parsed.key.clone(),
            message_id: id.clone().unwrap_or_else(|| format!("api-{}", uuid::Uuid::new_v4().simple())),
            sent_at: times.sent,
            timestamp: times.computed(received),
            received_at: received,
        };
        match self.received.iter().find(|first| first.message_id == stored.message_id) {
            None => self.received.push(stored),
            Some(first) => {
                if content(first) != content(&stored) {
                    let text = format!(
                        "duplicate: {} came again with other content:\n  {}\n  {raw}",
                        stored.message_id, first.raw
                    );
                    self.violations.push(text);
                }
                self.dropped.push(Dropped {
                    code: "duplicate",
                    detail: "seen before".to_owned(),
                    raw: raw.to_owned(),
                    message_id: id,
                });
                self.duplicates.push(stored);
            }
        }
    }

    fn drop_message(&mut self, finding: &Finding, raw: &str, message_id: Option<String>) {
        self.violations.push(format!("{}: {}\n  {raw}", finding.code, finding.detail));
        self.dropped.push(Dropped {
            code: finding.code,
            detail: finding.detail.clone(),
            raw: raw.to_owned(),
            message_id,
        });
    }

    fn warn(&mut self, finding: &Finding, message_id: Option<String>) {
        self.warnings.push(Warning { code: finding.code, detail: finding.detail.clone(), message_id });
    }
}

/// What must be equal when a message comes again: all but what a sender writes anew at each attempt.
fn content(stored: &Stored) -> Value {
    let mut content = stored.merged.clone();
    if let Some(map) = content.as_object_mut() {
        map.retain(|key, _| !["sentAt", "_metadata"].contains(&key.as_str()));
    }
    content
}

fn message_id(item: &Item) -> Option<String> {
    item.value.get("messageId").and_then(Value::as_str).map(str::to_owned)
}
