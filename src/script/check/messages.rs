//! Fields of messages that scripts write out and that their type does not have: Segment takes such a message and forgets the field.

use rhai::{Expr, FnCallExpr, Position};

use super::Facts;
use crate::diag::{Diag, did_you_mean};
use crate::script::place::Unit;

/// What every message may have.
const COMMON: &[&str] = &["type", "userId", "anonymousId", "messageId", "timestamp", "context", "integrations"];

/// What the messages of a function have beside it.
const SENT: &[(&str, &[&str])] = &[
    ("track", &["event", "properties"]),
    ("identify", &["traits"]),
    ("page", &["name", "category", "properties"]),
    ("screen", &["name", "category", "properties"]),
    ("group", &["groupId", "traits"]),
    ("alias", &["previousId"]),
    ("set_object", &["collection", "id", "properties"]),
];

/// The fields that a message is written with: the function that sends it, the field, its place.
pub(super) fn sent(call: &FnCallExpr) -> Vec<(&'static str, String, Position)> {
    let mut found = Vec::new();
    let of = SENT.iter().find(|(name, _)| call.namespace.is_empty() && *name == call.name.as_str());
    if let (Some((name, _)), [message]) = (of, &call.args[..]) {
        written(message, &mut |field, position| found.push((*name, field.to_owned(), position)));
    }
    found
}

/// The keys of a map that is written out, also as one side of a `+` or within `map::compact( … )`.
fn written(message: &Expr, note: &mut impl FnMut(&str, Position)) {
    match message {
        Expr::Map(entries, _) => entries.0.iter().for_each(|(key, _)| note(&key.name, key.pos)),
        Expr::FnCall(call, _) if call.is_operator_call() && call.name == "+" => {
            call.args.iter().for_each(|side| written(side, note));
        }
        Expr::FnCall(call, _)
            if !call.namespace.is_empty() && call.namespace.root() == "map" && call.name == "compact" =>
        {
            call.args.iter().for_each(|inner| written(inner, note));
        }
        _ => {}
    }
}

/// Warns about fields that are lost.
pub fn messages(facts: &Facts, unit: &Unit<'_>, problems: &mut Vec<Diag>) {
    for (function, field, position) in &facts.sent {
        // A function of the script's own may mean something else by that name.
        if facts.functions.iter().any(|(name, _)| name == function) {
            continue;
        }
        let own = SENT.iter().find(|(name, _)| name == function).map_or(&[][..], |(_, own)| *own);
        let known = || own.iter().chain(COMMON).copied();
        if known().any(|name| name == field) {
            continue;
        }
        let swapped = match field.as_str() {
            "properties" => known().find(|name| *name == "traits"),
            "traits" => known().find(|name| *name == "properties"),
            _ => None,
        };
        let help = match swapped.or_else(|| near(field, known())) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("its fields are {}", known().collect::<Vec<_>>().join(", ")),
        };
        let message = format!("the message of `{function}` has no field `{field}`: Segment leaves it out");
        problems.push(unit.at(Diag::warning("unknown-field", message).help(help), *position));
    }
}

/// The field that is meant, also as other languages write it: `user_id`, `userid`.
fn near(field: &str, known: impl Iterator<Item = &'static str> + Clone) -> Option<&'static str> {
    let bare = |name: &str| name.replace('_', "").to_lowercase();
    known.clone().find(|name| bare(name) == bare(field)).or_else(|| did_you_mean(field, known))
}
