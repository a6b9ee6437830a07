//! What can be wrong with a text that should be JSON, and with a value that should become JSON.

use std::fmt;

/// A text that is not JSON, or beyond the limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct JsonError {
    /// Byte offset of the first byte that cannot belong to the document; the text's length if it ends too early.
    pub offset: usize,
    /// What is wrong there.
    pub kind: JsonErrorKind,
    /// Line of the offset, from 1.
    pub line: usize,
    /// Column of the offset in characters, from 1.
    pub column: usize,
}

/// What is wrong with a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JsonErrorKind {
    /// Something else than the beginning of a value.
    ExpectedValue,
    /// Something else than a key, or `}` in an object still empty.
    ExpectedKey,
    /// No `:` after a key.
    ExpectedColon,
    /// Neither `,` nor `]` after an element.
    ExpectedCommaOrBracket,
    /// Neither `,` nor `}` after a member.
    ExpectedCommaOrBrace,
    /// No digit where a number needs one.
    ExpectedDigit,
    /// A number that goes on after a leading `0`.
    LeadingZero,
    /// A backslash that begins no escape of the grammar.
    BadEscape,
    /// A raw control character in a string.
    ControlCharacter,
    /// A string without its closing quote.
    UnclosedString,
    /// Text after the document.
    TrailingText,
    /// Bytes that are not UTF-8.
    NotUtf8,
    /// More levels than allowed.
    TooDeep,
    /// More values than allowed, or 2 GiB of text.
    TooLarge,
}

impl JsonErrorKind {
    fn text(self) -> &'static str {
        match self {
            Self::ExpectedValue => "expected a value",
            Self::ExpectedKey => "expected a key in double quotes",
            Self::ExpectedColon => "expected `:`",
            Self::ExpectedCommaOrBracket => "expected `,` or `]`",
            Self::ExpectedCommaOrBrace => "expected `,` or `}`",
            Self::ExpectedDigit => "expected a digit",
            Self::LeadingZero => "a number cannot begin with `0` and go on with digits",
            Self::BadEscape => "unknown escape in a string",
            Self::ControlCharacter => "control character in a string; write it as an escape",
            Self::UnclosedString => "expected `\"` at the end of a string",
            Self::TrailingText => "expected the end of the document",
            Self::NotUtf8 => "the text is not UTF-8",
            Self::TooDeep => "arrays and objects are nested too deep",
            Self::TooLarge => "the document is too large",
        }
    }
}

impl fmt::Display for JsonError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at line {} column {}", self.kind.text(), self.line, self.column)
    }
}

impl std::error::Error for JsonError {}

/// An error inside the reader, small so that results stay in registers; line and column are counted once, at the end.
#[derive(Debug, Clone, Copy)]
pub(super) struct Fault {
    pub(super) offset: usize,
    pub(super) kind: JsonErrorKind,
}

impl Fault {
    #[cold]
    pub(super) fn new(offset: usize, kind: JsonErrorKind) -> Self {
        Self { offset, kind }
    }

    pub(super) fn locate(self, text: &[u8]) -> JsonError {
        let before = &text[..self.offset.min(text.len())];
        let mut lines = before.split(|&b| b == b'\n');
        let last = lines.next_back().unwrap_or_default();
        JsonError {
            offset: self.offset,
            kind: self.kind,
            line: lines.count() + 1,
            // Continuation bytes are no characters of their own.
            column: last.iter().filter(|&&b| b & 0b1100_0000 != 0b1000_0000).count() + 1,
        }
    }
}

/// A value that has no JSON text. Paths read like `properties.products[2].price`; empty for the value as a whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EncodeError {
    /// A number that is infinite or not a number.
    NotFinite {
        /// Where.
        path: String,
    },
    /// A function pointer, timestamp, blob, range or other value that is not data.
    NotData {
        /// Where.
        path: String,
        /// What it is, as Rhai names the type.
        kind: &'static str,
    },
    /// More levels than [`ENCODE_DEPTH_MAX`](super::ENCODE_DEPTH_MAX).
    TooDeep,
    /// More values or longer text than an event can sensibly have; shared values can unfold to any size.
    TooLarge,
}

impl EncodeError {
    /// The same error seen from the map that has the failing value under `key`.
    #[cold]
    pub(super) fn under_key(self, key: &str) -> Self {
        self.under(|path| match path.as_bytes().first() {
            None => key.to_owned(),
            Some(b'[') => format!("{key}{path}"),
            Some(_) => format!("{key}.{path}"),
        })
    }

    /// The same error seen from the array that has the failing value at `index`.
    #[cold]
    pub(super) fn under_index(self, index: usize) -> Self {
        self.under(|path| match path.as_bytes().first() {
            None | Some(b'[') => format!("[{index}]{path}"),
            Some(_) => format!("[{index}].{path}"),
        })
    }

    fn under(self, extend: impl Fn(&str) -> String) -> Self {
        match self {
            Self::NotFinite { path } => Self::NotFinite { path: extend(&path) },
            Self::NotData { path, kind } => Self::NotData { path: extend(&path), kind },
            Self::TooDeep | Self::TooLarge => self,
        }
    }
}

impl fmt::Display for EncodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let whole = |path: &str| {
            if path.is_empty() { "the value".to_owned() } else { format!("`{path}`") }
        };
        match self {
            Self::NotFinite { path } => {
                write!(f, "{} is infinite or not a number, which JSON cannot say", whole(path))
            }
            Self::NotData { path, kind } => write!(f, "{} is of type {kind}, which JSON cannot say", whole(path)),
            Self::TooDeep => f.write_str("the value is nested too deep"),
            Self::TooLarge => f.write_str("the value is too large"),
        }
    }
}

impl std::error::Error for EncodeError {}
