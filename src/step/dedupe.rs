//! Step `dedupe`: the first event of a key goes on, later ones end.

use super::{Build, Context, Flow, Step, StepDef, StepError, paths, template};
use crate::diag::Diag;
use crate::event::Event;
use crate::json::Mask;
use crate::path::Template;
use crate::registry::{Def, Default, Opt, Options, Room, Shape, Type};
use crate::state::{Claim, Key};

/// Why an event ends whose key was seen before.
pub(crate) const DUPLICATE: &str = "duplicate";

/// The definition of `dedupe`.
pub(super) static DEDUPE: StepDef = StepDef {
    def: Def {
        name: "dedupe",
        room: Room::Step,
        about: "Drops events whose key was seen before",
        details: "The first event of a key takes it and goes on; others that come within `window` are dropped as `duplicate`. Keys are \
                  durable: they outlive restarts and changes of the pipeline (give the step an `id` of its own). A key counts when its \
                  event arrives: an event that becomes a dead letter, at a later step or because the sink refuses it, gives its key \
                  back, so that the next one with that key goes on. Where one event becomes several messages, one that arrives is enough. A delivery that is run again after a crash keeps its keys.\n\n\
                  By default events are told apart by their `messageId`, and those that have none yet by the one that the sink will give \
                  them: it is the same when a sender delivers again under the same delivery id.\n\n\
                  Put it behind the steps that may drop an event, before those that only change it.",
        shape: Shape::Options {
            options: &[
                Opt {
                    name: "key",
                    ty: Type::Text,
                    default: Default::Is("'{messageId}'"),
                    about: "What tells events apart: a text with field paths in braces.",
                },
                Opt {
                    name: "window",
                    ty: Type::Duration,
                    default: Default::Is("7d"),
                    about: "How long a key is remembered, from its first event on.",
                },
                Opt {
                    name: "missing",
                    ty: Type::Word(&["pass", "drop", "dead_letter"]),
                    default: Default::Is("pass"),
                    about: "What becomes of an event without one of the fields.",
                },
            ],
            short: Some("key"),
        },
        example: "- dedupe:\n    key: \"order/{properties.order_id}\"\n    window: 30d\n    missing: pass\n",
    },
    build,
};

struct Dedupe {
    key: Template,
    /// Whether it is the message id, which sinks give to events that have none.
    by_message_id: bool,
    window_ms: u64,
    missing: Missing,
}

/// What becomes of an event that has no key.
#[derive(Debug, Clone, Copy)]
enum Missing {
    Pass,
    Drop,
    DeadLetter,
}

fn build(options: &Options, build: &mut Build<'_>) -> Result<Box<dyn Step>, Vec<Diag>> {
    let key = template::read("key", options, build).map_err(|diag| vec![diag])?;
    if key.paths().next().is_none() {
        let diag = options.error("key", "wrong-value", "a `key` without a field is the same for all events");
        return Err(vec![diag.help("write field paths in braces, as `{messageId}`")]);
    }
    let missing = match options.text("missing") {
        "drop" => Missing::Drop,
        "dead_letter" => Missing::DeadLetter,
        _ => Missing::Pass,
    };
    let by_message_id = options.text("key").trim() == "{messageId}";
    Ok(Box::new(Dedupe { key, by_message_id, window_ms: options.int("window") as u64, missing }))
}

impl Step for Dedupe {
    fn reads(&self) -> Mask {
        paths::filled(&self.key)
    }

    fn apply(&self, event: Event, cx: &mut Context<'_>) -> Result<Flow, StepError> {
        let derived = || self.by_message_id.then(|| format!("{}/{}", cx.identity, event.origin));
        let Some(name) = self.key.fill(&event.value, |value, out| out.push_str(value)).or_else(derived) else {
            return match self.missing {
                Missing::Pass => Ok(Flow::Next(event)),
                Missing::Drop => Ok(Flow::Drop("no key".to_owned())),
                Missing::DeadLetter => Err(StepError::new("no-key", "a field of the key is not there")),
            };
        };
        let name = template::bounded(name);
        // A delivery finds its own key when it is run again and the state could not be taken back.
        let holder = format!("{} {} {}", cx.delivery.seq, cx.delivery.path, event.origin).into_bytes();
        let state = |error: String| StepError::new("state", error);
        let key = Key { space: cx.part.to_string(), name: name.clone() };
        let claim = Claim { key, holder, shared: false };
        match cx.session.get(&cx.part, &name).map_err(|error| state(error.to_string()))? {
            Some(entry) if !claim.holds(&entry.value) => return Ok(Flow::Drop(DUPLICATE.to_owned())),
            Some(_) => {}
            None => cx
                .session
                .set(&cx.part, &name, claim.holder.clone(), Some(self.window_ms))
                .map_err(|error| state(error.to_string()))?,
        }
        cx.claims.push((event.origin, claim));
        Ok(Flow::Next(event))
    }

    fn remembers(&self) -> bool {
        true
    }
}
