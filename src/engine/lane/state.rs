//! What a lane does about its pipeline's state: going back to where deliveries are run from, keeping what they change, and waking
//! the events that wait.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::oneshot;

use super::Runner;
use crate::engine::holds::Holds;
use crate::engine::transmit::now_ms;
use crate::engine::worker::Done;
use crate::state::{Change, Claim, Erased, Held, StoreError};

/// After a failure of the store.
pub(super) const AGAIN: Duration = Duration::from_secs(2);
/// When an event is to be woken that the journal did not take.
const AGAIN_MS: i64 = 1000;
/// Deliveries before the cursors for which it stays known what they overwrote, although they will not run again: a disk may say too
/// early that a cursor is safe.
const UNDO_MARGIN: u64 = 2000;

impl Runner {
    /// Takes the state back to where it was after the delivery at `position`, and finds the events that wait.
    pub(super) async fn recall(&mut self, position: u64) {
        self.say_what_stays(position).await;
        let name = Arc::clone(&self.plan.name);
        let (holds, erased) = self
            .store(move |store| {
                store.rollback(&name, position)?;
                Ok((Holds::load(store, &name)?, Erased::load(store, &name)?))
            })
            .await;
        self.holds = holds;
        self.status.withheld.load(erased);
        self.status.ledger.held(self.holds.len());
        self.shared.metrics.held(&self.plan.name, self.holds.len());
    }

    /// Finds what was kept of deliveries after `position`: they are run again, and a sink that does not get on would multiply
    /// dead letters with every restart.
    pub(super) async fn recall_dead(&mut self, position: u64) {
        let (store, name) = (Arc::clone(self.shared.graveyard.store()), Arc::clone(&self.plan.name));
        match tokio::task::spawn_blocking(move || store.since(&name, position)).await {
            Ok(known) => self.books.recall(known),
            Err(error) => tracing::error!(pipeline = %self.plan.name, %error, "dead letters may be kept twice"),
        }
    }

    /// Says if the state cannot go back so far, as with a cursor file that is damaged or from a backup. Messages are sent again then
    /// rather than never, and nobody should wonder about what they count.
    async fn say_what_stays(&self, position: u64) {
        let name = Arc::clone(&self.plan.name);
        let floor = self.store(move |store| store.floor(&name)).await;
        if floor > position {
            tracing::warn!(
                pipeline = %self.plan.name, from = position + 1, to = floor,
                "these deliveries run again, and what they changed in the state cannot be taken back: counts may be too high"
            );
        }
    }

    /// Forgets what the pipeline remembers.
    pub(super) async fn forget(&mut self, position: u64) {
        let name = Arc::clone(&self.plan.name);
        self.store(move |store| store.forget(&name)).await;
        self.recall(position).await;
    }

    /// Makes durable what deliveries changed, before their messages go on.
    pub(super) async fn remember(&mut self, done: &mut [Done]) {
        let released: Vec<Claim> = done.iter_mut().flat_map(|done| self.holds.take(&mut done.outcome)).collect();
        let changes: Vec<Change> =
            done.iter().filter(|done| !done.outcome.writes.is_empty()).map(Done::change).collect();
        if !changes.is_empty() {
            let name = Arc::clone(&self.plan.name);
            let floor = self.undo_floor();
            self.store(move |store| store.commit(&name, &changes, floor)).await;
        }
        if !released.is_empty() {
            let name = Arc::clone(&self.plan.name);
            self.store(move |store| store.release(&name, &released)).await;
        }
        if self.retiring {
            self.holds.hasten();
        }
        self.status.ledger.held(self.holds.len());
        self.shared.metrics.held(&self.plan.name, self.holds.len());
    }

    /// Deliveries up to here are never run again, not even after a power loss.
    fn undo_floor(&self) -> u64 {
        let synced = |sink: &super::SinkLane| self.shared.cursors.synced(&self.plan.name, &sink.part.id).unwrap_or(0);
        self.sinks.iter().map(synced).min().unwrap_or(0).saturating_sub(UNDO_MARGIN)
    }

    /// The pipeline was removed: nobody would wake later what waits.
    pub(super) fn retire(&mut self) {
        self.retiring = true;
        self.holds.hasten();
        if self.holds.len() > 0 {
            let held = self.holds.len();
            tracing::info!(pipeline = %self.plan.name, held, "removed; events that wait go on now, or become dead letters");
        }
    }

    /// Journals a wake-up for each event whose time has come.
    pub(super) async fn wake_up(&mut self) {
        let mut waiting = Vec::new();
        for id in self.holds.take_due(now_ms()) {
            let (done, durable) = oneshot::channel();
            let wake_up = if self.retiring { Held::last_wake_up } else { Held::wake_up };
            let wake_up = wake_up(&self.plan.name, &id, now_ms());
            let queued = self.shared.journal.append(wake_up, move |result| {
                let _ = done.send(result.is_ok());
            });
            waiting.push((id, queued.is_ok().then_some(durable)));
        }
        for (id, durable) in waiting {
            let journaled = match durable {
                Some(durable) => durable.await.unwrap_or(false),
                None => false,
            };
            if !journaled {
                self.holds.again(&id, now_ms() + AGAIN_MS);
            }
        }
    }

    /// Runs blocking work on the store until it succeeds: nothing may go on before it has.
    async fn store<T: Send + 'static>(
        &self,
        work: impl Fn(&dyn crate::state::Store) -> Result<T, StoreError> + Send + Sync + 'static,
    ) -> T {
        let work = Arc::new(work);
        loop {
            let (work, store) = (Arc::clone(&work), Arc::clone(&self.shared.state));
            let result = tokio::task::spawn_blocking(move || work(&*store)).await;
            match result.map_err(|error| StoreError(error.to_string())).and_then(|result| result) {
                Ok(value) => return value,
                Err(error) => {
                    tracing::error!(pipeline = %self.plan.name, %error, "will try again");
                    tokio::time::sleep(AGAIN).await;
                }
            }
        }
    }
}
