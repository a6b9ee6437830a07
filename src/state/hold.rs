//! Events that wait: what is kept of one until its time comes, and how it is found again.
//!
//! A held event lies in the state, in a space of its own, and so shares its rules: it is there exactly if the deliveries up to
//! now say so. When its time comes, a delivery whose body is its id is journaled (a *wake-up*), and the run of that delivery
//! takes the event out of the state and goes on with it at the step that held it. A second wake-up finds nothing, and is nothing.

mod record;

use serde::{Deserialize, Serialize};

use super::Claim;
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
    /// Words that let it go on earlier.
    pub wake: Vec<String>,
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
    /// How often copies of it were numbered: the next ones get other numbers.
    pub copies: u32,
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

impl Held {
    /// The id of an event that waits at a part for the `attempt`-th time.
    ///
    /// The delivery is in it, for a sender may send two under one id of its own: while an event of the first waits, one of the second
    /// is another event and must not take its place.
    pub fn id(identity: &str, origin: Origin, part: &str, attempt: u32) -> String {
        format!("{identity}/{}/{origin}/{part}/{attempt}", origin.delivery)
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
