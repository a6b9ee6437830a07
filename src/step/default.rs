//! Step `default`: values for fields that are missing.

use rhai::Dynamic;

use super::{Build, Context, Flow, Step, StepDef, StepError, paths, set};
use crate::diag::Diag;
use crate::event::Event;
use crate::json::Mask;
use crate::path::Path;
use crate::registry::{Def, Options, Room, Shape, Type};

/// The definition of `default`.
pub(super) static DEFAULT: StepDef = StepDef {
    def: Def {
        name: "default",
        room: Room::Step,
        about: "Sets fields that are missing or null",
        details: "Like `set`, for fields that the event does not have. A field that is `null` counts as missing; an empty text does not.",
        shape: Shape::Value(Type::Map(&Type::Any)),
        example: "- default: { properties.currency: USD, context.locale: en-US, \"properties.products[*].quantity\": 1 }\n",
    },
    build,
};

struct SetMissing {
    values: Vec<(Path, Dynamic)>,
}

fn build(options: &Options, build: &mut Build<'_>) -> Result<Box<dyn Step>, Vec<Diag>> {
    Ok(Box::new(SetMissing { values: set::read_values(options, build)? }))
}

impl Step for SetMissing {
    fn reads(&self) -> Mask {
        paths::ways(self.values.iter().map(|(path, _)| path))
    }

    fn apply(&self, mut event: Event, _: &mut Context<'_>) -> Result<Flow, StepError> {
        for (path, value) in &self.values {
            let mut fill = |place: &mut Dynamic| {
                if place.is_unit() {
                    *place = value.clone();
                }
            };
            path.update(&mut event.value, &mut fill).map_err(|error| paths::blocked(&error))?;
        }
        Ok(Flow::Next(event))
    }
}
