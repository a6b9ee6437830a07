//! `map::`: whole maps: merge, choose, clean.

use std::rc::Rc;

use rhai::{Array, Dynamic, ImmutableString, Map};

use super::text::words;
use super::{Fun, Native, arg, put};
use crate::script::fault::fault;
use crate::script::run::Run;

mod keys;
mod prune;

/// Levels that the functions which go down follow.
const DEPTH: usize = 128;
const TOO_DEEP: &str = "the value is nested too deeply";

/// The functions of the namespace.
pub const FUNS: &[Fun] = &[
    Fun {
        name: "map::camel_keys",
        signature: "map::camel_keys(value) -> value",
        about: "With every key as camelCase, on all levels.",
        example: r"map::camel_keys(#{ order_id: 1, line_items: [#{ unit_price: 2 }] }) == #{ orderId: 1, lineItems: [#{ unitPrice: 2 }] }",
        add: |module, lib| keys::all(module, lib, "camel_keys", words::camel),
    },
    Fun {
        name: "map::compact",
        signature: "map::compact(value) -> value",
        about: "Without entries that are `()`, an empty text or an empty map, on all levels; 0, false and arrays stay.",
        example: r#"map::compact(#{ a: (), b: "", c: 0, d: #{ e: () }, f: [#{ g: () }] }) == #{ c: 0, f: [#{}] }"#,
        add: |module, lib| {
            let run = Rc::clone(&lib.run);
            put(module, "compact", move |value: Dynamic| -> Native {
                let mut value = value.flatten();
                compact(&run, &mut value, DEPTH)?;
                Ok(value)
            });
        },
    },
    Fun {
        name: "map::deep_merge",
        signature: "map::deep_merge(map, over) -> map",
        about: "Both maps in one, maps inside merged too; where both have a value the second's counts. `()` counts as an empty map.",
        example: r"map::deep_merge(#{ a: #{ x: 1, y: 1 } }, #{ a: #{ y: 2 } }) == #{ a: #{ x: 1, y: 2 } }",
        add: |module, lib| {
            let run = Rc::clone(&lib.run);
            put(module, "deep_merge", move |map: Dynamic, over: Dynamic| -> Native<Map> {
                let mut merged = or_empty(map, "deep_merge")?;
                deep_merge(&run, &mut merged, or_empty(over, "deep_merge")?, DEPTH)?;
                Ok(merged)
            });
        },
    },
    Fun {
        name: "map::defaults",
        signature: "map::defaults(map, defaults) -> map",
        about: "With the entries of the second map where the first has nothing or `()`.",
        example: r"map::defaults(#{ a: 1, b: () }, #{ a: 9, b: 9 }) == #{ a: 1, b: 9 }",
        add: |module, lib| {
            let run = Rc::clone(&lib.run);
            put(module, "defaults", move |map: Dynamic, defaults: Dynamic| -> Native<Map> {
                let mut map = or_empty(map, "defaults")?;
                for (key, value) in or_empty(defaults, "defaults")? {
                    run.charge(1)?;
                    if map.get(&key).is_none_or(Dynamic::is_unit) {
                        map.insert(key, value);
                    }
                }
                Ok(map)
            });
        },
    },
    Fun {
        name: "map::flatten",
        signature: "map::flatten(map, separator?) -> map",
        about: "The entries of maps inside under joined keys; `.` joins them if nothing else is given. Arrays and empty maps stay as they are.",
        example: r#"map::flatten(#{ a: #{ b: 1, c: #{ d: 2 } }, e: [1] }) == #{ "a.b": 1, "a.c.d": 2, e: [1] }
map::flatten(#{ a: #{ b: 1 } }, "_") == #{ a_b: 1 }"#,
        add: |module, lib| {
            let run = Rc::clone(&lib.run);
            put(module, "flatten", move |map: Dynamic| keys::flatten(&run, or_empty(map, "flatten")?, "."));
            let run = Rc::clone(&lib.run);
            put(module, "flatten", move |map: Dynamic, separator: &str| {
                keys::flatten(&run, or_empty(map, "flatten")?, separator)
            });
        },
    },
    Fun {
        name: "map::invert",
        signature: "map::invert(map) -> map",
        about: "Values become keys and keys values; what is no text or number is left out.",
        example: r#"map::invert(#{ a: "x", b: 2 }) == #{ x: "a", "2": "b" }"#,
        add: |module, lib| {
            let run = Rc::clone(&lib.run);
            put(module, "invert", move |map: Dynamic| -> Native<Map> {
                let mut inverted = Map::new();
                for (key, value) in or_empty(map, "invert")? {
                    run.charge(1)?;
                    if let Ok(Some(text)) = arg::text(&value, "invert") {
                        run.charge_bytes(text.len())?;
                        inverted.insert(text.as_str().into(), key.as_str().into());
                    }
                }
                Ok(inverted)
            });
        },
    },
    Fun {
        name: "map::merge",
        signature: "map::merge(map, over) -> map",
        about: "Both maps in one; where both have a key the second's value counts. `()` counts as an empty map.",
        example: r"map::merge(#{ a: 1, b: 1 }, #{ b: 2 }) == #{ a: 1, b: 2 }
map::merge((), #{ b: 2 }) == #{ b: 2 }",
        add: |module, lib| {
            let run = Rc::clone(&lib.run);
            put(module, "merge", move |map: Dynamic, over: Dynamic| -> Native<Map> {
                let mut merged = or_empty(map, "merge")?;
                let over = or_empty(over, "merge")?;
                run.charge(over.len() as u64)?;
                merged.extend(over);
                Ok(merged)
            });
        },
    },
    Fun {
        name: "map::omit",
        signature: "map::omit(map, keys) -> map",
        about: "Without these keys.",
        example: r#"map::omit(#{ a: 1, b: 2 }, ["b", "c"]) == #{ a: 1 }"#,
        add: |module, lib| {
            let run = Rc::clone(&lib.run);
            put(module, "omit", move |map: Dynamic, keys: Array| -> Native<Map> {
                let mut map = or_empty(map, "omit")?;
                for key in &keys {
                    run.charge(1)?;
                    map.remove(arg::needed(key, "omit")?.as_str());
                }
                Ok(map)
            });
        },
    },
    Fun {
        name: "map::pick",
        signature: "map::pick(map, keys) -> map",
        about: "These keys only, as far as they are there.",
        example: r#"map::pick(#{ a: 1, b: 2 }, ["b", "c"]) == #{ b: 2 }"#,
        add: |module, lib| {
            let run = Rc::clone(&lib.run);
            put(module, "pick", move |map: &mut Dynamic, keys: Array| -> Native<Map> {
                let mut picked = Map::new();
                if map.is_unit() {
                    return Ok(picked);
                }
                let kind = arg::kind(map);
                let map = map.read_lock::<Map>().ok_or_else(|| fault(format!("pick takes a map, not {kind}")))?;
                for key in &keys {
                    run.charge(1)?;
                    let key = arg::needed(key, "pick")?;
                    // A key that is listed again is not copied again.
                    if let Some((key, value)) = map.get_key_value(key.as_str())
                        && !picked.contains_key(key)
                    {
                        picked.insert(key.clone(), value.clone());
                    }
                }
                Ok(picked)
            });
        },
    },
    Fun {
        name: "map::prefix",
        signature: "map::prefix(map, prefix) -> map",
        about: "Every key with something in front of it.",
        example: r#"map::prefix(#{ city: "Bonn" }, "from_") == #{ from_city: "Bonn" }"#,
        add: |module, lib| {
            let run = Rc::clone(&lib.run);
            put(module, "prefix", move |map: Dynamic, prefix: &str| -> Native<Map> {
                let map = or_empty(map, "prefix")?;
                run.allow_bytes(prefix.len().saturating_mul(map.len()))?;
                run.charge(map.len() as u64)?;
                Ok(map.into_iter().map(|(key, value)| (format!("{prefix}{key}").into(), value)).collect())
            });
        },
    },
    Fun {
        name: "map::prune",
        signature: "map::prune(value, lists?) -> value",
        about: "With nothing empty in it: no `()`, no empty text, map or array, on all levels; 0 and false stay. Arrays under one of the \
                names in `lists` stay though they are empty.",
        example: r#"map::prune(#{ a: (), b: "", c: 0, d: #{ e: [] }, f: [#{ g: () }, 1] }) == #{ c: 0, f: [1] }
map::prune(#{ a: [], b: [], c: #{ a: [()] } }, ["a"]) == #{ a: [], c: #{ a: [] } }"#,
        add: |module, lib| prune::add(module, lib),
    },
    Fun {
        name: "map::rename",
        signature: "map::rename(map, names) -> map",
        about: "With other keys: the second map says old name → new name. What is not there stays away.",
        example: r#"map::rename(#{ a: 1, b: 2 }, #{ a: "x", c: "y" }) == #{ x: 1, b: 2 }"#,
        add: |module, lib| {
            let run = Rc::clone(&lib.run);
            put(module, "rename", move |map: Dynamic, names: Map| -> Native<Map> {
                let mut map = or_empty(map, "rename")?;
                run.charge(names.len() as u64)?;
                let mut moved = Vec::new();
                for (old, new) in &names {
                    if let Some(value) = map.remove(old.as_str()) {
                        moved.push((arg::needed(new, "rename")?, value));
                    }
                }
                map.extend(moved.into_iter().map(|(name, value)| (name.as_str().into(), value)));
                Ok(map)
            });
        },
    },
    Fun {
        name: "map::snake_keys",
        signature: "map::snake_keys(value) -> value",
        about: "With every key as snake_case, on all levels.",
        example: r"map::snake_keys(#{ orderId: 1, lineItems: [#{ unitPrice: 2 }] }) == #{ order_id: 1, line_items: [#{ unit_price: 2 }] }",
        add: |module, lib| keys::all(module, lib, "snake_keys", |key| words::joined(key, "_")),
    },
    Fun {
        name: "map::unflatten",
        signature: "map::unflatten(map, separator?) -> map",
        about: "The opposite of `flatten`: keys with a separator become maps inside each other.",
        example: r#"map::unflatten(#{ "a.b": 1, "a.c.d": 2, e: [1] }) == #{ a: #{ b: 1, c: #{ d: 2 } }, e: [1] }"#,
        add: |module, lib| {
            let run = Rc::clone(&lib.run);
            put(module, "unflatten", move |map: Dynamic| keys::unflatten(&run, or_empty(map, "unflatten")?, "."));
            let run = Rc::clone(&lib.run);
            put(module, "unflatten", move |map: Dynamic, separator: &str| {
                keys::unflatten(&run, or_empty(map, "unflatten")?, separator)
            });
        },
    },
];

fn or_empty(value: Dynamic, function: &str) -> Native<Map> {
    if value.is_unit() { Ok(Map::new()) } else { arg::map(value, function) }
}

fn compact(run: &Run, value: &mut Dynamic, depth: usize) -> Native<()> {
    run.charge(1)?;
    let below = depth.checked_sub(1).ok_or_else(|| fault(TOO_DEEP))?;
    if let Some(mut map) = value.write_lock::<Map>() {
        for inner in map.values_mut() {
            compact(run, inner, below)?;
        }
        map.retain(|_, inner| !is_empty(inner));
    } else if let Some(mut array) = value.write_lock::<Array>() {
        for inner in array.iter_mut() {
            compact(run, inner, below)?;
        }
    }
    Ok(())
}

/// Whether a value is `()` or an empty text.
pub fn is_blank(value: &Dynamic) -> bool {
    value.is_unit() || value.read_lock::<ImmutableString>().is_some_and(|text| text.is_empty())
}

fn is_empty(value: &Dynamic) -> bool {
    is_blank(value) || value.read_lock::<Map>().is_some_and(|map| map.is_empty())
}

fn deep_merge(run: &Run, map: &mut Map, over: Map, depth: usize) -> Native<()> {
    let below = depth.checked_sub(1).ok_or_else(|| fault(TOO_DEEP))?;
    for (key, value) in over {
        run.charge(1)?;
        match map.get_mut(&key) {
            Some(have) if have.is_map() && value.is_map() => {
                let Some(mut have) = have.write_lock::<Map>() else { continue };
                deep_merge(run, &mut have, arg::map(value, "deep_merge")?, below)?;
            }
            _ => {
                map.insert(key, value);
            }
        }
    }
    Ok(())
}
