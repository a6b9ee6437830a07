//! `path::`: values deep inside maps and arrays, by a path as `properties.products[0].sku`.
//!
//! The first argument should be a variable: it is lent to the function, where the value of a longer expression is copied first.

use std::borrow::Cow;
use std::rc::Rc;

use rhai::{Array, Dynamic, Map};

use super::{Fun, Native, arg, put};
use crate::script::fault::fault;
use crate::script::run::Run;

pub mod query;

/// Steps that a path may have.
const STEPS: usize = 64;
/// The largest index that `set` fills an array up to.
const INDEX: usize = 1000;

/// The functions of the namespace.
pub const FUNS: &[Fun] = &[
    Fun {
        name: "path::first",
        signature: "path::first(value, jsonpath, default?) -> value",
        about: "The first value that a JSONPath (RFC 9535) finds; the default, or `()`, if it finds none.",
        example: r#"let order = #{ lines: [#{ sku: "A", price: 5 }, #{ sku: "B", price: 50 }] };
path::first(order, "$.lines[?@.price > 10].sku") == "B"
path::first(order, "$..currency", "EUR") == "EUR""#,
        add: |module, lib| {
            let run = Rc::clone(&lib.run);
            put(module, "first", move |value: &mut Dynamic, query: &str| {
                query::first(&run, value, query, Dynamic::UNIT)
            });
            let run = Rc::clone(&lib.run);
            put(module, "first", move |value: &mut Dynamic, query: &str, default: Dynamic| {
                query::first(&run, value, query, default)
            });
        },
    },
    Fun {
        name: "path::get",
        signature: "path::get(value, path, default?) -> value",
        about: "What stands at the path; the default, or `()`, if nothing does. Negative indexes count from the end.",
        example: r#"let order = #{ lines: [#{ sku: "A" }, #{ sku: "B" }] };
path::get(order, "lines[0].sku") == "A"
path::get(order, "lines[-1].sku") == "B"
path::get(order, "customer.email", "none") == "none""#,
        add: |module, _| {
            put(module, "get", |value: &mut Dynamic, path: &str| get(value, path, Dynamic::UNIT));
            put(module, "get", |value: &mut Dynamic, path: &str, default: Dynamic| get(value, path, default));
        },
    },
    Fun {
        name: "path::has",
        signature: "path::has(value, path) -> bool",
        about: "Whether something other than `()` stands at the path.",
        example: r#"let order = #{ customer: #{ email: () } };
path::has(order, "customer") == true
path::has(order, "customer.email") == false"#,
        add: |module, _| {
            put(module, "has", |value: &mut Dynamic, path: &str| {
                get(value, path, Dynamic::UNIT).map(|found| !found.is_unit())
            });
        },
    },
    Fun {
        name: "path::query",
        signature: "path::query(value, jsonpath) -> array",
        about: "All values that a JSONPath (RFC 9535) finds, in the order of the document. The query is compiled once.",
        example: r#"let order = #{ lines: [#{ sku: "A", price: 5 }, #{ sku: "B", price: 50 }, #{ sku: "C" }] };
path::query(order, "$.lines[*].sku") == ["A", "B", "C"]
path::query(order, "$.lines[?@.price < 10 || !@.price].sku") == ["A", "C"]
path::query(order, "$..price") == [5, 50]"#,
        add: |module, lib| {
            let run = Rc::clone(&lib.run);
            put(module, "query", move |value: &mut Dynamic, query: &str| query::all(&run, value, query));
        },
    },
    Fun {
        name: "path::remove",
        signature: "path::remove(variable, path) -> value",
        about: "Takes out what stands at the path and gives it; `()` if nothing does.",
        example: r#"let order = #{ customer: #{ email: "a@example.com" } };
path::remove(order, "customer.email") == "a@example.com"
order == #{ customer: #{} }"#,
        add: |module, _| put(module, "remove", remove),
    },
    Fun {
        name: "path::set",
        signature: "path::set(variable, path, value)",
        about: "Puts a value at the path; maps and arrays on the way are made when they are not there.",
        example: r#"let event = #{};
path::set(event, "context.page.url", "/a");
path::set(event, "items[1]", "b");
event == #{ context: #{ page: #{ url: "/a" } }, items: [(), "b"] }"#,
        add: |module, lib| {
            let run = Rc::clone(&lib.run);
            put(module, "set", move |value: &mut Dynamic, path: &str, new: Dynamic| set(&run, value, path, new));
        },
    },
];

/// One step of a path.
pub enum Step<'a> {
    /// Into a map.
    Key(Cow<'a, str>),
    /// Into an array.
    Index(i64),
}

/// The steps of a path.
pub fn steps(path: &str) -> Native<Vec<Step<'_>>> {
    let wrong = || fault(format!("`{path}` is not a path, as a.b[0].c"));
    let mut steps = Vec::new();
    let mut rest = path.strip_prefix("$.").unwrap_or(path);
    let mut at_start = true;
    while !rest.is_empty() {
        if steps.len() == STEPS {
            return Err(fault(format!("`{path}` has too many steps")));
        }
        if let Some(inside) = rest.strip_prefix('[') {
            let (step, after) = inside.split_once(']').ok_or_else(wrong)?;
            let quoted = ['"', '\''].into_iter().find_map(|quote| step.strip_prefix(quote)?.strip_suffix(quote));
            steps.push(match quoted {
                Some(key) => Step::Key(key.into()),
                None => Step::Index(step.trim().parse().map_err(|_| wrong())?),
            });
            rest = after;
        } else {
            let key = if at_start { rest } else { rest.strip_prefix('.').ok_or_else(wrong)? };
            let end = key.find(['.', '[']).unwrap_or(key.len());
            if end == 0 {
                return Err(wrong());
            }
            steps.push(Step::Key(key[..end].into()));
            rest = &key[end..];
        }
        at_start = false;
    }
    if steps.is_empty() { Err(wrong()) } else { Ok(steps) }
}

/// The steps of a path, each a key or an index, for those who ask what a call can look at.
pub fn way(path: &str) -> Option<Vec<Option<Cow<'_, str>>>> {
    let key = |step| match step {
        Step::Key(key) => Some(key),
        Step::Index(_) => None,
    };
    Some(steps(path).ok()?.into_iter().map(key).collect())
}

/// The index from the front, if it is inside.
fn index(at: i64, len: usize) -> Option<usize> {
    let at = if at < 0 { at.checked_add(i64::try_from(len).ok()?)? } else { at };
    usize::try_from(at).ok().filter(|at| *at < len)
}

fn get(value: &Dynamic, path: &str, default: Dynamic) -> Native {
    let steps = steps(path)?;
    Ok(find(value, &steps).filter(|found| !found.is_unit()).unwrap_or(default))
}

impl Step<'_> {
    /// The step without its text.
    pub fn into_owned(self) -> Step<'static> {
        match self {
            Self::Key(key) => Step::Key(key.into_owned().into()),
            Self::Index(at) => Step::Index(at),
        }
    }
}

/// What stands at the end of the steps.
pub fn find(value: &Dynamic, steps: &[Step<'_>]) -> Option<Dynamic> {
    let Some((step, rest)) = steps.split_first() else { return Some(value.flatten_clone()) };
    match step {
        Step::Key(key) => find(value.read_lock::<Map>()?.get(key.as_ref())?, rest),
        Step::Index(at) => {
            let array = value.read_lock::<Array>()?;
            find(array.get(index(*at, array.len())?)?, rest)
        }
    }
}

fn remove(value: &mut Dynamic, path: &str) -> Native {
    let steps = steps(path)?;
    Ok(take(value, &steps).unwrap_or_default())
}

fn take(value: &mut Dynamic, steps: &[Step<'_>]) -> Option<Dynamic> {
    let (step, rest) = steps.split_first()?;
    match step {
        Step::Key(key) => {
            let mut map = value.write_lock::<Map>()?;
            if rest.is_empty() { map.remove(key.as_ref()) } else { take(map.get_mut(key.as_ref())?, rest) }
        }
        Step::Index(at) => {
            let mut array = value.write_lock::<Array>()?;
            let at = index(*at, array.len())?;
            if rest.is_empty() { Some(array.remove(at)) } else { take(&mut array[at], rest) }
        }
    }
}

fn set(run: &Run, value: &mut Dynamic, path: &str, new: Dynamic) -> Native<()> {
    let steps = steps(path)?;
    let mut filled = 0;
    place(value, &steps, new, &mut filled).map_err(|why| fault(format!("`{path}`: {why}")))?;
    run.charge(filled as u64 / 8)
}

/// Puts a value at the end of the steps, and counts the places of arrays that were filled on the way.
fn place(value: &mut Dynamic, steps: &[Step<'_>], new: Dynamic, filled: &mut usize) -> Result<(), String> {
    let Some((step, rest)) = steps.split_first() else {
        *value = new;
        return Ok(());
    };
    if value.is_unit() {
        *value = match step {
            Step::Key(_) => Map::new().into(),
            Step::Index(_) => Array::new().into(),
        };
    }
    let kind = arg::kind(value);
    match step {
        Step::Key(key) => {
            let mut map = value.write_lock::<Map>().ok_or_else(|| format!("{kind} has no key `{key}`"))?;
            if let Some(inner) = map.get_mut(key.as_ref()) {
                return place(inner, rest, new, filled);
            }
            let mut made = Dynamic::UNIT;
            place(&mut made, rest, new, filled)?;
            map.insert(key.as_ref().into(), made);
            Ok(())
        }
        Step::Index(at) => {
            let mut array = value.write_lock::<Array>().ok_or_else(|| format!("{kind} has no items"))?;
            let len = array.len();
            let at = index(*at, len).or_else(|| usize::try_from(*at).ok().filter(|at| *at <= len + INDEX));
            let at = at.ok_or_else(|| "the index is too far out".to_string())?;
            if at >= len {
                *filled += at + 1 - len;
                array.resize(at + 1, Dynamic::UNIT);
            }
            place(&mut array[at], rest, new, filled)
        }
    }
}
