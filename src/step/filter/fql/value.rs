//! The values of FQL: fewer types than an event has.

use std::cmp::Ordering;
use std::fmt;
use std::rc::Rc;

use rhai::{Dynamic, ImmutableString};
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;

/// A value. Cheap to clone.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Value {
    /// Nothing, also what a path does not find.
    Null,
    /// True or false.
    Bool(bool),
    /// A number.
    Number(Number),
    /// A text.
    Text(ImmutableString),
    /// A list.
    List(Rc<[Value]>),
    /// A map, of which FQL can only say that it is there.
    Object,
}

/// A number as the event has it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Number {
    /// A whole one.
    Int(i64),
    /// Any.
    Float(f64),
    /// An exact one, as scripts make for money.
    Decimal(Decimal),
}

impl Number {
    /// By value; none for what is no number at all.
    pub(super) fn order(self, other: Self) -> Option<Ordering> {
        match (self, other) {
            (Self::Int(one), Self::Int(two)) => Some(one.cmp(&two)),
            (Self::Decimal(one), Self::Decimal(two)) => Some(one.cmp(&two)),
            _ => self.float().partial_cmp(&other.float()),
        }
    }

    /// From digits; none if it is no finite number.
    pub(super) fn parse(text: &str) -> Option<Self> {
        if !text.strip_prefix('-').unwrap_or(text).starts_with(|c: char| c.is_ascii_digit()) {
            return None;
        }
        if let Ok(int) = text.parse() {
            return Some(Self::Int(int));
        }
        text.parse().ok().filter(|float: &f64| float.is_finite()).map(Self::Float)
    }

    fn float(self) -> f64 {
        match self {
            Self::Int(int) => int as f64,
            Self::Float(float) => float,
            Self::Decimal(decimal) => decimal.to_f64().unwrap_or(f64::NAN),
        }
    }

    /// Whether it is 0.
    pub(super) fn is_zero(self) -> bool {
        self.order(Self::Int(0)) == Some(Ordering::Equal)
    }
}

impl Value {
    /// From a value of an event.
    pub(super) fn from_dynamic(value: &Dynamic) -> Self {
        if let Ok(text) = value.as_immutable_string_ref() {
            Self::Text(text.clone())
        } else if let Ok(int) = value.as_int() {
            Self::Number(Number::Int(int))
        } else if let Ok(float) = value.as_float() {
            Self::Number(Number::Float(float))
        } else if let Ok(decimal) = value.as_decimal() {
            Self::Number(Number::Decimal(decimal))
        } else if let Ok(bool) = value.as_bool() {
            Self::Bool(bool)
        } else if let Ok(char) = value.as_char() {
            Self::Text(char.to_string().into())
        } else if let Ok(items) = value.as_array_ref() {
            Self::List(items.iter().map(Self::from_dynamic).collect())
        } else if value.is_unit() {
            Self::Null
        } else {
            Self::Object
        }
    }

    /// Strictly: the same type and the same value. Objects are never equal.
    pub(super) fn equals(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Null, Self::Null) => true,
            (Self::Bool(one), Self::Bool(two)) => one == two,
            (Self::Number(one), Self::Number(two)) => one.order(*two) == Some(Ordering::Equal),
            (Self::Text(one), Self::Text(two)) => one == two,
            (Self::List(one), Self::List(two)) => {
                one.len() == two.len() && one.iter().zip(two.iter()).all(|(one, two)| one.equals(two))
            }
            _ => false,
        }
    }

    /// What `typeof` gives.
    pub(super) fn type_name(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "bool",
            Self::Number(_) => "number",
            Self::Text(_) => "string",
            Self::List(_) => "list",
            Self::Object => "object",
        }
    }

    /// The type for messages.
    pub(super) fn a_type(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "a bool",
            Self::Number(_) => "a number",
            Self::Text(_) => "a string",
            Self::List(_) => "a list",
            Self::Object => "an object",
        }
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Int(int) => write!(f, "{int}"),
            Self::Float(float) => write!(f, "{float}"),
            Self::Decimal(decimal) => write!(f, "{decimal}"),
        }
    }
}

impl fmt::Display for Value {
    /// As JSON, but a text outside of lists stands as it is: what `string` gives.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => Ok(()),
            Self::Bool(bool) => write!(f, "{bool}"),
            Self::Number(number) => write!(f, "{number}"),
            Self::Text(text) => f.write_str(text),
            Self::List(items) => {
                for (at, item) in items.iter().enumerate() {
                    f.write_str(if at > 0 { "," } else { "[" })?;
                    match item {
                        Self::Null => f.write_str("null")?,
                        Self::Text(text) => write!(f, "{}", serde_json::Value::from(text.as_str()))?,
                        item => write!(f, "{item}")?,
                    }
                }
                f.write_str(if items.is_empty() { "[]" } else { "]" })
            }
            Self::Object => f.write_str("{}"),
        }
    }
}
