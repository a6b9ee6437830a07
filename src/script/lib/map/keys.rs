//! The keys of maps on all levels: another style, joined, taken apart.

use std::rc::Rc;

use rhai::{Array, Dynamic, Map, Module};

use super::{DEPTH, TOO_DEEP};
use crate::script::fault::fault;
use crate::script::lib::{Lib, Native, put};
use crate::script::run::Run;

/// Levels that a key can be taken apart into.
const PARTS: usize = 64;

/// Adds a function that changes every key.
pub(super) fn all(module: &mut Module, lib: &Lib, name: &'static str, style: fn(&str) -> String) {
    let run = Rc::clone(&lib.run);
    put(module, name, move |value: Dynamic| -> Native {
        let mut value = value.flatten();
        change(&run, &mut value, style, DEPTH)?;
        Ok(value)
    });
}

fn change(run: &Run, value: &mut Dynamic, style: fn(&str) -> String, depth: usize) -> Native<()> {
    run.charge(1)?;
    let below = depth.checked_sub(1).ok_or_else(|| fault(TOO_DEEP))?;
    if let Some(mut map) = value.write_lock::<Map>() {
        let mut changed = Map::new();
        for (key, mut inner) in std::mem::take(&mut *map) {
            run.charge_bytes(key.len())?;
            change(run, &mut inner, style, below)?;
            changed.insert(style(&key).into(), inner);
        }
        *map = changed;
    } else if let Some(mut array) = value.write_lock::<Array>() {
        for inner in array.iter_mut() {
            change(run, inner, style, below)?;
        }
    }
    Ok(())
}

/// One level, with joined keys.
pub(super) fn flatten(run: &Run, map: Map, separator: &str) -> Native<Map> {
    let mut flat = Map::new();
    let mut bytes = 0;
    for (key, value) in map {
        collect(run, &mut flat, &mut bytes, key.to_string(), value, separator, DEPTH)?;
    }
    Ok(flat)
}

fn collect(
    run: &Run,
    flat: &mut Map,
    bytes: &mut usize,
    key: String,
    value: Dynamic,
    separator: &str,
    depth: usize,
) -> Native<()> {
    run.charge(1)?;
    // A long key above many entries is written once for each.
    *bytes += key.len();
    run.allow_bytes(*bytes)?;
    let below = depth.checked_sub(1).ok_or_else(|| fault(TOO_DEEP))?;
    match value.flatten().try_cast_result::<Map>() {
        Ok(map) if !map.is_empty() => {
            for (inner, value) in map {
                collect(run, flat, bytes, format!("{key}{separator}{inner}"), value, separator, below)?;
            }
        }
        Ok(map) => {
            flat.insert(key.into(), map.into());
        }
        Err(value) => {
            run.allow_items(flat.len() + 1)?;
            flat.insert(key.into(), value);
        }
    }
    Ok(())
}

/// Maps inside each other again. Where a key is both a value and a map, the map stays.
pub(super) fn unflatten(run: &Run, map: Map, separator: &str) -> Native<Map> {
    if separator.is_empty() {
        return Err(fault("unflatten takes a separator that is not empty"));
    }
    let mut root = Dynamic::from_map(Map::new());
    for (key, value) in map {
        run.charge(1)?;
        run.charge_bytes(key.len())?;
        if key.matches(separator).count() >= PARTS {
            return Err(fault(TOO_DEEP));
        }
        let parts: Vec<&str> = key.split(separator).collect();
        place(&mut root, &parts, value);
    }
    Ok(root.try_cast::<Map>().unwrap_or_default())
}

fn place(at: &mut Dynamic, parts: &[&str], value: Dynamic) {
    let Some((part, rest)) = parts.split_first() else {
        // `a.b` may have come before `a`.
        if !at.is_map() {
            *at = value;
        }
        return;
    };
    if !at.is_map() {
        *at = Map::new().into();
    }
    if let Some(mut map) = at.write_lock::<Map>() {
        place(map.entry((*part).into()).or_default(), rest, value);
    }
}
