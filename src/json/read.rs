//! The reader: strict, one pass, depth-limited, straight into Rhai values.

use rhai::{Array, Dynamic, ImmutableString, Map};

use super::Limits;
use super::error::{Fault, JsonErrorKind};
use super::mask::{Mask, Wanted};
use super::number::{self, Number};
use super::shape::{self, Part, Shapes};
use super::string;
use super::tape::{Index, Kind, Node, Span};
use super::unread::Unread;

/// More levels than this are refused whatever the limits say: the reader recurses.
const DEPTH_MAX: usize = 512;

/// Reads a whole document. With `TAPE`, values are tagged and the index is filled, and containers outside the mask are only
/// checked.
pub(super) fn document<const TAPE: bool>(text: &[u8], limits: &Limits, mask: &Mask) -> Result<(Dynamic, Index), Fault> {
    // One pass of the standard library's vectorised check makes all later slicing free of it.
    let text = std::str::from_utf8(text).map_err(|e| Fault::new(e.valid_up_to(), JsonErrorKind::NotUtf8))?;
    if text.len() >= 1 << 31 {
        return Err(Fault::new(0, JsonErrorKind::TooLarge));
    }
    // Shop and browser events have a value for each 15 to 25 bytes.
    let nodes = if TAPE { Vec::with_capacity(text.len() / 16 + 4) } else { Vec::new() };
    let mut reader = Reader::<TAPE> {
        text,
        bytes: text.as_bytes(),
        at: 0,
        depth_left: limits.depth.min(DEPTH_MAX),
        nodes_left: limits.nodes.min(i32::MAX as usize - 1),
        index: Index { nodes, ..Index::default() },
        parts: Vec::with_capacity(64),
        scratch: String::new(),
        shapes: Shapes::take(),
        keys: Vec::new(),
        exact: true,
    };
    let value = reader.document(if TAPE { mask.root() } else { Wanted::All });
    reader.shapes.give_back();
    Ok((value?, reader.index))
}

pub(super) struct Reader<'t, const TAPE: bool> {
    pub(super) text: &'t str,
    pub(super) bytes: &'t [u8],
    pub(super) at: usize,
    depth_left: usize,
    pub(super) nodes_left: usize,
    index: Index,
    /// What has been read of the containers that are open, the innermost last.
    parts: Vec<Part>,
    /// Holds an unescaped string until it is copied to where it belongs.
    scratch: String,
    shapes: Shapes,
    /// The keys of the objects that are being skipped, the innermost last.
    pub(super) keys: Vec<(u64, Span)>,
    /// Whether what is being skipped has been, so far, as the writer would write it.
    pub(super) exact: bool,
}

impl<const TAPE: bool> Reader<'_, TAPE> {
    fn document(&mut self, wanted: Wanted<'_>) -> Result<Dynamic, Fault> {
        self.value(Span::default(), wanted)?;
        self.skip_space();
        if self.at < self.bytes.len() {
            return Err(self.fault(JsonErrorKind::TrailingText));
        }
        Ok(self.parts.pop().map(|part| part.value).unwrap_or_default())
    }

    /// Reads a value with the white space before it, and leaves it on top of the parts; `key` is its key's text, and
    /// `wanted` what is wanted of the container that it stands in.
    fn value(&mut self, key: Span, wanted: Wanted<'_>) -> Result<(), Fault> {
        self.skip_space();
        if self.nodes_left == 0 {
            return Err(self.fault(JsonErrorKind::TooLarge));
        }
        self.nodes_left -= 1;
        let start = self.at;
        match self.peek() {
            b'"' => {
                if self.string()? {
                    let text = ImmutableString::from(self.scratch.as_str());
                    self.push(key, start, text.into(), Kind::Escaped, 0);
                } else {
                    let text = ImmutableString::from(&self.text[start + 1..self.at - 1]);
                    self.push(key, start, text.into(), Kind::Plain, 0);
                }
            }
            b'-' | b'0'..=b'9' => {
                let (number, end) = number::read(self.text, start)?;
                self.at = end;
                match number {
                    Number::Int(int) => {
                        self.push(key, start, Dynamic::from_int(int), Kind::Int, int as u64);
                    }
                    Number::Float(float) => {
                        let bits = float.to_bits();
                        self.push(key, start, Dynamic::from_float(float), Kind::Float, bits);
                    }
                }
            }
            opening @ (b'{' | b'[') => match wanted.inside(self.text, key) {
                Some(inside) if opening == b'{' => {
                    let (map, bits) = self.object(inside)?;
                    self.push(key, start, Dynamic::from_map(map), Kind::Object, bits);
                }
                Some(inside) => {
                    let array = self.array(inside)?;
                    self.push(key, start, Dynamic::from_array(array), Kind::Array, 0);
                }
                None => {
                    let exact = self.skip_container()?;
                    self.push(key, start, Dynamic::from(Unread), Kind::Unread, exact.into());
                }
            },
            b't' => self.word(key, "true", Dynamic::TRUE)?,
            b'f' => self.word(key, "false", Dynamic::FALSE)?,
            b'n' => self.word(key, "null", Dynamic::UNIT)?,
            _ => return Err(self.fault(JsonErrorKind::ExpectedValue)),
        }
        Ok(())
    }

    /// Puts a value that has just been read on top of the parts, and its node on the tape.
    ///
    /// Inlined into each case so that the value is made where it stays: returning it by way of the stack costs more
    /// than reading it.
    #[allow(clippy::inline_always, reason = "measured: a tenth of the reader's time")]
    #[inline(always)]
    fn push(&mut self, key: Span, start: usize, value: Dynamic, kind: Kind, bits: u64) {
        self.parts.push(Part { key, value });
        if TAPE {
            self.index.nodes.push(Node { span: Span::new(start, self.at), key, place: 0, kind, bits });
            let tag = self.index.nodes.len() as i32;
            if let Some(part) = self.parts.last_mut() {
                part.value.set_tag(tag);
            }
        }
    }

    fn array(&mut self, wanted: Wanted<'_>) -> Result<Array, Fault> {
        self.open()?;
        if self.closes(b']') {
            return Ok(Array::new());
        }
        let first = self.parts.len();
        loop {
            self.value(Span::default(), wanted)?;
            self.skip_space();
            match self.peek() {
                b',' => self.at += 1,
                b']' => break,
                _ => return Err(self.fault(JsonErrorKind::ExpectedCommaOrBracket)),
            }
        }
        self.close();
        Ok(self.parts.drain(first..).map(|part| part.value).collect())
    }

    /// Reads an object, and returns it with the range of its members in [`Index::sorted`].
    fn object(&mut self, wanted: Wanted<'_>) -> Result<(Map, u64), Fault> {
        self.open()?;
        if self.closes(b'}') {
            return Ok((Map::new(), 0));
        }
        let first = self.parts.len();
        let mut hash = 0;
        let mut has_escapes = false;
        loop {
            self.skip_space();
            if self.peek() != b'"' {
                return Err(self.fault(JsonErrorKind::ExpectedKey));
            }
            let start = self.at;
            has_escapes |= self.string()?;
            let key = Span::new(start, self.at);
            hash = shape::hash(hash, self.bytes, key);
            self.skip_space();
            if self.peek() != b':' {
                return Err(self.fault(JsonErrorKind::ExpectedColon));
            }
            self.at += 1;
            self.value(key, wanted)?;
            self.skip_space();
            match self.peek() {
                b',' => self.at += 1,
                b'}' => break,
                _ => return Err(self.fault(JsonErrorKind::ExpectedCommaOrBrace)),
            }
        }
        self.close();
        let first_sorted = self.index.sorted.len();
        let map = self.build(first, hash, has_escapes)?;
        self.parts.truncate(first);
        let bits = first_sorted as u64 | (self.index.sorted.len() as u64) << 32;
        Ok((map, bits))
    }

    /// Makes the map of the members read since `first`.
    fn build(&mut self, first: usize, hash: u64, has_escapes: bool) -> Result<Map, Fault> {
        let members = &mut self.parts[first..];
        if !has_escapes && let Some(shape) = self.shapes.find(hash, self.text, members) {
            if TAPE {
                for (place, member) in members.iter().enumerate() {
                    set_place(&mut self.index.nodes, &member.value, place);
                }
                self.index.sorted.extend(shape.sorted(members));
            }
            return Ok(shape.build(members));
        }
        let mut map = Map::new();
        for member in &mut *members {
            let inner = member.key.inner(self.text);
            let key = if has_escapes && inner.contains('\\') {
                self.index.escaped_keys = true;
                self.scratch.clear();
                string::unescape(inner, member.key.start as usize + 1, &mut self.scratch)?;
                self.scratch.as_str()
            } else {
                inner
            };
            let value = std::mem::take(&mut member.value);
            let nodes = &mut self.index.nodes;
            // A duplicate key takes the place of the first.
            let shadowed = map.get(key).and_then(|old| nodes.get((old.tag() as usize).wrapping_sub(1)));
            let place = shadowed.map_or(map.len(), |node| node.place as usize);
            set_place(nodes, &value, place);
            map.insert(key.into(), value);
        }
        if TAPE {
            let nodes = map.values().map(|value| value.tag() as u32);
            self.index.sorted.extend(nodes);
        }
        if !has_escapes {
            self.shapes.learn(hash, self.text, members, &map);
        }
        Ok(map)
    }

    /// Reads a string, and tells whether it had escapes; if so, `scratch` has it decoded.
    #[inline]
    pub(super) fn string(&mut self) -> Result<bool, Fault> {
        let start = self.at + 1;
        let stop = string::scan(self.bytes, start);
        if self.bytes.get(stop) == Some(&b'"') {
            self.at = stop + 1;
            return Ok(false);
        }
        self.escaped_string(start, stop)
    }

    #[cold]
    fn escaped_string(&mut self, start: usize, mut stop: usize) -> Result<bool, Fault> {
        loop {
            match self.bytes.get(stop) {
                Some(b'"') => break,
                Some(b'\\') => stop = string::scan(self.bytes, (stop + 2).min(self.bytes.len())),
                Some(_) => return Err(Fault::new(stop, JsonErrorKind::ControlCharacter)),
                None => return Err(Fault::new(stop, JsonErrorKind::UnclosedString)),
            }
        }
        self.scratch.clear();
        string::unescape(&self.text[start..stop], start, &mut self.scratch)?;
        self.at = stop + 1;
        Ok(true)
    }

    #[inline]
    fn word(&mut self, key: Span, word: &str, value: Dynamic) -> Result<(), Fault> {
        let start = self.at;
        if !self.bytes[start..].starts_with(word.as_bytes()) {
            return Err(self.fault(JsonErrorKind::ExpectedValue));
        }
        self.at += word.len();
        self.push(key, start, value, Kind::Word, 0);
        Ok(())
    }

    pub(super) fn open(&mut self) -> Result<(), Fault> {
        if self.depth_left == 0 {
            return Err(self.fault(JsonErrorKind::TooDeep));
        }
        self.depth_left -= 1;
        self.at += 1;
        Ok(())
    }

    pub(super) fn close(&mut self) {
        self.depth_left += 1;
        self.at += 1;
    }

    /// Whether the container just opened is empty; if so, it is closed.
    pub(super) fn closes(&mut self, end: u8) -> bool {
        self.skip_space();
        let empty = self.peek() == end;
        if empty {
            self.close();
        }
        empty
    }

    #[inline]
    pub(super) fn skip_space(&mut self) {
        while matches!(self.peek(), b' ' | b'\n' | b'\r' | b'\t') {
            self.at += 1;
        }
    }

    /// The next byte; 0, which no document has here, at the end.
    #[inline]
    pub(super) fn peek(&self) -> u8 {
        self.bytes.get(self.at).copied().unwrap_or(0)
    }

    pub(super) fn fault(&self, kind: JsonErrorKind) -> Fault {
        Fault::new(self.at, kind)
    }
}

/// Notes which member of its object a value is, if it has a node.
#[inline]
fn set_place(nodes: &mut [Node], value: &Dynamic, place: usize) {
    if let Some(node) = nodes.get_mut((value.tag() as usize).wrapping_sub(1)) {
        node.place = place as u32;
    }
}
