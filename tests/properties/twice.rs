//! A delivery that is run twice gives the same messages, ids included: with fresh state, the same answers and either compiled
//! pipeline.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use cartwire::check::{self, Case, CaseResult};
use cartwire::engine::read_tree;
use cartwire::event::Delivery;
use cartwire::pipeline::{Pipeline, Plan};
use cartwire::registry::Environment;
use cartwire::script::STACK_BYTES;
use cartwire::tree::Tree;
use proptest::prelude::*;
use serde_json::Value;

use super::events;
use super::runs::{NOW_MS, hold, limits, on_worker_stack, told};

/// A case's own variables, and invented ones.
struct Invented(Vec<(String, String)>);

impl Environment for Invented {
    fn var(&self, name: &str) -> Option<String> {
        Some(self.var_or_default(name).unwrap_or_else(|| match name {
            _ if name.ends_with("URL") => "http://test.invalid".to_owned(),
            _ => format!("test-{name}"),
        }))
    }

    fn var_or_default(&self, name: &str) -> Option<String> {
        self.0.iter().find(|(have, _)| have == name).map(|(_, value)| value.clone())
    }

    fn file(&self, path: &str) -> Result<String, String> {
        Ok(format!("test-{path}"))
    }
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn compile(tree: &Arc<Tree>, name: &str, env: Vec<(String, String)>) -> Pipeline {
    let file = format!("pipelines/{name}.yaml");
    let loaded = Plan::load(tree, &file, name, &Invented(env), &limits());
    Pipeline::new(&loaded.plan.unwrap_or_else(|| panic!("{name}: {:#?}", loaded.problems))).unwrap()
}

fn seen(case: &Case, pipeline: &Pipeline) -> String {
    let CaseResult { failures, messages, trace, logs } = check::run_case(pipeline, case);
    let ends: Vec<_> = trace.iter().filter_map(|record| record.state.as_ref().err()).collect();
    let messages: Vec<_> = messages
        .iter()
        .map(|(sink, texts)| (sink, texts.iter().map(|text| String::from_utf8_lossy(text)).collect::<Vec<_>>()))
        .collect();
    format!("{:#?}", (failures, messages, ends, logs))
}

/// A pipeline, and the variables that it is compiled with.
type Named<'a> = (&'a str, &'a [(String, String)]);

/// Runs all cases of a project twice: how many there were, and messages in them.
fn project(dir: &Path) -> (usize, usize) {
    let mut tree = read_tree(dir).unwrap();
    let own = Arc::new(tree.clone());
    let (cases, problems) = check::load(dir, &mut tree);
    assert!(problems.is_empty(), "{problems:?}");
    let mut compiled: BTreeMap<Named<'_>, (Pipeline, Pipeline)> = BTreeMap::new();
    let mut messages = 0;
    for case in &cases {
        let (one, two) = compiled.entry((&case.pipeline, &case.env)).or_insert_with(|| {
            let compile = || compile(&own, &case.pipeline, case.env.clone());
            (compile(), compile())
        });
        let first = seen(case, one);
        assert_eq!(first, seen(case, one), "again by the same one: {}", case.file);
        assert_eq!(first, seen(case, two), "by another one: {}", case.file);
        messages += first.matches("messageId").count();
    }
    (cases.len(), messages)
}

#[test]
fn every_shipped_fixture() {
    let mut projects = vec![root().to_owned()];
    let examples = std::fs::read_dir(root().join("scripts/examples")).unwrap();
    projects.extend(examples.map(|entry| entry.unwrap().path()).filter(|path| path.is_dir()));
    let thread =
        |dir: PathBuf| std::thread::Builder::new().stack_size(STACK_BYTES).spawn(move || project(&dir)).unwrap();
    let (mut cases, mut messages) = (0, 0);
    for (more, sent) in projects.into_iter().map(|dir| thread(dir).join().unwrap()) {
        cases += more;
        messages += sent;
    }
    assert!(cases > 350 && messages > 350, "{cases} {messages}");
}

/// Where random events go to.
const SHIPPED: [(&str, &str); 4] =
    [("segment_webhook", "segment_webhook"), ("browser", "segment"), ("rewrite", "file"), ("webhook", "webhook")];

#[test]
fn random_events_through_shipped_pipelines() {
    on_worker_stack(|| {
        let tree = Arc::new(read_tree(root()).unwrap());
        let all = || -> Vec<Pipeline> { SHIPPED.iter().map(|(name, _)| compile(&tree, name, Vec::new())).collect() };
        let (one, two) = (all(), all());
        hold(60, &prop::collection::vec(events::body(), 1..4), |bodies| {
            for (at, (name, source)) in SHIPPED.iter().enumerate() {
                for (seq, body) in bodies.iter().enumerate() {
                    let delivery = arriving(name, source, seq as u64, body);
                    let first = told(&one[at].run(&delivery, NOW_MS));
                    assert_eq!(first, told(&one[at].run(&delivery, NOW_MS)), "{name}: {body}");
                    assert_eq!(first, told(&two[at].run(&delivery, NOW_MS)), "{name}: {body}");
                }
            }
        });
    });
}

/// A body, as it comes to a source.
fn arriving(pipeline: &str, source: &str, seq: u64, body: &Value) -> Delivery {
    let (path, query) = match source {
        "segment" => ("/v1/t", String::new()),
        "file" => ("events.ndjson", format!("line={seq}")),
        _ => ("", String::new()),
    };
    Delivery {
        seq,
        pipeline: pipeline.into(),
        source: source.into(),
        received_ms: NOW_MS,
        method: "POST".into(),
        path: path.into(),
        query,
        headers: vec![("content-type".into(), "application/json".into())],
        body: body.to_string().into(),
        ..Delivery::default()
    }
}
