//! Source adapters: they say who may deliver (`verify`, before the answer) and what a delivery means (`decode`, after it).
//!
//! Both are pure: the engine owns sockets, files and the clock. Only `verify` sees unauthenticated bytes.

pub mod bigcommerce;
pub mod bigcommerce_storefront;
pub mod cors;
pub mod file;
pub mod form;
pub mod listen;
pub mod medusa;
pub mod orders;
pub mod segment;
pub mod segment_webhook;
pub mod shopify;
pub mod shopify_pixel;
#[cfg(test)]
mod testing;
pub mod time;
pub mod verify;
pub mod webhook;

use rhai::Dynamic;

use crate::diag::Diag;
pub use crate::event::Refused;
use crate::event::{Delivery, Event};
use crate::json::Mask;
use crate::registry::{Def, Options};
use orders::Listing;

/// All sources, sorted by name.
pub static SOURCES: &[&SourceDef] = &[
    &bigcommerce::DEF,
    &bigcommerce_storefront::DEF,
    &file::DEF,
    &medusa::DEF,
    &segment::DEF,
    &segment_webhook::DEF,
    &shopify::DEF,
    &shopify_pixel::DEF,
    &webhook::DEF,
];

/// An adapter as it is listed: the definition and how to build it from options.
pub struct SourceDef {
    /// Name, options, example.
    pub def: Def,
    /// Checks what the option types cannot, and builds. Opens nothing.
    pub build: Build,
}

/// Builds a source, or says all that is wrong with its options.
pub type Build = fn(&Options, &Place<'_>) -> Result<Box<dyn Source>, Vec<Diag>>;

/// Where a source is being built.
#[derive(Debug, Clone, Copy)]
pub struct Place<'a> {
    /// The pipeline's name.
    pub pipeline: &'a str,
    /// The part's name (`shopify`): the default path is `/<pipeline>/<kind>`.
    pub kind: &'a str,
}

/// One source adapter, built from options.
pub trait Source: Send + Sync {
    /// Where its deliveries come from.
    fn input(&self) -> Input;

    /// Judges a request before it is answered. Called for every request at or below the source's path.
    fn verify(&self, request: &Request<'_>) -> Verdict;

    /// Turns a journaled delivery into events. Pure and repeatable: the same delivery gives the same events. Positions of
    /// refused ones are kept, so that one bad event of a batch becomes one dead letter.
    fn decode(&self, delivery: &Delivery) -> Vec<Result<Event, Refused>>;

    /// [`Source::decode`] of what the mask names of an event; what the source itself looks at is its own affair. Only worth it where
    /// bodies are large.
    fn decode_masked(&self, delivery: &Delivery, _mask: &Mask) -> Vec<Result<Event, Refused>> {
        self.decode(delivery)
    }

    /// What makes two deliveries the same one: a sender's delivery id where there is one. Event ids derive from it, so it
    /// must not change over redeliveries, and must differ between different deliveries.
    fn identity(&self, delivery: &Delivery) -> String {
        default_identity(delivery)
    }

    /// Whether deliveries have that header, in lower case, where the sender gives it; none if that cannot be told.
    fn keeps(&self, _header: &str) -> Option<bool> {
        None
    }

    /// What can be asked of the orders of those who deliver here, for `cartwire reconcile`.
    fn orders(&self) -> Listing<'_> {
        Listing::Never
    }

    /// The largest body that is accepted, in bytes, after content decoding.
    fn body_bytes_max(&self) -> usize {
        8 * 1024 * 1024
    }

    /// The answer when the journal is full or closed for the moment.
    fn overloaded(&self, retry_after_s: u64) -> Reply {
        Reply::text(503, "busy, try again later\n").header("retry-after", &retry_after_s.to_string())
    }

    /// Dresses an answer that the engine gives in the source's place (too large, unreadable), as with CORS headers.
    fn refused(&self, reply: Reply) -> Reply {
        reply
    }

    /// Completes a sample request as a real sender would: signature, delivery id, topic. Used by `send` and by fixtures.
    fn sign(&self, sample: &mut Sample, now_ms: i64);
}

/// Where deliveries come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Input {
    /// HTTP requests at a path.
    Http {
        /// Starts with `/`, no trailing slash except for `/` itself.
        path: String,
        /// Whether requests below the path belong to it too.
        below: bool,
    },
    /// Files, each line (NDJSON) or array item one delivery.
    Files(FileInput),
}

/// What a file source reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileInput {
    /// Files, folders or globs, relative to the project folder; `-` is standard input.
    pub paths: Vec<String>,
}

/// A request as the engine hands it over.
#[derive(Debug)]
pub struct Request<'a> {
    /// Upper-case method.
    pub method: &'a str,
    /// The rest of the path below the source's own: empty or starting with `/`.
    pub path: &'a str,
    /// Query string without `?`.
    pub query: &'a str,
    /// All headers; values that are not text are left out.
    pub headers: &'a http::HeaderMap,
    /// Address of the peer (or of the client, behind a trusted proxy), without port.
    pub peer: &'a str,
    /// The body as it was sent: what signatures cover.
    pub wire: &'a [u8],
    /// The body after `Content-Encoding: gzip` was undone; the same as `wire` otherwise.
    pub body: &'a [u8],
    /// Now, in milliseconds since 1970.
    pub now_ms: i64,
}

impl Request<'_> {
    /// A header as text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
}

/// What `verify` decides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Journal it, then answer.
    Accept {
        /// The headers to keep (lower-case names, no secrets).
        headers: Vec<(String, String)>,
        /// The answer after the fsync.
        reply: Reply,
    },
    /// Answer at once; nothing is journaled (preflight, settings, health of a sender).
    Answer(Reply),
    /// Refuse, and count the reason.
    Reject {
        /// The answer, 4xx.
        reply: Reply,
        /// A stable word for metrics and logs, as `bad-signature`.
        reason: &'static str,
    },
}

/// An HTTP answer.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Reply {
    /// The status.
    pub status: u16,
    /// Headers, lower-case names.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

impl Reply {
    /// No body.
    pub fn empty(status: u16) -> Self {
        Self { status, ..Self::default() }
    }

    /// A plain text.
    pub fn text(status: u16, body: &str) -> Self {
        Self::empty(status).header("content-type", "text/plain; charset=utf-8").with_body(body.as_bytes().to_vec())
    }

    /// A JSON body, given as text.
    pub fn json(status: u16, body: &str) -> Self {
        Self::empty(status).header("content-type", "application/json").with_body(body.as_bytes().to_vec())
    }

    /// Adds a header.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Sets the body.
    #[must_use]
    pub fn with_body(mut self, body: Vec<u8>) -> Self {
        self.body = body;
        self
    }
}

/// A sample request that `sign` completes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sample {
    /// Upper-case method.
    pub method: String,
    /// Path below the source's own.
    pub path: String,
    /// Query string without `?`.
    pub query: String,
    /// Headers so far.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

impl Sample {
    /// Whether a header is given already.
    pub fn has_header(&self, name: &str) -> bool {
        self.headers.iter().any(|(have, _)| have.eq_ignore_ascii_case(name))
    }

    /// Sets a header, replacing one of that name.
    pub fn set_header(&mut self, name: &str, value: &str) {
        self.headers.retain(|(have, _)| !have.eq_ignore_ascii_case(name));
        self.headers.push((name.to_owned(), value.to_owned()));
    }
}

/// A delivery's identity when the sender gives none: its place in the journal and all that was received.
pub fn default_identity(delivery: &Delivery) -> String {
    use sha2::{Digest, Sha256};
    let mut hasher = Sha256::new();
    for part in [&*delivery.pipeline, &*delivery.source, &*delivery.path, &*delivery.query] {
        hasher.update(part);
        hasher.update([0]);
    }
    hasher.update(delivery.seq.to_le_bytes());
    hasher.update(delivery.received_ms.to_le_bytes());
    hasher.update(&delivery.body);
    hex::encode(&hasher.finalize()[..16])
}

/// What a decoded value is, for messages.
fn kind(value: &Dynamic) -> &'static str {
    if value.is_map() {
        "an object"
    } else if value.is_array() {
        "an array"
    } else if value.is_string() {
        "a string"
    } else if value.is_bool() {
        "true or false"
    } else if value.is_unit() {
        "null"
    } else {
        "a number"
    }
}
