//! What becomes of events that a plan does not allow.

use rhai::{Array, Dynamic};

use super::violation::{Violation, shown};
use crate::event::Event;
use crate::path::{Path, Segment};
use crate::registry::Options;
use crate::step::{Flow, StepError, paths};

/// Descriptions that a dead letter names.
const NAMED_MAX: usize = 5;

/// Segment's own codes; counts of dropped events are kept by them.
const VIOLATION: &str = "schema_violation";
const UNPLANNED: &str = "unplanned";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Action {
    Allow,
    Warn,
    Remove,
    DeadLetter,
    Drop,
}

/// The three options.
pub(super) struct Policy {
    violation: Action,
    event: Action,
    property: Action,
}

impl Policy {
    /// Reads them.
    pub(super) fn read(options: &Options) -> Self {
        let action = |name| match options.text(name) {
            "warn" => Action::Warn,
            "drop_properties" | "remove" => Action::Remove,
            "dead_letter" => Action::DeadLetter,
            "drop" => Action::Drop,
            _ => Action::Allow,
        };
        Self {
            violation: action("on_violation"),
            event: action("unplanned_events"),
            property: action("unplanned_properties"),
        }
    }

    /// Whether an event that is not planned ends here.
    pub(super) fn ends_unplanned(&self) -> bool {
        matches!(self.event, Action::DeadLetter | Action::Drop)
    }

    /// Whether it is written down that an event is not planned.
    pub(super) fn tells_unplanned(&self) -> bool {
        self.event == Action::Warn
    }

    /// Whether it matters which properties are planned.
    pub(super) fn asks_for_properties(&self) -> bool {
        self.property != Action::Allow
    }

    /// The end of an event that is not planned.
    pub(super) fn unplanned_event(&self, event: &Dynamic) -> Result<Flow, StepError> {
        if self.event == Action::Drop {
            return Ok(Flow::Drop(UNPLANNED.to_owned()));
        }
        let name = event.as_map_ref().ok().and_then(|map| {
            let name = map.get("event").or_else(|| map.get("name"))?;
            name.as_immutable_string_ref().ok().map(|name| name.chars().take(100).collect::<String>())
        });
        let what = name.map_or_else(|| "events of this type".to_owned(), |name| format!("`{name}`"));
        Err(StepError::new("unplanned-event", format!("the plan does not have {what}")))
    }

    /// Acts on what was found. `None`: the event goes on, with what was found written down in it.
    pub(super) fn act(
        &self,
        mut violations: Vec<Violation>,
        unplanned: Vec<Vec<Segment>>,
        event: &mut Event,
    ) -> Result<Option<Flow>, StepError> {
        let told = |violation: &Violation| violation.kind != "Unplanned Event";
        if violations.iter().any(told) {
            match self.violation {
                Action::DeadLetter => return Err(dead("schema-violation", &violations)),
                Action::Drop => return Ok(Some(Flow::Drop(VIOLATION.to_owned()))),
                _ => {}
            }
        }
        let mut omitted = Vec::new();
        if !unplanned.is_empty() {
            // A schema that allows no others has told them already. Here it is decided what becomes of them, once.
            violations.retain(|one| one.kind != Violation::UNPLANNED_PROPERTY || !unplanned.contains(&one.path));
            match self.property {
                Action::Remove => omitted = unplanned,
                Action::Drop => return Ok(Some(Flow::Drop(UNPLANNED.to_owned()))),
                action => {
                    let found: Vec<_> = unplanned.into_iter().map(Violation::unplanned_property).collect();
                    if action == Action::DeadLetter {
                        return Err(dead("unplanned-property", &found));
                    }
                    violations.extend(found);
                }
            }
        }
        let mut blamed = Vec::new();
        if self.violation == Action::Remove {
            blamed = violations.iter().filter(|violation| removable(violation)).map(|one| one.path.clone()).collect();
        }
        let omitted = remove(omitted, event);
        let blamed = remove(blamed, event);
        let violations = violations.iter().map(Violation::to_value).collect();
        record("violations", violations, event)?;
        record("omitted", omitted, event)?;
        record("omitted_on_violation", blamed, event)?;
        Ok(None)
    }
}

/// Whether removing the field helps: it is there, and no field that a message cannot do without.
fn removable(violation: &Violation) -> bool {
    let inside = matches!(violation.path.first(), Some(Segment::Key(key)) if ["properties", "traits", "context"].contains(&key.as_str()));
    violation.kind != "Required" && violation.path.len() > 1 && inside
}

fn dead(code: &'static str, violations: &[Violation]) -> StepError {
    let mut named: Vec<String> = violations.iter().take(NAMED_MAX).map(|one| one.description.clone()).collect();
    if violations.len() > NAMED_MAX {
        named.push(format!("{} more", violations.len() - NAMED_MAX));
    }
    StepError::new(code, named.join("; "))
}

/// Removes fields, from the last element of a list to the first, so that none moves before its turn. Gives their names.
fn remove(mut fields: Vec<Vec<Segment>>, event: &mut Event) -> Vec<Dynamic> {
    fields.sort();
    fields.dedup();
    let names = fields.iter().map(|field| shown(field).into()).collect();
    for field in fields.into_iter().rev() {
        if let Some(path) = Path::new(field) {
            path.remove(&mut event.value);
        }
    }
    names
}

/// Adds to a list in `context.protocols`.
fn record(list: &str, mut values: Array, event: &mut Event) -> Result<(), StepError> {
    if values.is_empty() {
        return Ok(());
    }
    let keys = ["context", "protocols", list].map(|key| Segment::Key(key.to_owned()));
    let Some(path) = Path::new(keys.to_vec()) else { return Ok(()) };
    path.update(&mut event.value, &mut |place| {
        if !place.is_array() {
            *place = Dynamic::from_array(Array::new());
        }
        if let Ok(mut items) = place.as_array_mut() {
            items.append(&mut values);
        }
    })
    .map_err(|error| paths::blocked(&error))
}
