//! Fields of the event that are nearly one of Segment's.

use super::Facts;
use crate::diag::{Diag, did_you_mean};
use crate::script::place::Unit;

/// What an event has at its top level, by Segment's specification: messages, and records of objects.
const FIELDS: &[&str] = &[
    "_metadata",
    "anonymousId",
    "category",
    "channel",
    "collection",
    "context",
    "event",
    "groupId",
    "id",
    "integrations",
    "messageId",
    "name",
    "originalTimestamp",
    "previousId",
    "projectId",
    "properties",
    "receivedAt",
    "sentAt",
    "timestamp",
    "traits",
    "type",
    "userId",
    "version",
    "writeKey",
];

/// Warns about fields that look like a misspelt one. Others are an event's own business.
pub fn fields(facts: &Facts, unit: &Unit<'_>, problems: &mut Vec<Diag>) {
    for (name, position) in &facts.event_fields {
        if FIELDS.contains(&name.as_str()) {
            continue;
        }
        // As other languages write them: `user_id`, `userid`.
        let bare = |name: &str| name.replace('_', "").to_lowercase();
        let same = FIELDS.iter().copied().find(|field| bare(field) == bare(name));
        // A name of two letters is near to every other: a field of one's own as `idx` is not meant as `id`.
        let long = || FIELDS.iter().copied().filter(|field| field.len() > 2);
        if let Some(near) = same.or_else(|| did_you_mean(name, long())) {
            let diag = Diag::warning("unknown-field", format!("events have no field `{name}`"));
            problems.push(unit.at(diag.help(format!("did you mean `{near}`?")), *position));
        }
    }
}
