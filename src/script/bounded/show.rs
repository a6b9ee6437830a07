//! Values as text, for printing, interpolation and logs.

use std::fmt::Write as _;
use std::rc::Rc;

use rhai::{Array, Dynamic, Engine, ImmutableString, Map};

use crate::script::run::{Fault, Run};

/// Levels that are written out.
const DEPTH: usize = 128;

/// Registers the replacements.
///
/// They give no error when the text would be too long: the interpreter would then write the value by itself, without a bound.
/// They end the run instead, which the next operation sees.
pub fn register(engine: &mut Engine, run: &Rc<Run>) {
    for name in ["print", "to_string", "debug", "to_debug"] {
        let own = Rc::clone(run);
        engine.register_fn(name, move |array: &mut Array| -> String {
            let mut out = String::new();
            list(&own, &mut out, array, DEPTH).map_or_else(|_| String::new(), |()| out)
        });
        let own = Rc::clone(run);
        engine.register_fn(name, move |map: &mut Map| -> String {
            let mut out = String::new();
            entries(&own, &mut out, map, DEPTH).map_or_else(|_| String::new(), |()| out)
        });
    }
}

/// A value as people read it: a text as it is, anything else as a script would write it.
pub fn display(run: &Run, value: &Dynamic) -> Result<String, Fault> {
    if let Some(text) = value.read_lock::<ImmutableString>() {
        return Ok(text.as_str().into());
    }
    let mut out = String::new();
    write(run, &mut out, value, DEPTH)?;
    Ok(out)
}

/// Fails when the value written as JSON would be larger than a script may build.
pub fn measure(run: &Run, value: &Dynamic) -> Result<(), Fault> {
    let mut bytes = 0;
    add(run, value, DEPTH, &mut bytes)
}

fn add(run: &Run, value: &Dynamic, depth: usize, bytes: &mut usize) -> Result<(), Fault> {
    let Some(depth) = depth.checked_sub(1) else { return Ok(()) };
    *bytes += value.read_lock::<ImmutableString>().map_or(8, |text| text.len() + 2);
    run.allow_bytes(*bytes)?;
    if let Some(array) = value.read_lock::<Array>() {
        return array.iter().try_for_each(|item| add(run, item, depth, bytes));
    }
    if let Some(map) = value.read_lock::<Map>() {
        for (key, inner) in map.iter() {
            *bytes += key.len() + 2;
            add(run, inner, depth, bytes)?;
        }
    }
    Ok(())
}

fn write(run: &Run, out: &mut String, value: &Dynamic, depth: usize) -> Result<(), Fault> {
    let Some(depth) = depth.checked_sub(1) else {
        out.push('…');
        return Ok(());
    };
    if let Some(text) = value.read_lock::<ImmutableString>() {
        run.allow_bytes(out.len() + text.len())?;
        // Writing to a String cannot fail.
        let _ = write!(out, "{:?}", text.as_str());
    } else if let Some(array) = value.read_lock::<Array>() {
        list(run, out, &array, depth)?;
    } else if let Some(map) = value.read_lock::<Map>() {
        entries(run, out, &map, depth)?;
    } else if value.is_unit() {
        out.push_str("()");
    } else {
        let _ = write!(out, "{value}");
    }
    run.allow_bytes(out.len())
}

fn list(run: &Run, out: &mut String, array: &Array, depth: usize) -> Result<(), Fault> {
    out.push('[');
    for (at, item) in array.iter().enumerate() {
        if at > 0 {
            out.push_str(", ");
        }
        write(run, out, item, depth)?;
    }
    out.push(']');
    Ok(())
}

fn entries(run: &Run, out: &mut String, map: &Map, depth: usize) -> Result<(), Fault> {
    out.push_str("#{");
    for (at, (key, value)) in map.iter().enumerate() {
        if at > 0 {
            out.push_str(", ");
        }
        let _ = write!(out, "{:?}: ", key.as_str());
        write(run, out, value, depth)?;
    }
    out.push('}');
    Ok(())
}
