//! Plans, policies and the built-in e-commerce plan.

use serde_json::{Value, json};

use super::*;
use crate::json::to_json_value;
use crate::step::tests::{apply_to, build_in, build_step};
use crate::tree::Tree;

const PLAN: &str = r#"
rules:
  - type: TRACK
    key: Order Completed
    version: 1
    jsonSchema:
      type: object
      required: [ properties ]
      properties:
        properties:
          type: object
          required: [ order_id ]
          properties:
            order_id: { type: string, pattern: "^[0-9]+$" }
            total: { type: number, minimum: 0 }
            currency: { type: string, format: currency }
            created: { type: string, format: date-time }
            products:
              type: array
              items: { type: object, properties: { sku: { type: string }, price: { type: number } } }
  - { type: TRACK, key: Order Completed, version: 2, jsonSchema: { type: object, properties: { properties: { required: [ number ] } } } }
  - { type: IDENTIFY, jsonSchema: { type: object, properties: { traits: { properties: { email: { type: string, format: email } } } } } }
  - { type: page, key: Home, jsonSchema: { properties: { properties: { required: [ url ] } } } }
  - { type: COMMON, jsonSchema: { type: object, required: [ timestamp ] } }
"#;

fn step(options: &str) -> Box<dyn Step> {
    let text = format!("- validate: {{ plan: plans/p.yaml, {options} }}");
    let tree = Tree::new().with("scripts/plans/p.yaml", PLAN);
    build_in(&text, tree, &mut Vec::new()).unwrap_or_else(|problems| panic!("{problems:?}"))
}

fn order(properties: &Value) -> Value {
    json!({"type": "track", "event": "Order Completed", "timestamp": "t", "properties": properties})
}

fn passed(step: &dyn Step, event: &Value) -> Value {
    match apply_to(step, event).unwrap() {
        Flow::Next(event) => to_json_value(&event.value).unwrap(),
        other => panic!("{other:?}"),
    }
}

/// `type field` of each violation.
fn violations(step: &dyn Step, event: &Value) -> Vec<String> {
    let after = passed(step, event);
    let list = after["context"]["protocols"]["violations"].as_array().cloned().unwrap_or_default();
    let mut all: Vec<_> = list
        .iter()
        .map(|one| format!("{} {}", one["type"].as_str().unwrap(), one["field"].as_str().unwrap()))
        .collect();
    all.sort();
    all
}

#[test]
fn violations_are_written_as_segment_writes_them() {
    let step = step("");
    let right = order(
        &json!({"order_id": "7", "total": 5, "currency": "EUR", "created": "2026-01-15T10:20:30Z", "products": [{"sku": "A"}]}),
    );
    assert_eq!(passed(&*step, &right), right);
    let wrong = json!({"type": "track", "event": "Order Completed", "properties": {"total": "secret", "currency": "EURO", "created": "yesterday", "products": [{"sku": 1}, {"price": "2"}]}});
    assert_eq!(
        violations(&*step, &wrong),
        [
            "Invalid Type properties.products[0].sku",
            "Invalid Type properties.products[1].price",
            "Invalid Type properties.total",
            "Invalid Value properties.created",
            "Invalid Value properties.currency",
            "Required properties.order_id",
            "Required timestamp",
        ]
    );
    let after = passed(&*step, &wrong);
    let all = after["context"]["protocols"]["violations"].as_array().unwrap();
    let described: Vec<_> = all.iter().map(|one| one["description"].as_str().unwrap()).collect();
    assert!(described.contains(&"properties.order_id is required"), "{described:?}");
    assert!(described.contains(&"properties.total: value is not of type \"number\""), "{described:?}");
    assert!(!described.iter().any(|text| text.contains("secret")), "no value is repeated");
}

#[test]
fn the_version_chooses_the_rule() {
    let step = step("");
    let mut event = order(&json!({"order_id": "7"}));
    for (version, expected) in
        [(json!(2), vec!["Required properties.number"]), (json!(1), vec![]), (json!(3), vec![]), (json!("2"), vec![])]
    {
        event["context"] = json!({"protocols": {"event_version": version}});
        assert_eq!(violations(&*step, &event), expected, "{version}");
    }
}

#[test]
fn each_type_has_its_rules() {
    let step = step("unplanned_events: warn");
    for (event, expected) in [
        (json!({"type": "identify", "traits": {"email": "no"}}), vec!["Invalid Value traits.email"]),
        (json!({"type": "page", "name": "Home", "properties": {}}), vec!["Required properties.url"]),
        (json!({"type": "page", "name": "Other"}), vec!["Unplanned Event event"]),
        (json!({"type": "track", "event": "order completed"}), vec!["Unplanned Event event"]),
        (json!({"type": "screen"}), vec![]),
        (json!({"type": "group"}), vec![]),
    ] {
        let mut event = event;
        event["timestamp"] = json!("t");
        assert_eq!(violations(&*step, &event), expected, "{event}");
    }
}

#[test]
fn properties_to_blame_are_removed() {
    let event = order(&json!({"total": "x", "products": [{"sku": 1}, {"sku": "B", "price": "2"}, 7, 8]}));
    let after = passed(&*step("on_violation: drop_properties"), &event);
    assert_eq!(after["properties"], json!({"products": [{}, {"sku": "B"}]}));
    let removed = json!([
        "properties.products[0].sku",
        "properties.products[1].price",
        "properties.products[2]",
        "properties.products[3]",
        "properties.total"
    ]);
    assert_eq!(after["context"]["protocols"]["omitted_on_violation"], removed);
    assert_eq!(after["event"], "Order Completed");
}

#[test]
fn events_end_where_the_policy_says_so() {
    let wrong = order(&json!({}));
    let right = order(&json!({"order_id": "7", "more": 1}));
    let other = json!({"type": "track", "event": "Something Else", "timestamp": "t"});
    let error = apply_to(&*step("on_violation: dead_letter"), &wrong).unwrap_err();
    assert_eq!((error.code, error.reason.as_str()), ("schema-violation", "properties.order_id is required"));
    let error = apply_to(&*step("unplanned_events: dead_letter"), &other).unwrap_err();
    assert_eq!((error.code, error.reason.as_str()), ("unplanned-event", "the plan does not have `Something Else`"));
    let error = apply_to(&*step("unplanned_properties: dead_letter"), &right).unwrap_err();
    assert_eq!((error.code, error.reason.as_str()), ("unplanned-property", "properties.more: it is not in the plan"));
    for (options, event, reason) in [
        ("on_violation: drop", &wrong, "schema_violation"),
        ("unplanned_events: drop", &other, "unplanned"),
        ("unplanned_properties: drop", &right, "unplanned"),
    ] {
        assert!(matches!(apply_to(&*step(options), event).unwrap(), Flow::Drop(why) if why == reason), "{options}");
    }
    assert_eq!(passed(&*step("on_violation: dead_letter, unplanned_events: allow"), &other), other);
}

#[test]
fn properties_that_are_not_planned_are_found_at_any_depth() {
    let event = order(&json!({"order_id": "7", "extra": {"a": 1}, "products": [{"sku": "A", "colour": "red"}]}));
    let after = passed(&*step("unplanned_properties: remove"), &event);
    assert_eq!(after["properties"], json!({"order_id": "7", "products": [{"sku": "A"}]}));
    assert_eq!(after["context"]["protocols"]["omitted"], json!(["properties.extra", "properties.products[0].colour"]));
    let told = violations(&*step("unplanned_properties: warn"), &event);
    assert_eq!(told, ["Unplanned Property properties.extra", "Unplanned Property properties.products[0].colour"]);
}

#[test]
fn properties_that_the_schema_forbids_as_well_are_told_once() {
    let schema = "{ properties: { properties: { properties: { a: {} }, additionalProperties: false } } }";
    let plan = format!("[ {{ type: TRACK, key: A, jsonSchema: {schema} }} ]");
    let event = json!({"type": "track", "event": "A", "properties": {"a": 1, "b": 2}});
    let with = |options: &str| {
        let tree = Tree::new().with("scripts/plans/p.yaml", &plan);
        let text = format!("- validate: {{ plan: plans/p.yaml, {options} }}");
        build_in(&text, tree, &mut Vec::new()).unwrap_or_else(|problems| panic!("{problems:?}"))
    };
    for options in ["", "unplanned_properties: warn"] {
        assert_eq!(violations(&*with(options), &event), ["Unplanned Property properties.b"], "{options}");
    }
    for options in ["unplanned_properties: remove", "unplanned_properties: remove, on_violation: drop_properties"] {
        let after = passed(&*with(options), &event);
        assert_eq!(after["properties"], json!({"a": 1}), "{options}");
        assert_eq!(after["context"]["protocols"], json!({"omitted": ["properties.b"]}), "{options}");
    }
    let after = passed(&*with("on_violation: drop_properties"), &event);
    assert_eq!(after["context"]["protocols"]["omitted_on_violation"], json!(["properties.b"]));
    let error = apply_to(&*with("unplanned_properties: remove, on_violation: dead_letter"), &event).unwrap_err();
    assert_eq!(error.code, "schema-violation");
}

#[test]
fn mistakes_of_a_plan_have_their_place() {
    for (plan, marked, message) in [
        ("rules: x", "x", "a plan has a list of `rules`, not a text"),
        ("[ 5 ]", "5", "a rule is a map, not a number"),
        ("[ { type: TRAK, key: A, jsonSchema: {} } ]", "TRAK", "`TRAK` is not the type of a rule"),
        (
            "[ { type: TRACK, jsonSchema: {} } ]",
            "{ type: TRACK, jsonSchema: {} }",
            "a rule of type TRACK needs `key`, the event's name",
        ),
        (
            "[ { type: TRACK, key: A, jsonScheme: {} } ]",
            "{ type: TRACK, key: A, jsonScheme: {} }",
            "a rule needs `jsonSchema`",
        ),
        ("[ { type: TRACK, key: A, version: x, jsonSchema: {} } ]", "x", "`version` is a whole number, not a text"),
        (
            "[ { type: TRACK, key: A, jsonSchema: { properties: { a: { type: strin } } } } ]",
            "strin",
            "this is not a JSON Schema: ",
        ),
        ("[ { type: TRACK, key: A, jsonSchema: { pattern: \"(?=a)\" } } ]", "(?=a)", "this is not a JSON Schema: "),
        (
            "[ { type: COMMON, jsonSchema: {} }, { type: COMMON, jsonSchema: {} } ]",
            "{ type: COMMON, jsonSchema: {} }",
            "there is a rule for COMMON with version 1 already",
        ),
        (
            "[ { type: COMMON, jsonSchema: { $ref: \"https://example.com/a.json\" } } ]",
            "",
            "this is not a JSON Schema: ",
        ),
    ] {
        let tree = Tree::new().with("scripts/plans/p.yaml", plan);
        let problems =
            build_in("- validate: plans/p.yaml", tree, &mut Vec::new()).err().unwrap_or_else(|| panic!("{plan}"));
        assert_eq!(problems.len(), 1, "{problems:?}");
        assert!(problems[0].message.starts_with(message), "{problems:?}");
        assert_eq!(problems[0].file.as_deref(), Some("scripts/plans/p.yaml"));
        assert!(plan[problems[0].span.clone().unwrap()].contains(marked), "{plan}: {problems:?}");
    }
    let problems = build_step("- validate: plans/shp.yaml").err().unwrap();
    assert_eq!(problems[0].help.as_deref(), Some("did you mean `plans/shop.yaml`?"));
    let problems = build_step("- validate: ecomerce").err().unwrap();
    assert_eq!(problems[0].help.as_deref(), Some("did you mean `ecommerce`?"));
}

#[test]
fn the_e_commerce_plan_knows_the_spec() {
    let step = build_step("- validate: { plan: ecommerce, on_violation: warn }")
        .unwrap_or_else(|problems| panic!("{problems:?}"));
    let check = |event: &str, properties: Value| {
        violations(&*step, &json!({"type": "track", "event": event, "properties": properties}))
    };
    let order = json!({"order_id": "7", "subtotal": 22.5, "revenue": 22.5, "shipping": 3, "tax": 2, "discount": 2.5, "total": 27.5, "currency": "USD",
        "products": [{"product_id": "1", "price": 19, "quantity": 1}, {"sku": "B", "price": 3.0, "quantity": 2}]});
    assert_eq!(check("Order Completed", order.clone()), Vec::<String>::new());
    let with = |key: &str, value: Value| {
        let mut changed = order.clone();
        changed[key] = value;
        check("Order Completed", changed)
    };
    for (key, value, expected) in [
        ("total", json!("27.50"), vec!["Invalid Type properties.total"]),
        ("total", json!(30), vec!["Invalid Value properties.total"]),
        ("currency", json!("usd"), vec!["Invalid Value properties.currency"]),
        ("currency", json!("EUROS"), vec!["Invalid Value properties.currency"]),
        ("order_id", json!(7), vec!["Invalid Type properties.order_id"]),
        ("orderId", json!("7"), vec!["Invalid Value properties.orderId"]),
        ("discount", json!(-2.5), vec!["Invalid Value properties.discount"]),
        ("products", json!([]), vec!["Invalid Value properties.products"]),
        ("products", json!([null]), vec!["Invalid Type properties.products[0]"]),
        ("products", json!([{"price": 1}]), vec!["Required properties.products[0].product_id"]),
        ("products", json!([{"sku": "A", "id": "1"}]), vec!["Invalid Value properties.products[0].id"]),
        ("products", json!([{"product_id": "A", "id": "1"}]), vec![]),
        ("products", json!([{"sku": "A", "quantity": 0}]), vec!["Invalid Value properties.products[0].quantity"]),
        ("anything_else", json!({"a": 1}), vec![]),
    ] {
        assert_eq!(with(key, value.clone()), expected, "{key}: {value}");
    }
    assert_eq!(
        check("Order Completed", json!({})),
        ["Required properties.currency", "Required properties.order_id", "Required properties.products"]
    );
    assert_eq!(check("Product Viewed", json!({"price": 1})), ["Required properties.product_id"]);
    let unnamed = json!({"type": "track", "event": "Product Viewed", "properties": {"price": 1}});
    assert_eq!(
        passed(&*step, &unnamed)["context"]["protocols"]["violations"][0]["description"],
        "properties: one of product_id, sku, name is required"
    );
    assert_eq!(check("Product Viewed", json!({"name": "Cap"})), Vec::<String>::new());
    for old in ["Completed Order", "order completed", "Order Canceled", "Product Added To Wishlist"] {
        assert_eq!(check(old, json!({})), ["Invalid Value event"], "{old}");
    }
    assert_eq!(check("Signed Up", json!({"total": "x"})), Vec::<String>::new());
}
