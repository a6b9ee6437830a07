//! What lies in the data directory.

use std::path::Path;
use std::sync::Arc;

use super::audit::Audit;
use super::start::StartError;
use crate::journal::{Cursors, DeadLetters, DeadOptions, Journal, JournalError, JournalOptions};
use crate::state::{Disk, Store};

/// All of it, open.
pub(super) struct Stores {
    pub(super) journal: Arc<Journal>,
    pub(super) cursors: Arc<Cursors>,
    pub(super) dead: Arc<DeadLetters>,
    pub(super) state: Arc<dyn Store>,
    pub(super) audit: Audit,
    /// Bytes that a torn write left at the journal's end.
    pub(super) recovered_bytes: u64,
}

impl Stores {
    pub(super) fn open(dir: &Path, journal: &JournalOptions) -> Result<Self, StartError> {
        let other = |what: &str| {
            let what = what.to_owned();
            move |error: JournalError| StartError::Io(what, std::io::Error::other(error))
        };
        std::fs::create_dir_all(dir)
            .map_err(|error| StartError::Io(format!("the data directory {}", dir.display()), error))?;
        let cursors =
            Cursors::open(&dir.join("cursors")).map_err(|error| StartError::Io("the cursors".into(), error))?;
        // Even a journal that was deleted by hand must not give out a number that a cursor has passed.
        let after_seq = cursors.list().iter().map(|(.., seq)| *seq).max().unwrap_or(0);
        let options = JournalOptions { after_seq, ..journal.clone() };
        let (journal, recovery) = Journal::open(&dir.join("journal"), options).map_err(other("the journal"))?;
        let (dead, _) =
            DeadLetters::open(&dir.join("dead"), DeadOptions::default()).map_err(other("the dead letters"))?;
        let state = Disk::open(&dir.join("state.redb"))
            .map_err(|error| StartError::Io("the data directory".into(), std::io::Error::other(error)))?;
        let audit = Audit::open(dir).map_err(|error| StartError::Io("the record of erasures".into(), error))?;
        Ok(Self {
            journal,
            cursors: Arc::new(cursors),
            dead: Arc::new(dead),
            state: Arc::new(state),
            audit,
            recovered_bytes: recovery.cut_bytes(),
        })
    }
}
