//! The writer: compact text, made of the source's own wherever a value is unchanged.

use std::cmp::Ordering;

use rhai::{Array, Dynamic, INT, ImmutableString, Map};
use rust_decimal::Decimal;

use super::error::EncodeError;
use super::number;
use super::string;
use super::tape::{Kind, Node, Span, Tape};
use super::unread::Unread;
use super::{Limits, decode_bytes};

/// How many levels of arrays and maps a value may have: a script can nest deeper than any document.
pub const DEPTH_MAX: usize = 256;

/// How many values may be written: maps that share parts can unfold to any number.
pub(super) const VALUES_MAX: usize = 2_000_000;

/// How many bytes may be written beyond twice the source text: a list of references to one long text takes no room before
/// it is written out.
const BYTES_MAX: usize = 16 << 20;

/// Objects with up to so many members are brought into the order of their source without allocating.
const MEMBERS_INLINE: usize = 16;

/// Appends the compact encoding of a value; after an error, `out` is as it was before.
///
/// A value whose tag names a node of `tape`, and which still equals that node, is written as the node's source text.
pub fn encode(value: &Dynamic, tape: &Tape, out: &mut Vec<u8>) -> Result<(), EncodeError> {
    let before = out.len();
    // Many events may share one large tape.
    out.reserve(tape.text().len().min(16 * 1024));
    let (text, other) = (tape.text(), tape.request());
    let sources = text.len() + other.map_or(0, |request| request.text().len());
    let bytes_max = before.saturating_add(BYTES_MAX).saturating_add(sources.saturating_mul(2));
    let mut writer = Writer {
        tape,
        text,
        other,
        sign: 1,
        out,
        from: 0,
        to: 0,
        depth_left: DEPTH_MAX,
        values_left: VALUES_MAX,
        bytes_max,
    };
    let written = writer.value(value);
    writer.flush();
    if written.is_err() {
        out.truncate(before);
    }
    written
}

/// Writes by extending a pending range of the source text as long as what comes next already stands there, so that an
/// untouched stretch of any size is copied in one piece. What is *equal* may be copied: no tag is trusted for it.
struct Writer<'w> {
    tape: &'w Tape,
    text: &'w [u8],
    /// The source of values whose tags have the other sign.
    other: Option<&'w Tape>,
    /// The sign of the tags of what stands in `tape`.
    sign: i32,
    out: &'w mut Vec<u8>,
    /// The pending range.
    from: usize,
    to: usize,
    depth_left: usize,
    values_left: usize,
    /// How long the output may become.
    bytes_max: usize,
}

impl<'w> Writer<'w> {
    fn value(&mut self, value: &Dynamic) -> Result<(), EncodeError> {
        if self.values_left == 0 || self.out.len() > self.bytes_max {
            return Err(EncodeError::TooLarge);
        }
        if value.tag().signum() == -self.sign
            && let Some(other) = self.other
        {
            return self.elsewhere(value, other);
        }
        self.values_left -= 1;
        let node = self.tape.node(value.tag().wrapping_mul(self.sign));
        if let Some(text) = value.read_lock::<ImmutableString>() {
            match node {
                Some(node) if self.tape.is_string(node, &text) => self.source(node.span),
                _ => self.string(&text)?,
            }
        } else if let Some(map) = value.read_lock::<Map>() {
            return self.nested(|writer| match node {
                Some(node) if node.kind == Kind::Object => writer.object(&map, node),
                _ => writer.map(&map),
            });
        } else if let Some(int) = value.read_lock::<INT>() {
            match node {
                Some(node) if node.kind == Kind::Int && node.bits == *int as u64 => {
                    self.source(node.span);
                }
                _ => number::write_int(*int, self.fresh()),
            }
        } else if value.is_unit() {
            self.literal(b"null");
        } else if let Some(is) = value.read_lock::<bool>() {
            self.literal(if *is { b"true" } else { b"false" });
        } else if let Some(float) = value.read_lock::<f64>() {
            match node {
                Some(node) if node.kind == Kind::Float && node.bits == float.to_bits() => {
                    self.source(node.span);
                }
                _ if float.is_finite() => number::write_float(*float, self.fresh()),
                _ => {
                    return Err(EncodeError::NotFinite { path: String::new() });
                }
            }
        } else if let Some(array) = value.read_lock::<Array>() {
            return self.nested(|writer| writer.array(&array, node));
        } else if let Some(decimal) = value.read_lock::<Decimal>() {
            let text = decimal.to_string();
            self.fresh().extend_from_slice(text.as_bytes());
        } else if let Some(letter) = value.read_lock::<char>() {
            self.string(letter.encode_utf8(&mut [0; 4]))?;
        } else if let Some(node) = node
            && node.kind == Kind::Unread
            && value.is::<Unread>()
        {
            return self.unread(node);
        } else {
            return Err(EncodeError::NotData { path: String::new(), kind: value.type_name() });
        }
        Ok(())
    }

    /// Writes a value that stands in the other source.
    #[inline(never)]
    fn elsewhere(&mut self, value: &Dynamic, other: &'w Tape) -> Result<(), EncodeError> {
        let tape = self.turn_to(other, self.tape);
        let written = self.value(value);
        self.turn_to(tape, other);
        written
    }

    /// Writes what is pending, and goes on in that source; gives the one before.
    fn turn_to(&mut self, tape: &'w Tape, other: &'w Tape) -> &'w Tape {
        self.flush();
        (self.from, self.to) = (0, 0);
        (self.text, self.other, self.sign) = (tape.text(), Some(other), -self.sign);
        std::mem::replace(&mut self.tape, tape)
    }

    /// Writes a container that was not decoded. Where its text is not as the writer would have it (white space, a key
    /// twice), it is decoded now: this is rare, and sure to give what decoding at once would have given.
    fn unread(&mut self, node: &Node) -> Result<(), EncodeError> {
        if node.bits == 1 {
            self.source(node.span);
            return Ok(());
        }
        let limits = Limits { depth: usize::MAX, nodes: usize::MAX };
        let Ok((value, tape)) = decode_bytes(self.tape.share(node), &limits) else {
            return Err(EncodeError::NotData { path: String::new(), kind: "text that was accepted and is no JSON" });
        };
        encode(&value, &tape, self.fresh())
    }

    fn nested(&mut self, write: impl FnOnce(&mut Self) -> Result<(), EncodeError>) -> Result<(), EncodeError> {
        if self.depth_left == 0 {
            return Err(EncodeError::TooDeep);
        }
        self.depth_left -= 1;
        write(self)?;
        self.depth_left += 1;
        Ok(())
    }

    fn array(&mut self, array: &Array, node: Option<&Node>) -> Result<(), EncodeError> {
        self.open(node, b'[');
        for (index, element) in array.iter().enumerate() {
            if index > 0 {
                self.byte(b',');
            }
            self.value(element).map_err(|error| error.under_index(index))?;
        }
        self.byte(b']');
        Ok(())
    }

    /// A map that came from no object: its keys in order.
    fn map(&mut self, map: &Map) -> Result<(), EncodeError> {
        self.byte(b'{');
        for (index, (key, value)) in map.iter().enumerate() {
            self.member(index == 0, key, value)?;
        }
        self.byte(b'}');
        Ok(())
    }

    /// A map that came from an object: its keys in the order of the text, then the new ones.
    fn object(&mut self, map: &Map, node: &Node) -> Result<(), EncodeError> {
        let tape = self.tape;
        let members = tape.members(node);
        let mut inline = [None; MEMBERS_INLINE];
        let mut heap = Vec::new();
        let places: &mut [Option<(&Node, &Dynamic)>] = if members.len() <= MEMBERS_INLINE {
            &mut inline[..members.len()]
        } else {
            heap.resize(members.len(), None);
            &mut heap
        };
        let mut added = Vec::new();

        // Both sides are sorted by key, so one walk along them finds each key's place.
        let mut next = 0;
        for (key, value) in map {
            let member = loop {
                let Some(member) = members.get(next).and_then(|&number| tape.node(number as i32)) else {
                    break None;
                };
                match tape.compare_key(member, key) {
                    Ordering::Less => next += 1,
                    Ordering::Equal => break Some(member),
                    Ordering::Greater => break None,
                }
            };
            match member {
                Some(member) => places[member.place as usize] = Some((member, value)),
                None => added.push((key, value)),
            }
        }

        self.open(Some(node), b'{');
        let mut is_first = true;
        for (member, value) in places.iter().flatten() {
            if !is_first {
                self.byte(b',');
            }
            is_first = false;
            self.source(member.key);
            self.byte(b':');
            if let Err(error) = self.value(value) {
                let key = map.iter().find(|(_, have)| std::ptr::eq(*have, *value)).map_or("", |(key, _)| key.as_str());
                return Err(error.under_key(key));
            }
        }
        for (key, value) in added {
            self.member(is_first, key, value)?;
            is_first = false;
        }
        self.byte(b'}');
        Ok(())
    }

    fn member(&mut self, is_first: bool, key: &str, value: &Dynamic) -> Result<(), EncodeError> {
        if !is_first {
            self.byte(b',');
        }
        self.string(key)?;
        self.byte(b':');
        self.value(value).map_err(|error| error.under_key(key))
    }

    /// Writes the bracket that opens a container, from the container's own text if it has one, so that what follows
    /// can be a part of the same range.
    fn open(&mut self, node: Option<&Node>, bracket: u8) {
        match node {
            Some(node) if self.text[node.span.start as usize] == bracket => {
                self.source(Span { start: node.span.start, end: node.span.start + 1 });
            }
            _ => self.byte(bracket),
        }
    }

    /// Writes source text.
    #[inline]
    fn source(&mut self, span: Span) {
        if span.start as usize != self.to {
            self.flush();
            self.from = span.start as usize;
        }
        self.to = span.end as usize;
    }

    /// Writes a byte between values, as source text if it comes next in it.
    #[inline]
    fn byte(&mut self, byte: u8) {
        if self.text.get(self.to) == Some(&byte) {
            self.to += 1;
        } else {
            self.fresh().push(byte);
        }
    }

    /// Writes a few bytes, as source text if they come next in it.
    #[inline]
    fn literal(&mut self, bytes: &[u8]) {
        if self.text[self.to..].starts_with(bytes) {
            self.to += bytes.len();
        } else {
            self.fresh().extend_from_slice(bytes);
        }
    }

    fn string(&mut self, text: &str) -> Result<(), EncodeError> {
        // An escape takes up to six bytes, which the next value sees.
        if text.len() > self.bytes_max.saturating_sub(self.out.len()) {
            return Err(EncodeError::TooLarge);
        }
        string::write(text, self.fresh());
        Ok(())
    }

    /// The output, for text that is not the source's.
    #[inline]
    fn fresh(&mut self) -> &mut Vec<u8> {
        self.flush();
        self.out
    }

    #[inline]
    fn flush(&mut self) {
        if self.from < self.to {
            self.out.extend_from_slice(&self.text[self.from..self.to]);
            self.from = self.to;
        }
    }
}
