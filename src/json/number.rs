//! Numbers: the grammar of RFC 8259, decoded to 64-bit integers and floats.

use super::error::{Fault, JsonErrorKind};

/// A decoded number.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Number {
    Int(i64),
    Float(f64),
}

/// Powers of ten that a float holds exactly.
const EXACT: [f64; 23] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20,
    1e21, 1e22,
];

/// Reads the number that begins at `start`, and returns it with the offset after it.
#[inline]
pub(super) fn read(text: &str, start: usize) -> Result<(Number, usize), Fault> {
    let bytes = text.as_bytes();
    let byte = |at: usize| bytes.get(at).copied().unwrap_or(0);
    let negative = byte(start) == b'-';
    let first = start + usize::from(negative);

    let mut mantissa = 0;
    let mut at = digits(bytes, first, &mut mantissa)?;
    if byte(first) == b'0' && at > first + 1 {
        return Err(Fault::new(first + 1, JsonErrorKind::LeadingZero));
    }
    let mut digit_count = at - first;
    if !matches!(byte(at), b'.' | b'e' | b'E') {
        // Eighteen digits always fit; more are rare enough for the careful way.
        let number = if digit_count <= 18 {
            Number::Int(if negative { -(mantissa as i64) } else { mantissa as i64 })
        } else {
            text[start..at].parse().map_or_else(|_| Number::Float(slow(&text[start..at])), Number::Int)
        };
        return Ok((number, at));
    }

    let mut exponent = 0_i64;
    if byte(at) == b'.' {
        let point = at;
        at = digits(bytes, at + 1, &mut mantissa)?;
        exponent = -((at - point - 1) as i64);
        digit_count += at - point - 1;
    }
    if matches!(byte(at), b'e' | b'E') {
        at += 1;
        let minus = byte(at) == b'-';
        at += usize::from(matches!(byte(at), b'+' | b'-'));
        let mut scale = 0;
        let end = digits(bytes, at, &mut scale)?;
        // Beyond 18 digits the scale may have wrapped; any value out of the exact range sends it the slow way.
        let scale = if end - at > 18 { i64::from(i32::MAX) } else { scale as i64 };
        exponent += if minus { -scale } else { scale };
        at = end;
    }
    // A mantissa and a power of ten that are both exact give a correctly rounded result in one operation.
    let float = match EXACT.get(exponent.unsigned_abs() as usize) {
        Some(power) if digit_count <= 19 && mantissa <= 1 << 53 => {
            let magnitude = if exponent < 0 { mantissa as f64 / power } else { mantissa as f64 * power };
            if negative { -magnitude } else { magnitude }
        }
        _ => slow(&text[start..at]),
    };
    Ok((Number::Float(float), at))
}

/// Appends a float as its shortest text that reads back equal; `1.0` stays `1.0`. Only for finite numbers.
pub(super) fn write_float(float: f64, out: &mut Vec<u8>) {
    // Writing to a vector cannot fail, and neither can a number.
    let _ = serde_json::to_writer(out, &float);
}

/// Appends an integer.
pub(super) fn write_int(int: i64, out: &mut Vec<u8>) {
    let _ = serde_json::to_writer(out, &int);
}

/// Reads one or more digits into `value`, wrapping, and returns the offset after them.
#[inline]
fn digits(bytes: &[u8], start: usize, value: &mut u64) -> Result<usize, Fault> {
    let mut at = start;
    while let Some(digit) = bytes.get(at).map(|b| b.wrapping_sub(b'0')).filter(|&digit| digit < 10) {
        *value = value.wrapping_mul(10).wrapping_add(u64::from(digit));
        at += 1;
    }
    if at == start { Err(Fault::new(at, JsonErrorKind::ExpectedDigit)) } else { Ok(at) }
}

/// The standard library's correctly rounded conversion; too large a number is infinite.
#[cold]
fn slow(text: &str) -> f64 {
    // The text has been matched against a grammar that this parser includes.
    text.parse().unwrap_or(f64::NAN)
}
