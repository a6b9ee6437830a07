//! The brace that is never closed, when a script ends too early.

use rhai::Position;

/// Where the last `{` stands that nothing closes. Texts and comments are passed over; what stands between `${` and `}` in a text is
/// not looked into.
pub(super) fn unclosed(text: &str) -> Option<Position> {
    let bytes = text.as_bytes();
    let mut open = Vec::new();
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        let rest = &text.as_bytes()[at..];
        at = match byte {
            b'/' if rest.starts_with(b"//") => at + rest.iter().position(|byte| *byte == b'\n').unwrap_or(rest.len()),
            b'/' if rest.starts_with(b"/*") => {
                at + rest.windows(2).position(|two| two == b"*/").map_or(rest.len(), |end| end + 2)
            }
            b'"' | b'`' | b'\'' => at + text_bytes(rest, *byte),
            _ => {
                match byte {
                    b'{' => open.push(at),
                    b'}' => drop(open.pop()),
                    _ => {}
                }
                at + 1
            }
        };
    }
    let before = &text[..open.pop()?];
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    Some(Position::new(u16::try_from(line).ok()?, u16::try_from(column).ok()?))
}

/// The bytes of a text with its quotes.
fn text_bytes(rest: &[u8], quote: u8) -> usize {
    let mut at = 1;
    while let Some(byte) = rest.get(at) {
        at += match byte {
            b'\\' if quote != b'`' => 2,
            byte if *byte == quote => return at + 1,
            _ => 1,
        };
    }
    rest.len()
}
