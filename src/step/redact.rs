//! Step `redact`: takes private values out, or puts a fixed text in their place.

use rhai::{Dynamic, ImmutableString};

use super::fields::{FIELDS, Fields, KEYS, PATTERNS};
use super::{Build, Context, Flow, Step, StepDef, StepError};
use crate::diag::Diag;
use crate::event::Event;
use crate::registry::{Def, Default, Opt, Options, Room, Shape, Type};

/// What stands for the parts of a text that a pattern matched, when no other text is given.
const REDACTED: &str = "[redacted]";

/// The definition of `redact`.
pub(super) static REDACT: StepDef = StepDef {
    def: Def {
        name: "redact",
        room: Room::Step,
        about: "Removes private values, or replaces them by a fixed text",
        details: "Fields are removed, unless `with` gives a text for their place. What a pattern matches within a text is always replaced: by \
                  `with`, or by `[redacted]`. The Segment sink has a guard of its own against passwords, tokens and card numbers; this step is \
                  for what is private in your events.",
        shape: Shape::Options {
            options: &[
                FIELDS,
                KEYS,
                PATTERNS,
                Opt {
                    name: "with",
                    ty: Type::Text,
                    default: Default::Absent,
                    about: "The text that stands for what was private.",
                },
            ],
            short: Some("fields"),
        },
        example: "- redact:\n    fields: [ context.ip, \"properties.**.note\", \"properties.products[].engraving\" ]\n    keys: [ date_of_birth ]\n    patterns: [ '\\b\\d{3}-\\d{2}-\\d{4}\\b' ]\n    \
                  with: \"[private]\"\n",
    },
    build,
};

struct Redact {
    fields: Fields,
    with: Option<ImmutableString>,
}

fn build(options: &Options, build: &mut Build<'_>) -> Result<Box<dyn Step>, Vec<Diag>> {
    let with = options.opt_text("with").map(ImmutableString::from);
    Ok(Box::new(Redact { fields: Fields::read(options, build)?, with }))
}

impl Step for Redact {
    fn apply(&self, mut event: Event, _: &mut Context<'_>) -> Result<Flow, StepError> {
        match &self.with {
            None => self.fields.remove(&mut event.value, &|_| REDACTED.to_owned()),
            Some(with) => {
                let field = &mut |value: &mut Dynamic| {
                    if !value.is_unit() {
                        *value = with.clone().into();
                    }
                };
                self.fields.change(&mut event.value, field, &|_| with.to_string());
            }
        }
        Ok(Flow::Next(event))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::step::tests::changed;

    fn event() -> Value {
        json!({
            "type": "track",
            "password": 1,
            "traits": {"a": {"Date_Of-Birth": "1990-01-01", "password": {"old": "x"}}, "email": null},
            "properties": {"products": [{"note": "call 123-45-6789 now", "sku": "A"}, {"note": 5}], "note": "x"},
        })
    }

    #[test]
    fn fields_go_wherever_they_are_named() {
        let step = "- redact: { fields: [ \"**.password\", \"properties.products[].note\" ], keys: [ dateofbirth ] }";
        let expected = json!({
            "type": "track",
            "traits": {"a": {}, "email": null},
            "properties": {"products": [{"sku": "A"}, {}], "note": "x"},
        });
        assert_eq!(changed(step, &event()), expected);
    }

    #[test]
    fn below_a_field_only_what_is_below_it_goes() {
        let after = changed("- redact: properties.**.note", &event());
        assert_eq!(after["properties"], json!({"products": [{"sku": "A"}, {}]}));
        assert_eq!(after["traits"], event()["traits"]);
    }

    #[test]
    fn a_text_takes_the_place_of_what_was_there() {
        let step = "- redact: { fields: [ traits.email, \"**.password\", properties.missing ], patterns: ['\\d{3}-\\d{2}-\\d{4}'], with: \"***\" }";
        let after = changed(step, &event());
        assert_eq!(after["traits"], json!({"a": {"Date_Of-Birth": "1990-01-01", "password": "***"}, "email": null}));
        assert_eq!(after["password"], "***");
        assert_eq!(after["properties"]["products"][0]["note"], "call *** now");
        let plain = changed("- redact: { patterns: ['\\d{3}-\\d{2}-\\d{4}'] }", &event());
        assert_eq!(plain["properties"]["products"][0]["note"], "call [redacted] now");
        assert_eq!(plain["type"], "track");
    }
}
