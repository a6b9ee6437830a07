//! The shipped mappings in process: deliveries and settings in, Segment messages out.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use cartwire::check::{self, Canned, Case, Given};
use cartwire::engine::read_tree;
use cartwire::event::Delivery;
use cartwire::pipeline::{Pipeline, Plan};
use cartwire::registry::Environment;
use cartwire::script::{Limits, STACK_BYTES};
use serde_json::Value;

/// What came of a webhook.
pub struct Mapped {
    /// The messages, in order.
    pub messages: Vec<Value>,
    /// Dead letters and other failures: none, as a rule.
    pub failures: Vec<String>,
    /// How each event ended, as `dropped: …`.
    pub ends: Vec<String>,
    /// What the scripts logged.
    pub logs: Vec<String>,
}

impl Mapped {
    /// The only message of that type, as `identify`, or the only track of that name.
    pub fn only(&self, name: &str) -> &Value {
        let mut found = self.messages.iter().filter(|message| message["type"] == name || message["event"] == name);
        let first = found.next().unwrap_or_else(|| panic!("no {name} in {:#?}", self.messages));
        assert!(found.next().is_none(), "more than one {name}");
        first
    }
}

/// Everything has a value, so that nothing of the machine counts.
struct Invented;

impl Environment for Invented {
    fn var(&self, name: &str) -> Option<String> {
        Some(format!("test-{name}"))
    }

    fn var_or_default(&self, _: &str) -> Option<String> {
        None
    }

    fn file(&self, path: &str) -> Result<String, String> {
        Err(format!("no {path}"))
    }
}

/// Where the payloads are.
pub fn payloads() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/payloads/shopify")
}

/// Runs payloads through `pipelines/shopify.yaml` with some of its settings changed, as `("money", "presentment")`.
pub fn map(settings: &[(&str, &str)], webhooks: &[(&str, Vec<u8>)]) -> Vec<Mapped> {
    map_in("shopify", settings, webhooks.iter().map(|(topic, body)| shopify(topic, body.clone())).collect())
}

const NOW_MS: i64 = 1_768_472_430_000;

/// The topic of what a pixel posts.
pub const PIXEL: &str = "pixel";

/// The shop of all webhooks and pixels here.
pub const SHOP: &str = "example-store.myshopify.com";

/// A webhook of that topic, or what a pixel posts.
fn shopify(topic: &str, body: Vec<u8>) -> Given {
    let mut given = Given::new(Some(if topic == PIXEL { "shopify_pixel" } else { "shopify" }.to_owned()), body);
    if topic == PIXEL {
        given.query = format!("shop={SHOP}");
    } else {
        given.set_header("x-shopify-topic", topic);
        given.set_header("x-shopify-shop-domain", SHOP);
    }
    given
}

/// Lets a test run as many Shopify payloads as it likes, each depending on what came of those before.
pub fn explore<T: Send>(
    settings: &[(&str, &str)],
    test: impl FnOnce(&dyn Fn(&str, Vec<u8>) -> Mapped) -> T + Send,
) -> T {
    explore_journeys(settings, |run| test(&|topic, body| run(&[(topic, body)])))
}

/// The same with several payloads at a time, of which the later ones find what the earlier ones left.
pub fn explore_journeys<T: Send>(
    settings: &[(&str, &str)],
    test: impl FnOnce(&dyn Fn(&[(&str, Vec<u8>)]) -> Mapped) -> T + Send,
) -> T {
    let settings: Vec<_> = settings.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().stack_size(STACK_BYTES);
        let exploring = thread.spawn_scoped(scope, || {
            let pipeline = load("shopify", &settings, |text| text);
            test(&|webhooks| {
                let given = webhooks.iter().map(|(topic, body)| shopify(topic, body.clone())).collect();
                all(&pipeline, "shopify", given, vec![])
            })
        });
        exploring.unwrap().join().unwrap()
    })
}

/// The messages of a payload, and why events of it died.
pub type Told = (Vec<Value>, Vec<String>);

/// The same, as fast as can be: each payload by itself, nothing traced, no event waiting for another delivery.
pub fn explore_quickly<T: Send>(
    settings: &[(&str, &str)],
    test: impl FnOnce(&dyn Fn(&str, Vec<u8>) -> Told) -> T + Send,
) -> T {
    let settings: Vec<_> = settings.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().stack_size(STACK_BYTES);
        let exploring = thread.spawn_scoped(scope, || {
            let pipeline = load("shopify", &settings, |text| text.replace("hold: 30s", "hold: 0s"));
            test(&|topic, body| {
                let given = shopify(topic, body);
                let delivery = Delivery {
                    seq: 1,
                    pipeline: "shopify".into(),
                    source: given.source.unwrap_or_default().into(),
                    received_ms: NOW_MS,
                    method: "POST".into(),
                    query: given.query,
                    headers: given.headers,
                    body: given.body.into(),
                    ..Delivery::default()
                };
                let outcome = pipeline.run(&delivery, NOW_MS);
                assert!(outcome.held.is_empty());
                let messages = outcome.messages.iter().flatten();
                (
                    messages.map(|message| serde_json::from_slice(&message.bytes).unwrap()).collect(),
                    outcome.dead.iter().map(|dead| format!("{} ({})", dead.reason, dead.code)).collect(),
                )
            })
        });
        exploring.unwrap().join().unwrap()
    })
}

/// One payload file under one topic.
pub fn map_file(settings: &[(&str, &str)], topic: &str, file: &str) -> Mapped {
    let body = std::fs::read(payloads().join(file)).unwrap();
    map(settings, &[(topic, body)]).remove(0)
}

/// Runs deliveries, each by itself, through a shipped pipeline with some of its settings changed.
pub fn map_in(pipeline: &str, settings: &[(&str, &str)], deliveries: Vec<Given>) -> Vec<Mapped> {
    map_asking(pipeline, settings, |text| text, deliveries.into_iter().map(|given| (given, vec![])).collect())
}

/// The same, with the pipeline's text changed further, and with what the outside answers to each delivery's lookups.
pub fn map_asking(
    pipeline: &str,
    settings: &[(&str, &str)],
    change: fn(String) -> String,
    deliveries: Vec<(Given, Vec<Canned>)>,
) -> Vec<Mapped> {
    let pipeline = pipeline.to_owned();
    let settings: Vec<_> = settings.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
    // Scripts run on stacks of the size that workers have.
    let thread = std::thread::Builder::new().stack_size(STACK_BYTES);
    thread.spawn(move || map_here(&pipeline, &settings, change, deliveries)).unwrap().join().unwrap()
}

fn map_here(
    name: &str,
    settings: &[(String, String)],
    change: fn(String) -> String,
    deliveries: Vec<(Given, Vec<Canned>)>,
) -> Vec<Mapped> {
    let pipeline = load(name, settings, change);
    deliveries.into_iter().map(|(given, http)| one(&pipeline, name, given, http)).collect()
}

fn load(name: &str, settings: &[(String, String)], change: fn(String) -> String) -> Pipeline {
    let file = format!("pipelines/{name}.yaml");
    let mut tree = read_tree(Path::new(env!("CARGO_MANIFEST_DIR"))).unwrap();
    let text = tree.get(&file).unwrap().to_string();
    tree.insert(file.clone(), change(changed(&text, settings)));
    let loaded = Plan::load(&Arc::new(tree), &file, name, &Invented, &Limits::of_fixtures());
    let problems: Vec<_> = loaded.problems.iter().map(ToString::to_string).collect();
    assert!(problems.is_empty(), "{problems:?}");
    Pipeline::new(&loaded.plan.unwrap()).unwrap()
}

/// The pipeline's text with other values for settings that it has.
fn changed(text: &str, settings: &[(String, String)]) -> String {
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    for (key, value) in settings {
        let start = format!("      {key}:");
        let line = lines.iter_mut().find(|line| line.starts_with(&start)).unwrap_or_else(|| panic!("no setting {key}"));
        *line = format!("{start} {value}");
    }
    lines.join("\n") + "\n"
}

/// Several payloads one after another, of which the later ones find what the earlier ones left.
pub fn journey(settings: &[(&str, &str)], webhooks: &[(&str, Vec<u8>)]) -> Mapped {
    let settings: Vec<_> = settings.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
    let given: Vec<_> = webhooks.iter().map(|(topic, body)| shopify(topic, body.clone())).collect();
    let thread = std::thread::Builder::new().stack_size(STACK_BYTES);
    let run = move || all(&load("shopify", &settings, |text| text), "shopify", given, vec![]);
    thread.spawn(run).unwrap().join().unwrap()
}

fn one(pipeline: &Pipeline, name: &str, given: Given, http: Vec<Canned>) -> Mapped {
    all(pipeline, name, vec![given], http)
}

fn all(pipeline: &Pipeline, name: &str, given: Vec<Given>, http: Vec<Canned>) -> Mapped {
    let case = Case {
        pipeline: name.to_owned(),
        name: "given".to_owned(),
        file: String::new(),
        given,
        http,
        now_ms: NOW_MS,
        // Any expectation: what came out is looked at here.
        expect: None,
        dropped: None,
        dead: vec![],
        erased: None,
        exact: false,
        sample: false,
        env: vec![],
        expect_span: None,
    };
    let result = check::run_case(pipeline, &case);
    let messages =
        result.messages.iter().flat_map(|(_, messages)| messages).map(|text| serde_json::from_slice(text).unwrap());
    let failures = result.failures.iter().filter_map(|failure| match failure {
        check::Failure::Unstated(_) => None,
        failure => Some(format!("{failure:?}")),
    });
    let ends = result.trace.iter().filter_map(|record| record.state.clone().err());
    Mapped {
        messages: messages.collect(),
        failures: failures.collect(),
        ends: ends.collect(),
        logs: result.logs.clone(),
    }
}
