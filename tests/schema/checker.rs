//! A small validator of JSON Schema: the keywords that `cartwire schema` uses, and an error for any other.
//!
//! A full validator from outside would do the same, but changes the features of half the dependencies for all tests.

use regex::Regex;
use serde_json::Value;

/// Says nothing, so it needs no check.
const NOTES: [&str; 6] = ["$schema", "$comment", "$defs", "title", "description", "default"];

/// A schema that texts are held against.
pub(super) struct Checker {
    root: Value,
}

impl Checker {
    /// Panics on a keyword that it does not know, wherever it stands.
    pub(super) fn new(root: Value) -> Self {
        known(&root);
        Self { root }
    }

    /// What is wrong with a value, with its place.
    pub(super) fn check(&self, value: &Value) -> Result<(), String> {
        self.at(&self.root, value, "")
    }

    fn at(&self, schema: &Value, value: &Value, place: &str) -> Result<(), String> {
        let wrong = |what: String| Err(format!("{place}: {value}: {what}"));
        let Some(keywords) = schema.as_object() else {
            return if *schema == Value::Bool(false) { wrong("is not allowed".into()) } else { Ok(()) };
        };
        for (keyword, rule) in keywords {
            match keyword.as_str() {
                "$ref" => {
                    let target = rule.as_str().and_then(|text| text.strip_prefix('#')).expect("a reference within");
                    self.at(self.root.pointer(target).expect("what is referred to"), value, place)?;
                }
                "allOf" => list(rule).iter().try_for_each(|rule| self.at(rule, value, place))?,
                "anyOf" | "oneOf" => {
                    let results: Vec<_> = list(rule).iter().map(|rule| self.at(rule, value, place)).collect();
                    let fitting = results.iter().filter(|result| result.is_ok()).count();
                    if fitting == 0 || (keyword == "oneOf" && fitting > 1) {
                        let reasons: Vec<_> = results.into_iter().filter_map(Result::err).collect();
                        return wrong(format!("{fitting} of {keyword} fit\n{}", reasons.join("\n")));
                    }
                }
                "properties" => {
                    for (name, member) in value.as_object().into_iter().flatten() {
                        if let Some(rule) = rule.get(name) {
                            self.at(rule, member, &format!("{place}/{name}"))?;
                        }
                    }
                }
                "additionalProperties" => {
                    for (name, member) in value.as_object().into_iter().flatten() {
                        if keywords.get("properties").and_then(|known| known.get(name)).is_none() {
                            self.at(rule, member, &format!("{place}/{name}"))?;
                        }
                    }
                }
                "items" => {
                    for (index, item) in value.as_array().into_iter().flatten().enumerate() {
                        self.at(rule, item, &format!("{place}/{index}"))?;
                    }
                }
                _ if NOTES.contains(&keyword.as_str()) => {}
                _ if holds(keyword, rule, value) => {}
                _ => return wrong(format!("{keyword} {rule}")),
            }
        }
        Ok(())
    }
}

/// Whether a value satisfies a keyword that has no schemas in it. Keywords for another type say nothing.
fn holds(keyword: &str, rule: &Value, value: &Value) -> bool {
    match keyword {
        "type" => match rule {
            Value::Array(types) => types.iter().any(|name| is(name, value)),
            name => is(name, value),
        },
        "enum" => list(rule).contains(value),
        "const" => rule == value,
        "required" => {
            value.as_object().is_none_or(|map| list(rule).iter().all(|name| map.contains_key(name.as_str().unwrap())))
        }
        "minItems" => value.as_array().is_none_or(|items| items.len() as u64 >= rule.as_u64().unwrap()),
        "minProperties" => value.as_object().is_none_or(|map| map.len() as u64 >= rule.as_u64().unwrap()),
        "minLength" => value.as_str().is_none_or(|text| text.chars().count() as u64 >= rule.as_u64().unwrap()),
        "minimum" => value.as_f64().is_none_or(|number| number >= rule.as_f64().unwrap()),
        "maximum" => value.as_f64().is_none_or(|number| number <= rule.as_f64().unwrap()),
        "pattern" => value.as_str().is_none_or(|text| Regex::new(rule.as_str().unwrap()).unwrap().is_match(text)),
        other => panic!("the checker does not know `{other}`"),
    }
}

fn is(name: &Value, value: &Value) -> bool {
    match name.as_str().unwrap() {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_i64() || value.is_u64() || value.as_f64().is_some_and(|number| number.fract() == 0.0),
        "number" => value.is_number(),
        "string" => value.is_string(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        other => panic!("there is no type `{other}`"),
    }
}

fn list(rule: &Value) -> &[Value] {
    rule.as_array().expect("a list")
}

/// Goes through all schemas, also those that no tested value reaches.
fn known(schema: &Value) {
    let Some(keywords) = schema.as_object() else {
        assert!(schema.is_boolean(), "{schema} is no schema");
        return;
    };
    for (keyword, rule) in keywords {
        match keyword.as_str() {
            "properties" | "$defs" => rule.as_object().expect("a map").values().for_each(known),
            "allOf" | "anyOf" | "oneOf" => list(rule).iter().for_each(known),
            "additionalProperties" | "items" => known(rule),
            "$ref" => assert!(rule.as_str().is_some_and(|text| text.starts_with("#/"))),
            _ if NOTES.contains(&keyword.as_str()) => {}
            _ => {
                holds(keyword, rule, &Value::Null);
            }
        }
    }
}
