//! The rim on the way out: requests, files and standard output.

use std::io::Write;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use tokio::sync::Mutex;

use super::file_writer::FileWriter;
use super::lane::Shared;
use crate::pipeline::SinkPart;
use crate::sink::{Answer, Attempt, Judgement, Target};

/// The most of an answer's body that is read.
const ANSWER_BYTES_MAX: usize = 64 * 1024;

/// How one sink's batches leave the process.
pub(super) enum Transmitter {
    /// To a server.
    Http { client: reqwest::Client, timeout: Duration },
    /// Into a file; `durable`: each batch is synced, because a cursor moves past it.
    File { writer: Arc<Mutex<FileWriter>>, durable: bool },
    /// To standard output; `dry` tells where it would have gone.
    Console { pretty: bool, dry: Option<String>, out: Output },
}

/// Where console messages are written: standard output, or a buffer in tests.
#[derive(Clone)]
pub struct Output(pub Arc<std::sync::Mutex<dyn Write + Send>>);

impl Output {
    /// Standard output.
    pub fn stdout() -> Self {
        Self(Arc::new(std::sync::Mutex::new(anstream::stdout())))
    }

    /// Writes whole lines at once, so that messages of several sinks never mix.
    pub fn write(&self, text: &[u8]) -> std::io::Result<()> {
        let mut out = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        out.write_all(text)?;
        out.flush()
    }
}

/// What came of an attempt.
pub(super) struct Sent {
    pub(super) judgement: Judgement,
}

impl Transmitter {
    /// Opens what the sink needs. `dry`: nothing leaves the machine, messages are printed instead.
    pub(super) fn open(part: &SinkPart, shared: &Shared, durable: bool) -> Self {
        match part.sink.target() {
            Target::Http { .. } if shared.dry => {
                Self::Console { pretty: true, dry: Some(part.sink.describe()), out: shared.out.clone() }
            }
            Target::Http { timeout_ms } => {
                Self::Http { client: shared.client.clone(), timeout: Duration::from_millis(timeout_ms) }
            }
            Target::File(target) => {
                let path = shared.dir.join(&target.path);
                let mut files = shared.files.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
                if let Some(writer) = files.get(&path).and_then(std::sync::Weak::upgrade) {
                    return Self::File { writer, durable };
                }
                let writer = Arc::new(Mutex::new(FileWriter::new(path.clone(), target)));
                files.insert(path, Arc::downgrade(&writer));
                Self::File { writer, durable }
            }
            Target::Console { pretty } => Self::Console { pretty, dry: None, out: shared.out.clone() },
        }
    }

    /// The same way out, for a batch beside others.
    pub(super) fn share(&self) -> Self {
        match self {
            Self::Http { client, timeout } => Self::Http { client: client.clone(), timeout: *timeout },
            Self::File { writer, durable } => Self::File { writer: Arc::clone(writer), durable: *durable },
            Self::Console { pretty, dry, out } => Self::Console { pretty: *pretty, dry: dry.clone(), out: out.clone() },
        }
    }

    /// Sends a batch once.
    pub(super) async fn transmit(&mut self, part: &SinkPart, messages: &[Bytes], retries: u32) -> Sent {
        let judgement = match self {
            Self::Http { client, timeout } => http(client, *timeout, part, messages, retries).await,
            Self::File { writer, durable } => {
                let mut writer = Arc::clone(writer).lock_owned().await;
                let (messages, durable) = (messages.to_vec(), *durable);
                // A slow disk must not hold up the runtime.
                let written = tokio::task::spawn_blocking(move || {
                    writer.append(&messages)?;
                    if durable { writer.sync() } else { Ok(()) }
                })
                .await;
                io_judgement(written.map_err(std::io::Error::other).and_then(|written| written))
            }
            Self::Console { pretty, dry, out } => {
                let (out, text) = (out.clone(), console_text(messages, *pretty, dry.as_deref()));
                // Who reads the output may pause for as long as they like.
                let written = tokio::task::spawn_blocking(move || out.write(&text)).await;
                io_judgement(written.map_err(std::io::Error::other).and_then(|written| written))
            }
        };
        Sent { judgement }
    }

    /// Makes sure that what was written is on the disk.
    pub(super) async fn close(self) {
        if let Self::File { writer, .. } = self {
            let mut writer = writer.lock_owned().await;
            let closed = tokio::task::spawn_blocking(move || writer.sync()).await;
            if let Ok(Err(error)) = closed {
                tracing::error!(%error, "a sink's file could not be synced");
            }
        }
    }
}

fn io_judgement(result: std::io::Result<()>) -> Judgement {
    match result {
        Ok(()) => Judgement::Delivered,
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => {
            Judgement::Halt { reason: "nobody reads the output any more".to_owned() }
        }
        Err(error) => Judgement::Retry { after_ms: None, reason: error.to_string() },
    }
}

async fn http(
    client: &reqwest::Client,
    timeout: Duration,
    part: &SinkPart,
    messages: &[Bytes],
    retries: u32,
) -> Judgement {
    let Some(outgoing) = caught(|| part.sink.request(messages, &Attempt { now_ms: now_ms(), retries })) else {
        return internal_error();
    };
    let Ok(method) = reqwest::Method::from_bytes(outgoing.method.as_bytes()) else {
        return Judgement::Halt { reason: format!("`{}` is no HTTP method", outgoing.method) };
    };
    let mut request = client.request(method, &outgoing.url).timeout(timeout).body(outgoing.body);
    for (name, value) in outgoing.headers {
        request = request.header(name, value);
    }
    let mut response = match request.send().await {
        Ok(response) => response,
        Err(error) if error.is_builder() => {
            return Judgement::Halt { reason: format!("the request cannot be built: {}", chain(&error)) };
        }
        Err(error) => return Judgement::Retry { after_ms: None, reason: chain(&error) },
    };
    let mut body = Vec::new();
    loop {
        match response.chunk().await {
            Ok(Some(chunk)) if body.len() < ANSWER_BYTES_MAX => body.extend_from_slice(&chunk),
            Ok(Some(_)) => {}
            Ok(None) => break,
            Err(error) => {
                // The status says what matters, unless it is a success that was cut short: that may not have been stored.
                if response.status().is_success() {
                    return Judgement::Retry {
                        after_ms: None,
                        reason: format!("the answer broke off: {}", chain(&error)),
                    };
                }
                break;
            }
        }
    }
    let answer = Answer {
        status: response.status().as_u16(),
        headers: response.headers(),
        body: &body,
        messages: messages.len(),
        now_ms: now_ms(),
    };
    caught(|| part.sink.judge(&answer)).unwrap_or_else(internal_error)
}

/// A sink that fails on a message must not end the task that serves all of them.
fn caught<T>(run: impl FnOnce() -> T) -> Option<T> {
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(run)).ok()
}

/// The batch is split until the message that is to blame stands alone; that one becomes a dead letter.
fn internal_error() -> Judgement {
    Judgement::Reject { reason: "Cartwire failed on this message; please report it".to_owned() }
}

/// An error with its causes, without the address: an address may carry credentials.
pub(super) fn chain(error: &reqwest::Error) -> String {
    let mut text = if error.is_timeout() {
        "no answer in time".to_owned()
    } else if error.is_connect() {
        "cannot connect".to_owned()
    } else {
        "the request failed".to_owned()
    };
    let mut source = std::error::Error::source(error);
    while let Some(inner) = source {
        let inner_text = inner.to_string();
        if !text.contains(&inner_text) {
            text.push_str(": ");
            text.push_str(&inner_text);
        }
        source = inner.source();
    }
    text
}

fn console_text(messages: &[Bytes], pretty: bool, dry: Option<&str>) -> Vec<u8> {
    let mut text = Vec::new();
    for message in messages {
        if let Some(target) = dry {
            let about = about(message);
            text.extend_from_slice(format!("\u{1b}[2m# dry run, not sent to {target}: {about}\u{1b}[0m\n").as_bytes());
        }
        if pretty {
            text.extend_from_slice(crate::json::pretty(message).as_bytes());
        } else {
            text.extend_from_slice(message);
        }
        text.push(b'\n');
    }
    text
}

/// A message in a few words: `track Order Completed`.
fn about(message: &[u8]) -> String {
    #[derive(serde::Deserialize)]
    struct Head<'a> {
        #[serde(borrow, rename = "type")]
        kind: Option<std::borrow::Cow<'a, str>>,
        #[serde(borrow)]
        event: Option<std::borrow::Cow<'a, str>>,
    }
    let Ok(head) = serde_json::from_slice::<Head<'_>>(message) else { return String::new() };
    [head.kind, head.event].into_iter().flatten().collect::<Vec<_>>().join(" ")
}

/// The wall clock, in milliseconds since 1970.
pub(super) fn now_ms() -> i64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_millis() as i64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{Event, Refused};
    use crate::sink::{Batching, EventId, Outgoing, Sink};

    /// Fails on whatever it is given.
    struct Panics;

    impl Sink for Panics {
        fn target(&self) -> Target {
            Target::Http { timeout_ms: 1000 }
        }

        fn encode(&self, _: &Event, _: &EventId<'_>, _: &mut Vec<u8>) -> Result<(), Refused> {
            Ok(())
        }

        fn batching(&self) -> Batching {
            Batching { events_max: 1, bytes_max: 1, linger_ms: 0, concurrency: 1 }
        }

        fn request(&self, messages: &[Bytes], _: &Attempt) -> Outgoing {
            panic!("cannot write {messages:?}")
        }

        fn judge(&self, answer: &Answer<'_>) -> Judgement {
            panic!("cannot read {}", answer.status)
        }

        fn describe(&self) -> String {
            String::new()
        }
    }

    #[tokio::test]
    async fn a_sink_that_panics_refuses_the_message() {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let part = SinkPart { id: "p".into(), kind: "p", sink: Arc::new(Panics), fingerprint: [0; 32] };
        let judgement = http(&reqwest::Client::new(), Duration::from_secs(1), &part, &[Bytes::new()], 0).await;
        assert!(matches!(judgement, Judgement::Reject { .. }), "{judgement:?}");
    }
}
