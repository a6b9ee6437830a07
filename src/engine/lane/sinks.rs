//! The sinks of a lane: opening them at their cursors, changing them with a new version, and ending them.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::sync::mpsc;

use super::jobs::next_done;
use super::{Order, Runner};
use crate::engine::sink_lane::{SinkLane, same};
use crate::pipeline::Plan;

impl Runner {
    pub(super) fn drop_removed(&self, sink: &str, messages: usize) {
        for _ in 0..messages {
            self.status.ledger.dropped(sink, "sink removed");
        }
    }

    /// Takes up a new version. Gives the position to read from again, if a sink changed.
    pub(super) async fn change(&mut self, plan: Arc<Plan>) -> Option<u64> {
        let same_sinks = plan.sinks.len() == self.sinks.len()
            && plan.sinks.iter().zip(&self.sinks).all(|(new, old)| same(new, &old.part));
        self.previous = Some(std::mem::replace(&mut self.plan, Arc::clone(&plan)));
        if same_sinks {
            return None;
        }
        // Jobs of the version before end first: what they made for sinks that stay is sent as it is.
        while let Some(Some((job, done))) =
            if self.jobs.is_empty() { None } else { Some(next_done(&mut self.jobs).await) }
        {
            self.finish(job, done).await;
        }
        let (stay, go): (Vec<_>, Vec<_>) = std::mem::take(&mut self.sinks)
            .into_iter()
            .partition(|sink| plan.sinks.iter().any(|part| same(part, &sink.part)));
        // Where a sink begins that is new: where those are that keep their names. If none does, the new ones take over what
        // waited for the old ones.
        let named = |sink: &&SinkLane| plan.sinks.iter().any(|part| part.id == sink.part.id);
        for sink in &go {
            sink.stop().await;
            self.save_cursor(&sink.part.id, sink.cursor());
        }
        let kept = stay.iter().chain(&go).filter(named).map(SinkLane::cursor).min();
        let begin = kept.or_else(|| go.iter().map(SinkLane::cursor).min());
        let gone: Vec<Arc<str>> = go.iter().filter(|sink| !named(sink)).map(|sink| Arc::clone(&sink.part.id)).collect();
        let changed: Vec<Arc<str>> = go.iter().filter(named).map(|sink| Arc::clone(&sink.part.id)).collect();
        for sink in go {
            let pending = sink.state.pending.load(Ordering::SeqCst);
            if kept.is_none() || changed.contains(&sink.part.id) {
                self.status.ledger.withdrawn(pending);
            } else {
                self.drop_removed(&sink.part.id, pending as usize);
            }
        }
        self.sinks = stay;
        self.open_sinks(&plan, begin.map(|begin| (begin, changed)));
        for sink in &gone {
            self.forget_cursor(sink);
        }
        Some(self.start_position())
    }

    /// Opens the sinks of a plan that are not open. `running`: where new ones begin, and which others have been running until
    /// now. At a start every sink begins at its cursor, and a new pipeline at the present; sinks that went away between two runs
    /// are forgotten, as they are when they go while the pipeline runs.
    pub(super) fn open_sinks(&mut self, plan: &Arc<Plan>, running: Option<(u64, Vec<Arc<str>>)>) {
        let stored = |id: &Arc<str>| self.shared.cursors.get(&plan.name, id);
        let mut cursors: HashMap<Arc<str>, u64> =
            plan.sinks.iter().filter_map(|part| Some((Arc::clone(&part.id), stored(&part.id)?))).collect();
        let starts = running.is_none();
        let begin = match running {
            Some((begin, changed)) => {
                cursors.retain(|id, _| changed.contains(id));
                begin
            }
            None => cursors.values().copied().min().unwrap_or_else(|| self.beginning(plan)),
        };
        let mut sinks = Vec::new();
        for part in &plan.sinks {
            if let Some(at) = self.sinks.iter().position(|sink| same(part, &sink.part)) {
                sinks.push(self.sinks.swap_remove(at));
                continue;
            }
            let cursor = cursors.get(&part.id).copied().unwrap_or(begin);
            self.save_cursor(&part.id, cursor);
            sinks.push(SinkLane::open(part, cursor, plan, &self.status, &self.shared));
        }
        if starts {
            self.forget_cursors_but(plan);
        }
        self.sinks = sinks;
        *self.status.sinks.lock().unwrap_or_else(std::sync::PoisonError::into_inner) =
            self.sinks.iter().map(|sink| (Arc::clone(&sink.part.id), Arc::clone(&sink.state))).collect();
    }

    /// Where a pipeline begins none of whose sinks is known: at the present, or where other sinks were before they were
    /// replaced between two runs. The new ones take over what waited for any of those.
    fn beginning(&self, plan: &Plan) -> u64 {
        let cursors = self.shared.cursors.list();
        let replaced = cursors.iter().filter(|(pipeline, ..)| **pipeline == *plan.name).map(|(.., seq)| *seq).min();
        replaced.unwrap_or_else(|| self.shared.journal.durable())
    }

    /// Forgets the cursors of sinks that the plan does not have, once those that it has have theirs.
    fn forget_cursors_but(&self, plan: &Plan) {
        let cursors = &self.shared.cursors;
        if plan.sinks.iter().any(|part| cursors.get(&plan.name, &part.id).is_none()) {
            return;
        }
        for (pipeline, sink, _) in cursors.list() {
            if *pipeline == *plan.name && plan.sinks.iter().all(|part| *part.id != *sink) {
                self.forget_cursor(&sink);
            }
        }
    }

    /// Forgets a removed sink's cursor. Were it kept, a sink that comes back one day would get everything since then, and what the
    /// pipeline remembers of so many deliveries could not be taken back before they run again.
    fn forget_cursor(&self, sink: &str) {
        if let Err(error) = self.shared.cursors.remove(&self.plan.name, sink) {
            tracing::warn!(pipeline = %self.plan.name, sink, %error, "a removed sink's cursor could not be deleted");
        }
    }

    pub(super) fn start_position(&self) -> u64 {
        self.sinks.iter().map(|sink| sink.enqueued).min().unwrap_or_else(|| self.shared.journal.durable())
    }

    /// Lets the sinks send what they have, then ends; an order to stop cuts it short.
    pub(super) async fn close(&mut self, mut orders: mpsc::UnboundedReceiver<Order>) {
        for sink in &mut self.sinks {
            sink.queue = None;
        }
        loop {
            if self.sinks.iter().all(|sink| sink.task.is_finished()) {
                break;
            }
            tokio::select! {
                order = orders.recv() => if matches!(order, Some(Order::Stop) | None) { break },
                () = tokio::time::sleep(Duration::from_millis(5)) => {}
            }
        }
        self.abandon().await;
    }

    /// Ends after the requests under way.
    pub(super) async fn abandon(&mut self) {
        for sink in std::mem::take(&mut self.sinks) {
            let (id, state) = (Arc::clone(&sink.part.id), Arc::clone(&sink.state));
            sink.stop().await;
            self.save_cursor(&id, state.cursor.load(Ordering::SeqCst));
        }
    }

    fn save_cursor(&self, sink: &str, cursor: u64) {
        if let Err(error) = self.shared.cursors.set(&self.plan.name, sink, cursor) {
            tracing::warn!(pipeline = %self.plan.name, sink, %error, "a cursor could not be written");
        }
    }
}
