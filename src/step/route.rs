//! Step `route`: chooses the sinks of an event.

use super::filter::When;
use super::{Build, Context, Flow, Step, StepDef, StepError, sinks};
use crate::diag::Diag;
use crate::event::{Event, Targets};
use crate::registry::{Def, Default, Opt, OptionValue, Options, Room, Shape, Type};

/// Stable, since counts of dropped events are kept by it.
const REASON: &str = "no route";

/// One route.
const ROUTE_OPTIONS: &[Opt] = &[
    Opt {
        name: "when",
        ty: Type::Condition,
        default: Default::Absent,
        about: "Which events it takes; without it, every event.",
    },
    Opt {
        name: "to",
        ty: Type::List(&Type::Text),
        default: Default::Required,
        about: "The id of a sink, or a list of them.",
    },
];

/// The definition of `route`.
pub(super) static ROUTE: StepDef = StepDef {
    def: Def {
        name: "route",
        room: Room::Step,
        about: "Sends each event to the sinks of the first route that takes it",
        details: "A sink's id is its kind, unless `id` stands beside it. The first route whose condition holds decides; an event that none takes \
                  is dropped as `no route`. What later steps make of the event goes the same way, and a later \
                  `route` chooses anew. A sink's own `when` must hold as well.",
        shape: Shape::Value(Type::List(&Type::Options(ROUTE_OPTIONS, None))),
        example: "- route:\n    - { when: event.type == \"set\", to: objects }\n    - { when: { field: properties.test, is: true }, to: [ segment, objects ] \
                  }\n    - { to: segment }\n",
    },
    build,
};

struct Route {
    routes: Vec<(Option<When>, Targets)>,
}

fn build(options: &Options, build: &mut Build<'_>) -> Result<Box<dyn Step>, Vec<Diag>> {
    let mut problems = Vec::new();
    let mut routes: Vec<(Option<When>, Targets)> = Vec::new();
    for (value, span) in options.items("value") {
        let OptionValue::Options(inner) = value else { continue };
        if routes.last().is_some_and(|(condition, _)| condition.is_none()) {
            let diag = Diag::warning("route-unreached", "no event comes to this route")
                .at(options.file(), span.clone())
                .help("the one before it has no `when` and takes them all");
            build.warnings.push(diag);
        }
        match read(inner, build) {
            Ok(route) => routes.push(route),
            Err(found) => problems.extend(found),
        }
    }
    if problems.is_empty() && routes.is_empty() {
        problems
            .push(options.error("value", "wrong-value", "`route` has no routes").help("write one as { to: segment }"));
    }
    if problems.is_empty() { Ok(Box::new(Route { routes })) } else { Err(problems) }
}

fn read(options: &Options, build: &mut Build<'_>) -> Result<(Option<When>, Targets), Vec<Diag>> {
    let targets = sinks::read_list("to", options, build);
    let condition = options.node("when").map(|when| When::read(when, options, build)).transpose();
    match (condition, targets) {
        (Ok(condition), Ok(targets)) => Ok((condition, Targets::only(&targets))),
        (condition, targets) => {
            Err(condition.err().into_iter().flatten().chain(targets.err().into_iter().flatten()).collect())
        }
    }
}

impl Step for Route {
    fn apply(&self, mut event: Event, cx: &mut Context<'_>) -> Result<Flow, StepError> {
        for (when, targets) in &self.routes {
            let holds = match when {
                Some(when) => when.holds(&mut event, cx)?,
                None => true,
            };
            if holds {
                event.targets = targets.clone();
                return Ok(Flow::Next(event));
            }
        }
        Ok(Flow::Drop(REASON.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::step::Flow;
    use crate::step::tests::{apply, build_step, build_with_warnings};

    /// Which of the two sinks of the tests, `segment` and `objects`, take the event.
    fn taken(routes: &str, kind: &str) -> Option<[bool; 2]> {
        match apply(&format!("- route: {routes}"), &json!({"type": kind})).unwrap() {
            Flow::Next(event) => Some([event.targets.allow(0), event.targets.allow(1)]),
            Flow::Drop(reason) => {
                assert_eq!(reason, "no route");
                None
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_first_route_that_holds_decides() {
        let routes = "[ { when: event.type == \"set\", to: objects }, { when: { field: type, is: track }, to: [segment, objects] }, { when: { fql: 'type = \
                      \"page\"' }, to: segment } ]";
        assert_eq!(taken(routes, "set"), Some([false, true]));
        assert_eq!(taken(routes, "track"), Some([true, true]));
        assert_eq!(taken(routes, "page"), Some([true, false]));
        assert_eq!(taken(routes, "identify"), None);
        assert_eq!(taken("[ { to: segment } ]", "identify"), Some([true, false]));
    }

    #[test]
    fn mistakes_have_their_place() {
        for (routes, code, marked, help) in [
            ("[ { to: segmnt } ]", "unknown-sink", "segmnt", "did you mean `segment`?"),
            (
                "[ { to: warehouse } ]",
                "unknown-sink",
                "warehouse",
                "its sinks are segment, objects; `id` beside a sink names it",
            ),
            ("[ { to: segment, wen: true } ]", "unknown-key", "wen", "did you mean `when`?"),
            ("[ { when: true } ]", "missing-option", "{ when: true }", "The id of a sink, or a list of them."),
            ("[ { to: [] } ]", "wrong-value", "[]", "to end an event, use `filter`"),
            ("[]", "wrong-value", "[]", "write one as { to: segment }"),
        ] {
            let text = format!("- route: {routes}");
            let problems = build_step(&text).err().unwrap();
            assert_eq!(problems.len(), 1, "{problems:?}");
            assert_eq!(problems[0].code, code);
            assert_eq!(&text[problems[0].span.clone().unwrap()], marked);
            assert_eq!(problems[0].help.as_deref(), Some(help));
        }
        assert!(build_step("- route: [ { when: event.typ ==, to: segment } ]").is_err());
        assert!(build_step("- route: segment").is_err());
    }

    #[test]
    fn a_route_behind_one_for_all_is_warned_of() {
        let mut warnings = Vec::new();
        build_with_warnings("- route: [ { to: segment }, { to: objects } ]", &mut warnings).map(|_| ()).unwrap();
        assert_eq!(warnings[0].code, "route-unreached");
    }
}
