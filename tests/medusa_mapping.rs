//! `scripts/medusa/MAPPING.md` cannot drift from the scripts: what is sent is in it, and what it names as a source is one.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, reason = "a test fails by panicking")]

#[path = "support/mapping.rs"]
#[allow(dead_code, unreachable_pub, reason = "each test uses its part")]
mod mapping;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use cartwire::check::{self, Given};
use cartwire::tree::Tree;
use mapping::{Mapped, map_in};
use serde_json::Value;

/// Fixtures that a source is tried on, at most.
const TRIES_MAX: usize = 6;
/// The same in every message, or derived: no row tells of them.
const UNTOLD: [&str; 5] = [
    "context.library.name",
    "context.externalIds[].collection",
    "context.externalIds[].encoding",
    "context.externalIds[].type",
    "integrations",
];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A row of the table of a mode.
#[derive(Debug)]
struct Row {
    events: Vec<String>,
    property: String,
    /// Of version 1 and of version 2.
    sources: [Vec<String>; 2],
}

impl Row {
    fn is_of(&self, event: &str) -> bool {
        self.events
            .iter()
            .any(|name| name == event || name == "orders" && event != "identify" && event != "Customer Created")
    }

    fn covers(&self, path: &str) -> bool {
        match self.property.strip_suffix(".*") {
            Some(stem) => {
                path == stem || path.starts_with(&format!("{stem}.")) || path.starts_with(&format!("{stem}[]"))
            }
            None => path == self.property,
        }
    }
}

/// What stands between backticks.
fn code(cell: &str) -> Vec<String> {
    cell.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

fn rows(mode: &str) -> Vec<Row> {
    let page = fs::read_to_string(root().join("scripts/medusa/MAPPING.md")).unwrap();
    let section = page.split(&format!("## Mode {mode}\n")).nth(1).unwrap().split("\n## ").next().unwrap();
    let cells = |line: &str| line.trim_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect::<Vec<_>>();
    section
        .lines()
        .filter(|line| line.starts_with('|') && line.contains('`'))
        .map(|line| {
            let cells = cells(line);
            assert_eq!(cells.len(), 4, "{line}");
            let first = code(&cells[2]);
            let second = if cells[3] == "same" { first.clone() } else { code(&cells[3]) };
            Row {
                events: cells[0].split(", ").map(str::to_owned).collect(),
                property: code(&cells[1]).remove(0),
                sources: [first, second],
            }
        })
        .collect()
}

/// The bodies of all fixtures, with the version that sent them.
fn bodies() -> Vec<(String, usize, Value)> {
    let (cases, problems) = check::load(root(), &mut Tree::new());
    assert!(problems.is_empty(), "{problems:?}");
    let mut found = Vec::new();
    for case in cases.iter().filter(|case| case.pipeline == "medusa" || case.pipeline == "medusa-plugin") {
        let version = usize::from(!case.name.contains("v1-"));
        let given = &case.given[0];
        if given.source.as_deref() == Some("medusa") && given.status.is_none() {
            found.push((case.name.clone(), version, serde_json::from_slice(&given.body).unwrap()));
        }
    }
    found.sort_by(|one, other| one.0.cmp(&other.0));
    found.dedup_by(|one, other| one.0 == other.0);
    assert!(found.len() > 40, "only {} fixtures", found.len());
    found
}

fn map(mode: &str, bodies: impl Iterator<Item = Value>) -> Vec<Mapped> {
    map_in("medusa", &[("mode", mode)], bodies.map(|body| Given::new(None, body.to_string().into_bytes())).collect())
}

/// Every value of a message with its path, as `properties.products[].price`. A list of scalars is one value.
fn leaves(path: &str, value: &Value, found: &mut Vec<(String, Value)>) {
    let inner = |key: &str| if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") };
    match value {
        Value::Object(map) if !map.is_empty() => map.iter().for_each(|(key, value)| leaves(&inner(key), value, found)),
        Value::Array(items) if items.iter().any(Value::is_object) => {
            for item in items {
                leaves(&format!("{path}[]"), item, found);
            }
        }
        _ => found.push((path.to_owned(), value.clone())),
    }
}

/// The event's name and its values, but for what tells which message it is.
fn told(message: &Value) -> (String, Vec<(String, Value)>) {
    let event = message["event"].as_str().unwrap_or("identify").to_owned();
    let mut found = Vec::new();
    leaves("", message, &mut found);
    found.retain(|(path, _)| {
        !["type", "event", "messageId"].contains(&path.as_str()) && !UNTOLD.contains(&path.as_str())
    });
    (event, found)
}

/// What a row is about in all messages of a delivery.
fn values_of(row: &Row, mapped: &Mapped) -> Vec<Value> {
    let all = mapped.messages.iter().map(told).filter(|(event, _)| row.is_of(event));
    all.flat_map(|(_, values)| values).filter(|(path, _)| row.covers(path)).map(|(_, value)| value).collect()
}

/// Changes everything at a path, and says whether anything was there.
fn change(value: &mut Value, path: &str) -> bool {
    let (first, rest) = path.split_once('.').unwrap_or((path, ""));
    let (key, is_list) = first.strip_suffix("[]").map_or((first, false), |key| (key, true));
    let Some(map) = value.as_object_mut() else { return false };
    if rest.is_empty() && !is_list {
        let Some(member) = map.get_mut(key).filter(|member| !member.is_null()) else { return false };
        *member = other(member);
        let exact = member.to_string();
        if let Some(raw) = map.get_mut(&format!("raw_{key}")).and_then(Value::as_object_mut) {
            raw.insert("value".to_owned(), exact.into());
        }
        return true;
    }
    let Some(member) = map.get_mut(key) else { return false };
    if !is_list {
        return change(member, rest);
    }
    let items = member.as_array_mut().into_iter().flatten();
    items.fold(false, |found, item| {
        if rest.is_empty() {
            *item = other(item);
            return true;
        }
        change(item, rest) | found
    })
}

/// A value of the same kind that is another one.
fn other(value: &Value) -> Value {
    match value {
        Value::Bool(value) => (!value).into(),
        Value::Number(number) if number.is_i64() => (number.as_i64().unwrap() + 100).into(),
        Value::Number(number) => (number.as_f64().unwrap() + 100.0).into(),
        Value::String(text) if text.parse::<jiff::Timestamp>().is_ok() => "2020-02-02T02:02:02.000Z".into(),
        // In front, so that an address stays one and a sku keeps its last part.
        Value::String(text) => format!("x{text}").into(),
        other => panic!("{other} is no source"),
    }
}

/// The places where an entity of that name may stand.
fn places(source: &str) -> Vec<String> {
    let (entity, rest) = source.split_once('.').unwrap();
    let list = match entity {
        "fulfillment" | "return" | "claim" | "swap" => format!("order.{entity}s[].{rest}"),
        _ => return vec![source.to_owned()],
    };
    let mut places = vec![source.to_owned(), list];
    if entity == "fulfillment" {
        places.push(format!("swap.fulfillments[].{rest}"));
    }
    if entity == "swap" || entity == "order" {
        places.push(format!("swap.{source}"));
    }
    places
}

#[test]
fn every_property_that_is_sent_has_its_row() {
    for mode in ["clean", "plugin"] {
        let rows = rows(mode);
        let bodies = bodies();
        let mut used = BTreeSet::new();
        for ((name, ..), mapped) in bodies.iter().zip(map(mode, bodies.iter().map(|(_, _, body)| body.clone()))) {
            // What tells whose a browser is has nothing of the body but its ids.
            let reveals = |message: &Value| message["messageId"].as_str().is_some_and(|id| id.ends_with(":identify"));
            for message in mapped.messages.iter().filter(|message| !reveals(message)) {
                let (event, values) = told(message);
                for (path, _) in values {
                    let row = rows.iter().position(|row| row.is_of(&event) && row.covers(&path));
                    used.insert(row.unwrap_or_else(|| panic!("{mode}: no row for {path} of {event} ({name})")));
                }
            }
        }
        for (index, row) in rows.iter().enumerate() {
            assert!(used.contains(&index), "{mode}: nothing is sent for {row:?}");
        }
    }
}

#[test]
fn every_source_that_is_named_makes_its_property() {
    for mode in ["clean", "plugin"] {
        let rows = rows(mode);
        let bodies = bodies();
        let before = map(mode, bodies.iter().map(|(_, _, body)| body.clone()));
        // All tries in one go: compiling the pipeline is the dearest part.
        let mut tries = Vec::new();
        for (index, row) in rows.iter().enumerate() {
            for (version, source) in
                row.sources.iter().enumerate().flat_map(|(version, all)| all.iter().map(move |one| (version, one)))
            {
                let mut left = TRIES_MAX;
                for (fixture, (_, of, body)) in bodies.iter().enumerate() {
                    if *of != version || left == 0 || values_of(row, &before[fixture]).is_empty() {
                        continue;
                    }
                    for place in places(source) {
                        let mut changed = body.clone();
                        if change(&mut changed, &place) {
                            tries.push((index, version, source, fixture, changed));
                            left -= 1;
                            break;
                        }
                    }
                }
                assert!(left < TRIES_MAX, "{mode}: no fixture of version {} has `{source}` for {row:?}", version + 1);
            }
        }
        let after = map(mode, tries.iter().map(|(.., body)| body.clone()));
        let mut proven = BTreeSet::new();
        for ((index, version, source, fixture, _), after) in tries.iter().zip(&after) {
            if values_of(&rows[*index], &before[*fixture]) != values_of(&rows[*index], after) {
                proven.insert((*index, *version, *source));
            }
        }
        for (index, version, source, ..) in &tries {
            let row = &rows[*index];
            assert!(
                proven.contains(&(*index, *version, source)),
                "{mode}, version {}: `{source}` changes nothing of {row:?}",
                version + 1
            );
        }
    }
}

#[test]
fn the_events_are_those_of_the_forwarders() {
    let page = fs::read_to_string(root().join("scripts/medusa/MAPPING.md")).unwrap();
    let section = page.split("## Events\n").nth(1).unwrap().split("\n## ").next().unwrap();
    for (column, forwarder) in [(1, "v1/forwarder.js"), (2, "v2/forwarder.ts")] {
        let names: BTreeSet<String> = section
            .lines()
            .filter(|line| line.starts_with("| ") && !line.contains(".*"))
            .flat_map(|line| code(line.split('|').nth(column).unwrap()))
            .collect();
        let text = fs::read_to_string(root().join("scripts/medusa").join(forwarder)).unwrap();
        let events = text.split("const EVENTS = {").nth(1).unwrap().split("\n}\n").next().unwrap();
        let forwarded: BTreeSet<String> = events
            .lines()
            .filter_map(|line| line.strip_prefix("  \"")?.split_once("\": ").map(|(name, _)| name.to_owned()))
            .collect();
        assert_eq!(names, forwarded, "{forwarder}");
    }
}

/// Segment takes 32,000 bytes in a message: what an order was worth is told though its lines are too many for that.
#[test]
fn a_large_order_is_told_with_the_lines_that_fit() {
    for mode in ["clean", "plugin"] {
        for name in ["v1-order-placed", "v2-order-placed"] {
            let (.., small) = bodies().into_iter().find(|(fixture, ..)| fixture == name).unwrap();
            let mut large = small.clone();
            let items = large["order"]["items"].as_array_mut().unwrap();
            items[0]["title"] = "A long name of a product, ".repeat(10).into();
            *items = vec![items[0].clone(); 100];
            let mapped = map(mode, [small, large].into_iter());
            let completed = |mapped: &Mapped| {
                let found = mapped.messages.iter().find(|message| message["event"] == "Order Completed");
                found.unwrap_or_else(|| panic!("{mode}, {name}: {:?}", mapped.failures)).clone()
            };
            let (small, large) = (completed(&mapped[0]), completed(&mapped[1]));
            let bytes = large.to_string().len();
            assert!(bytes < 32_000, "{mode}, {name}: {bytes} bytes");
            let products = large["properties"]["products"].as_array().unwrap().len();
            assert!((30..100).contains(&products), "{mode}, {name}: {products} products");
            assert_eq!(large["properties"]["products_count"], 100, "{mode}, {name}");
            assert_eq!(large["properties"]["total"], small["properties"]["total"], "{mode}, {name}");
            assert_eq!(small["properties"]["products_count"], Value::Null, "{mode}, {name}");
        }
    }
}

/// The same where the sender escapes each letter, which makes two bytes of every one that was counted.
#[test]
fn a_large_order_that_came_escaped_is_told_too() {
    for mode in ["clean", "plugin"] {
        let (.., mut body) = bodies().into_iter().find(|(fixture, ..)| fixture == "v2-order-placed").unwrap();
        let items = body["order"]["items"].as_array_mut().unwrap();
        items[0]["title"] = "東京".repeat(40).into();
        *items = vec![items[0].clone(); 100];
        let escaped = body.to_string().replace('東', r"\u6771").replace('京', r"\u4eac");
        let told = |body: String| {
            let mapped = map_in("medusa", &[("mode", mode)], vec![Given::new(None, body.into_bytes())]).remove(0);
            assert!(mapped.failures.is_empty(), "{mode}: {:?}", mapped.failures);
            mapped.only("Order Completed")["properties"].clone()
        };
        assert_eq!(told(escaped), told(body.to_string()), "{mode}");
    }
}
