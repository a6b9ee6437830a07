//! Handing a lane's deliveries to the workers, as jobs.

use std::collections::VecDeque;
use std::sync::Arc;

use tokio::sync::oneshot;

use super::{Runner, Shared};
use crate::engine::drive;
use crate::engine::worker::Done;
use crate::event::Delivery;
use crate::pipeline::Plan;

/// A job under way.
pub(super) struct Pending {
    /// The position that it completes.
    pub(super) mark: u64,
    pub(super) plan: Arc<Plan>,
    /// It must have ended before the next one begins.
    pub(super) serial: bool,
    /// What it runs. It may end early: then the rest is yet to be run.
    pub(super) deliveries: Vec<Arc<Delivery>>,
    pub(super) done: oneshot::Receiver<Vec<Done>>,
}

impl Runner {
    /// Hands deliveries to the workers, by the version that knows their source. `false`: a worker ended.
    pub(super) async fn submit(&mut self, deliveries: Vec<Arc<Delivery>>, mark: u64) -> bool {
        let mut rest = deliveries;
        while !rest.is_empty() {
            let plan = self.plan_for(&rest[0]);
            let end =
                rest.iter().position(|delivery| !Arc::ptr_eq(&self.plan_for(delivery), &plan)).unwrap_or(rest.len());
            let later = rest.split_off(end);
            let until = if later.is_empty() { mark } else { rest.last().map_or(mark, |delivery| delivery.seq) };
            let serial = drive::is_serial(&plan, &rest);
            // What it remembers is complete only when all before it have ended.
            while !self.jobs.is_empty() && (serial || self.jobs.iter().any(|job| job.serial)) {
                let done = next_done(&mut self.jobs).await;
                if !self.finish_next(done).await {
                    return false;
                }
            }
            let job = self.job(plan, rest, until);
            self.jobs.push_back(job);
            rest = later;
        }
        // What was read for other pipelines moves the cursors too, so that the journal can be tidied.
        match self.jobs.back_mut() {
            Some(job) => job.mark = job.mark.max(mark),
            None => self.sinks.iter_mut().for_each(|sink| sink.put(Vec::new(), mark)),
        }
        true
    }

    /// Begins a job.
    pub(super) fn job(&self, plan: Arc<Plan>, deliveries: Vec<Arc<Delivery>>, mark: u64) -> Pending {
        let Shared { workers, outside, state, .. } = &*self.shared;
        let serial = drive::is_serial(&plan, &deliveries);
        let done = drive::start(workers, outside, state, &plan, deliveries.clone());
        Pending { mark, plan, serial, deliveries, done }
    }

    fn plan_for(&self, delivery: &Delivery) -> Arc<Plan> {
        match &self.previous {
            Some(previous)
                if self.plan.source(&delivery.source).is_none() && previous.source(&delivery.source).is_some() =>
            {
                Arc::clone(previous)
            }
            _ => Arc::clone(&self.plan),
        }
    }
}

/// The oldest job's result. A worker that died takes its job with it: its deliveries are read again after a restart.
pub(super) async fn next_done(jobs: &mut VecDeque<Pending>) -> Option<(Pending, Vec<Done>)> {
    let done = (&mut jobs.front_mut()?.done).await;
    let job = jobs.pop_front()?;
    done.ok().map(|done| (job, done))
}
