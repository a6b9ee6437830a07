//! Bringing a job to its end: the workers run it, what they need of the outside is asked for, and they run it again.
//!
//! Where deliveries do not depend on each other, only those in need run again. Where they do, those behind the first one in
//! need ran for nothing but to tell early what they need: they run again too. What a worker has not come to, because other pipelines
//! waited, goes into the queue again.
//!
//! A run on a state that is not complete may ask what no real run would. So only questions are asked early, nothing that changes
//! something; and when a delivery before has changed something outside, what those behind it were told is forgotten.

use std::sync::Arc;

use tokio::sync::oneshot;

use super::outside::{Outside, Told};
use super::worker::{Done, Item, Job, Workers};
use crate::erasure::Erasure;
use crate::event::Delivery;
use crate::lookup::{Answers, CHAIN_MAX, Lookup, ROUNDS_MAX};
use crate::pipeline::Plan;
use crate::state::{Change, Held, Store};

/// A delivery that has not come to its end.
struct Open {
    at: usize,
    delivery: Arc<Delivery>,
    answers: Answers,
    /// How often it told what it needs: on a complete state, and early.
    rounds: usize,
    early: usize,
}

/// Whether deliveries must be run one after another, and after all before them.
pub(super) fn is_serial(plan: &Plan, deliveries: &[Arc<Delivery>]) -> bool {
    plan.remembers || deliveries.iter().any(|delivery| Held::is_wake_up(delivery) || Erasure::is_request(delivery))
}

/// Runs deliveries through a plan in the background; the receiver fails if a worker ends. Of deliveries that are run one after
/// another, those behind one that erases are not run: the results are fewer then.
pub(super) fn start(
    workers: &Workers,
    outside: &Arc<Outside>,
    store: &Arc<dyn Store>,
    plan: &Arc<Plan>,
    deliveries: Vec<Arc<Delivery>>,
) -> oneshot::Receiver<Vec<Done>> {
    let (done, receiver) = oneshot::channel();
    let drive = drive(workers, outside, store, plan, &deliveries);
    spawn(drive, deliveries, done);
    receiver
}

/// The same to see what would come of deliveries: only questions are asked of the outside, and none unless `asks`. One that needs
/// more ends with that need.
pub(super) fn look(
    workers: &Workers,
    outside: &Arc<Outside>,
    store: &Arc<dyn Store>,
    plan: &Arc<Plan>,
    deliveries: Vec<Arc<Delivery>>,
    asks: bool,
) -> oneshot::Receiver<Vec<Done>> {
    let (done, receiver) = oneshot::channel();
    let permits = if asks { Permits::Questions } else { Permits::Nothing };
    let drive = Drive { permits, ..drive(workers, outside, store, plan, &deliveries) };
    spawn(drive, deliveries, done);
    receiver
}

fn drive(
    workers: &Workers,
    outside: &Arc<Outside>,
    store: &Arc<dyn Store>,
    plan: &Arc<Plan>,
    deliveries: &[Arc<Delivery>],
) -> Drive {
    Drive {
        workers: workers.clone(),
        outside: Arc::clone(outside),
        store: Arc::clone(store),
        plan: Arc::clone(plan),
        serial: is_serial(plan, deliveries),
        permits: Permits::Everything,
        forgotten: 0,
        forgotten_max: deliveries.len(),
    }
}

fn spawn(drive: Drive, deliveries: Vec<Arc<Delivery>>, done: oneshot::Sender<Vec<Done>>) {
    tokio::spawn(async move {
        if let Some(results) = drive.run(deliveries).await {
            let _ = done.send(results);
        }
    });
}

/// What a job may do outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Permits {
    Everything,
    /// Nothing may be changed there.
    Questions,
    Nothing,
}

impl Permits {
    fn forbids(self, lookup: &Lookup) -> bool {
        match self {
            Self::Everything => false,
            Self::Questions => !lookup.is_question(),
            Self::Nothing => true,
        }
    }
}

struct Drive {
    workers: Workers,
    outside: Arc<Outside>,
    store: Arc<dyn Store>,
    plan: Arc<Plan>,
    serial: bool,
    permits: Permits,
    /// Early answers that were forgotten, and how many may be before nothing is asked early any more: where every delivery changes
    /// something, asking early only costs the service.
    forgotten: usize,
    forgotten_max: usize,
}

impl Drive {
    async fn run(mut self, deliveries: Vec<Arc<Delivery>>) -> Option<Vec<Done>> {
        let mut results: Vec<Option<Done>> = deliveries.iter().map(|_| None).collect();
        let mut open: Vec<Open> = deliveries
            .into_iter()
            .enumerate()
            .map(|(at, delivery)| Open { at, delivery, answers: Answers::default(), rounds: 0, early: 0 })
            .collect();
        let mut earlier: Vec<Change> = Vec::new();
        loop {
            let asks_early = self.forgotten < self.forgotten_max;
            let items =
                open.iter().map(|open| Item { delivery: Arc::clone(&open.delivery), answers: open.answers.clone() });
            let (done, receiver) = oneshot::channel();
            self.workers.submit(Job {
                plan: Arc::clone(&self.plan),
                items: items.collect(),
                store: Arc::clone(&self.store),
                earlier: earlier.clone(),
                ends_at_need: self.serial && !asks_early,
                done,
            });
            let mut done = receiver.await.ok()?.into_iter();
            let mut rest = Vec::new();
            let mut needs: Vec<(usize, Lookup)> = Vec::new();
            for mut open in open {
                let Some(done) = done.next() else {
                    rest.push(open);
                    continue;
                };
                let is_early = self.serial && !rest.is_empty();
                let asker = rest.len();
                let wanted = done.outcome.needs.iter().cloned().map(|lookup| (asker, lookup));
                let is_refused = done.outcome.needs.iter().any(|lookup| self.permits.forbids(lookup));
                if !is_early && (done.outcome.needs.is_empty() || is_refused) {
                    if self.serial && !done.outcome.writes.is_empty() {
                        earlier.push(done.change());
                    }
                    results[open.at] = Some(done);
                    continue;
                }
                if !is_early {
                    needs.extend(wanted);
                    open.rounds += 1;
                    open.answers.exhausted = open.rounds >= ROUNDS_MAX;
                } else if open.early < CHAIN_MAX && !done.outcome.needs.is_empty() {
                    needs.extend(wanted.filter(|(_, lookup)| lookup.is_question()));
                    open.early += 1;
                }
                rest.push(open);
            }
            let erases = |done: &Done| !done.outcome.erasures.is_empty();
            if rest.is_empty() || self.serial && results.iter().flatten().any(erases) {
                return Some(results.into_iter().map_while(|done| done).collect());
            }
            let changes = self.serial && needs.iter().any(|(_, lookup)| !lookup.is_question());
            if changes {
                needs.retain(|(asker, _)| *asker == 0);
                for open in &mut rest[1..] {
                    self.forgotten += open.answers.count();
                    open.answers = Answers::default();
                }
            }
            for Told { askers, key, answer } in self.outside.ask_all(needs).await {
                for asker in askers {
                    rest[asker].answers.put(key, Arc::clone(&answer));
                }
            }
            open = rest;
        }
    }
}
