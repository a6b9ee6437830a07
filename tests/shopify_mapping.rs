//! The tables of `scripts/shopify/MAPPING.md`: which field of a body makes which field of a message. They are found out by
//! changing one field of the recorded payloads at a time, so they cannot say what the scripts do not do.
//!
//! `CARTWIRE_BLESS=1 cargo test --test shopify_mapping` writes them anew.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, reason = "a test fails by panicking")]

#[path = "support/mapping.rs"]
#[allow(dead_code, unreachable_pub, reason = "each test uses its part")]
mod mapping;
#[path = "shopify_mapping/probe.rs"]
mod probe;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use cartwire::check;
use cartwire::tree::Tree;
use mapping::PIXEL;
use probe::Tables;
use serde_json::Value;

const FILE: &str = "scripts/shopify/MAPPING.md";

/// What is off by default is told too, and nothing is left out.
const SETTINGS: [(&str, &str); 4] = [
    ("include_test_orders", "true"),
    ("order_paid", "true"),
    ("order_updated_after", "0"),
    ("customer_deleted", "true"),
];

/// Bodies that are looked at for one topic: those that add a field, the largest first.
const BODIES_MAX: usize = 4;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The texts before `=>` in the `switch` of a script, as `"orders/create" =>`.
fn switched(script: &str, subject: &str) -> BTreeSet<String> {
    let text = fs::read_to_string(root().join("scripts/shopify").join(script)).unwrap();
    let body = text
        .split(&format!("switch {subject} {{"))
        .nth(1)
        .unwrap_or_else(|| panic!("{script} has no switch {subject}"));
    let arms = body.lines().map(str::trim).filter(|line| line.starts_with('"') && line.contains("=>"));
    arms.flat_map(|line| line.split("=>").next().unwrap().split('"').skip(1).step_by(2).map(str::to_owned)).collect()
}

/// All topics that the scripts know.
fn topics() -> BTreeSet<String> {
    let mut topics = switched("webhook.rhai", "topic");
    topics.extend(switched("fulfillments.rhai", "topic"));
    assert!(topics.len() > 35, "{topics:?}");
    topics
}

/// The names of a pixel's events that the scripts know.
fn pixel_names() -> BTreeSet<String> {
    let names = switched("pixel.rhai", "this.name");
    assert!(names.len() > 14, "{names:?}");
    names
}

/// The bodies of all fixtures by topic, or by `pixel <name>`.
fn bodies() -> BTreeMap<String, Vec<Value>> {
    let (cases, problems) = check::load(root(), &mut Tree::new());
    assert!(problems.is_empty(), "{problems:?}");
    let mut found = BTreeMap::<String, Vec<Value>>::new();
    for given in cases.into_iter().filter(|case| case.pipeline == "shopify").flat_map(|case| case.given) {
        let Ok(body) = serde_json::from_slice::<Value>(&given.body) else { continue };
        let topic = given.headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("x-shopify-topic"));
        let key = if let Some((_, topic)) = topic {
            topic.clone()
        } else {
            let event = body.get("event").unwrap_or(&body);
            let Some(name) = event["name"].as_str() else { continue };
            if event["type"] == "custom" { "pixel (custom)".to_owned() } else { format!("pixel {name}") }
        };
        let bodies = found.entry(key).or_default();
        if !bodies.contains(&body) {
            bodies.push(body);
        }
    }
    found
}

#[test]
fn every_topic_that_is_mapped_has_a_fixture() {
    let bodies = bodies();
    for topic in topics() {
        assert!(bodies.contains_key(&topic), "no fixture for {topic}");
    }
    for name in pixel_names() {
        assert!(bodies.contains_key(&format!("pixel {name}")), "no fixture for the pixel's {name}");
    }
}

#[test]
fn the_mapping_tables_are_those_of_the_scripts() {
    let text = document();
    let path = root().join(FILE);
    if std::env::var_os("CARTWIRE_BLESS").is_some() {
        fs::write(&path, &text).unwrap();
    }
    let written = fs::read_to_string(&path).unwrap_or_default();
    let first = text.lines().zip(written.lines()).find(|(now, then)| now != then);
    assert!(
        text == written,
        "{FILE} is not what the scripts do; first difference (now, written): {first:#?}\nrun CARTWIRE_BLESS=1 cargo test --test shopify_mapping"
    );
}

fn document() -> String {
    let mut text = String::from(
        "# What becomes of Shopify's webhooks and of a pixel's events\n\n\
        Made by `CARTWIRE_BLESS=1 cargo test --test shopify_mapping`, which changes one field of the recorded payloads at a time and looks\n\
        which fields of the messages change with it. `[]` is any item of a list; what a pixel posts\n\
        around an event has its name alone, as `cart`. The settings are those of `pipelines/shopify.yaml`,\n\
        with everything on that is off there; a pixel's `checkout_completed` is shown as it is with `order_completed_from: pixel`.\n\
        `messageId` is left out: `scripts/lib/identity.rhai` says what it is made of.\n",
    );
    let known: BTreeSet<_> = topics()
        .into_iter()
        .chain(pixel_names().into_iter().map(|name| format!("pixel {name}")))
        .chain(["pixel (custom)".to_owned()])
        .collect();
    let mut bodies = bodies();
    bodies.retain(|topic, _| known.contains(topic));
    let names: Vec<_> = bodies.keys().cloned().collect();
    // Two halves, for two cores.
    let (even, odd): (Vec<_>, Vec<_>) = bodies.into_iter().enumerate().partition(|(index, _)| index % 2 == 0);
    let mut found = std::thread::scope(|scope| {
        let halves =
            [even, odd].map(|half| scope.spawn(move || tables(half.into_iter().map(|(_, topic)| topic).collect())));
        halves.into_iter().flat_map(|half| half.join().unwrap()).collect::<BTreeMap<_, _>>()
    });
    for name in names {
        let tables = found.remove(&name).unwrap();
        writeln!(text, "\n## {name}").unwrap();
        if tables.is_empty() {
            text.push_str("\nNo event.\n");
        }
        for (event, fields) in tables {
            writeln!(text, "\n**{event}**\n\n| field | from |\n|---|---|").unwrap();
            for (field, from) in fields {
                let from: Vec<_> = from.iter().map(|path| format!("`{path}`")).collect();
                writeln!(text, "| `{field}` | {} |", from.join(", ")).unwrap();
            }
        }
    }
    text
}

fn tables(topics: Vec<(String, Vec<Value>)>) -> Vec<(String, Tables)> {
    let (by_pixel, by_webhook) = topics.into_iter().partition(|(name, _)| name.starts_with("pixel "));
    // An order that both could tell is shown as each tells it.
    let halves: [(&str, Vec<_>); 2] = [("pixel", by_pixel), ("webhook", by_webhook)];
    halves
        .into_iter()
        .flat_map(|(from, topics)| tables_of(&[&SETTINGS[..], &[("order_completed_from", from)]].concat(), topics))
        .collect()
}

fn tables_of(settings: &[(&str, &str)], topics: Vec<(String, Vec<Value>)>) -> Vec<(String, Tables)> {
    mapping::explore(settings, |run| {
        let of_topic = |(name, mut bodies): (String, Vec<Value>)| {
            bodies.sort_by_key(|body| std::cmp::Reverse(body.to_string().len()));
            let topic = if name.starts_with("pixel ") { PIXEL } else { &name };
            let mut tables = Tables::new();
            let mut seen = BTreeSet::new();
            let mut probed = 0;
            for body in &bodies {
                let run = |body: &Value| run(topic, body.to_string().into_bytes()).messages;
                probed += usize::from(probed < BODIES_MAX && probe::probe(&run, body, &mut seen, &mut tables));
            }
            (name, tables)
        };
        topics.into_iter().map(of_topic).collect()
    })
}
