//! Values without anything empty in them.

use std::collections::BTreeSet;
use std::rc::Rc;

use rhai::{Array, Dynamic, ImmutableString, Map, Module};

use super::{DEPTH, TOO_DEEP, is_empty};
use crate::script::fault::fault;
use crate::script::lib::{Lib, Native, arg, put};
use crate::script::run::Run;

/// The names under which an empty array stays.
type Lists = BTreeSet<ImmutableString>;

/// Adds the function.
pub(super) fn add(module: &mut Module, lib: &Lib) {
    let run = Rc::clone(&lib.run);
    put(module, "prune", move |value: Dynamic| pruned(&run, value, &Lists::new()));
    let run = Rc::clone(&lib.run);
    put(module, "prune", move |value: Dynamic, lists: Array| -> Native {
        run.charge(lists.len() as u64)?;
        let lists = lists.iter().map(|name| arg::needed(name, "prune").map(|name| name.as_str().into()));
        pruned(&run, value, &lists.collect::<Result<_, _>>()?)
    });
}

fn pruned(run: &Run, value: Dynamic, lists: &Lists) -> Native {
    let mut value = value.flatten();
    prune(run, &mut value, lists, DEPTH)?;
    Ok(value)
}

fn prune(run: &Run, value: &mut Dynamic, lists: &Lists, depth: usize) -> Native<()> {
    run.charge(1)?;
    let below = depth.checked_sub(1).ok_or_else(|| fault(TOO_DEEP))?;
    if let Some(mut map) = value.write_lock::<Map>() {
        for inner in map.values_mut() {
            prune(run, inner, lists, below)?;
        }
        map.retain(|name, inner| !is_empty(inner) && (!is_empty_list(inner) || lists.contains(name.as_str())));
    } else if let Some(mut array) = value.write_lock::<Array>() {
        for inner in array.iter_mut() {
            prune(run, inner, lists, below)?;
        }
        array.retain(|inner| !is_empty(inner) && !is_empty_list(inner));
    }
    Ok(())
}

fn is_empty_list(value: &Dynamic) -> bool {
    value.read_lock::<Array>().is_some_and(|list| list.is_empty())
}
