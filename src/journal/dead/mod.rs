//! Dead letters: what could not be processed, kept with its reason and its delivery until someone retries or removes it.
//!
//! They lie in segments like the journal's. A record is a letter (kind 1) or the removal of one (kind 2); both take a number
//! of the same series. Segments go oldest first, so a removal never goes before the letter that it removes. A letter that is
//! erased leaves an empty record (kind 4).

mod erase;
pub mod index;
pub mod letter;

use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use self::index::{Index, Spot};
pub use self::letter::DeadLetter;
use self::letter::Entry;
use super::error::{AppendError, Full, JournalError, ReadError};
use super::frame::{FrameError, Frames, put_frame};
use super::record::{DELIVERY_BYTES_MAX, Names, frame_len};
use super::recovery::{self, Damage, Recovery};
use super::retention::Rules;
use super::segment::{self, HEADER_BYTES, Header, Kind, Segment};
use super::storage::{Disk, Storage};
use super::sync::lock;
use super::table::Table;
use super::tail::{CommitError, Tail};
use crate::event::Origin;

/// The limits of the dead letters.
#[derive(Debug, Clone)]
pub struct DeadOptions {
    /// A segment has so many bytes at most, unless one commit alone has more.
    pub segment_bytes: u64,
    /// All segments together; beyond it the oldest letters go, and are counted as evicted.
    pub max_bytes: u64,
    /// Letters are kept so long.
    pub keep: Duration,
}

impl Default for DeadOptions {
    fn default() -> Self {
        Self { segment_bytes: 8 << 20, max_bytes: 1 << 30, keep: Duration::from_secs(30 * 24 * 3600) }
    }
}

/// Which letters to list.
#[derive(Debug, Clone, Default)]
pub struct DeadFilter {
    /// Only those of this pipeline.
    pub pipeline: Option<String>,
    /// Only those with lower numbers: the last number of the page before.
    pub before: Option<u64>,
}

/// Some letters, newest first.
#[derive(Debug, Default)]
pub struct DeadPage {
    /// The letters.
    pub letters: Vec<DeadLetter>,
    /// Letters of this page that could not be read.
    pub failed: Vec<ReadError>,
}

/// How the dead letters are doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct DeadStats {
    /// Letters.
    pub letters: usize,
    /// Bytes of all segments.
    pub bytes: u64,
    /// Letters that age or want of room has removed since the start.
    pub evicted: u64,
}

/// The store of dead letters.
pub struct DeadLetters {
    dir: PathBuf,
    options: DeadOptions,
    state: Mutex<State>,
    _lock: File,
}

struct State {
    tail: Tail,
    table: Table,
    next: u64,
    index: Index,
    poison: Option<Arc<str>>,
    evicted: u64,
}

impl DeadLetters {
    /// Opens the store in a directory, or creates it; repairs what a crash left behind.
    pub fn open(dir: &Path, options: DeadOptions) -> Result<(Self, Recovery), JournalError> {
        Self::open_on(dir, options, &(Arc::new(Disk) as Arc<dyn Storage>))
    }

    /// [`Self::open`] on a storage of one's own, as tests do that make it fail.
    pub fn open_on(
        dir: &Path,
        options: DeadOptions,
        storage: &Arc<dyn Storage>,
    ) -> Result<(Self, Recovery), JournalError> {
        let lock = super::lock::lock(dir)?;
        erase::tidy(dir).map_err(JournalError::io(dir))?;
        let mut opened = recovery::open(dir, Kind::DeadLetters, storage, 0)?;
        let mut index = Index::default();
        for segment in opened.table.sealed().chain([opened.table.active()]) {
            let damaged = read_index(dir, segment, &mut index)?;
            // The recovery has looked at the last segment itself.
            let known = |damage: &Damage| opened.recovery.damaged.contains(damage);
            let new: Vec<_> = damaged.into_iter().filter(|damage| !known(damage)).collect();
            opened.recovery.damaged.extend(new);
        }
        let recovery::Opened { table, tail, next, recovery } = opened;
        let state = State { tail, table, next, index, poison: None, evicted: 0 };
        Ok((Self { dir: dir.to_owned(), options, state: Mutex::new(state), _lock: lock }, recovery))
    }

    /// Keeps a letter and gives its number. It is durable when this returns.
    pub fn append(&self, letter: &DeadLetter) -> Result<u64, AppendError> {
        self.append_all(std::slice::from_ref(letter))
    }

    /// Keeps letters with one sync for all, and gives the number of the first; the others follow. All of them or none.
    pub fn append_all(&self, letters: &[DeadLetter]) -> Result<u64, AppendError> {
        let too_large =
            letters.iter().map(|letter| frame_len(&letter.delivery)).find(|bytes| *bytes > DELIVERY_BYTES_MAX);
        if let Some(bytes) = too_large {
            return Err(AppendError::TooLarge { bytes, bytes_max: DELIVERY_BYTES_MAX });
        }
        let mut state = lock(&self.state);
        let mut frames = Vec::new();
        let mut ends = Vec::with_capacity(letters.len());
        for (id, letter) in (state.next..).zip(letters) {
            put_frame(&mut frames, id, letter.at_ms, |out| letter::encode(letter, out));
            ends.push(frames.len() as u64);
        }
        let last_ms = letters.iter().map(|letter| letter.at_ms).max().unwrap_or_default();
        let (first, start) = state.commit(&self.options, &frames, letters.len() as u64, last_ms)?;
        let segment = state.table.active().first;
        let mut offset = start;
        for ((id, letter), end) in (first..).zip(letters).zip(ends) {
            let (pipeline, run_seq) = (Arc::clone(&letter.pipeline), letter.run_seq);
            let spot = Spot { pipeline, run_seq, segment, offset, end: start + end };
            offset = spot.end;
            state.index.insert(id, spot);
        }
        // A letter that cannot be deleted from the disk is no reason to refuse new ones: the next sweep reports it.
        let _room = state.evict(&self.options, i64::MIN);
        Ok(first)
    }

    /// Removes letters for good with one sync for all, and says how many there were.
    pub fn remove(&self, ids: &[u64]) -> Result<usize, AppendError> {
        let mut state = lock(&self.state);
        let mut known: Vec<u64> = ids.iter().copied().filter(|id| state.index.get(*id).is_some()).collect();
        known.sort_unstable();
        known.dedup();
        if known.is_empty() {
            return Ok(0);
        }
        let mut frames = Vec::new();
        for (number, id) in (state.next..).zip(&known) {
            put_frame(&mut frames, number, i64::MIN, |out| letter::encode_removal(*id, out));
        }
        state.commit(&self.options, &frames, known.len() as u64, i64::MIN)?;
        for id in &known {
            state.index.remove(*id);
        }
        Ok(known.len())
    }

    /// At most `limit` letters, newest first.
    pub fn list(&self, filter: &DeadFilter, limit: usize) -> DeadPage {
        let before = filter.before.unwrap_or(u64::MAX);
        let wanted = |spot: &Spot| filter.pipeline.as_ref().is_none_or(|pipeline| **pipeline == *spot.pipeline);
        let state = lock(&self.state);
        let found = state.index.newest_first(before).filter(|(_, spot)| wanted(spot)).take(limit);
        let spots: Vec<(u64, Spot)> = found.map(|(id, spot)| (id, spot.clone())).collect();
        drop(state);
        let mut page = DeadPage::default();
        for (id, spot) in spots {
            match self.read(id, &spot) {
                Ok(letter) => page.letters.extend(letter),
                Err(error) => page.failed.push(error),
            }
        }
        page
    }

    /// One letter.
    pub fn get(&self, id: u64) -> Result<Option<DeadLetter>, ReadError> {
        let spot = lock(&self.state).index.get(id).cloned();
        spot.map_or(Ok(None), |spot| self.read(id, &spot))
    }

    /// What died in runs of deliveries after `seq`, so that running them again does not keep it twice: the delivery that was run,
    /// the event and the part. A letter that cannot be read is left out, and may come twice.
    pub fn since(&self, pipeline: &str, seq: u64) -> Vec<(u64, Origin, String)> {
        let state = lock(&self.state);
        let spots: Vec<(u64, Spot)> = state.index.since(pipeline, seq).map(|(id, spot)| (id, spot.clone())).collect();
        drop(state);
        let letters = spots.iter().filter_map(|(id, spot)| self.read(*id, spot).ok().flatten());
        letters
            .map(|letter| {
                let DeadLetter { delivery_seq, index, fork, run_seq, part, .. } = letter;
                (run_seq, Origin { delivery: delivery_seq, index, fork }, part)
            })
            .collect()
    }

    /// How many letters each pipeline has.
    pub fn counts(&self) -> BTreeMap<Arc<str>, u64> {
        lock(&self.state).index.counts().clone()
    }

    /// How the store is doing.
    pub fn stats(&self) -> DeadStats {
        let state = lock(&self.state);
        DeadStats { letters: state.index.len(), bytes: state.table.bytes(), evicted: state.evicted }
    }

    /// Removes segments without letters, those older than `keep`, and the oldest while there are too many bytes. Gives the
    /// number of letters that were lost by it.
    pub fn sweep(&self, now_ms: i64) -> io::Result<u64> {
        let mut state = lock(&self.state);
        let rules = self.options.rules(now_ms);
        let active = *state.table.active();
        if !active.is_empty() && (rules.is_old(&active) || !state.index.is_used(&active)) && state.poison.is_none() {
            // A want of room shows at the next append, which can say so.
            let _full = state.rotate();
        }
        state.evict(&self.options, now_ms)
    }

    /// Reads a letter; `None` if it went meanwhile.
    fn read(&self, id: u64, spot: &Spot) -> Result<Option<DeadLetter>, ReadError> {
        let file = self.dir.join(segment::file_name(spot.segment));
        let damaged = |file, reason| ReadError::Damaged { file, offset: spot.offset, reason, first: id, last: id };
        let mut frames = match Frames::open(&file, spot.offset, id) {
            Ok(frames) => frames,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(ReadError::Io { file, error }),
        };
        let entry = match frames.next(spot.end) {
            Ok(Some(frame)) => letter::decode(frame.seq, frame.at_ms, frame.content, &mut Names::default()),
            Ok(None) => None,
            Err(FrameError::Io(error)) => return Err(ReadError::Io { file, error }),
            Err(FrameError::Bad { reason, .. }) => return Err(damaged(file, reason)),
        };
        match entry {
            Some(Entry::Letter(letter)) => Ok(Some(*letter)),
            Some(Entry::Erased) => Ok(None),
            Some(Entry::Removal(_)) | None => Err(damaged(file, "the record is not a dead letter")),
        }
    }
}

impl DeadOptions {
    fn rules(&self, now_ms: i64) -> Rules {
        let (keep, bytes) = (self.keep, self.max_bytes);
        Rules { floor: u64::MAX, keep, keep_bytes: bytes, high_bytes: bytes, now_ms }
    }
}

impl State {
    /// Makes frames durable; gives the number of the first record and where it begins.
    fn commit(
        &mut self,
        options: &DeadOptions,
        frames: &[u8],
        count: u64,
        last_ms: i64,
    ) -> Result<(u64, u64), AppendError> {
        if let Some(reason) = &self.poison {
            return Err(AppendError::Poisoned(Arc::clone(reason)));
        }
        if self.tail.bytes() + frames.len() as u64 > options.segment_bytes {
            self.rotate()?;
        }
        let (first, start) = (self.next, self.tail.bytes());
        let committed = self.tail.commit(frames);
        committed.map_err(|error| self.failed(error))?;
        self.next += count;
        let next = self.next;
        let active = self.table.active_mut();
        active.last = next - 1;
        active.last_ms = active.last_ms.max(last_ms);
        active.bytes += frames.len() as u64;
        Ok((first, start))
    }

    fn rotate(&mut self) -> Result<(), AppendError> {
        let active = *self.table.active();
        if active.is_empty() {
            return Ok(());
        }
        let header = Header { first: self.next, last_before: active.last, before_ms: active.last_ms };
        let rotated = self.tail.rotate(&header);
        rotated.map_err(|error| self.failed(error))?;
        self.table.rotate(Segment::empty(&header));
        Ok(())
    }

    fn failed(&mut self, error: CommitError) -> AppendError {
        match error {
            CommitError::Full => AppendError::full(Full::Disk),
            CommitError::Broken(error) => {
                let reason: Arc<str> = Arc::from(error.to_string());
                self.poison = Some(Arc::clone(&reason));
                AppendError::Poisoned(reason)
            }
        }
    }

    /// Removes the segments that must go, oldest first; gives the number of letters in them.
    fn evict(&mut self, options: &DeadOptions, now_ms: i64) -> io::Result<u64> {
        let rules = options.rules(now_ms);
        let mut lost = 0;
        let mut result = Ok(());
        while let Some(oldest) = self.table.oldest_sealed() {
            let unused = !self.index.is_used(&oldest);
            if !unused && !rules.is_old(&oldest) && self.table.bytes() <= options.max_bytes {
                break;
            }
            self.table.remove_oldest();
            lost += self.index.remove_segment(&oldest);
            if let Err(error) = self.tail.remove(oldest.first) {
                result = Err(error);
            }
        }
        self.evicted += lost;
        result.map(|()| lost)
    }
}

/// Reads a segment's records into the index, past what is damaged.
fn read_index(dir: &Path, segment: &Segment, index: &mut Index) -> Result<Vec<Damage>, JournalError> {
    let path = dir.join(segment::file_name(segment.first));
    let io = |error| JournalError::Io { path: path.clone(), error };
    let mut names = Names::default();
    let mut damaged = Vec::new();
    let mut frames = Frames::open(&path, HEADER_BYTES, segment.first).map_err(io)?;
    loop {
        let read = frames.next(segment.bytes).map(|frame| {
            frame.map(|frame| {
                (frame.seq, frame.offset, letter::decode(frame.seq, frame.at_ms, frame.content, &mut names))
            })
        });
        match read {
            Ok(None) => return Ok(damaged),
            Ok(Some((id, offset, Some(Entry::Letter(letter))))) => {
                let (pipeline, run_seq, end) = (letter.pipeline, letter.run_seq, frames.offset());
                index.insert(id, Spot { pipeline, run_seq, segment: segment.first, offset, end });
            }
            Ok(Some((_, _, Some(Entry::Removal(id))))) => {
                index.remove(id);
            }
            Ok(Some((_, _, Some(Entry::Erased)))) => {}
            Ok(Some((_, offset, None))) => {
                let (file, bytes, reason) = (path.clone(), frames.offset() - offset, "the record is not a dead letter");
                damaged.push(Damage { file, offset, bytes, reason });
            }
            Err(FrameError::Io(error)) => return Err(io(error)),
            Err(FrameError::Bad { offset, reason }) => {
                let resume = frames.resync(segment.bytes, segment.last).map_err(io)?;
                let end = resume.map_or(segment.bytes, |resume| resume.offset);
                damaged.push(Damage { file: path.clone(), offset, bytes: end - offset, reason });
                if resume.is_none() {
                    return Ok(damaged);
                }
            }
        }
    }
}
