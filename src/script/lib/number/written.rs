//! Numbers as people write them: `1,234.50`, `€ 1.234,50`, `(12.00)`, `1'234.50 CHF`.

use rust_decimal::{Decimal, RoundingStrategy};

/// Letters of a currency around the number: `USD`, `Rs.`, `kr`.
const LETTERS: usize = 3;
/// Longer texts are no numbers.
const BYTES: usize = 64;

/// The number in a text; with a decimal mark only that one counts.
pub fn read(text: &str, mark: Option<char>) -> Option<Decimal> {
    let text = text.trim();
    if text.len() > BYTES {
        return None;
    }
    if mark.is_none()
        && let Some(number) = machine(text)
    {
        return Some(number);
    }
    let (inside, brackets) = match text.strip_prefix('(').and_then(|rest| rest.strip_suffix(')')) {
        Some(inside) => (inside, true),
        None => (text, false),
    };
    // The sign may stand before or behind the currency.
    let (rest, first) = sign(inside);
    let (rest, second) = sign(without_currency(rest)?);
    let number = digits(without_currency(rest)?, mark)?;
    let negative = [brackets, first, second].into_iter().filter(|is| *is).count();
    match negative {
        0 => Some(number),
        1 => Some(-number),
        _ => None,
    }
}

/// As programs write it.
fn machine(text: &str) -> Option<Decimal> {
    let is_plain = |c: char| c.is_ascii_digit() || matches!(c, '.' | '-' | '+' | 'e' | 'E');
    if !text.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '.' | '-' | '+'))
        || !text.chars().all(is_plain)
        || text.matches('.').count() > 1
    {
        return None;
    }
    Decimal::from_str_exact(text).or_else(|_| Decimal::from_scientific(text)).ok()
}

fn sign(text: &str) -> (&str, bool) {
    if let Some(rest) = text.strip_prefix(['-', '\u{2212}']) {
        return (rest.trim(), true);
    }
    (text.strip_prefix('+').unwrap_or(text).trim(), false)
}

/// Without the letters or signs of a currency at either end.
fn without_currency(text: &str) -> Option<&str> {
    let is_part = |c: char| !c.is_ascii_digit() && !matches!(c, '-' | '+' | '\u{2212}' | ',' | '(' | ')');
    let body = text.trim_start_matches(|c: char| is_part(c) && c != '.');
    // The dot of `Rs.` is not the one of `.50`.
    let body = if body.len() < text.len() { body.strip_prefix(". ").unwrap_or(body) } else { body };
    let before = &text[..text.len() - body.len()];
    let bare = body.trim_end_matches(|c: char| is_part(c) && c != '.');
    let after = &body[bare.len()..];
    let fits = |part: &str| part.chars().filter(|c| c.is_alphanumeric()).count() <= LETTERS;
    (fits(before) && fits(after)).then(|| bare.trim())
}

fn is_gap(c: char) -> bool {
    matches!(c, '\'' | '\u{2019}' | '_') || c.is_whitespace()
}

/// Digits with separators.
fn digits(text: &str, mark: Option<char>) -> Option<Decimal> {
    if !text.chars().all(|c| c.is_ascii_digit() || matches!(c, '.' | ',') || is_gap(c)) {
        return None;
    }
    let (whole, fraction) = match mark.or_else(|| found_mark(text)) {
        Some(mark) => text.split_once(mark).map_or((text, ""), |(whole, fraction)| (whole, fraction)),
        None => (text, ""),
    };
    if !fraction.chars().all(|c| c.is_ascii_digit()) || !is_grouped(whole) {
        return None;
    }
    let mut plain: String = whole.chars().filter(char::is_ascii_digit).collect();
    if plain.is_empty() && fraction.is_empty() {
        return None;
    }
    plain.push('.');
    plain.push_str(if fraction.is_empty() { "0" } else { fraction });
    let number = Decimal::from_str_exact(&format!("0{plain}")).ok()?;
    Some(if fraction.is_empty() { number.trunc() } else { number })
}

/// The last of `,` and `.` if it stands once and is not a separator of groups by its place.
fn found_mark(text: &str) -> Option<char> {
    let at = text.rfind([',', '.'])?;
    let mark = if text[at..].starts_with(',') { ',' } else { '.' };
    if text.matches(mark).count() > 1 {
        return None;
    }
    let before = &text[..at];
    let is_group = mark == ',' && text.len() - at == 4 && !matches!(before, "" | "0") && !before.contains('.');
    (!is_group).then_some(mark)
}

/// Whether the separators stand where people put them: groups of three at the end, of two or three before, all alike.
fn is_grouped(whole: &str) -> bool {
    let separators: Vec<char> = whole.chars().filter(|c| !c.is_ascii_digit()).collect();
    let Some(first) = separators.first() else { return true };
    if separators.iter().any(|one| one != first) {
        return false;
    }
    let groups: Vec<usize> = whole.split(*first).map(str::len).collect();
    let Some((last, before)) = groups.split_last() else { return true };
    let Some((front, middle)) = before.split_first() else { return true };
    *last == 3 && (1..=3).contains(front) && middle.iter().all(|len| (2..=3).contains(len))
}

/// A number with exactly so many decimals and a text between groups of three digits.
pub fn grouped(number: Decimal, decimals: u32, group: &str, point: &str) -> String {
    let mut rounded = number.round_dp_with_strategy(decimals, RoundingStrategy::MidpointAwayFromZero);
    rounded.rescale(decimals);
    let text = rounded.abs().to_string();
    let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
    let mut out = String::new();
    if rounded.is_sign_negative() && !rounded.is_zero() {
        out.push('-');
    }
    for (at, digit) in whole.chars().enumerate() {
        if at > 0 && (whole.len() - at).is_multiple_of(3) {
            out.push_str(group);
        }
        out.push(digit);
    }
    if !fraction.is_empty() {
        out.push_str(point);
        out.push_str(fraction);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_as_people_write_them() {
        for (text, expected) in [
            ("198.00", Some("198.00")),
            ("1,234.50", Some("1234.50")),
            ("1.234,50", Some("1234.50")),
            ("1 234,50", Some("1234.50")),
            ("1\u{a0}234,5", Some("1234.5")),
            ("1'234.50 CHF", Some("1234.50")),
            ("$1,234", Some("1234")),
            ("-$5.00", Some("-5.00")),
            ("$-5.00", Some("-5.00")),
            ("(5.00)", Some("-5.00")),
            ("Rs. 500", Some("500")),
            ("12,5 €", Some("12.5")),
            ("0,125", Some("0.125")),
            ("1.234", Some("1.234")),
            ("1.234.567", Some("1234567")),
            ("12,34,567.89", Some("1234567.89")),
            (".50", Some("0.50")),
            ("1e3", Some("1000")),
            ("order 12", None),
            ("12-13", None),
            ("1,23,4.5", None),
            ("1.2.3", None),
            ("--5", None),
            ("n/a", None),
            ("", None),
            (".", None),
            ("€", None),
        ] {
            assert_eq!(read(text, None).map(|number| number.to_string()).as_deref(), expected, "{text}");
        }
        assert_eq!(read("1.234", Some(',')), Some(Decimal::from(1234)));
        assert_eq!(read("1,234", Some(',')), Some(Decimal::new(1234, 3)));
    }
}
