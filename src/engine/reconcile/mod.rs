//! Comparing a shop's orders with what is known of them, and telling those that are missing.
//!
//! Three questions, asked of whoever has the data directory: the running process by its admin address ([`served`]), or the command
//! itself when none runs. Which orders the journal told ([`Desk::known`]); what the pipeline, with all that it remembers, would make
//! of an order that is told now ([`Desk::settle`], in a dry run); and, for those of which it makes something, to journal them.

mod known;
mod served;
mod settle;

use std::path::Path;
use std::sync::Arc;

pub use known::Known;
pub(super) use served::Served;
pub use served::{KnownAsked, SettleAsked};
pub use settle::{Fate, How, Verdict};

use super::lane::Shared;
use super::metrics::Metrics;
use super::outside::Outside;
use super::worker::Workers;
use crate::journal::{Cursors, Journal, JournalError, JournalOptions};
use crate::pipeline::Plan;
use crate::source::orders::{Listing, Orders};
use crate::state::{Disk, Store};

/// What a reconciliation works with.
#[derive(Clone)]
pub struct Desk {
    journal: Arc<Journal>,
    state: Arc<dyn Store>,
    outside: Arc<Outside>,
    workers: Workers,
}

impl Desk {
    /// That of the running process.
    pub(super) fn of(shared: &Shared) -> Self {
        Self {
            journal: Arc::clone(&shared.journal),
            state: Arc::clone(&shared.state),
            outside: Arc::clone(&shared.outside),
            workers: shared.workers.clone(),
        }
    }

    /// Opens a data directory that no process has; `None` if one has it.
    ///
    /// A pipeline that never ran begins at the present when it does. What is journaled for it now must not be passed over then, so
    /// its sinks begin here.
    pub fn open(dir: &Path, plan: &Plan) -> Result<Option<Self>, String> {
        let cursors = Cursors::open(&dir.join("cursors")).map_err(|error| format!("the cursors: {error}"))?;
        let after_seq = cursors.list().iter().map(|(.., seq)| *seq).max().unwrap_or(0);
        let options = JournalOptions { after_seq, ..JournalOptions::default() };
        let journal = match Journal::open(&dir.join("journal"), options) {
            Ok((journal, _)) => journal,
            Err(JournalError::Locked(_)) => return Ok(None),
            Err(error) => return Err(error.to_string()),
        };
        let state = Disk::open(&dir.join("state.redb")).map_err(|error| error.to_string())?;
        if cursors.list().iter().all(|(pipeline, ..)| **pipeline != *plan.name) {
            for sink in &plan.sinks {
                cursors
                    .set(&plan.name, &sink.id, journal.durable())
                    .map_err(|error| format!("the cursor of {}: {error}", sink.id))?;
            }
        }
        Ok(Some(Self {
            journal,
            state: Arc::new(state),
            outside: Arc::new(Outside::new(Vec::new(), &Arc::new(Metrics::default()))),
            workers: Workers::start(1).map_err(|error| error.to_string())?,
        }))
    }

    /// Makes everything durable and ends.
    pub fn close(&self) {
        self.journal.close();
    }
}

/// A shop of a plan's source.
fn find_shop<'p>(plan: &'p Plan, source: &str, shop: &str) -> Result<&'p dyn Orders, String> {
    let part = plan.source(source).ok_or_else(|| format!("`{}` has no source `{source}`", plan.name))?;
    let Listing::Shops(shops) = part.source.orders() else {
        return Err(format!("the source `{source}` of `{}` has no `api`", plan.name));
    };
    let found = shops.iter().find(|orders| orders.shop() == shop).map(|orders| &**orders);
    found.ok_or_else(|| format!("the source `{source}` of `{}` has no `api` for {shop}", plan.name))
}
