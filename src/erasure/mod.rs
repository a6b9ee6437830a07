//! Erasing a person: who is meant, and whether a text names them.
//!
//! A script or a command asks for an [`Erasure`] by the values that stand for the person; [`Names`] finds them in what is kept. The
//! request itself is carried by the run of a delivery, so it is as durable as the delivery: run again, it is carried out again.

mod escapes;
mod names;

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::event::Delivery;

pub use names::{Names, is_searchable};

/// The source of deliveries that ask for an erasure in the name of a command.
pub const ERASE_SOURCE: &str = "~erase";
/// Values of one request.
const VALUES_MAX: usize = 1000;
/// The longest value, in bytes.
const VALUE_BYTES_MAX: usize = 1024;
/// The longest `why` and `reference`, in bytes: they stand in a file that is kept.
const NOTE_BYTES_MAX: usize = 200;

/// What is to be erased of a pipeline.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Erasure {
    /// What stands for the person: ids, e-mails, phone numbers, order ids, the domain of a shop.
    pub values: Vec<String>,
    /// On what grounds, as `customers/redact`.
    #[serde(default)]
    pub why: String,
    /// The number of the request, to find it again.
    #[serde(default)]
    pub reference: String,
    /// Everything that the steps remember, whomever it names.
    #[serde(default)]
    pub all_state: bool,
}

/// Why a request is none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unfit {
    /// Nothing says who is meant.
    Nobody,
    /// Too many values.
    Values,
    /// A value is too long.
    Value,
}

impl fmt::Display for Unfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nobody => f.write_str("an erasure needs a value that says who is meant"),
            Self::Values => write!(f, "an erasure takes at most {VALUES_MAX} values"),
            Self::Value => write!(f, "a value of an erasure has at most {VALUE_BYTES_MAX} bytes"),
        }
    }
}

impl Erasure {
    /// The request in order: values without spaces around them, none twice, notes short and without the person's name.
    pub fn checked(mut self) -> Result<Self, Unfit> {
        let mut values: Vec<String> = Vec::new();
        for value in &self.values {
            let value = value.trim();
            if !value.is_empty() && values.iter().all(|known| known != value) {
                values.push(value.to_owned());
            }
        }
        if values.is_empty() {
            return Err(Unfit::Nobody);
        }
        if values.len() > VALUES_MAX {
            return Err(Unfit::Values);
        }
        if values.iter().any(|value| value.len() > VALUE_BYTES_MAX) {
            return Err(Unfit::Value);
        }
        self.values = values;
        self.why = self.note(&self.why);
        self.reference = self.note(&self.reference);
        Ok(self)
    }

    /// A note as it may be kept: what names the person may not.
    fn note(&self, text: &str) -> String {
        let named = self.values.iter().any(|value| text.to_lowercase().contains(&value.to_lowercase()));
        if named {
            return "(left out: it names the person)".to_owned();
        }
        let mut end = text.len().min(NOTE_BYTES_MAX);
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        text[..end].chars().map(|letter| if letter.is_control() { ' ' } else { letter }).collect()
    }

    /// Adds what else names the person.
    pub fn add(&mut self, more: Vec<String>) {
        for value in more {
            if !value.is_empty() && value.len() <= VALUE_BYTES_MAX && !self.values.contains(&value) {
                self.values.push(value);
            }
        }
    }

    /// The delivery that carries the request of a command.
    pub fn request(&self, pipeline: &str, now_ms: i64) -> Delivery {
        Delivery {
            pipeline: pipeline.into(),
            source: ERASE_SOURCE.into(),
            received_ms: now_ms,
            method: "ERASE".into(),
            // Texts and a flag only: writing them as JSON cannot fail.
            body: serde_json::to_vec(self).unwrap_or_default().into(),
            ..Delivery::default()
        }
    }

    /// Whether a delivery is such a request.
    pub fn is_request(delivery: &Delivery) -> bool {
        *delivery.source == *ERASE_SOURCE
    }

    /// Reads what [`Self::request`] wrote.
    pub fn read(delivery: &Delivery) -> Result<Self, String> {
        let read: Self = serde_json::from_slice(&delivery.body).map_err(|error| error.to_string())?;
        read.checked().map_err(|error| error.to_string())
    }
}

#[cfg(test)]
mod tests;
