//! Sink `http`: events as JSON to any server.

use bytes::Bytes;
use http::header::{HeaderName, HeaderValue};
use url::Url;

use super::answer::{self, Policy};
use super::gzip::gzip;
use super::members::grouped;
use super::signature::Signature;
use super::{Answer, Attempt, Batching, EventId, Judgement, Outgoing, Refused, Sink, Target, not_json, refused};
use crate::diag::Diag;
use crate::event::Event;
use crate::json::{self, Mask};
use crate::registry::{OptionValue, Options};

mod def;

pub(super) use def::HTTP;

struct Http {
    url: String,
    /// The address without what may be a secret.
    shown: String,
    method: &'static str,
    headers: Vec<(String, String)>,
    format: Format,
    gzip: bool,
    success: Vec<u16>,
    signature: Option<Signature>,
    timeout_ms: u64,
    batching: Batching,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Format {
    Json,
    Array,
    Ndjson,
}

fn build(options: &Options) -> Result<Box<dyn Sink>, Vec<Diag>> {
    let mut problems = Vec::new();
    let url = options.text("url").trim();
    let parsed = Url::parse(url).ok().filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
    if parsed.is_none() {
        // The value may hold a secret from the environment: it is not repeated.
        let problem = options.error("url", "wrong-value", "`url` is not an http or https address");
        problems.push(problem.help("write it with its scheme, as https://example.com/events"));
    }
    if options.int("timeout") == 0 {
        problems.push(options.error("timeout", "wrong-value", "`timeout` must be longer than nothing"));
    }
    if options.int("batch_bytes") < 1024 {
        problems.push(options.error("batch_bytes", "wrong-value", "`batch_bytes` is below 1,024 bytes"));
    }
    let headers = headers(options, &mut problems);
    if HeaderName::try_from(options.text("sign_header")).is_err() {
        problems.push(options.error("sign_header", "wrong-value", "`sign_header` is not the name of a header"));
    }
    let Some(parsed) = parsed.filter(|_| problems.is_empty()) else {
        return Err(problems);
    };
    let format = match options.text("format") {
        "array" => Format::Array,
        "ndjson" => Format::Ndjson,
        _ => Format::Json,
    };
    let events_max = if format == Format::Json { 1 } else { options.int("batch_events") as usize };
    Ok(Box::new(Http {
        url: url.to_owned(),
        shown: format!("{}{}", parsed.origin().ascii_serialization(), parsed.path()),
        method: if options.text("method") == "PUT" { "PUT" } else { "POST" },
        headers,
        format,
        gzip: options.bool("gzip"),
        success: options.items("success").iter().filter_map(|(value, _)| status(value)).collect(),
        signature: Signature::from_options(options),
        timeout_ms: options.int("timeout") as u64,
        batching: Batching {
            events_max,
            // Two brackets come to it, and the separator that is counted for the last message goes.
            bytes_max: options.int("batch_bytes") as usize - 1,
            linger_ms: if events_max == 1 { 0 } else { options.int("linger") as u64 },
            concurrency: options.int("concurrency") as usize,
        },
    }))
}

fn status(value: &OptionValue) -> Option<u16> {
    match value {
        OptionValue::Int(status) => u16::try_from(*status).ok(),
        _ => None,
    }
}

/// The user's headers, checked here so that no request can fail on them later.
fn headers(options: &Options, problems: &mut Vec<Diag>) -> Vec<(String, String)> {
    let mut headers = Vec::new();
    for (name, name_span, value, value_span) in options.entries("headers") {
        let problem = |message: &str, span: &std::ops::Range<usize>| {
            Diag::error("bad-header", message).at(options.file(), span.clone())
        };
        if HeaderName::try_from(name.as_str()).is_err() {
            problems.push(problem(&format!("`{name}` is not the name of a header"), name_span));
            continue;
        }
        if ["content-length", "transfer-encoding", "content-encoding", "host", "connection"]
            .contains(&&*name.to_ascii_lowercase())
        {
            problems.push(problem(&format!("`{name}` is set by the connection and cannot be given"), name_span));
            continue;
        }
        let OptionValue::Secret(value) = value else {
            continue;
        };
        if HeaderValue::try_from(value.reveal()).is_err() {
            problems.push(problem(&format!("the value of `{name}` cannot stand in a header"), value_span));
            continue;
        }
        headers.push((name.to_ascii_lowercase(), value.reveal().to_owned()));
    }
    headers
}

impl Http {
    fn body(&self, messages: &[Bytes]) -> Vec<u8> {
        let (open, separator, close) = match self.format {
            Format::Json => ("", "\n", ""),
            Format::Ndjson => ("", "\n", "\n"),
            Format::Array => ("[", ",", "]"),
        };
        let mut body = Vec::with_capacity(messages.iter().map(|message| message.len() + 1).sum::<usize>() + 2);
        body.extend_from_slice(open.as_bytes());
        for (at, message) in messages.iter().enumerate() {
            if at > 0 {
                body.extend_from_slice(separator.as_bytes());
            }
            body.extend_from_slice(message);
        }
        body.extend_from_slice(close.as_bytes());
        body
    }
}

impl Sink for Http {
    fn target(&self) -> Target {
        Target::Http { timeout_ms: self.timeout_ms }
    }

    fn encode(&self, event: &Event, _: &EventId<'_>, out: &mut Vec<u8>) -> Result<Option<String>, Refused> {
        let start = out.len();
        let written = json::encode(&event.value, &event.tape, out).map_err(|error| not_json(&error));
        let size = out.len() - start;
        let outcome = written.and_then(|()| {
            if size < self.batching.bytes_max {
                return Ok(None);
            }
            let max = grouped(self.batching.bytes_max + 1);
            Err(refused(
                "too-large",
                format!("the message has {} bytes, more than `batch_bytes` allows ({max})", grouped(size)),
            ))
        });
        if outcome.is_err() {
            out.truncate(start);
        }
        outcome
    }

    fn reads(&self) -> Mask {
        Mask::opened()
    }

    fn batching(&self) -> Batching {
        self.batching
    }

    fn request(&self, messages: &[Bytes], attempt: &Attempt) -> Outgoing {
        let mut headers = self.headers.clone();
        let mut header = |name: &str, value: &str| {
            // What the user sets goes before what is set by default.
            if !headers.iter().any(|(have, _)| have == name) {
                headers.push((name.to_owned(), value.to_owned()));
            }
        };
        header("content-type", if self.format == Format::Ndjson { "application/x-ndjson" } else { "application/json" });
        header("user-agent", concat!("cartwire/", env!("CARGO_PKG_VERSION")));
        if attempt.retries > 0 {
            header("x-retry-count", &attempt.retries.to_string());
        }
        let mut body = self.body(messages);
        if self.gzip
            && let Some(small) = gzip(&body)
        {
            header("content-encoding", "gzip");
            body = small;
        }
        if let Some(signature) = &self.signature {
            header(&signature.header, &signature.sign(&body));
        }
        Outgoing { method: self.method, url: self.url.clone(), headers, body }
    }

    fn judge(&self, answer: &Answer<'_>) -> Judgement {
        answer::judge(answer, Policy { success: &self.success, retry: &[], configuration: "`url` and `headers`" })
    }

    fn describe(&self) -> String {
        format!("{} {}", self.method, self.shown)
    }
}

#[cfg(test)]
mod tests;
