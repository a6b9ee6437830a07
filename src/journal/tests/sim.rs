//! A storage that fails on command and remembers what a power loss would leave.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex};

use proptest::prelude::Rng;
use proptest::test_runner::TestRng;

use crate::journal::storage::{COPY, LogFile, Storage};

/// Which failures come, and when.
#[derive(Debug, Clone, Default)]
pub(super) struct Plan {
    /// The power goes after so many more bytes were written.
    pub(super) power_bytes: Option<u64>,
    /// The disk has room for so many more bytes.
    pub(super) room_bytes: Option<u64>,
    /// A write takes so many bytes at most.
    pub(super) short_write: Option<usize>,
    /// Syncs fail.
    pub(super) fail_sync: bool,
    /// Syncs wait until this is taken back.
    pub(super) hold_sync: bool,
}

#[derive(Debug, Default)]
struct State {
    plan: Plan,
    off: bool,
    syncs: u64,
    safe: BTreeMap<PathBuf, Safe>,
}

/// What a power loss leaves of a file.
#[derive(Debug, Clone, Copy)]
struct Safe {
    bytes: u64,
    name: bool,
}

/// The storage. Clones share everything. Nothing is really synced, so it is fast.
#[derive(Debug, Clone, Default)]
pub(super) struct Sim {
    shared: Arc<(Mutex<State>, Condvar)>,
}

struct SimFile {
    sim: Sim,
    path: PathBuf,
    file: File,
}

impl Sim {
    pub(super) fn storage(&self) -> Arc<dyn Storage> {
        Arc::new(self.clone())
    }

    pub(super) fn plan(&self, change: impl FnOnce(&mut Plan)) {
        change(&mut self.shared.0.lock().unwrap().plan);
        self.shared.1.notify_all();
    }

    pub(super) fn syncs(&self) -> u64 {
        self.shared.0.lock().unwrap().syncs
    }

    /// A new process comes after one that was killed: the system still holds what was not synced.
    pub(super) fn restart(&self) {
        let mut state = self.shared.0.lock().unwrap();
        state.off = false;
        state.plan = Plan::default();
    }

    /// What the disk holds after the power came back: what was synced, and of the rest a random prefix, some sectors of which
    /// may never have been written.
    pub(super) fn power_loss(&self, rng: &mut TestRng) {
        let mut state = self.shared.0.lock().unwrap();
        for (path, safe) in &state.safe {
            if !safe.name && below(rng, 2) == 0 {
                std::fs::remove_file(path).unwrap();
                continue;
            }
            let mut file = OpenOptions::new().read(true).write(true).open(path).unwrap();
            let len = file.metadata().unwrap().len();
            let kept = safe.bytes + below(rng, len.saturating_sub(safe.bytes) + 1);
            file.set_len(kept).unwrap();
            if kept > safe.bytes && below(rng, 2) == 0 {
                let hole = safe.bytes + below(rng, kept - safe.bytes);
                let mut rest = Vec::new();
                file.seek(SeekFrom::Start(hole)).unwrap();
                file.read_to_end(&mut rest).unwrap();
                let size = rest.len().min(below(rng, 64) as usize);
                file.seek(SeekFrom::Start(hole)).unwrap();
                file.write_all(&vec![0; size]).unwrap();
            }
        }
        *state = State::default();
    }
}

impl State {
    fn check(&self) -> io::Result<()> {
        if self.off { Err(io::Error::other("the power is off")) } else { Ok(()) }
    }
}

impl Sim {
    fn open(&self, path: &Path, create: bool) -> io::Result<Box<dyn LogFile>> {
        let mut state = self.shared.0.lock().unwrap();
        state.check()?;
        let file = OpenOptions::new().append(true).create_new(create).open(path)?;
        let bytes = file.metadata()?.len();
        state.safe.entry(path.to_owned()).or_insert(Safe { bytes, name: !create });
        Ok(Box::new(SimFile { sim: self.clone(), path: path.to_owned(), file }))
    }
}

impl Storage for Sim {
    fn create(&self, path: &Path) -> io::Result<Box<dyn LogFile>> {
        self.open(path, true)
    }

    fn append(&self, path: &Path) -> io::Result<Box<dyn LogFile>> {
        self.open(path, false)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        let mut state = self.shared.0.lock().unwrap();
        state.check()?;
        state.safe.remove(path);
        std::fs::remove_file(path)
    }

    fn replace(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        let mut state = self.shared.0.lock().unwrap();
        state.check()?;
        let copy = path.with_extension(COPY);
        if let Some(left) = state.plan.power_bytes.filter(|left| *left < bytes.len() as u64) {
            state.off = true;
            std::fs::write(&copy, &bytes[..left as usize])?;
            return state.check();
        }
        if state.plan.fail_sync {
            std::fs::write(&copy, bytes)?;
            return Err(io::Error::other("the sync failed"));
        }
        std::fs::write(&copy, bytes)?;
        std::fs::rename(&copy, path)?;
        state.safe.insert(path.to_owned(), Safe { bytes: bytes.len() as u64, name: true });
        Ok(())
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        let mut state = self.shared.0.lock().unwrap();
        state.check()?;
        for (path, safe) in &mut state.safe {
            safe.name |= path.parent() == Some(dir);
        }
        Ok(())
    }
}

impl LogFile for SimFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut state = self.sim.shared.0.lock().unwrap();
        state.check()?;
        let mut take = bytes.len().min(state.plan.short_write.unwrap_or(usize::MAX));
        if let Some(room) = &mut state.plan.room_bytes {
            if *room == 0 {
                return Err(io::ErrorKind::StorageFull.into());
            }
            take = take.min(*room as usize);
            *room -= take as u64;
        }
        if let Some(left) = &mut state.plan.power_bytes {
            let possible = take.min(*left as usize);
            *left -= possible as u64;
            if possible < take {
                state.off = true;
                self.file.write_all(&bytes[..possible])?;
                return state.check().map(|()| 0);
            }
        }
        self.file.write_all(&bytes[..take])?;
        Ok(take)
    }

    fn cut(&mut self, bytes: u64) -> io::Result<()> {
        let mut state = self.sim.shared.0.lock().unwrap();
        state.check()?;
        let safe = state.safe.get_mut(&self.path).unwrap();
        safe.bytes = safe.bytes.min(bytes);
        self.file.set_len(bytes)
    }

    fn sync(&mut self) -> io::Result<()> {
        let (state, changed) = &*self.sim.shared;
        let mut state = state.lock().unwrap();
        state.check()?;
        state.syncs += 1;
        changed.notify_all();
        while state.plan.hold_sync {
            state = changed.wait(state).unwrap();
        }
        if state.plan.fail_sync {
            return Err(io::Error::other("the sync failed"));
        }
        let bytes = self.file.metadata()?.len();
        state.safe.get_mut(&self.path).unwrap().bytes = bytes;
        Ok(())
    }
}

/// A random number below `bound`, which is not 0.
fn below(rng: &mut TestRng, bound: u64) -> u64 {
    rng.next_u64() % bound
}
