//! The record of an event that waits.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

use super::{Held, StepMark};
use crate::event::{Delivery, Origin};
use crate::state::{Claim, Key, StoreError};

/// As it lies in the state. What came later has a default: events wait through updates of Cartwire too.
#[derive(Serialize, Deserialize)]
struct Record {
    until_ms: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    wake: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    wakes: Vec<String>,
    reason: String,
    part: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    mark: Option<StepMark>,
    attempt: u32,
    delivery: u64,
    index: u32,
    fork: u64,
    identity: String,
    event: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    targets: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    claims: Vec<Taken>,
    #[serde(default, skip_serializing_if = "is_zero")]
    copies: u32,
    pipeline: String,
    source: String,
    received_ms: i64,
    method: String,
    path: String,
    query: String,
    peer: String,
    headers: Vec<(String, String)>,
    body: String,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde hands it over so")]
fn is_zero(number: &u32) -> bool {
    *number == 0
}

#[derive(Serialize, Deserialize)]
struct Taken {
    space: String,
    name: String,
    holder: String,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    shared: bool,
}

impl Taken {
    fn of(claim: &Claim) -> Self {
        let Claim { key: Key { space, name }, holder, shared } = claim;
        Self { space: space.clone(), name: name.clone(), holder: STANDARD.encode(holder), shared: *shared }
    }

    fn claim(self) -> Result<Claim, base64::DecodeError> {
        let holder = STANDARD.decode(&self.holder)?;
        Ok(Claim { key: Key { space: self.space, name: self.name }, holder, shared: self.shared })
    }
}

impl Held {
    /// As it is kept.
    pub fn encode(&self) -> Vec<u8> {
        let delivery = &self.delivery;
        let record = Record {
            until_ms: self.until_ms,
            wake: None,
            wakes: self.wake.clone(),
            reason: self.reason.clone(),
            part: self.part.clone(),
            mark: self.mark.clone(),
            attempt: self.attempt,
            delivery: self.origin.delivery,
            index: self.origin.index,
            fork: self.origin.fork,
            identity: self.identity.clone(),
            event: self.event.clone(),
            targets: self.targets.clone(),
            claims: self.claims.iter().map(Taken::of).collect(),
            copies: self.copies,
            pipeline: delivery.pipeline.to_string(),
            source: delivery.source.to_string(),
            received_ms: delivery.received_ms,
            method: delivery.method.to_string(),
            path: delivery.path.to_string(),
            query: delivery.query.clone(),
            peer: delivery.peer.clone(),
            headers: delivery.headers.clone(),
            body: STANDARD.encode(&delivery.body),
        };
        // Texts and numbers only: writing them as JSON cannot fail.
        serde_json::to_vec(&record).unwrap_or_default()
    }

    /// Reads what [`Self::encode`] wrote.
    pub fn decode(id: &str, bytes: &[u8]) -> Result<Self, StoreError> {
        let bad = |why: String| StoreError(format!("the held event {id} cannot be read: {why}"));
        let record: Record = serde_json::from_slice(bytes).map_err(|error| bad(error.to_string()))?;
        let body = STANDARD.decode(&record.body).map_err(|error| bad(error.to_string()))?;
        let claims: Result<Vec<Claim>, _> = record.claims.into_iter().map(Taken::claim).collect();
        Ok(Self {
            id: id.to_owned(),
            until_ms: record.until_ms,
            // Before there were several, there was one.
            wake: record.wakes.into_iter().chain(record.wake).collect(),
            reason: record.reason,
            part: record.part,
            mark: record.mark,
            attempt: record.attempt,
            origin: Origin { delivery: record.delivery, index: record.index, fork: record.fork },
            identity: record.identity,
            event: record.event,
            targets: record.targets,
            claims: claims.map_err(|error| bad(error.to_string()))?,
            copies: record.copies,
            delivery: Delivery {
                seq: record.delivery,
                pipeline: record.pipeline.into(),
                source: record.source.into(),
                received_ms: record.received_ms,
                method: record.method.into(),
                path: record.path.into(),
                query: record.query,
                peer: record.peer,
                headers: record.headers,
                body: body.into(),
            },
        })
    }
}
