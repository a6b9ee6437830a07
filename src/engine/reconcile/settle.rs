//! What becomes of orders that the journal did not tell.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use tokio::sync::oneshot;

use super::{Desk, find_shop};
use crate::engine::drive;
use crate::engine::transmit::now_ms;
use crate::event::Delivery;
use crate::journal::AppendError;
use crate::pipeline::{Outcome, Plan};
use crate::source::orders::{self, Order};
use crate::step::DUPLICATE;

/// What is done about orders.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum How {
    /// Those that are missing are journaled.
    Deliver,
    /// Nothing is done.
    Look,
    /// Nothing is done, and nobody is asked: they are many, of which the journal says that they were told.
    Recall,
}

/// What became of an order, or would.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fate {
    /// It is missing, and is told now.
    Missing,
    /// Told now, it would come to nothing: a duplicate, a test order. Why, in the pipeline's words.
    LeftOut(String),
}

/// The fate of one order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verdict {
    /// Its id.
    pub id: String,
    /// What became of it.
    pub fate: Fate,
}

impl Desk {
    /// Runs orders through the pipeline as it stands, without effect, and journals those of which something comes, if so asked.
    ///
    /// Comes back when they are durable. Whatever is interrupted can be begun anew: the journal tells what was done.
    pub async fn settle(
        &self,
        plan: &Arc<Plan>,
        source: &str,
        shop: &str,
        found: &[Order],
        how: How,
    ) -> Result<Vec<Verdict>, String> {
        let shop = find_shop(plan, source, shop)?;
        let now = now_ms();
        let deliveries: Vec<Arc<Delivery>> =
            found.iter().map(|order| Arc::new(orders::delivery(shop, order, &plan.name, source, now))).collect();
        let asks = how != How::Recall;
        let done = drive::look(&self.workers, &self.outside, &self.state, plan, deliveries, asks)
            .await
            .map_err(|_| "a worker ended".to_owned())?;
        let mut verdicts = Vec::with_capacity(found.len());
        let mut waiting = Vec::new();
        for (order, done) in found.iter().zip(done) {
            let fate = fate(&done.outcome).map_or(Fate::Missing, Fate::LeftOut);
            if fate == Fate::Missing && how == How::Deliver {
                let queued = self.append(Arc::unwrap_or_clone(done.delivery));
                waiting.push((&order.id, queued.map_err(|error| not_journaled(&order.id, &error))?));
            }
            verdicts.push(Verdict { id: order.id.clone(), fate });
        }
        for (id, durable) in waiting {
            match durable.await {
                Ok(Ok(_)) => {}
                Ok(Err(error)) => return Err(not_journaled(id, &error)),
                Err(_) => return Err(not_journaled(id, &AppendError::Closed)),
            }
        }
        Ok(verdicts)
    }

    /// Queues a delivery for the journal; the receiver is told when it is durable.
    fn append(&self, delivery: Delivery) -> Result<oneshot::Receiver<Result<u64, AppendError>>, AppendError> {
        let (done, durable) = oneshot::channel();
        self.journal.append(delivery, move |result| {
            let _ = done.send(result);
        })?;
        Ok(durable)
    }
}

fn not_journaled(id: &str, error: &AppendError) -> String {
    format!("order {id} could not be journaled: {error}")
}

/// Why nothing comes of a delivery; `None` if something does. Only saying who a customer is tells no order.
fn fate(outcome: &Outcome) -> Option<String> {
    let messages = || outcome.messages.iter().flatten();
    // What would change something outside, or may not ask there, is not tried: something comes of it.
    if !outcome.needs.is_empty()
        || !outcome.held.is_empty()
        || !outcome.dead.is_empty()
        || messages().any(|message| !is_identify(&message.bytes))
    {
        return None;
    }
    // Beside the order go messages of its customer, before it, which may be left out for reasons of their own.
    let dropped = outcome.dropped.iter().find(|dropped| dropped.reason == DUPLICATE).or(outcome.dropped.last());
    match dropped {
        Some(dropped) => Some(dropped.reason.clone()),
        None if messages().next().is_some() => None,
        None => Some("nothing comes of it".to_owned()),
    }
}

fn is_identify(message: &[u8]) -> bool {
    #[derive(Deserialize)]
    struct Kind<'a> {
        #[serde(rename = "type", borrow)]
        kind: std::borrow::Cow<'a, str>,
    }
    serde_json::from_slice::<Kind<'_>>(message).is_ok_and(|message| message.kind == "identify")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Origin;
    use crate::pipeline::{Dropped, HeldEvent, Message};

    fn outcome(messages: &[&str], reasons: &[&str]) -> Outcome {
        let origin = Origin::default();
        let message = |text: &&str| Message { origin, bytes: text.as_bytes().to_vec().into(), stakes: Vec::new() };
        let dropped = |reason: &&str| Dropped { origin, part: "once".to_owned(), reason: (*reason).to_owned() };
        Outcome {
            messages: vec![Vec::new(), messages.iter().map(message).collect()],
            dropped: reasons.iter().map(dropped).collect(),
            ..Outcome::default()
        }
    }

    const IDENTIFY: &str = r#"{"userId":"7","type":"identify"}"#;
    const TRACK: &str = r#"{"type":"track","event":"Order Completed"}"#;

    #[test]
    fn an_order_is_missing_if_something_comes_of_it() {
        let left_out = |messages: &[&str], reasons: &[&str]| fate(&outcome(messages, reasons));
        assert_eq!(left_out(&[IDENTIFY, TRACK], &[]), None);
        assert_eq!(left_out(&[TRACK], &["duplicate"]), None);
        assert_eq!(left_out(&["not JSON"], &["duplicate"]), None);
        // Who sends no more than that of an order wants it sent.
        assert_eq!(left_out(&[IDENTIFY], &[]), None);
        assert_eq!(left_out(&[IDENTIFY], &["duplicate"]).as_deref(), Some("duplicate"));
        assert_eq!(left_out(&[], &["nothing new", "test order"]).as_deref(), Some("test order"));
        assert_eq!(left_out(&[], &["nothing new", "duplicate", "other"]).as_deref(), Some("duplicate"));
        assert_eq!(left_out(&[], &[]).as_deref(), Some("nothing comes of it"));
    }

    #[test]
    fn what_waits_or_fails_is_told_for_real() {
        let held = HeldEvent {
            bytes: 0,
            id: "1".to_owned(),
            origin: Origin::default(),
            part: "identity".to_owned(),
            reason: "waits".to_owned(),
            until_ms: 1,
            wake: Vec::new(),
        };
        assert_eq!(fate(&Outcome { held: vec![held], ..outcome(&[], &["duplicate"]) }), None);
        let needs = vec![crate::lookup::Lookup {
            method: "POST".to_owned(),
            url: "https://api.example.com/".to_owned(),
            headers: Vec::new(),
            body: Vec::new(),
            timeout_ms: 1,
            cache_ms: 0,
            access: Arc::default(),
        }];
        assert_eq!(fate(&Outcome { needs, ..outcome(&[], &[]) }), None, "it would change something");
        let dead = crate::pipeline::Dead {
            origin: Origin::default(),
            part: "script".to_owned(),
            code: "script".to_owned(),
            reason: "bad".to_owned(),
            place: None,
            stack: Vec::new(),
            logs: Vec::new(),
            message: None,
        };
        assert_eq!(fate(&Outcome { dead: vec![dead], ..outcome(&[], &[]) }), None);
    }
}
