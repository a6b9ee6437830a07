//! Texts with field paths to fill in: `order/{properties.order_id}`.

use rhai::{Dynamic, ImmutableString};

use super::{Path, PathError};

/// A parsed text with places to fill in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    pieces: Vec<Piece>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    Text(String),
    Field(Path),
}

impl Template {
    /// Parses a template. `{{` and `}}` are braces that stand for themselves. The offset of an error is one in the whole text.
    pub fn parse(text: &str) -> Result<Self, PathError> {
        let mut pieces = Vec::new();
        let mut plain = String::new();
        let mut at = 0;
        while let Some(letter) = text[at..].chars().next() {
            let rest = &text[at..];
            if rest.starts_with("{{") || rest.starts_with("}}") {
                plain.push(letter);
                at += 2;
            } else if letter == '{' {
                let Some(close) = rest.find('}') else {
                    return Err(PathError { offset: at, message: "`{` is not closed".into(), help: None });
                };
                if !plain.is_empty() {
                    pieces.push(Piece::Text(std::mem::take(&mut plain)));
                }
                let inner = &rest[1..close];
                let path = Path::parse(inner).map_err(|error| PathError { offset: at + 1 + error.offset, ..error })?;
                pieces.push(Piece::Field(path));
                at += close + 1;
            } else {
                plain.push(letter);
                at += letter.len_utf8();
            }
        }
        if !plain.is_empty() {
            pieces.push(Piece::Text(plain));
        }
        Ok(Self { pieces })
    }

    /// The paths in it.
    pub fn paths(&self) -> impl Iterator<Item = &Path> {
        self.pieces.iter().filter_map(|piece| match piece {
            Piece::Field(path) => Some(path),
            Piece::Text(_) => None,
        })
    }

    /// The text before the first place to fill in.
    pub fn fixed_start(&self) -> &str {
        match self.pieces.first() {
            Some(Piece::Text(text)) => text,
            _ => "",
        }
    }

    /// Filled in, each value by way of `write`. `None` if a field holds no text, number or boolean, or an empty text.
    pub fn fill(&self, root: &Dynamic, write: impl Fn(&str, &mut String)) -> Option<String> {
        let mut out = String::new();
        for piece in &self.pieces {
            match piece {
                Piece::Text(text) => out.push_str(text),
                Piece::Field(path) => {
                    let value = path.with(root, |value| value.and_then(scalar)).filter(|text| !text.is_empty())?;
                    write(&value, &mut out);
                }
            }
        }
        Some(out)
    }
}

/// A value as text, if it is a single one.
fn scalar(value: &Dynamic) -> Option<String> {
    if let Some(text) = value.read_lock::<ImmutableString>() {
        return Some(text.to_string());
    }
    if let Ok(int) = value.as_int() {
        return Some(int.to_string());
    }
    if let Ok(float) = value.as_float() {
        return float.is_finite().then(|| float.to_string());
    }
    if let Some(decimal) = value.read_lock::<rust_decimal::Decimal>() {
        return Some(decimal.to_string());
    }
    value.as_bool().ok().map(|is| is.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json;

    #[test]
    fn fields_are_filled_in_and_braces_can_be_written() {
        let root = json::from_json_value(&serde_json::json!({ "a": { "b": 7 }, "t": "x y", "e": "", "l": [true] }));
        let fill = |text: &str| Template::parse(text).unwrap().fill(&root, |value, out| out.push_str(value));
        assert_eq!(fill("order/{a.b}/{t}").as_deref(), Some("order/7/x y"));
        assert_eq!(fill("{{{l[0]}}}").as_deref(), Some("{true}"));
        assert_eq!(fill("").as_deref(), Some(""));
        assert_eq!(fill("{nothing}"), None);
        assert_eq!(fill("{e}"), None);
        assert_eq!(fill("{a}"), None);
        assert_eq!(Template::parse("ab{a..b}").unwrap_err().offset, 5);
        assert_eq!(Template::parse("ab{a").unwrap_err().offset, 2);
    }
}
