//! A statement as a tree.

use super::function::Function;
use super::glob::Glob;
use super::value::Value;
use crate::path::Path;

/// An expression.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Expr {
    /// A literal; `all` is `true`.
    Literal(Value),
    /// A field.
    Path(Path),
    /// Not this.
    Not(Box<Expr>),
    /// Every one of these.
    And(Vec<Expr>),
    /// At least one of these.
    Or(Vec<Expr>),
    /// A comparison.
    Compare(Op, Box<Expr>, Box<Expr>),
    /// A function of these; `match` with a literal pattern keeps it compiled.
    Call(Function, Vec<Expr>, Option<Glob>),
}

/// How two values are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Op {
    /// The same type and value.
    Equal,
    /// Not so.
    Unequal,
    /// A greater number.
    Greater,
    /// A greater or the same number.
    GreaterOrEqual,
    /// A smaller number.
    Less,
    /// A smaller or the same number.
    LessOrEqual,
    /// One of a list.
    In,
}

impl Op {
    /// As it is written.
    pub(super) fn text(self) -> &'static str {
        match self {
            Self::Equal => "=",
            Self::Unequal => "!=",
            Self::Greater => ">",
            Self::GreaterOrEqual => ">=",
            Self::Less => "<",
            Self::LessOrEqual => "<=",
            Self::In => "in",
        }
    }

    /// From how it is written.
    pub(super) fn from_text(text: &str) -> Option<Self> {
        [Self::Equal, Self::Unequal, Self::Greater, Self::GreaterOrEqual, Self::Less, Self::LessOrEqual, Self::In]
            .into_iter()
            .find(|op| op.text() == text)
    }
}

impl Expr {
    /// Calls a function with every path in it.
    pub(super) fn paths(&self, each: &mut impl FnMut(&Path)) {
        match self {
            Self::Literal(_) => {}
            Self::Path(path) => each(path),
            Self::Not(inner) => inner.paths(each),
            Self::And(all) | Self::Or(all) | Self::Call(_, all, _) => all.iter().for_each(|inner| inner.paths(each)),
            Self::Compare(_, left, right) => {
                left.paths(each);
                right.paths(each);
            }
        }
    }

    /// Whether it can be true or false; what a path holds is known only later.
    pub(super) fn may_be_bool(&self) -> bool {
        match self {
            Self::Literal(value) => matches!(value, Value::Bool(_) | Value::Null),
            Self::Path(_) | Self::Not(_) | Self::And(_) | Self::Or(_) | Self::Compare(..) => true,
            Self::Call(function, ..) => function.gives_bool(),
        }
    }
}
