//! The state as one run sees it: what is stored, under what the deliveries before it in the same job and the run itself wrote.
//!
//! One session serves a job: deliveries one after another on one thread. Each begins with [`Session::begin`] and ends with
//! [`Session::finish`] or [`Session::discard`]. A step that fails takes its own writes back by a [`mark`](Session::mark).

use std::cell::{Cell, OnceCell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::rc::Rc;
use std::sync::Arc;

use super::{Change, Claim, Entry, Erased, Key, Store, StoreError, Write};
use crate::erasure::Erasure;
use crate::lookup::{Answer, Answers, CHAIN_MAX, Lookup, LookupKey, TooMany};

/// The longest key, in bytes.
const KEY_BYTES_MAX: usize = 1024;
/// The largest value, in bytes. An event that waits may be larger: deliveries are bounded elsewhere.
const VALUE_BYTES_MAX: usize = 64 << 10;
/// Changes that one delivery may make.
const WRITES_MAX: usize = 10_000;
/// Persons that one delivery may erase.
const ERASURES_MAX: usize = 100;
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
    /// Too many persons erased.
    Erasures,
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
            Self::Erasures => write!(f, "one delivery erases at most {ERASURES_MAX} times"),
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

/// A place in the writes of a delivery that one can go back to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mark {
    writes: usize,
    erasures: usize,
}

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
    /// What the step under way has asked for its event.
    asked: RefCell<BTreeSet<LookupKey>>,
    /// Whether what an event remembers decides about those behind it.
    in_order: Cell<bool>,
    wakes: RefCell<Vec<String>>,
    erasures: RefCell<Vec<Erasure>>,
    /// What was erased before; read when it is first looked at.
    erased: OnceCell<Result<Erased, StoreError>>,
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
            asked: RefCell::default(),
            in_order: Cell::new(false),
            wakes: RefCell::default(),
            erasures: RefCell::default(),
            erased: OnceCell::new(),
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
        self.asked.borrow_mut().clear();
        self.wakes.borrow_mut().clear();
        self.erasures.borrow_mut().clear();
    }

    /// Whether the deliveries from now on are of a pipeline that remembers: what an event that waits for an answer would have
    /// remembered is not known to those behind it, so these ask for nothing yet that changes something.
    pub fn keep_order(&self, in_order: bool) {
        self.in_order.set(in_order);
    }

    /// A step begins with an event.
    pub fn enter(&self) {
        self.asked.borrow_mut().clear();
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

    /// All values of a space that have not expired, by key. Reads the whole space: for what happens seldom.
    pub fn list(&self, space: &str) -> Result<BTreeMap<String, Entry>, StoreError> {
        let mut all: BTreeMap<String, Entry> = self.store.list(&self.pipeline, space)?.into_iter().collect();
        for (key, entry) in self.overlay.borrow().iter().filter(|(key, _)| key.space == space) {
            match entry {
                Some(entry) => all.insert(key.name.clone(), entry.clone()),
                None => all.remove(&key.name),
            };
        }
        all.retain(|_, entry| entry.expires_ms > self.now_ms.get());
        Ok(all)
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

    /// Gives a claim back, if it is still the same one and not kept.
    pub fn release(&self, claim: &Claim) -> Result<(), Limit> {
        let held = self.get(&claim.key.space, &claim.key.name).map_err(Limit::Store)?;
        if held.is_some_and(|entry| entry.value == claim.holder) {
            self.remove(&claim.key.space, &claim.key.name)?;
        }
        Ok(())
    }

    /// The present place in the writes.
    pub fn mark(&self) -> Mark {
        Mark { writes: self.writes.borrow().len(), erasures: self.erasures.borrow().len() }
    }

    /// Takes back all writes since a mark, and what was to be erased.
    pub fn back_to(&self, mark: Mark) {
        self.erasures.borrow_mut().truncate(mark.erasures);
        let mut writes = self.writes.borrow_mut();
        let mut before = self.before.borrow_mut();
        let mut overlay = self.overlay.borrow_mut();
        while writes.len() > mark.writes {
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
            self.writes.borrow().iter().skip(mark.writes).filter(|write| write.key.space == space).cloned().collect();
        self.back_to(mark);
        for Write { key, entry } in kept {
            // It was taken before, so it is within the limits.
            let _ = self.write(&key.space, &key.name, entry);
        }
    }

    /// The answer to a lookup. `None`: it is asked for, and the run must end and be run again.
    pub fn answer(&self, key: &LookupKey, lookup: impl FnOnce() -> Lookup) -> Result<Option<Arc<Answer>>, TooMany> {
        self.asked.borrow_mut().insert(*key);
        // Also where another event has had the answer already: how many a step may need does not depend on its neighbours.
        if self.asked.borrow().len() > CHAIN_MAX {
            return Err(TooMany::OfStep);
        }
        if let Some(known) = self.answers.borrow().get(key) {
            return Ok(Some(Arc::clone(known)));
        }
        if self.answers.borrow().exhausted {
            return Err(TooMany::OfDelivery);
        }
        let mut needs = self.needs.borrow_mut();
        let lookup = lookup();
        let may_be_early = needs.is_empty() || !self.in_order.get() || lookup.is_question();
        if needs.len() < NEEDS_MAX && may_be_early {
            needs.push(lookup);
        }
        Ok(None)
    }

    /// Whether the run has asked for something that is not at hand.
    pub fn is_in_need(&self) -> bool {
        !self.needs.borrow().is_empty()
    }

    /// Lets events go on that wait for this word.
    pub fn wake(&self, word: &str) {
        self.wakes.borrow_mut().push(word.to_owned());
    }

    /// Has a person erased from what the pipeline keeps, once the delivery is committed.
    pub fn erase(&self, erasure: Erasure) -> Result<(), Limit> {
        let mut erasures = self.erasures.borrow_mut();
        if erasures.len() >= ERASURES_MAX {
            return Err(Limit::Erasures);
        }
        erasures.push(erasure);
        Ok(())
    }

    /// Whom the delivery has erased.
    pub fn take_erasures(&self) -> Vec<Erasure> {
        self.erasures.take()
    }

    /// The deliveries that were erased before this job: they are not run again.
    pub fn erased(&self) -> Result<&Erased, StoreError> {
        let load = || Erased::load(&*self.store, &self.pipeline);
        self.erased.get_or_init(load).as_ref().map_err(Clone::clone)
    }

    /// Ends the delivery with what it changed, and the words that wake.
    pub fn finish(&self) -> (Vec<Write>, Vec<String>) {
        self.before.borrow_mut().clear();
        (self.writes.take(), self.wakes.take())
    }

    /// Ends the delivery as if it had not been, and gives what it asked for.
    pub fn discard(&self) -> Vec<Lookup> {
        self.back_to(Mark { writes: 0, erasures: 0 });
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
