//! Step `throttle`: so many events per key and time, and no more.

use super::{Build, Context, Flow, Hold, Step, StepDef, StepError, paths, template};
use crate::diag::Diag;
use crate::event::Event;
use crate::json::Mask;
use crate::path::Template;
use crate::registry::{Def, Default, Opt, Options, Room, Shape, Type};

/// The definition of `throttle`.
pub(super) static THROTTLE: StepDef = StepDef {
    def: Def {
        name: "throttle",
        room: Room::Step,
        about: "Lets so many events through in a time, of each key",
        details: "What is too much is dropped as `throttled`, or waits for its turn: each time takes `limit` of those that wait, in the \
                  order in which they came. The time is that of the deliveries, so a delivery that is run again counts once.",
        shape: Shape::Options {
            options: &[
                Opt {
                    name: "limit",
                    ty: Type::Int(1, 1_000_000_000),
                    default: Default::Required,
                    about: "How many events go on.",
                },
                Opt { name: "per", ty: Type::Duration, default: Default::Is("1m"), about: "In which time." },
                Opt {
                    name: "key",
                    ty: Type::Text,
                    default: Default::Absent,
                    about: "What is counted apart: a text with field paths in braces. Without it, all events together; an event \
                            without one of the fields is not counted.",
                },
                Opt {
                    name: "over",
                    ty: Type::Word(&["drop", "hold"]),
                    default: Default::Is("drop"),
                    about: "What becomes of what is too much.",
                },
            ],
            short: None,
        },
        example: "- throttle:\n    limit: 100\n    per: 1m\n    key: \"{userId}\"\n    over: hold\n",
    },
    build,
};

struct Throttle {
    limit: i64,
    per_ms: i64,
    key: Option<Template>,
    hold: bool,
}

fn build(options: &Options, build: &mut Build<'_>) -> Result<Box<dyn Step>, Vec<Diag>> {
    let key = match options.opt_text("key") {
        Some(_) => Some(template::read("key", options, build).map_err(|diag| vec![diag])?),
        None => None,
    };
    let per_ms = options.int("per");
    if per_ms == 0 {
        return Err(vec![options.error("per", "wrong-value", "`per` takes a time that passes")]);
    }
    Ok(Box::new(Throttle { limit: options.int("limit"), per_ms, key, hold: options.text("over") == "hold" }))
}

impl Step for Throttle {
    fn reads(&self) -> Mask {
        self.key.as_ref().map_or_else(Mask::opened, paths::filled)
    }

    fn apply(&self, event: Event, cx: &mut Context<'_>) -> Result<Flow, StepError> {
        // It has waited for its turn, and this is it.
        if cx.attempt > 0 {
            return Ok(Flow::Next(event));
        }
        let name = match &self.key {
            Some(key) => match key.fill(&event.value, |value, out| out.push_str(value)) {
                Some(name) => template::bounded(name),
                None => return Ok(Flow::Next(event)),
            },
            None => String::new(),
        };
        let state = |error: String| StepError::new("state", error);
        let entry = cx.session.get(&cx.part, &name).map_err(|error| state(error.to_string()))?;
        let (start, count) = entry.and_then(|entry| read(&entry.value)).unwrap_or((cx.now_ms, 0));
        // Whole times that those before have used up, the present one not counted.
        let ahead = count / self.limit;
        if !self.hold && ahead > 0 {
            return Ok(Flow::Drop("throttled".to_owned()));
        }
        let turn_ms = start.saturating_add(ahead.saturating_mul(self.per_ms));
        let ttl = turn_ms.saturating_add(self.per_ms).saturating_sub(cx.now_ms).max(1) as u64;
        cx.session
            .set(&cx.part, &name, format!("{start} {}", count + 1).into_bytes(), Some(ttl))
            .map_err(|error| state(error.to_string()))?;
        if turn_ms <= cx.now_ms {
            return Ok(Flow::Next(event));
        }
        Ok(Flow::Hold(event, Hold { until_ms: turn_ms, wake: Vec::new(), reason: "throttled".to_owned() }))
    }

    fn remembers(&self) -> bool {
        true
    }
}

/// When the first time began, and how many events came since.
fn read(value: &[u8]) -> Option<(i64, i64)> {
    let (start, count) = std::str::from_utf8(value).ok()?.split_once(' ')?;
    Some((start.parse().ok()?, count.parse().ok()?))
}
