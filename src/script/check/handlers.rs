//! Handlers: that they have names and parameters by which they are called, and that a script is entered in one way.

use super::{Call, Facts, Function};
use crate::diag::{Diag, did_you_mean};
use crate::script::entry::{self, ENTRIES, Kind, Role};
use crate::script::place::Unit;

/// Checks the functions of a script that are handlers, or were meant to be. `body` is what the script does outside functions.
pub fn handlers(functions: &[Function], facts: &Facts, body: &Facts, unit: &Unit<'_>, problems: &mut Vec<Diag>) {
    // A function that is called by a misspelt name is not spoken of twice.
    let is_misspelt = problems.iter().any(|problem| problem.code == "unknown-function");
    let plain = || functions.iter().filter(|function| !function.is_method);
    for function in functions {
        match entry::kind(&function.name).filter(|_| !function.is_method) {
            Some(kind) => parameters(function, kind, unit, problems),
            None if is_called(function, facts) => {}
            None => {
                let diag = misspelt(function).or_else(|| (!is_misspelt).then(|| unused(function)));
                problems.extend(diag.map(|diag| unit.at(diag, function.position)));
            }
        }
    }
    let found: Vec<_> = plain().filter_map(|function| Some((function, entry::kind(&function.name)?))).collect();
    for (at, (function, _)) in found.iter().enumerate() {
        if found[..at].iter().any(|(earlier, _)| earlier.name == function.name) {
            let diag = Diag::error("handler-twice", format!("there are two handlers `{}`", function.name));
            problems.push(unit.at(diag.help("keep the one that is to be called"), function.position));
        }
    }
    if let Some((request, _)) = found.iter().find(|(_, kind)| *kind == Kind::Request)
        && let Some((other, _)) = found.iter().find(|(_, kind)| *kind != Kind::Request)
    {
        let diag = Diag::error(
            "handler-alone",
            format!("`{}` takes the whole request, so `{}` would never be called", request.name, other.name),
        );
        problems.push(unit.at(diag.help("put it into the script of a later step"), other.position));
    }
    if let (Some((handler, _)), Some(position)) = (found.first(), body.first_use("event")) {
        let diag = Diag::warning(
            "body-and-handlers",
            format!("these statements run before each handler, as `{}`", handler.name),
        );
        let help = "move what concerns the event into the handlers; imports and constants can stay outside";
        problems.push(unit.at(diag.help(help), position));
    }
}

fn parameters(function: &Function, kind: Kind, unit: &Unit<'_>, problems: &mut Vec<Diag>) {
    let roles = kind.roles();
    let usual = || {
        let names: Vec<_> = roles.iter().map(|role| role.name()).collect();
        format!("write fn {}({}); the last ones can be left out", function.name, names.join(", "))
    };
    if function.params.is_empty() || function.params.len() > roles.len() {
        let have = function.params.len();
        let noun = if have == 1 { "parameter" } else { "parameters" };
        let message = format!("`{}` has {have} {noun}, and is called with 1 to {}", function.name, roles.len());
        problems.push(unit.at(Diag::error("wrong-parameters", message).help(usual()), function.position));
        return;
    }
    for ((name, position), role) in function.params.iter().zip(roles) {
        let all = [Role::Event, Role::Events, Role::Delivery, Role::Settings];
        if let Some(named) = all.iter().find(|known| known.name() == name)
            && named != role
        {
            let message = format!("the parameter `{name}` of `{}` would be the {}", function.name, role.name());
            problems.push(unit.at(Diag::error("wrong-parameters", message).help(usual()), *position));
        }
    }
}

/// Warns about functions that only a module itself could call, and does not.
pub fn private_functions(functions: &[Function], facts: &Facts, unit: &Unit<'_>, problems: &mut Vec<Diag>) {
    for function in functions.iter().filter(|function| function.is_private && !is_called(function, facts)) {
        problems.push(unit.at(unused(function), function.position));
    }
}

/// Whether the script calls a function, or hands it on as a value or by its name.
fn is_called(function: &Function, facts: &Facts) -> bool {
    let name = function.name.as_str();
    let literal = |call: &Call| call.literals.iter().flatten().any(|literal| literal == name);
    name.starts_with('_') || facts.mentions(name) || facts.calls.iter().any(|call| call.name == name || literal(call))
}

fn unused(function: &Function) -> Diag {
    let diag = Diag::warning("unused-function", format!("nothing calls `{}`", function.name));
    diag.help(format!("remove it, or call it `_{}`", function.name))
}

/// What to say of a function that nobody calls and whose name is nearly a handler's.
fn misspelt(function: &Function) -> Option<Diag> {
    let bare = |name: &str| name.replace('_', "").to_lowercase();
    let names = || ENTRIES.iter().map(|(name, _)| *name);
    // As Segment and JavaScript write it.
    let same = names().find(|name| bare(name) == bare(&function.name));
    let begins = bare(&function.name).starts_with("on");
    let near = same.or_else(|| did_you_mean(&function.name, names()).filter(|_| begins))?;
    let diag = Diag::error("unknown-handler", format!("nothing calls `{}`", function.name));
    Some(diag.help(format!("did you mean `{near}`?")))
}
