//! Finding the values of requests in texts: whole, however they are escaped, and never as a part of somebody else's.
//!
//! A value counts where no letter or digit goes on beside it: `6900000000001` stands in `gid://shopify/Customer/6900000000001`,
//! not in `16900000000001`. An e-mail or a host also ends where one can go on: `jane@example.com` is neither in
//! `mary.jane@example.com` nor in `jane@example.com.au`.

use aho_corasick::{AhoCorasick, MatchKind};

use super::{Erasure, escapes};
use crate::event::Delivery;

/// Layers of escapes that are looked through: a JSON text in a JSON text in a form.
const LAYERS_MAX: usize = 3;
/// Words that stand for nobody, though programs write them where a name belongs.
const NOBODY: &[&str] = &["null", "none", "true", "false", "undefined", "anonymous", "unknown", "guest", "nobody"];

/// Whether a value can be searched for: a short number stands everywhere, and names nobody.
pub fn is_searchable(value: &str) -> bool {
    let letters = value.chars().count();
    let digits = value.bytes().all(|byte| byte.is_ascii_digit());
    letters >= if digits { 6 } else { 4 } && !NOBODY.contains(&value.to_ascii_lowercase().as_str())
}

/// The values of requests, ready to be found.
pub struct Names {
    automaton: Option<AhoCorasick>,
    names: Vec<Name>,
}

struct Name {
    text: String,
    kind: Kind,
    /// The position of its request.
    request: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// An id: letters and digits end it; as it is written.
    Id,
    /// An e-mail, in any case.
    Email,
    /// The name of a host, in any case.
    Host,
}

impl Names {
    /// The values of all requests that can be searched for.
    pub fn new(requests: &[Erasure]) -> Self {
        let of = |(request, erasure): (usize, &Erasure)| -> Vec<Name> {
            let values = erasure.values.iter().filter(|value| is_searchable(value));
            values.map(|value| Name { kind: kind(value), text: bare(value).to_owned(), request }).collect()
        };
        let names: Vec<Name> = requests.iter().enumerate().flat_map(of).collect();
        let texts = names.iter().map(|name| name.text.as_str());
        // Case is judged per name, where it is found. Bounded input: building fails for no set of names that a request may hold.
        let automaton =
            AhoCorasick::builder().ascii_case_insensitive(true).match_kind(MatchKind::Standard).build(texts).ok();
        Self { automaton, names }
    }

    /// Whether there is nothing to be found.
    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    /// The position of the request one of whose values stands in the bytes.
    pub fn find(&self, bytes: &[u8]) -> Option<usize> {
        if let Some(found) = self.find_plain(bytes) {
            return Some(found);
        }
        let mut text = escapes::undo(bytes)?;
        for _ in 1..LAYERS_MAX {
            if let Some(found) = self.find_plain(&text) {
                return Some(found);
            }
            text = escapes::undo(&text)?;
        }
        self.find_plain(&text)
    }

    /// The same for several texts.
    pub fn find_in<'b>(&self, texts: impl IntoIterator<Item = &'b [u8]>) -> Option<usize> {
        texts.into_iter().find_map(|text| self.find(text))
    }

    /// The same for a delivery: its body, and what came beside it.
    pub fn find_delivery(&self, delivery: &Delivery) -> Option<usize> {
        let beside = [delivery.query.as_bytes(), delivery.path.as_bytes(), &delivery.body];
        self.find_in(beside).or_else(|| self.find_in(delivery.headers.iter().map(|(_, value)| value.as_bytes())))
    }

    fn find_plain(&self, bytes: &[u8]) -> Option<usize> {
        let automaton = self.automaton.as_ref()?;
        let mut found = automaton.find_overlapping_iter(bytes);
        found.find_map(|found| {
            let name = self.names.get(found.pattern().as_usize())?;
            let (before, rest) = bytes.split_at_checked(found.start())?;
            let (own, after) = rest.split_at_checked(found.len())?;
            let written = name.kind != Kind::Id || own == name.text.as_bytes();
            (written && name.is_whole(before, after)).then_some(name.request)
        })
    }
}

impl Name {
    /// Whether it ends where the match does, on both sides.
    fn is_whole(&self, before: &[u8], after: &[u8]) -> bool {
        let left = || last_chars(before);
        let right = || first_chars(after);
        let inner = |letter: Option<char>| letter.is_some_and(char::is_alphanumeric);
        let goes_on_left = inner(self.text.chars().next()) && goes_on(left(), |letter| self.joins_left(letter));
        let goes_on_right = inner(self.text.chars().next_back()) && goes_on(right(), |letter| self.joins(letter));
        !goes_on_left && !goes_on_right
    }

    /// Whether an address or name goes on behind a mark between letters.
    fn joins(&self, letter: char) -> bool {
        self.kind != Kind::Id && matches!(letter, '.' | '-' | '_')
    }

    fn joins_left(&self, letter: char) -> bool {
        self.joins(letter) || self.kind == Kind::Email && matches!(letter, '+' | '\'')
    }
}

/// Whether what is next to a name belongs to it: a letter or digit, or a mark with one behind it.
fn goes_on([next, beyond]: [Option<char>; 2], joins: impl Fn(char) -> bool) -> bool {
    let inner = |letter: Option<char>| letter.is_some_and(char::is_alphanumeric);
    inner(next) || next.is_some_and(joins) && inner(beyond)
}

/// What the bytes begin with.
fn first_chars(bytes: &[u8]) -> [Option<char>; 2] {
    let head = &bytes[..bytes.len().min(8)];
    let mut letters = head.utf8_chunks().next().map_or("", |chunk| chunk.valid()).chars();
    [letters.next(), letters.next()]
}

/// What the bytes end in, the last one first.
fn last_chars(bytes: &[u8]) -> [Option<char>; 2] {
    let mut start = bytes.len().saturating_sub(8);
    // Not in the middle of a letter.
    while bytes.get(start).is_some_and(|byte| byte & 0xC0 == 0x80) {
        start += 1;
    }
    // What is no text at the end is no letter.
    let last = bytes[start..].utf8_chunks().last().filter(|chunk| chunk.invalid().is_empty());
    let mut letters = last.map_or("", |chunk| chunk.valid()).chars().rev();
    [letters.next(), letters.next()]
}

fn kind(value: &str) -> Kind {
    if value.contains('@') {
        Kind::Email
    } else if value.contains('.') && value.chars().all(|letter| letter.is_alphanumeric() || ".-_:".contains(letter)) {
        Kind::Host
    } else {
        Kind::Id
    }
}

/// A phone number with or without its `+`.
fn bare(value: &str) -> &str {
    match value.strip_prefix('+') {
        Some(digits) if digits.len() >= 8 && digits.bytes().all(|byte| byte.is_ascii_digit()) => digits,
        _ => value,
    }
}
