//! Segment files: their names, their headers, and what is remembered of each.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use super::wire::Take;

/// Bytes before the first frame.
pub const HEADER_BYTES: u64 = 40;
/// The format version that is written. A file with a higher one belongs to a newer program and is left alone.
pub const FORMAT_VERSION: u32 = 1;

/// What a series of segments holds: told apart by their first four bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The delivery log.
    Deliveries,
    /// The dead letters.
    DeadLetters,
}

impl Kind {
    fn magic(self) -> [u8; 4] {
        match self {
            Self::Deliveries => *b"CWJL",
            Self::DeadLetters => *b"CWDL",
        }
    }
}

/// The first bytes of a segment. They also seal the segment before it, whose end and age need not be searched then.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    /// The first sequence number that this segment may hold.
    pub first: u64,
    /// The last one before it; a gap between the two was left by a recovery and holds nothing.
    pub last_before: u64,
    /// The largest time of a record up to `last_before`, in milliseconds since 1970.
    pub before_ms: i64,
}

/// Why a header could not be read.
#[derive(Debug)]
pub enum HeaderError {
    /// The file could not be read.
    Io(io::Error),
    /// It is not a header of this kind.
    Bad,
    /// A newer program wrote it.
    Newer(u32),
}

impl Header {
    /// The bytes of the header.
    pub fn encode(&self, kind: Kind) -> Vec<u8> {
        let mut out = Vec::with_capacity(HEADER_BYTES as usize);
        out.extend_from_slice(&kind.magic());
        out.extend_from_slice(&FORMAT_VERSION.to_le_bytes());
        out.extend_from_slice(&self.first.to_le_bytes());
        out.extend_from_slice(&self.last_before.to_le_bytes());
        out.extend_from_slice(&self.before_ms.to_le_bytes());
        out.extend_from_slice(&[0; 4]);
        out.extend_from_slice(&crc32fast::hash(&out).to_le_bytes());
        out
    }

    /// Reads the header of a file whose name says that it starts with `first`.
    pub fn read(path: &Path, kind: Kind, first: u64) -> Result<Self, HeaderError> {
        let mut bytes = Vec::with_capacity(HEADER_BYTES as usize);
        let file = File::open(path).map_err(HeaderError::Io)?;
        file.take(HEADER_BYTES).read_to_end(&mut bytes).map_err(HeaderError::Io)?;
        let header = Self::decode(&bytes, kind)?;
        if header.first == first { Ok(header) } else { Err(HeaderError::Bad) }
    }

    fn decode(bytes: &[u8], kind: Kind) -> Result<Self, HeaderError> {
        let (covered, crc) = bytes.split_last_chunk::<4>().ok_or(HeaderError::Bad)?;
        if bytes.len() as u64 != HEADER_BYTES || crc32fast::hash(covered).to_le_bytes() != *crc {
            return Err(HeaderError::Bad);
        }
        let (magic, rest) = covered.split_first_chunk::<4>().ok_or(HeaderError::Bad)?;
        if *magic != kind.magic() {
            return Err(HeaderError::Bad);
        }
        let mut take = Take::new(rest);
        let version = take.u32().ok_or(HeaderError::Bad)?;
        if version > FORMAT_VERSION {
            return Err(HeaderError::Newer(version));
        }
        let fields = (take.u64(), take.u64(), take.i64());
        let (Some(first), Some(last_before), Some(before_ms)) = fields else { return Err(HeaderError::Bad) };
        Ok(Self { first, last_before, before_ms })
    }
}

/// What is remembered of a segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Segment {
    /// The first sequence number it may hold; its file is named by it.
    pub first: u64,
    /// The last one before it.
    pub last_before: u64,
    /// The last durable one in it, or `last_before` while it is empty.
    pub last: u64,
    /// The largest time of a record up to `last`, in milliseconds since 1970.
    pub last_ms: i64,
    /// The bytes of the file that count.
    pub bytes: u64,
}

impl Segment {
    /// A segment that was just created.
    pub fn empty(header: &Header) -> Self {
        Self {
            first: header.first,
            last_before: header.last_before,
            last: header.last_before,
            last_ms: header.before_ms,
            bytes: HEADER_BYTES,
        }
    }

    /// Whether it holds a record.
    pub fn is_empty(&self) -> bool {
        self.last < self.first
    }
}

/// The file name of the segment that starts with `first`.
pub fn file_name(first: u64) -> String {
    format!("{first:020}.log")
}

/// The segment files of a directory as (first sequence number, length), in order. Other files are none of our business.
pub fn list(dir: &Path) -> io::Result<Vec<(u64, u64)>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(dir)? {
        let entry = entry?;
        let name = entry.file_name();
        let number = name.to_str().and_then(|name| name.strip_suffix(".log")).filter(|digits| digits.len() == 20);
        if let Some(first) = number.and_then(|digits| digits.parse().ok()) {
            found.push((first, entry.metadata()?.len()));
        }
    }
    found.sort_unstable();
    Ok(found)
}
