//! Whether a message is what was expected.

use serde_json::Value;

/// Whether `got` has everything that `want` says. With `exact`, also nothing more.
pub(super) fn matches(want: &Value, got: &Value, exact: bool) -> bool {
    match (want, got) {
        (Value::Object(want), Value::Object(got)) => {
            (!exact || want.len() == got.len())
                && want.iter().all(|(key, want)| got.get(key).is_some_and(|got| matches(want, got, exact)))
        }
        (Value::Array(want), Value::Array(got)) => {
            want.len() == got.len() && want.iter().zip(got).all(|(want, got)| matches(want, got, exact))
        }
        (Value::Number(want), Value::Number(got)) => same_number(want, got),
        _ => want == got,
    }
}

/// 54.90 is 54.9 and 20 is 20.0; integers beyond 2^53 are compared as integers.
fn same_number(one: &serde_json::Number, other: &serde_json::Number) -> bool {
    if let (Some(one), Some(other)) = (one.as_i64(), other.as_i64()) {
        return one == other;
    }
    if let (Some(one), Some(other)) = (one.as_u64(), other.as_u64()) {
        return one == other;
    }
    match (whole(one), whole(other)) {
        (Some(whole), None) => is_whole(other, whole),
        (None, Some(whole)) => is_whole(one, whole),
        _ => one.as_f64() == other.as_f64(),
    }
}

fn whole(number: &serde_json::Number) -> Option<i128> {
    number.as_i64().map(i128::from).or_else(|| number.as_u64().map(i128::from))
}

/// Beyond 2^53 a float stands for many integers, and equals only the one that it is.
fn is_whole(number: &serde_json::Number, whole: i128) -> bool {
    number.as_f64().is_some_and(|float| float.fract() == 0.0 && float as i128 == whole)
}

/// What of `got` the expectation speaks of, so that a difference shows no more than it must.
pub(super) fn project(want: &Value, got: &Value) -> Value {
    match (want, got) {
        (Value::Object(want), Value::Object(got)) => {
            want.iter().filter_map(|(key, want)| got.get(key).map(|got| (key.clone(), project(want, got)))).collect()
        }
        (Value::Array(want), Value::Array(got)) => got
            .iter()
            .enumerate()
            .map(|(index, got)| want.get(index).map_or_else(|| got.clone(), |want| project(want, got)))
            .collect(),
        // The number as the expectation writes it, when it is the same one.
        (Value::Number(one), Value::Number(other)) if same_number(one, other) => want.clone(),
        _ => got.clone(),
    }
}
