//! Step `keep`: removes every field but some.

use super::{Build, Context, Flow, Step, StepDef, StepError, paths};
use crate::diag::Diag;
use crate::event::Event;
use crate::json::Mask;
use crate::path::{Kept, Segment};
use crate::registry::{Def, Options, Room, Shape, Type};

/// The definition of `keep`.
pub(super) static KEEP: StepDef = StepDef {
    def: Def {
        name: "keep",
        room: Room::Step,
        about: "Removes all fields except these",
        details: "A list of field paths; `*` stands for every member of a map or element of a list: `properties.products[*].sku`. Everything that \
                  none of them names goes, also at the top: list `type`, the ids, `messageId` and `timestamp` if the event is a Segment message. \
                  Maps and lists on the way to a field stay, even when they become empty.",
        shape: Shape::Value(Type::List(&Type::Path)),
        example: "- keep: [ type, event, userId, anonymousId, messageId, timestamp, properties.order_id, \"properties.products[*].sku\" ]\n",
    },
    build,
};

struct Keep {
    kept: Kept,
    reads: Mask,
}

fn build(options: &Options, build: &mut Build<'_>) -> Result<Box<dyn Step>, Vec<Diag>> {
    let paths = paths::read_list(options, build)?;
    let keeps_type = paths.iter().any(|path| match &path.segments()[0] {
        Segment::Key(key) => key == "type",
        Segment::Any => true,
        Segment::Index(_) => false,
    });
    if !keeps_type {
        let diag =
            Diag::warning("keep-without-type", "`keep` removes `type`, without which no Segment message can be sent");
        build.warnings.push(diag.at(options.file(), options.span("value")).help("add `type` to the list"));
    }
    Ok(Box::new(Keep { kept: Kept::new(&paths), reads: paths::ways(&paths) }))
}

impl Step for Keep {
    fn reads(&self) -> Mask {
        self.reads.clone()
    }

    fn apply(&self, mut event: Event, _: &mut Context<'_>) -> Result<Flow, StepError> {
        self.kept.prune(&mut event.value);
        Ok(Flow::Next(event))
    }
}
