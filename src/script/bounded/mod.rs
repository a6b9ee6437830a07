//! Replacements for functions of the interpreter that can do unbounded work, or build unbounded values, in one operation.
//!
//! The progress hook sees operations, not what happens inside one. So whatever multiplies its input (`pad`, `replace`, `split`,
//! writing a value as text: a hundred thousand references to one long text cost nothing until they are written out) or compares
//! long lists is done here, within [`Limits`](super::Limits), and heavy work is charged as operations.

pub mod array;
pub mod compare;
pub mod comparer;
pub mod show;
pub mod text;

use std::rc::Rc;

use rhai::{Array, Blob, Dynamic, Engine, INT, Map};

use super::fault::fault;
use super::run::{Fault, Run};

pub use show::{display, measure};

/// Registers the replacements; they go before the interpreter's own functions.
pub fn register(engine: &mut Engine, run: &Rc<Run>) {
    text::register(engine, run);
    array::register(engine, run);
    compare::register(engine, run);
    comparer::register(engine, run);
    show::register(engine, run);
    let own = Rc::clone(run);
    engine.register_fn("blob", move |len: INT| blob(&own, len, 0));
    let own = Rc::clone(run);
    engine.register_fn("blob", move |len: INT, value: INT| blob(&own, len, value));
    let own = Rc::clone(run);
    engine.register_fn("pad", move |blob: &mut Blob, len: INT, value: INT| {
        let len = length(len);
        own.allow_bytes(len)?;
        if len > blob.len() {
            own.charge_bytes(len)?;
            blob.resize(len, value as u8);
        }
        Ok::<_, Fault>(())
    });
    let own = Rc::clone(run);
    engine.register_fn("to_array", move |blob: &mut Blob| -> Result<Array, Fault> {
        own.allow_items(blob.len())?;
        own.charge(blob.len() as u64 / 8)?;
        Ok(blob.iter().map(|byte| Dynamic::from_int((*byte).into())).collect())
    });
    let own = Rc::clone(run);
    engine.register_fn("to_json", move |map: &mut Map| -> Result<String, Fault> {
        let value = Dynamic::from_map(std::mem::take(map));
        let written = measure(&own, &value).and_then(|()| {
            let mut text = Vec::new();
            crate::json::encode(&value, &crate::json::Tape::default(), &mut text)
                .map_err(|error| fault(error.to_string()))?;
            own.charge_bytes(text.len())?;
            Ok(String::from_utf8_lossy(&text).into_owned())
        });
        *map = value.try_cast::<Map>().unwrap_or_default();
        written
    });
    let own = Rc::clone(run);
    engine.register_fn("parse_json", move |text: &str| -> Result<Dynamic, Fault> {
        own.charge_bytes(text.len())?;
        let limits = crate::json::Limits { nodes: own.limits().items, ..crate::json::Limits::default() };
        crate::json::decode_plain(text.as_bytes(), &limits).map_err(|error| fault(error.to_string()))
    });
    // What waits or tells the time of day has no place in a run that is to be repeatable.
    engine.register_fn("sleep", |_: INT| -> Result<(), Fault> { Err(fault("scripts cannot wait")) });
    engine.register_fn("sleep", |_: f64| -> Result<(), Fault> { Err(fault("scripts cannot wait")) });
    engine.register_fn("timestamp", || -> Result<(), Fault> {
        Err(fault("scripts cannot read a clock; use time::now()"))
    });
}

fn blob(run: &Run, len: INT, value: INT) -> Result<Blob, Fault> {
    let len = length(len);
    run.allow_bytes(len)?;
    run.charge_bytes(len)?;
    Ok(vec![value as u8; len])
}

/// How many values a value is made of, itself counted; no more than `most` are counted.
pub fn parts(value: &Dynamic, most: usize) -> usize {
    let count = |sum: usize, item: &Dynamic| if sum > most { sum } else { sum + parts(item, most - sum) };
    if let Some(array) = value.read_lock::<Array>() {
        return array.iter().fold(1, count);
    }
    value.read_lock::<Map>().map_or(1, |map| map.values().fold(1, count))
}

/// A length as scripts give it: below nothing is nothing.
fn length(len: INT) -> usize {
    usize::try_from(len).unwrap_or(0)
}
