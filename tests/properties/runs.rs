//! A pipeline of one source, some steps and one sink, run without an engine.

use std::sync::Arc;

use cartwire::cli::Placeholders;
use cartwire::event::Delivery;
use cartwire::pipeline::{Outcome, Pipeline, Plan};
use cartwire::script::Limits;
use cartwire::tree::Tree;
use serde_json::Value;

/// The clock of all runs.
pub(super) const NOW_MS: i64 = 1_768_472_430_000;

/// A project with one pipeline of these steps; a second file of scripts is there to be imported.
pub(super) fn tree(steps: &str) -> Arc<Tree> {
    let text = format!(
        "sources:\n  - segment_webhook: {{ verify: none }}\nsteps:\n{steps}sinks:\n  - segment: {{ write_key: k }}\n"
    );
    Arc::new(Tree::new().with("pipelines/p.yaml", &text).with("scripts/tables/t.csv", "key,value\na,1\n"))
}

/// The pipeline of a tree, or what is wrong with it.
pub(super) fn load(tree: &Arc<Tree>, limits: &Limits) -> Result<Pipeline, String> {
    let loaded = Plan::load(tree, "pipelines/p.yaml", "p", &Placeholders::isolated(), limits);
    let plan = loaded.plan.ok_or_else(|| format!("{:#?}", loaded.problems))?;
    Pipeline::new(&plan).map_err(|problems| format!("{problems:#?}"))
}

/// A pipeline whose only step is this script.
pub(super) fn scripted(script: &str) -> Pipeline {
    let indented: String = script.lines().map(|line| format!("        {line}\n")).collect();
    let steps = format!("  - script:\n      inline: |\n{indented}");
    load(&tree(&steps), &Limits::default()).unwrap_or_else(|problems| panic!("{problems}\n{script}"))
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

/// The messages of an outcome, of all sinks.
pub(super) fn messages(outcome: &Outcome) -> Vec<Value> {
    outcome.messages.iter().flatten().map(|message| serde_json::from_slice(&message.bytes).unwrap()).collect()
}

/// What has become of a delivery, to be compared with what becomes of it another time.
pub(super) fn told(outcome: &Outcome) -> String {
    format!("{:#?}", (&outcome.messages, &outcome.dropped, &outcome.dead, &outcome.held, &outcome.writes))
}
