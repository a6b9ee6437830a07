//! What the writer asks of the disk: a trait, so that tests can tear writes, fail syncs and fill the disk.
//!
//! Reading is not part of it: damage is made in the files themselves, and readers see it there.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;

/// The ending of the copy of a file that is to take its place.
pub const COPY: &str = "new";

/// A directory of files that only grow, or are replaced as a whole.
pub trait Storage: Send + Sync {
    /// Creates a file, which must not exist yet, for appending.
    fn create(&self, path: &Path) -> io::Result<Box<dyn LogFile>>;
    /// Opens a file for appending.
    fn append(&self, path: &Path) -> io::Result<Box<dyn LogFile>>;
    /// Deletes a file.
    fn remove(&self, path: &Path) -> io::Result<()>;
    /// Gives a file another content, durably: whatever happens, it has the one or the other.
    fn replace(&self, path: &Path, bytes: &[u8]) -> io::Result<()>;
    /// Makes creations and deletions in a directory survive a power loss.
    fn sync_dir(&self, dir: &Path) -> io::Result<()>;
}

/// One file open for appending.
pub trait LogFile: Send {
    /// Appends some of the bytes, and says how many.
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize>;
    /// Shortens the file.
    fn cut(&mut self, bytes: u64) -> io::Result<()>;
    /// Returns when all that was written would survive a power loss.
    fn sync(&mut self) -> io::Result<()>;
}

/// Appends all of the bytes.
pub fn write_all(file: &mut dyn LogFile, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        match file.write(bytes) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(written) => bytes = bytes.get(written..).unwrap_or_default(),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Whether the error means that there is no room, which passes, rather than that the disk is broken.
pub fn is_full(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
}

/// The real disk.
#[derive(Debug, Clone, Copy, Default)]
pub struct Disk;

impl Storage for Disk {
    fn create(&self, path: &Path) -> io::Result<Box<dyn LogFile>> {
        Ok(Box::new(OpenOptions::new().append(true).create_new(true).open(path)?))
    }

    fn append(&self, path: &Path) -> io::Result<Box<dyn LogFile>> {
        Ok(Box::new(OpenOptions::new().append(true).open(path)?))
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        std::fs::remove_file(path)
    }

    fn replace(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        let copy = path.with_extension(COPY);
        let mut file = File::create(&copy)?;
        Write::write_all(&mut file, bytes)?;
        file.sync_all()?;
        std::fs::rename(&copy, path)?;
        path.parent().map_or(Ok(()), |dir| self.sync_dir(dir))
    }

    #[cfg(unix)]
    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        File::open(dir)?.sync_all()
    }

    // Other systems give no handle to a directory; their file systems order creations themselves.
    #[cfg(not(unix))]
    fn sync_dir(&self, _dir: &Path) -> io::Result<()> {
        Ok(())
    }
}

impl LogFile for File {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Write::write(self, bytes)
    }

    fn cut(&mut self, bytes: u64) -> io::Result<()> {
        self.set_len(bytes)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.sync_data()
    }
}
