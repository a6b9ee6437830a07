//! Links whose parameters are secrets: `https://shop.example/reset?token=…`. The link leaves, the value does not.

use std::ops::Range;

use super::key;
use super::scan::unescaped_bytes;

/// The values of secret parameters of a text, as it stands between its quotes: where they are, and what they are taken for.
///
/// Parameters begin with the text and behind `?`, `&` and `#`, also where these are escaped: by JSON (`\u0026`), as many programs
/// write it, or for a link within a link (`%26`).
pub(super) fn secrets(text: &[u8]) -> Vec<(Range<usize>, &'static str)> {
    let mut found = Vec::new();
    if !text.contains(&b'=') && !text.contains(&b'\\') {
        return found;
    }
    let mut name = Some((0, false));
    let mut at = 0;
    while at < text.len() {
        let sign = Sign::read(text, at);
        let behind = at + sign.width;
        match sign.byte {
            b'?' | b'&' | b'#' => name = Some((behind, sign.is_nested)),
            b'=' => {
                if let Some((start, is_nested)) = name.take() {
                    let end = value_end(text, behind, is_nested);
                    let name = unescaped_bytes(&text[start..at]);
                    let name = name.as_deref().unwrap_or(&text[start..at]);
                    if end > behind
                        && let Some(kind) = key::secret(name, true)
                    {
                        found.push((behind..end, kind));
                        at = end;
                        continue;
                    }
                }
            }
            b' ' => name = None,
            _ => {}
        }
        at = behind;
    }
    found
}

/// One character that may be a separator.
struct Sign {
    byte: u8,
    /// How many bytes it takes.
    width: usize,
    /// Whether it belongs to a link within a link.
    is_nested: bool,
}

impl Sign {
    fn read(text: &[u8], at: usize) -> Self {
        let rest = &text[at..];
        let hex = |digits: Option<&[u8]>| {
            digits
                .and_then(|digits| std::str::from_utf8(digits).ok())
                .and_then(|digits| u8::from_str_radix(digits, 16).ok())
        };
        match rest {
            [b'\\', b'u', b'0', b'0', ..] => {
                let byte = hex(rest.get(4..6)).unwrap_or(b'u');
                Self { byte, width: rest.len().min(6), is_nested: false }
            }
            // PHP writes slashes so.
            [b'\\', b'/', ..] => Self { byte: b'/', width: 2, is_nested: false },
            [b'\\', ..] => Self { byte: b'\\', width: rest.len().min(2), is_nested: false },
            [b'%', ..] => match hex(rest.get(1..3)) {
                Some(byte) => Self { byte, width: 3, is_nested: true },
                None => Self { byte: b'%', width: 1, is_nested: false },
            },
            _ => Self { byte: rest[0], width: 1, is_nested: false },
        }
    }
}

/// Behind the value of a parameter that begins at `at`.
fn value_end(text: &[u8], mut at: usize, is_nested: bool) -> usize {
    while at < text.len() {
        let sign = Sign::read(text, at);
        let ends = matches!(sign.byte, b'&' | b'#' | b' ' | b'"' | b'<' | b'>') && (is_nested || !sign.is_nested);
        // An escape that is none of these, as of a line end, ends it too; one of a letter does not.
        if ends || (sign.byte == b'\\' && sign.width == 2) {
            return at;
        }
        at += sign.width;
    }
    at
}
