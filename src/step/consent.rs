//! Step `consent`: lets through what the person agreed to.

use rhai::Dynamic;

use super::{Build, Context, Flow, Step, StepDef, StepError, sinks};
use crate::diag::Diag;
use crate::event::Event;
use crate::path::{Path, Segment};
use crate::registry::{Def, Default, Opt, OptionValue, Options, Room, Shape, Type};

/// Stable, since counts of dropped events are kept by it.
const REASON: &str = "consent";
/// What Segment allows in a category's id.
const ID_CHARS_MAX: usize = 34;

/// The definition of `consent`.
pub(super) static CONSENT: StepDef = StepDef {
    def: Def {
        name: "consent",
        room: Room::Step,
        about: "Drops events whose person did not agree to these categories",
        details: "Reads Segment's consent object, `context.consent.categoryPreferences`, and means what Segment means: all of the `categories` \
                  must be `true` there, a category that is not there is not agreed to, and an empty object agrees to nothing. An event without \
                  the object is not held back, unless `without: drop`. Categories are told apart by case.\n\nWithout `sinks` the event is dropped as \
                  `consent`. With them, it only does not go to those sinks: one step for each sink with categories is what Segment calls \
                  mapping destinations to categories. An event that is left with no sink is dropped.",
        shape: Shape::Options {
            options: &[
                Opt {
                    name: "categories",
                    ty: Type::List(&Type::Text),
                    default: Default::Required,
                    about: "The ids of the categories, which must all be agreed to.",
                },
                Opt {
                    name: "sinks",
                    ty: Type::List(&Type::Text),
                    default: Default::Absent,
                    about: "The ids of the sinks that need the consent; without it, everything that follows does.",
                },
                Opt {
                    name: "without",
                    ty: Type::Word(&["pass", "drop"]),
                    default: Default::Is("pass"),
                    about: "What becomes of an event without a consent object: `pass` is what Segment does, `drop` treats it as refused.",
                },
            ],
            short: Some("categories"),
        },
        example: "- consent: { categories: [ Advertising, Analytics ], sinks: [ segment ], without: drop }\n",
    },
    build,
};

struct Consent {
    preferences: Path,
    categories: Vec<String>,
    sinks: Option<Vec<usize>>,
    sink_count: usize,
    pass_without: bool,
}

fn build(options: &Options, build: &mut Build<'_>) -> Result<Box<dyn Step>, Vec<Diag>> {
    let mut problems = Vec::new();
    for (value, span) in options.items("categories") {
        let OptionValue::Text(id) = value else { continue };
        if id.is_empty() || id.chars().count() > ID_CHARS_MAX || id.starts_with(|c: char| c.is_ascii_digit()) {
            let diag = Diag::error("wrong-value", format!("`{id}` is not the id of a consent category"));
            let help = format!("ids have at most {ID_CHARS_MAX} characters and begin with no digit");
            problems.push(diag.at(options.file(), span.clone()).help(help));
        }
    }
    if options.items("categories").is_empty() {
        problems.push(
            options
                .error("categories", "wrong-value", "`categories` names none")
                .help("remove the step if none is needed"),
        );
    }
    let only = options.has("sinks").then(|| sinks::read_list("sinks", options, build)).transpose();
    let keys = ["context", "consent", "categoryPreferences"].map(|key| Segment::Key(key.to_owned()));
    match (only, Path::new(keys.to_vec())) {
        (Ok(sinks), Some(preferences)) if problems.is_empty() => Ok(Box::new(Consent {
            preferences,
            categories: options.texts("categories").into_iter().map(str::to_owned).collect(),
            sinks,
            sink_count: build.sinks.len(),
            pass_without: options.text("without") == "pass",
        })),
        (only, _) => {
            problems.extend(only.err().into_iter().flatten());
            Err(problems)
        }
    }
}

impl Consent {
    fn given(&self, event: &Dynamic) -> bool {
        self.preferences.with(event, |preferences| match preferences {
            // `null` is an object that is not there.
            Some(preferences) if !preferences.is_unit() => preferences.as_map_ref().is_ok_and(|preferences| {
                let agreed =
                    |id: &String| preferences.get(id.as_str()).is_some_and(|agreed| agreed.as_bool() == Ok(true));
                self.categories.iter().all(agreed)
            }),
            _ => self.pass_without,
        })
    }
}

impl Step for Consent {
    fn apply(&self, mut event: Event, _: &mut Context<'_>) -> Result<Flow, StepError> {
        if self.given(&event.value) {
            return Ok(Flow::Next(event));
        }
        let left = self.sinks.as_ref().and_then(|sinks| event.targets.without(sinks, self.sink_count));
        let Some(left) = left else { return Ok(Flow::Drop(REASON.to_owned())) };
        event.targets = left;
        Ok(Flow::Next(event))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::step::Flow;
    use crate::step::tests::{apply, build_step};

    fn sinks(options: &str, consent: &Value) -> Option<[bool; 2]> {
        match apply(&format!("- consent: {options}"), &json!({"type": "track", "context": {"consent": consent}}))
            .unwrap()
        {
            Flow::Next(event) => Some([0, 1].map(|sink| event.targets.allow(sink))),
            Flow::Drop(reason) => {
                assert_eq!(reason, "consent");
                None
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn all_categories_must_be_true() {
        for (preferences, passes) in [
            (json!({"Ads": true, "Stats": true}), true),
            (json!({"Ads": true, "Stats": false}), false),
            (json!({"Ads": true}), false),
            (json!({"ads": true, "stats": true}), false),
            (json!({"Ads": "true", "Stats": true}), false),
            (json!({"Ads": 1, "Stats": 1}), false),
            (json!({}), false),
            (json!("all"), false),
        ] {
            let consent = json!({"categoryPreferences": preferences});
            assert_eq!(sinks("[ Ads, Stats ]", &consent).is_some(), passes, "{consent}");
        }
    }

    #[test]
    fn without_the_object_nothing_is_enforced_unless_told() {
        for consent in [json!(null), json!({}), json!({"categoryPreferences": null}), json!("x")] {
            assert_eq!(sinks("Ads", &consent), Some([true, true]), "{consent}");
            assert_eq!(sinks("{ categories: Ads, without: drop }", &consent), None, "{consent}");
        }
    }

    #[test]
    fn only_the_sinks_with_categories_are_left_out() {
        let refused = json!({"categoryPreferences": {"Ads": false}});
        assert_eq!(sinks("{ categories: Ads, sinks: segment }", &refused), Some([false, true]));
        assert_eq!(sinks("{ categories: Ads, sinks: [ segment, objects ] }", &refused), None);
        let agreed = json!({"categoryPreferences": {"Ads": true}});
        assert_eq!(sinks("{ categories: Ads, sinks: segment }", &agreed), Some([true, true]));
    }

    #[test]
    fn mistakes_are_told() {
        for (options, code) in [
            ("[]", "wrong-value"),
            ("[ 1st ]", "wrong-value"),
            ("[ this_id_has_more_than_thirty_four_characters ]", "wrong-value"),
            ("{ categories: Ads, sinks: segmnt }", "unknown-sink"),
        ] {
            assert_eq!(build_step(&format!("- consent: {options}")).err().unwrap()[0].code, code, "{options}");
        }
    }
}
