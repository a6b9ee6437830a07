//! The JSON Schema (draft 2020-12) of a fixture file, for editors.
//!
//! Nothing is filled in here as in a pipeline: a text is any scalar, taken as it stands.

use serde_json::{Map, Value, json};

use super::{described, required};
use crate::check::keys;
use crate::registry::{Opt, Type};

/// As the reader of times takes them.
const TIME: &str =
    r"^[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}(:[0-9]{2}([.,][0-9]+)?)?([Zz]|[+-][0-9]{2}(:?[0-9]{2})?)$";

/// The schema.
pub fn fixture_schema() -> Value {
    let mut answer = map(&keys::HTTP);
    answer["oneOf"] = keys::METHODS.iter().map(|method| json!({ "required": [method] })).collect();
    let mut schema = map(&keys::CASE);
    for (key, value) in [
        ("$schema", "https://json-schema.org/draft/2020-12/schema".into()),
        ("title", "A fixture of Cartwire".into()),
        ("$comment", super::made_by().into()),
        ("$defs", json!({ "given": map(&keys::GIVEN), "http": answer })),
    ] {
        schema[key] = value;
    }
    schema
}

fn map(options: &'static [Opt]) -> Value {
    let properties: Map<_, _> = options.iter().map(|opt| (opt.name.to_owned(), described(opt, value(opt)))).collect();
    json!({ "type": "object", "properties": properties, "required": required(options), "additionalProperties": false })
}

/// What a key takes. Those that the reader of fixtures reads in a way of its own have no type that would say it.
fn value(opt: &Opt) -> Value {
    let one_or_more = |name: &str, least: u64| {
        let item = json!({ "$ref": format!("#/$defs/{name}") });
        json!({ "anyOf": [{ "type": "array", "minItems": least, "items": item.clone() }, item] })
    };
    match opt.name {
        "given" => one_or_more("given", 1),
        "http" => one_or_more("http", 0),
        "expect" => json!({ "anyOf": [
            { "type": ["array", "null"] },
            { "type": "object", "minProperties": 1, "additionalProperties": { "type": "array" } },
        ] }),
        "now" => json!({ "type": "string", "pattern": TIME }),
        _ => of_type(&opt.ty),
    }
}

fn of_type(ty: &Type) -> Value {
    match ty {
        Type::Bool => json!({ "type": "boolean" }),
        Type::Int(least, most) => json!({ "type": "integer", "minimum": least, "maximum": most }),
        Type::Duration => json!({ "type": "string", "pattern": super::value::DURATION }),
        // Reasons, of which an empty one would be part of every one.
        Type::List(item) => {
            let mut item = of_type(item);
            item["minLength"] = 1.into();
            json!({ "anyOf": [{ "type": "array", "items": item.clone() }, item] })
        }
        Type::Map(value) => json!({ "type": "object", "additionalProperties": of_type(value) }),
        Type::Any | Type::Raw => json!({}),
        _ => json!({ "type": ["string", "number", "boolean"] }),
    }
}
