//! Frames: how one record stands in a segment file, and how frames are read back without trusting a byte of them.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

/// Bytes before a payload: its length and its checksum.
pub const FRAME_BYTES: usize = 8;
/// What every payload begins with: version (1), sequence number (8), time (8).
pub const PREFIX_BYTES: usize = 17;
/// The largest payload; a length above it is damage, so nothing allocates on its word.
pub const PAYLOAD_BYTES_MAX: usize = 64 << 20;
/// The record version that is written, and the only one there is so far.
pub const RECORD_VERSION: u8 = 1;

const READ_BYTES: usize = 256 << 10;

/// Appends one frame: the prefix, then what `fill` appends.
pub fn put_frame(out: &mut Vec<u8>, seq: u64, at_ms: i64, fill: impl FnOnce(&mut Vec<u8>)) {
    let start = out.len();
    out.extend_from_slice(&[0; FRAME_BYTES]);
    out.push(RECORD_VERSION);
    out.extend_from_slice(&seq.to_le_bytes());
    out.extend_from_slice(&at_ms.to_le_bytes());
    fill(out);
    let len = ((out.len() - start - FRAME_BYTES) as u32).to_le_bytes();
    let crc = checksum(len, &out[start + FRAME_BYTES..]).to_le_bytes();
    out[start..start + 4].copy_from_slice(&len);
    out[start + 4..start + 8].copy_from_slice(&crc);
}

/// CRC-32 (IEEE) over the length and the payload, so that a flipped bit in either is found.
fn checksum(len: [u8; 4], payload: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&len);
    hasher.update(payload);
    hasher.finalize()
}

/// One record as it stands in the file.
#[derive(Debug, Clone, Copy)]
pub struct Frame<'a> {
    /// Its sequence number.
    pub seq: u64,
    /// Its time, in milliseconds since 1970.
    pub at_ms: i64,
    /// What follows the prefix.
    pub content: &'a [u8],
    /// Where the frame begins in the file.
    pub offset: u64,
}

/// Why no frame could be read.
#[derive(Debug)]
pub enum FrameError {
    /// The file could not be read; the next try may succeed.
    Io(io::Error),
    /// The bytes there are not the record that must stand there.
    Bad {
        /// Where in the file.
        offset: u64,
        /// What is wrong with them.
        reason: &'static str,
    },
}

/// Where intact records begin again behind damage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Resume {
    /// The frame's place in the file.
    pub offset: u64,
    /// Its sequence number.
    pub seq: u64,
}

/// Reads the frames of one segment file in order. After a bad frame it stays in front of it.
#[derive(Debug)]
pub struct Frames {
    file: File,
    buffer: Vec<u8>,
    start: usize,
    end: usize,
    offset: u64,
    expected: u64,
}

impl Frames {
    /// Opens a file at the frame that starts at `offset` and must carry the sequence number `expected`.
    pub fn open(path: &Path, offset: u64, expected: u64) -> io::Result<Self> {
        let mut file = File::open(path)?;
        file.seek(SeekFrom::Start(offset))?;
        Ok(Self { file, buffer: Vec::new(), start: 0, end: 0, offset, expected })
    }

    /// The sequence number that the next frame must have.
    pub fn expected(&self) -> u64 {
        self.expected
    }

    /// Where the next frame begins.
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// The next frame; `until` is the number of bytes of the file that count, `None` means that it is reached.
    pub fn next(&mut self, until: u64) -> Result<Option<Frame<'_>>, FrameError> {
        let offset = self.offset;
        let bad = |reason| FrameError::Bad { offset, reason };
        let left = until.saturating_sub(offset);
        if left == 0 {
            return Ok(None);
        }
        if left < (FRAME_BYTES + PREFIX_BYTES) as u64 {
            return Err(bad("the record is cut short"));
        }
        if !self.need(FRAME_BYTES + PREFIX_BYTES, until).map_err(FrameError::Io)? {
            return Err(bad("the file is shorter than it was"));
        }
        let len =
            payload_len(&self.buffer[self.start..self.end], left).ok_or_else(|| bad("impossible record length"))?;
        if !self.need(FRAME_BYTES + len, until).map_err(FrameError::Io)? {
            return Err(bad("the file is shorter than it was"));
        }
        let whole = self.start..self.start + FRAME_BYTES + len;
        let (seq, at_ms) = verify(&self.buffer[whole.clone()]).map_err(bad)?;
        if seq != self.expected {
            return Err(bad("the record belongs elsewhere"));
        }
        self.start = whole.end;
        self.offset += (FRAME_BYTES + len) as u64;
        self.expected += 1;
        let content = &self.buffer[whole.start + FRAME_BYTES + PREFIX_BYTES..whole.end];
        Ok(Some(Frame { seq, at_ms, content, offset }))
    }

    /// After a bad frame: looks byte by byte for the next intact record of this file (a sequence number from the expected one
    /// up to `last`), and goes there if there is one.
    ///
    /// A checksum is computed only where length, version and sequence number are plausible, so this costs one pass.
    pub fn resync(&mut self, until: u64, last: u64) -> io::Result<Option<Resume>> {
        let (offset, expected) = (self.offset, self.expected);
        while self.offset + ((FRAME_BYTES + PREFIX_BYTES) as u64) < until {
            if self.start < self.end {
                self.start += 1;
                self.offset += 1;
            } else {
                self.seek(self.offset + 1)?;
            }
            if !self.need(FRAME_BYTES + PREFIX_BYTES, until)? {
                break;
            }
            let left = until - self.offset;
            let window = &self.buffer[self.start..self.end];
            let Some(len) = payload_len(window, left) else { continue };
            let plausible = window[FRAME_BYTES] == RECORD_VERSION && (expected..=last).contains(&seq_of(window));
            if !plausible || !self.need(FRAME_BYTES + len, until)? {
                continue;
            }
            if let Ok((seq, _)) = verify(&self.buffer[self.start..self.start + FRAME_BYTES + len]) {
                self.expected = seq;
                return Ok(Some(Resume { offset: self.offset, seq }));
            }
        }
        self.seek(offset)?;
        Ok(None)
    }

    fn seek(&mut self, offset: u64) -> io::Result<()> {
        self.file.seek(SeekFrom::Start(offset))?;
        (self.start, self.end, self.offset) = (0, 0, offset);
        Ok(())
    }

    /// Makes `count` bytes available behind `start`, reading no byte at or beyond `until`; false if the file ends before.
    fn need(&mut self, count: usize, until: u64) -> io::Result<bool> {
        if self.end - self.start >= count {
            return Ok(true);
        }
        self.buffer.copy_within(self.start..self.end, 0);
        self.end -= self.start;
        self.start = 0;
        // A buffer that one large record made grow goes back to its usual size with the next refill.
        let size = count.max(READ_BYTES);
        if self.buffer.len() != size {
            self.buffer.resize(size, 0);
            self.buffer.shrink_to(size);
        }
        let trusted = usize::try_from(until.saturating_sub(self.offset)).unwrap_or(usize::MAX).min(self.buffer.len());
        while self.end < count {
            if self.end >= trusted {
                return Ok(false);
            }
            match self.file.read(&mut self.buffer[self.end..trusted]) {
                Ok(0) => return Ok(false),
                Ok(read) => self.end += read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(true)
    }
}

/// The payload length at the front of a frame, if it is possible with `left` bytes to the end.
fn payload_len(frame: &[u8], left: u64) -> Option<usize> {
    let len = u32::from_le_bytes(*frame.first_chunk()?) as usize;
    let possible = (PREFIX_BYTES..=PAYLOAD_BYTES_MAX).contains(&len) && (FRAME_BYTES + len) as u64 <= left;
    possible.then_some(len)
}

/// The sequence number of a frame of at least the smallest size.
fn seq_of(frame: &[u8]) -> u64 {
    frame.get(FRAME_BYTES + 1..).and_then(|rest| rest.first_chunk()).map_or(0, |bytes| u64::from_le_bytes(*bytes))
}

/// Checks a whole frame and gives its sequence number and time.
fn verify(frame: &[u8]) -> Result<(u64, i64), &'static str> {
    let (head, payload) = frame.split_at(FRAME_BYTES);
    let (len, crc) = head.split_at(4);
    let mut sized = [0; 4];
    sized.copy_from_slice(len);
    if checksum(sized, payload).to_le_bytes() != *crc {
        return Err("the checksum does not match");
    }
    let mut take = super::wire::Take::new(payload);
    if take.u8() != Some(RECORD_VERSION) {
        return Err("unknown record version");
    }
    take.u64().zip(take.i64()).ok_or("the record is cut short")
}
