//! Step `campaign`: campaign parameters and click ids of the page's address go into `context.campaign`.

use rhai::{Dynamic, Map};

use super::{Build, Context, Flow, Step, StepDef, StepError, paths};
use crate::diag::Diag;
use crate::event::Event;
use crate::path::Path;
use crate::registry::{Def, Default, Opt, OptionValue, Options, Room, Shape, Type};
use crate::script::lib::campaign;

/// The definition of `campaign`.
pub(super) static CAMPAIGN: StepDef = StepDef {
    def: Def {
        name: "campaign",
        room: Room::Step,
        about: "Puts the utm parameters and click ids of the page's address into `context.campaign`",
        details: "As analytics.js does: `utm_campaign` becomes `name`, every other `utm_x` becomes `x`. The first address that has any such \
                  parameter counts, so that no two campaigns are mixed; the same holds for the click ids (gclid, fbclid, msclkid, ttclid and \
                  their like, as `campaign::click_ids` of scripts knows them), which keep their names. What stands in `context.campaign` already \
                  stays. An event without any is not changed.",
        shape: Shape::Options {
            options: &[
                Opt {
                    name: "from",
                    ty: Type::List(&Type::Path),
                    default: Default::Is("[ context.page.url, context.page.search, context.page.referrer ]"),
                    about: "Fields with an address or a query, the first one first.",
                },
                Opt {
                    name: "into",
                    ty: Type::Path,
                    default: Default::Is("context.campaign"),
                    about: "The map that takes the parameters.",
                },
                Opt {
                    name: "click_ids",
                    ty: Type::Bool,
                    default: Default::Is("true"),
                    about: "Whether click ids are taken too.",
                },
                Opt {
                    name: "overwrite",
                    ty: Type::Bool,
                    default: Default::Is("false"),
                    about: "Whether a parameter of the address replaces one that is there.",
                },
            ],
            short: None,
        },
        example: "- campaign:\n    from: [ context.page.url, properties.landing_site ]\n    into: context.campaign\n    click_ids: true\n    overwrite: \
                  false\n",
    },
    build,
};

struct Campaign {
    from: Vec<Path>,
    into: Path,
    click_ids: bool,
    overwrite: bool,
}

fn build(options: &Options, build: &mut Build<'_>) -> Result<Box<dyn Step>, Vec<Diag>> {
    let from = paths::collect(options.items("from").iter().filter_map(|(value, span)| {
        let OptionValue::Text(text) = value else { return None };
        Some(paths::read_singular(text, span, options, build))
    }));
    let into = paths::read_singular(options.text("into"), &options.span("into"), options, build);
    match (from, into) {
        (Ok(from), Ok(into)) => Ok(Box::new(Campaign {
            from,
            into,
            click_ids: options.bool("click_ids"),
            overwrite: options.bool("overwrite"),
        })),
        (from, into) => Err(from.err().into_iter().flatten().chain(into.err()).collect()),
    }
}

impl Campaign {
    fn find(&self, event: &Dynamic, read: fn(&str) -> Map) -> Map {
        let mut found = Map::new();
        for path in &self.from {
            path.any(event, |value| {
                if let Ok(text) = value.as_immutable_string_ref() {
                    found = read(&text);
                }
                true
            });
            if !found.is_empty() {
                break;
            }
        }
        found
    }
}

impl Step for Campaign {
    fn apply(&self, mut event: Event, _: &mut Context<'_>) -> Result<Flow, StepError> {
        let mut found = self.find(&event.value, campaign::parameters);
        if self.click_ids {
            found.append(&mut self.find(&event.value, campaign::click_ids));
        }
        if !found.is_empty() {
            merge(&self.into, &mut event, found, self.overwrite)?;
        }
        Ok(Flow::Next(event))
    }
}

/// Puts members into the map at a path. A member that is there (and not `null`) stays unless it may be overwritten.
pub(super) fn merge(into: &Path, event: &mut Event, members: Map, overwrite: bool) -> Result<(), StepError> {
    let mut members = Some(members);
    let mut found = None;
    let put = &mut |place: &mut Dynamic| {
        if place.is_unit() {
            *place = Dynamic::from_map(Map::new());
        }
        found = (!place.is_map()).then(|| crate::path::kind(place));
        if let (Ok(mut map), Some(members)) = (place.as_map_mut(), members.take()) {
            for (key, value) in members {
                let old = map.entry(key).or_insert(Dynamic::UNIT);
                if overwrite || old.is_unit() {
                    *old = value;
                }
            }
        }
    };
    into.update(&mut event.value, put).map_err(|error| paths::blocked(&error))?;
    match found {
        None => Ok(()),
        Some(kind) => Err(StepError::new("path-blocked", format!("{into} is {kind}, not a map"))),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::step::tests::{apply, changed};

    fn campaign(options: &str, page: &Value, before: &Value) -> Value {
        let event = json!({"type": "page", "context": {"page": page, "campaign": before}});
        changed(&format!("- campaign: {options}"), &event)["context"]["campaign"].clone()
    }

    #[test]
    fn parameters_and_click_ids_are_named_as_segment_names_them() {
        let page =
            json!({"url": "https://shop.example.com/?utm_source=news&UTM_Campaign=Spring+Sale&utm_id=7&gclid=abc&x=1"});
        let both = json!({"source": "news", "name": "Spring Sale", "id": "7", "gclid": "abc"});
        assert_eq!(campaign("{}", &page, &Value::Null), both);
        let plain = json!({"source": "news", "name": "Spring Sale", "id": "7"});
        assert_eq!(campaign("{ click_ids: false }", &page, &Value::Null), plain);
    }

    #[test]
    fn the_first_address_that_has_any_counts() {
        let page = json!({"url": "https://shop.example.com/", "search": "?utm_source=news", "referrer": "https://x.example/?utm_source=old&utm_medium=m&fbclid=f"});
        assert_eq!(campaign("{}", &page, &Value::Null), json!({"source": "news", "fbclid": "f"}));
    }

    #[test]
    fn what_is_there_stays_unless_told_otherwise() {
        let page = json!({"url": "/?utm_source=news&utm_medium=mail"});
        let before = json!({"source": "mine", "medium": null});
        assert_eq!(campaign("{}", &page, &before), json!({"source": "mine", "medium": "mail"}));
        assert_eq!(campaign("{ overwrite: true }", &page, &before), json!({"source": "news", "medium": "mail"}));
    }

    #[test]
    fn without_parameters_nothing_changes() {
        for event in [
            json!({"context": {"page": {"url": "https://shop.example.com/?x=1"}}}),
            json!({"context": {"page": 7}}),
            json!({}),
        ] {
            assert_eq!(changed("- campaign: {}", &event), event);
        }
        let blocked = json!({"context": {"campaign": "spring", "page": {"url": "/?utm_source=a"}}});
        let error = apply("- campaign: {}", &blocked).unwrap_err();
        assert_eq!(error.reason, "context.campaign is a text, not a map");
    }
}
