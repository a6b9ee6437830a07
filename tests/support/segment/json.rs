//! A strict JSON reader of its own (RFC 8259), so that the fake judges bytes independently of the codec under test.
//!
//! It also finds where each item of `batch` stands in the text, and notes what is legal JSON but risky to send.

use std::ops::Range;

use serde_json::{Map, Number, Value};

/// Deeper documents are refused; Segment's own bound is not known, real events stay below ten.
const DEPTH_MAX: usize = 256;

/// Something legal that a reader may understand differently.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Note {
    /// The same key twice in one object; the last one wins here.
    DuplicateKey(String),
    /// Half of a surrogate pair, read as U+FFFD.
    LoneSurrogate,
    /// An integer beyond 2^53, which JavaScript would round.
    BigInteger(String),
    /// A number that overflows a double.
    NotFinite(String),
    /// A string with U+0000 in it.
    Nul,
}

/// One element of `batch`.
#[derive(Debug, Clone)]
pub struct Item {
    /// Its bytes in the text.
    pub span: Range<usize>,
    /// Its value.
    pub value: Value,
    /// What was noted inside it.
    pub notes: Vec<Note>,
}

/// A request body: an object whose array `batch`, if there is one, has been taken out of it.
#[derive(Debug, Clone)]
pub struct Document {
    /// The object without an array `batch` (a `batch` of another type stays).
    pub envelope: Map<String, Value>,
    /// The items of `batch`.
    pub items: Option<Vec<Item>>,
    /// What was noted outside of the items.
    pub notes: Vec<Note>,
}

/// Reads a body; the error says what is wrong and at which byte.
pub fn read(body: &[u8]) -> Result<Document, String> {
    let text = std::str::from_utf8(body).map_err(|e| format!("not UTF-8 at byte {}", e.valid_up_to()))?;
    let mut reader = Reader { text, bytes: body, at: 0, depth: 0, notes: Vec::new() };
    reader.space();
    let document = reader.document()?;
    reader.space();
    if reader.at < body.len() {
        return Err(reader.wrong("the end"));
    }
    Ok(document)
}

struct Reader<'a> {
    text: &'a str,
    bytes: &'a [u8],
    at: usize,
    depth: usize,
    notes: Vec<Note>,
}

impl Reader<'_> {
    fn document(&mut self) -> Result<Document, String> {
        let mut items = None;
        let mut envelope = Map::new();
        self.members(|reader, key| {
            let twice = if key == "batch" && reader.peek() == Some(b'[') {
                let batch = reader.items()?;
                items.replace(batch).is_some()
            } else {
                let value = reader.value()?;
                envelope.insert(key.clone(), value).is_some()
            };
            if twice {
                reader.notes.push(Note::DuplicateKey(key));
            }
            Ok(())
        })?;
        Ok(Document { envelope, items, notes: std::mem::take(&mut self.notes) })
    }

    fn items(&mut self) -> Result<Vec<Item>, String> {
        let outside = std::mem::take(&mut self.notes);
        let mut items = Vec::new();
        self.elements(|reader| {
            let start = reader.at;
            let value = reader.value()?;
            items.push(Item { span: start..reader.at, value, notes: std::mem::take(&mut reader.notes) });
            Ok(())
        })?;
        self.notes = outside;
        Ok(items)
    }

    fn value(&mut self) -> Result<Value, String> {
        match self.peek() {
            Some(b'{') => {
                let mut map = Map::new();
                self.members(|reader, key| {
                    let value = reader.value()?;
                    if map.insert(key.clone(), value).is_some() {
                        reader.notes.push(Note::DuplicateKey(key));
                    }
                    Ok(())
                })?;
                Ok(Value::Object(map))
            }
            Some(b'[') => {
                let mut array = Vec::new();
                self.elements(|reader| {
                    array.push(reader.value()?);
                    Ok(())
                })?;
                Ok(Value::Array(array))
            }
            Some(b'"') => Ok(Value::String(self.string()?)),
            Some(b'-' | b'0'..=b'9') => self.number(),
            _ => {
                for (word, value) in [("true", Value::Bool(true)), ("false", Value::Bool(false)), ("null", Value::Null)]
                {
                    if self.text[self.at..].starts_with(word) {
                        self.at += word.len();
                        return Ok(value);
                    }
                }
                Err(self.wrong("a value"))
            }
        }
    }

    fn members(&mut self, mut member: impl FnMut(&mut Self, String) -> Result<(), String>) -> Result<(), String> {
        self.list(b'{', b'}', |reader| {
            if reader.peek() != Some(b'"') {
                return Err(reader.wrong("a key"));
            }
            let key = reader.string()?;
            reader.space();
            reader.expect(b':')?;
            reader.space();
            member(reader, key)
        })
    }

    fn elements(&mut self, element: impl FnMut(&mut Self) -> Result<(), String>) -> Result<(), String> {
        self.list(b'[', b']', element)
    }

    fn list(
        &mut self,
        open: u8,
        close: u8,
        mut one: impl FnMut(&mut Self) -> Result<(), String>,
    ) -> Result<(), String> {
        self.expect(open)?;
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return Err(format!("nested deeper than {DEPTH_MAX} at byte {}", self.at));
        }
        self.space();
        if self.peek() == Some(close) {
            self.at += 1;
        } else {
            loop {
                one(self)?;
                self.space();
                if self.peek() == Some(close) {
                    self.at += 1;
                    break;
                }
                self.expect(b',')?;
                self.space();
            }
        }
        self.depth -= 1;
        Ok(())
    }

    fn string(&mut self) -> Result<String, String> {
        self.expect(b'"')?;
        let mut out = String::new();
        loop {
            let plain = self.bytes[self.at..].iter().take_while(|b| !matches!(b, b'"' | b'\\' | 0..=0x1f)).count();
            out.push_str(&self.text[self.at..self.at + plain]);
            self.at += plain;
            match self.peek() {
                Some(b'"') => break,
                Some(b'\\') => {
                    self.at += 1;
                    out.push(self.escape()?);
                }
                _ => return Err(self.wrong("the end of the string")),
            }
        }
        self.at += 1;
        if out.contains('\0') {
            self.notes.push(Note::Nul);
        }
        Ok(out)
    }

    fn escape(&mut self) -> Result<char, String> {
        let letter = self.peek().ok_or_else(|| self.wrong("an escape"))?;
        self.at += 1;
        Ok(match letter {
            b'"' | b'\\' | b'/' => char::from(letter),
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => return self.unicode(),
            _ => return Err(self.wrong("an escape")),
        })
    }

    fn unicode(&mut self) -> Result<char, String> {
        let first = self.hex()?;
        if let Some(char) = char::from_u32(first) {
            return Ok(char);
        }
        let after_first = self.at;
        if first < 0xdc00 && self.text[self.at..].starts_with("\\u") {
            self.at += 2;
            let second = self.hex()?;
            if (0xdc00..0xe000).contains(&second) {
                let code = 0x1_0000 + ((first - 0xd800) << 10) + (second - 0xdc00);
                return char::from_u32(code).ok_or_else(|| self.wrong("a character"));
            }
            self.at = after_first;
        }
        self.notes.push(Note::LoneSurrogate);
        Ok('\u{fffd}')
    }

    fn hex(&mut self) -> Result<u32, String> {
        let digits = self.bytes.get(self.at..self.at + 4).filter(|d| d.iter().all(u8::is_ascii_hexdigit));
        let digits = digits.ok_or_else(|| self.wrong("four hexadecimal digits"))?;
        let code = digits.iter().fold(0, |code, &d| code * 16 + char::from(d).to_digit(16).unwrap_or(0));
        self.at += 4;
        Ok(code)
    }

    fn number(&mut self) -> Result<Value, String> {
        let start = self.at;
        self.skip(b'-');
        if !self.skip(b'0') {
            self.digits()?;
        }
        let integer = !matches!(self.peek(), Some(b'.' | b'e' | b'E'));
        if self.skip(b'.') {
            self.digits()?;
        }
        if self.skip(b'e') || self.skip(b'E') {
            let _ = self.skip(b'+') || self.skip(b'-');
            self.digits()?;
        }
        let token = &self.text[start..self.at];
        let double: f64 = token.parse().map_err(|_| self.wrong("a number"))?;
        if integer && token.parse().map_or(true, |i: i128| i.unsigned_abs() > 1 << 53) {
            self.notes.push(Note::BigInteger(token.to_owned()));
        }
        let exact = token.parse().map(i64::into).or_else(|_| token.parse().map(u64::into));
        if integer && let Ok(exact) = exact {
            return Ok(Value::Number(exact));
        }
        Ok(Value::Number(Number::from_f64(double).unwrap_or_else(|| {
            self.notes.push(Note::NotFinite(token.to_owned()));
            Number::from_f64(f64::MAX.copysign(double)).expect("the largest double is finite")
        })))
    }

    fn digits(&mut self) -> Result<(), String> {
        let count = self.bytes[self.at..].iter().take_while(|b| b.is_ascii_digit()).count();
        self.at += count;
        if count == 0 { Err(self.wrong("a digit")) } else { Ok(()) }
    }

    fn space(&mut self) {
        self.at += self.bytes[self.at..].iter().take_while(|b| matches!(b, b' ' | b'\t' | b'\n' | b'\r')).count();
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn skip(&mut self, byte: u8) -> bool {
        let here = self.peek() == Some(byte);
        self.at += usize::from(here);
        here
    }

    fn expect(&mut self, byte: u8) -> Result<(), String> {
        if self.skip(byte) { Ok(()) } else { Err(self.wrong(&format!("'{}'", char::from(byte)))) }
    }

    fn wrong(&self, wanted: &str) -> String {
        format!("expected {wanted} at byte {}", self.at)
    }
}
