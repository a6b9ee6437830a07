//! Sorting, and leaving out doubles, with a function that compares.
//!
//! The interpreter's own take an error of the function, and every answer that is no whole number, for "as they are": a list in a wrong
//! order, of which nobody is told.

use std::rc::Rc;

use rhai::{Array, Dynamic, Engine, FnPtr, NativeCallContext};
use rust_decimal::Decimal;

use crate::script::fault::fault;
use crate::script::lib::arg::kind;
use crate::script::run::{Fault, Run};

/// Registers the replacements.
pub fn register(engine: &mut Engine, run: &Rc<Run>) {
    for name in ["sort", "sort_by"] {
        let own = Rc::clone(run);
        engine.register_fn(name, move |cx: NativeCallContext<'_>, array: &mut Array, comparer: FnPtr| {
            let places = sorted(&own, &cx, array, &comparer, name)?;
            let mut items: Vec<Option<Dynamic>> = array.drain(..).map(Some).collect();
            array.extend(places.into_iter().filter_map(|place| items[place].take()));
            Ok::<_, Fault>(())
        });
    }
    for name in ["order", "order_by"] {
        let own = Rc::clone(run);
        engine.register_fn(name, move |cx: NativeCallContext<'_>, array: &mut Array, comparer: FnPtr| {
            let places = sorted(&own, &cx, array, &comparer, name)?;
            Ok::<_, Fault>(places.into_iter().map(|place| array[place].clone()).collect::<Array>())
        });
    }
    let own = Rc::clone(run);
    engine.register_fn("dedup", move |cx: NativeCallContext<'_>, array: &mut Array, comparer: FnPtr| {
        let mut kept: Vec<usize> = Vec::with_capacity(array.len());
        for (place, value) in array.iter().enumerate() {
            own.charge(1)?;
            let is_double = match kept.last() {
                Some(last) => is_same(&cx, &comparer, &array[*last], value)?,
                None => false,
            };
            if !is_double {
                kept.push(place);
            }
        }
        let (mut kept, mut place) = (kept.into_iter().peekable(), 0);
        array.retain(|_| {
            place += 1;
            kept.next_if_eq(&(place - 1)).is_some()
        });
        Ok::<_, Fault>(())
    });
}

fn is_same(cx: &NativeCallContext<'_>, comparer: &FnPtr, one: &Dynamic, other: &Dynamic) -> Result<bool, Fault> {
    let answer: Dynamic = comparer.call_within_context(cx, (one.clone(), other.clone()))?;
    answer.as_bool().map_err(|_| fault(format!("the function of dedup gives true or false, not {}", kind(&answer))))
}

/// The places of the items in the order of the function; equal ones stay in their order.
///
/// Merged by hand: the library's sort cannot be left at an error, and may panic where a function contradicts itself.
fn sorted(
    run: &Run,
    cx: &NativeCallContext<'_>,
    array: &Array,
    comparer: &FnPtr,
    name: &str,
) -> Result<Vec<usize>, Fault> {
    let mut places: Vec<usize> = (0..array.len()).collect();
    let mut merged = Vec::with_capacity(places.len());
    let mut width = 1;
    while width < places.len() {
        merged.clear();
        for pair in places.chunks(width * 2) {
            let (mut left, mut right) = pair.split_at(width.min(pair.len()));
            while let ([one, left_rest @ ..], [other, right_rest @ ..]) = (left, right) {
                run.charge(1)?;
                if is_greater(cx, comparer, &array[*one], &array[*other], name)? {
                    merged.push(*other);
                    right = right_rest;
                } else {
                    merged.push(*one);
                    left = left_rest;
                }
            }
            merged.extend_from_slice(left);
            merged.extend_from_slice(right);
        }
        std::mem::swap(&mut places, &mut merged);
        width *= 2;
    }
    Ok(places)
}

/// Whether the function puts the first behind the second.
fn is_greater(
    cx: &NativeCallContext<'_>,
    comparer: &FnPtr,
    one: &Dynamic,
    other: &Dynamic,
    name: &str,
) -> Result<bool, Fault> {
    let answer: Dynamic = comparer.call_within_context(cx, (one.clone(), other.clone()))?;
    if let Ok(int) = answer.as_int() {
        return Ok(int > 0);
    }
    if let Ok(float) = answer.as_float()
        && !float.is_nan()
    {
        return Ok(float > 0.0);
    }
    if let Some(decimal) = answer.read_lock::<Decimal>() {
        return Ok(*decimal > Decimal::ZERO);
    }
    let found = if answer.is_float() { "a number that is none (NaN)" } else { kind(&answer) };
    Err(fault(format!("the function of {name} gives a number (below 0, 0 or above 0), as `|a, b| a - b`, not {found}")))
}
