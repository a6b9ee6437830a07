//! `map::`: whole maps: merge, choose, clean.

use rhai::{Array, Dynamic, ImmutableString, Map};

use super::{Fun, Native, arg, put};
use crate::script::fault::fault;

/// Levels that the functions which go down follow.
const DEPTH: usize = 128;
const TOO_DEEP: &str = "the value is nested too deeply";

/// The functions of the namespace.
pub const FUNS: &[Fun] = &[
    Fun {
        name: "map::compact",
        signature: "map::compact(value) -> value",
        about: "Without entries that are `()`, an empty text or an empty map, on all levels; 0, false and arrays stay.",
        example: r#"map::compact(#{ a: (), b: "", c: 0, d: #{ e: () }, f: [#{ g: () }] }) == #{ c: 0, f: [#{}] }"#,
        add: |module, _| {
            put(module, "compact", |value: Dynamic| -> Native {
                let mut value = value.flatten();
                compact(&mut value, DEPTH)?;
                Ok(value)
            });
        },
    },
    Fun {
        name: "map::deep_merge",
        signature: "map::deep_merge(map, over) -> map",
        about: "Both maps in one, maps inside merged too; where both have a value the second's counts. `()` counts as an empty map.",
        example: r"map::deep_merge(#{ a: #{ x: 1, y: 1 } }, #{ a: #{ y: 2 } }) == #{ a: #{ x: 1, y: 2 } }",
        add: |module, _| {
            put(module, "deep_merge", |map: Dynamic, over: Dynamic| -> Native<Map> {
                let mut merged = or_empty(map, "deep_merge")?;
                deep_merge(&mut merged, or_empty(over, "deep_merge")?, DEPTH)?;
                Ok(merged)
            });
        },
    },
    Fun {
        name: "map::merge",
        signature: "map::merge(map, over) -> map",
        about: "Both maps in one; where both have a key the second's value counts. `()` counts as an empty map.",
        example: r"map::merge(#{ a: 1, b: 1 }, #{ b: 2 }) == #{ a: 1, b: 2 }
map::merge((), #{ b: 2 }) == #{ b: 2 }",
        add: |module, _| {
            put(module, "merge", |map: Dynamic, over: Dynamic| -> Native<Map> {
                let mut merged = or_empty(map, "merge")?;
                merged.extend(or_empty(over, "merge")?);
                Ok(merged)
            });
        },
    },
    Fun {
        name: "map::omit",
        signature: "map::omit(map, keys) -> map",
        about: "Without these keys.",
        example: r#"map::omit(#{ a: 1, b: 2 }, ["b", "c"]) == #{ a: 1 }"#,
        add: |module, _| {
            put(module, "omit", |map: Dynamic, keys: Array| -> Native<Map> {
                let mut map = or_empty(map, "omit")?;
                for key in &keys {
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
        add: |module, _| {
            put(module, "pick", |map: &mut Dynamic, keys: Array| -> Native<Map> {
                let mut picked = Map::new();
                if map.is_unit() {
                    return Ok(picked);
                }
                let kind = arg::kind(map);
                let map = map.read_lock::<Map>().ok_or_else(|| fault(format!("pick takes a map, not {kind}")))?;
                for key in &keys {
                    if let Some((key, value)) = map.get_key_value(arg::needed(key, "pick")?.as_str()) {
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
        add: |module, _| {
            put(module, "prefix", |map: Dynamic, prefix: &str| -> Native<Map> {
                Ok(or_empty(map, "prefix")?
                    .into_iter()
                    .map(|(key, value)| (format!("{prefix}{key}").into(), value))
                    .collect())
            });
        },
    },
    Fun {
        name: "map::rename",
        signature: "map::rename(map, names) -> map",
        about: "With other keys: the second map says old name → new name. What is not there stays away.",
        example: r#"map::rename(#{ a: 1, b: 2 }, #{ a: "x", c: "y" }) == #{ x: 1, b: 2 }"#,
        add: |module, _| {
            put(module, "rename", |map: Dynamic, names: Map| -> Native<Map> {
                let mut map = or_empty(map, "rename")?;
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
];

fn or_empty(value: Dynamic, function: &str) -> Native<Map> {
    if value.is_unit() { Ok(Map::new()) } else { arg::map(value, function) }
}

fn compact(value: &mut Dynamic, depth: usize) -> Native<()> {
    let below = depth.checked_sub(1).ok_or_else(|| fault(TOO_DEEP))?;
    if let Some(mut map) = value.write_lock::<Map>() {
        for inner in map.values_mut() {
            compact(inner, below)?;
        }
        map.retain(|_, inner| !is_empty(inner));
    } else if let Some(mut array) = value.write_lock::<Array>() {
        for inner in array.iter_mut() {
            compact(inner, below)?;
        }
    }
    Ok(())
}

fn is_empty(value: &Dynamic) -> bool {
    value.is_unit()
        || value.read_lock::<ImmutableString>().is_some_and(|text| text.is_empty())
        || value.read_lock::<Map>().is_some_and(|map| map.is_empty())
}

fn deep_merge(map: &mut Map, over: Map, depth: usize) -> Native<()> {
    let below = depth.checked_sub(1).ok_or_else(|| fault(TOO_DEEP))?;
    for (key, value) in over {
        match map.get_mut(&key) {
            Some(have) if have.is_map() && value.is_map() => {
                let Some(mut have) = have.write_lock::<Map>() else { continue };
                deep_merge(&mut have, arg::map(value, "deep_merge")?, below)?;
            }
            _ => {
                map.insert(key, value);
            }
        }
    }
    Ok(())
}
