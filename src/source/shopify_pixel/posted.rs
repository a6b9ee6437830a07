//! What must be known of a posted body before it is answered; nothing else of it is decoded yet.

use std::borrow::Cow;

use serde::Deserialize;

/// A body: an event in an envelope, or an event alone.
#[derive(Debug, Deserialize)]
pub(super) struct Posted<'b> {
    #[serde(borrow, default)]
    shop: Option<Cow<'b, str>>,
    #[serde(borrow, default)]
    event: Option<Head<'b>>,
    #[serde(borrow, default)]
    name: Option<Cow<'b, str>>,
    #[serde(borrow, default)]
    id: Option<Cow<'b, str>>,
}

/// What names an event.
#[derive(Debug, Deserialize)]
struct Head<'b> {
    #[serde(borrow, default)]
    name: Option<Cow<'b, str>>,
    #[serde(borrow, default)]
    id: Option<Cow<'b, str>>,
}

impl<'b> Posted<'b> {
    /// Runs over a body once; says what is wrong with one that is no customer event. Anybody may post here, and what the journal
    /// keeps shall at least look like an event.
    pub(super) fn of(body: &'b [u8]) -> Result<Self, String> {
        let posted: Self = serde_json::from_slice(body).map_err(|error| format!("invalid JSON: {error}"))?;
        if posted.name().is_empty() { Err("the event has no name".to_owned()) } else { Ok(posted) }
    }

    /// The shop that the envelope names.
    pub(super) fn shop(&self) -> Option<&str> {
        self.shop.as_deref()
    }

    /// The event's name, or an empty text.
    pub(super) fn name(&self) -> &str {
        match &self.event {
            Some(event) => event.name.as_deref(),
            None => self.name.as_deref(),
        }
        .unwrap_or_default()
    }

    /// The event's id.
    pub(super) fn id(&self) -> Option<&str> {
        match &self.event {
            Some(event) => event.id.as_deref(),
            None => self.id.as_deref(),
        }
    }
}
