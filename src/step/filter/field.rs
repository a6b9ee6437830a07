//! Tests of one field: `{ field: properties.total, gt: 100 }`.

use rhai::Dynamic;

use crate::jsonpath::compare::{equal, order};
use crate::path::Path;

/// A field and what must hold for it.
pub(super) struct FieldTest {
    /// The field.
    pub(super) path: Path,
    /// All of these must hold for the same value.
    pub(super) checks: Vec<Check>,
}

/// One check of a value.
pub(super) enum Check {
    /// Equal to this.
    Is(Dynamic),
    /// Not equal to this.
    Not(Dynamic),
    /// Equal to one of these.
    In(Vec<Dynamic>),
    /// There (and not `null`), or not.
    Exists(bool),
    /// Greater.
    Gt(Dynamic),
    /// Greater or equal.
    Gte(Dynamic),
    /// Less.
    Lt(Dynamic),
    /// Less or equal.
    Lte(Dynamic),
    /// A text with this text in it, or a list with this element.
    Contains(Dynamic),
    /// A text that begins so.
    StartsWith(String),
    /// A text that ends so.
    EndsWith(String),
    /// A text in which the pattern is found.
    Matches(regex::Regex),
}

impl FieldTest {
    /// Whether the field's value (or with `*` any of them) passes all checks.
    pub(super) fn holds(&self, event: &Dynamic) -> bool {
        let holds_all = |value: &Dynamic| self.checks.iter().all(|check| check.holds(value));
        let mut found = false;
        let any_passed = self.path.any(event, |value| {
            found = true;
            holds_all(value)
        });
        any_passed || !found && holds_all(&Dynamic::UNIT)
    }
}

impl Check {
    fn holds(&self, value: &Dynamic) -> bool {
        match self {
            Self::Is(expected) => equal(value, expected),
            Self::Not(expected) => !equal(value, expected),
            Self::In(expected) => expected.iter().any(|expected| equal(value, expected)),
            Self::Exists(expected) => value.is_unit() != *expected,
            Self::Gt(bound) => order(value, bound).is_some_and(std::cmp::Ordering::is_gt),
            Self::Gte(bound) => order(value, bound).is_some_and(std::cmp::Ordering::is_ge),
            Self::Lt(bound) => order(value, bound).is_some_and(std::cmp::Ordering::is_lt),
            Self::Lte(bound) => order(value, bound).is_some_and(std::cmp::Ordering::is_le),
            Self::Contains(part) => {
                if let Ok(items) = value.as_array_ref() {
                    return items.iter().any(|item| equal(item, part));
                }
                part.as_immutable_string_ref().is_ok_and(|part| text(value, |text| text.contains(part.as_str())))
            }
            Self::StartsWith(start) => text(value, |text| text.starts_with(start)),
            Self::EndsWith(end) => text(value, |text| text.ends_with(end)),
            Self::Matches(pattern) => text(value, |text| pattern.is_match(text)),
        }
    }
}

fn text(value: &Dynamic, test: impl FnOnce(&str) -> bool) -> bool {
    value.as_immutable_string_ref().is_ok_and(|text| test(text.as_str()))
}
