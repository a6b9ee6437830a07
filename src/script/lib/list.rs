//! `list::`: whole arrays. What an item is known by (`by`) is a path into it, as `variant.sku`, or a function of it.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use rhai::{Array, Dynamic, INT, Map, Module, NativeCallContext};

use super::{Fun, Lib, Native, arg, put};
use crate::script::fault::fault;
use crate::script::run::Run;

mod by;
mod order;

use by::By;

/// The functions of the namespace.
pub const FUNS: &[Fun] = &[
    Fun {
        name: "list::chunk",
        signature: "list::chunk(list, size) -> array",
        about: "Arrays of so many items each; the last may have fewer.",
        example: r"list::chunk([1, 2, 3, 4, 5], 2) == [[1, 2], [3, 4], [5]]",
        add: |module, lib| {
            let run = Rc::clone(&lib.run);
            put(module, "chunk", move |list: Dynamic, size: INT| -> Native<Array> {
                let size = usize::try_from(size).ok().filter(|size| *size > 0);
                let size = size.ok_or_else(|| fault("chunk takes a size of at least 1"))?;
                let list = or_empty(list, "chunk")?;
                run.charge(list.len() as u64)?;
                Ok(list.chunks(size).map(|part| part.to_vec().into()).collect())
            });
        },
    },
    Fun {
        name: "list::compact",
        signature: "list::compact(list) -> array",
        about: "Without the items that are `()` or an empty text.",
        example: r#"list::compact([1, (), "", 0, "a"]) == [1, 0, "a"]"#,
        add: |module, lib| {
            let run = Rc::clone(&lib.run);
            put(module, "compact", move |list: Dynamic| -> Native<Array> {
                let mut list = or_empty(list, "compact")?;
                run.charge(list.len() as u64)?;
                list.retain(|item| !super::map::is_blank(item));
                Ok(list)
            });
        },
    },
    Fun {
        name: "list::count_by",
        signature: "list::count_by(list, by) -> map",
        about: "How many items have each key.",
        example: r#"list::count_by([#{ a: "x" }, #{ a: "y" }, #{ a: "x" }], "a") == #{ x: 2, y: 1 }"#,
        add: |module, lib| {
            let run = Rc::clone(&lib.run);
            put(module, "count_by", move |cx: NativeCallContext<'_>, list: Dynamic, by: Dynamic| -> Native<Map> {
                let mut counts = Map::new();
                By::new(&by, "count_by")?.each(&run, &cx, or_empty(list, "count_by")?, |key, _| {
                    let count = counts.entry(key.as_str().into()).or_insert(Dynamic::from_int(0));
                    *count = Dynamic::from_int(count.as_int().unwrap_or(0) + 1);
                    Ok(())
                })?;
                Ok(counts)
            });
        },
    },
    Fun {
        name: "list::flatten",
        signature: "list::flatten(list, levels?) -> array",
        about: "With the items of arrays inside in their place; on so many levels, or on one.",
        example: r"list::flatten([1, [2, [3]], []]) == [1, 2, [3]]
list::flatten([1, [2, [3]]], 5) == [1, 2, 3]",
        add: |module, lib| {
            let run = Rc::clone(&lib.run);
            put(module, "flatten", move |list: Dynamic| flatten(&run, list, 1));
            let run = Rc::clone(&lib.run);
            put(module, "flatten", move |list: Dynamic, levels: INT| flatten(&run, list, levels));
        },
    },
    Fun {
        name: "list::group_by",
        signature: "list::group_by(list, by) -> map",
        about: "The items by key: a map of arrays. Items without a key are left out.",
        example: r#"let lines = [#{ sku: "A", n: 1 }, #{ sku: "B", n: 2 }, #{ sku: "A", n: 3 }];
list::group_by(lines, "sku").A == [#{ sku: "A", n: 1 }, #{ sku: "A", n: 3 }]
list::group_by([1, 2, 3], |n| if n > 1 { "many" } else { "one" }) == #{ one: [1], many: [2, 3] }"#,
        add: |module, lib| {
            let run = Rc::clone(&lib.run);
            put(module, "group_by", move |cx: NativeCallContext<'_>, list: Dynamic, by: Dynamic| -> Native<Map> {
                let mut groups: BTreeMap<_, Array> = BTreeMap::new();
                By::new(&by, "group_by")?.each(&run, &cx, or_empty(list, "group_by")?, |key, item| {
                    groups.entry(key).or_default().push(item);
                    Ok(())
                })?;
                Ok(groups.into_iter().map(|(key, items)| (key.as_str().into(), items.into())).collect())
            });
        },
    },
    Fun {
        name: "list::index_by",
        signature: "list::index_by(list, by, value?) -> map",
        about: "The items by key, the last of each; with a second path or function, that value instead of the item. Lists of names and values \
                become maps so.",
        example: r#"let attributes = [#{ name: "gift", value: "yes" }, #{ name: "color", value: "red" }];
list::index_by(attributes, "name", "value") == #{ gift: "yes", color: "red" }
list::index_by(attributes, "name").color.value == "red""#,
        add: |module, lib| {
            let run = Rc::clone(&lib.run);
            put(module, "index_by", move |cx: NativeCallContext<'_>, list: Dynamic, by: Dynamic| -> Native<Map> {
                let mut index = Map::new();
                By::new(&by, "index_by")?.each(&run, &cx, or_empty(list, "index_by")?, |key, item| {
                    index.insert(key.as_str().into(), item);
                    Ok(())
                })?;
                Ok(index)
            });
            let run = Rc::clone(&lib.run);
            let with_value =
                move |cx: NativeCallContext<'_>, list: Dynamic, by: Dynamic, value: Dynamic| -> Native<Map> {
                    let value = By::new(&value, "index_by")?;
                    let mut index = Map::new();
                    By::new(&by, "index_by")?.each(&run, &cx, or_empty(list, "index_by")?, |key, item| {
                        index.insert(key.as_str().into(), value.of(&cx, &item)?);
                        Ok(())
                    })?;
                    Ok(index)
                };
            put(module, "index_by", with_value);
        },
    },
    Fun {
        name: "list::pluck",
        signature: "list::pluck(list, by) -> array",
        about: "The value at the path of each item, `()` where there is none.",
        example: r#"list::pluck([#{ sku: "A" }, #{ n: 1 }], "sku") == ["A", ()]
money::sum(list::pluck([#{ price: "1.10" }, #{ price: 2 }], "price")) == money::parse("3.10")"#,
        add: |module, lib| {
            let run = Rc::clone(&lib.run);
            put(module, "pluck", move |cx: NativeCallContext<'_>, list: Dynamic, by: Dynamic| -> Native<Array> {
                let by = By::new(&by, "pluck")?;
                let list = or_empty(list, "pluck")?;
                run.charge(list.len() as u64)?;
                list.iter().map(|item| by.of(&cx, item)).collect()
            });
        },
    },
    Fun {
        name: "list::sort_by",
        signature: "list::sort_by(list, by, direction?) -> array",
        about: "In the order of the keys: numbers first, then texts, then items without a key; equal ones stay as they are. The direction is \
                `asc` (if none is given) or `desc`.",
        example: r#"list::sort_by([#{ n: 3 }, #{ n: 1.5 }, #{}], "n") == [#{ n: 1.5 }, #{ n: 3 }, #{}]
list::sort_by(["b", "c", "a"], |text| text, "desc") == ["c", "b", "a"]"#,
        add: |module, lib| {
            let run = Rc::clone(&lib.run);
            put(module, "sort_by", move |cx: NativeCallContext<'_>, list: Dynamic, by: Dynamic| {
                order::sort(&run, &cx, or_empty(list, "sort_by")?, &By::new(&by, "sort_by")?, "asc")
            });
            let run = Rc::clone(&lib.run);
            put(module, "sort_by", move |cx: NativeCallContext<'_>, list: Dynamic, by: Dynamic, direction: &str| {
                order::sort(&run, &cx, or_empty(list, "sort_by")?, &By::new(&by, "sort_by")?, direction)
            });
        },
    },
    Fun {
        name: "list::unique",
        signature: "list::unique(list, by?) -> array",
        about: "The first item of each key, or of each value if no key is given; items without a key stay.",
        example: r#"list::unique([1, "a", 1.0, "a", #{ x: 1 }, #{ x: 1 }]) == [1, "a", #{ x: 1 }]
list::unique([#{ id: 1, n: 1 }, #{ id: 1, n: 2 }], "id") == [#{ id: 1, n: 1 }]"#,
        add: unique,
    },
];

fn unique(module: &mut Module, lib: &Lib) {
    let run = Rc::clone(&lib.run);
    put(module, "unique", move |list: Dynamic| -> Native<Array> {
        let mut seen = BTreeSet::new();
        let mut kept = Array::new();
        for item in or_empty(list, "unique")? {
            if seen.insert(order::canonical(&run, &item)?) {
                kept.push(item);
            }
        }
        Ok(kept)
    });
    let run = Rc::clone(&lib.run);
    put(module, "unique", move |cx: NativeCallContext<'_>, list: Dynamic, by: Dynamic| -> Native<Array> {
        let by = By::new(&by, "unique")?;
        let mut seen = BTreeSet::new();
        let mut kept = Array::new();
        for item in or_empty(list, "unique")? {
            let key = by.of(&cx, &item)?;
            if key.is_unit() || seen.insert(order::canonical(&run, &key)?) {
                kept.push(item);
            }
        }
        Ok(kept)
    });
}

fn flatten(run: &Run, list: Dynamic, levels: INT) -> Native<Array> {
    let levels = levels.clamp(0, 64);
    let mut out = or_empty(list, "flatten")?;
    for _ in 0..levels {
        run.charge(out.len() as u64)?;
        if !out.iter().any(Dynamic::is_array) {
            break;
        }
        let mut flat = Array::new();
        for item in out {
            match item.flatten().try_cast_result::<Array>() {
                Ok(mut inner) => {
                    run.allow_items(flat.len() + inner.len())?;
                    flat.append(&mut inner);
                }
                Err(item) => flat.push(item),
            }
        }
        run.allow_items(flat.len())?;
        out = flat;
    }
    Ok(out)
}

fn or_empty(value: Dynamic, function: &str) -> Native<Array> {
    if value.is_unit() { Ok(Array::new()) } else { arg::array(value, function) }
}
