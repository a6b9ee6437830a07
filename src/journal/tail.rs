//! The end of a series of segments: the open file that is appended to, and how a new one is begun.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::segment::{self, HEADER_BYTES, Header, Kind, Segment};
use super::storage::{LogFile, Storage, is_full, write_all};

/// Why nothing of a commit is there.
#[derive(Debug)]
pub enum CommitError {
    /// No room. The file is as it was before, and a later commit may succeed.
    Full,
    /// What the disk holds is unknown: after a failed sync the system may have dropped the pages while a second sync would
    /// report success, so nothing may be tried again before a restart has read the file back.
    Broken(io::Error),
}

/// A series of segments and the file at its end.
pub struct Tail {
    storage: Arc<dyn Storage>,
    dir: PathBuf,
    kind: Kind,
    file: Box<dyn LogFile>,
    bytes: u64,
}

impl Tail {
    /// Goes on with the last segment, of which `bytes` count.
    pub fn resume(storage: Arc<dyn Storage>, dir: &Path, kind: Kind, segment: &Segment) -> io::Result<Self> {
        let mut file = storage.append(&dir.join(segment::file_name(segment.first)))?;
        // IMPORTANT: what a killed process left may stand in memory only; it counts as durable from here on, so it must be.
        file.sync()?;
        storage.sync_dir(dir)?;
        Ok(Self { storage, dir: dir.to_owned(), kind, file, bytes: segment.bytes })
    }

    /// Begins a series, or goes on with it in a new segment.
    pub fn create(storage: Arc<dyn Storage>, dir: &Path, kind: Kind, header: &Header) -> Result<Self, CommitError> {
        let file = create_file(&*storage, dir, kind, header)?;
        Ok(Self { storage, dir: dir.to_owned(), kind, file, bytes: HEADER_BYTES })
    }

    /// Begins the next segment.
    pub fn rotate(&mut self, header: &Header) -> Result<(), CommitError> {
        self.file = create_file(&*self.storage, &self.dir, self.kind, header)?;
        self.bytes = HEADER_BYTES;
        Ok(())
    }

    /// Appends whole frames with one write and makes them durable with one sync.
    pub fn commit(&mut self, frames: &[u8]) -> Result<(), CommitError> {
        if let Err(error) = write_all(&mut *self.file, frames) {
            if !is_full(&error) {
                return Err(CommitError::Broken(error));
            }
            // Half a record would stand in the way of the next one.
            self.file.cut(self.bytes).map_err(CommitError::Broken)?;
            return Err(CommitError::Full);
        }
        self.file.sync().map_err(CommitError::Broken)?;
        self.bytes += frames.len() as u64;
        Ok(())
    }

    /// Bytes of the open segment.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Gives a segment's file, not the open one, another content.
    pub fn replace(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        self.storage.replace(path, bytes)
    }

    /// Deletes a segment's file.
    pub fn remove(&self, first: u64) -> io::Result<()> {
        self.storage.remove(&self.dir.join(segment::file_name(first)))
    }
}

fn create_file(
    storage: &dyn Storage,
    dir: &Path,
    kind: Kind,
    header: &Header,
) -> Result<Box<dyn LogFile>, CommitError> {
    let path = dir.join(segment::file_name(header.first));
    let full_or_broken =
        |error: io::Error| if is_full(&error) { CommitError::Full } else { CommitError::Broken(error) };
    let mut file = storage.create(&path).map_err(full_or_broken)?;
    if let Err(error) = write_all(&mut *file, &header.encode(kind)) {
        // The next try needs the name again.
        storage.remove(&path).map_err(CommitError::Broken)?;
        return Err(full_or_broken(error));
    }
    file.sync().map_err(CommitError::Broken)?;
    // IMPORTANT: without this a power loss can take the whole file away, however often its content was synced.
    storage.sync_dir(dir).map_err(CommitError::Broken)?;
    Ok(file)
}
