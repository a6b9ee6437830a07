//! The bounded queue before the writer thread: appending never blocks, and the writer is woken only if it sleeps.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex};

use super::error::{AppendError, Full};
use super::sync::lock;
use crate::event::Delivery;

/// Called once when the delivery is durable, with its sequence number, or with the reason why it is not.
pub type Done = Box<dyn FnOnce(Result<u64, AppendError>) + Send>;

/// One delivery that waits to be written.
pub struct Pending {
    /// The delivery.
    pub delivery: Delivery,
    /// The bytes of its record.
    pub bytes: usize,
    /// Whom to tell.
    pub done: Done,
}

/// The most that may wait, and the most that one commit takes.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Deliveries that may wait.
    pub deliveries: usize,
    /// Bytes that may wait.
    pub bytes: usize,
    /// Deliveries of one commit.
    pub batch_deliveries: usize,
    /// Bytes of one commit.
    pub batch_bytes: usize,
}

/// What the writer shall do next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turn {
    /// Commit what was taken.
    Commit,
    /// Begin a new segment, so that retention can take the old one.
    Rotate,
    /// Stop: the queue is closed and empty.
    Stop,
}

#[derive(Default)]
struct State {
    waiting: VecDeque<Pending>,
    bytes: usize,
    asleep: bool,
    rotate: bool,
    closed: bool,
}

/// The queue.
pub struct Queue {
    state: Mutex<State>,
    wake: Condvar,
    limits: Limits,
}

impl Queue {
    /// An empty queue.
    pub fn new(limits: Limits) -> Self {
        Self { state: Mutex::default(), wake: Condvar::new(), limits }
    }

    /// Queues as many as have room and hands back the others with the reason, in order. `room` is what the journal itself
    /// may still grow, in bytes, before anything that waits here.
    pub fn push(&self, pending: impl IntoIterator<Item = Pending>, room: u64) -> Vec<(Pending, AppendError)> {
        let mut refused = Vec::new();
        let mut state = lock(&self.state);
        for one in pending {
            match self.room_for(&state, one.bytes, room) {
                Ok(()) => {
                    state.bytes += one.bytes;
                    state.waiting.push_back(one);
                }
                Err(error) => refused.push((one, error)),
            }
        }
        let wake = state.asleep && !state.waiting.is_empty();
        state.asleep &= !wake;
        drop(state);
        if wake {
            self.wake.notify_one();
        }
        refused
    }

    fn room_for(&self, state: &State, bytes: usize, room: u64) -> Result<(), AppendError> {
        if state.closed {
            return Err(AppendError::Closed);
        }
        if (state.bytes + bytes) as u64 > room {
            return Err(AppendError::full(Full::Journal));
        }
        // A delivery larger than the whole queue may pass when nothing else waits, or it never could.
        let many = state.waiting.len() >= self.limits.deliveries;
        let much = state.bytes + bytes > self.limits.bytes && !state.waiting.is_empty();
        if many || much { Err(AppendError::full(Full::Queue)) } else { Ok(()) }
    }

    /// Waits for something to do; with [`Turn::Commit`] moves a batch into `batch`.
    pub fn take(&self, batch: &mut Vec<Pending>) -> Turn {
        let mut state = lock(&self.state);
        loop {
            if !state.waiting.is_empty() {
                break;
            }
            if std::mem::take(&mut state.rotate) {
                return Turn::Rotate;
            }
            if state.closed {
                return Turn::Stop;
            }
            state.asleep = true;
            state = self.wake.wait(state).unwrap_or_else(std::sync::PoisonError::into_inner);
            state.asleep = false;
        }
        let mut bytes = 0;
        while batch.len() < self.limits.batch_deliveries {
            let fits = |one: &Pending| batch.is_empty() || bytes + one.bytes <= self.limits.batch_bytes;
            if !state.waiting.front().is_some_and(fits) {
                break;
            }
            if let Some(one) = state.waiting.pop_front() {
                bytes += one.bytes;
                batch.push(one);
            }
        }
        state.bytes -= bytes;
        Turn::Commit
    }

    /// Asks the writer for a new segment when it has nothing else to do.
    pub fn request_rotation(&self) {
        lock(&self.state).rotate = true;
        self.wake.notify_one();
    }

    /// Takes nothing more; what waits is still written.
    pub fn close(&self) {
        lock(&self.state).closed = true;
        self.wake.notify_one();
    }

    /// Takes nothing more and hands out what waits.
    pub fn close_and_drain(&self) -> Vec<Pending> {
        let mut state = lock(&self.state);
        state.closed = true;
        state.bytes = 0;
        state.waiting.drain(..).collect()
    }

    /// Deliveries and bytes that wait.
    pub fn waiting(&self) -> (usize, usize) {
        let state = lock(&self.state);
        (state.waiting.len(), state.bytes)
    }
}
