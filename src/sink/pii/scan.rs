//! One walk over an encoded message: each key and each value is looked at once.

use std::ops::Range;

use super::card::is_card;
use super::{inside, key, link, value};
use crate::path::Segment;
use crate::sink::members::{string_end, unescaped};

/// Something that should not leave.
pub(super) struct Hit {
    /// The whole member, `"key":value`, or the element of a list, without commas; within a text, the value of a link's parameter or a
    /// card number.
    pub(super) span: Range<usize>,
    /// Where it stands.
    pub(super) path: Vec<Segment>,
    /// What it is taken for.
    pub(super) kind: &'static str,
}

/// Fields of the envelope: ids and names, which a message cannot do without.
const ENVELOPE: [&[u8]; 10] = [
    b"type",
    b"event",
    b"name",
    b"category",
    b"userId",
    b"anonymousId",
    b"groupId",
    b"previousId",
    b"messageId",
    b"timestamp",
];

/// What the message that begins at `start` holds, in order. The encoding is compact, as the encoder has just written it.
pub(super) fn scan(json: &[u8], start: usize) -> Vec<Hit> {
    let mut scanner = Scanner { json, hits: Vec::new() };
    scanner.value(start, &Level { parent: None, step: Step::Root });
    scanner.hits
}

struct Scanner<'a> {
    json: &'a [u8],
    hits: Vec<Hit>,
}

/// The way to a value, on the stack: nothing is allocated before something is found.
struct Level<'a> {
    parent: Option<&'a Level<'a>>,
    step: Step<'a>,
}

#[derive(Clone, Copy)]
enum Step<'a> {
    Root,
    /// The key as it is written, without quotes.
    Key(&'a [u8]),
    Index(usize),
}

impl<'a> Scanner<'a> {
    /// Looks at the value at `at`, and gives the place behind it.
    fn value(&mut self, at: usize, level: &Level<'_>) -> usize {
        match self.json.get(at) {
            Some(b'{') => self.object(at, level),
            Some(b'[') => self.list(at, level),
            Some(b'"') => self.text(at, level),
            _ => self.word_end(at),
        }
    }

    fn object(&mut self, at: usize, level: &Level<'_>) -> usize {
        let mut at = at + 1;
        while let Some(b'"') = self.json.get(at) {
            let key_end = string_end(self.json, at);
            let name = self.json.get(at + 1..key_end.saturating_sub(1)).unwrap_or_default();
            let inner = Level { parent: Some(level), step: Step::Key(name) };
            let value = key_end + 1;
            let end = match self.judge(value, name, &inner) {
                Some(kind) => {
                    let end = self.skip(value);
                    self.hits.push(Hit { span: at..end, path: inner.path(), kind });
                    end
                }
                None => self.value(value, &inner),
            };
            at = if self.json.get(end) == Some(&b',') { end + 1 } else { end };
        }
        at + 1
    }

    fn list(&mut self, at: usize, level: &Level<'_>) -> usize {
        let mut at = at + 1;
        let mut index = 0;
        while self.json.get(at).is_some_and(|byte| *byte != b']') {
            let inner = Level { parent: Some(level), step: Step::Index(index) };
            let end = match self.look(at, level.name()) {
                Some(kind) => {
                    let end = self.skip(at);
                    self.hits.push(Hit { span: at..end, path: inner.path(), kind });
                    end
                }
                None => self.value(at, &inner),
            };
            index += 1;
            at = if self.json.get(end) == Some(&b',') { end + 1 } else { end.max(at + 1) };
        }
        at + 1
    }

    /// A text that is none itself may be a link with one in it, or a note. That leaves, without the parameter's value or the number.
    fn text(&mut self, at: usize, level: &Level<'_>) -> usize {
        let end = string_end(self.json, at);
        let text = self.json.get(at + 1..end.saturating_sub(1)).unwrap_or_default();
        if !level.is_envelope() {
            let mut found = link::secrets(text);
            let cards = inside::cards(text);
            if !cards.is_empty() && !key::is_id(level.name()) {
                found.extend(cards.into_iter().map(|card| (card, "a card number")));
                found.sort_by_key(|(span, _)| span.start);
                // A parameter may end within a number.
                found.dedup_by(|(later, _), (span, _)| {
                    let overlaps = later.start < span.end;
                    span.end = if overlaps { span.end.max(later.end) } else { span.end };
                    overlaps
                });
            }
            self.hits.extend(found.into_iter().map(|(span, kind)| Hit {
                span: at + 1 + span.start..at + 1 + span.end,
                path: level.path(),
                kind,
            }));
        }
        end
    }

    /// What a member is taken for: by its key, if the value can be a secret at all, or by its value.
    fn judge(&self, value: usize, name: &'a [u8], level: &Level<'_>) -> Option<&'static str> {
        if level.is_envelope() {
            return None;
        }
        let first = *self.json.get(value)?;
        let holds_something = match first {
            b'"' => self.json.get(value + 1) != Some(&b'"'),
            b'0'..=b'9' | b'-' => true,
            _ => false,
        };
        let parent = || level.parent.map_or(&b""[..], Level::name);
        let unescaped = unescaped_bytes(name);
        let plain = unescaped.as_deref().unwrap_or(name);
        if holds_something && let Some(kind) = key::secret(plain, first == b'"') {
            return (!level.is_device_token()).then_some(kind);
        }
        if (holds_something || matches!(first, b'{' | b'['))
            && let Some(kind) = key::secret_below(plain, parent)
        {
            return Some(kind);
        }
        self.look(value, name)
    }

    /// What a value is taken for by its form.
    fn look(&self, at: usize, name: &[u8]) -> Option<&'static str> {
        match self.json.get(at)? {
            b'"' => {
                let text = self.json.get(at + 1..string_end(self.json, at) - 1)?;
                let unescaped = unescaped_bytes(text);
                let text = unescaped.as_deref().unwrap_or(text);
                value::secret(text)
                    .or_else(|| (is_card(text, false) && !key::is_id(name)).then_some("a card number"))
                    .or_else(|| json_holds_some(text).then_some("JSON text that holds secrets"))
            }
            b'1'..=b'9' => {
                let number = self.json.get(at..self.word_end(at))?;
                (is_card(number, true) && !key::is_id(name)).then_some("a card number")
            }
            _ => None,
        }
    }

    /// Behind a number, `true`, `false` or `null`.
    fn word_end(&self, at: usize) -> usize {
        let rest = self.json.get(at..).unwrap_or_default();
        at + rest.iter().position(|byte| matches!(byte, b',' | b'}' | b']')).unwrap_or(rest.len())
    }

    /// Behind a value that nobody looks into any more.
    fn skip(&self, at: usize) -> usize {
        Scanner { json: self.json, hits: Vec::new() }.value(at, &Level { parent: None, step: Step::Root })
    }
}

/// Whether a text is JSON in which there is something that should not leave.
fn json_holds_some(text: &[u8]) -> bool {
    if !matches!(text.trim_ascii_start().first(), Some(b'{' | b'[')) {
        return false;
    }
    // Written anew, because people indent theirs.
    let Ok(value) = serde_json::from_slice::<serde_json::Value>(text) else { return false };
    let json = value.to_string();
    let mut scanner = Scanner { json: json.as_bytes(), hits: Vec::new() };
    let root = Level { parent: None, step: Step::Root };
    scanner.value(0, &Level { parent: Some(&root), step: Step::Index(0) });
    !scanner.hits.is_empty()
}

/// A text without its escapes, if it has any: a source may write `token` as `\u0074oken`.
pub(super) fn unescaped_bytes(text: &[u8]) -> Option<Vec<u8>> {
    text.contains(&b'\\').then(|| {
        let quoted = [b"\"", text, b"\""].concat();
        unescaped(&quoted).map(|text| text.into_owned().into_bytes()).unwrap_or_default()
    })
}

impl Level<'_> {
    /// The nearest key: for an element of a list, that of the list.
    fn name(&self) -> &[u8] {
        match self.step {
            Step::Key(name) => name,
            Step::Index(_) => self.parent.map_or(&[], Level::name),
            Step::Root => &[],
        }
    }

    /// A field of the envelope.
    fn is_envelope(&self) -> bool {
        let Step::Key(name) = self.step else { return false };
        self.parent.is_some_and(|parent| matches!(parent.step, Step::Root)) && ENVELOPE.contains(&name)
    }

    /// Segment's own place for the token of push messages, without which no destination can send any.
    fn is_device_token(&self) -> bool {
        let keys = [self.step, self.above(1), self.above(2), self.above(3)];
        matches!(keys, [Step::Key(b"token"), Step::Key(b"device"), Step::Key(b"context"), Step::Root])
    }

    fn above(&self, levels: usize) -> Step<'_> {
        let mut level = Some(self);
        for _ in 0..levels {
            level = level.and_then(|level| level.parent);
        }
        level.map_or(Step::Index(0), |level| level.step)
    }

    fn path(&self) -> Vec<Segment> {
        let mut path = self.parent.map(Level::path).unwrap_or_default();
        match self.step {
            Step::Root => {}
            Step::Index(index) => path.push(Segment::Index(index as i64)),
            Step::Key(name) => {
                let quoted = [b"\"", name, b"\""].concat();
                path.push(Segment::Key(unescaped(&quoted).map(std::borrow::Cow::into_owned).unwrap_or_default()));
            }
        }
        path
    }
}
