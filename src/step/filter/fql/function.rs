//! The functions of FQL.

use rhai::ImmutableString;

use super::glob::Glob;
use super::value::{Number, Value};

/// A function.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Function {
    /// Whether a text stands in a text.
    Contains,
    /// Whether a text matches a pattern.
    Match,
    /// Elements of a list, or bytes of a text.
    Length,
    /// In small letters.
    Lowercase,
    /// In capitals.
    Uppercase,
    /// With `_` for spaces.
    Snakecase,
    /// With `-` for spaces.
    Kebabcase,
    /// With a capital at the start of each word.
    Titlecase,
    /// The type's name.
    Typeof,
    /// As true or false.
    Bool,
    /// As a text.
    String,
    /// As a number.
    Number,
}

/// All functions by name.
pub(super) const FUNCTIONS: [(&str, Function); 12] = [
    ("contains", Function::Contains),
    ("match", Function::Match),
    ("length", Function::Length),
    ("lowercase", Function::Lowercase),
    ("uppercase", Function::Uppercase),
    ("snakecase", Function::Snakecase),
    ("kebabcase", Function::Kebabcase),
    ("titlecase", Function::Titlecase),
    ("typeof", Function::Typeof),
    ("bool", Function::Bool),
    ("string", Function::String),
    ("number", Function::Number),
];

impl Function {
    /// As it is written.
    pub(super) fn name(self) -> &'static str {
        FUNCTIONS.iter().find(|(_, function)| *function == self).map_or("", |(name, _)| name)
    }

    /// How many values it takes.
    pub(super) fn arity(self) -> usize {
        if matches!(self, Self::Contains | Self::Match) { 2 } else { 1 }
    }

    /// Whether it gives true or false.
    pub(super) fn gives_bool(self) -> bool {
        matches!(self, Self::Contains | Self::Match | Self::Bool)
    }

    /// Calls a function of one value.
    pub(super) fn of_one(self, value: &Value) -> Result<Value, String> {
        match (self, value) {
            (Self::Length, Value::Null) => Ok(int(0)),
            (Self::Length, Value::Text(text)) => Ok(int(text.len())),
            (Self::Length, Value::List(items)) => Ok(int(items.len())),
            (Self::Typeof, value) => Ok(Value::Text(value.type_name().into())),
            (Self::Bool, Value::Null) => Ok(Value::Bool(false)),
            (Self::Bool, Value::Bool(bool)) => Ok(Value::Bool(*bool)),
            (Self::Bool, Value::Number(number)) => Ok(Value::Bool(!number.is_zero())),
            (Self::Bool, Value::Text(text)) => Ok(Value::Bool(!["", "0", "false"].contains(&text.as_str()))),
            (Self::Bool, Value::List(items)) => Ok(Value::Bool(!items.is_empty())),
            (Self::String, Value::Object) | (Self::Number, Value::Null) => Err(self.wrong(value)),
            (Self::String, value) => Ok(Value::Text(value.to_string().into())),
            (Self::Number, Value::Number(number)) => Ok(Value::Number(*number)),
            (Self::Number, Value::Text(text)) => Number::parse(text.trim())
                .map(Value::Number)
                .ok_or_else(|| "`number` of a string that is none".to_owned()),
            (Self::Lowercase | Self::Uppercase | Self::Snakecase | Self::Kebabcase | Self::Titlecase, Value::Null) => {
                Ok(Value::Null)
            }
            (Self::Lowercase, Value::Text(text)) => Ok(Value::Text(text.to_lowercase().into())),
            (Self::Uppercase, Value::Text(text)) => Ok(Value::Text(text.to_uppercase().into())),
            (Self::Snakecase, Value::Text(text)) => Ok(Value::Text(text.replace(' ', "_").into())),
            (Self::Kebabcase, Value::Text(text)) => Ok(Value::Text(text.replace(' ', "-").into())),
            (Self::Titlecase, Value::Text(text)) => Ok(Value::Text(title(text))),
            _ => Err(self.wrong(value)),
        }
    }

    /// Calls a function of two values.
    pub(super) fn of_two(self, one: &Value, two: &Value, glob: Option<&Glob>) -> Result<Value, String> {
        let Value::Text(wanted) = two else { return Err(self.wrong(two)) };
        let text = match one {
            Value::Null => return Ok(Value::Bool(false)),
            Value::Text(text) => text,
            other => return Err(self.wrong(other)),
        };
        match (self, glob) {
            (Self::Match, Some(glob)) => Ok(Value::Bool(glob.matches(text))),
            (Self::Match, None) => {
                let glob = Glob::new(wanted).map_err(|why| format!("`match`: {why}"))?;
                Ok(Value::Bool(glob.matches(text)))
            }
            _ => Ok(Value::Bool(text.contains(wanted.as_str()))),
        }
    }

    fn wrong(self, value: &Value) -> String {
        format!("`{}` cannot take {}", self.name(), value.a_type())
    }
}

fn int(length: usize) -> Value {
    Value::Number(Number::Int(length as i64))
}

fn title(text: &str) -> ImmutableString {
    let mut out = String::with_capacity(text.len());
    let mut starts = true;
    for c in text.chars() {
        if starts {
            out.extend(c.to_uppercase());
        } else {
            out.push(c);
        }
        starts = c == ' ';
    }
    out.into()
}
