//! Step `remove`: takes fields out.

use super::{Build, Context, Flow, Step, StepDef, StepError, paths};
use crate::diag::Diag;
use crate::event::Event;
use crate::json::Mask;
use crate::path::Path;
use crate::registry::{Def, Options, Room, Shape, Type};

/// The definition of `remove`.
pub(super) static REMOVE: StepDef = StepDef {
    def: Def {
        name: "remove",
        room: Room::Step,
        about: "Removes fields",
        details: "A field path or a list of them. `*` stands for every member of a map or element of a list: \
                  `properties.products[*].cost`. What is not there is passed over.",
        shape: Shape::Value(Type::List(&Type::Path)),
        example: "- remove: [ traits.password_hash, context.ip, \"properties.products[*].cost\" ]\n",
    },
    build,
};

struct Remove {
    paths: Vec<Path>,
}

fn build(options: &Options, build: &mut Build<'_>) -> Result<Box<dyn Step>, Vec<Diag>> {
    Ok(Box::new(Remove { paths: paths::read_list(options, build)? }))
}

impl Step for Remove {
    fn reads(&self) -> Mask {
        paths::ways(&self.paths)
    }

    fn apply(&self, mut event: Event, _: &mut Context<'_>) -> Result<Flow, StepError> {
        for path in &self.paths {
            path.remove(&mut event.value);
        }
        Ok(Flow::Next(event))
    }
}
