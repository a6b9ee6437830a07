//! The queue before the workers, in which pipelines take turns: one with much to do, or with slow scripts, delays the others by a
//! share of a worker's time and no more.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

/// Work by pipeline. What one pipeline queues is taken in order.
pub(super) struct Turns<T> {
    state: Mutex<State<T>>,
    changed: Condvar,
}

struct State<T> {
    /// Pipelines with work, the next one in front.
    queues: VecDeque<(Arc<str>, VecDeque<T>)>,
    closed: bool,
}

impl<T> Turns<T> {
    /// Nothing to do yet.
    pub(super) fn new() -> Self {
        Self { state: Mutex::new(State { queues: VecDeque::new(), closed: false }), changed: Condvar::new() }
    }

    /// Queues work; a pipeline that had none gets its turn after the others.
    pub(super) fn push(&self, pipeline: &Arc<str>, work: T) {
        let mut state = self.state();
        match state.queues.iter_mut().find(|(name, _)| name == pipeline) {
            Some((_, queue)) => queue.push_back(work),
            None => state.queues.push_back((Arc::clone(pipeline), VecDeque::from([work]))),
        }
        drop(state);
        self.changed.notify_one();
    }

    /// The next work; waits for it. `None`: closed, and nothing is left.
    pub(super) fn pop(&self) -> Option<T> {
        let mut state = self.state();
        loop {
            if let Some((name, mut queue)) = state.queues.pop_front() {
                let work = queue.pop_front();
                if !queue.is_empty() {
                    state.queues.push_back((name, queue));
                }
                if work.is_some() {
                    return work;
                }
                continue;
            }
            if state.closed {
                return None;
            }
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Whether other pipelines than this one wait.
    pub(super) fn others_wait(&self, pipeline: &str) -> bool {
        self.state().queues.iter().any(|(name, _)| **name != *pipeline)
    }

    /// No more work will come.
    pub(super) fn close(&self) {
        self.state().closed = true;
        self.changed.notify_all();
    }

    fn state(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pipelines_take_turns_and_each_keeps_its_order() {
        let turns = Turns::new();
        let names: Vec<Arc<str>> = ["slow", "a", "b"].map(Arc::from).to_vec();
        for number in 0..4 {
            turns.push(&names[0], ("slow", number));
        }
        turns.push(&names[1], ("a", 0));
        turns.push(&names[2], ("b", 0));
        turns.push(&names[2], ("b", 1));
        assert!(turns.others_wait("slow"));
        turns.close();
        let order: Vec<_> = std::iter::from_fn(|| turns.pop()).collect();
        let wanted = [("slow", 0), ("a", 0), ("b", 0), ("slow", 1), ("b", 1), ("slow", 2), ("slow", 3)];
        assert_eq!(order, wanted);
        assert!(!turns.others_wait("slow"));
    }

    #[test]
    fn waiting_ends_with_work_or_when_it_closes() {
        let turns = Arc::new(Turns::new());
        let taker = {
            let turns = Arc::clone(&turns);
            std::thread::spawn(move || std::iter::from_fn(|| turns.pop()).collect::<Vec<_>>())
        };
        let name = Arc::from("p");
        for number in 0..100 {
            turns.push(&name, number);
        }
        turns.close();
        assert_eq!(taker.join().unwrap(), (0..100).collect::<Vec<_>>());
    }
}
