//! Step `filter`: lets through the events that match.

mod condition;
mod field;
mod fql;
mod read;

use rhai::Dynamic;

use super::{Build, Context, Flow, Step, StepDef, StepError, script_failure};
use crate::diag::Diag;
use crate::event::Event;
use crate::json::Mask;
use crate::registry::{Def, Options, Room, Shape, Type};
use crate::script::Failure;
use crate::yaml::Node;

use condition::{Condition, Facts};
pub use read::{CHECKS, FORMS};

/// The definition of `filter`.
pub(super) static FILTER: StepDef = StepDef {
    def: Def {
        name: "filter",
        room: Room::Step,
        about: "Lets through the events that match, and drops the others",
        details: "The condition has one of these forms; `any`, `all` and `not` combine them at will.\n\n\
                  - A text is a Rhai expression that is true or false: `event.type != \"page\"`.\n\
                  - `path:` is a JSONPath (RFC 9535) that must find something: `$.properties.products[?@.price > 100]`.\n\
                  - `fql:` is a statement of the query language of Segment's destination filters, as pasted from there: `type = \"track\" and \
                  properties.price > 10`. Paths (`properties.product\\ 1.price`), texts, numbers, `true`, `false`, `null`, lists; `and`, `or`, `!`, `=`, \
                  `!=`, `>`, `>=`, `<`, `<=`, `in`; `contains`, `match` (with `*`, `?`, `[a-z]`, `\\x`), `length`, `lowercase`, `uppercase`, `snakecase`, \
                  `kebabcase`, `titlecase`, `typeof`, `bool`, `string`, `number`; `all`. A missing field is `null`; `=` holds only within one type. As \
                  at Segment, an event is dropped when a value has a type that an operator or function does not take, as `null > 10`.\n\
                  - `field:` is a field path, beside it what must hold: `is`, `not`, `in`, `exists`, `gt`, `gte`, `lt`, `lte`, `contains`, `starts_with`, \
                  `ends_with`, `matches` (a regular expression); if there are several, all must hold. A missing field reads as `null`; \
                  `exists: true` means that it is not `null`. With `*` in the path, one matching value is enough. Numbers and texts are never \
                  converted into each other.\n\n\
                  A dropped event is counted under `reason`, or under the condition's own text.",
        shape: Shape::Value(Type::Raw),
        example: "- filter:\n    any:\n      - event.type == \"identify\"\n      - { path: \"$.properties.products[?@.price > 100]\" }\n      - { field: event, in: \
                  [Order Completed, Order Refunded] }\n      - { fql: 'type = \"track\" and !contains( event, \"Test\" )' }\n      - all:\n          - { field: context.campaign.source, exists: true }\n          - not: { field: \
                  properties.email, ends_with: \"@example.com\" }\n    reason: not interesting\n",
    },
    build,
};

struct Filter {
    condition: Condition,
    reason: String,
    settings: Dynamic,
}

fn build(options: &Options, build: &mut Build<'_>) -> Result<Box<dyn Step>, Vec<Diag>> {
    let (condition, reason) = read::read(options, build)?;
    Ok(Box::new(Filter { condition, reason, settings: build.settings.clone() }))
}

impl Step for Filter {
    fn reads(&self) -> Mask {
        self.condition.reads()
    }

    fn apply(&self, mut event: Event, cx: &mut Context<'_>) -> Result<Flow, StepError> {
        let facts = Facts { delivery: cx.delivery, settings: &self.settings, now_ms: cx.now_ms };
        match self.condition.holds(&mut event.value, &facts) {
            Ok(true) => Ok(Flow::Next(event)),
            Ok(false) => Ok(Flow::Drop(self.reason.clone())),
            Err(failure) => failed(failure, cx),
        }
    }
}

/// A condition in the options of another step.
pub(super) struct When {
    condition: Condition,
    settings: Dynamic,
}

impl When {
    /// Compiles the condition that stands at a node of the options.
    pub(super) fn read(node: &Node, options: &Options, build: &mut Build<'_>) -> Result<Self, Vec<Diag>> {
        Ok(Self { condition: read::condition(node, options, build)?, settings: build.settings.clone() })
    }

    /// Whether it holds for the event. What FQL cannot decide does not.
    pub(super) fn holds(&self, event: &mut Event, cx: &mut Context<'_>) -> Result<bool, StepError> {
        let facts = Facts { delivery: cx.delivery, settings: &self.settings, now_ms: cx.now_ms };
        match self.condition.holds(&mut event.value, &facts) {
            Ok(holds) => Ok(holds),
            Err(failure) => failed(failure, cx).map(|_| false),
        }
    }
}

/// An expression that ended otherwise than with true or false.
fn failed(failure: Failure, cx: &mut Context<'_>) -> Result<Flow, StepError> {
    cx.logs.extend_from_slice(failure.logs());
    match failure {
        Failure::Drop { reason, .. } => Ok(Flow::Drop(reason)),
        other => Err(script_failure(other)),
    }
}

#[cfg(test)]
mod tests;
