//! Standard Webhooks: `webhook-id`, `webhook-timestamp` and `webhook-signature` over `id.timestamp.body`.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::{Algorithm, Denied, is_fresh, mac, mac_matches};
use crate::source::Sample;

/// The names of the three headers. Svix, where the standard comes from, still sends its own names.
const HEADERS: [[&str; 3]; 2] =
    [["webhook-id", "webhook-timestamp", "webhook-signature"], ["svix-id", "svix-timestamp", "svix-signature"]];

/// How a secret text becomes the key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Key {
    /// Base64 after an optional `whsec_`: what the standard says.
    Base64,
    /// The text's own bytes: what some senders do (`BigCommerce`).
    Raw,
}

impl Key {
    /// The words that options take.
    pub const WORDS: &'static [&'static str] = &["base64", "raw"];

    /// The key's bytes; `None` if the text is not base64.
    pub fn bytes(self, secret: &str) -> Option<Vec<u8>> {
        // Runs without an account stand in for secrets with such texts; they only have to sign and verify alike.
        if self == Self::Raw || secret.starts_with("placeholder-") {
            return Some(secret.as_bytes().to_vec());
        }
        let text = secret.strip_prefix("whsec_").unwrap_or(secret);
        STANDARD.decode(text).ok().filter(|key| !key.is_empty())
    }
}

/// A verifier and signer.
#[derive(Clone)]
pub struct StandardWebhooks {
    /// Any may match.
    pub keys: Vec<Vec<u8>>,
    /// How far the timestamp may be off, both ways; 0 for any.
    pub tolerance_ms: i64,
}

impl StandardWebhooks {
    /// The headers that may hold the delivery's id, the same whenever it is sent again.
    pub const ID_HEADERS: [&'static str; 2] = [HEADERS[0][0], HEADERS[1][0]];

    /// Judges a request by its headers and raw body.
    pub fn verify(&self, headers: &http::HeaderMap, body: &[u8], now_ms: i64) -> Result<(), Denied> {
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).filter(|text| !text.is_empty());
        let (id, timestamp, signatures) = HEADERS
            .iter()
            .find_map(|[id, timestamp, signature]| Some((text(id)?, text(timestamp)?, text(signature)?)))
            .ok_or(Denied::Missing)?;
        let seconds = timestamp.parse::<i64>().map_err(|_| Denied::Wrong)?;
        let pieces = [id.as_bytes(), b".", timestamp.as_bytes(), b".", body];
        let given = signatures
            .split_ascii_whitespace()
            // `v1a` would be the asymmetric scheme, which is not supported; other versions do not exist.
            .filter_map(|one| STANDARD.decode(one.strip_prefix("v1,")?).ok());
        let mut matched = false;
        for signature in given.take(16) {
            for key in &self.keys {
                matched |= mac_matches(Algorithm::Sha256, key, &pieces, &signature);
            }
        }
        if !matched {
            return Err(Denied::Wrong);
        }
        let time_ms = seconds.saturating_mul(1000);
        if is_fresh(time_ms, now_ms, self.tolerance_ms) { Ok(()) } else { Err(Denied::Stale) }
    }

    /// The signature header's value with the first key.
    pub fn sign(&self, id: &str, timestamp: &str, body: &[u8]) -> String {
        let key = self.keys.first().map(Vec::as_slice).unwrap_or_default();
        let pieces = [id.as_bytes(), b".", timestamp.as_bytes(), b".", body];
        format!("v1,{}", STANDARD.encode(mac(Algorithm::Sha256, key, &pieces)))
    }

    /// Completes a sample with the three headers, as far as it has none. Its id depends on its body, so that sending it again is a
    /// redelivery.
    pub fn dress(&self, sample: &mut Sample, now_ms: i64) {
        let [id, timestamp, signature] = HEADERS[0];
        let given = |sample: &Sample, name: &str| {
            let found = sample.headers.iter().find(|(have, _)| have.eq_ignore_ascii_case(name));
            found.map(|(_, value)| value.clone())
        };
        let id_value = given(sample, id).unwrap_or_else(|| {
            format!("msg_{}", uuid::Uuid::new_v5(&uuid::Uuid::NAMESPACE_URL, &sample.body).simple())
        });
        let time_value = given(sample, timestamp).unwrap_or_else(|| now_ms.div_euclid(1000).to_string());
        let signed = given(sample, signature).unwrap_or_else(|| self.sign(&id_value, &time_value, &sample.body));
        sample.set_header(id, &id_value);
        sample.set_header(timestamp, &time_value);
        sample.set_header(signature, &signed);
    }
}

impl std::fmt::Debug for StandardWebhooks {
    /// Without the keys.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StandardWebhooks").field("tolerance_ms", &self.tolerance_ms).finish_non_exhaustive()
    }
}
