//! State that lasts as long as the process: for fixtures and for runs of files, which begin anew each time.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use super::{Change, Entry, Key, Store, StoreError};

type Place = (String, Key);

/// State in memory.
#[derive(Debug, Default)]
pub struct Memory {
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    entries: BTreeMap<Place, Entry>,
    /// What was there before, by pipeline, delivery and number of the write.
    undo: BTreeMap<(String, u64, usize), (Key, Option<Entry>)>,
}

impl Memory {
    fn with<T>(&self, run: impl FnOnce(&mut Inner) -> T) -> T {
        run(&mut self.inner.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Store for Memory {
    fn get(&self, pipeline: &str, key: &Key) -> Result<Option<Entry>, StoreError> {
        Ok(self.with(|inner| inner.entries.get(&(pipeline.to_owned(), key.clone())).cloned()))
    }

    fn list(&self, pipeline: &str, space: &str) -> Result<Vec<(String, Entry)>, StoreError> {
        let first = (pipeline.to_owned(), Key { space: space.to_owned(), name: String::new() });
        Ok(self.with(|inner| {
            let all = inner.entries.range(first..);
            let own = all.take_while(|((owner, key), _)| owner == pipeline && key.space == space);
            own.map(|((_, key), entry)| (key.name.clone(), entry.clone())).collect()
        }))
    }

    fn commit(&self, pipeline: &str, changes: &[Change], floor: u64) -> Result<(), StoreError> {
        self.with(|inner| {
            inner.undo.retain(|(owner, seq, _), _| owner != pipeline || *seq > floor);
            for change in changes {
                let expired: Vec<Key> = inner
                    .entries
                    .iter()
                    .filter(|((owner, _), entry)| owner == pipeline && entry.expires_ms <= change.now_ms)
                    .map(|((_, key), _)| key.clone())
                    .collect();
                let removals = expired.into_iter().map(|key| (key, None));
                let writes = change.writes.iter().map(|write| (write.key.clone(), write.entry.clone()));
                for (key, entry) in removals.chain(writes) {
                    let place = (pipeline.to_owned(), key.clone());
                    let before = match entry {
                        Some(entry) => inner.entries.insert(place, entry),
                        None => inner.entries.remove(&place),
                    };
                    let number = inner
                        .undo
                        .range((pipeline.to_owned(), change.seq, 0)..)
                        .take_while(|((owner, seq, _), _)| owner == pipeline && *seq == change.seq)
                        .count();
                    inner.undo.insert((pipeline.to_owned(), change.seq, number), (key, before));
                }
            }
        });
        Ok(())
    }

    fn rollback(&self, pipeline: &str, seq: u64) -> Result<(), StoreError> {
        self.with(|inner| {
            let from = (pipeline.to_owned(), seq.saturating_add(1), 0);
            let places: Vec<_> = inner
                .undo
                .range(from..)
                .map(|(place, _)| place.clone())
                .take_while(|(owner, ..)| owner == pipeline)
                .collect();
            for place in places.into_iter().rev() {
                let Some((key, before)) = inner.undo.remove(&place) else { continue };
                let at = (pipeline.to_owned(), key);
                match before {
                    Some(entry) => inner.entries.insert(at, entry),
                    None => inner.entries.remove(&at),
                };
            }
        });
        Ok(())
    }

    fn erase(&self, pipeline: &str, keys: &[Key]) -> Result<(), StoreError> {
        self.with(|inner| {
            for key in keys {
                inner.entries.remove(&(pipeline.to_owned(), key.clone()));
            }
            inner.undo.retain(|(owner, ..), (key, _)| owner != pipeline || !keys.contains(key));
        });
        Ok(())
    }
}
