//! Calls against what there is to call, and names that are declared for nothing.

use std::collections::BTreeSet;

use super::{Call, Facts, methods};
use crate::diag::{Diag, did_you_mean};
use crate::script::builtins::{ANY, BUILTINS};
use crate::script::entry;
use crate::script::habits;
use crate::script::host::Host;
use crate::script::lib::{self, Fun};
use crate::script::own;
use crate::script::place::Unit;

/// Checks the calls, assignments and declarations of a script whose imports have been loaded.
pub fn calls(host: &Host, facts: &Facts, unit: &Unit<'_>, problems: &mut Vec<Diag>) {
    let imported = methods::imported(host, facts);
    // What a module with errors brings is not known, and a method that nothing else has may be its.
    let brings_unknown = facts.imports.iter().any(|import| methods::is_broken(host, import));
    for call in &facts.calls {
        let problem =
            if call.namespace.is_empty() { plain(facts, &imported, call) } else { qualified(host, facts, call) };
        let may_be_imported = call.is_method && brings_unknown;
        let problem = problem.filter(|_| !may_be_imported);
        problems.extend(problem.map(|problem| unit.at(problem, call.position)));
    }
    for (name, function, position) in &facts.unreachable {
        let diag = Diag::error("unknown-variable", format!("unknown variable `{name}`"));
        let help = match entry::kind(function) {
            Some(kind) if kind.roles().iter().any(|role| role.name() == name) => {
                let names: Vec<_> = kind.roles().iter().map(|role| role.name()).collect();
                format!("make it a parameter: fn {function}({})", names.join(", "))
            }
            _ => "functions do not see the variables of the script: hand it over as an argument".to_owned(),
        };
        problems.push(unit.at(diag.help(help), *position));
    }
    for (name, position) in &facts.headers {
        if name.chars().any(|letter| letter.is_ascii_uppercase()) {
            let diag =
                Diag::error("header-case", format!("`delivery.headers` has no `{name}`: its names are in lower case"));
            problems
                .push(unit.at(diag.help(format!("write delivery.header(\"{name}\"), which ignores case")), *position));
        }
    }
    for (name, position) in &facts.assigned {
        if ["delivery", "settings"].contains(&name.as_str()) && !facts.binds(name) {
            let diag = Diag::error("constant-assigned", format!("`{name}` cannot be changed"));
            problems.push(unit.at(diag.help(format!("copy it first: let copy = {name};")), *position));
        }
    }
    unused(host, facts, unit, problems);
}

fn unused(host: &Host, facts: &Facts, unit: &Unit<'_>, problems: &mut Vec<Diag>) {
    let calls_methods = facts.calls.iter().any(|call| call.is_method);
    for import in &facts.imports {
        let named = import.alias.is_empty() || facts.namespaces.contains(&import.alias);
        let may_be_used = calls_methods && methods::is_broken(host, import);
        if !named && !may_be_used && !methods::uses(host, facts, import) {
            let diag = Diag::warning("unused-import", format!("the module `{}` is never used", import.alias));
            problems.push(unit.at(diag, import.position));
        }
    }
}

/// A call without a namespace: `f(x)` or `value.f(x)`.
fn plain(facts: &Facts, imported: &[(String, usize)], call: &Call) -> Option<Diag> {
    // A variable or a map's entry can hold a function; what it takes is known at run time only.
    if facts.binds(&call.name)
        || facts.used.contains(&call.name)
        || (call.is_method && (facts.keys.contains(&call.name) || facts.is_on_unknown(call.position)))
    {
        return None;
    }
    let receiver = usize::from(call.is_method);
    let mut counts = BTreeSet::new();
    let mut any = false;
    let own = facts.functions.iter().filter(|(name, _)| *name == call.name);
    // The receiver of a method call is `this` in a script's function, and the first argument of a native one.
    counts.extend(own.map(|(_, parameters)| *parameters));
    if call.is_method {
        counts.extend(imported.iter().filter(|(name, _)| *name == call.name).map(|(_, count)| *count));
    }
    for (_, arguments) in BUILTINS.iter().filter(|(name, _)| *name == call.name) {
        any |= arguments.as_ptr() == ANY.as_ptr() || arguments.is_empty();
        counts.extend(arguments.iter().filter_map(|count| count.checked_sub(receiver)));
    }
    for fun in lib::functions().filter(|fun| fun.namespace().is_empty() && fun.short_name() == call.name) {
        counts.extend(fun.arguments().filter_map(|count| count.checked_sub(receiver)));
    }
    if any || counts.contains(&call.arguments) {
        return None;
    }
    if counts.is_empty() {
        Some(unknown(facts, imported, call))
    } else {
        Some(wrong_count(&call.name, call.arguments, &counts))
    }
}

/// Whether the library or the interpreter has a function that can be called as a method with so many arguments.
pub fn is_library_method(name: &str, arguments: usize) -> bool {
    let builtin =
        |(known, counts): &(&str, &[usize])| *known == name && (counts.is_empty() || counts.contains(&(arguments + 1)));
    let mut library = lib::functions().filter(|fun| fun.namespace().is_empty() && fun.short_name() == name);
    BUILTINS.iter().any(builtin) || library.any(|fun| fun.arguments().any(|count| count == arguments + 1))
}

/// The same for a plain call.
pub fn is_library_function(name: &str, arguments: usize) -> bool {
    let builtin =
        |(known, counts): &(&str, &[usize])| *known == name && (counts.is_empty() || counts.contains(&arguments));
    let mut library = lib::functions().filter(|fun| fun.namespace().is_empty() && fun.short_name() == name);
    BUILTINS.iter().any(builtin) || library.any(|fun| fun.arguments().any(|count| count == arguments))
}

fn unknown(facts: &Facts, imported: &[(String, usize)], call: &Call) -> Diag {
    let diag = Diag::error("unknown-function", format!("unknown function `{}`", call.name));
    if ["sleep", "timestamp", "elapsed"].contains(&call.name.as_str()) {
        return diag.help("scripts cannot wait or read a clock; time::now() is when the delivery was received");
    }
    if let Some(advice) = habits::function(&call.name) {
        return diag.help(advice);
    }
    // People look for a function of the library under its bare name first.
    if let Some(fun) = lib::functions().find(|fun| !fun.namespace().is_empty() && fun.short_name() == call.name) {
        return diag.help(format!("did you mean `{}`?", fun.name));
    }
    let mut known: Vec<&str> = facts.functions.iter().map(|(name, _)| name.as_str()).collect();
    for fun in lib::functions().filter(|fun| fun.namespace().is_empty()) {
        known.push(fun.short_name());
    }
    for (name, _) in BUILTINS {
        known.push(name);
    }
    if call.is_method {
        known.extend(imported.iter().map(|(name, _)| name.as_str()));
    }
    match did_you_mean(&call.name, known) {
        Some(known) => diag.help(format!("did you mean `{known}`?")),
        None => diag,
    }
}

/// A call with a namespace: of the library or of an import.
fn qualified(host: &Host, facts: &Facts, call: &Call) -> Option<Diag> {
    if let Some(import) = facts.imports.iter().find(|import| import.alias == call.namespace) {
        // A module that did not load has its own errors.
        let module = host.modules().get(import.path.as_deref()?)?;
        let functions = module.iter_script_fn_info().map(|(_, _, name, count, _)| (name, count));
        let found: Vec<_> = functions.filter(|(name, _)| !own::is_marked(name)).collect();
        let counts = found.iter().filter(|(name, _)| *name == call.name).map(|(_, count)| *count).collect();
        return compare(call, &counts, found.iter().map(|(name, _)| *name));
    }
    if !lib::namespaces().contains(&call.namespace.as_str()) {
        return None;
    }
    let own = || lib::functions().filter(|fun| fun.namespace() == call.namespace);
    let counts = own().filter(|fun| fun.short_name() == call.name).flat_map(Fun::arguments).collect();
    compare(call, &counts, own().map(Fun::short_name)).or_else(|| misused(call))
}

/// Calls that would fail or do nothing whatever the event is.
fn misused(call: &Call) -> Option<Diag> {
    match (call.namespace.as_str(), call.name.as_str()) {
        ("path", "set" | "remove") if !call.lends_variable => {
            let diag = Diag::error("changes-a-copy", format!("`path::{}` would change a copy", call.name));
            Some(diag.help("give it a variable and the whole path: path::set(event, \"properties.total\", 1)"))
        }
        ("regex", _) => {
            let error = lib::regex_problem(call.literals.get(1)?.as_deref()?)?;
            Some(Diag::error("bad-regex", error))
        }
        _ => None,
    }
}

fn compare<'a>(call: &Call, counts: &BTreeSet<usize>, known: impl Iterator<Item = &'a str>) -> Option<Diag> {
    if counts.contains(&call.arguments) {
        return None;
    }
    let full = format!("{}::{}", call.namespace, call.name);
    if !counts.is_empty() {
        return Some(wrong_count(&full, call.arguments, counts));
    }
    let diag = Diag::error("unknown-function", format!("unknown function `{full}`"));
    let known: Vec<_> = known.collect();
    Some(match did_you_mean(&call.name, known.iter().copied()) {
        Some(near) => diag.help(format!("did you mean `{}::{near}`?", call.namespace)),
        None => diag.help(format!("`{}` has {}", call.namespace, known.join(", "))),
    })
}

fn wrong_count(name: &str, have: usize, counts: &BTreeSet<usize>) -> Diag {
    let wanted = counts.iter().map(usize::to_string).collect::<Vec<_>>().join(" or ");
    let noun = if counts.len() == 1 && counts.contains(&1) { "argument" } else { "arguments" };
    let mut diag = Diag::error("wrong-arguments", format!("`{name}` takes {wanted} {noun}, not {have}"));
    if let Some(fun) = lib::functions().find(|fun| fun.name == name) {
        diag = diag.help(fun.signature);
    }
    diag
}
