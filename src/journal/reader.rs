//! Reading the log in order, behind the writer: only what is durable, across segments, past what is lost.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::error::ReadError;
use super::frame::{FrameError, Frames};
use super::record::{self, Names};
use super::segment::{self, HEADER_BYTES, Segment};
use super::shared::Shared;
use super::sync::lock;
use super::table::Place;
use crate::event::Delivery;

/// A position in the journal, with a file handle of its own.
pub struct Reader {
    shared: Arc<Shared>,
    after: u64,
    open: Option<Open>,
    stuck: Option<Stuck>,
    names: Names,
}

/// The segment being read.
struct Open {
    first: u64,
    path: PathBuf,
    frames: Frames,
}

/// What [`Reader::skip`] goes past.
struct Stuck {
    first: u64,
    last: u64,
    /// The open segment and its frames at an intact record behind the damage.
    resume: Option<Open>,
}

/// What one batch may still take.
struct Room {
    deliveries: usize,
    bytes: usize,
}

impl Reader {
    /// A reader of the deliveries with sequence numbers above `after`.
    pub fn new(shared: Arc<Shared>, after: u64) -> Self {
        Self { shared, after, open: None, stuck: None, names: Names::default() }
    }

    /// The sequence number of the last delivery that was read or skipped.
    pub fn position(&self) -> u64 {
        self.after
    }

    /// Whether there is something durable that was not read.
    pub fn is_behind(&self) -> bool {
        self.shared.durable.load(Ordering::Acquire) > self.after
    }

    /// The next deliveries in order: at most so many, and no further ones once they have so many bytes. Empty if
    /// nothing beyond is durable. Deliveries before a damaged place come first; then the error comes, on every call, until
    /// [`Self::skip`].
    pub fn next_batch(&mut self, deliveries_max: usize, bytes_max: usize) -> Result<Vec<Arc<Delivery>>, ReadError> {
        let mut batch = Vec::new();
        let mut room = Room { deliveries: deliveries_max.max(1), bytes: bytes_max };
        while room.deliveries > 0 && room.bytes > 0 && self.is_behind() {
            let place = lock(&self.shared.table).locate(self.after);
            let filled = match place {
                None => break,
                Some(Place::Gone { first, last }) => {
                    self.stuck = Some(Stuck { first, last, resume: None });
                    Err(ReadError::Removed { first, last })
                }
                Some(Place::In(segment)) => self.fill(&segment, &mut batch, &mut room),
            };
            match filled {
                Ok(()) => {}
                Err(_) if !batch.is_empty() => {
                    self.stuck = None;
                    break;
                }
                Err(error) => return Err(error),
            }
        }
        Ok(batch)
    }

    /// Goes past what the last error said is lost, and gives the first and last sequence number of it.
    pub fn skip(&mut self) -> Option<(u64, u64)> {
        let Stuck { first, last, resume } = self.stuck.take()?;
        self.after = self.after.max(last);
        self.open = resume;
        Some((first, last))
    }

    /// Reads from one segment until it ends or the room does.
    fn fill(&mut self, segment: &Segment, batch: &mut Vec<Arc<Delivery>>, room: &mut Room) -> Result<(), ReadError> {
        let mut open = match self.open.take().filter(|open| open.first == segment.first) {
            Some(open) => open,
            None => match self.open_segment(segment) {
                // Retention was faster. The table says so by now, hence the next look at it goes elsewhere.
                Err((_, error)) if error.kind() == io::ErrorKind::NotFound && self.is_gone(segment) => return Ok(()),
                Err((file, error)) => return Err(ReadError::Io { file, error }),
                Ok(open) => open,
            },
        };
        while room.deliveries > 0 && room.bytes > 0 {
            match open.frames.next(segment.bytes) {
                Ok(Some(frame)) if frame.seq <= self.after => {}
                Ok(Some(frame)) => {
                    let bytes = frame.content.len();
                    let Some(delivery) = record::decode(frame.seq, frame.at_ms, frame.content, &mut self.names) else {
                        let (seq, offset) = (frame.seq, frame.offset);
                        let file = open.path.clone();
                        self.stuck = Some(Stuck { first: seq, last: seq, resume: Some(open) });
                        let reason = "the record is not a delivery";
                        return Err(ReadError::Damaged { file, offset, reason, first: seq, last: seq });
                    };
                    self.after = frame.seq;
                    room.deliveries -= 1;
                    room.bytes = room.bytes.saturating_sub(bytes);
                    batch.push(Arc::new(delivery));
                }
                Ok(None) => {
                    if open.frames.expected() > segment.last {
                        break;
                    }
                    open = self.damaged(open, segment, "the segment ends early")?;
                }
                Err(FrameError::Bad { reason, .. }) => open = self.damaged(open, segment, reason)?,
                Err(FrameError::Io(error)) => return Err(ReadError::Io { file: open.path, error }),
            }
        }
        self.open = Some(open);
        Ok(())
    }

    /// Finds where intact records begin again. Gives the segment back if nothing is lost by going on there, as all that is
    /// damaged was read or skipped before; else remembers the place for [`Self::skip`].
    fn damaged(&mut self, mut open: Open, segment: &Segment, reason: &'static str) -> Result<Open, ReadError> {
        let (offset, file) = (open.frames.offset(), open.path.clone());
        let first = open.frames.expected().max(self.after + 1);
        let resumed = open.frames.resync(segment.bytes, segment.last).and_then(|resume| match resume {
            Some(resume) => Ok(resume.seq - 1),
            // Deliveries that are written to this segment from now on are not lost: they begin where it ends now.
            None => Frames::open(&open.path, segment.bytes, segment.last + 1).map(|frames| {
                open.frames = frames;
                segment.last
            }),
        });
        let last = match resumed {
            Ok(last) => last,
            Err(error) => return Err(ReadError::Io { file, error }),
        };
        if last < first {
            return Ok(open);
        }
        self.stuck = Some(Stuck { first, last, resume: Some(open) });
        Err(ReadError::Damaged { file, offset, reason, first, last })
    }

    fn open_segment(&self, segment: &Segment) -> Result<Open, (PathBuf, io::Error)> {
        let path = self.shared.dir.join(segment::file_name(segment.first));
        match Frames::open(&path, HEADER_BYTES, segment.first) {
            Ok(frames) => Ok(Open { first: segment.first, path, frames }),
            Err(error) => Err((path, error)),
        }
    }

    fn is_gone(&self, segment: &Segment) -> bool {
        lock(&self.shared.table).locate(self.after) != Some(Place::In(*segment))
    }
}
