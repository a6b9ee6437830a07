//! State that lasts as long as the process: for fixtures and for runs of files, which begin anew each time.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};

use super::{Change, Claim, Entry, Erased, Key, Reach, Store, StoreError};

type Place = (String, Key);

/// State in memory.
#[derive(Debug, Default)]
pub struct Memory {
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    entries: BTreeMap<Place, Entry>,
    /// What expires, by pipeline and time.
    expiry: BTreeSet<(String, i64, Key)>,
    /// What was there before, by pipeline, delivery and number of the write.
    undo: BTreeMap<(String, u64, usize), (Key, Option<Entry>)>,
    /// Up to which delivery that is forgotten.
    floors: BTreeMap<String, u64>,
}

impl Inner {
    fn put(&mut self, pipeline: &str, key: &Key, new: Option<Entry>) -> Option<Entry> {
        let due = |entry: &Entry| (pipeline.to_owned(), entry.expires_ms, key.clone());
        if let Some(new) = new.as_ref().filter(|entry| entry.expires_ms < i64::MAX) {
            self.expiry.insert(due(new));
        }
        let place = (pipeline.to_owned(), key.clone());
        let expires_ms = new.as_ref().map(|entry| entry.expires_ms);
        let before = match new {
            Some(entry) => self.entries.insert(place, entry),
            None => self.entries.remove(&place),
        };
        if let Some(old) = before.as_ref().filter(|old| Some(old.expires_ms) != expires_ms) {
            self.expiry.remove(&due(old));
        }
        before
    }

    fn find(&self, pipeline: &str, reach: &Reach<'_>) -> Vec<(Key, Entry)> {
        let own = self.entries.iter().filter(|((owner, _), _)| owner == pipeline);
        let found = own.filter(|((_, key), entry)| reach.find(key, &entry.value).is_some());
        found.map(|((_, key), entry)| (key.clone(), entry.clone())).collect()
    }

    fn expired(&self, pipeline: &str, now_ms: i64) -> Vec<Key> {
        let first = (pipeline.to_owned(), i64::MIN, Key { space: String::new(), name: String::new() });
        let own = self.expiry.range(first..).take_while(|(owner, at, _)| owner == pipeline && *at <= now_ms);
        own.map(|(.., key)| key.clone()).collect()
    }
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

    fn floor(&self, pipeline: &str) -> Result<u64, StoreError> {
        Ok(self.with(|inner| inner.floors.get(pipeline).copied().unwrap_or(0)))
    }

    fn commit(&self, pipeline: &str, changes: &[Change], floor: u64) -> Result<(), StoreError> {
        self.with(|inner| {
            inner.undo.retain(|(owner, seq, _), _| owner != pipeline || *seq > floor);
            let known = inner.floors.entry(pipeline.to_owned()).or_default();
            *known = floor.max(*known);
            for change in changes {
                let removals = inner.expired(pipeline, change.now_ms).into_iter().map(|key| (key, None));
                let writes = change.writes.iter().map(|write| (write.key.clone(), write.entry.clone()));
                for (number, (key, entry)) in removals.chain(writes).enumerate() {
                    let before = inner.put(pipeline, &key, entry);
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
                inner.put(pipeline, &key, before);
            }
        });
        Ok(())
    }

    fn release(&self, pipeline: &str, claims: &[Claim]) -> Result<(), StoreError> {
        self.with(|inner| {
            for claim in claims {
                let place = (pipeline.to_owned(), claim.key.clone());
                if inner.entries.get(&place).is_some_and(|entry| entry.value == claim.holder) {
                    inner.put(pipeline, &claim.key, None);
                }
            }
        });
        Ok(())
    }

    fn keep(&self, pipeline: &str, claims: &[Claim]) -> Result<(), StoreError> {
        self.with(|inner| {
            for claim in claims {
                let place = (pipeline.to_owned(), claim.key.clone());
                if let Some(entry) = inner.entries.get_mut(&place).filter(|entry| entry.value == claim.holder) {
                    entry.value = claim.kept();
                }
            }
        });
        Ok(())
    }

    fn forget(&self, pipeline: &str) -> Result<(), StoreError> {
        self.with(|inner| {
            inner.entries.retain(|(owner, _), _| owner != pipeline);
            inner.expiry.retain(|(owner, ..)| owner != pipeline);
            inner.undo.retain(|(owner, ..), _| owner != pipeline);
            inner.floors.remove(pipeline);
        });
        Ok(())
    }

    fn find(&self, pipeline: &str, reach: &Reach<'_>) -> Result<Vec<(Key, Entry)>, StoreError> {
        Ok(self.with(|inner| inner.find(pipeline, reach)))
    }

    fn erase(&self, pipeline: &str, reach: &Reach<'_>, erased: &Erased) -> Result<Vec<(Key, Entry)>, StoreError> {
        Ok(self.with(|inner| {
            let found = inner.find(pipeline, reach);
            for (key, _) in &found {
                inner.put(pipeline, key, None);
            }
            inner.undo.retain(|(owner, ..), (key, before)| {
                let value = before.as_ref().map_or(&[][..], |entry| &entry.value);
                owner != pipeline || reach.find(key, value).is_none() && found.iter().all(|(gone, _)| gone != key)
            });
            let (key, entry) = erased.entry();
            inner.put(pipeline, &key, Some(entry));
            found
        }))
    }
}
