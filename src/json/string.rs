//! Strings: finding their end, resolving escapes, writing them.

use super::error::{Fault, JsonErrorKind};

const ONES: u64 = u64::MAX / 255;
const HIGH: u64 = ONES << 7;

/// The offset of the first quote, backslash or control character at or after `at`; the length if there is none.
#[inline]
pub(super) fn scan(bytes: &[u8], mut at: usize) -> usize {
    // Eight bytes at a time in one integer: most strings of an event are short, where wider vectors do not pay.
    while let Some(chunk) = bytes.get(at..at + 8) {
        let mut eight = [0; 8];
        eight.copy_from_slice(chunk);
        let word = u64::from_le_bytes(eight);
        let quote = word ^ (ONES * u64::from(b'"'));
        let backslash = word ^ (ONES * u64::from(b'\\'));
        // Each term has the high bit of a byte that is below 0x20, or zero; borrows can only mark bytes after a hit.
        let control = word.wrapping_sub(ONES * 0x20) & !word;
        let hit = (control | (quote.wrapping_sub(ONES) & !quote) | (backslash.wrapping_sub(ONES) & !backslash)) & HIGH;
        if hit != 0 {
            return at + (hit.trailing_zeros() / 8) as usize;
        }
        at += 8;
    }
    while at < bytes.len() && !matches!(bytes[at], b'"' | b'\\' | 0..0x20) {
        at += 1;
    }
    at
}

/// Appends the decoded form of a string's inner text; `offset` is where that text stands, for errors.
pub(super) fn unescape(inner: &str, offset: usize, out: &mut String) -> Result<(), Fault> {
    let bytes = inner.as_bytes();
    let mut at = 0;
    loop {
        let stop = bytes[at..].iter().position(|&b| b == b'\\').map_or(bytes.len(), |n| at + n);
        out.push_str(&inner[at..stop]);
        if stop == bytes.len() {
            return Ok(());
        }
        let fault = Fault { offset: offset + stop, kind: JsonErrorKind::BadEscape };
        at = stop + 2;
        out.push(match bytes.get(stop + 1) {
            Some(b'"') => '"',
            Some(b'\\') => '\\',
            Some(b'/') => '/',
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => {
                let (letter, size) = by_number(bytes, at).ok_or(fault)?;
                at += size;
                letter.unwrap_or(char::REPLACEMENT_CHARACTER)
            }
            _ => return Err(fault),
        });
    }
}

/// What the digits behind `\u` stand for (nothing, if they are a lone surrogate), and how far they reach; `None` if they are none.
fn by_number(bytes: &[u8], at: usize) -> Option<(Option<char>, usize)> {
    let unit = hex4(bytes, at)?;
    Some(match (unit, low_surrogate(bytes, at + 4)) {
        (0xd800..0xdc00, Some(low)) => {
            (char::from_u32(0x1_0000 + ((u32::from(unit) - 0xd800) << 10) + (u32::from(low) - 0xdc00)), 10)
        }
        _ => (char::from_u32(u32::from(unit)), 4),
    })
}

fn hex4(bytes: &[u8], at: usize) -> Option<u16> {
    bytes.get(at..at + 4)?.iter().try_fold(0, |unit: u16, &b| Some(unit << 4 | (b as char).to_digit(16)? as u16))
}

fn low_surrogate(bytes: &[u8], at: usize) -> Option<u16> {
    if bytes.get(at..at + 2)? != b"\\u" {
        return None;
    }
    hex4(bytes, at + 2).filter(|unit| (0xdc00..0xe000).contains(unit))
}

/// A JSON text with as few escapes as the grammar allows, and the same values: its writer may have escaped all that is not ASCII.
///
/// A lone surrogate stays as it is: no text but its escape stands for it.
pub(super) fn shorten(json: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(json.len());
    let mut at = 0;
    // Backslashes stand in strings only.
    while let Some(stop) = json[at..].iter().position(|&byte| byte == b'\\').map(|count| at + count) {
        out.extend_from_slice(&json[at..stop]);
        let kept = match json.get(stop + 1) {
            Some(b'/') => {
                out.push(b'/');
                at = stop + 2;
                continue;
            }
            Some(b'u') => match by_number(json, stop + 2) {
                Some((Some(letter), size)) => {
                    escape(letter.encode_utf8(&mut [0; 4]), &mut out);
                    at = stop + 2 + size;
                    continue;
                }
                _ => 6,
            },
            _ => 2,
        };
        at = json.len().min(stop + kept);
        out.extend_from_slice(&json[stop..at]);
    }
    out.extend_from_slice(&json[at..]);
    out
}

/// Appends a string with its quotes, escaped as little as the grammar allows.
pub(super) fn write(text: &str, out: &mut Vec<u8>) {
    out.push(b'"');
    escape(text, out);
    out.push(b'"');
}

/// The same without the quotes.
fn escape(text: &str, out: &mut Vec<u8>) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    let bytes = text.as_bytes();
    let mut at = 0;
    loop {
        let stop = scan(bytes, at);
        out.extend_from_slice(&bytes[at..stop]);
        let Some(&special) = bytes.get(stop) else {
            break;
        };
        match special {
            b'"' => out.extend_from_slice(b"\\\""),
            b'\\' => out.extend_from_slice(b"\\\\"),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            0x08 => out.extend_from_slice(b"\\b"),
            0x0c => out.extend_from_slice(b"\\f"),
            _ => out.extend_from_slice(&[
                b'\\',
                b'u',
                b'0',
                b'0',
                HEX[usize::from(special >> 4)],
                HEX[usize::from(special & 15)],
            ]),
        }
        at = stop + 1;
    }
}
