//! One task per pipeline: reads its deliveries from the journal, has workers run them, and hands the messages to the sinks in order.

mod erase;
mod jobs;
mod sinks;
mod state;

use std::collections::{HashMap, VecDeque};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, Weak};
use std::time::Duration;

use tokio::sync::{Notify, mpsc, watch};
use tokio::task::JoinHandle;

use super::audit::Audit;
use super::books::Books;
use super::deliver::SinkState;
use super::file_writer::FileWriter;
use super::grave::Graveyard;
use super::holds::Holds;
use super::ledger::Ledger;
use super::metrics::Metrics;
use super::outside::Outside;
use super::sink_lane::{SinkLane, unblocked};
use super::stakes;
use super::transmit::{Output, now_ms};
use super::withheld::Withheld;
use super::worker::{Done, Workers};
use crate::event::Delivery;
use crate::journal::{Cursors, Journal, Reader};
use crate::pipeline::{Message, Plan};
use crate::state::{End, Store};
use jobs::{Pending, next_done};

/// Deliveries in one job, and jobs under way: enough to keep the workers busy, few enough to bound memory.
const JOB_DELIVERIES: usize = 128;
const JOB_BYTES: usize = 1024 * 1024;
const JOBS_MAX: usize = 8;

/// What all lanes share.
pub(super) struct Shared {
    pub(super) dir: PathBuf,
    pub(super) journal: Arc<Journal>,
    pub(super) cursors: Arc<Cursors>,
    pub(super) graveyard: Arc<Graveyard>,
    pub(super) workers: Workers,
    /// What pipelines remember.
    pub(super) state: Arc<dyn Store>,
    /// What they may ask.
    pub(super) outside: Arc<Outside>,
    /// The record of erasures.
    pub(super) audit: Arc<Audit>,
    pub(super) client: reqwest::Client,
    pub(super) metrics: Arc<Metrics>,
    pub(super) out: Output,
    pub(super) dry: bool,
    /// Files that sinks write, by path: two sinks of one file share its writer.
    pub(super) files: Mutex<HashMap<PathBuf, Weak<tokio::sync::Mutex<FileWriter>>>>,
}

/// What a lane is told.
pub(super) enum Order {
    /// Run this version from now on.
    Plan(Arc<Plan>),
    /// Process what is durable, send it, and end. What waits goes on waiting.
    Drain,
    /// The same for good, because the pipeline was removed: what waits goes on now, or becomes a dead letter.
    Retire,
    /// End after what is under way; the rest stays in the journal.
    Stop,
}

/// A running lane.
pub(super) struct Lane {
    pub(super) orders: mpsc::UnboundedSender<Order>,
    pub(super) status: Arc<LaneStatus>,
    pub(super) task: JoinHandle<()>,
}

/// What others may look at.
pub(super) struct LaneStatus {
    pub(super) plan: Mutex<Arc<Plan>>,
    pub(super) ledger: Arc<Ledger>,
    pub(super) sinks: Mutex<Vec<(Arc<str>, Arc<SinkState>)>>,
    /// Deliveries up to here have been handed to workers.
    pub(super) position: AtomicU64,
    /// Set when it is known which events wait.
    pub(super) recalled: AtomicBool,
    pub(super) nudge: Arc<Notify>,
    /// What must not be sent any more.
    pub(super) withheld: Arc<Withheld>,
}

impl LaneStatus {
    /// The delivery up to which every sink is done.
    pub(super) fn floor(&self) -> u64 {
        let sinks = self.sinks.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        sinks.iter().map(|(_, state)| state.cursor.load(Ordering::SeqCst)).min().unwrap_or(0)
    }

    /// Shows the plan that will run from now on.
    pub(super) fn set_plan(&self, plan: &Arc<Plan>) {
        *self.plan.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = Arc::clone(plan);
    }

    /// The plan that runs.
    pub(super) fn plan(&self) -> Arc<Plan> {
        Arc::clone(&self.plan.lock().unwrap_or_else(std::sync::PoisonError::into_inner))
    }
}

impl Lane {
    /// Starts a lane. `durable` tells of new deliveries. `before` is the lane of a removed pipeline of this name that still
    /// sends: it ends first, so that no delivery goes through both.
    pub(super) fn start(
        plan: &Arc<Plan>,
        shared: &Arc<Shared>,
        durable: watch::Receiver<u64>,
        before: Option<Self>,
    ) -> Self {
        let (orders, receiver) = mpsc::unbounded_channel();
        let status = Arc::new(LaneStatus {
            plan: Mutex::new(Arc::clone(plan)),
            ledger: Arc::default(),
            sinks: Mutex::default(),
            position: AtomicU64::new(0),
            recalled: AtomicBool::new(false),
            nudge: Arc::default(),
            withheld: Arc::default(),
        });
        let mut runner = Runner {
            shared: Arc::clone(shared),
            status: Arc::clone(&status),
            plan: Arc::clone(plan),
            previous: None,
            sinks: Vec::new(),
            jobs: VecDeque::new(),
            books: Books::default(),
            holds: Holds::default(),
            retiring: false,
        };
        // A new pipeline's sinks begin at the present, which must not move on before they do.
        if before.is_none() {
            runner.open_sinks(plan, None);
        }
        let plan = Arc::clone(plan);
        let task = tokio::spawn(async move {
            if let Some(before) = before {
                let _ = before.orders.send(Order::Stop);
                let _ = before.task.await;
                runner.open_sinks(&plan, None);
            }
            runner.books.processed = runner.sinks.iter().map(|sink| sink.enqueued).max().unwrap_or(0);
            runner.run(receiver, durable).await;
        });
        Self { orders, status, task }
    }
}

struct Runner {
    shared: Arc<Shared>,
    status: Arc<LaneStatus>,
    plan: Arc<Plan>,
    /// The version before, for deliveries of a source that the new one no longer has.
    previous: Option<Arc<Plan>>,
    sinks: Vec<SinkLane>,
    jobs: VecDeque<Pending>,
    books: Books,
    holds: Holds,
    /// Nothing may wait any more.
    retiring: bool,
}

impl Runner {
    async fn run(mut self, mut orders: mpsc::UnboundedReceiver<Order>, mut durable: watch::Receiver<u64>) {
        let mut position = self.start_position();
        self.recall(position).await;
        self.recall_dead(position).await;
        self.status.recalled.store(true, Ordering::SeqCst);
        let mut reader = Some(self.shared.journal.reader(position));
        let mut draining = false;
        loop {
            let blocked = self.blocked();
            let behind = position < *durable.borrow_and_update();
            // Orders first: what is accepted after a reload was told is run by the new version.
            if behind && !blocked && self.has_room() && orders.is_empty() {
                let Some(held) = reader.take() else { break };
                let (held, end, deliveries) = self.read(held, position).await;
                reader = Some(held);
                position = end.max(position);
                self.status.position.store(position, Ordering::SeqCst);
                if !self.submit(deliveries, position).await {
                    self.abandon().await;
                    return;
                }
                // Orders come between jobs, so that a reload waits for nothing else.
                if orders.is_empty() && self.has_room() && position < *durable.borrow() {
                    continue;
                }
            }
            let waits = self.retiring && self.holds.len() > 0;
            if draining && !waits && !blocked && self.jobs.is_empty() && position >= *durable.borrow() {
                break;
            }
            tokio::select! {
                biased;
                order = orders.recv() => match order {
                    Some(Order::Plan(plan)) => {
                        if self.shared.dry && !self.begin_anew(position).await {
                            self.abandon().await;
                            return;
                        }
                        if let Some(back) = self.change(plan).await {
                            position = back;
                            self.recall(position).await;
                            reader = Some(self.shared.journal.reader(position));
                        }
                    }
                    Some(Order::Drain) => draining = true,
                    Some(Order::Retire) => {
                        draining = true;
                        self.retire();
                    }
                    Some(Order::Stop) | None => {
                        self.abandon().await;
                        return;
                    }
                },
                () = unblocked(&mut self.sinks), if blocked => {}
                done = next_done(&mut self.jobs), if !blocked && !self.jobs.is_empty() => {
                    if !self.finish_next(done).await {
                        self.abandon().await;
                        return;
                    }
                }
                () = due(self.holds.next_ms()), if !draining || self.retiring => self.wake_up().await,
                changed = durable.changed(), if !draining && !blocked && self.has_room() => {
                    if changed.is_err() {
                        draining = true;
                    }
                }
            }
        }
        self.close(orders).await;
    }

    /// Whether another job may begin.
    fn has_room(&self) -> bool {
        self.jobs.len() < JOBS_MAX && !self.jobs.iter().any(|job| job.serial)
    }

    /// Finishes a job that is done; whether there was a worker to do it.
    async fn finish_next(&mut self, done: Option<(Pending, Vec<Done>)>) -> bool {
        let Some((job, done)) = done else {
            // Its deliveries are still in the journal, before the cursors: the next start runs them again.
            tracing::error!(pipeline = %self.plan.name, "a worker ended; the pipeline stops here");
            return false;
        };
        self.finish(job, done).await;
        true
    }

    /// In a dry run an edit begins anew, so that the same sample can be sent again to see what the edit does. What the version
    /// before has under way must not be remembered after that.
    async fn begin_anew(&mut self, position: u64) -> bool {
        while !self.jobs.is_empty() {
            let done = next_done(&mut self.jobs).await;
            if !self.finish_next(done).await {
                return false;
            }
        }
        self.forget(position).await;
        true
    }

    /// Whether a sink's queue is full.
    fn blocked(&self) -> bool {
        self.sinks.iter().any(|sink| !sink.overflow.is_empty())
    }

    /// Reads the next deliveries of this pipeline. Also gives the position up to which the journal was read.
    async fn read(&self, mut reader: Reader, position: u64) -> (Reader, u64, Vec<Arc<Delivery>>) {
        let name = Arc::clone(&self.plan.name);
        let read = tokio::task::spawn_blocking(move || {
            let batch = reader.next_batch(JOB_DELIVERIES, JOB_BYTES).map(|mut batch| {
                batch.retain(|delivery| delivery.pipeline == name);
                batch
            });
            (reader, batch)
        })
        .await;
        match read {
            Ok((reader, Ok(deliveries))) => {
                let end = reader.position();
                (reader, end, deliveries)
            }
            Ok((mut reader, Err(error))) => {
                tracing::error!(pipeline = %self.plan.name, %error, "the journal cannot be read here");
                match reader.skip() {
                    Some((first, last)) => tracing::error!(first, last, "going on behind what is lost"),
                    None => tokio::time::sleep(Duration::from_secs(1)).await,
                }
                let end = reader.position();
                (reader, end, Vec::new())
            }
            Err(_) => (self.shared.journal.reader(position), position, Vec::new()),
        }
    }

    /// Books the outcomes of a job and hands the messages to the sinks. A job that ended early goes on behind what it has to do first.
    async fn finish(&mut self, job: Pending, mut done: Vec<Done>) {
        let Pending { mark: whole, plan, mut deliveries, .. } = job;
        let rest = deliveries.split_off(done.len());
        let mark = if rest.is_empty() { whole } else { done.last().map_or(0, |done| done.delivery.seq) };
        let plan = &plan;
        self.remember(&mut done).await;
        if self.shared.dry {
            // Who looks at what comes out wants to know of what does not.
            for (done, dropped) in done.iter().flat_map(|done| done.outcome.dropped.iter().map(move |one| (done, one)))
            {
                tracing::info!(pipeline = %plan.name, delivery = done.delivery.seq, part = dropped.part, "dropped: {}", dropped.reason);
            }
        }
        let burials = self.books.enter(&self.status.ledger, &self.shared.metrics, plan, &done);
        while let Err(error) = self.shared.graveyard.bury(burials.clone()).await {
            tracing::error!(pipeline = %plan.name, %error, "dead letters cannot be kept, will try again");
            tokio::time::sleep(Duration::from_secs(2)).await;
        }
        self.erase(plan, &done).await;
        let mut per_sink: Vec<Vec<(Message, Arc<str>)>> = vec![Vec::new(); self.sinks.len()];
        for Done { delivery, outcome } in done {
            for (number, messages) in outcome.messages.into_iter().enumerate() {
                let Some(part) = plan.sinks.get(number) else { continue };
                let Some(at) = self.sinks.iter().position(|sink| sink.part.id == part.id) else {
                    // The sink went away with a newer version: its messages end here, and are said to.
                    self.status.ledger.accepted(messages.len());
                    self.drop_removed(&part.id, messages.len());
                    self.end(&messages, End::Gone).await;
                    continue;
                };
                if delivery.seq <= self.sinks[at].enqueued {
                    // It has them from an earlier run.
                    self.end(&messages, End::Arrived).await;
                } else {
                    self.status.ledger.accepted(messages.len());
                    per_sink[at].extend(messages.into_iter().map(|message| (message, Arc::clone(&plan.revision))));
                }
            }
        }
        for (sink, messages) in self.sinks.iter_mut().zip(per_sink) {
            sink.put(messages, mark);
        }
        let floor = self.status.floor();
        self.books.pass(mark, floor);
        self.status.withheld.pass(floor);
        if !rest.is_empty() {
            let job = self.job(Arc::clone(plan), rest, whole);
            self.jobs.push_front(job);
        }
    }

    async fn end(&self, messages: &[Message], end: End) {
        let stakes = messages.iter().flat_map(|message| &message.stakes);
        stakes::end(&self.shared.state, &self.plan.name, stakes, end).await;
    }
}

/// Resolves at a time, or never.
pub(super) async fn due(at_ms: Option<i64>) {
    match at_ms {
        Some(at_ms) => tokio::time::sleep(Duration::from_millis(u64::try_from(at_ms - now_ms()).unwrap_or(0))).await,
        None => std::future::pending().await,
    }
}
