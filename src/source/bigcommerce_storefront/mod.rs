//! `bigcommerce_storefront`: events of a storefront's data layer (BODL), posted by the script that is pasted into it.

mod decode;
mod def;
#[cfg(test)]
mod tests;

pub use def::DEF;

use super::{Input, Refused, Reply, Request, Sample, Source, Verdict, cors, default_identity, listen};
use crate::event::{Delivery, Event};

/// The part's options, ready for use.
#[derive(Debug)]
pub struct Storefront {
    input: Input,
    store: String,
    origins: Vec<String>,
    body_bytes_max: usize,
}

impl Source for Storefront {
    fn input(&self) -> Input {
        self.input.clone()
    }

    fn verify(&self, request: &Request<'_>) -> Verdict {
        if !self.allows(request.header("origin").unwrap_or_default()) {
            // Without the headers of `cors`: a page of another origin is not even told why.
            return Verdict::Reject {
                reply: Reply::text(403, "this origin is not allowed\n"),
                reason: "unknown-origin",
            };
        }
        match request.method {
            "OPTIONS" => Verdict::Answer(cors::preflight(request)),
            "POST" if request.body.is_empty() => Verdict::Reject {
                reply: cors::dress(Reply::text(400, "the body is empty\n"), Some(request)),
                reason: "empty-body",
            },
            "POST" => {
                let agent = request.header("user-agent").map(|agent| ("user-agent".to_owned(), agent.to_owned()));
                let reply = cors::dress(Reply::empty(200), Some(request));
                Verdict::Accept { headers: agent.into_iter().collect(), reply }
            }
            _ => listen::method_not_allowed("POST, OPTIONS"),
        }
    }

    fn decode(&self, delivery: &Delivery) -> Vec<Result<Event, Refused>> {
        decode::events(delivery, &self.store)
    }

    /// The body, where it holds something that no other one does: the script sends it again as it was.
    fn identity(&self, delivery: &Delivery) -> String {
        if !decode::is_one_of_its_kind(&delivery.body) {
            return default_identity(delivery);
        }
        let body = String::from_utf8_lossy(&delivery.body);
        listen::digest(&[&delivery.pipeline, &delivery.source, "bigcommerce_storefront", &body])
    }

    fn body_bytes_max(&self) -> usize {
        self.body_bytes_max
    }

    fn overloaded(&self, retry_after_s: u64) -> Reply {
        let reply = Reply::text(503, "busy, try again later\n").header("retry-after", &retry_after_s.to_string());
        self.refused(reply)
    }

    fn refused(&self, reply: Reply) -> Reply {
        cors::dress(reply, None)
    }

    fn sign(&self, sample: &mut Sample, _now_ms: i64) {
        if let Some(origin) = self.origins.first().filter(|_| !sample.has_header("origin")) {
            sample.set_header("origin", origin);
        }
        if !sample.has_header("content-type") {
            sample.set_header("content-type", "text/plain;charset=UTF-8");
        }
        "POST".clone_into(&mut sample.method);
    }
}

impl Storefront {
    fn allows(&self, origin: &str) -> bool {
        self.origins.is_empty() || self.origins.iter().any(|allowed| allowed.eq_ignore_ascii_case(origin))
    }
}
