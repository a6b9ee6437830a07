//! Names that stand for something else in one file than in another one of the same run.
//!
//! What a file calls of its own is told apart by its name ([`own`](crate::script::own)). What is left are methods of imports and
//! functions of the library: the interpreter remembers which one a name means for the whole run, and looks into the files that
//! are being run before it looks into imports and the library. So a file could get the method or function of another one.

use std::collections::{BTreeMap, BTreeSet};

use super::Import;
use super::calls::{is_library_function, is_library_method};
use crate::diag::Diag;
use crate::script::host::Host;
use crate::script::modules::file_of;
use crate::script::place::Unit;

/// What a file defines, and what it calls that is not its own.
#[derive(Debug, Default)]
pub struct Names {
    /// Its imports, as files.
    pub imports: Vec<String>,
    /// Functions without a namespace that are not its own: name, number of arguments, whether as a method.
    pub calls: BTreeSet<(String, usize, bool)>,
    /// Its own functions: the type that a method is for, name, number of parameters.
    pub functions: BTreeSet<(Option<String>, String, usize)>,
    /// Whether it hands functions on, which may then be called by another file.
    pub hands_on: bool,
}

impl Names {
    /// Whether it calls functions that it is handed. (What the interpreter's own `map` and the like call is remembered apart.)
    fn calls_values(&self) -> bool {
        self.calls.iter().any(|(name, ..)| name == "call")
    }
}

/// A name that may stand for a function where another one is meant.
struct Clash {
    name: String,
    caller: String,
    definer: String,
    /// It is the one that is meant, which would be remembered without its module's imports.
    is_meant: bool,
}

/// Finds such names among a script and all that it imports.
pub fn homonyms(host: &Host, own: &Names, imports: &[Import], unit: &Unit<'_>, problems: &mut Vec<Diag>) {
    let modules = host.modules().names();
    let mut files = BTreeMap::from([(unit.file, own)]);
    for file in &own.imports {
        reach(file, &modules, &mut files);
    }
    for Clash { name, caller, definer, is_meant } in clashes(&files) {
        let brings = |import: &&Import| {
            let mut below = BTreeMap::new();
            if let Some(file) = import.path.as_deref().and_then(file_of) {
                reach(&file, &modules, &mut below);
            }
            below.contains_key(definer.as_str())
        };
        let place = imports.iter().find(brings).or_else(|| imports.first());
        let diag = if is_meant {
            let message =
                format!("{caller} hands functions to {definer}, which could not tell its own `{name}` from theirs");
            let help = "move what calls the functions that it is handed into a module without methods";
            Diag::error("ambiguous-call", message).help(help)
        } else {
            let message = format!("the `{name}` that {caller} calls could be that of {definer}");
            let help = format!("both are there when this script runs: give the one in {definer} another name");
            Diag::error("ambiguous-call", message).help(help)
        };
        problems.push(unit.at(diag, place.map_or(rhai::Position::NONE, |import| import.position)));
    }
}

/// A file and all that it imports.
fn reach<'a>(file: &str, modules: &'a BTreeMap<String, Names>, found: &mut BTreeMap<&'a str, &'a Names>) {
    let Some((file, names)) = modules.get_key_value(file) else { return };
    if found.insert(file, names).is_none() {
        for import in &names.imports {
            reach(import, modules, found);
        }
    }
}

fn clashes(files: &BTreeMap<&str, &Names>) -> Vec<Clash> {
    let below: BTreeMap<&str, BTreeSet<&str>> = files.keys().map(|file| (*file, imported(file, files))).collect();
    let functions: BTreeSet<_> = files.values().flat_map(|names| &names.functions).collect();
    functions.into_iter().filter_map(|function| clash(function, files, &below)).collect()
}

/// A caller that could get a function where it means another one.
fn clash(
    function: &(Option<String>, String, usize),
    files: &BTreeMap<&str, &Names>,
    below: &BTreeMap<&str, BTreeSet<&str>>,
) -> Option<Clash> {
    let (kind, name, count) = function;
    let (definers, others): (Vec<&str>, Vec<&str>) =
        files.keys().copied().partition(|file| files[file].functions.contains(function));
    let calls = |file: &str, as_method| files[file].calls.contains(&(name.clone(), *count, as_method));
    // The methods that a caller sees; functions that are no methods are called with the module's name.
    let seen = |caller: &str| -> Vec<&str> {
        let is_called = kind.is_some() && calls(caller, true);
        definers.iter().copied().filter(|file| is_called && below[caller].contains(file)).collect()
    };
    let first_seen = others.iter().find_map(|caller| seen(caller).first().copied());
    for caller in &others {
        let is_library = calls(caller, true) && is_library_method(name, *count)
            || kind.is_none() && calls(caller, false) && is_library_function(name, *count);
        let definer = match seen(caller).as_slice() {
            [] if !is_library => continue,
            // The library's, where another caller means a module's.
            [] => first_seen,
            // Another one than another caller.
            [meant] => first_seen.filter(|first| first != meant),
            [_, second, ..] => Some(*second),
        };
        // Or there is one in a file that is being run when the caller is.
        let running = || definers.iter().copied().find(|file| below[file].contains(caller));
        // Or a function of the caller is called while the file is run that the method is in.
        let handed = || {
            let calls_values = |file: &&str| below[file].iter().chain([file]).any(|file| files[file].calls_values());
            seen(caller).into_iter().find(|file| files[caller].hands_on && calls_values(file))
        };
        let other = definer.or_else(running);
        if let Some(definer) = other.or_else(handed) {
            let name = name.clone();
            return Some(Clash { name, caller: (*caller).into(), definer: definer.into(), is_meant: other.is_none() });
        }
    }
    None
}

/// The files that a file imports, and what those import.
fn imported<'a>(file: &str, files: &BTreeMap<&'a str, &'a Names>) -> BTreeSet<&'a str> {
    let mut found = BTreeSet::new();
    let mut open: Vec<&str> = files[file].imports.iter().map(String::as_str).collect();
    while let Some(next) = open.pop() {
        if let Some((known, names)) = files.get_key_value(next)
            && found.insert(*known)
        {
            open.extend(names.imports.iter().map(String::as_str));
        }
    }
    found
}
