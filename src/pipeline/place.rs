//! Where an event goes on that has waited while its pipeline was edited.
//!
//! An id that the user has written tells the step. Others are numbers: take away the first of three scripts, and `script-2` is what
//! was `script-3`. An event that went on there would leave out a step, perhaps the one that removes an address. So such a step is
//! told by what it says, beside the others of its kind; and where that does not tell it for certain, the event becomes a
//! dead letter, which loses nothing.

use super::part::StepPart;
use crate::state::{Held, StepMark};

/// What tells the step at a position.
pub(super) fn mark(steps: &[StepPart], at: usize) -> StepMark {
    let part = &steps[at];
    let kin = |steps: &[StepPart]| steps.iter().filter(|other| other.kind == part.kind).count();
    StepMark {
        named: part.named,
        kind: part.kind.to_owned(),
        at: kin(&steps[..at]),
        prints: steps.iter().filter(|other| other.kind == part.kind).map(|other| other.print.clone()).collect(),
    }
}

/// The position of the step that an event waits at.
pub(super) fn find(steps: &[StepPart], held: &Held) -> Option<usize> {
    let by_id = || steps.iter().position(|part| *part.id == *held.part);
    let Some(mark) = &held.mark else { return by_id() };
    if mark.named
        && let Some(at) = by_id().filter(|at| steps[*at].named)
    {
        return Some(at);
    }
    let kin: Vec<usize> = (0..steps.len()).filter(|at| steps[*at].kind == mark.kind).collect();
    let now: Vec<&str> = kin.iter().map(|at| steps[*at].print.as_str()).collect();
    let before: Vec<&str> = mark.prints.iter().map(String::as_str).collect();
    same(&before, mark.at, &now).and_then(|at| kin.get(at).copied())
}

/// Which of the texts `now` is the one that stood at a place `before`.
fn same(before: &[&str], at: usize, now: &[&str]) -> Option<usize> {
    let own = *before.get(at)?;
    let alike = |texts: &[&str]| texts.iter().filter(|text| **text == own).count();
    let places: Vec<usize> = (0..now.len()).filter(|place| now[*place] == own).collect();
    if !places.is_empty() {
        // Of several that say the same, one may be gone: then it is not known which.
        return (places.len() == alike(before)).then(|| places[alike(&before[..at])]);
    }
    // It says something else now. If everything else is as before, what is left over is it.
    let mut rest: Vec<usize> = (0..now.len()).collect();
    let mut unknown = 0;
    for text in before {
        match rest.iter().position(|place| now[*place] == *text) {
            Some(known) => _ = rest.remove(known),
            None => unknown += 1,
        }
    }
    match *rest.as_slice() {
        [only] if unknown == 1 => Some(only),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::same;

    #[test]
    fn a_step_is_told_by_what_it_says_and_else_not_at_all() {
        for (before, at, now, found) in [
            ("a b c", 1, "a b c", Some(1)),
            ("a b c", 1, "b c", Some(0)),
            ("a b c", 1, "c a x b", Some(3)),
            ("a b c", 1, "a c", None),
            ("a b c", 1, "a x c", Some(1)),
            ("a b c", 1, "c x a", Some(1)),
            ("a b c", 1, "x c", None),
            ("a b c", 1, "a x y c", None),
            ("a", 0, "x", Some(0)),
            ("a", 0, "", None),
            ("a b a", 2, "a c a", Some(2)),
            ("a b a", 0, "b a", None),
            ("a b a", 0, "a b a a", None),
            ("a a", 1, "x y", None),
            ("a", 7, "a", None),
        ] {
            let [before_texts, now_texts] = [before, now].map(|text| text.split_whitespace().collect::<Vec<_>>());
            assert_eq!(same(&before_texts, at, &now_texts), found, "{before} [{at}] -> {now}");
        }
    }
}
