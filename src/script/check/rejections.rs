//! Kinds of rejections that there are not: the event would count as `rejected`, and who looks for the kind would not find it.

use super::Facts;
use crate::diag::{Diag, did_you_mean};
use crate::script::lib::outcome::{KINDS, rejection};
use crate::script::place::Unit;

/// Warns about kinds that are written out.
pub fn rejections(facts: &Facts, unit: &Unit<'_>, problems: &mut Vec<Diag>) {
    let is_own = facts.functions.iter().any(|(name, _)| name == "reject");
    for call in &facts.calls {
        let is_reject = call.name == "reject" && (call.namespace == "outcome" || call.namespace.is_empty() && !is_own);
        let [Some(kind), _] = &call.literals[..] else { continue };
        if !is_reject || call.is_method || rejection(kind, "").0 != "rejected" {
            continue;
        }
        let help = match did_you_mean(kind, KINDS) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("kinds are {}; without one, the reason is the only argument", KINDS.join(", ")),
        };
        let diag =
            Diag::warning("unknown-kind", format!("there is no kind of rejection `{kind}`: it counts as `rejected`"));
        problems.push(unit.at(diag.help(help), call.position));
    }
}
