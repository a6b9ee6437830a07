//! `JSONPath` on values, compiled once per thread.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use rhai::{Array, Dynamic};

use super::Native;
use crate::jsonpath::JsonPath;
use crate::script::fault::fault;
use crate::script::run::{Fault, Run};

/// Longer queries are refused.
const TEXT_BYTES: usize = 1 << 12;
/// Compiled queries that are kept by a thread.
const KEPT: usize = 256;

/// The first value that the query finds.
pub fn first(run: &Run, value: &Dynamic, query: &str, default: Dynamic) -> Native {
    let mut first = None;
    each(run, value, query, &mut |found| {
        first = Some(found.flatten_clone());
        Ok(false)
    })?;
    Ok(first.unwrap_or(default))
}

/// All values that it finds.
pub fn all(run: &Run, value: &Dynamic, query: &str) -> Native<Array> {
    let mut all = Array::new();
    each(run, value, query, &mut |found| {
        run.allow_items(all.len() + 1)?;
        // A copy of a map costs what it holds.
        run.charge(1 + size(found))?;
        all.push(found.flatten_clone());
        Ok(true)
    })?;
    Ok(all)
}

fn size(value: &Dynamic) -> u64 {
    if let Ok(items) = value.as_array_ref() {
        return items.iter().map(|item| 1 + size(item)).sum();
    }
    value.as_map_ref().map_or(0, |map| map.values().map(|item| 1 + size(item)).sum())
}

fn each(run: &Run, value: &Dynamic, query: &str, found: &mut dyn FnMut(&Dynamic) -> Result<bool, Fault>) -> Native<()> {
    let query = compiled(query)?;
    // Neither closure can hand an error through the engine: the first one is kept.
    let spent: RefCell<Option<Fault>> = RefCell::default();
    let keep = |result: Result<bool, Fault>| {
        result.unwrap_or_else(|fault| {
            spent.borrow_mut().get_or_insert(fault);
            false
        })
    };
    query
        .each(value, &mut |cost| keep(run.charge(cost as u64).map(|()| true)), &mut |value| keep(found(value)))
        .map_err(fault)?;
    spent.into_inner().map_or(Ok(()), Err)
}

/// The compiled query, kept for the next call.
pub fn compiled(text: &str) -> Native<Rc<JsonPath>> {
    thread_local! {
        static CACHE: RefCell<BTreeMap<String, Rc<JsonPath>>> = const { RefCell::new(BTreeMap::new()) };
    }
    if text.len() > TEXT_BYTES {
        return Err(fault(format!("a JSONPath has up to {} KiB", TEXT_BYTES >> 10)));
    }
    CACHE.with_borrow_mut(|cache| {
        if let Some(known) = cache.get(text) {
            return Ok(Rc::clone(known));
        }
        let query = JsonPath::new(text).map_err(|problem| {
            let help = problem.help.map(|help| format!(" ({help})")).unwrap_or_default();
            fault(format!("`{text}` is not a JSONPath: {}{help}", problem.message))
        })?;
        // Queries made from data would fill the cache; then it starts again.
        if cache.len() >= KEPT {
            cache.clear();
        }
        let query = Rc::new(query);
        cache.insert(text.into(), Rc::clone(&query));
        Ok(query)
    })
}
