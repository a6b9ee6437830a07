//! Query strings made from maps, and addresses with other parameters.

use std::collections::BTreeSet;

use rhai::{Array, Dynamic, Map};
use url::form_urlencoded::{self, Serializer};

use crate::script::fault::fault;
use crate::script::lib::{Native, arg};
use crate::script::run::Run;

/// A query string of the entries of a map.
pub(super) fn build(run: &Run, params: &Map) -> Native<String> {
    let mut out = Serializer::new(String::new());
    append(run, &mut out, params)?;
    Ok(out.finish())
}

fn append(run: &Run, out: &mut Serializer<'_, String>, params: &Map) -> Native<()> {
    let mut bytes = 0_usize;
    let mut add = |key: &str, value: &Dynamic| -> Native<()> {
        if value.is_array() || value.is_map() {
            return Err(fault(format!("build takes texts and numbers, and `{key}` is {}", arg::kind(value))));
        }
        if let Some(text) = arg::text(value, "build")? {
            // A byte becomes up to three.
            bytes = bytes.saturating_add((key.len() + text.len()).saturating_mul(3) + 2);
            run.allow_bytes(bytes)?;
            run.charge(1)?;
            out.append_pair(key, &text);
        }
        Ok(())
    };
    for (key, value) in params {
        match value.read_lock::<Array>() {
            Some(values) => values.iter().try_for_each(|value| add(key, value))?,
            None => add(key, value)?,
        }
    }
    Ok(())
}

/// An address with these parameters instead of those of the same names.
pub(super) fn replace(run: &Run, text: &str, params: &Map) -> Native {
    rewritten(run, text, |key| params.contains_key(key), params)
}

/// An address without these parameters.
pub(super) fn without(run: &Run, text: &str, names: &Array) -> Native {
    let names = names.iter().map(|name| arg::needed(name, "without")).collect::<Native<BTreeSet<_>>>()?;
    rewritten(run, text, |key| names.contains(key), &Map::new())
}

fn rewritten(run: &Run, text: &str, is_left_out: impl Fn(&str) -> bool, add: &Map) -> Native {
    run.charge_bytes(text.len())?;
    let (before, fragment) = text.split_once('#').map_or((text, None), |(before, fragment)| (before, Some(fragment)));
    let (path, query) = before.split_once('?').unwrap_or((before, ""));
    // What stays keeps its way of writing.
    let kept = query.split('&').filter(|part| {
        let key = form_urlencoded::parse(part.as_bytes()).next();
        !part.is_empty() && !key.is_some_and(|(key, _)| is_left_out(&key))
    });
    let mut query = kept.collect::<Vec<_>>().join("&");
    let added = build(run, add)?;
    if !query.is_empty() && !added.is_empty() {
        query.push('&');
    }
    query.push_str(&added);
    let mut out = path.to_owned();
    if !query.is_empty() {
        out.push('?');
        out.push_str(&query);
    }
    if let Some(fragment) = fragment {
        out.push('#');
        out.push_str(fragment);
    }
    run.allow_bytes(out.len())?;
    Ok(out.into())
}
