//! What a script's settings are called and may be, as far as its text tells.
//!
//! A script that lays `settings` over a map of defaults (`let cx = #{ … }; cx += settings;`) tells all their names. What words some
//! of them may be, it tells in a constant map, [`CHOICES`].

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use rhai::{AST, ASTNode, Dynamic, Expr, FnCallExpr, Position, Stmt};

use super::facts::entry;
use super::{Facts, Function};
use crate::script::builtins::BUILTINS;
use crate::script::entry::kind;
use crate::script::host::Host;
use crate::script::lib;
use crate::script::place::Unit;

/// The constant that lists what settings may be: `const CHOICES = #{ money: ["shop", "presentment"] };`.
pub const CHOICES: &str = "CHOICES";

/// What a script tells of its settings, and of other things that its step says.
#[derive(Debug, Default)]
pub struct Told {
    /// All names, those with a default first; none if the script may read others.
    pub known: Option<Vec<String>>,
    /// Whether the map of all settings is only read by names, or handed to functions of one's own.
    pub by_name: bool,
    /// What some may be.
    pub choices: Vec<(String, Vec<Dynamic>)>,
    /// How the addresses begin that it asks, as far as they are written out: the text, whether it is all, and its place.
    pub addresses: Vec<(String, bool, Range<usize>)>,
}

/// Goes through a script that was parsed without optimisation, and whose imports have been loaded.
pub fn settings(host: &Host, ast: &AST, facts: &Facts, functions: &[Function], unit: &Unit<'_>) -> Told {
    let mut maps: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut choices = Vec::new();
    // The variables that settings were laid over.
    let mut laid = Vec::new();
    for statement in ast.statements() {
        match statement {
            Stmt::Var(parts, _, _) => match &parts.1 {
                Expr::Map(entries, _) if parts.0.name == CHOICES => {
                    choices
                        .extend(entries.0.iter().filter_map(|(key, value)| Some((key.name.to_string(), list(value)?))));
                }
                Expr::Map(..) => {
                    maps.insert(parts.0.name.to_string(), keys(&parts.1));
                }
                Expr::FnCall(call, _) => {
                    if let Some(defaults) = defaults(call) {
                        maps.insert(parts.0.name.to_string(), defaults);
                        laid.push(parts.0.name.to_string());
                    }
                }
                _ => {}
            },
            Stmt::Assignment(parts) => {
                if let (Some(name), Some("settings")) = (variable(&parts.1.lhs), variable(&parts.1.rhs)) {
                    laid.push(name.to_owned());
                }
            }
            _ => {}
        }
    }
    let handles = functions.iter().any(|function| kind(&function.name).is_some());
    let other_uses = facts.uses("settings").saturating_sub(facts.settings.len() + laid.len());
    let is_told = !handles && other_uses == 0 && !laid.is_empty() && laid.iter().all(|name| maps.contains_key(name));
    let known = is_told.then(|| {
        let mut known: Vec<String> = laid.iter().filter_map(|name| maps.get(name)).flatten().cloned().collect();
        known.extend(choices.iter().map(|(name, _): &(String, Vec<Dynamic>)| name.clone()));
        known.extend(facts.settings.iter().map(|(name, _)| name.clone()));
        // Functions are handed the map under its own name, and may read what has no default.
        let read = std::iter::once(ast.clone()).chain(host.modules().trees());
        known.extend(read.flat_map(|tree| entries(&tree, &laid)));
        known
    });
    let by_name = !is_taken_whole(ast, facts, &laid);
    let addresses = facts.calls.iter().filter_map(|call| {
        let (text, is_whole) = call.address.clone()?;
        Some((text, is_whole, unit.span(call.position)))
    });
    Told { known, by_name, choices, addresses: addresses.collect() }
}

/// Whether something takes one of the variables whole: its keys, or as an argument of what is no function of one's own.
fn is_taken_whole(ast: &AST, facts: &Facts, variables: &[String]) -> bool {
    let of_library = |call: &FnCallExpr| {
        let name = call.name.as_str();
        let is_own = facts.functions.iter().any(|(own, _)| own == name)
            || facts.imports.iter().any(|import| !call.namespace.is_empty() && import.alias == call.namespace.root());
        let is_builtin = BUILTINS.iter().any(|(known, _)| *known == name);
        !is_own && (is_builtin || lib::functions().any(|fun| fun.short_name() == name))
    };
    let mut found = false;
    ast.walk(&mut |path| {
        let [before @ .., ASTNode::Expr(node)] = path else { return true };
        if !variable(node).is_some_and(|name| variables.iter().any(|variable| variable == name)) {
            return true;
        }
        found |= match before.last() {
            Some(ASTNode::Expr(Expr::Dot(parts, _, _) | Expr::Index(parts, _, _))) => entry(&parts.rhs).is_none(),
            Some(
                ASTNode::Expr(Expr::FnCall(call, _) | Expr::MethodCall(call, _)) | ASTNode::Stmt(Stmt::FnCall(call, _)),
            ) => of_library(call),
            Some(ASTNode::Stmt(Stmt::Assignment(parts))) => !std::ptr::eq(&raw const parts.1.lhs, *node),
            _ => true,
        };
        true
    });
    found
}

/// `#{ … } + settings`, `map::merge(#{ … }, settings)`.
fn defaults(call: &FnCallExpr) -> Option<Vec<String>> {
    let merges = call.is_operator_call() && call.name == "+"
        || !call.namespace.is_empty()
            && call.namespace.root() == "map"
            && ["merge", "deep_merge"].contains(&call.name.as_str());
    match &call.args[..] {
        [map @ Expr::Map(..), other] if merges && variable(other) == Some("settings") => Some(keys(map)),
        _ => None,
    }
}

/// The entries of the variables that are named in a tree.
fn entries(tree: &AST, variables: &[String]) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    tree.walk(&mut |path| {
        if let Some(ASTNode::Expr(Expr::Dot(parts, _, _) | Expr::Index(parts, _, _))) = path.last()
            && variable(&parts.lhs).is_some_and(|name| variables.iter().any(|variable| variable == name))
        {
            found.extend(entry(&parts.rhs).map(|(name, _): (String, Position)| name));
        }
        true
    });
    found
}

fn keys(map: &Expr) -> Vec<String> {
    match map {
        Expr::Map(entries, _) => entries.0.iter().map(|(key, _)| key.name.to_string()).collect(),
        _ => Vec::new(),
    }
}

fn variable(expression: &Expr) -> Option<&str> {
    match expression {
        Expr::Variable(variable, _, _) if variable.2.is_empty() => Some(variable.1.as_str()),
        _ => None,
    }
}

/// An array that is written out.
fn list(expression: &Expr) -> Option<Vec<Dynamic>> {
    let Expr::Array(items, _) = expression else { return None };
    items
        .iter()
        .map(|item| match item {
            Expr::StringConstant(text, _) => Some(text.clone().into()),
            Expr::BoolConstant(value, _) => Some((*value).into()),
            Expr::IntegerConstant(value, _) => Some((*value).into()),
            _ => None,
        })
        .collect()
}
