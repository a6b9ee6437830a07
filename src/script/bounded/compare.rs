//! Comparing arrays and maps, and looking for a value in an array: charged by what is compared.
//!
//! Two lists of a hundred thousand references to two equal long texts would keep one operation busy for minutes.

use std::rc::Rc;

use rhai::{Array, Dynamic, Engine, INT, ImmutableString, Map};
use rust_decimal::Decimal;

use crate::script::run::{Fault, Run};

/// Levels that a comparison follows; deeper values count as different.
const DEPTH: usize = 512;

/// Registers the replacements.
pub fn register(engine: &mut Engine, run: &Rc<Run>) {
    let own = Rc::clone(run);
    engine.register_fn("==", move |a: &mut Array, b: Array| arrays(&own, a, &b, DEPTH));
    let own = Rc::clone(run);
    engine.register_fn("!=", move |a: &mut Array, b: Array| arrays(&own, a, &b, DEPTH).map(|same| !same));
    let own = Rc::clone(run);
    engine.register_fn("==", move |a: &mut Map, b: Map| maps(&own, a, &b, DEPTH));
    let own = Rc::clone(run);
    engine.register_fn("!=", move |a: &mut Map, b: Map| maps(&own, a, &b, DEPTH).map(|same| !same));
    let own = Rc::clone(run);
    engine.register_fn("contains", move |array: &mut Array, value: Dynamic| {
        Ok::<_, Fault>(position(&own, array, &value, 0)?.is_some())
    });
    let own = Rc::clone(run);
    engine.register_fn("index_of", move |array: &mut Array, value: Dynamic| index(&own, array, &value, 0));
    let own = Rc::clone(run);
    engine.register_fn("index_of", move |array: &mut Array, value: Dynamic, start: INT| {
        index(&own, array, &value, from(array, start))
    });
    // The interpreter has an older form of these two, which takes the text for the name of a function.
    let own = Rc::clone(run);
    engine
        .register_fn("index_of", move |array: &mut Array, value: ImmutableString| index(&own, array, &value.into(), 0));
    let own = Rc::clone(run);
    engine.register_fn("index_of", move |array: &mut Array, value: ImmutableString, start: INT| {
        index(&own, array, &value.into(), from(array, start))
    });
    let own = Rc::clone(run);
    engine.register_fn("dedup", move |array: &mut Array| {
        let mut kept = Array::with_capacity(array.len());
        for value in array.drain(..) {
            if !matches!(kept.last(), Some(last) if same(&own, last, &value, DEPTH)?) {
                kept.push(value);
            }
        }
        *array = kept;
        Ok::<_, Fault>(())
    });
}

/// The index that a search begins at; a negative one counts from the end.
fn from(array: &Array, start: INT) -> usize {
    let len = array.len() as INT;
    (if start < 0 { len.saturating_add(start).max(0) } else { start.min(len) }) as usize
}

fn index(run: &Run, array: &Array, value: &Dynamic, start: usize) -> Result<INT, Fault> {
    Ok(position(run, array, value, start)?.map_or(-1, |at| at as INT))
}

fn position(run: &Run, array: &Array, value: &Dynamic, start: usize) -> Result<Option<usize>, Fault> {
    for (at, item) in array.iter().enumerate().skip(start) {
        if same(run, item, value, DEPTH)? {
            return Ok(Some(at));
        }
    }
    Ok(None)
}

fn arrays(run: &Run, a: &Array, b: &Array, depth: usize) -> Result<bool, Fault> {
    if a.len() != b.len() {
        return Ok(false);
    }
    for (a, b) in a.iter().zip(b) {
        if !same(run, a, b, depth)? {
            return Ok(false);
        }
    }
    Ok(true)
}

fn maps(run: &Run, a: &Map, b: &Map, depth: usize) -> Result<bool, Fault> {
    if a.len() != b.len() {
        return Ok(false);
    }
    for ((a_key, a), (b_key, b)) in a.iter().zip(b) {
        if a_key != b_key || !same(run, a, b, depth)? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Whether two values are equal as `==` has it: numbers of different kinds by value.
fn same(run: &Run, a: &Dynamic, b: &Dynamic, depth: usize) -> Result<bool, Fault> {
    run.charge(1)?;
    let Some(depth) = depth.checked_sub(1) else { return Ok(false) };
    if let (Some(a), Some(b)) = (a.read_lock::<ImmutableString>(), b.read_lock::<ImmutableString>()) {
        if a.len() == b.len() {
            run.charge_bytes(a.len())?;
        }
        return Ok(*a == *b);
    }
    if let (Some(a), Some(b)) = (a.read_lock::<Array>(), b.read_lock::<Array>()) {
        return arrays(run, &a, &b, depth);
    }
    if let (Some(a), Some(b)) = (a.read_lock::<Map>(), b.read_lock::<Map>()) {
        return maps(run, &a, &b, depth);
    }
    Ok(scalars(a, b))
}

#[expect(clippy::float_cmp, reason = "scripts compare as the operator does")]
fn scalars(a: &Dynamic, b: &Dynamic) -> bool {
    if let (Ok(a), Ok(b)) = (a.as_int(), b.as_int()) {
        return a == b;
    }
    if let (Some(a), Some(b)) = (decimal(a), decimal(b))
        && (a.1 || b.1)
    {
        return a.0 == b.0;
    }
    if let (Some(a), Some(b)) = (float(a), float(b)) {
        return a == b;
    }
    if let (Ok(a), Ok(b)) = (a.as_bool(), b.as_bool()) {
        return a == b;
    }
    if let (Ok(a), Ok(b)) = (a.as_char(), b.as_char()) {
        return a == b;
    }
    a.is_unit() && b.is_unit()
}

/// A decimal or whole number as a decimal, and whether it was one.
fn decimal(value: &Dynamic) -> Option<(Decimal, bool)> {
    match value.as_int() {
        Ok(int) => Some((int.into(), false)),
        Err(_) => value.read_lock::<Decimal>().map(|decimal| (*decimal, true)),
    }
}

fn float(value: &Dynamic) -> Option<f64> {
    value.as_float().ok().or_else(|| value.as_int().ok().map(|int| int as f64))
}
