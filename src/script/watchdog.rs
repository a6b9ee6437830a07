//! The one thread that looks at runs from outside: a script that hangs inside a single operation, or that eats memory, is told
//! to stop at its next operation.
//!
//! A run announces itself with one atomic store, so short runs pay nothing for being watched. The thread sleeps while no script
//! runs. Memory is the growth of the whole process since the run was first seen: coarse, but nothing inside the interpreter can
//! hide from it, and a neighbour's run is only blamed while it is itself at work for several samples.
//!
//! An operation cannot be ended from outside, and one alone can copy all that a script has or double a text. So a run is told to
//! stop when its next operation could pass the limit, not when it has ([`memory::may_pass`]), and before the next one what it took is
//! given back ([`memory::settle`]).

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, Weak};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

mod memory;

use memory::{GiveBack, may_pass, resident_bytes};

const SAMPLE: Duration = Duration::from_millis(5);
/// Between two samples while a run goes on that was there at the one before: most are over by then, and what is not may grow fast.
const CLOSE: Duration = Duration::from_millis(1);
const IDLE: Duration = Duration::from_millis(500);
/// Samples without any run before the thread goes to sleep.
const QUIET_SAMPLES: u32 = 40;

/// Why the watchdog stops a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stop {
    /// It takes too long.
    Time,
    /// The process grew so much while it ran that it could soon pass the limit.
    Memory,
}

/// What the watchdog and one host share.
#[derive(Debug, Default)]
pub struct Watched {
    /// The number of the run that goes on; 0 between runs.
    run: AtomicU64,
    /// `run << 2 | reason`: the number keeps a late verdict from hitting the next run.
    verdict: AtomicU64,
    /// The operation that the run is at.
    operation: AtomicU64,
    /// The size that the process had before a run that was stopped for its memory; 0 if there was none.
    owes_bytes: AtomicU64,
    time_ms: AtomicU64,
    memory_bytes: AtomicU64,
}

impl Watched {
    /// Registers a host's runs with the process's watchdog, which is started by the first one.
    pub fn register(time_ms: u64, memory_bytes: u64) -> Arc<Self> {
        let watched = Arc::new(Self::default());
        watched.bound(time_ms, memory_bytes);
        let dog = watchdog();
        dog.list.lock().unwrap_or_else(PoisonError::into_inner).push(Arc::downgrade(&watched));
        watched
    }

    /// The bounds of the runs from now on. Set between runs, so that none is judged by those of another.
    pub fn bound(&self, time_ms: u64, memory_bytes: u64) {
        self.time_ms.store(time_ms, Ordering::Relaxed);
        self.memory_bytes.store(memory_bytes, Ordering::Relaxed);
    }

    /// A run begins; numbers are never 0 and never used twice for one host.
    pub fn begin(&self, run: u64) {
        if self.owes_bytes.load(Ordering::Relaxed) != 0 {
            let before = self.owes_bytes.swap(0, Ordering::Relaxed);
            memory::settle(before, self.memory_bytes.load(Ordering::Relaxed));
        }
        self.run.store(run, Ordering::SeqCst);
        let dog = watchdog();
        if dog.asleep.load(Ordering::SeqCst)
            && let Some(thread) = dog.thread.get()
        {
            thread.unpark();
        }
    }

    /// The run is at this operation: one relaxed store, made at every one.
    pub fn at(&self, operation: u64) {
        self.operation.store(operation, Ordering::Relaxed);
    }

    /// The run is over.
    pub fn end(&self) {
        self.run.store(0, Ordering::Release);
    }

    /// Whether any verdict stands: one relaxed load, made at every operation.
    pub fn is_judged(&self) -> bool {
        self.verdict.load(Ordering::Relaxed) != 0
    }

    /// The verdict on this run; one on an earlier run is cleared.
    pub fn verdict(&self, run: u64) -> Option<Stop> {
        let verdict = self.verdict.load(Ordering::Acquire);
        if verdict == 0 {
            return None;
        }
        if verdict >> 2 != run {
            // A newer verdict than the one just read must stay.
            let _ = self.verdict.compare_exchange(verdict, 0, Ordering::AcqRel, Ordering::Relaxed);
            return None;
        }
        Some(if verdict & 3 == 1 { Stop::Time } else { Stop::Memory })
    }

    /// The first verdict on a run stands: a run that grew too much is not called slow because its last operation takes long.
    fn judge(&self, run: u64, stop: Stop) {
        if self.verdict.load(Ordering::Acquire) >> 2 == run {
            return;
        }
        let reason = match stop {
            Stop::Time => 1,
            Stop::Memory => 2,
        };
        self.verdict.store(run << 2 | reason, Ordering::Release);
    }
}

struct Watchdog {
    list: Mutex<Vec<Weak<Watched>>>,
    asleep: AtomicBool,
    thread: OnceLock<Thread>,
}

fn watchdog() -> &'static Watchdog {
    static WATCHDOG: OnceLock<Watchdog> = OnceLock::new();
    static STARTED: AtomicBool = AtomicBool::new(false);
    let dog = WATCHDOG.get_or_init(|| Watchdog {
        list: Mutex::new(Vec::new()),
        asleep: AtomicBool::new(false),
        thread: OnceLock::new(),
    });
    if !STARTED.load(Ordering::Relaxed) && !STARTED.swap(true, Ordering::SeqCst) {
        // Without the thread, operations and the clock check still bound every run; only the memory sample is lost.
        if let Ok(handle) = thread::Builder::new().name("script-watchdog".into()).spawn(move || watch(dog)) {
            let _ = dog.thread.set(handle.thread().clone());
        }
    }
    dog
}

/// A run as the watchdog saw it first.
struct Seen {
    watched: Weak<Watched>,
    run: u64,
    since: Instant,
    resident_bytes: u64,
    /// How often it was seen.
    samples: u32,
    /// The operation that it was at, and the size of the process at the last sample before that operation was seen.
    operation: u64,
    before_bytes: u64,
    /// The size at the last sample.
    last_bytes: u64,
}

impl Seen {
    fn new(watched: &Arc<Watched>, run: u64, since: Instant, resident_bytes: u64) -> Self {
        let operation = watched.operation.load(Ordering::Relaxed);
        let (before_bytes, last_bytes) = (resident_bytes, resident_bytes);
        Self {
            watched: Arc::downgrade(watched),
            run,
            since,
            resident_bytes,
            samples: 1,
            operation,
            before_bytes,
            last_bytes,
        }
    }

    /// Takes one more sample: how much the process has grown, in all and in the operation that goes on.
    fn grown(&mut self, operation: u64, resident_bytes: u64) -> (u64, u64) {
        self.samples = self.samples.saturating_add(1);
        if self.operation != operation {
            self.operation = operation;
            self.before_bytes = self.last_bytes;
        }
        self.last_bytes = resident_bytes;
        (resident_bytes.saturating_sub(self.resident_bytes), resident_bytes.saturating_sub(self.before_bytes))
    }
}

fn watch(dog: &'static Watchdog) {
    let mut seen: Vec<Seen> = Vec::new();
    let mut give_back = GiveBack::default();
    let mut quiet = 0;
    loop {
        if quiet < QUIET_SAMPLES {
            thread::sleep(if seen.iter().any(|seen| seen.samples > 1) { CLOSE } else { SAMPLE });
        } else {
            dog.asleep.store(true, Ordering::SeqCst);
            if !any_running(dog) {
                thread::park_timeout(IDLE);
            }
            dog.asleep.store(false, Ordering::SeqCst);
        }
        let is_awake = sample(dog, &mut seen, &mut give_back) | give_back.goes_on(Instant::now());
        quiet = if is_awake { 0 } else { (quiet + 1).min(QUIET_SAMPLES) };
    }
}

fn any_running(dog: &Watchdog) -> bool {
    let list = dog.list.lock().unwrap_or_else(PoisonError::into_inner);
    list.iter().filter_map(Weak::upgrade).any(|watched| watched.run.load(Ordering::SeqCst) != 0)
}

/// Looks at every run once; true if there was any.
fn sample(dog: &Watchdog, seen: &mut Vec<Seen>, give_back: &mut GiveBack) -> bool {
    let running: Vec<_> = {
        let mut list = dog.list.lock().unwrap_or_else(PoisonError::into_inner);
        list.retain(|watched| watched.strong_count() > 0);
        let with_run =
            list.iter().filter_map(Weak::upgrade).map(|watched| (watched.run.load(Ordering::Acquire), watched));
        with_run.filter(|(run, _)| *run != 0).collect()
    };
    if running.is_empty() {
        seen.clear();
        return false;
    }
    let resident_bytes = resident_bytes();
    let now = Instant::now();
    seen.retain(|seen| {
        running.iter().any(|(run, watched)| *run == seen.run && seen.watched.as_ptr() == Arc::as_ptr(watched))
    });
    for (run, watched) in running {
        let known = seen.iter_mut().find(|seen| seen.run == run && seen.watched.as_ptr() == Arc::as_ptr(&watched));
        let Some(known) = known else {
            seen.push(Seen::new(&watched, run, now, resident_bytes));
            continue;
        };
        let grown = known.grown(watched.operation.load(Ordering::Relaxed), resident_bytes);
        if now.duration_since(known.since) > Duration::from_millis(watched.time_ms.load(Ordering::Relaxed)) {
            watched.judge(run, Stop::Time);
        } else if may_pass(watched.memory_bytes.load(Ordering::Relaxed), grown) {
            watched.judge(run, Stop::Memory);
            watched.owes_bytes.store(known.resident_bytes, Ordering::Relaxed);
            give_back.begin(now);
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_verdict_hits_only_its_own_run() {
        let watched = Watched::default();
        watched.judge(7, Stop::Memory);
        assert!(watched.is_judged());
        assert_eq!(watched.verdict(7), Some(Stop::Memory));
        assert_eq!(watched.verdict(8), None);
        assert!(!watched.is_judged(), "an old verdict is cleared");
        watched.judge(9, Stop::Memory);
        watched.judge(9, Stop::Time);
        assert_eq!(watched.verdict(9), Some(Stop::Memory), "the first one stands");
    }

    #[test]
    fn what_is_grown_is_told_apart_by_operations() {
        let mut seen = Seen::new(&Arc::new(Watched::default()), 1, Instant::now(), 100);
        assert_eq!(seen.grown(5, 110), (10, 10));
        assert_eq!(seen.grown(5, 130), (30, 30));
        assert_eq!(seen.grown(6, 135), (35, 5), "another operation");
        assert_eq!(seen.grown(6, 90), (0, 0));
    }

    #[test]
    fn a_run_that_goes_on_is_judged_by_time() {
        let watched = Watched::register(20, u64::MAX);
        watched.begin(3);
        let limit = Instant::now() + Duration::from_secs(20);
        while watched.verdict(3).is_none() && Instant::now() < limit {
            thread::yield_now();
        }
        assert_eq!(watched.verdict(3), Some(Stop::Time));
        watched.end();
    }
}
