//! A condition on an event, compiled.

use rhai::Dynamic;

use super::field::FieldTest;
use super::fql::Fql;
use crate::event::Delivery;
use crate::json::Mask;
use crate::jsonpath::JsonPath;
use crate::script::{Expression, Failure};
use crate::step::paths;

/// What must hold.
pub(super) enum Condition {
    /// A Rhai expression.
    Expression(Expression),
    /// A `JSONPath` that finds something.
    Path(JsonPath),
    /// A statement of Segment's FQL.
    Fql(Fql),
    /// Tests of one field.
    Field(FieldTest),
    /// At least one of these.
    Any(Vec<Condition>),
    /// Every one of these.
    All(Vec<Condition>),
    /// Not this.
    Not(Box<Condition>),
}

/// What expressions see besides the event.
pub(super) struct Facts<'a> {
    /// The delivery.
    pub(super) delivery: &'a Delivery,
    /// The step's settings.
    pub(super) settings: &'a Dynamic,
    /// The time that scripts see.
    pub(super) now_ms: i64,
}

impl Condition {
    /// What it looks at.
    pub(super) fn reads(&self) -> Mask {
        match self {
            Self::Expression(expression) => expression.reads(),
            Self::Path(path) => path.reads(),
            Self::Fql(statement) => statement.reads(),
            Self::Field(test) => paths::whole(&test.path),
            Self::Not(condition) => condition.reads(),
            Self::Any(conditions) | Self::All(conditions) => {
                let mut mask = Mask::opened();
                for condition in conditions {
                    mask.merge(&condition.reads());
                }
                mask
            }
        }
    }

    /// Whether it holds. The event is borrowed mutably only because a script's scope takes it for the time of the evaluation.
    pub(super) fn holds(&self, event: &mut Dynamic, facts: &Facts<'_>) -> Result<bool, Failure> {
        match self {
            Self::Expression(expression) => expression.test(event, facts.delivery, facts.settings, facts.now_ms),
            Self::Path(path) => Ok(path.matches(event)),
            // As at Segment, what cannot be decided is dropped: inside `not` and `any` too, so that no mistake lets private data out.
            Self::Fql(statement) => statement
                .holds(event)
                .map_err(|error| Failure::Drop { reason: format!("fql: {error}"), logs: Vec::new() }),
            Self::Field(test) => Ok(test.holds(event)),
            Self::Not(condition) => condition.holds(event, facts).map(|holds| !holds),
            Self::Any(conditions) => {
                for condition in conditions {
                    if condition.holds(event, facts)? {
                        return Ok(true);
                    }
                }
                Ok(false)
            }
            Self::All(conditions) => {
                for condition in conditions {
                    if !condition.holds(event, facts)? {
                        return Ok(false);
                    }
                }
                Ok(true)
            }
        }
    }
}
