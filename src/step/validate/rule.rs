//! One rule of a plan, compiled.

use jsonschema::{Draft, PatternOptions, Validator};
use serde_json::Value;

use super::planned::Planned;
use super::violation::Violation;
use crate::path::Segment;

/// More violations of one event are not written down.
const VIOLATIONS_MAX: usize = 50;
/// A compiled pattern may take so much memory.
const PATTERN_BYTES_MAX: usize = 1 << 20;

/// A rule.
pub(super) struct Rule {
    /// Its version.
    pub(super) version: i64,
    validator: Validator,
    planned: Planned,
}

/// Why a schema cannot be used.
pub(super) struct SchemaError {
    /// Where in the schema.
    pub(super) path: Vec<String>,
    /// What is wrong.
    pub(super) message: String,
}

impl Rule {
    /// Compiles a schema.
    pub(super) fn new(version: i64, schema: &Value) -> Result<Self, SchemaError> {
        let validator = jsonschema::options()
            .with_draft(Draft::Draft7)
            .should_validate_formats(true)
            .with_format("currency", |code: &str| iso_currency::Currency::from_code(code).is_some())
            .with_pattern_options(PatternOptions::regex().size_limit(PATTERN_BYTES_MAX))
            .offline()
            .build(schema)
            .map_err(|error| SchemaError {
                path: error.instance_path().segments().map(|segment| segment.to_string()).collect(),
                message: error.to_string(),
            })?;
        Ok(Self { version, validator, planned: Planned::new(schema) })
    }

    /// Adds what is wrong with an event.
    pub(super) fn check(&self, event: &Value, violations: &mut Vec<Violation>) {
        // By far the most events are right, which is cheaper to tell than why one is not.
        if self.validator.is_valid(event) {
            return;
        }
        for error in self.validator.iter_errors(event) {
            violations.extend(Violation::of(&error));
            if violations.len() >= VIOLATIONS_MAX {
                violations.truncate(VIOLATIONS_MAX);
                return;
            }
        }
    }

    /// The properties and traits that the rule does not mention.
    pub(super) fn unplanned(&self, event: &Value) -> Vec<Vec<Segment>> {
        let mut found = Vec::new();
        for name in ["properties", "traits"] {
            if let (Some(planned), Some(value)) = (self.planned.member(name), event.get(name)) {
                planned.find(value, &mut vec![Segment::Key(name.to_owned())], &mut found);
            }
        }
        found
    }
}
