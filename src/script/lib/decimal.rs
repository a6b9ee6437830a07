//! Operators between decimals and floats, which the interpreter lacks: the float counts as its shortest text.

use rhai::{Dynamic, Engine};
use rust_decimal::Decimal;
use rust_decimal::prelude::FromPrimitive;

use crate::script::fault::fault;
use crate::script::run::Fault;

type Apply = fn(Decimal, Decimal) -> Option<Dynamic>;

/// Operators and what they do with two decimals; none when the result is too large or there is none.
const OPERATORS: [(&str, Apply); 11] = [
    ("+", |a, b| a.checked_add(b).map(Dynamic::from_decimal)),
    ("-", |a, b| a.checked_sub(b).map(Dynamic::from_decimal)),
    ("*", |a, b| a.checked_mul(b).map(Dynamic::from_decimal)),
    ("/", |a, b| a.checked_div(b).map(Dynamic::from_decimal)),
    ("%", |a, b| a.checked_rem(b).map(Dynamic::from_decimal)),
    ("==", |a, b| Some((a == b).into())),
    ("!=", |a, b| Some((a != b).into())),
    ("<", |a, b| Some((a < b).into())),
    ("<=", |a, b| Some((a <= b).into())),
    (">", |a, b| Some((a > b).into())),
    (">=", |a, b| Some((a >= b).into())),
];

/// Registers the operators in both orders.
pub fn register(engine: &mut Engine) {
    for (operator, apply) in OPERATORS {
        engine.register_fn(operator, move |a: Decimal, b: f64| -> Result<Dynamic, Fault> {
            done(operator, apply(a, exact(b)?))
        });
        engine.register_fn(operator, move |a: f64, b: Decimal| -> Result<Dynamic, Fault> {
            done(operator, apply(exact(a)?, b))
        });
    }
}

fn exact(float: f64) -> Result<Decimal, Fault> {
    // The shortest text of 0.1 is 0.1; its bits are a little more.
    float
        .to_string()
        .parse()
        .ok()
        .or_else(|| Decimal::from_f64(float))
        .ok_or_else(|| fault(format!("{float} is no amount")))
}

fn done(operator: &str, result: Option<Dynamic>) -> Result<Dynamic, Fault> {
    result.ok_or_else(|| fault(format!("`{operator}` has no result for these amounts")))
}
