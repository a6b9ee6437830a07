//! Entering what workers did into the books.

use std::sync::Arc;

use super::grave::Burial;
use super::ledger::Ledger;
use super::metrics::Metrics;
use super::worker::Done;
use crate::pipeline::Plan;

/// Counts every end and returns the dead letters that must be kept before the cursor moves on.
pub(super) fn enter<'a>(
    ledger: &Ledger,
    metrics: &Metrics,
    plan: &Arc<Plan>,
    done: impl IntoIterator<Item = &'a Done>,
) -> Vec<Burial> {
    let mut burials = Vec::new();
    for Done { delivery, outcome } in done {
        for line in &outcome.logs {
            tracing::info!(pipeline = %plan.name, delivery = delivery.seq, level = line.level, "script: {}", line.text);
        }
        ledger.processed(outcome.ends());
        for dropped in &outcome.dropped {
            ledger.dropped(&dropped.part, &dropped.reason);
            metrics.dropped(&plan.name, &dropped.part);
        }
        for dead in &outcome.dead {
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
                message: dead.message.clone(),
                delivery: Some(Arc::clone(delivery)),
            });
        }
    }
    burials
}
