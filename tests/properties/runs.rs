//! A pipeline of one source, some steps and one sink, run without an engine.
#![allow(dead_code, reason = "two test binaries use their parts of it")]

use std::fmt::Debug;
use std::sync::Arc;

use cartwire::cli::Placeholders;
use cartwire::event::Delivery;
use cartwire::lookup::Answers;
use cartwire::pipeline::{NoTrace, Outcome, Pipeline, Plan};
use cartwire::script::{Limits, STACK_BYTES};
use cartwire::state::{Change, Session, Store};
use cartwire::tree::Tree;
use proptest::strategy::Strategy;
use proptest::test_runner::{Config, TestRunner};
use serde_json::Value;

/// The clock of all runs.
pub(super) const NOW_MS: i64 = 1_768_472_430_000;

/// A project with one pipeline of these steps.
pub(super) fn tree(steps: &str) -> Tree {
    let text = format!(
        "sources:\n  - segment_webhook: {{ verify: none }}\nsteps:\n{steps}sinks:\n  - segment: {{ write_key: k }}\n"
    );
    Tree::new().with("pipelines/p.yaml", &text)
}

/// The pipeline of a project, or what is wrong with it.
pub(super) fn load(tree: Tree, limits: &Limits) -> Result<Pipeline, String> {
    let loaded = Plan::load(&Arc::new(tree), "pipelines/p.yaml", "p", &Placeholders::isolated(), limits);
    let plan = loaded.plan.ok_or_else(|| format!("{:#?}", loaded.problems))?;
    Pipeline::new(&plan).map_err(|problems| format!("{problems:#?}"))
}

/// A step of this script, with further keys beside it.
pub(super) fn step(script: &str, beside: &str) -> String {
    let indented: String = script.lines().map(|line| format!("        {line}\n")).collect();
    format!("  - script:\n      inline: |\n{indented}{beside}")
}

/// The usual limits but for memory, which is measured for the whole process, in which other tests run.
pub(super) fn limits() -> Limits {
    Limits { time_ms: 60_000, memory_bytes: u64::MAX, ..Limits::default() }
}

/// A pipeline whose only step is this script.
pub(super) fn scripted(script: &str) -> Pipeline {
    load(tree(&step(script, "")), &limits()).unwrap_or_else(|problems| panic!("{problems}\n{script}"))
}

/// Events, as a delivery.
pub(super) fn delivery(seq: u64, events: &Value) -> Delivery {
    Delivery {
        seq,
        pipeline: "p".into(),
        source: "segment_webhook".into(),
        received_ms: NOW_MS,
        method: "POST".into(),
        headers: vec![("content-type".into(), "application/json".into())],
        body: events.to_string().into(),
        ..Delivery::default()
    }
}

/// Runs a delivery over a store, and commits what it changed as the engine does.
pub(super) fn run_over(store: &Arc<dyn Store>, pipeline: &Pipeline, delivery: &Delivery) -> Outcome {
    let name = &pipeline.plan().name;
    let session = Session::new(Arc::clone(store), name);
    let outcome = pipeline.run_in(delivery, delivery.received_ms, &session, Answers::default(), &mut NoTrace);
    let change = Change { seq: delivery.seq, now_ms: delivery.received_ms, writes: outcome.writes.clone() };
    store.commit(name, &[change], 0).unwrap();
    outcome
}

/// The messages of an outcome, of all sinks.
pub(super) fn messages(outcome: &Outcome) -> Vec<Value> {
    outcome.messages.iter().flatten().map(|message| serde_json::from_slice(&message.bytes).unwrap()).collect()
}

/// What has become of a delivery, to be compared with what becomes of it another time.
pub(super) fn told(outcome: &Outcome) -> String {
    let Outcome { messages, dropped, dead, held, logs, writes, wakes, .. } = outcome;
    format!("{:#?}", (messages, dropped, dead, held, logs, writes, wakes))
}

/// Holds a property against values.
pub(super) fn hold<T: Debug>(cases: u32, values: &impl Strategy<Value = T>, property: impl Fn(T)) {
    let config = Config { cases, failure_persistence: None, ..Config::default() };
    let held = TestRunner::new(config).run(values, |value| {
        property(value);
        Ok(())
    });
    held.unwrap_or_else(|error| panic!("{error}"));
}

/// Runs a test on a stack of the size that workers have.
pub(super) fn on_worker_stack(test: impl FnOnce() + Send + 'static) {
    let thread = std::thread::Builder::new().stack_size(STACK_BYTES).spawn(test).unwrap();
    if let Err(panic) = thread.join() {
        std::panic::resume_unwind(panic);
    }
}
