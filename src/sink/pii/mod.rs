//! The guard: what looks like a password, token, secret or card number does not leave.
//!
//! It reads the encoded message once. So it needs no event decoded that no step reads, and copies nothing where nothing is found.

mod card;
mod ending;
mod inside;
mod key;
mod link;
mod scan;
mod value;

use crate::diag::Diag;
use crate::path::{Path, Segment};
use crate::registry::{Default, Opt, OptionValue, Options, Type};
use crate::sink::members::remove_spans;
use crate::sink::{Refused, refused};

/// Paths that a note names.
const NAMED_MAX: usize = 10;

/// The option `pii`.
pub(super) const PII: Opt = Opt {
    name: "pii",
    ty: Type::Options(PII_OPTIONS, Some("action")),
    default: Default::Is("remove"),
    about: "The guard against passwords, tokens, secrets and card numbers.",
};

const PII_OPTIONS: &[Opt] = &[
    Opt {
        name: "action",
        ty: Type::Word(&["remove", "dead_letter", "off"]),
        default: Default::Is("remove"),
        about: "What becomes of a message that holds some: the fields are removed, or it becomes a dead letter. `off` sends everything.",
    },
    Opt {
        name: "allow",
        ty: Type::List(&Type::Path),
        default: Default::Absent,
        about: "Fields that may leave whatever they look like, with all that is below them.",
    },
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Action {
    Remove,
    DeadLetter,
    Off,
}

/// The guard of one sink.
pub(super) struct Guard {
    action: Action,
    allow: Vec<Path>,
}

impl Guard {
    /// Reads the option.
    pub(super) fn read(options: &Options) -> Result<Self, Vec<Diag>> {
        let Some(options) = options.inner("pii") else { return Ok(Self { action: Action::Remove, allow: Vec::new() }) };
        let mut allow = Vec::new();
        let mut problems = Vec::new();
        for (value, span) in options.items("allow") {
            let OptionValue::Text(text) = value else { continue };
            match Path::parse(text) {
                Ok(path) => allow.push(path),
                Err(error) => {
                    let mut diag = Diag::error("bad-path", format!("`{text}` is not a field path: {error}"));
                    diag.help = error.help;
                    problems.push(diag.at(options.file(), span.clone()));
                }
            }
        }
        let action = match options.text("action") {
            "dead_letter" => Action::DeadLetter,
            "off" => Action::Off,
            _ => Action::Remove,
        };
        if problems.is_empty() { Ok(Self { action, allow }) } else { Err(problems) }
    }

    /// Looks through the message that begins at `start`, and removes from it or refuses it. The note says what was removed.
    pub(super) fn apply(&self, json: &mut Vec<u8>, start: usize) -> Result<Option<String>, Refused> {
        if self.action == Action::Off {
            return Ok(None);
        }
        let mut hits = scan::scan(json, start);
        hits.retain(|hit| !self.allow.iter().any(|allowed| covers(allowed, &hit.path)));
        if hits.is_empty() {
            return Ok(None);
        }
        let mut named: Vec<String> =
            hits.iter().take(NAMED_MAX).map(|hit| format!("{} ({})", shown(&hit.path), hit.kind)).collect();
        if hits.len() > NAMED_MAX {
            named.push(format!("{} more", hits.len() - NAMED_MAX));
        }
        let named = named.join(", ");
        if self.action == Action::DeadLetter {
            return Err(refused(
                "private-data",
                format!("the message holds {named}; `pii: {{ allow: … }}` lets a field leave"),
            ));
        }
        remove_spans(json, hits.into_iter().map(|hit| hit.span).collect());
        Ok(Some(format!("pii: removed {named}")))
    }
}

/// Whether a path is an allowed one or below it.
fn covers(allowed: &Path, path: &[Segment]) -> bool {
    let allowed = allowed.segments();
    allowed.len() <= path.len()
        && allowed.iter().zip(path).all(|(allowed, step)| *allowed == Segment::Any || allowed == step)
}

fn shown(path: &[Segment]) -> String {
    Path::new(path.to_vec()).map(|path| path.to_string()).unwrap_or_default()
}

#[cfg(test)]
mod tests;
