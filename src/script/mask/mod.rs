//! What a script reads of its event, told from its text: the mask by which the event is decoded.
//!
//! The script is walked with sets of places in the event instead of values ([`value`]), each function once for each kind of call
//! ([`walk`], [`call`]), again and again until nothing new turns up. A place of which a script looks at members is *opened*; one
//! whose value goes anywhere else than into a variable or an argument of the script's own functions is taken *whole*: computed
//! keys, functions of the library, comparisons, maps that are built, all that is emitted. So what is not decoded stays where it
//! was in the event, and no script can see it. What the walk does not understand ([`doubts`]) makes it give up: the whole event.
//!
//! Two things make this less delicate than it looks. Scalars are always decoded, so a mistake would need a map or an array to
//! be overlooked; and such a value is of a type of its own, so nearly everything done with it fails, upon which the pipeline
//! runs the delivery again on the whole event.

mod call;
mod doubts;
mod native;
mod places;
mod value;
mod walk;

#[cfg(test)]
mod tests;

use rhai::AST;

use super::host::Host;
use crate::json::Mask;
use walk::Walk;

/// Rounds of the walk before it gives up; each finds something new, and most scripts need three.
const ROUNDS_MAX: usize = 40;

/// The mask of what a script, run on an event, can read of it.
pub(super) fn reads(host: &Host, ast: &AST) -> Mask {
    let modules = host.modules().trees();
    let all: Vec<&AST> = std::iter::once(ast).chain(&modules).collect();
    if all.iter().any(|ast| doubts::doubtful(ast)) {
        return Mask::Whole;
    }
    let mut walk = Walk::new(&all);
    for _ in 0..ROUNDS_MAX {
        if !walk.round(ast) {
            return walk.mask();
        }
    }
    Mask::Whole
}
