//! `segment`: the Segment Tracking API as a server, for the unmodified Segment libraries.

mod access;
mod answer;
mod check;
mod collector;
mod decode;
mod def;
mod repair;
mod route;
#[cfg(test)]
mod tests;

pub use def::DEF;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::{Input, Refused, Reply, Request, Sample, Source, Verdict, cors};
use crate::event::{Delivery, Event};
use crate::json::Mask;
use crate::registry::Secret;
use access::{Access, Scan};
use answer::failure;
use route::Call;

/// Headers that scripts may want. Never `authorization`: it holds the write key.
const KEPT: [&str; 4] = ["content-type", "origin", "referer", "user-agent"];

/// The part's options, ready for use.
#[derive(Debug)]
pub struct Segment {
    path: String,
    access: Access,
    public_url: Option<String>,
    body_bytes_max: usize,
}

impl Source for Segment {
    fn input(&self) -> Input {
        Input::Http { path: self.path.clone(), below: true }
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
        self.decode_masked(delivery, &Mask::Whole)
    }

    fn decode_masked(&self, delivery: &Delivery, mask: &Mask) -> Vec<Result<Event, Refused>> {
        decode::events(delivery, &self.identity(delivery), mask)
    }

    fn body_bytes_max(&self) -> usize {
        self.body_bytes_max
    }

    fn overloaded(&self, retry_after_s: u64) -> Reply {
        let reply = failure(503, "overloaded", "busy, try again later");
        cors::dress(reply.header("retry-after", &retry_after_s.max(1).to_string()), None)
    }

    /// Libraries know only 400 for what cannot be taken, some of them resend at any other status or at a body that is no JSON object.
    fn refused(&self, reply: Reply) -> Reply {
        let message = String::from_utf8_lossy(&reply.body).trim().to_owned();
        let reply = match reply.status {
            408 => failure(408, "timeout", &message),
            413 => failure(400, "payload_too_large", &message),
            _ => failure(400, "bad_request", &message),
        };
        cors::dress(reply, None)
    }

    fn sign(&self, sample: &mut Sample, _now_ms: i64) {
        "POST".clone_into(&mut sample.method);
        if sample.path.is_empty() || sample.path == "/" {
            sample.path = format!("/v1/{}", route::for_body(&sample.body));
        }
        if !sample.has_header("authorization") {
            let key = self.access.first_key();
            sample.set_header("authorization", &format!("Basic {}", STANDARD.encode(format!("{key}:"))));
        }
        if !sample.has_header("content-type") {
            sample.set_header("content-type", "application/json");
        }
    }
}

impl Segment {
    fn judge(&self, request: &Request<'_>) -> Verdict {
        let Some(call) = route::call(request.path) else {
            return reject(failure(404, "not_found", "no such call"), "bad-path");
        };
        let method = call.method();
        if request.method != method {
            let reply = failure(405, "method_not_allowed", &format!("use {method}"));
            return reject(reply.header("allow", &format!("{method}, OPTIONS")), "bad-method");
        }
        match call {
            Call::Message(_) | Call::Batch => self.judge_call(request, call == Call::Batch),
            Call::Pixel(_) => self.judge_pixel(request),
            Call::Settings(key) => self.settings(request, key),
            Call::Collector => Verdict::Answer(collector::script(request)),
            Call::Telemetry => Verdict::Answer(answer::success()),
        }
    }

    fn judge_call(&self, request: &Request<'_>, batch: bool) -> Verdict {
        let scan = match Scan::of(request.body) {
            Ok(scan) => scan,
            Err(error) => return reject(failure(400, "bad_request", &format!("invalid JSON: {error}")), "bad-json"),
        };
        if batch && !scan.has_batch {
            return reject(failure(400, "bad_request", "`batch` is not an array"), "bad-json");
        }
        match self.access.admit(request.header("authorization"), scan.write_key.as_deref()) {
            Ok(()) => Verdict::Accept { headers: kept(request), reply: answer::success() },
            Err(access::Denied::NoKey) => reject(failure(400, "bad_request", "the write key is missing"), "no-key"),
            Err(access::Denied::UnknownKey) => {
                reject(failure(401, "unknown_source", "the write key is unknown"), "bad-key")
            }
        }
    }

    /// An image is answered whatever happens: a page shall not show a broken one.
    fn judge_pixel(&self, request: &Request<'_>) -> Verdict {
        let given = match decode::pixel_data(request.query) {
            Some(data) => Scan::of(&data).map(|scan| scan.write_key),
            None => Ok(super::form::value(request.query, "writeKey")),
        };
        let Ok(given) = given else { return reject(answer::pixel(), "bad-json") };
        match self.access.admit(request.header("authorization"), given.as_deref()) {
            Ok(()) => Verdict::Accept { headers: kept(request), reply: answer::pixel() },
            Err(_) => reject(answer::pixel(), "bad-key"),
        }
    }

    fn settings(&self, request: &Request<'_>, key: &str) -> Verdict {
        if !self.access.knows(key) {
            return reject(failure(404, "not_found", "the write key is unknown"), "bad-key");
        }
        match answer::address(request, &self.path, self.public_url.as_deref()) {
            Some((protocol, host)) => Verdict::Answer(answer::settings(key, protocol, &host)),
            None => reject(failure(400, "bad_request", "the Host header is missing"), "no-host"),
        }
    }
}

fn kept(request: &Request<'_>) -> Vec<(String, String)> {
    KEPT.iter().filter_map(|name| Some(((*name).to_owned(), request.header(name)?.to_owned()))).collect()
}

fn reject(reply: Reply, reason: &'static str) -> Verdict {
    Verdict::Reject { reply, reason }
}

/// A write key as it is compared: secrets, because who knows one may deliver.
type WriteKey = Secret;
