//! What a statement gives for an event.

use std::cmp::Ordering;

use rhai::Dynamic;

use super::ast::{Expr, Op};
use super::value::Value;

/// Evaluates. An error is a type that an operator or function does not take: then Segment drops the event.
pub(super) fn eval(expr: &Expr, event: &Dynamic) -> Result<Value, String> {
    match expr {
        Expr::Literal(value) => Ok(value.clone()),
        Expr::Path(path) => Ok(path.with(event, |value| value.map_or(Value::Null, Value::from_dynamic))),
        Expr::Not(inner) => match eval(inner, event)? {
            Value::Bool(bool) => Ok(Value::Bool(!bool)),
            other => Err(format!("`!` cannot take {}", other.a_type())),
        },
        Expr::And(items) => all_are(items, true, event).map(Value::Bool),
        Expr::Or(items) => all_are(items, false, event).map(|none| Value::Bool(!none)),
        Expr::Compare(op, left, right) => compare(*op, &eval(left, event)?, &eval(right, event)?).map(Value::Bool),
        Expr::Call(function, arguments, glob) => match arguments.as_slice() {
            [one, two] => function.of_two(&eval(one, event)?, &eval(two, event)?, glob.as_ref()),
            [one] => function.of_one(&eval(one, event)?),
            _ => Err(format!("`{}` has a wrong number of arguments", function.name())),
        },
    }
}

/// Whether each item is `wanted`, up to the first one that is not. Null counts as false.
fn all_are(items: &[Expr], wanted: bool, event: &Dynamic) -> Result<bool, String> {
    for item in items {
        let is = match eval(item, event)? {
            Value::Bool(bool) => bool,
            Value::Null => false,
            other => {
                return Err(format!("`{}` cannot take {}", if wanted { "and" } else { "or" }, other.a_type()));
            }
        };
        if is != wanted {
            return Ok(false);
        }
    }
    Ok(true)
}

fn compare(op: Op, left: &Value, right: &Value) -> Result<bool, String> {
    let holds: fn(Ordering) -> bool = match op {
        Op::Equal => return Ok(left.equals(right)),
        Op::Unequal => return Ok(!left.equals(right)),
        Op::In => {
            return match (left, right) {
                (Value::List(_) | Value::Object, _) => Err(format!("`in` cannot take {} on its left", left.a_type())),
                (_, Value::List(items)) => Ok(items.iter().any(|item| item.equals(left))),
                _ => Err(format!("`in` needs a list, not {}", right.a_type())),
            };
        }
        Op::Greater => Ordering::is_gt,
        Op::GreaterOrEqual => Ordering::is_ge,
        Op::Less => Ordering::is_lt,
        Op::LessOrEqual => Ordering::is_le,
    };
    match (left, right) {
        (Value::Number(left), Value::Number(right)) => Ok(left.order(*right).is_some_and(holds)),
        (Value::Number(_), other) | (other, _) => Err(format!("`{}` needs numbers, not {}", op.text(), other.a_type())),
    }
}
