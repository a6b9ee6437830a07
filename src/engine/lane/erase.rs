//! What a lane does when a delivery asks that a person be erased: before anything that comes behind it is run.

use std::io;
use std::sync::Arc;

use super::Runner;
use super::state::AGAIN;
use crate::engine::erase::{self, Erasing};
use crate::engine::transmit::now_ms;
use crate::engine::worker::Done;
use crate::erasure::{Erasure, Names};
use crate::pipeline::{ERASED, Plan};

impl Runner {
    /// Erases those whom deliveries name. When it returns, all of it is durable.
    pub(super) async fn erase(&mut self, plan: &Arc<Plan>, done: &[Done]) {
        for done in done.iter().filter(|done| !done.outcome.erasures.is_empty()) {
            let seq = done.delivery.seq;
            let erasures: Arc<[Erasure]> = done.outcome.erasures.as_slice().into();
            let names = Arc::new(Names::new(&erasures));
            let job = Job { plan: Arc::clone(plan), erasures, names: Arc::clone(&names), seq };
            let shared = Arc::clone(&self.shared);
            let found = self.insist(&job, move |erasing| erasing.deliveries(&shared.journal, &*shared.state)).await;
            // First: a sink that is refused a message now must not make a dead letter of it behind our back.
            self.status.withheld.add(found.0.clone(), seq, &names);
            let shared = Arc::clone(&self.shared);
            let erase::Done { tallies, held } = self
                .insist(&job, move |erasing| erasing.carry_out(&*shared.state, shared.graveyard.store(), &found))
                .await;
            self.let_go(&held);
            // Answers may tell of the person, whatever was asked.
            self.shared.outside.forget();
            let audit = Arc::clone(&self.shared.audit);
            self.insist(&job, move |erasing| erasing.record(&audit, &tallies, now_ms())).await;
        }
    }

    /// Events wait no longer, for good.
    fn let_go(&mut self, held: &[(String, String)]) {
        for (id, part) in held {
            self.holds.forget(id);
            self.status.ledger.accepted(1);
            self.status.ledger.dropped(part, ERASED);
            self.shared.metrics.dropped(&self.plan.name, part);
        }
        self.status.ledger.held(self.holds.len());
        self.shared.metrics.held(&self.plan.name, self.holds.len());
    }

    /// Does blocking work until it succeeds: an erasure that is not carried out must not be passed over.
    async fn insist<T: Send + 'static>(
        &self,
        job: &Job,
        work: impl Fn(&Erasing<'_>) -> io::Result<T> + Send + Sync + 'static,
    ) -> T {
        let work = Arc::new(work);
        loop {
            let (work, job) = (Arc::clone(&work), job.clone());
            let result = tokio::task::spawn_blocking(move || work(&job.erasing())).await;
            match result.map_err(io::Error::other).and_then(|result| result) {
                Ok(value) => return value,
                Err(error) => {
                    tracing::error!(pipeline = %self.plan.name, %error, "an erasure cannot be carried out, will try again");
                    tokio::time::sleep(AGAIN).await;
                }
            }
        }
    }
}

/// An erasure, for a thread that may block.
#[derive(Clone)]
struct Job {
    plan: Arc<Plan>,
    erasures: Arc<[Erasure]>,
    names: Arc<Names>,
    seq: u64,
}

impl Job {
    fn erasing(&self) -> Erasing<'_> {
        Erasing {
            pipeline: &self.plan.name,
            plan: Some(&self.plan),
            erasures: &self.erasures,
            names: &self.names,
            before: self.seq,
            delivery: Some(self.seq),
        }
    }
}
