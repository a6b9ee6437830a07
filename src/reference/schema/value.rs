//! From an option's type to the schema of its value, as the reader of options takes it.

use serde_json::{Value, json};

use super::{map_schema, options_schema, required};
use crate::registry::{Form, Type};

/// A text that holds a reference: what it becomes shows only when it is filled in.
const REFERENCE: &str = r"\$\{";
/// A time with its unit.
pub(super) const DURATION: &str = r"^\s*[0-9.]+\s*(ms|s|m|min|h|d)\s*$";

/// The schema of a value in which `${NAME}` is replaced.
pub(super) fn schema(ty: &Type) -> Value {
    match ty {
        Type::Bool => json!({ "anyOf": [{ "type": "boolean" }, pattern("^(true|false)$")] }),
        Type::Int(min, max) => {
            let mut number = json!({ "type": "integer" });
            if *min != i64::MIN {
                number["minimum"] = (*min).into();
            }
            if *max != i64::MAX {
                number["maximum"] = (*max).into();
            }
            json!({ "anyOf": [number, pattern("^-?[0-9]+$")] })
        }
        Type::Text => json!({ "type": ["string", "number"] }),
        Type::Secret => json!({ "type": "string", "minLength": 1 }),
        Type::Url => pattern("^https?://[^/\\s]"),
        Type::Duration => pattern(DURATION),
        Type::Bytes => json!({
            "anyOf": [{ "type": "number", "minimum": 0 }, pattern(r"^\s*[0-9.]+\s*(B|KB|kB|MB|GB|KiB|MiB|GiB)?\s*$")]
        }),
        Type::Path | Type::ScriptFile | Type::Code => json!({ "type": "string" }),
        Type::Word(words) => json!({ "anyOf": [words_schema(words), { "type": "string", "pattern": REFERENCE }] }),
        Type::List(item) => {
            let item = schema(item);
            json!({ "anyOf": [{ "type": "array", "items": item.clone() }, item] })
        }
        Type::Map(value) => json!({ "type": "object", "additionalProperties": schema(value) }),
        Type::Choice(forms) => choice(forms),
        Type::Options(options, short) => options_schema(options, *short),
        Type::Condition => json!({ "$ref": "#/$defs/condition" }),
        Type::Any | Type::Raw => json!({}),
    }
}

/// The schema of a value that is taken as it stands, as that of `id` and `on_error`.
pub(super) fn literal(ty: &Type) -> Value {
    match ty {
        Type::Text => json!({ "type": "string", "pattern": "^[A-Za-z0-9._-]+$" }),
        Type::Word(words) => json!({ "enum": words }),
        other => schema(other),
    }
}

/// A text of that form, or one that holds a reference.
fn pattern(form: &str) -> Value {
    json!({ "type": "string", "pattern": format!("{form}|{REFERENCE}") })
}

/// Words; one that is a number may stand without quotes.
fn words_schema(words: &[&str]) -> Value {
    let mut values: Vec<Value> = words.iter().map(|word| Value::from(*word)).collect();
    values.extend(words.iter().filter_map(|word| word.parse::<i64>().ok()).map(Value::from));
    json!({ "enum": values })
}

fn choice(forms: &'static [Form]) -> Value {
    let alternatives: Vec<_> = forms.iter().flat_map(form).collect();
    json!({ "oneOf": alternatives })
}

/// `word: options`, and the word alone where that is enough.
fn form(form: &'static Form) -> Vec<Value> {
    let bare = required(form.options).is_empty();
    let mut options = map_schema(form.options);
    if bare {
        options = json!({ "anyOf": [options, { "type": "null" }] });
    }
    let map = json!({
        "description": form.about,
        "type": "object",
        "properties": { form.name: options },
        "required": [form.name],
        "additionalProperties": false,
    });
    let word = bare.then(|| json!({ "description": form.about, "const": form.name }));
    std::iter::once(map).chain(word).collect()
}
