//! `segment_webhook`: Segment's Webhook destination (Actions and Classic) as a source, so that its events can be rewritten here.

mod decode;
mod def;
mod javascript;
#[cfg(test)]
mod tests;

pub use def::DEF;

use super::verify::{Algorithm, Denied, Encoding, mac, mac_matches};
use super::{Input, Refused, Reply, Request, Sample, Source, Verdict, listen};
use crate::event::{Delivery, Event};
use crate::json::Mask;
use crate::registry::Secret;

/// The header with the keyed hash.
const SIGNATURE: &str = "x-signature";
/// What the destination can be set to.
const METHODS: [&str; 3] = ["POST", "PUT", "PATCH"];

/// The part's options, ready for use.
#[derive(Debug)]
pub struct SegmentWebhook {
    input: Input,
    /// Any may match; with none, anybody is let in.
    secrets: Vec<Secret>,
    keep_headers: Vec<String>,
    batches: bool,
    body_bytes_max: usize,
}

impl Source for SegmentWebhook {
    fn input(&self) -> Input {
        self.input.clone()
    }

    fn verify(&self, request: &Request<'_>) -> Verdict {
        if !METHODS.contains(&request.method) {
            return listen::method_not_allowed(&METHODS.join(", "));
        }
        let reject = |status, reason: &'static str| Verdict::Reject {
            reply: Reply::text(status, &format!("{}\n", reason.replace('-', " "))),
            reason,
        };
        if request.body.iter().all(u8::is_ascii_whitespace) {
            return reject(400, "empty-body");
        }
        if let Err(denied) = self.check(request) {
            return reject(401, denied.reason());
        }
        if !self.batches && javascript::is_array(request.body) {
            return reject(400, "batch-refused");
        }
        let headers = self
            .keep_headers
            .iter()
            .filter_map(|name| request.header(name).map(|value| (name.clone(), value.to_owned())))
            .collect();
        Verdict::Accept { headers, reply: Reply::text(200, "ok\n") }
    }

    fn keeps(&self, header: &str) -> Option<bool> {
        Some(self.keep_headers.iter().any(|kept| kept == header))
    }

    fn decode(&self, delivery: &Delivery) -> Vec<Result<Event, Refused>> {
        self.decode_masked(delivery, &Mask::Whole)
    }

    fn decode_masked(&self, delivery: &Delivery, mask: &Mask) -> Vec<Result<Event, Refused>> {
        decode::events(delivery, mask)
    }

    fn identity(&self, delivery: &Delivery) -> String {
        decode::identity(delivery)
    }

    fn body_bytes_max(&self) -> usize {
        self.body_bytes_max
    }

    fn sign(&self, sample: &mut Sample, _now_ms: i64) {
        if !METHODS.contains(&sample.method.as_str()) {
            METHODS[0].clone_into(&mut sample.method);
        }
        for (name, value) in [("content-type", "application/json"), ("user-agent", "Segment (Actions)")] {
            if !sample.has_header(name) {
                sample.set_header(name, value);
            }
        }
        if let Some(secret) = self.secrets.first().filter(|_| !sample.has_header(SIGNATURE)) {
            let signed = signed_text(&sample.body);
            let signature = mac(Algorithm::Sha1, secret.reveal().as_bytes(), &[&signed]);
            sample.set_header(SIGNATURE, &Encoding::Hex.write(&signature));
        }
    }
}

impl SegmentWebhook {
    fn check(&self, request: &Request<'_>) -> Result<(), Denied> {
        if self.secrets.is_empty() {
            return Ok(());
        }
        let given = request.header(SIGNATURE).map(str::trim).filter(|text| !text.is_empty()).ok_or(Denied::Missing)?;
        let given = Encoding::Hex.read(given).ok_or(Denied::Wrong)?;
        // No early exit among the secrets: the time taken does not tell which one matched.
        let matches = |text: &[u8]| {
            self.secrets.iter().fold(false, |found, secret| {
                found | mac_matches(Algorithm::Sha1, secret.reveal().as_bytes(), &[text], &given)
            })
        };
        if !javascript::is_array(request.body) {
            return if matches(request.body) { Ok(()) } else { Err(Denied::Wrong) };
        }
        let first = javascript::first_element(request.body).ok_or(Denied::Wrong)?;
        // Segment hashes the text that it sends, so this nearly always matches; a proxy may have written the JSON anew.
        if matches(first) || javascript::stringify(first).is_some_and(|text| matches(text.as_bytes())) {
            return Ok(());
        }
        Err(Denied::Wrong)
    }
}

/// What Segment would hash of a body: all of an object, and of an array the first element as JavaScript writes it.
fn signed_text(body: &[u8]) -> Vec<u8> {
    let first = javascript::first_element(body);
    match first {
        Some(first) => javascript::stringify(first).map_or_else(|| first.to_vec(), String::into_bytes),
        None => body.to_vec(),
    }
}
