//! Arguments that are written out and that a function can never take: patterns, zones, units, currencies, paths, durations.
//!
//! The library itself is asked, by a call that is right but for the argument: what it says of it is what it would say at run time.

use super::{Call, Facts};
use crate::diag::Diag;
use crate::registry::parse_duration_ms;
use crate::script::host::Host;
use crate::script::place::Unit;

/// The function, which of its arguments, and a call in which that argument is `?`.
pub const PROBES: &[(&str, usize, &str)] = &[
    ("list::sort_by", 2, "list::sort_by([], \"a\", ?)"),
    ("money::exponent", 0, "money::exponent(?)"),
    ("money::format", 1, "money::format(1, ?)"),
    ("money::minor", 0, "money::minor(?, 1)"),
    ("money::number", 1, "money::number(1, ?)"),
    ("money::round", 1, "money::round(1, ?)"),
    ("money::round", 2, "money::round(1, \"USD\", ?)"),
    ("money::to_minor", 1, "money::to_minor(1, ?)"),
    ("path::first", 1, "path::first(#{}, ?)"),
    ("path::get", 1, "path::get(#{}, ?)"),
    ("path::has", 1, "path::has(#{}, ?)"),
    ("path::query", 1, "path::query(#{}, ?)"),
    ("path::remove", 1, "let value = #{}; path::remove(value, ?)"),
    ("path::set", 1, "let value = #{}; path::set(value, ?, 1)"),
    ("phone::e164", 1, "phone::e164(\"+15552345678\", ?)"),
    ("time::add", 2, "time::add(0, 1, ?)"),
    ("time::add", 3, "time::add(0, 1, \"day\", ?)"),
    ("time::diff", 2, "time::diff(0, 1, ?)"),
    ("time::format", 1, "time::format(0, ?)"),
    ("time::format", 2, "time::format(0, \"%Y\", ?)"),
    ("time::parse_as", 2, "time::parse_as(\"2026-01-15\", \"%Y-%m-%d\", ?)"),
    ("time::parts", 1, "time::parts(0, ?)"),
    ("time::start_of", 1, "time::start_of(0, ?)"),
    ("time::start_of", 2, "time::start_of(0, \"day\", ?)"),
    ("time::to_zone", 1, "time::to_zone(0, ?)"),
    ("uuid::v5", 0, "uuid::v5(?, \"a\")"),
];

/// Functions that take a duration, and where. They need a state or end a run, so they cannot be asked.
const DURATIONS: &[(&str, usize)] = &[("cache::set", 2), ("retry", 1), ("state::add", 2), ("state::set", 2)];

/// Checks the arguments that are literal texts.
pub fn literals(host: &Host, facts: &Facts, unit: &Unit<'_>, problems: &mut Vec<Diag>) {
    for call in facts.calls.iter().filter(|call| !call.is_method) {
        let name =
            if call.namespace.is_empty() { call.name.clone() } else { format!("{}::{}", call.namespace, call.name) };
        // An import or a function of the script's own may have the name.
        let is_own = facts.imports.iter().any(|import| import.alias == call.namespace)
            || call.namespace.is_empty() && facts.functions.iter().any(|(own, _)| *own == call.name);
        if !is_own {
            problems.extend(argument(host, &name, call).map(|diag| unit.at(diag, call.position)));
        }
    }
}

fn argument(host: &Host, name: &str, call: &Call) -> Option<Diag> {
    let text = |at: usize| call.literals.get(at)?.as_deref();
    for (_, at) in DURATIONS.iter().filter(|(function, _)| *function == name) {
        if let Some(text) = text(*at).filter(|text| parse_duration_ms(text).is_none()) {
            let diag = Diag::error("wrong-argument", format!("`{text}` is no duration"));
            return Some(diag.help("write it as \"30s\", \"10m\", \"2h\" or \"7d\", or in milliseconds"));
        }
    }
    for (_, at, probe) in PROBES.iter().filter(|(function, ..)| *function == name) {
        let Some(text) = text(*at) else { continue };
        if let Some(problem) = host.probe(probe, text) {
            return Some(Diag::error("wrong-argument", format!("`{name}` never takes `{text}`: {problem}")));
        }
    }
    None
}
