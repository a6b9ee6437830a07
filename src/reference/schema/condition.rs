//! The schema of a filter's condition, which the step reads itself.

use serde_json::{Map, Value, json};

use crate::step::{CHECKS, FORMS};

/// A part with a value that it reads itself: for `filter`, a condition with its reason.
pub(super) fn reference(part: &str) -> Value {
    if part != "filter" {
        return json!({});
    }
    let mut with_reason = alternatives();
    for alternative in &mut with_reason {
        if let Some(properties) = alternative.get_mut("properties").and_then(Value::as_object_mut) {
            properties.insert("reason".to_owned(), json!({ "type": "string" }));
        }
    }
    json!({ "anyOf": with_reason })
}

/// A condition at any depth.
pub(super) fn schema() -> Value {
    json!({ "anyOf": alternatives() })
}

fn alternatives() -> Vec<Value> {
    let mut all = vec![json!({ "type": ["string", "boolean"] })];
    all.extend(FORMS.iter().map(|form| if *form == "field" { field() } else { map(form, &form_value(form)) }));
    all
}

fn map(key: &str, value: &Value) -> Value {
    json!({ "type": "object", "properties": { key: value }, "required": [key], "additionalProperties": false })
}

fn form_value(form: &str) -> Value {
    let condition = json!({ "$ref": "#/$defs/condition" });
    match form {
        "any" | "all" => json!({ "type": "array", "minItems": 1, "items": condition }),
        "not" => condition,
        _ => json!({ "type": "string" }),
    }
}

/// A field with at least one check beside it.
fn field() -> Value {
    let mut properties: Map<_, _> = CHECKS.iter().map(|check| ((*check).to_owned(), check_value(check))).collect();
    let one_check: Vec<_> = CHECKS.iter().map(|check| json!({ "required": [check] })).collect();
    properties.insert("field".to_owned(), json!({ "type": "string" }));
    json!({
        "type": "object",
        "properties": properties,
        "required": ["field"],
        "anyOf": one_check,
        "additionalProperties": false,
    })
}

fn check_value(check: &str) -> Value {
    match check {
        "in" => json!({ "type": "array" }),
        "exists" => json!({ "type": "boolean" }),
        "gt" | "gte" | "lt" | "lte" => json!({ "type": ["number", "string"] }),
        "starts_with" | "ends_with" | "matches" => json!({ "type": "string" }),
        _ => json!({}),
    }
}
