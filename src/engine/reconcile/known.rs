//! Which orders the journal told.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{Desk, find_shop};
use crate::event::Delivery;
use crate::pipeline::Plan;
use crate::source::orders::{Orders, Told};

/// Deliveries that are read at once.
const BATCH: usize = 512;
const BATCH_BYTES: usize = 4 << 20;

/// What the journal says of a shop's orders.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Known {
    /// When the oldest delivery of the pipeline came that is still there, in milliseconds since 1970. Of orders before it the
    /// journal says nothing.
    pub begins_ms: Option<i64>,
    /// Orders by their ids.
    pub orders: HashMap<String, Told>,
    /// Deliveries that can no longer be read.
    pub lost: u64,
}

impl Known {
    fn take(&mut self, plan: &Plan, source: &str, orders: &dyn Orders, delivery: &Delivery) {
        if *delivery.pipeline != *plan.name {
            return;
        }
        self.begins_ms = Some(self.begins_ms.map_or(delivery.received_ms, |begins| begins.min(delivery.received_ms)));
        // What another source took in has another form. A source that is no longer there may have been this one, under another id.
        if *delivery.source != *source && plan.source(&delivery.source).is_some() {
            return;
        }
        let Some((id, told)) = orders.told(delivery) else { return };
        let told = if delivery.reconciled().is_some() { Told::Reconciled } else { told };
        match self.orders.entry(id) {
            Entry::Occupied(mut known) => *known.get_mut() = told.max(*known.get()),
            Entry::Vacant(place) => {
                place.insert(told);
            }
        }
    }
}

impl Desk {
    /// Reads the whole journal for the orders that a source's shop has told.
    pub async fn known(&self, plan: &Arc<Plan>, source: &str, shop: &str) -> Result<Known, String> {
        let (plan, source, shop) = (Arc::clone(plan), source.to_owned(), shop.to_owned());
        let mut reader = self.journal.reader(self.journal.oldest().saturating_sub(1));
        let read = tokio::task::spawn_blocking(move || {
            let orders = find_shop(&plan, &source, &shop)?;
            let mut known = Known::default();
            loop {
                match reader.next_batch(BATCH, BATCH_BYTES) {
                    Ok(batch) if batch.is_empty() => return Ok(known),
                    Ok(batch) => batch.iter().for_each(|delivery| known.take(&plan, &source, orders, delivery)),
                    Err(error) => match reader.skip() {
                        Some((first, last)) => known.lost += last - first + 1,
                        None => return Err(format!("the journal cannot be read: {error:?}")),
                    },
                }
            }
        });
        read.await.map_err(|error| error.to_string())?
    }
}
