//! Cursors: how far each sink of each pipeline has come, in one small file each.
//!
//! A file has two slots, a sector apart. Only the slot that was not synced last is written, so a torn write leaves the older
//! value, and the sink sends again what it had sent: at least once, never less.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

use super::storage::{Disk, Storage};
use super::sync::lock;
use super::wire::Take;

const MAGIC: [u8; 4] = *b"CWC1";
const SLOT_BYTES: u64 = 512;
const USED_BYTES: usize = 24;
const NAME: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_');

type Key = (String, String);

/// The cursors below one directory: `<dir>/<pipeline>/<sink>`.
pub struct Cursors {
    dir: PathBuf,
    open: Mutex<BTreeMap<Key, Arc<Mutex<Cursor>>>>,
    damaged: Vec<Key>,
    /// Held by who syncs: one at a time.
    syncing: Mutex<()>,
}

struct Cursor {
    file: Arc<File>,
    seq: u64,
    generation: u64,
    /// The slot that survives whatever happens to a write now, and what it says.
    synced_slot: u64,
    synced: u64,
    dirty: bool,
    /// While the other slot is synced it is not written: what comes then is written afterwards.
    syncing: bool,
    late: bool,
}

impl Cursors {
    /// Opens the directory, or creates it, and reads all cursors.
    pub fn open(dir: &Path) -> io::Result<Self> {
        std::fs::create_dir_all(dir)?;
        let mut cursors = BTreeMap::new();
        let mut damaged = Vec::new();
        for (pipeline, folder) in named_entries(dir)? {
            if !folder.is_dir() {
                continue;
            }
            for (sink, path) in named_entries(&folder)? {
                let key = (pipeline.clone(), sink);
                let (cursor, intact) = Cursor::open(&path)?;
                if !intact {
                    damaged.push(key.clone());
                }
                cursors.insert(key, Arc::new(Mutex::new(cursor)));
            }
        }
        Ok(Self { dir: dir.to_owned(), open: Mutex::new(cursors), damaged, syncing: Mutex::default() })
    }

    /// Cursors whose file said nothing readable. They stand at 0: sending everything again is safe, passing over it is not.
    pub fn damaged(&self) -> &[(String, String)] {
        &self.damaged
    }

    /// The last sequence number that the sink is done with; `None` if it is new.
    pub fn get(&self, pipeline: &str, sink: &str) -> Option<u64> {
        self.find(pipeline, sink).map(|cursor| lock(&cursor).seq)
    }

    /// The same, as it would be after a power loss.
    pub fn synced(&self, pipeline: &str, sink: &str) -> Option<u64> {
        self.find(pipeline, sink).map(|cursor| lock(&cursor).synced)
    }

    /// Moves a cursor, back as well as forth. Survives the end of the process at once (during a sync: after it), and a power loss
    /// after [`Self::sync`]; a new cursor survives both at once. Never waits for a sync.
    pub fn set(&self, pipeline: &str, sink: &str, seq: u64) -> io::Result<()> {
        if let Some(cursor) = self.find(pipeline, sink) {
            return lock(&cursor).set(seq);
        }
        if pipeline.is_empty() || sink.is_empty() {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                "a cursor needs the names of a pipeline and a sink",
            ));
        }
        let mut cursors = lock(&self.open);
        let cursor = Cursor::create(&self.dir, &self.path(pipeline, sink), seq)?;
        cursors.insert((pipeline.to_owned(), sink.to_owned()), Arc::new(Mutex::new(cursor)));
        Ok(())
    }

    /// Makes all cursors survive a power loss. Stops at no failure, and reports the last one. Blocks for as long as the disk takes;
    /// nobody else does.
    pub fn sync(&self) -> io::Result<()> {
        let _turn = lock(&self.syncing);
        let cursors: Vec<_> = lock(&self.open).values().cloned().collect();
        let mut result = Ok(());
        for cursor in cursors {
            let Some((file, seq)) = lock(&cursor).begin_sync() else { continue };
            let synced = file.sync_data();
            let ended = lock(&cursor).end_sync(seq, synced);
            result = ended.and(result);
        }
        result
    }

    /// All cursors as (pipeline, sink, sequence number), in order.
    pub fn list(&self) -> Vec<(String, String, u64)> {
        let cursors = lock(&self.open);
        let seq = |cursor: &Arc<Mutex<Cursor>>| lock(cursor).seq;
        cursors.iter().map(|((pipeline, sink), cursor)| (pipeline.clone(), sink.clone(), seq(cursor))).collect()
    }

    /// Forgets a sink. True if there was one.
    pub fn remove(&self, pipeline: &str, sink: &str) -> io::Result<bool> {
        let mut cursors = lock(&self.open);
        if cursors.remove(&(pipeline.to_owned(), sink.to_owned())).is_none() {
            return Ok(false);
        }
        let path = self.path(pipeline, sink);
        std::fs::remove_file(&path)?;
        if !cursors.keys().any(|(other, _)| other == pipeline) {
            std::fs::remove_dir(self.dir.join(encode_name(pipeline)))?;
        }
        Ok(true)
    }

    fn find(&self, pipeline: &str, sink: &str) -> Option<Arc<Mutex<Cursor>>> {
        lock(&self.open).get(&(pipeline.to_owned(), sink.to_owned())).cloned()
    }

    fn path(&self, pipeline: &str, sink: &str) -> PathBuf {
        self.dir.join(encode_name(pipeline)).join(encode_name(sink))
    }
}

impl Cursor {
    /// Appears under its name only when it is whole and durable, so that an empty file is never taken for a cursor at 0.
    fn create(root: &Path, path: &Path, seq: u64) -> io::Result<Self> {
        let folder = path.parent().unwrap_or(root);
        std::fs::create_dir_all(folder)?;
        Disk.sync_dir(root)?;
        let temporary = path.with_extension("new");
        let file = OpenOptions::new().read(true).write(true).create(true).truncate(true).open(&temporary)?;
        file.set_len(2 * SLOT_BYTES)?;
        let mut cursor = Self::over(file, seq, 0, 1);
        cursor.set(seq)?;
        if let Some((file, seq)) = cursor.begin_sync() {
            cursor.end_sync(seq, file.sync_data())?;
        }
        std::fs::rename(&temporary, path)?;
        Disk.sync_dir(folder)?;
        Ok(cursor)
    }

    fn open(path: &Path) -> io::Result<(Self, bool)> {
        let mut file = OpenOptions::new().read(true).write(true).open(path)?;
        let mut bytes = Vec::new();
        (&mut file).take(2 * SLOT_BYTES).read_to_end(&mut bytes)?;
        let newest = (0..2).filter_map(|slot| Some((decode_slot(&bytes, slot)?, slot))).max();
        let intact = newest.is_some();
        let ((generation, seq), slot) = newest.unwrap_or(((0, 0), 1));
        // What a killed process wrote may not be on the disk yet: the older slot may be all there is, so this one is made safe.
        file.sync_data()?;
        Ok((Self::over(file, seq, generation, slot), intact))
    }

    fn over(file: File, seq: u64, generation: u64, synced_slot: u64) -> Self {
        let file = Arc::new(file);
        Self { file, seq, generation, synced_slot, synced: seq, dirty: false, syncing: false, late: false }
    }

    fn set(&mut self, seq: u64) -> io::Result<()> {
        self.seq = seq;
        self.dirty = true;
        self.late = self.syncing;
        if self.late { Ok(()) } else { self.write() }
    }

    fn write(&mut self) -> io::Result<()> {
        self.generation += 1;
        let slot = 1 - self.synced_slot;
        let mut file = &*self.file;
        file.seek(SeekFrom::Start(slot * SLOT_BYTES))?;
        file.write_all(&encode_slot(self.generation, self.seq))
    }

    /// What is to be synced, if anything is, and what will be safe then. Nothing is locked meanwhile.
    fn begin_sync(&mut self) -> Option<(Arc<File>, u64)> {
        if !std::mem::take(&mut self.dirty) {
            return None;
        }
        self.syncing = true;
        Some((Arc::clone(&self.file), self.seq))
    }

    fn end_sync(&mut self, seq: u64, synced: io::Result<()>) -> io::Result<()> {
        self.syncing = false;
        if synced.is_ok() {
            self.synced_slot = 1 - self.synced_slot;
            self.synced = seq;
        }
        // What a failed sync left is not tried again by the system unless it is written again.
        if std::mem::take(&mut self.late) || synced.is_err() {
            self.dirty = true;
            self.write()?;
        }
        synced
    }
}

fn encode_slot(generation: u64, seq: u64) -> Vec<u8> {
    let mut out = Vec::with_capacity(USED_BYTES);
    out.extend_from_slice(&MAGIC);
    out.extend_from_slice(&generation.to_le_bytes());
    out.extend_from_slice(&seq.to_le_bytes());
    out.extend_from_slice(&crc32fast::hash(&out).to_le_bytes());
    out
}

/// The generation and the sequence number in a slot, if it is whole.
fn decode_slot(bytes: &[u8], slot: u64) -> Option<(u64, u64)> {
    let start = (slot * SLOT_BYTES) as usize;
    let (covered, crc) = bytes.get(start..start + USED_BYTES)?.split_last_chunk::<4>()?;
    let rest = covered.strip_prefix(&MAGIC)?;
    if crc32fast::hash(covered).to_le_bytes() != *crc {
        return None;
    }
    let mut take = Take::new(rest);
    Some((take.u64()?, take.u64()?))
}

/// A name as a file name: no separators, no dots, so that neither `..` nor a temporary file can be meant.
fn encode_name(name: &str) -> String {
    utf8_percent_encode(name, NAME).to_string()
}

/// The entries of a directory whose names we could have given, with these names.
fn named_entries(dir: &Path) -> io::Result<Vec<(String, PathBuf)>> {
    let mut entries = Vec::new();
    for entry in std::fs::read_dir(dir)? {
        let entry = entry?;
        let file_name = entry.file_name();
        let Some(encoded) = file_name.to_str() else { continue };
        let Ok(name) = percent_decode_str(encoded).decode_utf8() else { continue };
        if encode_name(&name) == encoded {
            entries.push((name.into_owned(), entry.path()));
        }
    }
    Ok(entries)
}
