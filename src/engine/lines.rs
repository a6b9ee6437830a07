//! Cutting an input into pieces: the lines of NDJSON, or the items of one JSON array.

use std::io::{self, BufRead, Read};

use bytes::Bytes;
use serde_json::value::RawValue;

/// The longest line, and the largest array file.
const LINE_BYTES_MAX: u64 = 16 * 1024 * 1024;
const ARRAY_BYTES_MAX: u64 = 1024 * 1024 * 1024;

/// One event's text.
pub(super) struct Piece {
    /// The text without white space around; empty for a blank line.
    pub(super) text: Bytes,
    /// Line number, or position in the array, from 1.
    pub(super) line: u64,
    /// Bytes of input that it took.
    pub(super) read: u64,
}

/// The pieces of an input. What begins with `[` on its own is an array; everything else is lines.
pub(super) fn pieces(mut input: impl BufRead + 'static) -> Box<dyn Iterator<Item = io::Result<Piece>>> {
    match starts_array(&mut input) {
        Ok(true) => match array(input) {
            Ok(items) => Box::new(items.into_iter().map(Ok)),
            Err(error) => Box::new(std::iter::once(Err(error))),
        },
        Ok(false) => Box::new(Lines { input, line: 0, done: false }),
        Err(error) => Box::new(std::iter::once(Err(error))),
    }
}

/// Some systems begin text files with it; RFC 8259 allows to ignore it.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// Looks at the first character that is not white space, without taking it. A line that begins with `[` inside NDJSON is not an event
/// either way, so nothing is lost by taking it for an array.
fn starts_array(input: &mut impl BufRead) -> io::Result<bool> {
    if input.fill_buf()?.starts_with(BYTE_ORDER_MARK) {
        input.consume(BYTE_ORDER_MARK.len());
    }
    let seen = input.fill_buf()?;
    Ok(seen.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'['))
}

fn array(mut input: impl BufRead) -> io::Result<Vec<Piece>> {
    let mut text = Vec::new();
    input.by_ref().take(ARRAY_BYTES_MAX + 1).read_to_end(&mut text)?;
    if text.len() as u64 > ARRAY_BYTES_MAX {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "a JSON array larger than 1 GiB: write it as NDJSON"));
    }
    let items: Vec<&RawValue> = serde_json::from_slice(&text)
        .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, format!("not a JSON array: {error}")))?;
    let mut left = text.len() as u64;
    Ok(items
        .into_iter()
        .enumerate()
        .map(|(index, item)| {
            let read = (item.get().len() as u64 + 1).min(left);
            left -= read;
            Piece { text: Bytes::copy_from_slice(item.get().as_bytes()), line: index as u64 + 1, read }
        })
        .collect())
}

struct Lines<R> {
    input: R,
    line: u64,
    done: bool,
}

impl<R: BufRead> Iterator for Lines<R> {
    type Item = io::Result<Piece>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.done {
            return None;
        }
        let mut text = Vec::new();
        let read = match io::Read::take(&mut self.input, LINE_BYTES_MAX).read_until(b'\n', &mut text) {
            Ok(0) => return None,
            Ok(read) => read as u64,
            Err(error) => {
                self.done = true;
                return Some(Err(error));
            }
        };
        self.line += 1;
        if read == LINE_BYTES_MAX && !text.ends_with(b"\n") {
            self.done = true;
            let error = format!("line {} is longer than 16 MiB", self.line);
            return Some(Err(io::Error::new(io::ErrorKind::InvalidData, error)));
        }
        while text.last().is_some_and(u8::is_ascii_whitespace) {
            text.pop();
        }
        Some(Ok(Piece { text: text.into(), line: self.line, read }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(input: &'static str) -> Vec<String> {
        pieces(input.as_bytes()).map(|piece| String::from_utf8(piece.unwrap().text.to_vec()).unwrap()).collect()
    }

    #[test]
    fn cuts_lines_and_arrays() {
        assert_eq!(texts("{\"a\":1}\n\n{\"b\":2}\r\n{\"c\":3}"), ["{\"a\":1}", "", "{\"b\":2}", "{\"c\":3}"]);
        assert_eq!(texts(" [ {\"a\":[1,\n2]} , 5 ] \n"), ["{\"a\":[1,\n2]}", "5"]);
        assert_eq!(texts("\u{feff}{}\n{}"), ["{}", "{}"]);
        assert_eq!(texts("\u{feff}[1]"), ["1"]);
        assert!(texts("").is_empty());
    }

    #[test]
    fn a_broken_array_is_an_error() {
        assert!(pieces("[1, 2".as_bytes()).next().unwrap().is_err());
    }
}
