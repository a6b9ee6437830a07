//! `webhook`: any JSON, form or text by POST, with the sender's kind of proof.

mod decode;
mod def;
mod hmac;
mod proof;
mod template;
#[cfg(test)]
mod tests;

pub use def::DEF;

use super::{Input, Refused, Reply, Request, Sample, Source, Verdict, cors, default_identity, listen};
use crate::event::{Delivery, Event};
use crate::json::Mask;
use proof::Proof;
use template::Template;

/// The part's options, ready for use.
#[derive(Debug)]
pub struct Webhook {
    input: Input,
    methods: Vec<String>,
    proof: Proof,
    event: Template,
    keep_headers: Vec<String>,
    id_headers: Vec<String>,
    split: bool,
    status: u16,
    cors: bool,
    body_bytes_max: usize,
}

impl Source for Webhook {
    fn input(&self) -> Input {
        self.input.clone()
    }

    fn verify(&self, request: &Request<'_>) -> Verdict {
        let verdict = self.judge(request);
        if !self.cors {
            return verdict;
        }
        match verdict {
            Verdict::Accept { headers, reply } => Verdict::Accept { headers, reply: cors::dress(reply, Some(request)) },
            Verdict::Reject { reply, reason } => Verdict::Reject { reply: cors::dress(reply, Some(request)), reason },
            answer @ Verdict::Answer(_) => answer,
        }
    }

    fn keeps(&self, header: &str) -> Option<bool> {
        Some(self.keep_headers.iter().any(|kept| kept == header))
    }

    fn decode(&self, delivery: &Delivery) -> Vec<Result<Event, Refused>> {
        self.decode_masked(delivery, &Mask::Whole)
    }

    fn decode_masked(&self, delivery: &Delivery, mask: &Mask) -> Vec<Result<Event, Refused>> {
        decode::events(delivery, &self.event, self.split, mask)
    }

    fn identity(&self, delivery: &Delivery) -> String {
        match self.id_headers.iter().find_map(|name| delivery.header(name).filter(|id| !id.is_empty())) {
            Some(id) => listen::digest(&[&delivery.pipeline, &delivery.source, "webhook", id]),
            None => default_identity(delivery),
        }
    }

    fn body_bytes_max(&self) -> usize {
        self.body_bytes_max
    }

    fn overloaded(&self, retry_after_s: u64) -> Reply {
        let reply = Reply::text(503, "busy, try again later\n").header("retry-after", &retry_after_s.to_string());
        self.refused(reply)
    }

    fn refused(&self, reply: Reply) -> Reply {
        if self.cors { cors::dress(reply, None) } else { reply }
    }

    fn sign(&self, sample: &mut Sample, now_ms: i64) {
        if !self.methods.contains(&sample.method) {
            sample.method.clone_from(&self.methods[0]);
        }
        if !sample.body.is_empty() && !sample.has_header("content-type") {
            sample.set_header("content-type", "application/json");
        }
        self.proof.sign(sample, now_ms);
        if let Some(name) = self.id_headers.first().filter(|name| !sample.has_header(name)) {
            let id = uuid::Uuid::new_v5(&uuid::Uuid::NAMESPACE_URL, &sample.body);
            sample.set_header(name, &id.to_string());
        }
    }
}

impl Webhook {
    fn judge(&self, request: &Request<'_>) -> Verdict {
        if self.cors && request.method == "OPTIONS" {
            return Verdict::Answer(cors::preflight(request));
        }
        if !self.methods.iter().any(|method| method == request.method) {
            return listen::method_not_allowed(&self.methods.join(", "));
        }
        if let Err(denied) = self.proof.verify(request) {
            let reply = Reply::text(401, &format!("{}\n", denied.reason().replace('-', " ")));
            return Verdict::Reject { reply, reason: denied.reason() };
        }
        let headers = self
            .keep_headers
            .iter()
            .filter_map(|name| request.header(name).map(|value| (name.clone(), value.to_owned())))
            .collect();
        let reply = match self.status {
            200 => Reply::text(200, "ok\n"),
            status => Reply::empty(status),
        };
        Verdict::Accept { headers, reply }
    }
}
