//! Events that wait: what is kept of one until its time comes, and how it is found again.
//!
//! A held event lies in the state, in a space of its own, and so shares its rules: it is there exactly if the deliveries up to
//! now say so. When its time comes, a delivery whose body is its id is journaled (a *wake-up*), and the run of that delivery
//! takes the event out of the state and goes on with it at the step that held it. A second wake-up finds nothing, and is nothing.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

use super::{Claim, Key, StoreError};
use crate::event::{Delivery, Origin};

/// The space of held events; their key is their id.
pub const HELD_SPACE: &str = "~held";
/// The source of deliveries that wake a held event.
pub const HELD_SOURCE: &str = "~held";

/// The method of the last wake-up.
const LAST: &str = "LAST";

/// An event that waits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    /// Unique within the pipeline: the place that it waits at.
    pub id: String,
    /// When it goes on, in milliseconds since 1970.
    pub until_ms: i64,
    /// A word that lets it go on earlier.
    pub wake: Option<String>,
    /// Why it waits.
    pub reason: String,
    /// The step that held it and will be asked again.
    pub part: String,
    /// What that step is told by when the pipeline has changed; `None` in records from before this was kept.
    pub mark: Option<StepMark>,
    /// How often the step has held it, this time included.
    pub attempt: u32,
    /// The event's place among those of its delivery.
    pub origin: Origin,
    /// The identity of its delivery, so that ids stay the same.
    pub identity: String,
    /// The event as it came to the step, as JSON text.
    pub event: String,
    /// The ids of the sinks that a step has chosen for it; `None` for all.
    pub targets: Option<Vec<String>>,
    /// What it has taken, to be given back if it dies.
    pub claims: Vec<Claim>,
    /// The delivery that it came from.
    pub delivery: Delivery,
}

/// What tells a step apart from the others of its pipeline.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepMark {
    /// Whether its id is the user's own: others come from the step's place, and are another step's when the file changes.
    pub named: bool,
    /// Its kind.
    pub kind: String,
    /// Its place among the steps of its kind.
    pub at: usize,
    /// What the steps of its kind say, in order: see `PartSpec::print`.
    pub prints: Vec<String>,
}

/// As it lies in the state. What came later has a default: events wait through updates of Cartwire too.
#[derive(Serialize, Deserialize)]
struct Record {
    until_ms: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    wake: Option<String>,
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
    /// The id of an event that waits at a part for the `attempt`-th time.
    pub fn id(identity: &str, origin: Origin, part: &str, attempt: u32) -> String {
        format!("{identity}/{origin}/{part}/{attempt}")
    }

    /// As it is kept.
    pub fn encode(&self) -> Vec<u8> {
        let delivery = &self.delivery;
        let record = Record {
            until_ms: self.until_ms,
            wake: self.wake.clone(),
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
            wake: record.wake,
            reason: record.reason,
            part: record.part,
            mark: record.mark,
            attempt: record.attempt,
            origin: Origin { delivery: record.delivery, index: record.index, fork: record.fork },
            identity: record.identity,
            event: record.event,
            targets: record.targets,
            claims: claims.map_err(|error| bad(error.to_string()))?,
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

    /// The delivery that wakes an event of that id.
    pub fn wake_up(pipeline: &str, id: &str, now_ms: i64) -> Delivery {
        Delivery {
            pipeline: pipeline.into(),
            source: HELD_SOURCE.into(),
            received_ms: now_ms,
            method: "WAKE".into(),
            body: id.as_bytes().to_vec().into(),
            ..Delivery::default()
        }
    }

    /// The delivery that wakes an event for the last time: its pipeline was removed, and it may not wait again.
    pub fn last_wake_up(pipeline: &str, id: &str, now_ms: i64) -> Delivery {
        Delivery { method: LAST.into(), ..Self::wake_up(pipeline, id, now_ms) }
    }

    /// Whether a wake-up is the last.
    pub fn is_last(delivery: &Delivery) -> bool {
        Self::is_wake_up(delivery) && delivery.method == LAST
    }

    /// Whether a delivery is a wake-up.
    pub fn is_wake_up(delivery: &Delivery) -> bool {
        *delivery.source == *HELD_SOURCE
    }
}
