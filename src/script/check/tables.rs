//! Tables that a script names: that they are there and can be read, and which of them belong to the revision.

use super::Facts;
use crate::diag::{Diag, did_you_mean};
use crate::script::host::Host;
use crate::script::place::Unit;

/// Loads every table that is named by a literal text; with a computed name, any table may be meant, so all are taken.
pub fn tables(host: &Host, facts: &Facts, unit: &Unit<'_>, problems: &mut Vec<Diag>) {
    for call in facts.calls.iter().filter(|call| call.namespace == "table") {
        let Some(Some(name)) = call.literals.first() else {
            host.tables().use_all();
            continue;
        };
        if let Err(message) = host.tables().find(name) {
            let diag = Diag::error("table", message);
            let known = host.tables().names();
            let diag = match did_you_mean(name, known.iter().map(String::as_str)) {
                Some(near) if near != name => diag.help(format!("did you mean \"{near}\"?")),
                _ => diag,
            };
            problems.push(unit.at(diag, call.position));
        }
    }
}
