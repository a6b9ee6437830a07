//! Worker threads: each compiles its own pipelines and turns deliveries into outcomes, in batches.

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::sync::Arc;
use std::thread::{Builder, JoinHandle};
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

use super::turns::Turns;
use crate::event::{Delivery, Origin};
use crate::lookup::Answers;
use crate::pipeline::{Dead, NoTrace, Outcome, Pipeline, Plan};
use crate::script::STACK_BYTES;
use crate::state::{Change, Session, Store};

/// How long a job may keep a worker while other pipelines wait: longer than most jobs take, shorter than what anybody notices.
const SLICE: Duration = Duration::from_millis(50);

/// Deliveries to run through one plan.
pub(super) struct Job {
    /// The version that all of them are run by.
    pub(super) plan: Arc<Plan>,
    /// In the order of the journal.
    pub(super) items: Vec<Item>,
    /// What the pipeline remembers.
    pub(super) store: Arc<dyn Store>,
    /// What deliveries before these changed that is not stored yet.
    pub(super) earlier: Vec<Change>,
    /// Nothing is to be learned from running those behind the first one in need.
    pub(super) ends_at_need: bool,
    /// Where the results go; a closed receiver is fine. Those of the last items are missing where the job had to make way for
    /// other pipelines, or for an erasure, or ended at one in need.
    pub(super) done: oneshot::Sender<Vec<Done>>,
}

/// A delivery to run, with the answers that it has so far.
pub(super) struct Item {
    pub(super) delivery: Arc<Delivery>,
    pub(super) answers: Answers,
}

/// One delivery and what became of it.
pub(super) struct Done {
    pub(super) delivery: Arc<Delivery>,
    pub(super) outcome: Outcome,
}

impl Done {
    /// What it changed in the state.
    pub(super) fn change(&self) -> Change {
        Change { seq: self.delivery.seq, now_ms: self.delivery.received_ms, writes: self.outcome.writes.clone() }
    }

    /// The delivery that its events came from: for a wake-up, the one whose event was woken.
    pub(super) fn origin(&self) -> &Arc<Delivery> {
        self.outcome.woken.as_ref().map_or(&self.delivery, |(_, delivery)| delivery)
    }
}

/// The pool. Dropping the last handle ends the threads after their current jobs.
#[derive(Clone)]
pub(super) struct Workers {
    pool: Arc<Pool>,
}

struct Pool {
    jobs: Arc<Turns<Job>>,
    _threads: Vec<JoinHandle<()>>,
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.jobs.close();
    }
}

impl Workers {
    /// Starts that many threads.
    pub(super) fn start(threads: usize) -> std::io::Result<Self> {
        let jobs = Arc::new(Turns::new());
        let threads = (0..threads.max(1))
            .map(|number| {
                let jobs = Arc::clone(&jobs);
                // A script can nest values deeply; dropping them recurses. The stack is reserved, not used.
                Builder::new().name(format!("worker-{number}")).stack_size(STACK_BYTES).spawn(move || work(&jobs))
            })
            .collect::<Result<_, _>>()?;
        Ok(Self { pool: Arc::new(Pool { jobs, _threads: threads }) })
    }

    /// Queues a job. The queue is bounded by the lanes, each of which has a few jobs under way at most.
    pub(super) fn submit(&self, job: Job) {
        let name = Arc::clone(&job.plan.name);
        self.pool.jobs.push(&name, job);
    }
}

fn work(jobs: &Turns<Job>) {
    let mut compiled: HashMap<Arc<str>, Vec<Pipeline>> = HashMap::new();
    while let Some(Job { plan, items, store, earlier, ends_at_need, done }) = jobs.pop() {
        let begun = Instant::now();
        let versions = compiled.entry(Arc::clone(&plan.name)).or_default();
        let session = Session::new(store, &plan.name);
        session.replay(&earlier);
        let mut results = Vec::with_capacity(items.len());
        for Item { delivery, answers } in items {
            let outcome = run(versions, &plan, &delivery, &session, answers);
            let in_need = !outcome.needs.is_empty();
            // What comes behind it must not see what is to be erased.
            let erases = !outcome.erasures.is_empty();
            results.push(Done { delivery, outcome });
            if erases || (in_need && ends_at_need) || (begun.elapsed() >= SLICE && jobs.others_wait(&plan.name)) {
                break;
            }
        }
        let _ = done.send(results);
    }
}

/// Runs one delivery; whatever happens, it ends in an outcome.
fn run(
    versions: &mut Vec<Pipeline>,
    plan: &Arc<Plan>,
    delivery: &Delivery,
    session: &Rc<Session>,
    answers: Answers,
) -> Outcome {
    catch_unwind(AssertUnwindSafe(|| {
        let position = versions.iter().position(|pipeline| Arc::ptr_eq(pipeline.plan(), plan));
        if position.is_none() {
            match Pipeline::new(plan) {
                Ok(pipeline) => {
                    // The version before may still have jobs waiting; older ones do not.
                    if versions.len() >= 2 {
                        versions.remove(0);
                    }
                    versions.push(pipeline);
                }
                Err(problems) => {
                    let reason = problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ");
                    return failed(plan, delivery, "compile", reason);
                }
            }
        }
        let index = position.unwrap_or(versions.len() - 1);
        versions[index].run_in(delivery, delivery.received_ms, session, answers, &mut NoTrace)
    }))
    .unwrap_or_else(|_| {
        // Whatever state the panic left behind goes with the compiled pipelines.
        versions.clear();
        session.discard();
        failed(plan, delivery, "internal-error", "Cartwire failed on this delivery; please report it".to_owned())
    })
}

fn failed(plan: &Plan, delivery: &Delivery, code: &str, reason: String) -> Outcome {
    let mut outcome = Outcome::new(plan.sinks.len());
    outcome.dead.push(Dead {
        origin: Origin { delivery: delivery.seq, ..Origin::default() },
        part: delivery.source.to_string(),
        code: code.to_owned(),
        reason,
        place: None,
        stack: Vec::new(),
        logs: Vec::new(),
        message: None,
    });
    outcome
}
