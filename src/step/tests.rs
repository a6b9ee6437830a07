//! What the simple steps do, and what holds for all: the list is sorted, and every example loads.

use serde_json::{Value, json};

use super::*;
use crate::event::Origin;
use crate::registry::{Environment, Room, Source, read_options};
use crate::{json, yaml};

const FILE: &str = "pipelines/f.yaml";

struct AnyValue;

impl Environment for AnyValue {
    fn var(&self, _: &str) -> Option<String> {
        Some("value".into())
    }

    fn file(&self, _: &str) -> Result<String, String> {
        Ok("value".into())
    }
}

/// Builds a step from a list item in YAML; warnings go into the list.
pub(super) fn build_with_warnings(text: &str, warnings: &mut Vec<Diag>) -> Result<Box<dyn Step>, Vec<Diag>> {
    let (node, mut problems) = yaml::parse(FILE, text);
    assert!(problems.is_empty(), "{problems:?}");
    let part = node.unwrap().as_list().unwrap()[0].as_map().unwrap()[0].clone();
    let def = STEPS.iter().find(|step| step.def.name == part.key).unwrap();
    let source = Source { file: FILE, env: &AnyValue };
    let options = read_options(&def.def, &part.value, &part.key_span, &source, &mut problems).ok_or(problems)?;
    let mut tree = Tree::new().with(FILE, text);
    // What the examples of steps refer to.
    tree.insert("scripts/shop/order.rhai", "event.properties.seen = true;");
    let tree = Arc::new(tree);
    let host = Host::new(&tree, crate::script::Limits::default());
    let settings = rhai::Dynamic::from_map(rhai::Map::new());
    (def.build)(&options, &mut Build { host: &host, tree: &tree, settings, warnings })
}

/// The same, without looking at warnings.
pub(super) fn build_step(text: &str) -> Result<Box<dyn Step>, Vec<Diag>> {
    build_with_warnings(text, &mut Vec::new())
}

/// Applies a step to an event.
pub(super) fn apply(text: &str, event: &Value) -> Result<Flow, StepError> {
    let step = build_step(text).unwrap_or_else(|problems| panic!("{text}: {problems:?}"));
    let delivery = Delivery::default();
    let session = crate::state::Session::empty();
    let mut cx = Context::new(&delivery, "d", 0, &session);
    let value = json::from_json_value(event);
    step.apply(Event { value, tape: Rc::default(), origin: Origin::default() }, &mut cx)
}

fn changed(text: &str, event: &Value) -> Value {
    let Flow::Next(event) = apply(text, event).unwrap() else { panic!("{text} ended the event") };
    json::to_json_value(&event.value).unwrap()
}

#[test]
fn the_list_is_sorted() {
    assert!(STEPS.is_sorted_by_key(|step| step.def.name));
    assert!(STEPS.iter().all(|step| step.def.room == Room::Step && !step.def.about.ends_with('.')));
}

#[test]
fn every_example_builds_without_a_warning() {
    for step in STEPS {
        let mut warnings = Vec::new();
        let built = build_with_warnings(step.def.example, &mut warnings).map(|_| ());
        assert_eq!(built, Ok(()), "{}", step.def.name);
        assert!(warnings.is_empty(), "{}: {warnings:?}", step.def.name);
    }
}

#[test]
fn fields_are_set_filled_moved_and_removed() {
    let event = json!({"type": "track", "properties": {"total": 5, "note": null, "products": [{"sku": "A", "cost": 1}, {"sku": "B"}]}});
    for (text, expected) in [
        (
            "- set: { properties.total: \"${X}\", context.app: { name: shop }, \"properties.products[*].cost\": 0.5 }",
            json!({"type": "track", "context": {"app": {"name": "shop"}}, "properties": {"total": "value", "note": null,
                "products": [{"sku": "A", "cost": 0.5}, {"sku": "B", "cost": 0.5}]}}),
        ),
        (
            "- default: { properties.total: 7, properties.note: n, \"properties.products[*].cost\": 2, userId: null }",
            json!({"type": "track", "userId": null, "properties": {"total": 5, "note": "n", "products": [{"sku": "A", "cost": 1}, {"sku": "B", "cost": 2}]}}),
        ),
        (
            "- rename: { properties.total: properties.value, properties.missing: x }",
            json!({"type": "track", "properties": {"value": 5, "note": null, "products": [{"sku": "A", "cost": 1}, {"sku": "B"}]}}),
        ),
        (
            "- rename: { properties.total: properties.note, properties.note: properties.total, type: properties.kind.of }",
            json!({"properties": {"total": null, "note": 5, "kind": {"of": "track"}, "products": [{"sku": "A", "cost": 1}, {"sku": "B"}]}}),
        ),
        ("- rename: { properties: data }", json!({"type": "track", "data": event["properties"]})),
        (
            "- remove: [ properties.total, properties.note, \"properties.products[*].cost\", missing.too ]",
            json!({"type": "track", "properties": {"products": [{"sku": "A"}, {"sku": "B"}]}}),
        ),
        ("- remove: properties", json!({"type": "track"})),
        (
            "- keep: [ type, \"properties.products[*].sku\" ]",
            json!({"type": "track", "properties": {"products": [{"sku": "A"}, {"sku": "B"}]}}),
        ),
    ] {
        assert_eq!(changed(text, &event), expected, "{text}");
    }
}

#[test]
fn what_is_in_the_way_is_named() {
    for text in ["- set: { type.x: 1 }", "- default: { type.x: 1 }", "- rename: { properties: type.x }"] {
        let error = apply(text, &json!({"type": "track", "properties": {}})).unwrap_err();
        assert_eq!((error.code, error.reason.as_str()), ("path-blocked", "type is a text, not a map"), "{text}");
    }
}

#[test]
fn wrong_paths_are_marked_where_they_are_wrong() {
    for (text, marked) in [
        ("- remove: [ type, properties..x ]", ".x"),
        ("- remove: \"a[x]\"", "x]"),
        ("- set: { 'a..b': 1 }", ".b"),
        ("- keep: [ $.type ]", "$.type"),
        ("- rename: { \"a[*].b\": c }", "\"a[*].b\""),
        ("- rename: { a: c, b: c }", "c"),
        ("- set: [ 1 ]", "[ 1 ]"),
    ] {
        let problems = build_step(text).err().unwrap_or_else(|| panic!("{text} is taken"));
        assert_eq!(problems.len(), 1, "{problems:?}");
        assert_eq!(&text[problems[0].span.clone().unwrap()], marked, "{text}");
    }
    assert_eq!(build_step("- remove: [ a..b, c..d ]").err().unwrap().len(), 2);
}

#[test]
fn likely_mistakes_are_warned_of() {
    for (text, code) in [
        ("- remove: event.properties.x", "path-event"),
        ("- keep: [ event ]", "keep-without-type"),
        ("- set: { propertis.x: 1 }", "path-field"),
        ("- remove: [ contxt.ip ]", "path-field"),
    ] {
        let mut warnings = Vec::new();
        build_with_warnings(text, &mut warnings).map(|_| ()).unwrap();
        assert_eq!(warnings.iter().map(|diag| diag.code).collect::<Vec<_>>(), [code]);
    }
}
