//! Step `set`: fixed values for fields.

use rhai::Dynamic;

use super::{Build, Context, Flow, Step, StepDef, StepError, paths};
use crate::diag::Diag;
use crate::event::Event;
use crate::json::{self, Mask};
use crate::path::Path;
use crate::registry::{Def, OptionValue, Options, Room, Shape, Type};

/// The definition of `set`.
pub(super) static SET: StepDef = StepDef {
    def: Def {
        name: "set",
        room: Room::Step,
        about: "Sets fields to fixed values",
        details: "A map from field paths to values: texts (with `${NAME}` from the environment), numbers, lists, maps, or `null`. What is missing \
                  on the way to a field is made. With `*`, every match is set: `properties.products[*].currency: USD`. The event becomes a dead \
                  letter if a text or a number is in the way. To copy or compute a value, use a script.",
        shape: Shape::Value(Type::Map(&Type::Any)),
        example: "- set: { properties.store: north, context.app.name: shop, \"properties.products[*].currency\": USD }\n",
    },
    build,
};

struct Set {
    values: Vec<(Path, Dynamic)>,
}

fn build(options: &Options, build: &mut Build<'_>) -> Result<Box<dyn Step>, Vec<Diag>> {
    Ok(Box::new(Set { values: read_values(options, build)? }))
}

/// A map from paths to literal values; `default` takes the same.
pub(super) fn read_values(options: &Options, build: &mut Build<'_>) -> Result<Vec<(Path, Dynamic)>, Vec<Diag>> {
    paths::collect(options.entries("value").iter().filter_map(|(key, span, value, _)| {
        let OptionValue::Node(node) = value else {
            return None;
        };
        let value = json::from_json_value(&node.to_json());
        Some(paths::read(key, span, options, build).map(|path| (path, value)))
    }))
}

impl Step for Set {
    fn reads(&self) -> Mask {
        paths::ways(self.values.iter().map(|(path, _)| path))
    }

    fn apply(&self, mut event: Event, _: &mut Context<'_>) -> Result<Flow, StepError> {
        for (path, value) in &self.values {
            path.set(&mut event.value, value.clone()).map_err(|error| paths::blocked(&error))?;
        }
        Ok(Flow::Next(event))
    }
}
