//! What a run asks of the outside: a request as a value, and its answer as a value.
//!
//! A step that needs an answer it does not have names the [`Lookup`] and ends; whoever runs the pipeline performs it and runs
//! the delivery again with the answer at hand. So nothing that runs events ever waits, and a fixture answers from a list.

use std::collections::BTreeMap;
use std::sync::Arc;

use sha2::{Digest, Sha256};

/// A request whose answer a step needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lookup {
    /// Upper-case method.
    pub method: String,
    /// The whole address.
    pub url: String,
    /// Headers that go along: lower-case name, value. May hold secrets; never shown.
    pub headers: Vec<(String, String)>,
    /// The body; empty for none.
    pub body: Vec<u8>,
    /// How long one attempt may take.
    pub timeout_ms: u64,
    /// How long the answer may serve others who ask the same; 0: not at all.
    pub cache_ms: u64,
    /// What the part that asks may reach, and how fast.
    pub access: Arc<Access>,
}

/// What a part may reach over the network.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Access {
    /// Hosts as they are listed: `api.example.com`, `*.example.com`, `host:port`, an address, or a network `10.0.0.0/8`.
    pub allow: Vec<String>,
    /// Requests per second to one host; 0: as many as come.
    pub per_second: u32,
    /// Requests under way to one host at once.
    pub concurrent: u32,
}

/// What came back.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Answer {
    /// The status; 0 when there was no answer.
    pub status: u16,
    /// Headers: lower-case name, value.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
    /// Why there was no answer.
    pub error: Option<String>,
}

/// What tells one lookup from another.
pub type LookupKey = [u8; 32];

impl Lookup {
    /// Equal for two lookups that ask the same. Covers headers, since an answer may depend on who asks.
    pub fn key(&self) -> LookupKey {
        let mut hasher = Sha256::new();
        let mut put = |bytes: &[u8]| {
            hasher.update((bytes.len() as u64).to_le_bytes());
            hasher.update(bytes);
        };
        put(self.method.as_bytes());
        put(self.url.as_bytes());
        for (name, value) in &self.headers {
            put(name.as_bytes());
            put(value.as_bytes());
        }
        put(&self.body);
        hasher.finalize().into()
    }

    /// Method and address without the query, which may hold a secret: for logs.
    pub fn shown(&self) -> String {
        let address = self.url.split(['?', '#']).next().unwrap_or_default();
        format!("{} {address}", self.method)
    }
}

/// The answers that a run has at hand.
#[derive(Debug, Clone, Default)]
pub struct Answers {
    known: BTreeMap<LookupKey, Arc<Answer>>,
    /// No further lookups: the run has asked for too many.
    pub exhausted: bool,
}

/// Lookups that one delivery may need, one after another.
pub const ROUNDS_MAX: usize = 32;

impl Answers {
    /// The answer, if it is there.
    pub fn get(&self, key: &LookupKey) -> Option<&Arc<Answer>> {
        self.known.get(key)
    }

    /// Puts an answer in.
    pub fn put(&mut self, key: LookupKey, answer: Arc<Answer>) {
        self.known.insert(key, answer);
    }
}
