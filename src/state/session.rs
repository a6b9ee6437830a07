//! The state as one run sees it: what is stored, under what the deliveries before it in the same job and the run itself wrote.
//!
//! One session serves a job: deliveries one after another on one thread. Each begins with [`Session::begin`] and ends with
//! [`Session::finish`] or [`Session::discard`]. A step that fails takes its own writes back by a [`mark`](Session::mark).

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::fmt;
use std::rc::Rc;
use std::sync::Arc;

use super::{Change, Entry, Key, Store, StoreError, Write};
use crate::lookup::{Answer, Answers, Lookup, LookupKey};

/// The longest key, in bytes.
const KEY_BYTES_MAX: usize = 1024;
/// The largest value, in bytes. An event that waits may be larger: deliveries are bounded elsewhere.
const VALUE_BYTES_MAX: usize = 64 << 10;
/// Changes that one delivery may make.
const WRITES_MAX: usize = 10_000;
/// Bytes of keys and values that one delivery may write, beside the events that wait.
const BYTES_MAX: usize = 16 << 20;
/// Bytes of events that wait, each with its delivery, that one delivery may write.
const HELD_BYTES_MAX: usize = 128 << 20;
/// Lookups that one run of a delivery may ask for at once.
const NEEDS_MAX: usize = 256;

/// Why a change is not taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Limit {
    /// The key is too long.
    Key,
    /// The value is too large.
    Value,
    /// Too many changes.
    Writes,
    /// Too many bytes in all changes together.
    Bytes,
    /// The store failed.
    Store(StoreError),
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Key => write!(f, "a key of the state has at most {KEY_BYTES_MAX} bytes"),
            Self::Value => write!(f, "a value of the state has at most {VALUE_BYTES_MAX} bytes"),
            Self::Writes => write!(f, "one delivery changes the state at most {WRITES_MAX} times"),
            Self::Bytes => write!(
                f,
                "one delivery writes at most {} MiB of state, and {} MiB of events that wait",
                BYTES_MAX >> 20,
                HELD_BYTES_MAX >> 20
            ),
            Self::Store(error) => error.fmt(f),
        }
    }
}

/// A key that an event has taken for itself, and gives back if it dies: see the step `dedupe`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// What it has taken.
    pub key: Key,
    /// Who holds it: what was written there.
    pub holder: Vec<u8>,
}

/// A place in the writes of a delivery that one can go back to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mark(usize);

/// What the overlay held of a key: nothing, a removal, or a value.
#[allow(clippy::option_option, reason = "a removal is something that the overlay holds")]
type Before = Option<Option<Entry>>;

/// The state and the answers of a run.
pub struct Session {
    store: Arc<dyn Store>,
    pipeline: Arc<str>,
    now_ms: Cell<i64>,
    overlay: RefCell<BTreeMap<Key, Option<Entry>>>,
    writes: RefCell<Vec<Write>>,
    /// What the overlay held before each write.
    before: RefCell<Vec<Before>>,
    /// Bytes of the writes, and of those that are events which wait.
    bytes: Cell<(usize, usize)>,
    answers: RefCell<Answers>,
    needs: RefCell<Vec<Lookup>>,
    wakes: RefCell<Vec<String>>,
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session").field("pipeline", &self.pipeline).finish_non_exhaustive()
    }
}

impl Session {
    /// A session over what a store holds now.
    pub fn new(store: Arc<dyn Store>, pipeline: &Arc<str>) -> Rc<Self> {
        Rc::new(Self {
            store,
            pipeline: Arc::clone(pipeline),
            now_ms: Cell::new(0),
            overlay: RefCell::default(),
            writes: RefCell::default(),
            before: RefCell::default(),
            bytes: Cell::default(),
            answers: RefCell::default(),
            needs: RefCell::default(),
            wakes: RefCell::default(),
        })
    }

    /// A session that remembers nothing from before: for conditions and examples.
    pub fn empty() -> Rc<Self> {
        Self::new(Arc::new(super::Memory::default()), &Arc::from(""))
    }

    /// A delivery begins, with the answers it has so far.
    pub fn begin(&self, now_ms: i64, answers: Answers) {
        self.now_ms.set(now_ms);
        self.answers.replace(answers);
        self.writes.borrow_mut().clear();
        self.before.borrow_mut().clear();
        self.bytes.set((0, 0));
        self.needs.borrow_mut().clear();
        self.wakes.borrow_mut().clear();
    }

    /// The delivery's time, by which values expire.
    pub fn now_ms(&self) -> i64 {
        self.now_ms.get()
    }

    /// A value that has not expired.
    pub fn get(&self, space: &str, name: &str) -> Result<Option<Entry>, StoreError> {
        let key = Key { space: space.to_owned(), name: name.to_owned() };
        let entry = match self.overlay.borrow().get(&key) {
            Some(entry) => entry.clone(),
            None => self.store.get(&self.pipeline, &key)?,
        };
        Ok(entry.filter(|entry| entry.expires_ms > self.now_ms.get()))
    }

    /// Remembers a value. `ttl_ms`: for how long; `None`: for ever.
    pub fn set(&self, space: &str, name: &str, value: Vec<u8>, ttl_ms: Option<u64>) -> Result<(), Limit> {
        if value.len() > VALUE_BYTES_MAX && space != super::HELD_SPACE {
            return Err(Limit::Value);
        }
        let ttl = ttl_ms.map(|ttl| i64::try_from(ttl).unwrap_or(i64::MAX));
        let expires_ms = ttl.map_or(i64::MAX, |ttl| self.now_ms.get().saturating_add(ttl));
        self.write(space, name, Some(Entry { value, expires_ms }))
    }

    /// Forgets a value.
    pub fn remove(&self, space: &str, name: &str) -> Result<(), Limit> {
        self.write(space, name, None)
    }

    fn write(&self, space: &str, name: &str, entry: Option<Entry>) -> Result<(), Limit> {
        if name.len() > KEY_BYTES_MAX {
            return Err(Limit::Key);
        }
        let mut writes = self.writes.borrow_mut();
        if writes.len() >= WRITES_MAX {
            return Err(Limit::Writes);
        }
        let write = Write { key: Key { space: space.to_owned(), name: name.to_owned() }, entry };
        let (plain, held) = self.bytes.get();
        let (more, more_held) = bytes_of(&write);
        if plain + more > BYTES_MAX || held + more_held > HELD_BYTES_MAX {
            return Err(Limit::Bytes);
        }
        self.bytes.set((plain + more, held + more_held));
        let before = self.overlay.borrow_mut().insert(write.key.clone(), write.entry.clone());
        self.before.borrow_mut().push(before);
        writes.push(write);
        Ok(())
    }

    /// Gives a claim back, if it is still the same one.
    pub fn release(&self, claim: &Claim) -> Result<(), Limit> {
        let held = self.get(&claim.key.space, &claim.key.name).map_err(Limit::Store)?;
        if held.is_some_and(|entry| entry.value == claim.holder) {
            self.remove(&claim.key.space, &claim.key.name)?;
        }
        Ok(())
    }

    /// The present place in the writes.
    pub fn mark(&self) -> Mark {
        Mark(self.writes.borrow().len())
    }

    /// Takes back all writes since a mark.
    pub fn back_to(&self, mark: Mark) {
        let mut writes = self.writes.borrow_mut();
        let mut before = self.before.borrow_mut();
        let mut overlay = self.overlay.borrow_mut();
        while writes.len() > mark.0 {
            let (Some(write), Some(was)) = (writes.pop(), before.pop()) else { break };
            let ((plain, held), (less, less_held)) = (self.bytes.get(), bytes_of(&write));
            self.bytes.set((plain.saturating_sub(less), held.saturating_sub(less_held)));
            match was {
                Some(entry) => overlay.insert(write.key, entry),
                None => overlay.remove(&write.key),
            };
        }
    }

    /// The same, but for what was written in one space.
    pub fn back_to_but(&self, mark: Mark, space: &str) {
        let kept: Vec<Write> =
            self.writes.borrow().iter().skip(mark.0).filter(|write| write.key.space == space).cloned().collect();
        self.back_to(mark);
        for Write { key, entry } in kept {
            // It was taken before, so it is within the limits.
            let _ = self.write(&key.space, &key.name, entry);
        }
    }

    /// The answer to a lookup. `None`: it is asked for, and the run must end and be run again.
    pub fn answer(&self, key: &LookupKey, lookup: impl FnOnce() -> Lookup) -> Option<Arc<Answer>> {
        if let Some(known) = self.answers.borrow().get(key) {
            return Some(Arc::clone(known));
        }
        if self.answers.borrow().exhausted {
            let error = Some("this delivery has asked for too many lookups".to_owned());
            return Some(Arc::new(Answer { error, ..Answer::default() }));
        }
        let mut needs = self.needs.borrow_mut();
        if needs.len() < NEEDS_MAX {
            needs.push(lookup());
        }
        None
    }

    /// Whether the run has asked for something that is not at hand.
    pub fn is_in_need(&self) -> bool {
        !self.needs.borrow().is_empty()
    }

    /// Lets events go on that wait for this word.
    pub fn wake(&self, word: &str) {
        self.wakes.borrow_mut().push(word.to_owned());
    }

    /// Ends the delivery with what it changed, and the words that wake.
    pub fn finish(&self) -> (Vec<Write>, Vec<String>) {
        self.before.borrow_mut().clear();
        (self.writes.take(), self.wakes.take())
    }

    /// Ends the delivery as if it had not been, and gives what it asked for.
    pub fn discard(&self) -> Vec<Lookup> {
        self.back_to(Mark(0));
        self.wakes.borrow_mut().clear();
        self.needs.take()
    }

    /// Takes up what deliveries before wrote that is not stored yet.
    pub fn replay(&self, changes: &[Change]) {
        let mut overlay = self.overlay.borrow_mut();
        for write in changes.iter().flat_map(|change| &change.writes) {
            overlay.insert(write.key.clone(), write.entry.clone());
        }
    }
}

/// The bytes of a write, as one of the script's own or as an event that waits.
fn bytes_of(write: &Write) -> (usize, usize) {
    let bytes = write.key.name.len() + write.entry.as_ref().map_or(0, |entry| entry.value.len());
    if write.key.space == super::HELD_SPACE { (0, bytes) } else { (bytes, 0) }
}
