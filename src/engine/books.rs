//! Entering what workers did into the books.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::grave::Burial;
use super::ledger::Ledger;
use super::metrics::Metrics;
use super::worker::Done;
use crate::event::Origin;
use crate::pipeline::Plan;

/// What must be remembered of deliveries because they may run again: a change of sinks goes back to what a sink has not sent.
#[derive(Debug, Default)]
pub(super) struct Books {
    /// Deliveries up to here have been entered; a second run counts only what ends otherwise than before.
    pub(super) processed: u64,
    /// Dead letters of deliveries that may run again. Bounded, because the queues of the sinks are.
    ///
    /// By the delivery that was run, which for an event that waited is not the one that it came from.
    dead: BTreeSet<(u64, Origin, String)>,
}

impl Books {
    /// Takes up what earlier lives of the process have kept of deliveries that are run again now.
    pub(super) fn recall(&mut self, known: Vec<(u64, Origin, String)>) {
        self.dead.extend(known);
    }

    /// Counts the ends before the sinks and returns the dead letters that must be kept before the cursor moves on.
    pub(super) fn enter(&mut self, ledger: &Ledger, metrics: &Metrics, plan: &Arc<Plan>, done: &[Done]) -> Vec<Burial> {
        let mut burials = Vec::new();
        for done in done {
            let Done { delivery, outcome } = done;
            let again = delivery.seq <= self.processed;
            if !again {
                for line in &outcome.logs {
                    tracing::info!(pipeline = %plan.name, delivery = delivery.seq, level = line.level, "script: {}", line.text);
                }
                ledger.processed(outcome.dropped.len());
                for dropped in &outcome.dropped {
                    ledger.dropped(&dropped.part, &dropped.reason);
                    metrics.dropped(&plan.name, &dropped.part);
                }
            }
            for dead in &outcome.dead {
                // An event that a changed script refuses only now was on its way to a sink: it must not vanish.
                let new = self.dead.insert((delivery.seq, dead.origin, dead.part.clone()));
                if !new && again {
                    continue;
                }
                ledger.accepted(1);
                ledger.dead(&dead.part, &dead.code);
                metrics.dead(&plan.name, &dead.part, &dead.code, 1);
                // Its letter was kept before a restart.
                if !new {
                    continue;
                }
                tracing::warn!(pipeline = %plan.name, delivery = delivery.seq, part = dead.part, code = dead.code,
                    place = dead.place, "dead letter: {}", dead.reason);
                burials.push(Burial {
                    pipeline: Arc::clone(&plan.name),
                    revision: Arc::clone(&plan.revision),
                    run: delivery.seq,
                    origin: dead.origin,
                    part: dead.part.clone(),
                    code: dead.code.clone(),
                    reason: dead.reason.clone(),
                    place: dead.place.clone(),
                    stack: dead.stack.clone(),
                    logs: dead.logs.clone(),
                    message: dead.message.clone(),
                    delivery: Some(Arc::clone(done.origin())),
                });
            }
        }
        burials
    }

    /// All deliveries up to `mark` have been entered; those up to `floor` will not run again.
    pub(super) fn pass(&mut self, mark: u64, floor: u64) {
        self.processed = self.processed.max(mark);
        while self.dead.first().is_some_and(|(run, ..)| *run <= floor) {
            self.dead.pop_first();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Delivery;
    use crate::pipeline::{Dead, Outcome};
    use crate::registry::Environment;
    use crate::script::Limits;
    use crate::tree::Tree;

    struct NoEnv;

    impl Environment for NoEnv {
        fn var(&self, _: &str) -> Option<String> {
            None
        }
        fn file(&self, path: &str) -> Result<String, String> {
            Err(path.to_owned())
        }
    }

    fn plan() -> Arc<Plan> {
        let text = "sources:\n  - webhook: { verify: none }\nsinks:\n  - console: {}\n";
        let tree = Arc::new(Tree::new().with("pipelines/p.yaml", text));
        Plan::load(&tree, "pipelines/p.yaml", "p", &NoEnv, &Limits::default()).plan.unwrap()
    }

    /// A run of delivery `seq` in which an event of the delivery `of` died.
    fn died(seq: u64, of: u64) -> Done {
        let origin = Origin { delivery: of, ..Origin::default() };
        let dead = Dead {
            origin,
            part: "script".to_owned(),
            code: "retries-exhausted".to_owned(),
            reason: String::new(),
            place: None,
            stack: Vec::new(),
            logs: Vec::new(),
            message: None,
        };
        let delivery = |seq| Arc::new(Delivery { seq, ..Delivery::default() });
        let woken = (seq != of).then(|| ("id".to_owned(), delivery(of)));
        Done { delivery: delivery(seq), outcome: Outcome { dead: vec![dead], woken, ..Outcome::new(1) } }
    }

    #[test]
    fn what_died_is_kept_and_counted_once_also_if_it_had_waited() {
        let (ledger, metrics, plan) = (Ledger::default(), Metrics::default(), plan());
        let mut books = Books::default();
        let both = [died(8, 8), died(9, 2)];
        let burials = books.enter(&ledger, &metrics, &plan, &both);
        assert_eq!(
            burials.iter().map(|burial| (burial.run, burial.origin.delivery)).collect::<Vec<_>>(),
            [(8, 8), (9, 2)]
        );
        books.pass(9, 7);
        // A sink was changed, and goes on behind delivery 7.
        assert!(books.enter(&ledger, &metrics, &plan, &both).is_empty());
        assert_eq!((ledger.balance().dead, ledger.balance().accepted), (2, 2));
        books.pass(9, 9);
        assert!(books.dead.is_empty());
    }

    #[test]
    fn what_an_earlier_life_kept_is_counted_and_not_kept_again() {
        let (ledger, metrics, plan) = (Ledger::default(), Metrics::default(), plan());
        let mut books = Books::default();
        books.recall(vec![(9, Origin { delivery: 2, ..Origin::default() }, "script".to_owned())]);
        assert_eq!(books.enter(&ledger, &metrics, &plan, &[died(8, 8), died(9, 2)]).len(), 1);
        assert_eq!((ledger.balance().dead, ledger.balance().pending), (2, 0));
    }
}
