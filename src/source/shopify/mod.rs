//! `shopify`: webhooks of a Shopify shop, signed by the app's client secret.

mod decode;
mod def;
mod orders;
#[cfg(test)]
mod tests;

pub use def::DEF;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::orders::{Listing, Orders};
use super::verify::{Algorithm, is_fresh, mac, mac_matches};
use super::{Input, Refused, Reply, Request, Sample, Source, Verdict, default_identity, listen, time};
use crate::event::{Delivery, Event};
use crate::json::Mask;
use crate::registry::Secret;

/// What both families of headers begin with. The newer one is looked for first, as Shopify's own library does.
const PREFIXES: [&str; 2] = ["shopify-", "x-shopify-"];

/// What follows, for the headers that a delivery keeps. The signature is not among them: it has done its work.
const KEPT: [&str; 11] = [
    "topic",
    "shop-domain",
    "api-version",
    "webhook-id",
    "event-id",
    "triggered-at",
    "name",
    "test",
    "action",
    "handle",
    "resource-id",
];

/// The part's options, ready for use.
#[derive(Debug)]
pub struct Shopify {
    input: Input,
    secrets: Vec<Secret>,
    shops: Vec<String>,
    age_max_ms: Option<i64>,
    body_bytes_max: usize,
    orders: Vec<Box<dyn Orders>>,
}

impl Source for Shopify {
    fn input(&self) -> Input {
        self.input.clone()
    }

    fn verify(&self, request: &Request<'_>) -> Verdict {
        if request.method != "POST" {
            return listen::method_not_allowed("POST");
        }
        // An empty body is refused before its signature: anybody may know the signature of nothing.
        if request.wire.is_empty() {
            return refuse(400, "the body is empty\n", "empty-body");
        }
        let header = |name: &str| PREFIXES.iter().find_map(|prefix| request.header(&format!("{prefix}{name}")));
        let Some(signature) = header("hmac-sha256") else {
            return refuse(401, "the signature is missing\n", "no-signature");
        };
        if !self.signed(signature, request.wire) {
            return refuse(401, "the signature does not match\n", "bad-signature");
        }
        if header("topic").is_none_or(str::is_empty) {
            return refuse(400, "the topic is missing\n", "no-topic");
        }
        let shop = header("shop-domain").unwrap_or_default();
        if !self.shops.is_empty() && !self.shops.iter().any(|allowed| allowed.eq_ignore_ascii_case(shop)) {
            return refuse(403, "this shop is not allowed\n", "unknown-shop");
        }
        if let Some(age_max_ms) = self.age_max_ms {
            let triggered_ms = header("triggered-at").and_then(time::parse_iso_ms);
            if !triggered_ms.is_some_and(|triggered_ms| is_fresh(triggered_ms, request.now_ms, age_max_ms)) {
                return refuse(400, "the delivery is too old\n", "too-old");
            }
        }
        Verdict::Accept { headers: kept(request), reply: Reply::empty(200) }
    }

    fn keeps(&self, header: &str) -> Option<bool> {
        Some(PREFIXES.iter().any(|prefix| header.strip_prefix(prefix).is_some_and(|name| KEPT.contains(&name))))
    }

    fn decode(&self, delivery: &Delivery) -> Vec<Result<Event, Refused>> {
        self.decode_masked(delivery, &Mask::Whole)
    }

    fn decode_masked(&self, delivery: &Delivery, mask: &Mask) -> Vec<Result<Event, Refused>> {
        vec![decode::event(delivery, mask)]
    }

    /// Shop and webhook id: a retry keeps both. The topic is in it because a body is signed without its topic.
    fn identity(&self, delivery: &Delivery) -> String {
        match (find(delivery, "shop-domain"), find(delivery, "webhook-id")) {
            (shop, Some(id)) if !id.is_empty() => {
                let topic = find(delivery, "topic").unwrap_or_default();
                listen::digest(&[&delivery.pipeline, &delivery.source, "shopify", shop.unwrap_or_default(), topic, id])
            }
            _ => default_identity(delivery),
        }
    }

    fn body_bytes_max(&self) -> usize {
        self.body_bytes_max
    }

    fn orders(&self) -> Listing<'_> {
        if self.orders.is_empty() { Listing::Unset(orders::HINT) } else { Listing::Shops(&self.orders) }
    }

    fn sign(&self, sample: &mut Sample, now_ms: i64) {
        let mut set = |name: &str, value: &dyn Fn(&Sample) -> String| {
            if !PREFIXES.iter().any(|prefix| sample.has_header(&format!("{prefix}{name}"))) {
                let value = value(sample);
                sample.set_header(&format!("x-shopify-{name}"), &value);
            }
        };
        set("topic", &|_| "orders/create".to_owned());
        set("shop-domain", &|_| self.shops.first().map_or("example-store.myshopify.com", String::as_str).to_owned());
        set("api-version", &|_| "2026-04".to_owned());
        set("webhook-id", &|sample| delivery_id(sample).to_string());
        set("triggered-at", &|_| time::iso(now_ms));
        set("hmac-sha256", &|sample| {
            let key = self.secrets.first().map(Secret::reveal).unwrap_or_default();
            STANDARD.encode(mac(Algorithm::Sha256, key.as_bytes(), &[&sample.body]))
        });
        if !sample.has_header("content-type") {
            sample.set_header("content-type", "application/json");
        }
        "POST".clone_into(&mut sample.method);
    }
}

impl Shopify {
    fn signed(&self, signature: &str, body: &[u8]) -> bool {
        let Ok(signature) = STANDARD.decode(signature.trim()) else { return false };
        // No early exit: the time taken does not tell which secret matched.
        self.secrets.iter().fold(false, |found, secret| {
            found | mac_matches(Algorithm::Sha256, secret.reveal().as_bytes(), &[body], &signature)
        })
    }
}

/// The value of a kept header, of either family.
fn find<'d>(delivery: &'d Delivery, name: &str) -> Option<&'d str> {
    PREFIXES.iter().find_map(|prefix| delivery.header(&format!("{prefix}{name}")))
}

fn kept(request: &Request<'_>) -> Vec<(String, String)> {
    PREFIXES
        .iter()
        .flat_map(|prefix| KEPT.iter().map(move |name| format!("{prefix}{name}")))
        .filter_map(|name| request.header(&name).map(str::to_owned).map(|value| (name, value)))
        .collect()
}

/// An id for a sample that depends on what it holds: sending it again is a redelivery.
fn delivery_id(sample: &Sample) -> uuid::Uuid {
    let mut name = sample.body.clone();
    for (header, value) in &sample.headers {
        if header.to_ascii_lowercase().ends_with("shopify-topic") {
            name.extend_from_slice(value.as_bytes());
        }
    }
    uuid::Uuid::new_v5(&uuid::Uuid::NAMESPACE_URL, &name)
}

fn refuse(status: u16, text: &str, reason: &'static str) -> Verdict {
    Verdict::Reject { reply: Reply::text(status, text), reason }
}
