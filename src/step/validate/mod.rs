//! Step `validate`: checks events against a tracking plan.

mod ecommerce;
mod plan;
mod planned;
mod policy;
mod rule;
mod violation;

use super::{Build, Context, Flow, Step, StepDef, StepError};
use crate::diag::Diag;
use crate::event::Event;
use crate::json;
use crate::registry::{Def, Default, Opt, Options, Room, Shape, Type};

use plan::Plan;
use policy::Policy;
use violation::Violation;

/// The definition of `validate`.
pub(super) static VALIDATE: StepDef = StepDef {
    def: Def {
        name: "validate",
        room: Room::Step,
        about: "Checks events against a tracking plan",
        details: "A plan is a JSON or YAML file below scripts/ with a list of `rules`, as Segment Protocols has them: `type` (TRACK, IDENTIFY, GROUP, \
                  PAGE, SCREEN, or COMMON for every event), `key` (the event's name, for a page or screen its `name`), `version` and `jsonSchema`, a JSON \
                  Schema (draft 7) for the whole event. Names are compared exactly. `context.protocols.event_version` chooses a version; without \
                  it, the oldest counts. Regular expressions have no look-around, and `$ref` stays within the schema. The format `currency` is a code \
                  of ISO 4217. The file belongs to the pipeline: saving it reloads the pipeline.\n\n\
                  `plan: ecommerce` is Segment's e-commerce spec V2, built in: what its events need to be of use, the types of their \
                  properties (numbers that are no texts, lists of products, currency codes), names of the first version, and totals that do not add \
                  up. Nothing is said of events that it does not have.\n\n\
                  Violations stand in `context.protocols.violations` as Segment writes them, with `type`, `field` and `description`; what was \
                  removed, in `omitted` (not planned) and `omitted_on_violation` beside it. Dropped events have the reason `schema_violation` or \
                  `unplanned`. No value is ever repeated in a description.",
        shape: Shape::Options {
            options: &[
                Opt {
                    name: "plan",
                    ty: Type::Text,
                    default: Default::Required,
                    about: "`ecommerce`, or a file relative to scripts/.",
                },
                Opt {
                    name: "on_violation",
                    ty: Type::Word(&["warn", "drop_properties", "dead_letter", "drop"]),
                    default: Default::Is("warn"),
                    about: "What becomes of an event that a rule does not allow. `drop_properties` removes the properties to blame; a missing one \
                            is only written down.",
                },
                Opt {
                    name: "unplanned_events",
                    ty: Type::Word(&["allow", "warn", "dead_letter", "drop"]),
                    default: Default::Is("allow"),
                    about: "What becomes of a track event that no rule names, or of another type that the plan has rules for.",
                },
                Opt {
                    name: "unplanned_properties",
                    ty: Type::Word(&["allow", "warn", "remove", "dead_letter", "drop"]),
                    default: Default::Is("allow"),
                    about: "What becomes of properties and traits that the event's rule does not mention.",
                },
            ],
            short: Some("plan"),
        },
        example: "- validate:\n    plan: plans/shop.yaml\n    on_violation: dead_letter\n    unplanned_events: warn\n    unplanned_properties: remove\n",
    },
    build,
};

struct Validate {
    plan: Plan,
    policy: Policy,
}

fn build(options: &Options, build: &mut Build<'_>) -> Result<Box<dyn Step>, Vec<Diag>> {
    let plan = match options.text("plan") {
        "ecommerce" => ecommerce::plan(),
        name => plan::read(name, options, build)?,
    };
    Ok(Box::new(Validate { plan, policy: Policy::read(options) }))
}

impl Step for Validate {
    fn apply(&self, mut event: Event, _: &mut Context<'_>) -> Result<Flow, StepError> {
        let found = self.plan.rule(&event.value);
        if found.unplanned && self.policy.ends_unplanned() {
            return self.policy.unplanned_event(&event.value);
        }
        let mut violations = Vec::new();
        if found.unplanned && self.policy.tells_unplanned() {
            violations.push(Violation::unplanned_event());
        }
        let mut unplanned = Vec::new();
        if found.rule.is_some() || !self.plan.common.is_empty() || self.plan.lint.is_some() {
            let value =
                json::to_json_value(&event.value).map_err(|error| StepError::new("not-json", error.to_string()))?;
            for rule in found.rule.into_iter().chain(&self.plan.common) {
                rule.check(&value, &mut violations);
            }
            if let Some(lint) = self.plan.lint {
                lint(&value, found.rule.is_some(), &mut violations);
            }
            if let Some(rule) = found.rule.filter(|_| self.policy.asks_for_properties()) {
                unplanned = rule.unplanned(&value);
            }
        }
        if violations.is_empty() && unplanned.is_empty() {
            return Ok(Flow::Next(event));
        }
        self.policy.act(violations, unplanned, &mut event).map(|ended| ended.unwrap_or(Flow::Next(event)))
    }
}

#[cfg(test)]
mod tests;
