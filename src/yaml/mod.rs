//! YAML text → a tree of nodes which know their place in the text.
//!
//! A tree instead of typed deserialization, because `check` shall report every problem of a file, not the first, and because
//! each part's options are described by data (see [`crate::registry`]).

mod load;

use crate::diag::Span;

pub use load::parse;

/// A value and the bytes it was written in.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    /// What it is.
    pub value: Value,
    /// Where it stands; for an alias, where the alias stands.
    pub span: Span,
}

/// A YAML value of the core schema (YAML 1.2, section 10.3).
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// `null`, `~` or nothing.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number; the text is kept, so that 1.10 stays 1.10.
    Number(String),
    /// Any other scalar.
    Text(Text),
    /// A sequence.
    List(Vec<Node>),
    /// A mapping in the order of the text; keys are texts.
    Map(Vec<Entry>),
}

/// A text scalar.
#[derive(Debug, Clone, PartialEq)]
pub struct Text {
    /// The content.
    pub text: String,
    /// For a literal block (`|`): where its lines stand, so that a position inside maps back to the file.
    pub block: Option<Block>,
}

/// Layout of a literal block scalar.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Block {
    /// Byte offset of the first character of the first content line, before its indentation.
    pub start: usize,
    /// Width of the indentation in bytes.
    pub indent: usize,
}

/// One key and its value.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// The key.
    pub key: String,
    /// Where the key stands.
    pub key_span: Span,
    /// The value.
    pub value: Node,
}

impl Node {
    /// The entries, if it is a map.
    pub fn as_map(&self) -> Option<&[Entry]> {
        match &self.value {
            Value::Map(entries) => Some(entries),
            _ => None,
        }
    }

    /// The items, if it is a list.
    pub fn as_list(&self) -> Option<&[Node]> {
        match &self.value {
            Value::List(items) => Some(items),
            _ => None,
        }
    }

    /// The text, if it is one.
    pub fn as_text(&self) -> Option<&str> {
        match &self.value {
            Value::Text(text) => Some(&text.text),
            _ => None,
        }
    }

    /// The value under a key, if it is a map.
    pub fn get(&self, key: &str) -> Option<&Node> {
        self.as_map()?.iter().find(|entry| entry.key == key).map(|entry| &entry.value)
    }

    /// What it is, for messages: `a list`.
    pub fn kind(&self) -> &'static str {
        match self.value {
            Value::Null => "nothing",
            Value::Bool(_) => "true or false",
            Value::Number(_) => "a number",
            Value::Text(_) => "a text",
            Value::List(_) => "a list",
            Value::Map(_) => "a map",
        }
    }

    /// As JSON, for fixtures, settings and literal values. A number that JSON cannot hold as written becomes a float.
    pub fn to_json(&self) -> serde_json::Value {
        match &self.value {
            Value::Null => serde_json::Value::Null,
            Value::Bool(value) => (*value).into(),
            Value::Number(text) => number_to_json(text),
            Value::Text(text) => text.text.clone().into(),
            Value::List(items) => items.iter().map(Self::to_json).collect(),
            Value::Map(entries) => entries.iter().map(|entry| (entry.key.clone(), entry.value.to_json())).collect(),
        }
    }

    /// The byte offset in the file of a position (line and column from 1, column in characters) inside this text, when the
    /// scalar's lines map to lines of the file: literal blocks, and plain or quoted scalars on one line.
    pub fn position_in_file(&self, file: &str, line: usize, column: usize) -> Option<usize> {
        let Value::Text(text) = &self.value else { return None };
        let line_text = text.text.split('\n').nth(line.checked_sub(1)?)?;
        let in_line = line_text.char_indices().nth(column.saturating_sub(1)).map_or(line_text.len(), |(at, _)| at);
        if let Some(block) = text.block {
            let mut start = block.start;
            for _ in 1..line {
                start += file.get(start..)?.find('\n')? + 1;
            }
            return Some((start + block.indent + in_line).min(file.len()));
        }
        if text.text.contains('\n') {
            return None;
        }
        let source = file.get(self.span.clone())?;
        let quote = usize::from(source.starts_with(['"', '\'']));
        // Escapes shift columns; then the caret goes to the start of the scalar.
        let same = source.get(quote..).is_some_and(|rest| rest.starts_with(text.text.as_str()));
        same.then_some(self.span.start + quote + in_line)
    }
}

/// A YAML number as a JSON number.
pub fn number_to_json(text: &str) -> serde_json::Value {
    if let Ok(value) = text.parse::<i64>() {
        return value.into();
    }
    if let Ok(value) = text.parse::<u64>() {
        return value.into();
    }
    if let Some(value) = text.strip_prefix("0x").and_then(|digits| i64::from_str_radix(digits, 16).ok()) {
        return value.into();
    }
    if let Some(value) = text.strip_prefix("0o").and_then(|digits| i64::from_str_radix(digits, 8).ok()) {
        return value.into();
    }
    text.parse::<f64>()
        .ok()
        .and_then(serde_json::Number::from_f64)
        .map_or_else(|| text.into(), serde_json::Value::Number)
}

#[cfg(test)]
mod tests;
