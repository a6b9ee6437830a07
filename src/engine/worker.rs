//! Worker threads: each compiles its own pipelines and turns deliveries into outcomes, in batches.

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{Builder, JoinHandle};

use tokio::sync::oneshot;

use crate::event::{Delivery, Origin};
use crate::pipeline::{Dead, Outcome, Pipeline, Plan};
use crate::script::STACK_BYTES;

/// Deliveries to run through one plan.
pub(super) struct Job {
    /// The version that all of them are run by.
    pub(super) plan: Arc<Plan>,
    /// In the order of the journal.
    pub(super) deliveries: Vec<Arc<Delivery>>,
    /// Where the result goes; a closed receiver is fine.
    pub(super) done: oneshot::Sender<Vec<Done>>,
}

/// One delivery and what became of it.
pub(super) struct Done {
    pub(super) delivery: Arc<Delivery>,
    pub(super) outcome: Outcome,
}

/// The pool. Dropping it ends the threads after their current jobs.
pub(super) struct Workers {
    jobs: Sender<Job>,
    _threads: Vec<JoinHandle<()>>,
}

impl Workers {
    /// Starts that many threads.
    pub(super) fn start(threads: usize) -> std::io::Result<Self> {
        let (jobs, receiver) = channel();
        let receiver = Arc::new(Mutex::new(receiver));
        let threads = (0..threads.max(1))
            .map(|number| {
                let receiver = Arc::clone(&receiver);
                // A script can nest values deeply; dropping them recurses. The stack is reserved, not used.
                Builder::new().name(format!("worker-{number}")).stack_size(STACK_BYTES).spawn(move || work(&receiver))
            })
            .collect::<Result<_, _>>()?;
        Ok(Self { jobs, _threads: threads })
    }

    /// Queues a job. The queue is bounded by the lanes, each of which has a few jobs under way at most.
    pub(super) fn submit(&self, job: Job) {
        // Fails only while the process ends; the lane then sees its receiver closed.
        let _ = self.jobs.send(job);
    }
}

fn work(receiver: &Mutex<Receiver<Job>>) {
    let mut compiled: HashMap<Arc<str>, Vec<Pipeline>> = HashMap::new();
    loop {
        let job = receiver.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(Job { plan, deliveries, done }) = job else { return };
        let versions = compiled.entry(Arc::clone(&plan.name)).or_default();
        let results = deliveries
            .into_iter()
            .map(|delivery| {
                let outcome = run(versions, &plan, &delivery);
                Done { delivery, outcome }
            })
            .collect();
        let _ = done.send(results);
    }
}

/// Runs one delivery; whatever happens, it ends in an outcome.
fn run(versions: &mut Vec<Pipeline>, plan: &Arc<Plan>, delivery: &Delivery) -> Outcome {
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
        versions[index].run(delivery, delivery.received_ms)
    }))
    .unwrap_or_else(|_| {
        // Whatever state the panic left behind goes with the compiled pipelines.
        versions.clear();
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
