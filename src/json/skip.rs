//! Skipping: containers that nobody reads are checked exactly as if they were decoded, and kept as text.

use super::error::{Fault, JsonErrorKind};
use super::number;
use super::read::Reader;
use super::tape::Span;

/// Objects with up to so many keys are searched for a double one pair by pair, larger ones by sorting.
const PAIRS_MAX: usize = 24;

/// Keys alike at a glance that are looked at in full; with more of them, the object counts as having one twice.
const ALIKE_MAX: usize = 8;

impl<const TAPE: bool> Reader<'_, TAPE> {
    /// Skips the container that begins here. Tells whether its text is what the writer would make of it: without white space
    /// between tokens, and no key twice.
    pub(super) fn skip_container(&mut self) -> Result<bool, Fault> {
        self.exact = true;
        if self.peek() == b'{' {
            self.skip_object()?;
        } else {
            self.skip_array()?;
        }
        Ok(self.exact)
    }

    fn skip_value(&mut self) -> Result<(), Fault> {
        self.skip_noted_space();
        if self.nodes_left == 0 {
            return Err(self.fault(JsonErrorKind::TooLarge));
        }
        self.nodes_left -= 1;
        match self.peek() {
            b'"' => {
                self.string()?;
            }
            b'-' | b'0'..=b'9' => self.at = number::read(self.text, self.at)?.1,
            b'{' => self.skip_object()?,
            b'[' => self.skip_array()?,
            b't' => self.skip_word("true")?,
            b'f' => self.skip_word("false")?,
            b'n' => self.skip_word("null")?,
            _ => return Err(self.fault(JsonErrorKind::ExpectedValue)),
        }
        Ok(())
    }

    fn skip_array(&mut self) -> Result<(), Fault> {
        self.open()?;
        if self.skip_closes(b']') {
            return Ok(());
        }
        loop {
            self.skip_value()?;
            self.skip_noted_space();
            match self.peek() {
                b',' => self.at += 1,
                b']' => break,
                _ => return Err(self.fault(JsonErrorKind::ExpectedCommaOrBracket)),
            }
        }
        self.close();
        Ok(())
    }

    fn skip_object(&mut self) -> Result<(), Fault> {
        self.open()?;
        if self.skip_closes(b'}') {
            return Ok(());
        }
        let first = self.keys.len();
        loop {
            self.skip_noted_space();
            if self.peek() != b'"' {
                return Err(self.fault(JsonErrorKind::ExpectedKey));
            }
            let start = self.at;
            // Two keys may be one, written with different escapes.
            self.exact &= !self.string()?;
            let key = Span::new(start, self.at);
            self.keys.push((glance(self.bytes, key), key));
            self.skip_noted_space();
            if self.peek() != b':' {
                return Err(self.fault(JsonErrorKind::ExpectedColon));
            }
            self.at += 1;
            self.skip_value()?;
            self.skip_noted_space();
            match self.peek() {
                b',' => self.at += 1,
                b'}' => break,
                _ => return Err(self.fault(JsonErrorKind::ExpectedCommaOrBrace)),
            }
        }
        self.close();
        if self.exact {
            let keys = &mut self.keys[first..];
            self.exact = !has_double(self.text, keys);
        }
        self.keys.truncate(first);
        Ok(())
    }

    /// As the reader does it for words that it keeps.
    fn skip_word(&mut self, word: &str) -> Result<(), Fault> {
        if !self.bytes[self.at..].starts_with(word.as_bytes()) {
            return Err(self.fault(JsonErrorKind::ExpectedValue));
        }
        self.at += word.len();
        Ok(())
    }

    fn skip_closes(&mut self, end: u8) -> bool {
        self.skip_noted_space();
        let empty = self.peek() == end;
        if empty {
            self.close();
        }
        empty
    }

    #[inline]
    fn skip_noted_space(&mut self) {
        let before = self.at;
        self.skip_space();
        self.exact &= self.at == before;
    }
}

/// Enough of a key to tell it from nearly all others: its ends and its length.
#[inline]
fn glance(bytes: &[u8], key: Span) -> u64 {
    let (start, end) = (key.start as usize + 1, key.end as usize - 1);
    let len = end - start;
    let word = |at: usize| {
        let mut eight = [0; 8];
        match bytes.get(at..at + 8) {
            Some(chunk) => eight.copy_from_slice(chunk),
            // Near the end of the text; a key has to look the same wherever it stands.
            None => bytes[at..].iter().zip(&mut eight).for_each(|(byte, to)| *to = *byte),
        }
        u64::from_le_bytes(eight)
    };
    let ends = if len < 8 { word(start) & ((1 << (len * 8)) - 1) } else { word(start) ^ word(end - 8).rotate_left(29) };
    ends ^ (len as u64) << 56
}

/// Whether any of these keys, which have no escapes, stands there twice.
fn has_double(text: &str, keys: &mut [(u64, Span)]) -> bool {
    let same = |one: &(u64, Span), other: &(u64, Span)| one.1.inner(text) == other.1.inner(text);
    if keys.len() <= PAIRS_MAX {
        return keys
            .iter()
            .enumerate()
            .any(|(at, one)| keys[..at].iter().any(|other| other.0 == one.0 && same(one, other)));
    }
    keys.sort_unstable_by_key(|(glance, _)| *glance);
    keys.chunk_by(|one, other| one.0 == other.0).any(|alike| {
        alike.len() > ALIKE_MAX
            || alike.iter().enumerate().any(|(at, one)| alike[..at].iter().any(|other| same(one, other)))
    })
}
