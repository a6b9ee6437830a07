//! Random trees, and their text with every parenthesis.

use proptest::collection::vec;
use proptest::prelude::*;

use super::super::ast::{Expr, Op};
use super::super::function::{FUNCTIONS, Function};
use super::super::glob::Glob;
use super::super::lex;
use super::super::value::{Number, Value};
use crate::path::{Path, Segment};

/// The text of a tree.
pub(super) fn shown(expr: &Expr) -> String {
    match expr {
        Expr::Literal(value) => literal(value),
        Expr::Path(path) => path.segments().iter().map(key).collect::<Vec<_>>().join("."),
        Expr::Not(inner) => format!("!{}", operand(inner)),
        Expr::And(items) => items.iter().map(operand).collect::<Vec<_>>().join(" and "),
        Expr::Or(items) => items.iter().map(operand).collect::<Vec<_>>().join(" or "),
        Expr::Compare(op, left, right) => format!("{} {} {}", operand(left), op.text(), operand(right)),
        Expr::Call(function, arguments, _) => {
            format!("{}({})", function.name(), arguments.iter().map(shown).collect::<Vec<_>>().join(", "))
        }
    }
}

fn operand(expr: &Expr) -> String {
    match expr {
        Expr::Literal(_) | Expr::Path(_) | Expr::Call(..) => shown(expr),
        _ => format!("({})", shown(expr)),
    }
}

/// With an escape before the first character, so that no key is taken for a number or a word.
fn key(segment: &Segment) -> String {
    let Segment::Key(key) = segment else { panic!("only keys") };
    key.chars()
        .enumerate()
        .map(|(at, c)| if at == 0 || !lex::is_key(c) { format!("\\{c}") } else { c.into() })
        .collect()
}

fn literal(value: &Value) -> String {
    match value {
        Value::Null => "null".into(),
        Value::Bool(bool) => bool.to_string(),
        // With digits behind the point, lest it is read as a whole number.
        Value::Number(Number::Float(float)) => format!("{float:?}"),
        Value::Number(number) => number.to_string(),
        Value::Text(text) => format!("'{}'", text.replace('\\', "\\\\").replace('\'', "\\'")),
        Value::List(items) => format!("[{}]", items.iter().map(literal).collect::<Vec<_>>().join(", ")),
        Value::Object => panic!("no literal is an object"),
    }
}

fn literals() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        any::<i64>().prop_map(|int| Value::Number(Number::Int(int))),
        any::<f64>()
            .prop_filter("finite", |float| float.is_finite())
            .prop_map(|float| Value::Number(Number::Float(float))),
        any::<String>().prop_map(|text| Value::Text(text.into())),
    ];
    leaf.prop_recursive(2, 8, 4, |inner| vec(inner, 0..4).prop_map(|items| Value::List(items.into())))
}

/// Trees that a text can have.
pub(super) fn trees() -> impl Strategy<Value = Expr> {
    expressions().prop_filter("true or false", Expr::may_be_bool)
}

fn expressions() -> impl Strategy<Value = Expr> {
    let path = vec("\\PC{1,6}", 1..4).prop_map(|keys| Path::new(keys.into_iter().map(Segment::Key).collect()).unwrap());
    let leaf = prop_oneof![literals().prop_map(Expr::Literal), path.prop_map(Expr::Path)];
    leaf.prop_recursive(4, 32, 4, |inner| {
        let bool = inner.clone().prop_filter("true or false", Expr::may_be_bool);
        let op = proptest::sample::select(vec!["=", "!=", ">", ">=", "<", "<=", "in"]);
        let function = proptest::sample::select(FUNCTIONS.map(|(_, function)| function).to_vec());
        prop_oneof![
            bool.clone().prop_map(|inner| Expr::Not(Box::new(inner))),
            vec(bool.clone(), 2..4).prop_map(Expr::And),
            vec(bool, 2..4).prop_map(Expr::Or),
            (op, inner.clone(), inner.clone()).prop_map(|(op, left, right)| Expr::Compare(
                Op::from_text(op).unwrap(),
                Box::new(left),
                Box::new(right)
            )),
            (function, inner.clone(), inner)
                .prop_filter_map("a pattern", |(function, one, two)| call(function, one, two)),
        ]
    })
}

fn call(function: Function, one: Expr, two: Expr) -> Option<Expr> {
    if function.arity() == 1 {
        return Some(Expr::Call(function, vec![one], None));
    }
    let glob = match &two {
        Expr::Literal(Value::Text(pattern)) if function == Function::Match => Some(Glob::new(pattern).ok()?),
        _ => None,
    };
    Some(Expr::Call(function, vec![one, two], glob))
}
