//! Step `loop_guard`: stamps each event with the pipelines it passed, and drops one that comes round again.

use md5::{Digest, Md5};
use rhai::{Array, Dynamic, ImmutableString, Map};

use super::{Build, Context, Flow, Step, StepDef, StepError, paths};
use crate::diag::Diag;
use crate::event::Event;
use crate::json::Mask;
use crate::path::{Path, Segment};
use crate::registry::{Def, Default, Opt, Options, Room, Shape, Type};

/// Stable, since counts of dropped events are kept by it.
const REASON: &str = "loop_detected";

/// The definition of `loop_guard`.
pub(super) static LOOP_GUARD: StepDef = StepDef {
    def: Def {
        name: "loop_guard",
        room: Room::Step,
        about: "Drops events that this pipeline has sent before, so that no loop through Segment multiplies them",
        details: "Each event that passes is stamped with `context.pipeline`: `name` is this pipeline, `hop` the number of guarded \
                  pipelines it went through so far. An event is dropped as `loop_detected` when its stamp has this pipeline's name, or \
                  when it went through `hops_max` guarded pipelines already. Where several pipelines send to each other, guard each of \
                  them: the stamp has the last name only, so a longer loop is ended by the number of hops.\n\n\
                  It belongs at the end of the steps, behind a script that may make the context anew, and once into a pipeline: a second \
                  guard would meet the stamp of the first one. Nothing else may write `context.pipeline`: where it is something else than \
                  a map, it is replaced.\n\nWith `write_key`, the stamp of Segment's Repeater is honoured and made too: `context.repeatChain` is a list with the MD5 of \
                  each write key on the way, and an event whose list has this key's is dropped.",
        shape: Shape::Options {
            options: &[
                Opt {
                    name: "name",
                    ty: Type::Text,
                    default: Default::Absent,
                    about: "The name in the stamp; without it, the pipeline's. Give one where pipelines on several machines share a name.",
                },
                Opt {
                    name: "hops_max",
                    ty: Type::Int(1, 100),
                    default: Default::Is("3"),
                    about: "How many guarded pipelines an event may go through.",
                },
                Opt {
                    name: "write_key",
                    ty: Type::Secret,
                    default: Default::Absent,
                    about: "The write key of the Segment source that this pipeline sends to, for `context.repeatChain`.",
                },
            ],
            short: None,
        },
        example: "- loop_guard:\n    name: shop-eu\n    hops_max: 3\n    write_key: ${SEGMENT_WRITE_KEY}\n",
    },
    build,
};

struct LoopGuard {
    name: Option<ImmutableString>,
    hops_max: i64,
    stamp: Path,
    /// The MD5 of the write key, and the list that it stands in.
    chain: Option<(ImmutableString, Path)>,
}

fn build(options: &Options, _: &mut Build<'_>) -> Result<Box<dyn Step>, Vec<Diag>> {
    let name = options.opt_text("name").map(ImmutableString::from);
    if name.as_ref().is_some_and(|name| name.is_empty()) {
        return Err(vec![options.error("name", "wrong-value", "a `name` cannot be empty")]);
    }
    let in_context = |key: &str| Path::new(["context", key].map(|key| Segment::Key(key.to_owned())).to_vec());
    let (Some(stamp), Some(chain)) = (in_context("pipeline"), in_context("repeatChain")) else {
        return Err(Vec::new());
    };
    let key = options.secret("write_key").map(|key| hex::encode(Md5::digest(key.reveal().trim())));
    let chain = key.map(|key| (key.into(), chain));
    Ok(Box::new(LoopGuard { name, hops_max: options.int("hops_max"), stamp, chain }))
}

impl Step for LoopGuard {
    fn reads(&self) -> Mask {
        let mut mask = paths::whole(&self.stamp);
        if let Some((_, path)) = &self.chain {
            mask.merge(&paths::whole(path));
        }
        mask
    }

    fn apply(&self, mut event: Event, cx: &mut Context<'_>) -> Result<Flow, StepError> {
        let name = self.name.clone().unwrap_or_else(|| ImmutableString::from(&*cx.delivery.pipeline));
        let (seen, hop) =
            self.stamp.with(&event.value, |stamp| stamp.map(|stamp| read(stamp, &name)).unwrap_or_default());
        let is_own =
            |key: &Dynamic, own: &str| key.as_immutable_string_ref().is_ok_and(|key| key.eq_ignore_ascii_case(own));
        let repeats = self.chain.as_ref().is_some_and(|(own, path)| {
            let has_own =
                |chain: &Dynamic| chain.as_array_ref().is_ok_and(|keys| keys.iter().any(|key| is_own(key, own)));
            path.any(&event.value, has_own)
        });
        if seen || repeats || hop >= self.hops_max {
            return Ok(Flow::Drop(REASON.to_owned()));
        }
        let stamp = Map::from([("name".into(), name.into()), ("hop".into(), Dynamic::from_int(hop + 1))]);
        self.stamp.set(&mut event.value, Dynamic::from_map(stamp)).map_err(|error| paths::blocked(&error))?;
        if let Some((own, path)) = &self.chain {
            let add = &mut |place: &mut Dynamic| {
                if !place.is_array() {
                    *place = Dynamic::from_array(Array::new());
                }
                if let Ok(mut keys) = place.as_array_mut() {
                    keys.push(own.clone().into());
                }
            };
            path.update(&mut event.value, add).map_err(|error| paths::blocked(&error))?;
        }
        Ok(Flow::Next(event))
    }
}

/// Whether a stamp has this name, and its number of hops; a number that is none counts as 0.
fn read(stamp: &Dynamic, name: &ImmutableString) -> (bool, i64) {
    let Ok(stamp) = stamp.as_map_ref() else { return (false, 0) };
    let seen = stamp.get("name").is_some_and(|have| have.as_immutable_string_ref().is_ok_and(|have| *have == *name));
    let hop =
        stamp.get("hop").map_or(0, |hop| hop.as_int().or_else(|_| hop.as_float().map(|hop| hop as i64)).unwrap_or(0));
    (seen, hop.clamp(0, i64::from(u16::MAX)))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::event::{Delivery, Event, Origin, Targets};
    use crate::json::{from_json_value, to_json_value};
    use crate::step::tests::build_step;
    use crate::step::{Context, Flow};

    /// What a guard in a pipeline makes of an event; nothing if it drops it.
    fn passed(step: &str, pipeline: &str, event: &Value) -> Option<Value> {
        let step = build_step(step).unwrap_or_else(|problems| panic!("{problems:?}"));
        let delivery = Delivery { pipeline: pipeline.into(), ..Delivery::default() };
        let session = crate::state::Session::empty();
        let mut cx = Context::new(&delivery, "d", 0, &session);
        let event = Event {
            value: from_json_value(event),
            tape: std::rc::Rc::default(),
            origin: Origin::default(),
            targets: Targets::default(),
        };
        match step.apply(event, &mut cx).unwrap() {
            Flow::Next(event) => Some(to_json_value(&event.value).unwrap()),
            Flow::Drop(reason) => {
                assert_eq!(reason, "loop_detected");
                None
            }
            other => panic!("a guard never {other:?}"),
        }
    }

    #[test]
    fn an_event_passes_each_pipeline_once() {
        let first = passed("- loop_guard: {}", "a", &json!({"type": "track"})).unwrap();
        assert_eq!(first, json!({"type": "track", "context": {"pipeline": {"name": "a", "hop": 1}}}));
        assert_eq!(passed("- loop_guard: {}", "a", &first), None);
        assert_eq!(passed("- loop_guard: { name: a }", "b", &first), None);
        let second = passed("- loop_guard: {}", "b", &first).unwrap();
        assert_eq!(second["context"]["pipeline"], json!({"name": "b", "hop": 2}));
        assert!(passed("- loop_guard: { name: other }", "b", &second).is_some());
    }

    #[test]
    fn a_longer_loop_ends_by_its_hops() {
        let mut event = json!({"context": {"ip": "203.0.113.9"}});
        for (hop, pipeline) in ["a", "b", "a"].into_iter().enumerate() {
            event = passed("- loop_guard: {}", pipeline, &event).unwrap();
            assert_eq!(event["context"], json!({"ip": "203.0.113.9", "pipeline": {"name": pipeline, "hop": hop + 1}}));
        }
        assert_eq!(passed("- loop_guard: {}", "b", &event), None);
        assert_eq!(passed("- loop_guard: { hops_max: 2 }", "c", &event), None);
        assert!(passed("- loop_guard: { hops_max: 4 }", "c", &event).is_some());
    }

    #[test]
    fn foreign_stamps_are_replaced() {
        for stamp in [json!("x"), json!(null), json!({"name": 7, "hop": "many"}), json!({"hop": -5})] {
            let event = passed("- loop_guard: {}", "a", &json!({"context": {"pipeline": stamp}})).unwrap();
            assert_eq!(event["context"]["pipeline"], json!({"name": "a", "hop": 1}));
        }
        // A number may come back as 3.0, and none is so large that it would wrap.
        for hop in [json!(3.0), json!(i64::MAX), json!(1e300)] {
            assert_eq!(
                passed("- loop_guard: {}", "a", &json!({"context": {"pipeline": {"name": "b", "hop": hop}}})),
                None
            );
        }
    }

    #[test]
    fn the_chain_of_write_keys_is_honoured_and_made() {
        let own = "eabf43b1d263e7594d24748dddc4ffd8";
        let guard = "- loop_guard: { write_key: key-a }";
        let first = passed(guard, "p", &json!({"context": {"repeatChain": ["other"]}})).unwrap();
        let chain = &first["context"]["repeatChain"];
        assert_eq!(*chain, json!(["other", own]));
        let again = json!({"context": {"repeatChain": chain}});
        assert_eq!(passed(guard, "q", &again), None, "another pipeline with the same key");
        assert!(passed("- loop_guard: { write_key: key-b }", "q", &again).is_some());
        assert!(passed("- loop_guard: {}", "q", &again).is_some());
        let strange = passed(guard, "p", &json!({"context": {"repeatChain": "x"}})).unwrap();
        assert_eq!(strange["context"]["repeatChain"], json!([own]));
    }

    #[test]
    fn a_context_that_is_no_map_is_an_error() {
        let step = build_step("- loop_guard: {}").unwrap_or_else(|problems| panic!("{problems:?}"));
        let delivery = Delivery::default();
        let session = crate::state::Session::empty();
        let mut cx = Context::new(&delivery, "d", 0, &session);
        let value = from_json_value(&json!({"context": "x"}));
        let error = step
            .apply(
                Event { value, tape: std::rc::Rc::default(), origin: Origin::default(), targets: Targets::default() },
                &mut cx,
            )
            .unwrap_err();
        assert_eq!(error.code, "path-blocked");
        assert!(build_step("- loop_guard: { name: \"\" }").is_err());
        assert!(build_step("- loop_guard: { hops_max: 0 }").is_err());
    }
}
