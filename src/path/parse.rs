//! Text → path.

use super::{Path, Segment};

/// More parts than any event has levels.
const SEGMENTS_MAX: usize = 64;

/// Why a text is not a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PathError {
    /// Where in the text, in bytes.
    pub offset: usize,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub help: Option<String>,
}

impl std::fmt::Display for PathError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.message)
    }
}

/// Whether a key needs no quotes.
pub(super) fn is_plain(key: &str) -> bool {
    !key.is_empty()
        && key != "*"
        && !key.contains(['.', '[', ']', '\\', '\'', '"', '*'])
        && key.trim() == key
        && !key.starts_with('$')
}

pub(super) fn parse(text: &str) -> Result<Path, PathError> {
    if text.trim().is_empty() {
        return Err(error(0, "the path is empty", Some("name a field, as properties.email")));
    }
    if text.trim() != text {
        return Err(error(0, "the path has white space around it", None));
    }
    if text == "$" || text.starts_with("$.") || text.starts_with("$[") {
        let rest = text.trim_start_matches(['$', '.']);
        let help =
            if rest.is_empty() { None } else { Some(format!("a field path begins with its first field: {rest}")) };
        return Err(PathError { offset: 0, message: "a field path has no `$`".into(), help });
    }
    let mut parser = Parser { text, at: 0 };
    let mut segments = Vec::new();
    while parser.at < text.len() {
        segments.push(parser.segment(segments.is_empty())?);
        if segments.len() > SEGMENTS_MAX {
            return Err(error(parser.at, &format!("the path has more than {SEGMENTS_MAX} parts"), None));
        }
    }
    Ok(Path { segments })
}

fn error(offset: usize, message: &str, help: Option<&str>) -> PathError {
    PathError { offset, message: message.to_owned(), help: help.map(str::to_owned) }
}

struct Parser<'a> {
    text: &'a str,
    at: usize,
}

impl Parser<'_> {
    fn peek(&self) -> Option<char> {
        self.text[self.at..].chars().next()
    }

    fn take(&mut self) -> Option<char> {
        let c = self.peek()?;
        self.at += c.len_utf8();
        Some(c)
    }

    fn segment(&mut self, first: bool) -> Result<Segment, PathError> {
        match self.peek() {
            Some('[') => self.bracket(),
            Some('.') if !first => {
                self.at += 1;
                self.bare()
            }
            _ if first => self.bare(),
            _ => Err(error(self.at, "expected `.` or `[`", None)),
        }
    }

    /// A key up to the next dot or bracket.
    fn bare(&mut self) -> Result<Segment, PathError> {
        let start = self.at;
        let mut key = String::new();
        let mut escaped = false;
        while let Some(c) = self.peek() {
            match c {
                '.' | '[' => break,
                ']' => return Err(error(self.at, "`]` without `[`", None)),
                '\\' => {
                    self.at += 1;
                    escaped = true;
                    let Some(c) = self.take() else {
                        return Err(error(start, "the path ends in `\\`", None));
                    };
                    key.push(c);
                }
                _ => {
                    key.push(c);
                    self.at += c.len_utf8();
                }
            }
        }
        if key.is_empty() {
            return Err(error(start, "a key is missing here", Some("write an empty key as ['']")));
        }
        if key == "*" && !escaped {
            return Ok(Segment::Any);
        }
        Ok(Segment::Key(key))
    }

    fn bracket(&mut self) -> Result<Segment, PathError> {
        let start = self.at;
        self.at += 1;
        let segment = match self.peek() {
            Some(quote @ ('\'' | '"')) => self.quoted(quote)?,
            Some('*') => {
                self.at += 1;
                Segment::Any
            }
            // As Segment and others write a list's elements.
            Some(']') => Segment::Any,
            _ => {
                let length = self.text[self.at..].find(']').unwrap_or(self.text.len() - self.at);
                let inner = &self.text[self.at..self.at + length];
                let Ok(index) = inner.parse() else {
                    let help = format!("an element is [0], a key with other characters ['{inner}']");
                    return Err(PathError {
                        offset: self.at,
                        message: format!("`{inner}` is not a position"),
                        help: Some(help),
                    });
                };
                self.at += length;
                Segment::Index(index)
            }
        };
        if self.take() != Some(']') {
            return Err(error(start, "`[` without `]`", None));
        }
        Ok(segment)
    }

    fn quoted(&mut self, quote: char) -> Result<Segment, PathError> {
        let start = self.at;
        self.at += 1;
        let mut key = String::new();
        loop {
            match self.take() {
                Some(c) if c == quote => return Ok(Segment::Key(key)),
                Some('\\') => key.extend(self.take()),
                Some(c) => key.push(c),
                None => {
                    return Err(error(start, &format!("the quote `{quote}` is not closed"), None));
                }
            }
        }
    }
}
