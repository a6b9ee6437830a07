//! Step `split`: one event per element of a list.

use rhai::{Array, Dynamic, ImmutableString, Map};

use super::{Build, Context, Flow, Step, StepDef, StepError, ids, paths};
use crate::diag::Diag;
use crate::event::Event;
use crate::path::{Path, Segment};
use crate::registry::{Def, Default, Opt, Options, Room, Shape, Type};

/// Stable, since counts of dropped events are kept by it.
const REASON: &str = "nothing to split";
/// More parts than this are no order: they are a feed, and belong into deliveries of their own.
const PARTS_MAX: usize = 1000;
/// Values in all parts together: what one event may become.
const VALUES_MAX: usize = 1_000_000;

/// The definition of `split`.
pub(super) static SPLIT: StepDef = StepDef {
    def: Def {
        name: "split",
        room: Room::Step,
        about: "Makes one event of each element of a list",
        details: "Each part is the event without the list, and with the element in its place: the element's fields beside those of the map \
                  that held the list, where they win. `merge: false` leaves only the element's fields there, `as` puts the element into a field of \
                  its own. The parts' `messageId` is the event's with `:0`, `:1` … behind it, or \
                  `:1.0` where a step before has numbered its copies already; without one, each gets an id that is the same whenever \
                  its delivery is processed again.\n\nAn event with more than 1,000 elements becomes a dead letter.",
        shape: Shape::Options {
            options: &[
                Opt { name: "path", ty: Type::Path, default: Default::Required, about: "The list." },
                Opt { name: "as", ty: Type::Path, default: Default::Absent, about: "A field that takes the element." },
                Opt {
                    name: "merge",
                    ty: Type::Bool,
                    default: Default::Is("true"),
                    about: "Whether the fields beside the list stay in the parts.",
                },
                Opt {
                    name: "event",
                    ty: Type::Text,
                    default: Default::Absent,
                    about: "The `event` name of the parts; without it, they keep that of the event.",
                },
                Opt {
                    name: "keep_parent",
                    ty: Type::Bool,
                    default: Default::Is("false"),
                    about: "Whether the event itself goes on too, before its parts, as it is.",
                },
                Opt {
                    name: "without",
                    ty: Type::Word(&["pass", "drop"]),
                    default: Default::Is("pass"),
                    about: "What becomes of an event that has no such list, or an empty one. It is dropped as `nothing to split`.",
                },
            ],
            short: Some("path"),
        },
        example: "- split:\n    path: properties.products\n    as: properties.product\n    merge: true\n    event: Product Purchased\n    keep_parent: true\n    \
                  without: drop\n",
    },
    build,
};

struct Split {
    list: Path,
    /// The map that holds the list; `None` if that is the event itself.
    holder: Option<Path>,
    into: Option<Path>,
    merge: bool,
    name: Option<ImmutableString>,
    keep_parent: bool,
    drop_without: bool,
}

fn build(options: &Options, build: &mut Build<'_>) -> Result<Box<dyn Step>, Vec<Diag>> {
    let list = paths::read_singular(options.text("path"), &options.span("path"), options, build);
    let into = options.opt_text("as").map(|text| paths::read_singular(text, &options.span("as"), options, build));
    match (list, into.transpose()) {
        (Ok(list), Ok(into)) => {
            let (_, before) = list.segments().split_last().unwrap_or((&Segment::Any, &[]));
            Ok(Box::new(Split {
                holder: Path::new(before.to_vec()),
                list,
                into,
                merge: options.bool("merge"),
                name: options.opt_text("event").map(ImmutableString::from),
                keep_parent: options.bool("keep_parent"),
                drop_without: options.text("without") == "drop",
            }))
        }
        (list, into) => Err(list.err().into_iter().chain(into.err()).collect()),
    }
}

impl Step for Split {
    fn apply(&self, mut event: Event, cx: &mut Context<'_>) -> Result<Flow, StepError> {
        let count = self.list.with(&event.value, |list| list.and_then(|list| Some(list.as_array_ref().ok()?.len())));
        let Some(count) = count.filter(|count| *count > 0) else {
            return Ok(if self.drop_without { Flow::Drop(REASON.to_owned()) } else { Flow::Next(event) });
        };
        let parent = self.keep_parent.then(|| event.clone());
        let items = self.list.remove(&mut event.value).and_then(Dynamic::try_cast::<Array>).unwrap_or_default();
        if !self.merge {
            self.clear(&mut event.value);
        }
        let values = count_values(&event.value, VALUES_MAX / count);
        if count > PARTS_MAX || values >= VALUES_MAX / count {
            let reason = format!("{count} elements in `{}` would make too much of one event", self.list);
            return Err(StepError::new("too-many-parts", reason));
        }
        if let Some(name) = &self.name {
            set_member(&mut event.value, "event", name.clone().into());
        }
        let id = ids::of(&event.value);
        let mut parts: Vec<Event> = parent.into_iter().collect();
        parts.reserve(count);
        for (number, item) in items.into_iter().enumerate() {
            let mut part = event.clone();
            self.place(&mut part.value, item)?;
            if let Some(id) = &id {
                ids::name(&mut part.value, id, &cx.copies.name(event.origin, number));
            }
            parts.push(part);
        }
        if id.is_some() {
            cx.copies.count(event.origin);
        }
        Ok(Flow::Fork(parts))
    }
}

impl Split {
    /// Empties the map that held the list; elements of a list at the top are whole events.
    fn clear(&self, value: &mut Dynamic) {
        match &self.holder {
            Some(holder) => holder.each_mut(value, &mut |place| *place = Dynamic::from_map(Map::new())),
            None => *value = Dynamic::from_map(Map::new()),
        }
    }

    fn place(&self, value: &mut Dynamic, item: Dynamic) -> Result<(), StepError> {
        if let Some(into) = &self.into {
            return into.set(value, item).map_err(|error| paths::blocked(&error));
        }
        let Some(members) = item.clone().try_cast::<Map>() else {
            return self.list.set(value, item).map_err(|error| paths::blocked(&error));
        };
        let mut members = Some(members);
        let extend = &mut |place: &mut Dynamic| {
            if let (Ok(mut map), Some(members)) = (place.as_map_mut(), members.take()) {
                map.extend(members);
            }
        };
        match &self.holder {
            Some(holder) => holder.each_mut(value, extend),
            None => extend(value),
        }
        Ok(())
    }
}

fn set_member(value: &mut Dynamic, key: &str, member: Dynamic) {
    if let Ok(mut map) = value.as_map_mut() {
        map.insert(key.into(), member);
    }
}

/// The values in a value; counting ends at `max`.
fn count_values(value: &Dynamic, max: usize) -> usize {
    let mut count = 1;
    if let Ok(map) = value.as_map_ref() {
        for member in map.values() {
            if count >= max {
                break;
            }
            count += count_values(member, max - count);
        }
    } else if let Ok(items) = value.as_array_ref() {
        for item in items.iter() {
            if count >= max {
                break;
            }
            count += count_values(item, max - count);
        }
    }
    count
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::json::to_json_value;
    use crate::step::Flow;
    use crate::step::tests::{apply, build_step};

    fn parts(step: &str, event: &Value) -> Vec<Value> {
        match apply(&format!("- split: {step}"), event).unwrap() {
            Flow::Fork(parts) => parts.iter().map(|part| to_json_value(&part.value).unwrap()).collect(),
            other => panic!("{other:?}"),
        }
    }

    fn order() -> Value {
        json!({"type": "track", "event": "Order Completed", "messageId": "m", "properties": {"order_id": "7", "price": 3, "products": [{"sku": "A", "price": 1}, {"sku": "B"}]}})
    }

    #[test]
    fn elements_become_events_with_the_fields_around_them() {
        for (step, first, second) in [
            (
                "properties.products",
                json!({"order_id": "7", "sku": "A", "price": 1}),
                json!({"order_id": "7", "sku": "B", "price": 3}),
            ),
            ("{ path: properties.products, merge: false }", json!({"sku": "A", "price": 1}), json!({"sku": "B"})),
            (
                "{ path: properties.products, as: properties.product }",
                json!({"order_id": "7", "price": 3, "product": {"sku": "A", "price": 1}}),
                json!({"order_id": "7", "price": 3, "product": {"sku": "B"}}),
            ),
        ] {
            let wanted = |id: &str, properties: &Value| json!({"type": "track", "event": "Order Completed", "messageId": id, "properties": properties});
            assert_eq!(parts(step, &order()), [wanted("m:0", &first), wanted("m:1", &second)], "{step}");
        }
    }

    #[test]
    fn the_parent_stays_as_it_is_and_parts_have_their_name() {
        let all = parts("{ path: properties.products, keep_parent: true, event: Product Purchased }", &order());
        assert_eq!(all[0], order());
        assert_eq!(all.len(), 3);
        assert!(all[1..].iter().all(|part| part["event"] == "Product Purchased"));
    }

    #[test]
    fn elements_that_are_no_maps_take_the_place_of_the_list() {
        let event = json!({"type": "track", "properties": {"tags": ["a", 2, [3]]}});
        let all = parts("properties.tags", &event);
        assert_eq!(
            all.iter().map(|part| &part["properties"]["tags"]).collect::<Vec<_>>(),
            [&json!("a"), &json!(2), &json!([3])]
        );
        assert!(all.iter().all(|part| part.get("messageId").is_none()));
        assert_eq!(
            parts("items", &json!({"type": "track", "items": [{"event": "E"}]})),
            [json!({"type": "track", "event": "E"})]
        );
    }

    #[test]
    fn an_id_that_would_be_too_long_is_left_to_the_sink() {
        let mut event = order();
        event["messageId"] = "x".repeat(99).into();
        assert!(parts("properties.products", &event).iter().all(|part| part.get("messageId").is_none()));
    }

    #[test]
    fn without_a_list_the_event_passes_or_ends() {
        for event in [json!({"properties": {"products": []}}), json!({"properties": {"products": "x"}}), json!({})] {
            assert!(matches!(apply("- split: properties.products", &event).unwrap(), Flow::Next(_)));
            let dropped = apply("- split: { path: properties.products, without: drop }", &event).unwrap();
            assert!(matches!(dropped, Flow::Drop(reason) if reason == "nothing to split"));
        }
    }

    #[test]
    fn what_would_become_too_much_is_a_dead_letter() {
        let many = json!({"list": vec![1; 1001]});
        assert_eq!(apply("- split: list", &many).unwrap_err().code, "too-many-parts");
        let large = json!({"list": vec![1; 1000], "rest": vec![1; 1000]});
        assert_eq!(apply("- split: list", &large).unwrap_err().code, "too-many-parts");
        assert!(apply("- split: list", &json!({"list": vec![1; 1000], "rest": vec![1; 900]})).is_ok());
        assert!(build_step("- split: { path: \"a[*]\" }").is_err());
        assert_eq!(
            apply("- split: { path: list, as: type.x }", &json!({"type": "t", "list": [1]})).unwrap_err().code,
            "path-blocked"
        );
    }
}
