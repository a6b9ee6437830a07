//! Undoing the ways in which texts are written inside others: JSON escapes and percent signs, as far as they hide a name.

/// The text with one layer of escapes undone; `None` if there is none. What looks like no escape stays.
pub(super) fn undo(bytes: &[u8]) -> Option<Vec<u8>> {
    if !bytes.iter().any(|byte| matches!(byte, b'\\' | b'%')) {
        return None;
    }
    let mut out = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    let mut undone = false;
    while let Some((&first, after)) = rest.split_first() {
        let taken = match first {
            b'\\' => backslash(after, &mut out),
            b'%' => percent(after, &mut out),
            _ => None,
        };
        if let Some(taken) = taken {
            undone = true;
            rest = after.get(taken..).unwrap_or_default();
        } else {
            out.push(first);
            rest = after;
        }
    }
    undone.then_some(out)
}

/// What stands behind a backslash; gives how many bytes it took.
fn backslash(after: &[u8], out: &mut Vec<u8>) -> Option<usize> {
    let plain = match *after.first()? {
        b'n' => b'\n',
        b'r' => b'\r',
        b't' => b'\t',
        b'b' | b'f' => b' ',
        kept @ (b'"' | b'\\' | b'/') => kept,
        b'u' => {
            let (letter, taken) = unicode(after)?;
            out.extend_from_slice(letter.encode_utf8(&mut [0; 4]).as_bytes());
            return Some(taken);
        }
        _ => return None,
    };
    out.push(plain);
    Some(1)
}

/// The letter of `u00e9`, or of `ud83d\ude00` where it takes two.
fn unicode(after: &[u8]) -> Option<(char, usize)> {
    let first = hex(after.get(1..5)?)?;
    if let Some(letter) = char::from_u32(first) {
        return Some((letter, 5));
    }
    let second = after.get(5..11).filter(|more| more.starts_with(b"\\u")).and_then(|more| hex(&more[2..]))?;
    let joined = 0x1_0000 + ((first.wrapping_sub(0xD800)) << 10) + second.checked_sub(0xDC00)?;
    Some((char::from_u32(joined)?, 11))
}

/// What stands behind a percent sign.
fn percent(after: &[u8], out: &mut Vec<u8>) -> Option<usize> {
    out.push(hex(after.get(..2)?)? as u8);
    Some(2)
}

fn hex(digits: &[u8]) -> Option<u32> {
    digits.iter().try_fold(0, |number, digit| Some(number * 16 + char::from(*digit).to_digit(16)?))
}
