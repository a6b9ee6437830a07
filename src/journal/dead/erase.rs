//! Erasing letters: their bytes go, not only their place in the list.
//!
//! A letter that was removed, or retried, still stands in its segment until the segment goes. One that is erased does not: its
//! frame is written over with an empty one of the same length, in a copy of the segment that then takes its place. So a crash
//! leaves the one or the other, whole.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;

use super::letter::{self, Entry};
use super::{DeadLetter, DeadLetters};
use crate::journal::frame::{FRAME_BYTES, FrameError, Frames, PREFIX_BYTES, put_frame};
use crate::journal::record::Names;
use crate::journal::segment::{self, HEADER_BYTES, Segment};
use crate::journal::storage::COPY;
use crate::journal::sync::lock;

/// Where a letter stands that is to be erased.
#[derive(Debug, Clone, Copy)]
struct Found {
    id: u64,
    at_ms: i64,
    segment: u64,
    offset: u64,
    end: u64,
}

impl DeadLetters {
    /// How many letters of a pipeline `named` says yes to.
    pub fn count(&self, pipeline: &str, named: &mut dyn FnMut(&DeadLetter) -> bool) -> io::Result<usize> {
        let found = self.find(pipeline, named)?;
        let state = lock(&self.state);
        Ok(found.iter().filter(|found| state.index.get(found.id).is_some()).count())
    }

    /// Erases the letters of a pipeline that `named` says yes to, and says how many were listed until then. Their bytes are gone
    /// from the disk when this returns, also those of letters that were removed before.
    pub fn erase(&self, pipeline: &str, named: &mut dyn FnMut(&DeadLetter) -> bool) -> io::Result<usize> {
        let found = self.find(pipeline, named)?;
        let mut by_segment: BTreeMap<u64, Vec<Found>> = BTreeMap::new();
        for one in found {
            by_segment.entry(one.segment).or_default().push(one);
        }
        let mut state = lock(&self.state);
        if by_segment.contains_key(&state.table.active().first) {
            state.rotate().map_err(io::Error::other)?;
        }
        let mut erased = 0;
        for (first, letters) in by_segment {
            // It may have gone meanwhile, which is as good.
            if !state.table.sealed().any(|segment| segment.first == first) {
                continue;
            }
            let path = self.dir.join(segment::file_name(first));
            let mut bytes = std::fs::read(&path)?;
            for one in &letters {
                blank(&mut bytes, one);
            }
            state.tail.replace(&path, &bytes)?;
            erased += letters.iter().map(|one| usize::from(state.index.remove(one.id))).sum::<usize>();
        }
        Ok(erased)
    }

    /// Reads all letters that still stand somewhere, past what is damaged.
    fn find(&self, pipeline: &str, named: &mut dyn FnMut(&DeadLetter) -> bool) -> io::Result<Vec<Found>> {
        let segments: Vec<Segment> = {
            let state = lock(&self.state);
            state.table.sealed().chain([state.table.active()]).copied().collect()
        };
        let mut found = Vec::new();
        for segment in segments {
            match self.find_in(&segment, pipeline, named, &mut found) {
                // Old letters went while others were read.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                result => result?,
            }
        }
        Ok(found)
    }

    fn find_in(
        &self,
        segment: &Segment,
        pipeline: &str,
        named: &mut dyn FnMut(&DeadLetter) -> bool,
        found: &mut Vec<Found>,
    ) -> io::Result<()> {
        let mut interned = Names::default();
        let mut frames = Frames::open(&self.dir.join(segment::file_name(segment.first)), HEADER_BYTES, segment.first)?;
        loop {
            let read = match frames.next(segment.bytes) {
                Ok(Some(frame)) => {
                    let entry = letter::decode(frame.seq, frame.at_ms, frame.content, &mut interned);
                    (frame.seq, frame.at_ms, frame.offset, entry)
                }
                Ok(None) => return Ok(()),
                Err(FrameError::Io(error)) => return Err(error),
                Err(FrameError::Bad { .. }) => match frames.resync(segment.bytes, segment.last)? {
                    Some(_) => continue,
                    None => return Ok(()),
                },
            };
            if let (id, at_ms, offset, Some(Entry::Letter(letter))) = read
                && *letter.pipeline == *pipeline
                && named(&letter)
            {
                found.push(Found { id, at_ms, segment: segment.first, offset, end: frames.offset() });
            }
        }
    }
}

/// Writes an empty record over a letter's.
fn blank(bytes: &mut [u8], found: &Found) {
    let (Ok(start), Ok(end)) = (usize::try_from(found.offset), usize::try_from(found.end)) else { return };
    let mut frame = Vec::with_capacity(end - start);
    let content = (end - start).saturating_sub(FRAME_BYTES + PREFIX_BYTES);
    put_frame(&mut frame, found.id, found.at_ms, |out| letter::encode_erased(content, out));
    if let Some(own) = bytes.get_mut(start..end).filter(|own| own.len() == frame.len()) {
        own.copy_from_slice(&frame);
    }
}

/// Removes the copy of a segment that a crash left before it took the segment's place.
pub(super) fn tidy(dir: &Path) -> io::Result<()> {
    for entry in std::fs::read_dir(dir)? {
        let path = entry?.path();
        if path.extension().is_some_and(|ending| ending == COPY) {
            std::fs::remove_file(path)?;
        }
    }
    Ok(())
}
