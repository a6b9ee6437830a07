//! Native functions that are known to look at a map or an array and not at what is in it.

use super::places::Step;
use super::value::{Scalar, Value};
use super::walk::Walk;
use crate::script::builtins::BUILTINS;
use crate::script::lib;

/// Functions of the interpreter that take functions and only call them.
const TAKE_FUNCTIONS: [&str; 20] = [
    "all",
    "call",
    "curry",
    "dedup",
    "drain",
    "filter",
    "find",
    "find_map",
    "for_each",
    "index_of",
    "is_anonymous",
    "map",
    "name",
    "order_by",
    "reduce",
    "reduce_rev",
    "retain",
    "some",
    "sort",
    "sort_by",
];

/// Whether a native function has this name.
pub(super) fn is_known(name: &str) -> bool {
    BUILTINS.iter().any(|(known, _)| *known == name)
        || lib::functions().any(|fun| fun.namespace().is_empty() && fun.short_name() == name)
}

/// Whether the library has this namespace.
pub(super) fn is_namespace(name: &str) -> bool {
    lib::namespaces().contains(&name)
}

/// Whether a function that is handed to this one can be found again by no other means.
pub(super) fn takes_functions(name: &str) -> bool {
    TAKE_FUNCTIONS.contains(&name)
}

/// What a method looks at, and what it gives. None for those that are taken to look at everything.
pub(super) fn method(walk: &mut Walk, target: &Value, name: &str, arguments: &[Value]) -> Option<Value> {
    let value = match (name, arguments) {
        ("len" | "is_empty" | "keys" | "type_of" | "clear" | "reverse", []) | ("truncate" | "chop", [_]) => {
            Value::any()
        }
        // Of a list it compares items, which for a text it can do with scalars only.
        ("contains", [key]) if key.texts().is_some() => Value::any(),
        ("get" | "remove", [key]) => walk.index(target, key),
        ("pop" | "shift", []) => walk.step(target, &Step::Items),
        ("push", [value]) | ("set", [_, value]) if !value.callable => Value::any(),
        _ => return None,
    };
    walk.open(target);
    for argument in arguments {
        walk.use_up(argument);
    }
    Some(value)
}

/// The same for functions of the library.
pub(super) fn qualified(walk: &mut Walk, namespace: &str, name: &str, arguments: &[Value]) -> Option<Value> {
    let ("path", [target, path, rest @ ..]) = (namespace, arguments) else { return None };
    let texts = path.texts()?.clone();
    let mut found = Value::any();
    for text in &texts {
        let mut end = target.clone();
        for key in lib::path::way(text)? {
            end = walk.step(&end, &key.map_or(Step::Items, |key| Step::Key(key.into())));
        }
        if name == "get" || name == "remove" {
            found.join(&end);
        }
    }
    match (name, rest) {
        ("get" | "has" | "remove", []) => {}
        ("get", [default]) => {
            found.join(default);
        }
        ("set", [value]) => walk.store(value),
        _ => return None,
    }
    Some(found)
}

impl Walk {
    /// Whether a variable that can be called has this name.
    pub(super) fn holds(&self, name: &str) -> bool {
        let frame = &self.frames[self.frame];
        frame.variables.get(name).is_some_and(|value| value.callable || value.scalar == Scalar::Any)
    }
}
