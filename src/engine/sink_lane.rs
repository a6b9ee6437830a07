//! One sink of a lane: its queue, its task, and what did not fit into the queue.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;

use super::deliver::{Deliverer, Parcel, SinkState};
use super::lane::{LaneStatus, Shared};
use super::transmit::Transmitter;
use crate::pipeline::{Message, Plan, SinkPart};

/// Parcels that wait for a sink. A full queue stops the lane: the journal holds what comes.
const PARCELS_MAX: usize = 16;

/// A sink's queue and task.
pub(super) struct SinkLane {
    pub(super) part: SinkPart,
    pub(super) queue: Option<mpsc::Sender<Parcel>>,
    stop: watch::Sender<bool>,
    pub(super) task: JoinHandle<()>,
    pub(super) state: Arc<SinkState>,
    /// Messages of deliveries up to here are in the queue or beyond; a re-run skips them.
    pub(super) enqueued: u64,
    /// What did not fit into the queue. While there is any, the lane makes no more: that is the back-pressure.
    pub(super) overflow: VecDeque<Parcel>,
}

impl SinkLane {
    /// Opens a sink's task at a cursor.
    pub(super) fn open(part: &SinkPart, cursor: u64, plan: &Plan, status: &LaneStatus, shared: &Shared) -> Self {
        let state = Arc::new(SinkState::at(cursor));
        let (queue, receiver) = mpsc::channel(PARCELS_MAX);
        let (stop, stopped) = watch::channel(false);
        let deliverer = Deliverer {
            pipeline: Arc::clone(&plan.name),
            part: part.clone(),
            state: Arc::clone(&state),
            journaled: true,
            transmitter: Transmitter::open(part, shared, true),
            graveyard: Arc::clone(&shared.graveyard),
            store: Arc::clone(&shared.state),
            ledger: Arc::clone(&status.ledger),
            metrics: Arc::clone(&shared.metrics),
            stop: stopped,
            nudge: Arc::clone(&status.nudge),
            withheld: Arc::clone(&status.withheld),
        };
        let task = tokio::spawn(deliverer.run(receiver));
        Self { part: part.clone(), queue: Some(queue), stop, task, state, enqueued: cursor, overflow: VecDeque::new() }
    }

    /// Queues the messages of all deliveries up to `mark`.
    pub(super) fn put(&mut self, messages: Vec<(Message, Arc<str>)>, mark: u64) {
        if mark <= self.enqueued {
            return;
        }
        self.enqueued = mark;
        self.state.pending.fetch_add(messages.len() as u64, Ordering::SeqCst);
        self.overflow.push_back(Parcel { messages, mark });
        self.fill();
    }

    /// Moves into the queue what fits.
    fn fill(&mut self) {
        let Some(queue) = &self.queue else { return };
        while let Some(parcel) = self.overflow.pop_front() {
            match queue.try_send(parcel) {
                Ok(()) => {}
                Err(mpsc::error::TrySendError::Full(parcel)) => {
                    self.overflow.push_front(parcel);
                    return;
                }
                // Its cursor stands still: the next start sends what is dropped here.
                Err(mpsc::error::TrySendError::Closed(_)) => self.state.ended_early(&self.part.id),
            }
        }
    }

    /// The delivery up to which everything has been sent.
    pub(super) fn cursor(&self) -> u64 {
        self.state.cursor.load(Ordering::SeqCst)
    }

    /// Ends the task after its request; what is queued is left.
    pub(super) async fn stop(&self) {
        let _ = self.stop.send(true);
        // The task ends after its request; a request has a time-out of its own.
        while !self.task.is_finished() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

/// Resolves when a full queue has taken a parcel.
pub(super) async fn unblocked(sinks: &mut [SinkLane]) {
    for sink in sinks {
        if sink.overflow.is_empty() {
            continue;
        }
        let Some(queue) = &sink.queue else { continue };
        if let Ok(permit) = queue.reserve().await
            && let Some(parcel) = sink.overflow.pop_front()
        {
            permit.send(parcel);
        }
        sink.fill();
        return;
    }
}

/// Whether two versions of a sink do the same.
pub(super) fn same(one: &SinkPart, other: &SinkPart) -> bool {
    one.id == other.id && one.kind == other.kind && one.fingerprint == other.fingerprint
}
