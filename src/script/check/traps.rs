//! What works in JavaScript and quietly does something else here: nothing fails, and what is sent is wrong.
//!
//! A warning that is wrong costs more than one that is missing, so only what can be seen for certain is told.

use std::collections::BTreeSet;

use rhai::{AST, ASTNode, Expr, FnCallExpr, Position, Stmt};

use super::chains::{self, last_call};
use super::{Facts, facts};
use crate::diag::Diag;
use crate::script::place::Unit;

/// Methods that change what they are called on and give nothing, with their numbers of arguments.
const NOTHING: &[(&str, &[usize])] = &[
    ("append", &[1]),
    ("chop", &[1]),
    ("clear", &[0]),
    ("crop", &[1, 2]),
    ("dedup", &[0, 1]),
    ("fill_with", &[1]),
    ("for_each", &[1]),
    ("insert", &[2]),
    ("make_lower", &[0]),
    ("make_upper", &[0]),
    ("mixin", &[1]),
    ("pad", &[2]),
    ("push", &[1]),
    ("replace", &[2]),
    ("reverse", &[0]),
    ("sort", &[0, 1]),
    ("splice", &[2, 3]),
    ("trim", &[0]),
    ("truncate", &[1]),
];

/// Methods that change nothing: they are called for what they give.
const PURE: &[&str] = &[
    "contains",
    "ends_with",
    "extract",
    "index_of",
    "keys",
    "starts_with",
    "sub_string",
    "to_float",
    "to_int",
    "to_lower",
    "to_string",
    "to_upper",
    "values",
];

/// Methods that give another list, by a function.
const BY_FUNCTION: &[&str] = &["filter", "map"];

/// Namespaces whose functions are called for what they give.
const PURE_NAMESPACES: &[&str] = &[
    "base64",
    "campaign",
    "email",
    "hash",
    "hex",
    "hmac",
    "ip",
    "json",
    "list",
    "map",
    "money",
    "number",
    "phone",
    "regex",
    "text",
    "time",
    "url",
    "user_agent",
    "uuid",
    "xml",
    "zlib",
];

/// Divisors of money and percentages. Not a thousand: of milliseconds, whole seconds are meant.
const HUNDREDS: [i64; 3] = [10, 100, 10_000];

/// What reads like another way of writing a number, and has decimals.
const DECIMAL_METHODS: &[&str] = &["to_float", "to_decimal", "parse_float", "parse_decimal"];

/// Warns about values of methods that give none, values that nothing takes, and divisions that lose what is behind the point.
pub fn traps(ast: &AST, facts: &Facts, is_body: bool, unit: &Unit<'_>, problems: &mut Vec<Diag>) {
    let decimals = decimals(ast);
    let ends = ends(ast);
    let mut found = Vec::new();
    ast.walk(&mut |path| {
        match path.last() {
            Some(ASTNode::Expr(Expr::MethodCall(call, position)))
                if changes(call, facts) && chains::ended(path).is_none_or(|chain| chain.is_used()) =>
            {
                found.push((gives_nothing(&call.name), *position));
            }
            Some(ASTNode::Expr(Expr::FnCall(call, position)))
                if is_whole_division(call, &decimals) && !is_meant(path) =>
            {
                found.push((whole_division(call), *position));
            }
            Some(ASTNode::Stmt(Stmt::Expr(expression))) if !may_be_given(path, ast, &ends, is_body) => {
                found.extend(unused_value(expression, ast, facts));
            }
            Some(ASTNode::Stmt(Stmt::FnCall(call, position)))
                if is_pure(call) && !may_be_given(path, ast, &ends, is_body) =>
            {
                found.push((unused(&format!("{}::{}", call.namespace, call.name)), *position));
            }
            _ => {}
        }
        true
    });
    problems.extend(found.into_iter().map(|(diag, position)| unit.at(diag, position)));
}

/// Whether a method changes what it is called on and gives nothing. A method of the script's own may do anything.
pub(super) fn changes(call: &FnCallExpr, facts: &Facts) -> bool {
    let is_known =
        NOTHING.iter().any(|(name, counts)| *name == call.name.as_str() && counts.contains(&call.args.len()));
    is_known && !facts.functions.iter().any(|(name, _)| *name == call.name.as_str())
}

/// What gives another value where a method changes the one that it is called on.
pub(super) fn instead(name: &str) -> Option<&'static str> {
    Some(match name {
        "trim" => "text::trim(value) gives another text",
        "make_lower" => "value.to_lower() gives another text",
        "make_upper" => "value.to_upper() gives another text",
        "replace" => "regex::replace(value, `pattern`, with) gives another text",
        "crop" | "truncate" => "value.sub_string(start, length) or list.extract(start, length) gives another",
        "push" | "append" | "insert" => "one + [two] gives another list",
        "sort" | "reverse" => "change a variable and take that: let other = list; other.sort();",
        "dedup" => "list::unique(list) gives another list",
        "for_each" => "list.map(|item| …) gives another list",
        _ => return None,
    })
}

fn gives_nothing(name: &str) -> Diag {
    let help = instead(name).unwrap_or("call it on a variable, in a line of its own, and take the variable");
    let diag = Diag::warning("gives-nothing", format!("`{name}` changes what it is called on, and gives nothing `()`"));
    diag.help(help)
}

fn unused(name: &str) -> Diag {
    let diag = Diag::warning("unused-value", format!("what `{name}` gives is not used, and it changes nothing"));
    diag.help("give it to what is to have it, as event.properties.name = …;")
}

/// A statement that is called for what it gives, which nothing takes.
fn unused_value(expression: &Expr, ast: &AST, facts: &Facts) -> Option<(Diag, Position)> {
    if let Expr::FnCall(call, position) = expression {
        return is_pure(call).then(|| (unused(&format!("{}::{}", call.namespace, call.name)), *position));
    }
    let call = last_call(expression)?;
    let name = call.name.as_str();
    if calls(expression) > 1 || facts.functions.iter().any(|(own, _)| own == name) {
        return None;
    }
    let is_pure = PURE.contains(&name)
        || BY_FUNCTION.contains(&name) && call.args.iter().all(|argument| is_pure_function(argument, ast));
    is_pure.then(|| (unused(name), expression_position(expression)))
}

fn is_pure(call: &FnCallExpr) -> bool {
    let of_library = !call.namespace.is_empty() && PURE_NAMESPACES.contains(&call.namespace.root());
    of_library && call.args.iter().all(|argument| calls(argument) == 0)
}

/// How many calls and functions stand in an expression: each may do something.
fn calls(expression: &Expr) -> usize {
    let mut found = 0;
    expression.walk(&mut Vec::new(), &mut |path| {
        let is_call = |node: &Expr| matches!(node, Expr::FnCall(..) | Expr::MethodCall(..) | Expr::Stmt(_));
        found += usize::from(matches!(path.last(), Some(ASTNode::Expr(node)) if is_call(node)));
        true
    });
    found
}

/// Whether a function without a name, that captures nothing, only reckons.
fn is_pure_function(argument: &Expr, ast: &AST) -> bool {
    let Expr::DynamicConstant(value, _) = argument else { return false };
    let Some(function) = value.read_lock::<rhai::FnPtr>() else { return false };
    let inside = facts(&super::only(ast, |name, _| name == function.fn_name()));
    !inside.functions.is_empty()
        && inside.calls.iter().all(|call| call.is_method || PURE_NAMESPACES.contains(&call.namespace.as_str()))
}

/// Whether a statement may be the value of a block, of a function or of the script.
fn may_be_given(path: &[ASTNode<'_>], ast: &AST, ends: &[*const Stmt], is_body: bool) -> bool {
    let [before @ .., ASTNode::Stmt(statement)] = path else { return true };
    let is = |last: Option<&Stmt>| last.is_some_and(|last| std::ptr::eq(last, *statement));
    match before.last() {
        None if ast.statements().iter().any(|own| std::ptr::eq(own, *statement)) => {
            !is_body && is(ast.statements().last())
        }
        None => ends.iter().any(|end| std::ptr::eq(*end, *statement)),
        Some(ASTNode::Stmt(Stmt::For(..) | Stmt::While(..) | Stmt::Do(..))) => false,
        Some(ASTNode::Stmt(Stmt::If(flow, _) | Stmt::TryCatch(flow, _))) => {
            is(flow.body.statements().last()) || is(flow.branch.statements().last())
        }
        Some(ASTNode::Stmt(Stmt::Block(block)) | ASTNode::Expr(Expr::Stmt(block))) => is(block.statements().last()),
        _ => true,
    }
}

/// The last statements of all functions, which may be what those give.
fn ends(ast: &AST) -> Vec<*const Stmt> {
    let functions = ast.iter_functions();
    let end = |function: rhai::ScriptFnMetadata<'_>| {
        let mut last = None;
        super::only(ast, |name, params| name == function.name && params == function.params.len()).walk(&mut |path| {
            if let [ASTNode::Stmt(statement)] = path {
                last = Some(std::ptr::from_ref(*statement));
            }
            true
        });
        last
    };
    functions.filter_map(end).collect()
}

/// Variables that are given a number with decimals somewhere.
fn decimals(ast: &AST) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    // A variable may be made of one that is: a second walk finds it.
    for _ in 0..2 {
        ast.walk(&mut |path| {
            match path.last() {
                Some(ASTNode::Stmt(Stmt::Var(parts, _, _))) if has_decimals(&parts.1, &found) => {
                    found.insert(parts.0.name.to_string());
                }
                Some(ASTNode::Stmt(Stmt::Assignment(parts))) => {
                    if let (Expr::Variable(variable, _, _), true) = (&parts.1.lhs, has_decimals(&parts.1.rhs, &found)) {
                        found.insert(variable.1.to_string());
                    }
                }
                _ => {}
            }
            true
        });
    }
    found
}

/// Whether something in an expression has decimals, or is a time.
fn has_decimals(expression: &Expr, decimals: &BTreeSet<String>) -> bool {
    let mut found = false;
    expression.walk(&mut Vec::new(), &mut |path| {
        found |= match path.last() {
            Some(ASTNode::Expr(Expr::FloatConstant(..))) => true,
            Some(ASTNode::Expr(Expr::FnCall(call, _))) => {
                !call.namespace.is_empty() && ["money", "number", "time"].contains(&call.namespace.root())
            }
            Some(ASTNode::Expr(Expr::MethodCall(call, _))) => DECIMAL_METHODS.contains(&call.name.as_str()),
            Some(ASTNode::Expr(Expr::Variable(variable, _, _))) => decimals.contains(variable.1.as_str()),
            _ => false,
        };
        true
    });
    found
}

fn is_whole_division(call: &FnCallExpr, decimals: &BTreeSet<String>) -> bool {
    let [dividend, Expr::IntegerConstant(divisor, _)] = &call.args[..] else { return false };
    call.is_operator_call() && call.name == "/" && HUNDREDS.contains(divisor) && !has_decimals(dividend, decimals)
}

/// `(a / 100).to_int()` says that the whole number is meant, and `a / 100 * 100` rounds down.
fn is_meant(path: &[ASTNode<'_>]) -> bool {
    match path.iter().rev().nth(1) {
        Some(ASTNode::Expr(Expr::Dot(..))) => true,
        Some(ASTNode::Expr(Expr::FnCall(outer, _))) => {
            outer.is_operator_call() && ["*", "%"].contains(&outer.name.as_str())
        }
        _ => false,
    }
}

fn whole_division(call: &FnCallExpr) -> Diag {
    let by = match call.args.last() {
        Some(Expr::IntegerConstant(by, _)) => *by,
        _ => 100,
    };
    let message = format!("a whole number divided by {by} is a whole number: 5490 / {by} is {}", 5490 / by);
    let help = format!(
        "write / {by}.0; for cents, money::minor(currency, amount); where the whole number is meant, (… / {by}).to_int()"
    );
    Diag::warning("whole-division", message).help(help)
}

/// Where the method stands that a chain ends with.
fn expression_position(expression: &Expr) -> Position {
    match expression {
        Expr::Dot(parts, _, _) | Expr::Index(parts, _, _) => expression_position(&parts.rhs),
        other => other.position(),
    }
}
