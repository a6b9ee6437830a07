//! Settings that a script reads as ones that may be missing.

use rhai::{ASTFlags, BinaryExpr, Expr, FnCallExpr};

use super::facts::entry;

/// `settings?.x` and `settings.x?.y`, `settings.contains("x")`.
pub(super) fn in_chain(parts: &BinaryExpr, flags: ASTFlags) -> Option<String> {
    if !is_settings(&parts.lhs) {
        return None;
    }
    if let Expr::MethodCall(call, _) = &parts.rhs {
        return (call.name == "contains").then(|| call.args.first().and_then(literal)).flatten();
    }
    let goes_on_if_there = match &parts.rhs {
        Expr::Dot(_, flags, _) | Expr::Index(_, flags, _) => flags.intersects(ASTFlags::NEGATED),
        _ => false,
    };
    (flags.intersects(ASTFlags::NEGATED) || goes_on_if_there).then(|| entry(&parts.rhs).map(|(name, _)| name)).flatten()
}

/// `settings.x ?? …`: all but the last, which is what is left.
pub(super) fn in_coalesce(parts: &[Expr]) -> Vec<String> {
    parts.iter().rev().skip(1).filter_map(setting).collect()
}

/// `settings.x == ()`, `"x" in settings`, `text::is_blank(settings.x)`, `type_of(settings.x)`.
pub(super) fn in_call(call: &FnCallExpr) -> Option<String> {
    match (call.name.as_str(), &call.args[..]) {
        ("==" | "!=", [one, other]) if is_unit(other) => setting(one),
        ("==" | "!=", [one, other]) if is_unit(one) => setting(other),
        ("contains", [list, name]) if is_settings(list) => literal(name),
        ("is_blank" | "type_of", [value]) => setting(value),
        _ => None,
    }
}

/// `x` of `settings.x` or `settings["x"]`, whatever follows.
fn setting(expression: &Expr) -> Option<String> {
    match expression {
        Expr::Dot(parts, _, _) | Expr::Index(parts, _, _) if is_settings(&parts.lhs) => {
            entry(&parts.rhs).map(|(name, _)| name)
        }
        _ => None,
    }
}

fn is_settings(expression: &Expr) -> bool {
    matches!(expression, Expr::Variable(variable, _, _) if variable.2.is_empty() && variable.1 == "settings")
}

fn is_unit(expression: &Expr) -> bool {
    matches!(expression, Expr::Unit(_)) || matches!(expression, Expr::DynamicConstant(value, _) if value.is_unit())
}

fn literal(expression: &Expr) -> Option<String> {
    match expression {
        Expr::StringConstant(text, _) => Some(text.to_string()),
        _ => None,
    }
}
