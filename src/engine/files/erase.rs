//! What the run of a file does when a line asks that a person be erased: its own memory and the dead letters; it has no journal.

use std::io;
use std::sync::Arc;

use crate::engine::erase::Erasing;
use crate::engine::holds::Holds;
use crate::engine::lane::{LaneStatus, Shared};
use crate::engine::transmit::now_ms;
use crate::engine::worker::Done;
use crate::erasure::Names;
use crate::pipeline::{ERASED, Plan};
use crate::state::{Erased, Store};

pub(super) async fn erase(
    pipeline: &LaneStatus,
    shared: &Arc<Shared>,
    store: &Arc<dyn Store>,
    plan: &Arc<Plan>,
    lines: &[Done],
    holds: &mut Holds,
) -> io::Result<()> {
    for line in lines.iter().filter(|line| !line.outcome.erasures.is_empty()) {
        let (plan, store, shared) = (Arc::clone(plan), Arc::clone(store), Arc::clone(shared));
        let erasures = line.outcome.erasures.clone();
        let held = tokio::task::spawn_blocking(move || {
            let names = Names::new(&erasures);
            // Numbers of lines tell nothing of what came before: all that is there now did.
            let (pipeline, before) = (&*plan.name, u64::MAX);
            let erasing =
                Erasing { pipeline, plan: Some(&plan), erasures: &erasures, names: &names, before, delivery: None };
            let nothing = (Erased::default(), vec![0; erasures.len()]);
            let done = erasing.carry_out(&*store, shared.graveyard.store(), &nothing)?;
            erasing.record(&shared.audit, &done.tallies, now_ms())?;
            shared.outside.forget();
            Ok::<_, io::Error>(done.held)
        })
        .await
        .map_err(io::Error::other)??;
        for (id, part) in held {
            holds.forget(&id);
            pipeline.ledger.accepted(1);
            pipeline.ledger.dropped(&part, ERASED);
        }
    }
    pipeline.ledger.held(holds.len());
    Ok(())
}
