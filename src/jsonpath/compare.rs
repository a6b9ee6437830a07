//! How filters and queries compare values: by value, never by converting a text into a number.

use std::cmp::Ordering;

use rhai::Dynamic;
use rust_decimal::prelude::ToPrimitive;

use super::Meter;

/// Whether two values are the same data; 1 and 1.0 are.
pub fn equal(one: &Dynamic, two: &Dynamic) -> bool {
    equal_within(one, two, &mut |_| true)
}

/// The same; the meter is told of the work, and its `false` ends the comparison, as if the values differed.
pub(super) fn equal_within(one: &Dynamic, two: &Dynamic, meter: Meter<'_>) -> bool {
    let bytes = one.as_immutable_string_ref().map_or(0, |text| text.len());
    if !meter(1 + bytes / 1024) {
        return false;
    }
    if let Some(order) = order(one, two) {
        return order == Ordering::Equal;
    }
    if one.is_unit() || two.is_unit() {
        return one.is_unit() && two.is_unit();
    }
    if let (Ok(one), Ok(two)) = (one.as_bool(), two.as_bool()) {
        return one == two;
    }
    if let (Ok(one), Ok(two)) = (one.as_array_ref(), two.as_array_ref()) {
        return one.len() == two.len() && one.iter().zip(two.iter()).all(|(one, two)| equal_within(one, two, meter));
    }
    if let (Ok(one), Ok(two)) = (one.as_map_ref(), two.as_map_ref()) {
        return one.len() == two.len()
            && one.iter().zip(two.iter()).all(|(one, two)| one.0 == two.0 && equal_within(one.1, two.1, meter));
    }
    false
}

/// The order of two numbers or of two texts (by code point); nothing else has one.
pub fn order(one: &Dynamic, two: &Dynamic) -> Option<Ordering> {
    if let (Ok(one), Ok(two)) = (one.as_immutable_string_ref(), two.as_immutable_string_ref()) {
        return Some(one.as_str().cmp(two.as_str()));
    }
    if let (Ok(one), Ok(two)) = (one.as_int(), two.as_int()) {
        return Some(one.cmp(&two));
    }
    if let (Ok(one), Ok(two)) = (one.as_decimal(), two.as_decimal()) {
        return Some(one.cmp(&two));
    }
    number(one)?.partial_cmp(&number(two)?)
}

fn number(value: &Dynamic) -> Option<f64> {
    if let Ok(value) = value.as_int() {
        return Some(value as f64);
    }
    value.as_float().ok().or_else(|| value.as_decimal().ok()?.to_f64())
}

#[cfg(test)]
mod tests {
    use rust_decimal::Decimal;
    use serde_json::json;

    use super::*;
    use crate::json::from_json_value;

    #[test]
    fn numbers_compare_by_value_and_texts_by_code_point() {
        let values =
            |one: serde_json::Value, two: serde_json::Value| order(&from_json_value(&one), &from_json_value(&two));
        assert_eq!(values(json!(1), json!(1.0)), Some(Ordering::Equal));
        assert_eq!(values(json!(1), json!(1.5)), Some(Ordering::Less));
        assert_eq!(values(json!("b"), json!("a")), Some(Ordering::Greater));
        assert_eq!(values(json!("1"), json!(1)), None);
        assert_eq!(values(json!(null), json!(null)), None);
        assert_eq!(values(json!(9_007_199_254_740_993_i64), json!(9_007_199_254_740_992_i64)), Some(Ordering::Greater));
        let price = Dynamic::from_decimal(Decimal::new(5490, 2));
        assert_eq!(order(&price, &Dynamic::from_float(54.9)), Some(Ordering::Equal));
        assert_eq!(order(&price, &Dynamic::from_int(55)), Some(Ordering::Less));
        assert_eq!(order(&Dynamic::from_float(f64::NAN), &Dynamic::from_int(55)), None);
    }

    #[test]
    fn equality_goes_through_lists_and_maps() {
        let values =
            |one: serde_json::Value, two: serde_json::Value| equal(&from_json_value(&one), &from_json_value(&two));
        assert!(values(json!({"a": [1, {"b": null}]}), json!({"a": [1.0, {"b": null}]})));
        assert!(!values(json!({"a": 1}), json!({"b": 1})));
        assert!(!values(json!([1]), json!([1, 2])));
        assert!(!values(json!(false), json!(null)));
        assert!(!values(json!(0), json!(false)));
        assert!(values(json!(true), json!(true)));
    }
}
