//! Texts: padding, replacing, splitting.

use std::rc::Rc;

use rhai::{Array, Dynamic, Engine, INT, ImmutableString};

use super::length;
use crate::script::run::{Fault, Run};

/// Registers the replacements for texts.
pub fn register(engine: &mut Engine, run: &Rc<Run>) {
    let own = Rc::clone(run);
    engine.register_fn("pad", move |text: &mut ImmutableString, len: INT, with: char| {
        pad(&own, text, len, with.encode_utf8(&mut [0; 4]))
    });
    let own = Rc::clone(run);
    engine.register_fn("pad", move |text: &mut ImmutableString, len: INT, with: &str| pad(&own, text, len, with));
    let own = Rc::clone(run);
    engine.register_fn("replace", move |text: &mut ImmutableString, find: &str, with: &str| {
        replace(&own, text, find, with)
    });
    let own = Rc::clone(run);
    engine.register_fn("replace", move |text: &mut ImmutableString, find: &str, with: char| {
        replace(&own, text, find, with.encode_utf8(&mut [0; 4]))
    });
    let own = Rc::clone(run);
    engine.register_fn("replace", move |text: &mut ImmutableString, find: char, with: &str| {
        replace(&own, text, find.encode_utf8(&mut [0; 4]), with)
    });
    let own = Rc::clone(run);
    engine.register_fn("replace", move |text: &mut ImmutableString, find: char, with: char| {
        replace(&own, text, find.encode_utf8(&mut [0; 4]), with.encode_utf8(&mut [0; 4]))
    });
    register_split(engine, run);
}

fn register_split(engine: &mut Engine, run: &Rc<Run>) {
    let own = Rc::clone(run);
    engine.register_fn("split", move |text: &mut ImmutableString| collect(&own, text.split_whitespace()));
    let own = Rc::clone(run);
    engine.register_fn("to_chars", move |text: &mut ImmutableString| {
        own.allow_items(text.len())?;
        own.charge(text.len() as u64 / 8)?;
        Ok::<_, Fault>(text.chars().map(Dynamic::from_char).collect::<Array>())
    });
    let own = Rc::clone(run);
    engine.register_fn("split", move |text: &mut ImmutableString, by: &str| collect(&own, text.split(by)));
    let own = Rc::clone(run);
    engine.register_fn("split", move |text: &mut ImmutableString, by: char| collect(&own, text.split(by)));
    let own = Rc::clone(run);
    engine.register_fn("split", move |text: &mut ImmutableString, by: &str, parts: INT| {
        collect(&own, text.splitn(length(parts).max(1), by))
    });
    let own = Rc::clone(run);
    engine.register_fn("split", move |text: &mut ImmutableString, by: char, parts: INT| {
        collect(&own, text.splitn(length(parts).max(1), by))
    });
    let own = Rc::clone(run);
    engine.register_fn("split_rev", move |text: &mut ImmutableString, by: &str| collect(&own, text.rsplit(by)));
    let own = Rc::clone(run);
    engine.register_fn("split_rev", move |text: &mut ImmutableString, by: char| collect(&own, text.rsplit(by)));
    let own = Rc::clone(run);
    engine.register_fn("split_rev", move |text: &mut ImmutableString, by: &str, parts: INT| {
        collect(&own, text.rsplitn(length(parts).max(1), by))
    });
    let own = Rc::clone(run);
    engine.register_fn("split_rev", move |text: &mut ImmutableString, by: char, parts: INT| {
        collect(&own, text.rsplitn(length(parts).max(1), by))
    });
}

fn pad(run: &Run, text: &mut ImmutableString, len: INT, with: &str) -> Result<(), Fault> {
    let len = length(len);
    run.allow_bytes(len)?;
    run.charge_bytes(text.len() + len)?;
    let have = text.chars().count();
    if have >= len || with.is_empty() {
        return Ok(());
    }
    let (missing, unit) = (len - have, with.chars().count());
    let mut padded = String::with_capacity(text.len() + (missing / unit + 1) * with.len());
    padded.push_str(text);
    padded.push_str(&with.repeat(missing / unit));
    padded.extend(with.chars().take(missing % unit));
    *text = padded.into();
    Ok(())
}

fn replace(run: &Run, text: &mut ImmutableString, find: &str, with: &str) -> Result<(), Fault> {
    run.charge_bytes(text.len())?;
    if with.len() > find.len() {
        let grown = text.matches(find).count().saturating_mul(with.len() - find.len());
        if grown == 0 {
            return Ok(());
        }
        run.allow_bytes(text.len().saturating_add(grown))?;
    }
    *text = text.replace(find, with).into();
    Ok(())
}

fn collect<'a>(run: &Run, parts: impl Iterator<Item = &'a str>) -> Result<Array, Fault> {
    let mut array = Array::new();
    for part in parts {
        run.allow_items(array.len() + 1)?;
        run.charge(u64::from(array.len().is_multiple_of(4)) + part.len() as u64 / 1024)?;
        array.push(part.into());
    }
    Ok(array)
}
