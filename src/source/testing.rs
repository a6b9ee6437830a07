//! For the tests of sources: build one from YAML, send it a request, look at the events.

use std::collections::BTreeMap;

use http::{HeaderMap, HeaderName, HeaderValue};

use super::{Place, Refused, Reply, Request, SOURCES, Sample, Source, Verdict};
use crate::diag::Diag;
use crate::event::{Delivery, Event};
use crate::json::{encode, to_json_value};
use crate::registry::{Environment, Source as Reading, read_options};

/// Variables for tests: all that are asked for are set to `secret`, unless they are given.
pub(super) struct Vars(pub(super) BTreeMap<&'static str, &'static str>);

impl Environment for Vars {
    fn var(&self, name: &str) -> Option<String> {
        Some((*self.0.get(name).unwrap_or(&"secret")).to_owned())
    }

    fn file(&self, _path: &str) -> Result<String, String> {
        Ok("secret".to_owned())
    }
}

/// Builds a source from a YAML list item, in the pipeline `shop`.
pub(super) fn try_build(yaml: &str) -> Result<Box<dyn Source>, Vec<Diag>> {
    let (node, problems) = crate::yaml::parse("shop.yaml", yaml);
    assert!(problems.is_empty(), "{problems:?}");
    let node = node.unwrap();
    let entry = &node.as_list().unwrap()[0].as_map().unwrap()[0];
    let part = SOURCES.iter().find(|part| part.def.name == entry.key).unwrap();
    let env = Vars(BTreeMap::new());
    let mut problems = Vec::new();
    let reading = Reading { file: "shop.yaml", env: &env };
    let options = read_options(&part.def, &entry.value, &entry.key_span, &reading, &mut problems);
    match options {
        Some(options) => (part.build)(&options, &Place { pipeline: "shop", kind: part.def.name }),
        None => Err(problems),
    }
}

/// The same, for YAML without mistakes.
pub(super) fn build(yaml: &str) -> Box<dyn Source> {
    try_build(yaml).unwrap_or_else(|problems| panic!("{problems:?}"))
}

/// The first problem of YAML with mistakes, as `code: message (help)`.
pub(super) fn problem(yaml: &str) -> String {
    let problems = try_build(yaml).err().unwrap();
    format!("{}: {}", problems[0].code, problems[0])
}

/// 15 January 2026, 10:20:30 UTC.
pub(super) const NOW_MS: i64 = 1_768_472_430_000;

/// A request, with what a test does not say filled in.
#[derive(Clone)]
pub(super) struct Call {
    pub(super) sample: Sample,
    pub(super) now_ms: i64,
}

impl Call {
    pub(super) fn new(method: &str, path: &str, body: impl Into<Vec<u8>>) -> Self {
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        let sample = Sample {
            method: method.to_owned(),
            path: path.to_owned(),
            query: query.to_owned(),
            headers: Vec::new(),
            body: body.into(),
        };
        Self { sample, now_ms: NOW_MS }
    }

    pub(super) fn post(body: impl Into<Vec<u8>>) -> Self {
        Self::new("POST", "", body)
    }

    pub(super) fn header(mut self, name: &str, value: &str) -> Self {
        self.sample.set_header(name, value);
        self
    }

    /// As a real sender would complete it.
    pub(super) fn signed(mut self, source: &dyn Source) -> Self {
        source.sign(&mut self.sample, self.now_ms);
        self
    }

    pub(super) fn verdict(&self, source: &dyn Source) -> Verdict {
        let mut headers = HeaderMap::new();
        for (name, value) in &self.sample.headers {
            let name = HeaderName::try_from(name.as_str()).unwrap();
            headers.append(name, HeaderValue::from_bytes(value.as_bytes()).unwrap());
        }
        source.verify(&Request {
            method: &self.sample.method,
            path: &self.sample.path,
            query: &self.sample.query,
            headers: &headers,
            peer: "203.0.113.7",
            wire: &self.sample.body,
            body: &self.sample.body,
            now_ms: self.now_ms,
        })
    }

    /// The answer, whatever was decided.
    pub(super) fn reply(&self, source: &dyn Source) -> Reply {
        match self.verdict(source) {
            Verdict::Accept { reply, .. } | Verdict::Answer(reply) | Verdict::Reject { reply, .. } => reply,
        }
    }

    /// `200`, or `401 bad-signature`.
    pub(super) fn outcome(&self, source: &dyn Source) -> String {
        match self.verdict(source) {
            Verdict::Accept { reply, .. } => reply.status.to_string(),
            Verdict::Answer(reply) => format!("{} answered", reply.status),
            Verdict::Reject { reply, reason } => format!("{} {reason}", reply.status),
        }
    }

    /// The delivery that an accepted request becomes.
    pub(super) fn delivery(&self, source: &dyn Source) -> Delivery {
        let Verdict::Accept { headers, .. } = self.verdict(source) else {
            panic!("refused: {}", self.outcome(source));
        };
        Delivery {
            seq: 1,
            pipeline: "shop".into(),
            source: "in".into(),
            received_ms: self.now_ms,
            method: self.sample.method.clone().into(),
            path: self.sample.path.as_str().into(),
            query: self.sample.query.clone(),
            peer: "203.0.113.7".to_owned(),
            headers,
            body: self.sample.body.clone().into(),
        }
    }

    /// The events, each as JSON or as the code of its refusal.
    pub(super) fn events(&self, source: &dyn Source) -> Vec<serde_json::Value> {
        source.decode(&self.delivery(source)).into_iter().map(shown).collect()
    }
}

/// An event as JSON; a refusal as `{"refused": code}`.
pub(super) fn shown(event: Result<Event, Refused>) -> serde_json::Value {
    match event {
        Ok(event) => to_json_value(&event.value).unwrap(),
        Err(refused) => serde_json::json!({ "refused": refused.code }),
    }
}

/// An event as the text that a sink would write.
pub(super) fn written(event: Result<Event, Refused>) -> String {
    let event = event.unwrap();
    let mut out = Vec::new();
    encode(&event.value, &event.tape, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

/// A header of an answer.
pub(super) fn reply_header<'r>(reply: &'r Reply, name: &str) -> Option<&'r str> {
    reply.headers.iter().find(|(have, _)| have == name).map(|(_, value)| value.as_str())
}

/// Whether the example in a definition builds and uses every option, and `sources` is sorted.
#[test]
fn every_example_builds_and_uses_every_option() {
    let names: Vec<_> = SOURCES.iter().map(|part| part.def.name).collect();
    assert!(names.is_sorted(), "{names:?}");
    for part in SOURCES {
        build(part.def.example);
        let crate::registry::Shape::Options { options, .. } = &part.def.shape else { continue };
        for opt in options.iter().filter(|_| part.def.name != "file") {
            assert!(part.def.example.contains(&format!("{}:", opt.name)), "{} has no {}", part.def.example, opt.name);
        }
    }
}
