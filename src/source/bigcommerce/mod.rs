//! `bigcommerce`: callbacks of a BigCommerce store, signed as Standard Webhooks or known by headers of your own.

mod callback;
mod def;
mod orders;
mod proof;
#[cfg(test)]
mod tests;

pub use def::DEF;

use super::orders::{Listing, Orders};
use super::{Input, Refused, Reply, Request, Sample, Source, Verdict, default_identity, listen};
use crate::event::{Delivery, Event};
use callback::Named;
use proof::Proof;

/// What a delivery keeps. Signature and headers of your own are not among them: they have done their work.
const KEPT: [&str; 2] = ["webhook-id", "webhook-timestamp"];

/// The part's options, ready for use.
#[derive(Debug)]
pub struct Bigcommerce {
    input: Input,
    proof: Proof,
    stores: Vec<String>,
    body_bytes_max: usize,
    orders: Vec<Box<dyn Orders>>,
}

impl Source for Bigcommerce {
    fn input(&self) -> Input {
        self.input.clone()
    }

    fn verify(&self, request: &Request<'_>) -> Verdict {
        if request.method != "POST" {
            return listen::method_not_allowed("POST");
        }
        if request.wire.is_empty() {
            return refuse(400, "the body is empty\n", "empty-body");
        }
        if let Err(denied) = self.proof.verify(request) {
            return refuse(401, &format!("{}\n", denied.reason().replace('-', " ")), denied.reason());
        }
        // Looked into only now that it is known to be genuine: the store stands nowhere else.
        if !self.stores.is_empty() {
            let named = Named::read(request.body);
            if !named.store().is_some_and(|store| self.stores.iter().any(|allowed| allowed == store)) {
                return refuse(403, "this store is not allowed\n", "unknown-store");
            }
        }
        let kept = KEPT.iter().filter_map(|name| Some(((*name).to_owned(), request.header(name)?.to_owned())));
        Verdict::Accept { headers: kept.collect(), reply: Reply::empty(200) }
    }

    fn keeps(&self, header: &str) -> Option<bool> {
        Some(KEPT.contains(&header))
    }

    fn decode(&self, delivery: &Delivery) -> Vec<Result<Event, Refused>> {
        vec![callback::event(delivery)]
    }

    /// The webhook id, which retries keep. Without one, what the body says of itself: its `hash` alone is not enough, because
    /// whether two real changes of one order share it is documented nowhere.
    fn identity(&self, delivery: &Delivery) -> String {
        let mut parts = vec![&*delivery.pipeline, &*delivery.source, "bigcommerce"];
        if let Some(id) = delivery.header("webhook-id").filter(|id| !id.is_empty()) {
            parts.extend(["id", id]);
            return listen::digest(&parts);
        }
        let named = Named::read(&delivery.body);
        match named.itself() {
            Some(itself) => {
                parts.extend(itself);
                listen::digest(&parts)
            }
            None => default_identity(delivery),
        }
    }

    fn body_bytes_max(&self) -> usize {
        self.body_bytes_max
    }

    fn orders(&self) -> Listing<'_> {
        if self.orders.is_empty() { Listing::Unset(orders::HINT) } else { Listing::Shops(&self.orders) }
    }

    fn sign(&self, sample: &mut Sample, now_ms: i64) {
        self.proof.sign(sample, now_ms);
        if !sample.has_header("content-type") {
            sample.set_header("content-type", "application/json");
        }
        "POST".clone_into(&mut sample.method);
    }
}

fn refuse(status: u16, text: &str, reason: &'static str) -> Verdict {
    Verdict::Reject { reply: Reply::text(status, text), reason }
}
