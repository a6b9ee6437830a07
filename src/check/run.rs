//! Running one case: verify, decode, steps, encode — everything but the sockets.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use serde_json::Value;

use super::compare::{matches, project};
use super::world::World;
use super::{Case, Expect, Given};
use crate::event::Delivery;
use crate::pipeline::{Outcome, Pipeline, Plan, StepRecord};
use crate::source::{Request, Verdict};

/// What came of a case.
#[derive(Debug)]
pub struct CaseResult {
    /// Empty when it passed.
    pub failures: Vec<Failure>,
    /// What each sink was given: sink id, encoded messages.
    pub messages: Vec<(String, Vec<Vec<u8>>)>,
    /// Each event's way through the steps.
    pub trace: Vec<StepRecord>,
    /// What scripts logged.
    pub logs: Vec<String>,
}

/// One thing that is not as expected.
#[derive(Debug)]
pub enum Failure {
    /// A message differs.
    Message {
        /// The sink.
        sink: String,
        /// Position, from 0.
        index: usize,
        /// The expectation.
        want: Value,
        /// The message, reduced to what the expectation speaks of unless the case is exact.
        got: Value,
    },
    /// A message that did not come.
    Missing {
        /// The sink.
        sink: String,
        /// The expectation.
        want: Value,
    },
    /// A message that nobody expected.
    Extra {
        /// The sink.
        sink: String,
        /// The message.
        got: Value,
    },
    /// Nothing is expected yet; in words.
    Unstated(String),
    /// Anything else, in words: no expectation of messages mends it.
    Other(String),
}

/// Runs a case through a compiled pipeline.
pub fn run_case(pipeline: &Pipeline, case: &Case) -> CaseResult {
    let plan = pipeline.plan();
    let mut result = CaseResult {
        failures: Vec::new(),
        messages: plan.sinks.iter().map(|part| (part.id.to_string(), Vec::new())).collect(),
        trace: Vec::new(),
        logs: Vec::new(),
    };
    let mut world = World::new(pipeline, case);
    for (index, given) in case.given.iter().enumerate() {
        world.pass(given.after_ms);
        match receive(plan, given, index as u64 + 1, world.now_ms()) {
            Ok(Some(delivery)) => world.deliver(delivery),
            Ok(None) => {}
            Err(problem) => result.failures.push(Failure::Other(format!("delivery {}: {problem}", index + 1))),
        }
    }
    world.rest();
    let World { total, trace, problems, .. } = world;
    result.failures.extend(problems.into_iter().map(Failure::Other));
    for ((_, texts), messages) in result.messages.iter_mut().zip(&total.messages) {
        texts.extend(messages.iter().map(|message| message.bytes.to_vec()));
    }
    result.trace = trace.records;
    result.logs = total.logs.iter().map(|line| format!("{}: {}", line.level, line.text)).collect();
    judge(case, &total, &mut result);
    result
}

/// Verifies a request as the engine does. `None`: it was answered, or refused as expected.
fn receive(plan: &Arc<Plan>, given: &Given, seq: u64, now_ms: i64) -> Result<Option<Delivery>, String> {
    let part = plan.sources.iter().find(|part| given.is_for(part)).ok_or_else(|| {
        let source = given.source.as_deref().unwrap_or_default();
        format!("the pipeline has no source `{source}`: where it was taken out, its cases go too")
    })?;
    let mut sample = given.sample();
    if matches!(part.source.input(), crate::source::Input::Files(_)) {
        return Ok(Some(Delivery {
            seq,
            pipeline: Arc::clone(&plan.name),
            source: Arc::clone(&part.id),
            received_ms: now_ms,
            method: "FILE".into(),
            path: "fixture".into(),
            query: format!("line={seq}"),
            body: sample.body.into(),
            ..Delivery::default()
        }));
    }
    if given.sign {
        part.source.sign(&mut sample, now_ms);
    }
    let mut headers = http::HeaderMap::new();
    for (name, value) in &sample.headers {
        let name = http::HeaderName::try_from(name.as_str()).map_err(|_| format!("`{name}` is no header name"))?;
        let value = http::HeaderValue::try_from(value.as_str())
            .map_err(|_| format!("the value of {name} is no header value"))?;
        headers.append(name, value);
    }
    let peer = IpAddr::V4(Ipv4Addr::new(203, 0, 113, 7)).to_string();
    let request = Request {
        method: &sample.method,
        path: &sample.path,
        query: &sample.query,
        headers: &headers,
        peer: &peer,
        wire: &sample.body,
        body: &sample.body,
        now_ms,
    };
    let (status, kept) = match part.source.verify(&request) {
        Verdict::Accept { headers, reply } => (reply.status, Some(headers)),
        Verdict::Answer(reply) | Verdict::Reject { reply, .. } => (reply.status, None),
    };
    let fine = given.status.map_or((200..300).contains(&status), |expected| expected == status);
    if !fine {
        let expected = given.status.map_or_else(|| "2xx".to_owned(), |status| status.to_string());
        return Err(format!("answered {status}, expected {expected}"));
    }
    Ok(kept.map(|headers| Delivery {
        seq,
        pipeline: Arc::clone(&plan.name),
        source: Arc::clone(&part.id),
        received_ms: now_ms,
        method: sample.method.clone().into(),
        path: sample.path.as_str().into(),
        query: sample.query.clone(),
        peer: peer.clone(),
        headers,
        body: sample.body.clone().into(),
    }))
}

fn judge(case: &Case, total: &Outcome, result: &mut CaseResult) {
    match &case.expect {
        None if case.dropped.is_none()
            && case.dead.is_empty()
            && case.erased.is_none()
            && case.given.iter().all(|given| given.status.is_none()) =>
        {
            result.failures.push(Failure::Unstated(
                "the case expects nothing yet: look at what came out, then use --bless".to_owned(),
            ));
        }
        None => {}
        Some(Expect::Messages(want)) => {
            for (sink, got) in &result.messages {
                compare(case, sink, want, got, &mut result.failures);
            }
        }
        Some(Expect::BySink(by_sink)) => {
            for (sink, want) in by_sink {
                match result.messages.iter().find(|(id, _)| id == sink) {
                    Some((_, got)) => compare(case, sink, want, got, &mut result.failures),
                    None => result.failures.push(Failure::Other(format!("the pipeline has no sink `{sink}`"))),
                }
            }
            // Nothing said of a sink means nothing for it.
            for (sink, got) in result.messages.iter().filter(|(id, _)| by_sink.iter().all(|(sink, _)| sink != id)) {
                compare(case, sink, &[], got, &mut result.failures);
            }
        }
    }
    let mut wanted = case.dead.iter().peekable();
    for dead in &total.dead {
        if wanted.next_if(|want| dead.code == **want || dead.reason.contains(want.as_str())).is_none() {
            let place = dead.place.as_ref().map(|place| format!(" at {place}")).unwrap_or_default();
            let mut told = format!("dead letter in `{}`: {} ({}){place}", dead.part, dead.reason, dead.code);
            for frame in &dead.stack {
                let _ = write!(told, "\n    in {frame}");
            }
            result.failures.push(Failure::Other(told));
        }
    }
    for want in wanted {
        result.failures.push(Failure::Other(format!("expected a dead letter `{want}` next, there is none")));
    }
    if let Some(want) = &case.dropped {
        let got: Vec<&str> = total.dropped.iter().map(|dropped| dropped.reason.as_str()).collect();
        let same = want.len() == got.len() && want.iter().zip(&got).all(|(want, got)| got.contains(want.as_str()));
        if !same {
            result.failures.push(Failure::Other(format!("dropped {got:?}, expected {want:?}")));
        }
    }
    if let Some(want) = &case.erased {
        let got: BTreeSet<&String> = total.erasures.iter().flat_map(|erasure| &erasure.values).collect();
        if got != want.iter().collect() {
            result.failures.push(Failure::Other(format!("erased {got:?}, expected {want:?}")));
        }
    }
}

fn compare(case: &Case, sink: &str, want: &[Value], got: &[Vec<u8>], failures: &mut Vec<Failure>) {
    let parsed: Vec<Value> = got
        .iter()
        .map(|text| {
            serde_json::from_slice(text).unwrap_or_else(|_| Value::from(String::from_utf8_lossy(text).into_owned()))
        })
        .collect();
    for (index, got) in parsed.iter().enumerate() {
        match want.get(index) {
            Some(want) if matches(want, got, case.exact) => {}
            Some(want) => failures.push(Failure::Message {
                sink: sink.to_owned(),
                index,
                want: want.clone(),
                got: if case.exact { got.clone() } else { project(want, got) },
            }),
            None => failures.push(Failure::Extra { sink: sink.to_owned(), got: got.clone() }),
        }
    }
    for want in want.iter().skip(parsed.len()) {
        failures.push(Failure::Missing { sink: sink.to_owned(), want: want.clone() });
    }
}
