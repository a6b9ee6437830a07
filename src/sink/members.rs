//! The members of an encoded object, found without decoding it: to leave some out, and to say which are the largest.

use std::borrow::Cow;
use std::ops::Range;

/// One member of an object's encoding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Member<'a> {
    /// The key, with its escapes undone.
    pub(super) key: Cow<'a, str>,
    /// The whole member, `"key":value`, without commas.
    pub(super) span: Range<usize>,
    /// The value.
    pub(super) value: Range<usize>,
}

/// The members of the object that begins at `start` of a compact encoding (no white space between tokens), in order.
///
/// Meant for what the encoder has just written; of anything else it finds what looks like members, and ends.
pub(super) fn members(json: &[u8], start: usize) -> Members<'_> {
    Members { json, at: if json.get(start) == Some(&b'{') { start + 1 } else { json.len() } }
}

/// See [`members`].
pub(super) struct Members<'a> {
    json: &'a [u8],
    at: usize,
}

impl<'a> Iterator for Members<'a> {
    type Item = Member<'a>;

    fn next(&mut self) -> Option<Member<'a>> {
        if self.json.get(self.at) == Some(&b',') {
            self.at += 1;
        }
        let start = self.at;
        if self.json.get(start) != Some(&b'"') {
            return None;
        }
        let key_end = string_end(self.json, start);
        let value = key_end + 1..value_end(self.json, key_end + 1);
        self.at = value.end;
        let key = unescaped(self.json.get(start..key_end)?)?;
        Some(Member { key, span: start..value.end, value })
    }
}

/// Removes the members whose key is in `keys`, in place.
pub(super) fn remove_members(json: &mut Vec<u8>, start: usize, keys: &[&str]) {
    let gone: Vec<_> =
        members(json, start).filter(|member| keys.contains(&&*member.key)).map(|member| member.span).collect();
    remove_spans(json, gone);
}

/// Removes members of objects and elements of lists, in place; the spans are in order and do not overlap.
pub(super) fn remove_spans(json: &mut Vec<u8>, spans: Vec<Range<usize>>) {
    // What stays behind the spans, backwards: a message may hold very many, and each byte is moved once.
    let mut behind: Vec<u8> = Vec::new();
    let mut end = json.len();
    for span in spans.into_iter().rev() {
        behind.extend(json[span.end..end].iter().rev());
        end = span.start;
        // One of the commas around it goes too.
        if behind.last() == Some(&b',') {
            behind.pop();
        } else if json[..end].last() == Some(&b',') {
            end -= 1;
        }
    }
    json.truncate(end);
    json.extend(behind.iter().rev());
}

/// `properties.products (28,112 bytes), context.page (1,200 bytes), …`: the largest fields, at most two levels deep.
pub(super) fn largest(json: &[u8], start: usize, count: usize) -> String {
    let mut fields: Vec<(usize, String)> = Vec::new();
    for outer in members(json, start) {
        let before = fields.len();
        fields.extend(
            members(json, outer.value.start).map(|inner| (inner.value.len(), format!("{}.{}", outer.key, inner.key))),
        );
        if fields.len() == before {
            fields.push((outer.value.len(), outer.key.into_owned()));
        }
    }
    fields.sort_by(|one, two| two.0.cmp(&one.0).then_with(|| one.1.cmp(&two.1)));
    let named: Vec<_> =
        fields.into_iter().take(count).map(|(size, name)| format!("{name} ({} bytes)", grouped(size))).collect();
    named.join(", ")
}

/// `28,112`.
pub(super) fn grouped(number: usize) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

pub(super) fn unescaped(quoted: &[u8]) -> Option<Cow<'_, str>> {
    if quoted.contains(&b'\\') {
        // A lone surrogate has no text; such a key is no key that anybody asks for.
        return Some(serde_json::from_slice::<String>(quoted).map_or(Cow::Borrowed("\u{fffd}"), Cow::Owned));
    }
    let inner = quoted.get(1..quoted.len().checked_sub(1)?)?;
    std::str::from_utf8(inner).ok().map(Cow::Borrowed)
}

/// Behind the closing quote of the string that begins at `start`.
pub(super) fn string_end(json: &[u8], start: usize) -> usize {
    let mut at = start + 1;
    while let Some(byte) = json.get(at) {
        match byte {
            b'"' => return at + 1,
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
    json.len()
}

/// Behind the value that begins at `start`.
fn value_end(json: &[u8], start: usize) -> usize {
    let mut depth = 0_usize;
    let mut at = start;
    while let Some(byte) = json.get(at) {
        match byte {
            b'"' => {
                at = string_end(json, at);
                continue;
            }
            b'{' | b'[' => depth += 1,
            b'}' | b']' | b',' if depth == 0 => return at,
            b'}' | b']' => depth -= 1,
            _ => {}
        }
        at += 1;
    }
    json.len()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Map, Value};

    use super::*;

    fn removed(text: &str, keys: &[&str]) -> String {
        let mut json = text.as_bytes().to_vec();
        remove_members(&mut json, 0, keys);
        String::from_utf8(json).unwrap()
    }

    #[test]
    fn removes_members_and_their_commas() {
        let text = r#"{"a":1,"b":{"a":[",}"]},"c":"\"}"}"#;
        assert_eq!(removed(text, &["a"]), r#"{"b":{"a":[",}"]},"c":"\"}"}"#);
        assert_eq!(removed(text, &["b"]), r#"{"a":1,"c":"\"}"}"#);
        assert_eq!(removed(text, &["c"]), r#"{"a":1,"b":{"a":[",}"]}}"#);
        assert_eq!(removed(text, &["b", "c"]), r#"{"a":1}"#);
        assert_eq!(removed(text, &["a", "b", "c"]), "{}");
        assert_eq!(removed(text, &["x"]), text);
        assert_eq!(removed("{}", &["a"]), "{}");
        assert_eq!(removed("[1]", &["a"]), "[1]");
        assert_eq!(removed(r#"{"sent\u0041t":1,"\ud800":2}"#, &["sentAt"]), r#"{"\ud800":2}"#);
    }

    #[test]
    fn names_the_largest_fields() {
        let text = r#"{"type":"track","properties":{"small":1,"large":"0123456789"},"context":{},"list":[1,2,3]}"#;
        assert_eq!(largest(text.as_bytes(), 0, 3), "properties.large (12 bytes), list (7 bytes), type (7 bytes)");
        assert_eq!(grouped(1_234_567), "1,234,567");
        assert_eq!(grouped(999), "999");
    }

    fn value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<i64>().prop_map(Value::from),
            "[\"\\\\a,{}\\[\\]:é\n]{0,6}".prop_map(Value::from)
        ];
        leaf.prop_recursive(3, 24, 4, |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                object(inner).prop_map(Value::Object),
            ]
        })
    }

    fn object(value: impl Strategy<Value = Value>) -> impl Strategy<Value = Map<String, Value>> {
        proptest::collection::btree_map("[ab\"\\\\,}]{0,2}", value, 0..6).prop_map(|map| map.into_iter().collect())
    }

    proptest! {
        #[test]
        fn removing_equals_removing_from_the_value(map in object(value()), keys in proptest::collection::vec("[ab\"\\\\,}]{0,2}", 0..4)) {
            let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
            let left = removed(&serde_json::to_string(&map).unwrap(), &keys);
            let expected: Map<String, Value> = map.into_iter().filter(|(key, _)| !keys.contains(&key.as_str())).collect();
            prop_assert_eq!(left, serde_json::to_string(&expected).unwrap());
        }

        #[test]
        fn foreign_bytes_do_no_harm(bytes in proptest::collection::vec(prop_oneof![Just(b'{'), Just(b'"'), Just(b'\\'), Just(b','), Just(b':'), any::<u8>()], 0..60)) {
            let mut json = bytes.clone();
            remove_members(&mut json, 0, &["a", ""]);
            largest(&bytes, 0, 3);
        }
    }
}
