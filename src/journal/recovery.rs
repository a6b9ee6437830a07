//! Opening a directory of segments after whatever happened to it: finds the end, cuts a torn record, reports what is damaged.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::error::JournalError;
use super::frame::{FRAME_BYTES, FrameError, Frames, PREFIX_BYTES};
use super::segment::{self, HEADER_BYTES, Header, HeaderError, Kind, Segment};
use super::storage::Storage;
use super::table::Table;
use super::tail::{CommitError, Tail};

/// A place that could not be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Damage {
    /// The file.
    pub file: PathBuf,
    /// Where in it.
    pub offset: u64,
    /// Bytes concerned: those that were cut, or up to the next intact record.
    pub bytes: u64,
    /// What is wrong there.
    pub reason: &'static str,
}

/// What opening found.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Recovery {
    /// The torn end that was cut off. After a crash this is what was being written, and nobody was told that it is safe.
    pub cut: Vec<Damage>,
    /// Damage with intact records behind it; those stay, and readers report what is missing.
    pub damaged: Vec<Damage>,
    /// The last sequence number that is durable; 0 if there never was one.
    pub durable: u64,
}

impl Recovery {
    /// How many bytes were cut off.
    pub fn cut_bytes(&self) -> u64 {
        self.cut.iter().map(|damage| damage.bytes).sum()
    }
}

/// A series of segments, opened.
pub struct Opened {
    /// Which segment holds what.
    pub table: Table,
    /// The end, ready to append.
    pub tail: Tail,
    /// The next sequence number to give out.
    pub next: u64,
    /// What was found.
    pub recovery: Recovery,
}

/// Opens a directory, which the caller has locked. No sequence number up to `after` is given out again.
pub fn open(dir: &Path, kind: Kind, storage: &Arc<dyn Storage>, after: u64) -> Result<Opened, JournalError> {
    let mut recovery = Recovery::default();
    let mut files = segment::list(dir).map_err(JournalError::io(dir))?;
    let mut next = after + 1;
    // A file that ends within its header was being created: nothing was acknowledged from it. Its name still counts.
    while let Some((first, bytes)) = files.last().copied().filter(|(_, bytes)| *bytes < HEADER_BYTES) {
        let path = dir.join(segment::file_name(first));
        storage.remove(&path).map_err(JournalError::io(&path))?;
        recovery.cut.push(Damage { file: path, offset: 0, bytes, reason: "the segment was being created" });
        next = next.max(first);
        files.pop();
    }
    let segments = headers(dir, kind, &files, &mut recovery)?;
    let Some((active, sealed)) = segments.split_last() else {
        let header = Header { first: next, last_before: next - 1, before_ms: 0 };
        return begin(dir, kind, storage, None, &header, recovery);
    };
    let mut active = *active;
    let clean = scan(dir, &**storage, &mut active, &mut recovery)?;
    let table = Table::new(sealed, active);
    let follows = active.first.max(active.last + 1);
    if clean && next <= follows {
        let path = dir.join(segment::file_name(active.first));
        let tail = Tail::resume(Arc::clone(storage), dir, kind, &active).map_err(JournalError::io(path))?;
        recovery.durable = active.last;
        return Ok(Opened { table, tail, next: follows, recovery });
    }
    // Where records were cut, their numbers may have been seen by a sink whose cursor then stands above them: they must not
    // come again. So the next segment starts beyond all that can have stood there.
    let skipped = recovery.cut_bytes() / (FRAME_BYTES + PREFIX_BYTES) as u64;
    let first = next.max(follows).max(active.first + 1) + skipped;
    let header = Header { first, last_before: active.last, before_ms: active.last_ms };
    begin(dir, kind, storage, Some(table), &header, recovery)
}

/// Goes on in a new segment.
fn begin(
    dir: &Path,
    kind: Kind,
    storage: &Arc<dyn Storage>,
    table: Option<Table>,
    header: &Header,
    mut recovery: Recovery,
) -> Result<Opened, JournalError> {
    let tail = Tail::create(Arc::clone(storage), dir, kind, header).map_err(|error| {
        let error = match error {
            CommitError::Full => std::io::ErrorKind::StorageFull.into(),
            CommitError::Broken(error) => error,
        };
        JournalError::Io { path: dir.join(segment::file_name(header.first)), error }
    })?;
    let active = Segment::empty(header);
    let table = match table {
        None => Table::new(&[], active),
        Some(mut table) => {
            table.rotate(active);
            table
        }
    };
    recovery.durable = active.last;
    Ok(Opened { table, tail, next: header.first, recovery })
}

/// What the names and headers tell. A damaged header costs nothing but the exact end of the segment before it.
fn headers(
    dir: &Path,
    kind: Kind,
    files: &[(u64, u64)],
    recovery: &mut Recovery,
) -> Result<Vec<Segment>, JournalError> {
    let mut segments = Vec::<Segment>::with_capacity(files.len());
    for &(first, bytes) in files {
        let path = dir.join(segment::file_name(first));
        let header = match Header::read(&path, kind, first) {
            Ok(header) => header,
            Err(HeaderError::Io(error)) => return Err(JournalError::Io { path, error }),
            Err(HeaderError::Newer(version)) => return Err(JournalError::Newer { file: path, version }),
            Err(HeaderError::Bad) => {
                let reason = "not a segment header";
                recovery.damaged.push(Damage { file: path, offset: 0, bytes: HEADER_BYTES, reason });
                let before_ms = segments.last().map_or(0, |before| before.last_ms);
                Header { first, last_before: first.saturating_sub(1), before_ms }
            }
        };
        if let Some(before) = segments.last_mut() {
            before.last = header.last_before;
            before.last_ms = header.before_ms;
        }
        segments.push(Segment { bytes, ..Segment::empty(&header) });
    }
    Ok(segments)
}

/// Reads the last segment to its end, and cuts what is torn there. False if anything was wrong with it.
fn scan(
    dir: &Path,
    storage: &dyn Storage,
    active: &mut Segment,
    recovery: &mut Recovery,
) -> Result<bool, JournalError> {
    let path = dir.join(segment::file_name(active.first));
    let io = |error| JournalError::Io { path: path.clone(), error };
    let bytes = active.bytes;
    let mut frames = Frames::open(&path, HEADER_BYTES, active.first).map_err(io)?;
    let mut clean = recovery.damaged.last().is_none_or(|damage| damage.file != path) && recovery.cut.is_empty();
    loop {
        match frames.next(bytes) {
            Ok(Some(frame)) => {
                active.last = frame.seq;
                active.last_ms = active.last_ms.max(frame.at_ms);
            }
            Ok(None) => return Ok(clean),
            Err(FrameError::Io(error)) => return Err(io(error)),
            Err(FrameError::Bad { offset, reason }) => {
                clean = false;
                let most = frames.expected() + (bytes - offset) / (FRAME_BYTES + PREFIX_BYTES) as u64;
                let damage = |bytes| Damage { file: path.clone(), offset, bytes, reason };
                if let Some(resume) = frames.resync(bytes, most).map_err(io)? {
                    recovery.damaged.push(damage(resume.offset - offset));
                    continue;
                }
                storage.append(&path).and_then(|mut file| file.cut(offset).and_then(|()| file.sync())).map_err(io)?;
                active.bytes = offset;
                recovery.cut.push(damage(bytes - offset));
                return Ok(false);
            }
        }
    }
}
