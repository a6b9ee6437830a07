//! Reading the arguments of library functions: what counts as a text or a number, and the words of the errors.

use rhai::{Array, Dynamic, ImmutableString, Map};
use rust_decimal::Decimal;

use super::Native;
use crate::script::fault::fault;

/// An argument as a text: texts and characters themselves, numbers and booleans as they are written, nothing for `()`.
pub fn text(value: &Dynamic, function: &str) -> Native<Option<ImmutableString>> {
    if let Some(text) = value.read_lock::<ImmutableString>() {
        return Ok(Some(text.clone()));
    }
    if value.is_unit() {
        return Ok(None);
    }
    scalar(value).map(Some).ok_or_else(|| fault(format!("{function} takes a text, not {}", kind(value))))
}

/// The text of a scalar that is not a text.
pub fn scalar(value: &Dynamic) -> Option<ImmutableString> {
    if let Ok(int) = value.as_int() {
        return Some(int.to_string().into());
    }
    if let Ok(float) = value.as_float() {
        return Some(float.to_string().into());
    }
    if let Ok(is) = value.as_bool() {
        return Some(if is { "true" } else { "false" }.into());
    }
    if let Some(decimal) = value.read_lock::<Decimal>() {
        return Some(decimal.to_string().into());
    }
    value.as_char().ok().map(|letter| letter.to_string().into())
}

/// A text that must be there.
pub fn needed(value: &Dynamic, function: &str) -> Native<ImmutableString> {
    text(value, function)?.ok_or_else(|| fault(format!("{function} takes a text, not nothing `()`")))
}

/// Applies a function of one text; absent stays absent.
pub fn map_text<R: Into<Dynamic>>(value: &Dynamic, function: &str, apply: impl FnOnce(&str) -> R) -> Native {
    Ok(text(value, function)?.map_or(Dynamic::UNIT, |text| apply(&text).into()))
}

/// The same for one that can fail.
pub fn try_text(value: &Dynamic, function: &str, apply: impl FnOnce(&str) -> Native) -> Native {
    text(value, function)?.map_or(Ok(Dynamic::UNIT), |text| apply(&text))
}

/// An argument that must be a map.
pub fn map(value: Dynamic, function: &str) -> Native<Map> {
    let found = kind(&value);
    value.flatten().try_cast::<Map>().ok_or_else(|| fault(format!("{function} takes a map, not {found}")))
}

/// An argument that must be an array.
pub fn array(value: Dynamic, function: &str) -> Native<Array> {
    let found = kind(&value);
    value.flatten().try_cast::<Array>().ok_or_else(|| fault(format!("{function} takes an array, not {found}")))
}

/// A duration: a text as YAML has it (`500ms`, `30s`, `10m`, `7d`), or milliseconds.
pub fn duration_ms(value: &Dynamic, function: &str) -> Native<u64> {
    let wrong =
        || fault(format!("{function} takes a duration, as \"30s\" or \"7d\", or milliseconds, not {}", shown(value)));
    if let Ok(int) = value.as_int() {
        return u64::try_from(int).map_err(|_| wrong());
    }
    let text = value.read_lock::<ImmutableString>().ok_or_else(wrong)?;
    crate::registry::parse_duration_ms(&text).ok_or_else(wrong)
}

fn shown(value: &Dynamic) -> String {
    value.read_lock::<ImmutableString>().map_or_else(|| kind(value).to_owned(), |text| format!("`{}`", &*text))
}

/// What a value is, for messages.
pub fn kind(value: &Dynamic) -> &'static str {
    match value.type_name() {
        "i64" | "f64" | "decimal" => "a number",
        "()" => "nothing `()`",
        "map" => "a map",
        "array" => "an array",
        "bool" => "true or false",
        "string" | "char" => "a text",
        "Fn" => "a function",
        "blob" => "a blob",
        _ => "a value of another kind",
    }
}
