//! The state in one embedded store on disk, with what deliveries that may run again have overwritten.
//!
//! | table | key | value |
//! |---|---|---|
//! | `entries` | pipeline, space, name | time of expiry `i64`, value |
//! | `expiry` | pipeline, time of expiry, space, name | – |
//! | `undo` | pipeline, delivery, number | space, name, the entry before |
//! | `floor` | pipeline | the delivery up to which `undo` is forgotten |
//!
//! Texts in keys end in two zero bytes, so that one pipeline's entries stand together; a zero byte within a text is written 0 1. Numbers
//! are big-endian with the sign bit flipped, so that they sort.

use std::collections::HashSet;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use redb::{Database, ReadableDatabase, ReadableTable, TableDefinition, WriteTransaction};

use super::{Change, Claim, Entry, Erased, Key, Reach, Store, StoreError};

const ENTRIES: TableDefinition<'_, &[u8], &[u8]> = TableDefinition::new("entries");
const EXPIRY: TableDefinition<'_, &[u8], ()> = TableDefinition::new("expiry");
const UNDO: TableDefinition<'_, &[u8], &[u8]> = TableDefinition::new("undo");
const FLOOR: TableDefinition<'_, &str, u64> = TableDefinition::new("floor");

/// Expired values that one delivery tidies away: more than it can write, so that the store stays bounded.
const SWEEP_MAX: usize = 64;
/// Memory for pages.
const CACHE_BYTES: usize = 16 << 20;

/// State on disk. The file comes to be with the first change.
pub struct Disk {
    path: PathBuf,
    database: Mutex<Option<std::sync::Arc<Database>>>,
}

impl Disk {
    /// The state in a file, which need not be there yet.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let database = path.exists().then(|| create(path)).transpose()?.map(std::sync::Arc::new);
        Ok(Self { path: path.to_owned(), database: Mutex::new(database) })
    }

    fn existing(&self) -> Option<std::sync::Arc<Database>> {
        self.database.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Replaces what claims hold that are still the same.
    fn end_claims(
        &self,
        pipeline: &str,
        claims: &[Claim],
        new: impl Fn(&Claim, Entry) -> Option<Entry>,
    ) -> Result<(), StoreError> {
        let Some(database) = self.existing() else { return Ok(()) };
        let transaction = database.begin_write().map_err(failed)?;
        for claim in claims {
            let held = {
                let entries = transaction.open_table(ENTRIES).map_err(failed)?;
                let found = entries.get(place(pipeline, &claim.key).as_slice()).map_err(failed)?;
                found.and_then(|bytes| entry(bytes.value()))
            };
            if let Some(entry) = held.filter(|entry| entry.value == claim.holder) {
                put(&transaction, pipeline, &claim.key, new(claim, entry).as_ref())?;
            }
        }
        transaction.commit().map_err(failed)
    }

    fn wanted(&self) -> Result<std::sync::Arc<Database>, StoreError> {
        let mut database = self.database.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(open) = &*database {
            return Ok(std::sync::Arc::clone(open));
        }
        let open = std::sync::Arc::new(create(&self.path)?);
        *database = Some(std::sync::Arc::clone(&open));
        Ok(open)
    }
}

/// Opens the store, and makes it if it is not there. A process that dies while it does so would leave a file that is no store and
/// refused ever after: so a new one gets its name when it is whole.
fn create(path: &Path) -> Result<Database, StoreError> {
    if path.exists() {
        return whole(path);
    }
    let new = path.with_extension("new");
    if new.exists() {
        fs::remove_file(&new).map_err(failed)?;
    }
    drop(whole(&new)?);
    fs::rename(&new, path).map_err(failed)?;
    if let Some(folder) = path.parent().filter(|_| cfg!(unix)) {
        File::open(folder).and_then(|folder| folder.sync_all()).map_err(failed)?;
    }
    whole(path)
}

fn whole(path: &Path) -> Result<Database, StoreError> {
    let database = Database::builder().set_cache_size(CACHE_BYTES).create(path).map_err(failed)?;
    // So that reading never meets a table that is not there.
    let transaction = database.begin_write().map_err(failed)?;
    transaction.open_table(ENTRIES).map_err(failed)?;
    transaction.open_table(EXPIRY).map_err(failed)?;
    transaction.open_table(UNDO).map_err(failed)?;
    transaction.open_table(FLOOR).map_err(failed)?;
    transaction.commit().map_err(failed)?;
    Ok(database)
}

fn failed(error: impl std::fmt::Display) -> StoreError {
    StoreError(error.to_string())
}

impl Store for Disk {
    fn get(&self, pipeline: &str, key: &Key) -> Result<Option<Entry>, StoreError> {
        let Some(database) = self.existing() else { return Ok(None) };
        let table = database.begin_read().map_err(failed)?.open_table(ENTRIES).map_err(failed)?;
        let found = table.get(place(pipeline, key).as_slice()).map_err(failed)?;
        Ok(found.and_then(|bytes| entry(bytes.value())))
    }

    fn list(&self, pipeline: &str, space: &str) -> Result<Vec<(String, Entry)>, StoreError> {
        let Some(database) = self.existing() else { return Ok(Vec::new()) };
        let table = database.begin_read().map_err(failed)?.open_table(ENTRIES).map_err(failed)?;
        let mut prefix = text(pipeline);
        prefix.extend(text(space));
        let mut found = Vec::new();
        for item in table.range(prefix.as_slice()..).map_err(failed)? {
            let (at, value) = item.map_err(failed)?;
            let Some(rest) = at.value().strip_prefix(prefix.as_slice()) else { break };
            let Some((name, _)) = take_text(rest) else { continue };
            found.extend(entry(value.value()).map(|entry| (name, entry)));
        }
        Ok(found)
    }

    fn floor(&self, pipeline: &str) -> Result<u64, StoreError> {
        let Some(database) = self.existing() else { return Ok(0) };
        let table = database.begin_read().map_err(failed)?.open_table(FLOOR).map_err(failed)?;
        Ok(table.get(pipeline).map_err(failed)?.map_or(0, |floor| floor.value()))
    }

    fn commit(&self, pipeline: &str, changes: &[Change], floor: u64) -> Result<(), StoreError> {
        if changes.iter().all(|change| change.writes.is_empty()) {
            return Ok(());
        }
        let database = self.wanted()?;
        let transaction = database.begin_write().map_err(failed)?;
        forget_undo(&transaction, pipeline, floor)?;
        for change in changes {
            let writes = expired(&transaction, pipeline, change.now_ms)?
                .into_iter()
                .map(|key| (key, None))
                .chain(change.writes.iter().map(|write| (write.key.clone(), write.entry.clone())));
            for (number, (key, entry)) in (0..).zip(writes) {
                let before = put(&transaction, pipeline, &key, entry.as_ref())?;
                let mut at = text(pipeline);
                at.extend(change.seq.to_be_bytes());
                at.extend(u32::to_be_bytes(number));
                let mut kept = text(&key.space);
                kept.extend(text(&key.name));
                kept.extend(before.as_ref().map(bytes).unwrap_or_default());
                transaction.open_table(UNDO).map_err(failed)?.insert(at.as_slice(), kept.as_slice()).map_err(failed)?;
            }
        }
        transaction.commit().map_err(failed)
    }

    fn rollback(&self, pipeline: &str, seq: u64) -> Result<(), StoreError> {
        let Some(database) = self.existing() else { return Ok(()) };
        let transaction = database.begin_write().map_err(failed)?;
        let prefix = text(pipeline);
        let mut from = prefix.clone();
        from.extend(seq.saturating_add(1).to_be_bytes());
        let kept: Vec<(Vec<u8>, Vec<u8>)> = {
            let undo = transaction.open_table(UNDO).map_err(failed)?;
            let mut kept = Vec::new();
            for item in undo.range(from.as_slice()..).map_err(failed)? {
                let (at, value) = item.map_err(failed)?;
                if !at.value().starts_with(&prefix) {
                    break;
                }
                kept.push((at.value().to_vec(), value.value().to_vec()));
            }
            kept
        };
        for (at, value) in kept.into_iter().rev() {
            if let Some((key, before)) = kept_key(&value) {
                put(&transaction, pipeline, &key, entry(before).as_ref())?;
            }
            transaction.open_table(UNDO).map_err(failed)?.remove(at.as_slice()).map_err(failed)?;
        }
        transaction.commit().map_err(failed)
    }

    fn release(&self, pipeline: &str, claims: &[Claim]) -> Result<(), StoreError> {
        self.end_claims(pipeline, claims, |_, _| None)
    }

    fn keep(&self, pipeline: &str, claims: &[Claim]) -> Result<(), StoreError> {
        self.end_claims(pipeline, claims, |claim, entry| Some(Entry { value: claim.kept(), ..entry }))
    }

    fn forget(&self, pipeline: &str) -> Result<(), StoreError> {
        let Some(database) = self.existing() else { return Ok(()) };
        let transaction = database.begin_write().map_err(failed)?;
        let prefix = text(pipeline);
        let mut entries = transaction.open_table(ENTRIES).map_err(failed)?;
        entries.retain(|at, _| !at.starts_with(&prefix)).map_err(failed)?;
        drop(entries);
        let mut expiry = transaction.open_table(EXPIRY).map_err(failed)?;
        expiry.retain(|at, ()| !at.starts_with(&prefix)).map_err(failed)?;
        drop(expiry);
        let mut undo = transaction.open_table(UNDO).map_err(failed)?;
        undo.retain(|at, _| !at.starts_with(&prefix)).map_err(failed)?;
        drop(undo);
        transaction.open_table(FLOOR).map_err(failed)?.remove(pipeline).map_err(failed)?;
        transaction.commit().map_err(failed)
    }

    fn find(&self, pipeline: &str, reach: &Reach<'_>) -> Result<Vec<(Key, Entry)>, StoreError> {
        let Some(database) = self.existing() else { return Ok(Vec::new()) };
        let table = database.begin_read().map_err(failed)?.open_table(ENTRIES).map_err(failed)?;
        find(&table, pipeline, reach)
    }

    fn erase(&self, pipeline: &str, reach: &Reach<'_>, erased: &Erased) -> Result<Vec<(Key, Entry)>, StoreError> {
        let transaction = self.wanted()?.begin_write().map_err(failed)?;
        let found = find(&transaction.open_table(ENTRIES).map_err(failed)?, pipeline, reach)?;
        for (key, _) in &found {
            put(&transaction, pipeline, key, None)?;
        }
        let gone: HashSet<&Key> = found.iter().map(|(key, _)| key).collect();
        let prefix = text(pipeline);
        transaction
            .open_table(UNDO)
            .map_err(failed)?
            .retain(|at, kept| {
                let Some((key, before)) = at.strip_prefix(prefix.as_slice()).and_then(|_| kept_key(kept)) else {
                    return true;
                };
                let value = entry(before).map(|entry| entry.value).unwrap_or_default();
                !gone.contains(&key) && reach.find(&key, &value).is_none()
            })
            .map_err(failed)?;
        let (key, note) = erased.entry();
        put(&transaction, pipeline, &key, Some(&note))?;
        transaction.commit().map_err(failed)?;
        Ok(found)
    }
}

/// The entries of a pipeline that are within reach.
fn find(
    table: &impl ReadableTable<&'static [u8], &'static [u8]>,
    pipeline: &str,
    reach: &Reach<'_>,
) -> Result<Vec<(Key, Entry)>, StoreError> {
    let prefix = text(pipeline);
    let mut found = Vec::new();
    for item in table.range(prefix.as_slice()..).map_err(failed)? {
        let (at, value) = item.map_err(failed)?;
        let Some(rest) = at.value().strip_prefix(prefix.as_slice()) else { break };
        let Some(((key, _), entry)) = kept_key(rest).zip(entry(value.value())) else { continue };
        if reach.find(&key, &entry.value).is_some() {
            found.push((key, entry));
        }
    }
    Ok(found)
}

/// The space and name that bytes begin with, and what follows them.
fn kept_key(bytes: &[u8]) -> Option<(Key, &[u8])> {
    let (space, rest) = take_text(bytes)?;
    let (name, rest) = take_text(rest)?;
    Some((Key { space, name }, rest))
}

/// Sets or removes an entry, and gives the one before.
fn put(
    transaction: &WriteTransaction,
    pipeline: &str,
    key: &Key,
    new: Option<&Entry>,
) -> Result<Option<Entry>, StoreError> {
    let at = place(pipeline, key);
    let mut entries = transaction.open_table(ENTRIES).map_err(failed)?;
    let before = match new {
        Some(new) => entries.insert(at.as_slice(), bytes(new).as_slice()).map_err(failed)?,
        None => entries.remove(at.as_slice()).map_err(failed)?,
    };
    let before = before.and_then(|bytes| entry(bytes.value()));
    let mut expiry = transaction.open_table(EXPIRY).map_err(failed)?;
    if let Some(old) = before.as_ref().filter(|entry| entry.expires_ms < i64::MAX) {
        expiry.remove(due(pipeline, old.expires_ms, Some(key)).as_slice()).map_err(failed)?;
    }
    if let Some(new) = new.filter(|entry| entry.expires_ms < i64::MAX) {
        expiry.insert(due(pipeline, new.expires_ms, Some(key)).as_slice(), ()).map_err(failed)?;
    }
    Ok(before)
}

/// Some keys whose time is over.
fn expired(transaction: &WriteTransaction, pipeline: &str, now_ms: i64) -> Result<Vec<Key>, StoreError> {
    let prefix = text(pipeline);
    let end = due(pipeline, now_ms.saturating_add(1), None);
    let expiry = transaction.open_table(EXPIRY).map_err(failed)?;
    let mut keys = Vec::new();
    for item in expiry.range(prefix.as_slice()..end.as_slice()).map_err(failed)?.take(SWEEP_MAX) {
        let (at, ()) = item.map_err(failed).map(|(at, _)| (at, ()))?;
        let rest = at.value().get(prefix.len() + 8..).unwrap_or_default();
        keys.extend(kept_key(rest).map(|(key, _)| key));
    }
    Ok(keys)
}

/// Forgets how to take back what will not be taken back.
fn forget_undo(transaction: &WriteTransaction, pipeline: &str, floor: u64) -> Result<(), StoreError> {
    let from = text(pipeline);
    let mut to = from.clone();
    to.extend(floor.saturating_add(1).to_be_bytes());
    let mut undo = transaction.open_table(UNDO).map_err(failed)?;
    undo.retain_in(from.as_slice()..to.as_slice(), |_, _| false).map_err(failed)?;
    let mut floors = transaction.open_table(FLOOR).map_err(failed)?;
    let known = floors.get(pipeline).map_err(failed)?.map_or(0, |floor| floor.value());
    if floor > known {
        floors.insert(pipeline, floor).map_err(failed)?;
    }
    Ok(())
}

fn place(pipeline: &str, key: &Key) -> Vec<u8> {
    let mut at = text(pipeline);
    at.extend(text(&key.space));
    at.extend(text(&key.name));
    at
}

fn due(pipeline: &str, expires_ms: i64, key: Option<&Key>) -> Vec<u8> {
    let mut at = text(pipeline);
    at.extend((expires_ms as u64 ^ 1 << 63).to_be_bytes());
    if let Some(key) = key {
        at.extend(text(&key.space));
        at.extend(text(&key.name));
    }
    at
}

fn bytes(entry: &Entry) -> Vec<u8> {
    let mut bytes = entry.expires_ms.to_be_bytes().to_vec();
    bytes.extend_from_slice(&entry.value);
    bytes
}

fn entry(bytes: &[u8]) -> Option<Entry> {
    let (time, value) = bytes.split_first_chunk::<8>()?;
    Some(Entry { value: value.to_vec(), expires_ms: i64::from_be_bytes(*time) })
}

fn text(text: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len() + 1);
    for byte in text.bytes() {
        out.push(byte);
        if byte == 0 {
            out.push(1);
        }
    }
    out.extend([0, 0]);
    out
}

fn take_text(bytes: &[u8]) -> Option<(String, &[u8])> {
    let mut out = Vec::new();
    let mut at = 0;
    loop {
        match (bytes.get(at)?, bytes.get(at + 1)) {
            (0, Some(0)) => return Some((String::from_utf8(out).ok()?, &bytes[at + 2..])),
            (0, Some(1)) => {
                out.push(0);
                at += 2;
            }
            (0, _) => return None,
            (byte, _) => {
                out.push(*byte);
                at += 1;
            }
        }
    }
}
