//! FQL, the query language of Segment's destination filters, so that a filter can be pasted: `type = "track" and properties.price > 10`.
//!
//! Where Segment's description leaves something open, this holds: `and` and `or` look at their right side only if they must; `!` covers the one
//! value behind it; text escapes are the quote and `\\`, any other `\` stays for the pattern of `match`; `typeof` of an object is `object`;
//! `bool` of a text is false for ``, `0` and `false`; `string` of nothing is ``, and of a list its JSON.

mod ast;
mod eval;
mod function;
mod glob;
mod lex;
mod parse;
#[cfg(test)]
mod tests;
mod value;

use rhai::Dynamic;

use crate::diag::Span;
use crate::json::Mask;
use crate::step::paths;
use ast::Expr;
use value::Value;

/// A parsed statement.
#[derive(Debug)]
pub(super) struct Fql {
    expr: Expr,
}

/// Why a text is no statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct FqlProblem {
    /// Where in the text, in bytes.
    pub(super) span: Span,
    /// What is wrong.
    pub(super) message: String,
    /// What to do.
    pub(super) help: Option<String>,
}

impl Fql {
    /// Parses a statement.
    pub(super) fn new(text: &str) -> Result<Self, FqlProblem> {
        parse::parse(text).map(|expr| Self { expr })
    }

    /// What it looks at.
    pub(super) fn reads(&self) -> Mask {
        let mut mask = Mask::opened();
        self.expr.paths(&mut |path| mask.merge(&paths::whole(path)));
        mask
    }

    /// Whether it is true for the event; an error where Segment would drop the event. The texts of errors are few: they label metrics.
    pub(super) fn holds(&self, event: &Dynamic) -> Result<bool, String> {
        match eval::eval(&self.expr, event)? {
            Value::Bool(holds) => Ok(holds),
            Value::Null => Ok(false),
            other => Err(format!("the statement is {}, not true or false", other.a_type())),
        }
    }
}
