//! How much work a regular expression is: one search cannot be interrupted, so what it may take must be known before.
//!
//! Matching is linear in the text, yet each character may be looked at in as many places of the pattern as there are when its
//! counted repetitions are written out: `(a|b)*a(a|b){3000}c` on a text of 256 KiB takes half a minute.

use regex_syntax::hir::{Class, Hir, HirKind};

/// How many places of a pattern one search may try, at worst, on all characters of a text together.
const WORK_MAX: usize = 1 << 25;

/// The places of a pattern where it looks at a character, with counted repetitions written out; more than any for one that is no
/// pattern.
pub fn places(pattern: &str) -> usize {
    regex_syntax::parse(pattern).map_or(usize::MAX, |parsed| count(&parsed))
}

/// The longest text that a pattern with so many places may search.
pub fn text_bytes(places: usize) -> usize {
    WORK_MAX / places.max(1)
}

fn count(hir: &Hir) -> usize {
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => 0,
        HirKind::Literal(literal) => literal.0.len(),
        // Beyond ASCII, one character is several steps.
        HirKind::Class(Class::Unicode(class)) if !class.is_ascii() => 3,
        HirKind::Class(_) => 1,
        HirKind::Repetition(repetition) => {
            let times = repetition.max.unwrap_or(repetition.min).max(1) as usize;
            count(&repetition.sub).saturating_mul(times)
        }
        HirKind::Capture(capture) => count(&capture.sub),
        HirKind::Concat(parts) | HirKind::Alternation(parts) => {
            parts.iter().fold(0, |sum, part| sum.saturating_add(count(part)))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_counted_with_repetitions_written_out() {
        for (pattern, expected) in [
            ("", 0),
            ("abc", 3),
            ("^a+$", 1),
            ("[a-z]{3}", 3),
            ("(a|b)*a(a|b){3000}c", 3003),
            (r"(\w{2,10}x){5}", 155),
            ("(a{10}){10,}", 100),
            ("((a{1000}){1000}){1000}", 1_000_000_000),
        ] {
            assert_eq!(places(pattern), expected, "{pattern}");
        }
        assert_eq!(text_bytes(128), 1 << 18);
    }
}
