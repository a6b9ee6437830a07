//! What can go wrong with the journal, for those who open, append and read.

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

/// Why a store could not be opened.
#[derive(Debug)]
pub enum JournalError {
    /// Another process has the directory.
    Locked(PathBuf),
    /// A newer program wrote this file.
    Newer {
        /// The file.
        file: PathBuf,
        /// Its format version.
        version: u32,
    },
    /// The disk refused.
    Io {
        /// The file or directory.
        path: PathBuf,
        /// What the system said.
        error: io::Error,
    },
}

impl JournalError {
    /// Puts the path to a system error.
    pub fn io(path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        |error| Self::Io { path, error }
    }
}

impl fmt::Display for JournalError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Locked(dir) => write!(f, "another process uses {}", dir.display()),
            Self::Newer { file, version } => {
                write!(f, "{} has format version {version}, which a newer cartwire wrote", file.display())
            }
            Self::Io { path, error } => write!(f, "{}: {error}", path.display()),
        }
    }
}

impl std::error::Error for JournalError {}

/// What there was no room in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Full {
    /// The queue before the writer: deliveries come faster than the disk takes them.
    Queue,
    /// The journal: its size limit is reached, as sinks do not follow.
    Journal,
    /// The disk.
    Disk,
}

/// Why a delivery was not taken. It is not in the journal then.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AppendError {
    /// No room now.
    Full {
        /// Where.
        what: Full,
        /// When to try again.
        retry_after_ms: u64,
    },
    /// The delivery alone is larger than a record may be.
    TooLarge {
        /// Its bytes.
        bytes: usize,
        /// The most there may be.
        bytes_max: usize,
    },
    /// A write or a sync failed. What the disk holds is unknown, so nothing is accepted until a restart has looked.
    Poisoned(Arc<str>),
    /// The journal was closed.
    Closed,
}

impl AppendError {
    /// No room, with the time after which to try again: a queue is empty soon, a disk is not.
    pub fn full(what: Full) -> Self {
        let retry_after_ms = match what {
            Full::Queue => 1_000,
            Full::Journal | Full::Disk => 30_000,
        };
        Self::Full { what, retry_after_ms }
    }
}

impl fmt::Display for AppendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Full { what: Full::Queue, .. } => write!(f, "the journal's queue is full"),
            Self::Full { what: Full::Journal, .. } => write!(f, "the journal has reached its size limit"),
            Self::Full { what: Full::Disk, .. } => write!(f, "the disk is full"),
            Self::TooLarge { bytes, bytes_max } => {
                write!(f, "the delivery has {bytes} bytes, and a record may have {bytes_max}")
            }
            Self::Poisoned(error) => write!(f, "the journal takes nothing since a write failed: {error}"),
            Self::Closed => write!(f, "the journal is closed"),
        }
    }
}

impl std::error::Error for AppendError {}

/// Why a reader cannot go on. Except for `Io`, deliveries are lost to it, and [`super::Reader::skip`] goes past them.
#[derive(Debug)]
pub enum ReadError {
    /// Segments that the reader had not read were removed.
    Removed {
        /// First sequence number that is gone.
        first: u64,
        /// Last one.
        last: u64,
    },
    /// Records cannot be read.
    Damaged {
        /// The segment file.
        file: PathBuf,
        /// Where in it.
        offset: u64,
        /// What is wrong there.
        reason: &'static str,
        /// First sequence number that is lost.
        first: u64,
        /// Last one.
        last: u64,
    },
    /// The file could not be read; trying again may help.
    Io {
        /// The segment file.
        file: PathBuf,
        /// What the system said.
        error: io::Error,
    },
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Removed { first, last } => {
                write!(f, "deliveries {first} to {last} were removed before they were read")
            }
            Self::Damaged { file, offset, reason, first, last } => {
                let file = file.display();
                write!(f, "{file} is damaged at byte {offset} ({reason}): deliveries {first} to {last} are lost")
            }
            Self::Io { file, error } => write!(f, "{}: {error}", file.display()),
        }
    }
}

impl std::error::Error for ReadError {}
