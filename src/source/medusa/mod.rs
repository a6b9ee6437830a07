//! `medusa`: events of a Medusa backend (version 1 or 2), forwarded by a subscriber that signs what it sends.

mod decode;
mod def;
mod orders;
#[cfg(test)]
mod tests;

pub use def::DEF;

use super::orders::{Listing, Orders};
use super::verify::{Algorithm, Denied, Encoding, mac, mac_matches};
use super::{Input, Refused, Reply, Request, Sample, Source, Verdict, listen};
use crate::event::{Delivery, Event};
use crate::registry::Secret;

/// The header of the signature: the lower-case hex HMAC-SHA256 of the raw body.
const SIGNATURE: &str = "x-signature";

/// The part's options, ready for use.
#[derive(Debug)]
pub struct Medusa {
    input: Input,
    secrets: Vec<Secret>,
    body_bytes_max: usize,
    orders: Vec<Box<dyn Orders>>,
}

impl Source for Medusa {
    fn input(&self) -> Input {
        self.input.clone()
    }

    fn verify(&self, request: &Request<'_>) -> Verdict {
        if request.method != "POST" {
            return listen::method_not_allowed("POST");
        }
        // An empty body is refused before its signature: anybody may know the signature of nothing.
        if request.wire.is_empty() {
            return refuse(400, "empty-body");
        }
        match self.check(request) {
            Ok(()) => Verdict::Accept { headers: Vec::new(), reply: Reply::empty(200) },
            Err(denied) => refuse(401, denied.reason()),
        }
    }

    fn decode(&self, delivery: &Delivery) -> Vec<Result<Event, Refused>> {
        vec![decode::event(delivery)]
    }

    /// What the event bus keeps over its retries: see [`decode::identity`].
    fn identity(&self, delivery: &Delivery) -> String {
        decode::identity(delivery)
    }

    fn body_bytes_max(&self) -> usize {
        self.body_bytes_max
    }

    fn orders(&self) -> Listing<'_> {
        if self.orders.is_empty() { Listing::Unset(orders::HINT) } else { Listing::Shops(&self.orders) }
    }

    fn sign(&self, sample: &mut Sample, _now_ms: i64) {
        "POST".clone_into(&mut sample.method);
        if !sample.has_header("content-type") {
            sample.set_header("content-type", "application/json");
        }
        if !sample.has_header(SIGNATURE) {
            let key = self.secrets.first().map(Secret::reveal).unwrap_or_default();
            let signature = mac(Algorithm::Sha256, key.as_bytes(), &[&sample.body]);
            sample.set_header(SIGNATURE, &Encoding::Hex.write(&signature));
        }
    }
}

impl Medusa {
    fn check(&self, request: &Request<'_>) -> Result<(), Denied> {
        let given = request.header(SIGNATURE).map(str::trim).filter(|text| !text.is_empty()).ok_or(Denied::Missing)?;
        let given = Encoding::Hex.read(given).ok_or(Denied::Wrong)?;
        // No early exit: the time taken does not tell which secret matched.
        let matched = self.secrets.iter().fold(false, |found, secret| {
            found | mac_matches(Algorithm::Sha256, secret.reveal().as_bytes(), &[request.wire], &given)
        });
        if matched { Ok(()) } else { Err(Denied::Wrong) }
    }
}

fn refuse(status: u16, reason: &'static str) -> Verdict {
    Verdict::Reject { reply: Reply::text(status, &format!("{}\n", reason.replace('-', " "))), reason }
}
