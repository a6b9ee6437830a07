//! Step `rename`: moves fields.

use super::{Build, Context, Flow, Step, StepDef, StepError, paths};
use crate::diag::{Diag, Span};
use crate::event::Event;
use crate::json::Mask;
use crate::path::Path;
use crate::registry::{Def, OptionValue, Options, Room, Shape, Type};

/// The definition of `rename`.
pub(super) static RENAME: StepDef = StepDef {
    def: Def {
        name: "rename",
        room: Room::Step,
        about: "Moves fields to other names or places",
        details: "A map from old to new field paths. A field that the event does not have is passed over; one that is in the new place is replaced. \
                  All fields are taken out before the first is put in, so two can change places: `{ a: b, b: a }`. A moved value is \
                  not changed in any way.",
        shape: Shape::Value(Type::Map(&Type::Path)),
        example: "- rename: { properties.total: properties.value, traits.mail: traits.email }\n",
    },
    build,
};

struct Rename {
    moves: Vec<(Path, Path)>,
}

fn build(options: &Options, build: &mut Build<'_>) -> Result<Box<dyn Step>, Vec<Diag>> {
    let mut targets: Vec<(Path, Span)> = Vec::new();
    let mut moves = Vec::new();
    let mut problems = Vec::new();
    for (from, from_span, to, to_span) in options.entries("value") {
        let OptionValue::Text(to) = to else { continue };
        let both =
            (paths::read_singular(from, from_span, options, build), paths::read_singular(to, to_span, options, build));
        let (from, to) = match both {
            (Ok(from), Ok(to)) => (from, to),
            (from, to) => {
                problems.extend(from.err());
                problems.extend(to.err());
                continue;
            }
        };
        if targets.iter().any(|(target, _)| *target == to) {
            let diag = Diag::error("duplicate-target", format!("two fields are moved to `{to}`"));
            problems.push(diag.at(options.file(), to_span.clone()).help("only one of them would be left"));
        }
        targets.push((to.clone(), to_span.clone()));
        moves.push((from, to));
    }
    if problems.is_empty() { Ok(Box::new(Rename { moves })) } else { Err(problems) }
}

impl Step for Rename {
    /// A moved value is looked at in its new place by whoever comes next.
    fn reads(&self) -> Mask {
        let mut mask = paths::ways(self.moves.iter().map(|(_, to)| to));
        self.moves.iter().for_each(|(from, _)| mask.merge(&paths::whole(from)));
        mask
    }

    fn apply(&self, mut event: Event, _: &mut Context<'_>) -> Result<Flow, StepError> {
        if let [(from, to)] = self.moves.as_slice() {
            if let Some(value) = from.remove(&mut event.value) {
                to.set(&mut event.value, value).map_err(|error| paths::blocked(&error))?;
            }
            return Ok(Flow::Next(event));
        }
        let taken: Vec<_> = self.moves.iter().map(|(from, to)| (from.remove(&mut event.value), to)).collect();
        for (value, to) in taken {
            let Some(value) = value else { continue };
            to.set(&mut event.value, value).map_err(|error| paths::blocked(&error))?;
        }
        Ok(Flow::Next(event))
    }
}
