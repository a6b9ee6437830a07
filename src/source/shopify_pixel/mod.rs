//! `shopify_pixel`: customer events of a Shopify shop, posted by a pixel in the visitor's browser.

mod decode;
mod def;
mod posted;
mod rate;
#[cfg(test)]
mod tests;

pub use def::DEF;

use super::{Input, Refused, Reply, Request, Sample, Source, Verdict, cors, default_identity, form, listen};
use crate::event::{Delivery, Event};
use posted::Posted;
use rate::Rate;

/// Headers that scripts may want.
const KEPT: [&str; 3] = ["content-type", "origin", "user-agent"];

/// The part's options, ready for use.
#[derive(Debug)]
pub struct ShopifyPixel {
    input: Input,
    shops: Vec<String>,
    origins: Vec<String>,
    rate: Option<Rate>,
    body_bytes_max: usize,
}

impl Source for ShopifyPixel {
    fn input(&self) -> Input {
        self.input.clone()
    }

    fn verify(&self, request: &Request<'_>) -> Verdict {
        if request.method == "OPTIONS" {
            return Verdict::Answer(cors::preflight(request));
        }
        match self.judge(request) {
            Verdict::Accept { headers, reply } => Verdict::Accept { headers, reply: cors::dress(reply, Some(request)) },
            Verdict::Answer(reply) => Verdict::Answer(cors::dress(reply, Some(request))),
            Verdict::Reject { reply, reason } => Verdict::Reject { reply: cors::dress(reply, Some(request)), reason },
        }
    }

    fn keeps(&self, header: &str) -> Option<bool> {
        Some(KEPT.contains(&header))
    }

    fn decode(&self, delivery: &Delivery) -> Vec<Result<Event, Refused>> {
        vec![decode::event(delivery, |posted| self.shop(posted, &delivery.query))]
    }

    /// Shop and event id: the pixel sends the same text again when it had no answer.
    fn identity(&self, delivery: &Delivery) -> String {
        let Ok(posted) = Posted::of(&delivery.body) else { return default_identity(delivery) };
        let Some(id) = posted.id().filter(|id| !id.is_empty()) else { return default_identity(delivery) };
        let shop = self.shop(&posted, &delivery.query).unwrap_or_default();
        listen::digest(&[&delivery.pipeline, &delivery.source, "shopify_pixel", &shop, posted.name(), id])
    }

    fn body_bytes_max(&self) -> usize {
        self.body_bytes_max
    }

    fn overloaded(&self, retry_after_s: u64) -> Reply {
        let reply = Reply::text(503, "busy, try again later\n").header("retry-after", &retry_after_s.to_string());
        cors::dress(reply, None)
    }

    fn refused(&self, reply: Reply) -> Reply {
        cors::dress(reply, None)
    }

    fn sign(&self, sample: &mut Sample, _now_ms: i64) {
        "POST".clone_into(&mut sample.method);
        if !sample.has_header("content-type") {
            sample.set_header("content-type", "text/plain;charset=UTF-8");
        }
        if !sample.has_header("origin") {
            sample.set_header("origin", self.origins.first().map_or("null", String::as_str));
        }
    }
}

impl ShopifyPixel {
    fn judge(&self, request: &Request<'_>) -> Verdict {
        if request.method != "POST" {
            return listen::method_not_allowed("POST, OPTIONS");
        }
        let origin = request.header("origin").unwrap_or_default();
        if !self.origins.is_empty() && !contains(&self.origins, origin) {
            return refuse(403, "this origin is not allowed\n", "unknown-origin");
        }
        // Before the body is looked at: that is what a flood would cost.
        if let Some(wait_s) = self.rate.as_ref().and_then(|rate| rate.wait_s(request.peer, request.now_ms)) {
            let reply = Reply::text(429, "too many events from this address\n");
            let reply = reply.header("retry-after", &wait_s.to_string());
            return Verdict::Reject { reply, reason: "too-many" };
        }
        let posted = match Posted::of(request.body) {
            Ok(posted) => posted,
            Err(problem) => return refuse(400, &format!("{problem}\n"), "bad-event"),
        };
        if !self.shops.is_empty() {
            let shop = self.shop(&posted, request.query);
            if !shop.is_some_and(|shop| contains(&self.shops, &shop)) {
                return refuse(403, "this shop is not allowed\n", "unknown-shop");
            }
        }
        let kept = KEPT.iter().filter_map(|name| Some(((*name).to_owned(), request.header(name)?.to_owned())));
        Verdict::Accept { headers: kept.collect(), reply: Reply::empty(204) }
    }

    /// The shop that an event is of: what the pixel says, or the address that it posts to, or the only one that there can be.
    fn shop(&self, posted: &Posted<'_>, query: &str) -> Option<String> {
        let said = posted.shop().map(str::to_owned).or_else(|| form::value(query, "shop"));
        said.filter(|shop| !shop.is_empty()).or_else(|| match self.shops.as_slice() {
            [only] => Some(only.clone()),
            _ => None,
        })
    }
}

fn contains(list: &[String], text: &str) -> bool {
    list.iter().any(|allowed| allowed.eq_ignore_ascii_case(text))
}

fn refuse(status: u16, text: &str, reason: &'static str) -> Verdict {
    Verdict::Reject { reply: Reply::text(status, text), reason }
}
