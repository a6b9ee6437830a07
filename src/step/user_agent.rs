//! Step `user_agent`: what the browser says of itself goes into `context`.

use rhai::{Dynamic, Map};

use super::campaign::merge;
use super::{Build, Context, Flow, Step, StepDef, StepError, paths};
use crate::diag::Diag;
use crate::event::Event;
use crate::path::{Path, Segment};
use crate::registry::{Def, Default, Opt, Options, Room, Shape, Type};
use crate::script::lib::user_agent;

/// Stable, since counts of dropped events are kept by it.
const REASON: &str = "bot";
/// The maps that a user agent is told in.
const PARTS: [&str; 3] = ["browser", "device", "os"];

/// The definition of `user_agent`.
pub(super) static USER_AGENT: StepDef = StepDef {
    def: Def {
        name: "user_agent",
        room: Room::Step,
        about: "Tells browser, device and system from the user agent",
        details: "Adds `os` (name, version), `device` (type, manufacturer, model) and `browser` (name, version) to the context, as \
                  `user_agent::parse` of scripts tells them; what cannot be told is left out. What stands there already stays.",
        shape: Shape::Options {
            options: &[
                Opt {
                    name: "from",
                    ty: Type::Path,
                    default: Default::Is("context.userAgent"),
                    about: "The field with the user agent.",
                },
                Opt {
                    name: "into",
                    ty: Type::Path,
                    default: Default::Is("context"),
                    about: "The map that takes `os`, `device` and `browser`.",
                },
                Opt {
                    name: "overwrite",
                    ty: Type::Bool,
                    default: Default::Is("false"),
                    about: "Whether what is there is replaced.",
                },
                Opt {
                    name: "bots",
                    ty: Type::Word(&["pass", "drop"]),
                    default: Default::Is("pass"),
                    about: "What becomes of events of crawlers, headless browsers and tools that fetch pages, as `user_agent::is_bot` tells \
                            them. They are dropped as `bot`; the events of servers and apps are not.",
                },
            ],
            short: None,
        },
        example: "- user_agent:\n    from: context.userAgent\n    into: context\n    overwrite: false\n    bots: drop\n",
    },
    build,
};

struct UserAgent {
    from: Path,
    into: Vec<(&'static str, Path)>,
    overwrite: bool,
    drop_bots: bool,
}

fn build(options: &Options, build: &mut Build<'_>) -> Result<Box<dyn Step>, Vec<Diag>> {
    let from = paths::read_singular(options.text("from"), &options.span("from"), options, build);
    let into = paths::read_singular(options.text("into"), &options.span("into"), options, build);
    match (from, into) {
        (Ok(from), Ok(into)) => Ok(Box::new(UserAgent {
            from,
            into: PARTS.into_iter().filter_map(|part| Some((part, below(&into, part)?))).collect(),
            overwrite: options.bool("overwrite"),
            drop_bots: options.text("bots") == "drop",
        })),
        (from, into) => Err(from.err().into_iter().chain(into.err()).collect()),
    }
}

fn below(path: &Path, key: &str) -> Option<Path> {
    Path::new(path.segments().iter().cloned().chain([Segment::Key(key.to_owned())]).collect())
}

impl Step for UserAgent {
    fn apply(&self, mut event: Event, _: &mut Context<'_>) -> Result<Flow, StepError> {
        let read = |value: &Dynamic| user_agent::read(&value.as_immutable_string_ref().ok()?);
        let Some(agent) = self.from.with(&event.value, |value| value.and_then(read)) else {
            return Ok(Flow::Next(event));
        };
        if agent.is_bot && self.drop_bots {
            return Ok(Flow::Drop(REASON.to_owned()));
        }
        let mut told = agent.to_map();
        for (part, into) in &self.into {
            if let Some(members) = told.remove(*part).and_then(Dynamic::try_cast::<Map>) {
                merge(into, &mut event, members, self.overwrite)?;
            }
        }
        Ok(Flow::Next(event))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::step::Flow;
    use crate::step::tests::{apply, changed};

    const PHONE: &str = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1";
    const BOT: &str = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)";

    #[test]
    fn a_browser_is_told_and_what_is_there_stays() {
        let event = json!({"type": "page", "context": {"userAgent": PHONE, "os": {"name": "mine", "version": null}}});
        let after = changed("- user_agent: {}", &event);
        assert_eq!(after["context"]["os"], json!({"name": "mine", "version": "17.5"}));
        assert_eq!(after["context"]["device"], json!({"type": "mobile", "manufacturer": "Apple", "model": "iPhone"}));
        assert_eq!(after["context"]["browser"], json!({"name": "Safari", "version": "17.5"}));
        assert!(after["context"].get("bot").is_none());
        let after = changed("- user_agent: { overwrite: true }", &event);
        assert_eq!(after["context"]["os"], json!({"name": "iOS", "version": "17.5"}));
    }

    #[test]
    fn bots_may_be_dropped() {
        let event = json!({"context": {"userAgent": BOT}});
        assert!(matches!(apply("- user_agent: {}", &event).unwrap(), Flow::Next(_)));
        assert!(
            matches!(apply("- user_agent: { bots: drop }", &event).unwrap(), Flow::Drop(reason) if reason == "bot")
        );
    }

    #[test]
    fn orders_of_a_storefronts_server_are_no_bots() {
        for agent in ["node", "axios/0.27.2", "undici", "analytics-node-next/latest"] {
            let event = json!({"type": "track", "event": "Order Completed", "context": {"userAgent": agent}});
            assert_eq!(changed("- user_agent: { bots: drop }", &event), event);
        }
    }

    #[test]
    fn without_a_user_agent_nothing_changes() {
        for event in [json!({}), json!({"context": {"userAgent": 7}}), json!({"context": {"userAgent": null}})] {
            assert_eq!(changed("- user_agent: { bots: drop }", &event), event);
        }
    }
}
