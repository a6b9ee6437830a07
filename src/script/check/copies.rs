//! Changes of copies: parameters and loop variables hold copies, and what is only changed in them is lost.

use std::collections::BTreeSet;

use rhai::{AST, ASTNode, Expr, Position, Stmt};

use super::chains::{self, Chain, last_call};
use super::traps::{changes, instead};
use super::{Facts, only};
use crate::diag::Diag;
use crate::script::place::Unit;

/// Where a variable is mentioned, in the order of the text.
struct Mention {
    /// The value that it holds is changed, and nothing is taken out of it.
    is_change: bool,
    /// The method that changes it.
    method: Option<String>,
    position: Position,
    /// The assignment that it stands in: its right side is worked out before the change.
    assignment: Option<*const Stmt>,
    /// The outermost loop that it stands in: what stands before may come after.
    repeat: Option<*const Stmt>,
}

/// Where a change is, and the method that makes it.
type Lost = (Position, Option<String>);

/// Warns about changes that are the last that is done with a copy.
pub fn copies(ast: &AST, facts: &Facts, unit: &Unit<'_>, problems: &mut Vec<Diag>) {
    let shared = shared(ast);
    for function in ast.iter_functions() {
        let has_no_name = function.name.starts_with("anon$");
        // What a handler does to its event counts, and one whose name is misspelt is told of as such.
        let handles = function
            .name
            .strip_prefix("on")
            .is_some_and(|rest| rest.starts_with(|c: char| c == '_' || c.is_uppercase()));
        if handles {
            continue;
        }
        let own = only(ast, |name, params| name == function.name && params == function.params.len());
        let mut body = Vec::new();
        own.walk(&mut |path| {
            if let [ASTNode::Stmt(statement)] = path {
                body.push((*statement).clone());
            }
            true
        });
        for name in &function.params {
            // What a function without a name uses of its surroundings becomes a parameter of it, and is no copy.
            if has_no_name && shared.contains(*name) {
                continue;
            }
            if let Some((position, method)) = lost_change(name, &body, facts) {
                let help = if let Some(instead) = method.as_deref().and_then(instead) {
                    instead.to_owned()
                } else if has_no_name {
                    format!(
                        "let the function give it: |{name}| {{ …; {name} }}; or go by `this`: list.for_each(|| this.name = …)"
                    )
                } else {
                    format!(
                        "give `{name}` back and take it: value = {}(value); or make it a method, fn map.{}() {{ this.name = …; }}",
                        function.name, function.name
                    )
                };
                problems.push(unit.at(lost(name, "what the function was called with", help), position));
            }
        }
    }
    let mut found = Vec::new();
    ast.walk(&mut |path| {
        if let Some(ASTNode::Stmt(Stmt::For(parts, _))) = path.last() {
            let body: Vec<Stmt> = parts.2.body.statements().to_vec();
            let name = parts.0.name.as_str();
            found.extend(lost_change(name, &body, facts).map(|(position, _)| (name.to_owned(), position)));
        }
        true
    });
    for (name, position) in found {
        let help = format!(
            "go by its number: for ({name}, number) in list {{ list[number].name = …; }}; or by `this`: list.for_each(|| this.name = …)"
        );
        problems.push(unit.at(lost(&name, "an item of the list", help), position));
    }
}

/// Variables that functions without a name share with their surroundings.
fn shared(ast: &AST) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    ast.walk(&mut |path| {
        if let Some(ASTNode::Stmt(Stmt::Share(names))) = path.last() {
            found.extend(names.iter().map(|(name, _)| name.name.to_string()));
        }
        true
    });
    found
}

fn lost(name: &str, of: &str, help: String) -> Diag {
    Diag::warning("changes-a-copy", format!("`{name}` is a copy of {of}: this change is lost")).help(help)
}

/// The change of a variable that is the last that is done with it, if that is certain.
fn lost_change(name: &str, body: &[Stmt], facts: &Facts) -> Option<Lost> {
    let mut mentions = Vec::new();
    let mut is_certain = true;
    for statement in body {
        statement.walk(&mut Vec::new(), &mut |path| {
            match path.last() {
                Some(ASTNode::Expr(Expr::Variable(variable, _, position)))
                    if variable.2.is_empty() && variable.1.as_str() == name =>
                {
                    mentions.push(mention(path, *position, facts));
                }
                // Another variable of that name, or one that a function without a name shares.
                Some(ASTNode::Stmt(Stmt::Var(parts, _, _))) => is_certain &= parts.0.name != name,
                Some(ASTNode::Stmt(Stmt::For(parts, _))) => {
                    is_certain &= parts.0.name != name && parts.1.as_ref().is_none_or(|counter| counter.name != name);
                }
                Some(ASTNode::Stmt(Stmt::Share(names))) => {
                    is_certain &= names.iter().all(|(shared, _)| shared.name != name);
                }
                _ => {}
            }
            true
        });
    }
    let at = mentions.iter().rposition(|mention| mention.is_change)?;
    let change = &mentions[at];
    let in_its_statement = |mention: &Mention| mention.assignment.is_some() && mention.assignment == change.assignment;
    let comes_after = mentions[at + 1..].iter().any(|mention| !in_its_statement(mention));
    let comes_again = change.repeat.is_some()
        && mentions
            .iter()
            .any(|mention| !mention.is_change && mention.repeat == change.repeat && !in_its_statement(mention));
    (is_certain && !comes_after && !comes_again).then(|| (change.position, change.method.clone()))
}

fn mention(path: &[ASTNode<'_>], position: Position, facts: &Facts) -> Mention {
    let mut assignment = None;
    let mut repeat = None;
    for node in path {
        match node {
            ASTNode::Stmt(statement @ Stmt::Assignment(_)) => assignment = Some(std::ptr::from_ref(*statement)),
            ASTNode::Stmt(statement @ (Stmt::For(..) | Stmt::While(..) | Stmt::Do(..))) if repeat.is_none() => {
                repeat = Some(std::ptr::from_ref(*statement));
            }
            _ => {}
        }
    }
    let chain = chains::begun(path);
    let is_part = |chain: &Chain<'_, '_>| !matches!(chain.top, Expr::Variable(..));
    let own = chain.as_ref().filter(|chain| is_part(chain));
    let method = own.filter(|chain| chain.is_statement()).and_then(|chain| last_call(chain.top));
    let method = method.filter(|call| changes(call, facts)).map(|call| call.name.to_string());
    let by_path = || chain.as_ref().is_some_and(|chain| !is_part(chain) && is_set(chain));
    let is_change = method.is_some() || own.is_some_and(Chain::is_assigned) || by_path();
    Mention { is_change, method, position, assignment, repeat }
}

/// Whether a variable is what `path::set` changes.
fn is_set(chain: &Chain<'_, '_>) -> bool {
    let Some(ASTNode::Stmt(Stmt::FnCall(call, _)) | ASTNode::Expr(Expr::FnCall(call, _))) = chain.around.last() else {
        return false;
    };
    let is_first = call.args.first().is_some_and(|first| std::ptr::eq(first, chain.top));
    is_first && !call.namespace.is_empty() && call.namespace.root() == "path" && call.name == "set"
}
