//! Fixtures: recorded deliveries in, expected sink messages out. Used by `test`, by `send`, and by `run --samples`.
//!
//! A case goes the whole way, from the raw signed request to the encoded message, with time and ids fixed.

mod bless;
mod compare;
mod emit;
pub mod keys;
mod load;
mod outside;
mod report;
mod run;
mod world;

use crate::diag::Span;
use crate::pipeline::SourcePart;
use crate::source::Sample;

pub use bless::bless;
pub use load::load;
pub use outside::Canned;
pub use report::{diff_lines, json as report_json, text as report_text};
pub use run::{CaseResult, Failure, run_case};

/// One fixture file.
#[derive(Debug, Clone)]
pub struct Case {
    /// The pipeline that it tests.
    pub pipeline: String,
    /// File name without ending.
    pub name: String,
    /// The file, relative to the project folder.
    pub file: String,
    /// The deliveries, in order.
    pub given: Vec<Given>,
    /// Answers to lookups.
    pub http: Vec<Canned>,
    /// What the scripts' clock says at first, in milliseconds since 1970.
    pub now_ms: i64,
    /// Expected messages; `None`: not stated yet, which fails until it is blessed.
    pub expect: Option<Expect>,
    /// Expected ends without a message: reasons of dropped events.
    pub dropped: Option<Vec<String>>,
    /// Expected dead letters, one by one: `code` or part of the reason.
    pub dead: Vec<String>,
    /// The values of those who must be erased.
    pub erased: Option<Vec<String>>,
    /// Whether messages may have no further keys than the expected ones.
    pub exact: bool,
    /// Whether its deliveries serve as samples; see [`samples`].
    pub sample: bool,
    /// Values for the pipeline's variables.
    pub env: Vec<(String, String)>,
    /// Where `expect` stands in the file, key and value, for blessing.
    pub expect_span: Option<Span>,
}

/// The cases whose deliveries stand for a pipeline, for `send`, `run --samples` and `new`: those marked `sample: true`, or all
/// when none is marked.
pub fn samples<'a>(cases: &'a [Case], pipeline: &str) -> Vec<&'a Case> {
    let own: Vec<_> = cases.iter().filter(|case| case.pipeline == pipeline).collect();
    let marked: Vec<_> = own.iter().copied().filter(|case| case.sample).collect();
    if marked.is_empty() { own } else { marked }
}

/// Expected messages.
#[derive(Debug, Clone)]
pub enum Expect {
    /// For the only sink, or for each sink alike.
    Messages(Vec<serde_json::Value>),
    /// By sink id; nothing for a sink that is not named.
    BySink(Vec<(String, Vec<serde_json::Value>)>),
}

/// One delivery of a fixture.
#[derive(Debug, Clone)]
pub struct Given {
    /// Id or kind of the source; the first one if not given.
    pub source: Option<String>,
    /// The time that passes before it comes in.
    pub after_ms: u64,
    /// Upper-case method.
    pub method: String,
    /// Path below the source's own.
    pub path: String,
    /// Query string without `?`.
    pub query: String,
    /// Headers; signatures are added by the source if `sign` is set.
    pub headers: Vec<(String, String)>,
    /// The raw body.
    pub body: Vec<u8>,
    /// Whether the source signs the request as its sender would.
    pub sign: bool,
    /// The expected answer; any 2xx if not given.
    pub status: Option<u16>,
}

impl Given {
    /// A POST of a body.
    pub fn new(source: Option<String>, body: Vec<u8>) -> Self {
        Self {
            source,
            after_ms: 0,
            method: "POST".to_owned(),
            path: String::new(),
            query: String::new(),
            headers: Vec::new(),
            body,
            sign: true,
            status: None,
        }
    }

    /// Whether it is meant for that source.
    pub fn is_for(&self, part: &SourcePart) -> bool {
        self.source.as_deref().is_none_or(|source| *part.id == *source || part.kind == source)
    }

    /// As a request that a source can sign.
    pub fn sample(&self) -> Sample {
        Sample {
            method: self.method.clone(),
            path: self.path.clone(),
            query: self.query.clone(),
            headers: self.headers.clone(),
            body: self.body.clone(),
        }
    }

    /// Sets a header, replacing one of that name.
    pub fn set_header(&mut self, name: &str, value: &str) {
        let mut sample = self.sample();
        sample.set_header(name, value);
        self.headers = sample.headers;
    }

    /// A few words for lists: the topic, if there is one.
    pub fn about(&self) -> String {
        self.headers
            .iter()
            .find(|(name, _)| name.to_ascii_lowercase().ends_with("topic"))
            .map_or_else(String::new, |(_, value)| value.clone())
    }
}

#[cfg(test)]
mod tests;
