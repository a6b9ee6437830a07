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
    dead: BTreeSet<(Origin, String)>,
}

impl Books {
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
                if !self.dead.insert((dead.origin, dead.part.clone())) && again {
                    continue;
                }
                ledger.accepted(1);
                ledger.dead(&dead.part, &dead.code);
                metrics.dead(&plan.name, &dead.part, &dead.code, 1);
                tracing::warn!(pipeline = %plan.name, delivery = delivery.seq, part = dead.part, code = dead.code,
                    place = dead.place, "dead letter: {}", dead.reason);
                burials.push(Burial {
                    pipeline: Arc::clone(&plan.name),
                    revision: Arc::clone(&plan.revision),
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
        while self.dead.first().is_some_and(|(origin, _)| origin.delivery <= floor) {
            self.dead.pop_first();
        }
    }
}
