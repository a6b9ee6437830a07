//! Arrays: padding, and sorting without a comparer.

use std::cmp::Ordering;
use std::rc::Rc;

use rhai::{Array, Dynamic, Engine, INT, ImmutableString};
use rust_decimal::Decimal;

use super::{length, parts};
use crate::script::fault::fault;
use crate::script::run::{Fault, Run};

/// Registers the replacements.
pub fn register(engine: &mut Engine, run: &Rc<Run>) {
    let own = Rc::clone(run);
    engine.register_fn("pad", move |array: &mut Array, len: INT, with: Dynamic| {
        let len = length(len);
        own.allow_items(len)?;
        if len > array.len() {
            // Every place gets a copy of all that the value holds.
            let copied = (len - array.len()).saturating_mul(parts(&with, own.limits().items));
            own.allow_items(copied)?;
            own.charge(copied as u64 / 8)?;
            array.resize(len, with);
        }
        Ok::<_, Fault>(())
    });
    for (name, order) in [("sort", false), ("sort_desc", true)] {
        let own = Rc::clone(run);
        engine.register_fn(name, move |array: &mut Array| sort(&own, array, order));
    }
    for (name, order) in [("order", false), ("order_desc", true)] {
        let own = Rc::clone(run);
        engine.register_fn(name, move |array: &mut Array| -> Result<Array, Fault> {
            let mut copy = array.clone();
            sort(&own, &mut copy, order)?;
            Ok(copy)
        });
    }
}

fn sort(run: &Run, array: &mut Array, descending: bool) -> Result<(), Fault> {
    let Some(first) = array.first() else { return Ok(()) };
    let kind = first.type_id();
    if array.iter().any(|item| item.type_id() != kind) {
        return Err(fault("sort takes items of one kind; give it a function to compare others"));
    }
    // Every level of the sort may read every text once.
    let levels = array.len().ilog2() as usize + 1;
    let bytes: usize = array.iter().filter_map(|item| item.read_lock::<ImmutableString>().map(|text| text.len())).sum();
    run.charge((array.len() * levels) as u64)?;
    run.charge_bytes(bytes.saturating_mul(levels))?;
    if compare(first, first).is_none() {
        return Err(fault("sort takes texts, numbers or booleans; give it a function to compare others"));
    }
    let order = |a: &Dynamic, b: &Dynamic| compare(a, b).unwrap_or(Ordering::Equal);
    if descending {
        array.sort_by(|a, b| order(b, a));
    } else {
        array.sort_by(order);
    }
    Ok(())
}

/// The order of two values of one kind, if the kind has one.
fn compare(a: &Dynamic, b: &Dynamic) -> Option<Ordering> {
    if let (Some(a), Some(b)) = (a.read_lock::<ImmutableString>(), b.read_lock::<ImmutableString>()) {
        return Some(a.as_str().cmp(b.as_str()));
    }
    if let (Ok(a), Ok(b)) = (a.as_int(), b.as_int()) {
        return Some(a.cmp(&b));
    }
    if let (Ok(a), Ok(b)) = (a.as_float(), b.as_float()) {
        return Some(a.total_cmp(&b));
    }
    if let (Some(a), Some(b)) = (a.read_lock::<Decimal>(), b.read_lock::<Decimal>()) {
        return Some(a.cmp(&b));
    }
    if let (Ok(a), Ok(b)) = (a.as_bool(), b.as_bool()) {
        return Some(a.cmp(&b));
    }
    if let (Ok(a), Ok(b)) = (a.as_char(), b.as_char()) {
        return Some(a.cmp(&b));
    }
    (a.is_unit() && b.is_unit()).then_some(Ordering::Equal)
}
