//! The state of the run that goes on: what it may still use up, what it has emitted and logged, how it is to end.
//!
//! One value per host, shared by the interpreter's progress hook and the library functions. An ending (a drop, a reject, a limit)
//! is kept here and not only in the error that unwinds the script, because functions of the interpreter may
//! swallow errors of callbacks: the next operation raises it again, and the end of the script looks here too.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rhai::{Dynamic, EvalAltResult, Position};

use super::delivery::Shared;
use super::limits::{Budget, Limits};
use super::outcome::{Failure, LogLine};
use super::secrets::Secrets;
use super::watchdog::{Stop, Watched};
use crate::event::{Delivery, Origin};
use crate::lookup::Access;
use crate::state::Session;

/// Operations between two looks at the clock.
const CLOCK_OPERATIONS: u64 = 4096;

/// An error that unwinds a script.
pub type Fault = Box<EvalAltResult>;

/// How a run ends before its last statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ending {
    /// `drop("why")`.
    Drop(String),
    /// `reject("why")`; where is the source file and position of the call.
    Reject {
        /// The kind.
        code: &'static str,
        /// Why.
        reason: String,
        /// Source name and position of the call.
        at: (String, Position),
    },
    /// `retry("why")`.
    Retry {
        /// Why.
        reason: String,
        /// How long to wait, if the script says so.
        after_ms: Option<u64>,
        /// Source name and position of the call.
        at: (String, Position),
    },
    /// It asked for something that is not at hand.
    Need,
    /// It used up too much.
    Limit {
        /// `script-limit-…`.
        code: &'static str,
        /// What was used up.
        message: String,
    },
}

/// The state of the run that goes on.
#[derive(Debug)]
pub struct Run {
    limits: Limits,
    /// What the run that goes on may use up of what steps can set.
    budget: Cell<Budget>,
    watched: Arc<Watched>,
    number: Cell<u64>,
    operations: Cell<u64>,
    next_check: Cell<u64>,
    deadline: Cell<Option<Instant>>,
    ending: RefCell<Option<Ending>>,
    emitted: RefCell<Vec<Dynamic>>,
    logs: RefCell<Vec<LogLine>>,
    log_bytes: Cell<usize>,
    now_ms: Cell<i64>,
    seed: RefCell<String>,
    serial: Cell<u64>,
    /// The event, and the number of the script among those of the host.
    source: Cell<(Origin, u32)>,
    delivery: RefCell<Option<Rc<Shared>>>,
    /// State and answers of the delivery that is run.
    session: RefCell<Rc<Session>>,
    /// The part that is run, which owns what the script remembers.
    part: RefCell<Rc<str>>,
    /// How often the part has held the event before.
    attempt: Cell<u32>,
    /// What the script may reach.
    access: RefCell<Arc<Access>>,
    /// What logs and reasons do not show.
    secrets: RefCell<Arc<Secrets>>,
}

impl Run {
    /// The state before the first run.
    pub fn new(limits: Limits) -> Rc<Self> {
        Rc::new(Self {
            watched: Watched::register(limits.time_ms.saturating_mul(limits.patience), limits.memory_bytes),
            budget: Cell::new(limits.budget()),
            limits,
            number: Cell::new(0),
            operations: Cell::new(0),
            next_check: Cell::new(0),
            deadline: Cell::new(None),
            ending: RefCell::default(),
            emitted: RefCell::default(),
            logs: RefCell::default(),
            log_bytes: Cell::new(0),
            now_ms: Cell::new(0),
            seed: RefCell::default(),
            serial: Cell::new(0),
            source: Cell::default(),
            delivery: RefCell::default(),
            session: RefCell::new(Session::empty()),
            part: RefCell::new(Rc::from("")),
            attempt: Cell::new(0),
            access: RefCell::default(),
            secrets: RefCell::default(),
        })
    }

    /// What a run may use up.
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// The runs from now on have this budget.
    pub fn grant(&self, budget: Budget) {
        self.budget.set(budget);
        self.watched.bound(budget.time_ms.saturating_mul(self.limits.patience), budget.memory_bytes);
    }

    /// The deliveries from now on have this state and these answers.
    pub fn attach(&self, session: &Rc<Session>) {
        if !Rc::ptr_eq(&self.session.borrow(), session) {
            self.session.replace(Rc::clone(session));
        }
    }

    /// The runs from now on are of this part, which has held the event so many times before.
    pub fn enter(&self, part: &Rc<str>, attempt: u32) {
        self.part.replace(Rc::clone(part));
        self.attempt.set(attempt);
    }

    /// The runs from now on may reach this.
    pub fn allow(&self, access: &Arc<Access>) {
        self.access.replace(Arc::clone(access));
    }

    /// What logs and reasons do not show from now on.
    pub fn keep_back(&self, secrets: &Arc<Secrets>) {
        self.secrets.replace(Arc::clone(secrets));
    }

    /// The failure without secrets. Its log lines have none.
    pub fn discreet(&self, mut failure: Failure) -> Failure {
        let secrets = self.secrets.borrow();
        match &mut failure {
            Failure::Drop { reason, .. } | Failure::Reject { reason, .. } | Failure::Retry { reason, .. } => {
                secrets.hide_in(reason);
            }
            Failure::Error(error) => secrets.hide_in(&mut error.message),
            Failure::Need => {}
        }
        failure
    }

    /// State and answers.
    pub fn session(&self) -> Rc<Session> {
        Rc::clone(&self.session.borrow())
    }

    /// The part that is run.
    pub fn part(&self) -> Rc<str> {
        Rc::clone(&self.part.borrow())
    }

    /// How often the part has held the event before.
    pub fn attempt(&self) -> u32 {
        self.attempt.get()
    }

    /// What may be reached.
    pub fn access(&self) -> Arc<Access> {
        Arc::clone(&self.access.borrow())
    }

    /// Begins a run. The seed (identity, origin, script) makes its random-looking ids repeatable.
    pub fn begin(&self, now_ms: i64, identity: &str, origin: Origin, script: u32) {
        let number = self.number.get() + 1;
        self.number.set(number);
        self.operations.set(0);
        self.next_check.set(CLOCK_OPERATIONS.min(self.budget.get().operations + 1));
        self.deadline.set(None);
        self.ending.take();
        self.emitted.borrow_mut().clear();
        self.logs.borrow_mut().clear();
        self.log_bytes.set(0);
        self.now_ms.set(now_ms);
        self.serial.set(0);
        self.source.set((origin, script));
        let mut seed = self.seed.borrow_mut();
        seed.clear();
        seed.push_str(identity);
        self.watched.begin(number);
    }

    /// Ends a run: how the script wanted it to end, what it emitted and logged.
    pub fn end(&self) -> (Option<Ending>, Vec<Dynamic>, Vec<LogLine>) {
        self.watched.end();
        (self.ending.take(), self.emitted.take(), self.logs.take())
    }

    /// Called by the interpreter at every operation; a value ends the script.
    pub fn tick(&self) -> Option<Dynamic> {
        let operations = self.operations.get() + 1;
        self.operations.set(operations);
        self.watched.at(operations);
        if operations < self.next_check.get() && !self.watched.is_judged() {
            return None;
        }
        self.check(operations).then_some(Dynamic::UNIT)
    }

    /// The slow part of a tick: true ends the script.
    fn check(&self, operations: u64) -> bool {
        if self.ending.borrow().is_some() {
            return true;
        }
        if let Some(stop) = self.watched.verdict(self.number.get()) {
            self.set_ending(match stop {
                Stop::Time => self.out_of_time(),
                Stop::Memory => Ending::Limit {
                    code: "script-limit-memory",
                    message: format!(
                        "the script would use more than {} MiB of memory",
                        self.budget.get().memory_bytes >> 20
                    ),
                },
            });
            return true;
        }
        if operations > self.budget.get().operations {
            self.set_ending(Ending::Limit {
                code: "script-limit-operations",
                message: format!("the script took more than {} operations", self.budget.get().operations),
            });
            return true;
        }
        if operations >= self.next_check.get() {
            let now = Instant::now();
            // A run shorter than one interval never asks for the time; the first look starts the clock.
            let deadline = self.deadline.get().unwrap_or(now + Duration::from_millis(self.time_ms()));
            self.deadline.set(Some(deadline));
            if now > deadline {
                self.set_ending(self.out_of_time());
                return true;
            }
            self.next_check.set((operations + CLOCK_OPERATIONS).min(self.budget.get().operations + 1));
        }
        false
    }

    fn out_of_time(&self) -> Ending {
        Ending::Limit {
            code: "script-limit-time",
            message: format!("the script ran longer than {} ms", self.time_ms()),
        }
    }

    fn time_ms(&self) -> u64 {
        self.budget.get().time_ms.saturating_mul(self.limits.patience)
    }

    fn set_ending(&self, ending: Ending) {
        self.ending.borrow_mut().get_or_insert(ending);
        // From now on every operation looks here.
        self.next_check.set(0);
    }

    /// Ends the script; the error cannot be caught by it.
    pub fn finish_with(&self, ending: Ending) -> Fault {
        self.set_ending(ending);
        EvalAltResult::ErrorTerminated(Dynamic::UNIT, Position::NONE).into()
    }

    /// Ends the script because a library function would build something too large.
    pub fn too_large(&self, what: &str) -> Fault {
        self.finish_with(Ending::Limit {
            code: "script-limit-size",
            message: format!("{what} is larger than scripts may build"),
        })
    }

    /// Counts work inside a library function as operations, and ends the run when they are used up.
    pub fn charge(&self, operations: u64) -> Result<(), Fault> {
        let spent = self.operations.get().saturating_add(operations);
        self.operations.set(spent);
        self.watched.at(spent);
        if (spent >= self.next_check.get() || self.watched.is_judged()) && self.check(spent) {
            return Err(EvalAltResult::ErrorTerminated(Dynamic::UNIT, Position::NONE).into());
        }
        Ok(())
    }

    /// Counts reading so many bytes as operations: about as many as fit into the time of one.
    pub fn charge_bytes(&self, bytes: usize) -> Result<(), Fault> {
        self.charge(bytes as u64 / 1024)
    }

    /// Fails when a text of so many bytes may not be built.
    pub fn allow_bytes(&self, bytes: usize) -> Result<(), Fault> {
        if bytes > self.limits.string_bytes { Err(self.too_large("a text")) } else { Ok(()) }
    }

    /// Fails when an array or map of so many items may not be built.
    pub fn allow_items(&self, items: usize) -> Result<(), Fault> {
        if items > self.limits.items { Err(self.too_large("an array")) } else { Ok(()) }
    }

    /// Adds an event to what the script emits.
    pub fn emit(&self, value: Dynamic) -> Result<(), Fault> {
        let mut emitted = self.emitted.borrow_mut();
        if emitted.len() >= self.limits.emitted {
            return Err(self.finish_with(Ending::Limit {
                code: "script-limit-emitted",
                message: format!("the script emitted more than {} events", self.limits.emitted),
            }));
        }
        emitted.push(value);
        Ok(())
    }

    /// How many bytes of text can still be logged.
    pub fn log_bytes_left(&self) -> usize {
        self.limits.log_bytes.saturating_sub(self.log_bytes.get())
    }

    /// Adds a line to the log; beyond the limit the text is cut, and then lines are left out.
    pub fn log(&self, level: &'static str, text: &str) {
        let left = self.log_bytes_left();
        if left == 0 {
            return;
        }
        // Before the text is cut: the beginning of a secret is not known for one.
        let secrets = self.secrets.borrow();
        let text = secrets.hide(text);
        let mut end = text.len().min(left);
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        // An empty line counts too, so that a loop of them is bounded.
        self.log_bytes.set(self.log_bytes.get() + end.max(1));
        self.logs.borrow_mut().push(LogLine { level, text: text[..end].into() });
    }

    /// The time that the script sees.
    pub fn now_ms(&self) -> i64 {
        self.now_ms.get()
    }

    /// Text that is different at each call and the same in each repetition of the run.
    pub fn next_seed(&self) -> String {
        let serial = self.serial.get();
        self.serial.set(serial + 1);
        let (origin, script) = self.source.get();
        format!("{}/{origin}/{script}/{serial}", self.seed.borrow())
    }

    /// The delivery as a value that scripts can hold; the copy is shared by all runs on the same delivery.
    pub fn share_delivery(&self, delivery: &Delivery) -> Rc<Shared> {
        let mut shared = self.delivery.borrow_mut();
        match &*shared {
            Some(known) if known.is(delivery) => Rc::clone(known),
            _ => Rc::clone(shared.insert(Shared::new(delivery.clone()))),
        }
    }
}
