//! The tape: the source text of a document, and where in it each decoded value stands.

use std::borrow::Cow;
use std::cell::OnceCell;
use std::cmp::Ordering;
use std::rc::Rc;

use bytes::Bytes;

use super::string;

/// The source of a decoded document. Immutable; the default is the empty tape, the source of nothing.
#[derive(Debug, Clone, Default)]
pub struct Tape {
    text: Bytes,
    index: Index,
    /// The source of values with negative tags: see [`Tape::lend`].
    request: OnceCell<Rc<Tape>>,
}

/// The nodes of a document. Node numbers begin with 1, since 0 is the tag of a value that came from no text.
#[derive(Debug, Clone, Default)]
pub(super) struct Index {
    pub(super) nodes: Vec<Node>,
    /// For each object, one after another, its members' nodes in the order of their decoded keys.
    pub(super) sorted: Vec<u32>,
    /// Whether any key has an escape, so that key text may differ from the key.
    pub(super) escaped_keys: bool,
}

/// One value of the text. Half a cache line, since a tape is written and read once per event.
#[derive(Debug, Clone, Copy)]
pub(super) struct Node {
    /// The value's text.
    pub(super) span: Span,
    /// The text of its key with the quotes; empty outside objects.
    pub(super) key: Span,
    /// For a member of an object: which one it is in the order of the text, duplicates counted once.
    pub(super) place: u32,
    pub(super) kind: Kind,
    /// The bits of a decoded number; for an object, its range in [`Index::sorted`]; see [`Kind::Unread`].
    pub(super) bits: u64,
}

/// A range of the text. 32 bits suffice: the reader refuses 2 GiB.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Span {
    pub(super) start: u32,
    pub(super) end: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// `null`, `true` or `false`: their text needs no source.
    Word,
    Int,
    Float,
    /// A string without escapes: its text is its value.
    Plain,
    Escaped,
    Array,
    Object,
    /// A container that was not decoded; its `bits` are 1 if its text is as the writer would have it.
    Unread,
}

impl Tape {
    pub(super) fn new(text: Bytes, index: Index) -> Self {
        Self { text, index, request: OnceCell::new() }
    }

    /// Has values of a request, decoded with [`decode_request`](super::decode_request), find their source text beside this one. There
    /// is one request for all events of a delivery, so a second one is the same.
    pub fn lend(&self, request: Rc<Self>) {
        _ = self.request.set(request);
    }

    /// The request.
    pub(super) fn request(&self) -> Option<&Self> {
        self.request.get().map(Rc::as_ref)
    }

    /// The text that the document was decoded from.
    pub fn text(&self) -> &[u8] {
        &self.text
    }

    /// The source text of the value with this tag, if the tag names a value of this tape.
    pub fn source(&self, tag: i32) -> Option<&[u8]> {
        Some(self.slice(self.node(tag)?.span))
    }

    #[inline]
    pub(super) fn node(&self, tag: i32) -> Option<&Node> {
        // 0, which is no node, wraps to a number that no tape reaches; so do negative tags.
        self.index.nodes.get((tag as usize).wrapping_sub(1))
    }

    /// The text of a node, shared.
    pub(super) fn share(&self, node: &Node) -> Bytes {
        self.text.slice(node.span.start as usize..node.span.end as usize)
    }

    #[inline]
    pub(super) fn slice(&self, span: Span) -> &[u8] {
        &self.text[span.start as usize..span.end as usize]
    }

    /// The members of an object in the order of their keys; none for other nodes.
    pub(super) fn members(&self, node: &Node) -> &[u32] {
        if node.kind != Kind::Object {
            return &[];
        }
        &self.index.sorted[node.bits as u32 as usize..(node.bits >> 32) as usize]
    }

    /// How the decoded key of a member compares with `key`.
    #[inline]
    pub(super) fn compare_key(&self, member: &Node, key: &str) -> Ordering {
        let inner = &self.text[member.key.start as usize + 1..member.key.end as usize - 1];
        if self.index.escaped_keys {
            unescaped(inner).as_bytes().cmp(key.as_bytes())
        } else if inner == key.as_bytes() {
            // By far the most common, and cheaper to tell than the order.
            Ordering::Equal
        } else {
            inner.cmp(key.as_bytes())
        }
    }

    /// Whether the string of a node, decoded, is `text`.
    #[inline]
    pub(super) fn is_string(&self, node: &Node, text: &str) -> bool {
        let inner = || &self.text[node.span.start as usize + 1..node.span.end as usize - 1];
        match node.kind {
            Kind::Plain => inner() == text.as_bytes(),
            Kind::Escaped => unescaped(inner()) == text,
            _ => false,
        }
    }
}

impl Span {
    #[inline]
    pub(super) fn new(start: usize, end: usize) -> Self {
        Self { start: start as u32, end: end as u32 }
    }

    /// The text between the quotes of a string.
    #[inline]
    pub(super) fn inner(self, text: &str) -> &str {
        &text[self.start as usize + 1..self.end as usize - 1]
    }
}

/// The decoded form of text that the reader has already accepted.
fn unescaped(inner: &[u8]) -> Cow<'_, str> {
    let text = String::from_utf8_lossy(inner);
    if !inner.contains(&b'\\') {
        return text;
    }
    let mut decoded = String::with_capacity(text.len());
    // The text was accepted when it was read, so this cannot fail; and if it did, the text would only count as changed.
    match string::unescape(&text, 0, &mut decoded) {
        Ok(()) => Cow::Owned(decoded),
        Err(_) => text,
    }
}
