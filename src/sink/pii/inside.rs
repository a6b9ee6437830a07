//! Card numbers within texts: "my card is 4111 1111 1111 1111". The text leaves, the number does not.
//!
//! Notes are full of other long numbers: of orders, parcels, phones, products. So a number in one piece must be as long as almost all
//! cards are, one in groups must be grouped as cards print it, and what touches it or stands before it must not say that it is an id.

use std::borrow::Cow;
use std::ops::Range;

use serde::de::IgnoredAny;

use super::card::is_card;
use super::scan::unescaped_bytes;

/// How the digits of cards are printed; the first that fits counts. In one piece, numbers of 14 and of more than 16 digits are ids of
/// shops, products and videos far more often than cards.
const SHAPES: [&[usize]; 6] = [&[16], &[15], &[4, 4, 4, 4, 3], &[4, 4, 4, 4], &[4, 6, 5], &[4, 6, 4]];
/// The least that a number takes.
const BYTES_MIN: usize = 15;
/// Between two looks for a digit: in no shape both are between the groups.
const STRIDE: usize = 6;
/// Words before a number that say what it is instead, and those that may stand between.
const IDS: &[&str] = &[
    "order",
    "orders",
    "tracking",
    "track",
    "parcel",
    "shipment",
    "awb",
    "invoice",
    "receipt",
    "transaction",
    "ticket",
    "ref",
    "reference",
    "serial",
    "imei",
    "gtin",
    "ean",
    "upc",
    "isbn",
    "sku",
    "barcode",
    "id",
    "bestellung",
    "bestellnummer",
    "sendungsnummer",
    "rechnung",
    "rechnungsnummer",
    "commande",
    "pedido",
    "ordine",
];
const BETWEEN: &[&str] = &["number", "numbers", "no", "nr", "num", "code", "is", "was"];
/// How far back a word is looked for.
const WORD_BYTES: usize = 48;
/// How far back the beginning of a link is looked for.
const LINK_BYTES: usize = 1024;

/// Where card numbers stand in a text, as it is written between its quotes.
pub(super) fn cards(text: &[u8]) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    if text.len() < BYTES_MIN {
        return found;
    }
    let mut plain = None;
    let mut at = 0;
    while let Some(byte) = text.get(at) {
        if !byte.is_ascii_digit() {
            at += STRIDE;
            continue;
        }
        let start = text[..at].iter().rposition(|byte| !is_part(*byte)).map_or(0, |before| before + 1);
        let end = text[at..].iter().position(|byte| !is_part(*byte)).map_or(text.len(), |length| at + length);
        if end - start >= BYTES_MIN {
            // Only here, because most texts hold no such number.
            let plain = plain.get_or_insert_with(|| without_escapes(text));
            in_run(plain, start..end, &mut found);
        }
        at = end + 1;
    }
    if !found.is_empty() && is_json(text) {
        // Its members were looked at one by one, with their names.
        found.clear();
    }
    found
}

/// What runs of digits and groups are made of.
fn is_part(byte: u8) -> bool {
    byte.is_ascii_digit() || matches!(byte, b' ' | b'-')
}

/// Finds the numbers in a run of digits, spaces and dashes.
fn in_run(text: &[u8], run: Range<usize>, found: &mut Vec<Range<usize>>) {
    let mut at = run.start;
    while at < run.end {
        let begins = text[at].is_ascii_digit() && (at == 0 || !text[at - 1].is_ascii_digit());
        let end = SHAPES.iter().filter(|_| begins).find_map(|shape| {
            let end = shape_end(text, at, shape)?;
            (is_card(&text[at..end], false) && stands_alone(text, at..end) && !is_told_an_id(text, at)).then_some(end)
        });
        match end {
            Some(end) => {
                found.push(at..end);
                at = end;
            }
            None => at += 1,
        }
    }
}

/// The end of a number of that shape, with the same sign between all groups.
fn shape_end(text: &[u8], start: usize, shape: &[usize]) -> Option<usize> {
    let separator = text.get(start + shape[0]);
    let mut at = start;
    for (group, length) in shape.iter().enumerate() {
        if group > 0 {
            let here = text.get(at);
            if here != separator || !matches!(here, Some(b' ' | b'-')) {
                return None;
            }
            at += 1;
        }
        if !text.get(at..at + length)?.iter().all(u8::is_ascii_digit) {
            return None;
        }
        at += length;
    }
    text.get(at).is_none_or(|byte| !byte.is_ascii_digit()).then_some(at)
}

/// Whether what touches the number leaves it a number of its own: not part of a word, an amount, a link or a longer number.
fn stands_alone(text: &[u8], number: Range<usize>) -> bool {
    let (before, after) = (&text[..number.start], &text[number.end..]);
    let is_touched = match before {
        [before @ .., b','] => is_short_number(before.iter().rev()),
        [.., byte, b'-'] => byte.is_ascii_alphanumeric(),
        // A longer number in the same groups.
        [.., a, b, c, d, b' '] if [a, b, c, d].iter().all(|byte| byte.is_ascii_digit()) => text[number].contains(&b' '),
        [.., byte] => touches(*byte),
        [] => false,
    };
    let is_followed = match after {
        [b',', after @ ..] => is_short_number(after.iter()),
        [b'.' | b'-', next, ..] => next.is_ascii_alphanumeric(),
        [byte, ..] => byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'%' | b'@'),
        [] => false,
    };
    !is_touched && !is_followed && !is_in_link(before)
}

/// What stands on the other side of a comma within an amount: `1,` or `,50`. A list of numbers has longer ones.
fn is_short_number<'a>(digits: impl Iterator<Item = &'a u8>) -> bool {
    matches!(digits.take(4).take_while(|byte| byte.is_ascii_digit()).count(), 1..=3)
}

fn touches(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'+' | b'#' | b'.' | b'/' | b'@' | b'%' | b'$' | b'~' | b'&')
}

/// Whether the word that a number ends is a link.
fn is_in_link(before: &[u8]) -> bool {
    let before = &before[before.len().saturating_sub(LINK_BYTES)..];
    let start = before.iter().rposition(u8::is_ascii_whitespace).map_or(0, |space| space + 1);
    let word = &before[start..];
    word.starts_with(b"/") || word.contains(&b'?') || word.windows(3).any(|part| part == b"://")
}

/// Whether the word before says that it is the number of something else: `order no. 4111…`.
fn is_told_an_id(text: &[u8], start: usize) -> bool {
    let before = &text[start.saturating_sub(WORD_BYTES)..start];
    let words = before.rsplit(|byte| !byte.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    let is_any = |word: &[u8], list: &[&str]| list.iter().any(|one| word.eq_ignore_ascii_case(one.as_bytes()));
    words
        .map(|word| (is_any(word, BETWEEN), is_any(word, IDS)))
        .find(|(is_between, _)| !is_between)
        .is_some_and(|(_, is_id)| is_id)
}

/// The text with blanks in the place of escapes, byte for byte: `\n` touches nothing.
fn without_escapes(text: &[u8]) -> Cow<'_, [u8]> {
    let Some(first) = text.iter().position(|byte| *byte == b'\\') else { return Cow::Borrowed(text) };
    let mut plain = text.to_vec();
    let mut at = first;
    while at < plain.len() {
        if plain[at] != b'\\' {
            at += 1;
            continue;
        }
        let end = (at + if plain.get(at + 1) == Some(&b'u') { 6 } else { 2 }).min(plain.len());
        // A slash stays one, because it may be that of a link.
        let sign = if plain.get(at + 1) == Some(&b'/') { b'/' } else { b'\n' };
        plain[at..end].fill(sign);
        at = end;
    }
    Cow::Owned(plain)
}

fn is_json(text: &[u8]) -> bool {
    let unescaped = unescaped_bytes(text);
    let text = unescaped.as_deref().unwrap_or(text);
    matches!(text.trim_ascii_start().first(), Some(b'{' | b'[')) && serde_json::from_slice::<IgnoredAny>(text).is_ok()
}
