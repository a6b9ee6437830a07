//! The JSON codec: text straight into Rhai values and back, where whatever no step changed leaves exactly as it came.
//!
//! [`decode`] builds ordinary Rhai maps, arrays and scalars in one pass. Beside them it fills a [`Tape`]: the source
//! text and, for each value, a node with the place of its text. A value carries the number of its node as Rhai's value
//! tag, which sticks to it through clones, moves and assignments inside a script. [`encode`] walks the value, and
//! wherever the tag names a node that *still equals* the value it writes the node's text: `199.00`, `1E3`, an id beyond
//! 2^63, `"\u00e9\/x"`, the order of keys. A tag is only ever a hint. A script may forge one and a value may come from
//! another tape, so the writer compares before it trusts; a wrong tag costs time, never the right output.
//!
//! The rules that a reader of the output can rely on:
//! * Strict RFC 8259 in: no byte order mark, no trailing text, no leading zeros, no raw control characters; UTF-8 only.
//! * Compact out: white space between tokens is not kept, so an event is always one line.
//! * An integer literal that fits 64 bits signed is an `INT`, any other number a `FLOAT`; `1e400` is infinite for a
//!   script, and still leaves as `1e400` when untouched.
//! * A lone surrogate (`"\ud800"`) is correct by the grammar: a script sees U+FFFD, an untouched one leaves as it came.
//! * Duplicate keys follow JavaScript: the last value wins, in the place of the first, written once.
//! * A moved value keeps its text too (`e.value = e.price`), but for a string that a script assigns: Rhai interns it
//!   without its tag, so it leaves as the same string with the fewest escapes.
//! * A replaced value keeps the place of its key; new keys follow the old ones, sorted, as Rhai keeps them.
//!
//! [`decode_masked`] decodes only what a [`Mask`] names. Every other map or array is checked as strictly, and stands in its
//! place as an [`Unread`] value whose tag names its node; the writer copies its text. Scalars are always decoded: that costs
//! little, and so only maps and arrays can be missing.

mod error;
mod mask;
mod number;
mod pretty;
mod read;
mod shape;
mod skip;
mod string;
mod tape;
mod unread;
mod value;
mod write;

#[cfg(test)]
mod tests;

use std::rc::Rc;

use bytes::Bytes;
use rhai::Dynamic;

pub use error::{EncodeError, JsonError, JsonErrorKind};
pub use mask::Mask;
pub use pretty::pretty;
pub use tape::Tape;
pub use unread::Unread;
pub use value::{from_json_value, to_json_value};
pub use write::{DEPTH_MAX as ENCODE_DEPTH_MAX, encode};

/// A JSON text with the same values and as few escapes as the grammar allows, for where room is short.
pub fn shorten(json: &[u8]) -> Vec<u8> {
    string::shorten(json)
}

/// How deep and how large a document may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Levels of arrays and objects; never more than 512, whatever is asked for, since the reader uses the stack.
    pub depth: usize,
    /// Values in all: scalars, arrays and objects.
    pub nodes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { depth: 128, nodes: 1_000_000 }
    }
}

/// Decodes a document into Rhai values tagged with their nodes, and the tape that those tags refer to.
///
/// The text is copied once (a small part of the cost), since values and tape outlive the buffer it came in; who has
/// [`Bytes`] at hand calls [`decode_bytes`] and copies nothing.
pub fn decode(text: &[u8], limits: &Limits) -> Result<(Dynamic, Rc<Tape>), JsonError> {
    decode_bytes(Bytes::copy_from_slice(text), limits)
}

/// [`decode`] without the copy: the tape shares the bytes.
pub fn decode_bytes(text: Bytes, limits: &Limits) -> Result<(Dynamic, Rc<Tape>), JsonError> {
    decode_masked(text, limits, &Mask::Whole)
}

/// [`decode_bytes`] of what the mask names. The same texts are refused, with the same errors.
pub fn decode_masked(text: Bytes, limits: &Limits, mask: &Mask) -> Result<(Dynamic, Rc<Tape>), JsonError> {
    match read::document::<true>(&text, limits, mask) {
        Ok((value, index)) => Ok((value, Rc::new(Tape::new(text, index)))),
        Err(fault) => Err(fault.locate(&text)),
    }
}

/// Decodes the whole request of an event that has a source text of its own already: the numbers of its nodes are negative, and
/// name nothing before its tape is [lent](Tape::lend) to the event's.
pub fn decode_request(text: Bytes, limits: &Limits) -> Result<(Dynamic, Rc<Tape>), JsonError> {
    let (mut value, tape) = decode_bytes(text, limits)?;
    negate(&mut value);
    Ok((value, tape))
}

fn negate(value: &mut Dynamic) {
    value.set_tag(-value.tag());
    if let Ok(mut map) = value.as_map_mut() {
        map.values_mut().for_each(negate);
    } else if let Ok(mut array) = value.as_array_mut() {
        array.iter_mut().for_each(negate);
    }
}

/// Decodes a document into plain Rhai values, without tags and tape: for look-ups, tables and parsing inside scripts.
pub fn decode_plain(text: &[u8], limits: &Limits) -> Result<Dynamic, JsonError> {
    match read::document::<false>(text, limits, &Mask::Whole) {
        Ok((value, _)) => Ok(value),
        Err(fault) => Err(fault.locate(text)),
    }
}
