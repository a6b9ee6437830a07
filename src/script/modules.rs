//! Imports: modules come from `scripts/` of the tree and from nowhere else, are compiled once per host, and a cycle is an error
//! with its chain.
//!
//! A run only looks modules up in this cache: the interpreter's own resolver, which reads files and follows `..`, is never
//! installed. Import paths must be literal, so that what a script can reach is known before it runs.

use std::cell::{Ref, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use std::sync::Arc;

use rhai::{AST, Engine, EvalAltResult, Module, ModuleResolver, Position, Scope, Shared};

use super::check::{self, Import, Names};
use super::fault;
use super::host::Host;
use super::own;
use super::place::Unit;
use crate::diag::{Diag, did_you_mean};
use crate::tree::Tree;

/// The folder that imports are relative to.
pub const FOLDER: &str = "scripts";

/// The modules of one host by the file they come from.
#[derive(Debug, Default)]
pub struct Modules {
    ready: RefCell<BTreeMap<String, Shared<Module>>>,
    /// The files that have errors, or import one that has: nothing is said of them a second time.
    broken: RefCell<BTreeSet<String>>,
    /// Their texts, parsed, for those who ask what a script reads.
    trees: RefCell<Vec<AST>>,
    /// What they define, and what they call that is not their own.
    names: RefCell<BTreeMap<String, Names>>,
    /// The files that are being compiled, outermost first.
    open: RefCell<Vec<String>>,
}

impl Modules {
    /// The module of a path as an import names it.
    pub fn get(&self, path: &str) -> Option<Shared<Module>> {
        self.ready.borrow().get(&file_of(path)?).cloned()
    }

    /// All modules, parsed.
    pub fn trees(&self) -> Vec<AST> {
        self.trees.borrow().clone()
    }

    /// What the modules define and call, by file.
    pub fn names(&self) -> Ref<'_, BTreeMap<String, Names>> {
        self.names.borrow()
    }

    /// The files of all modules.
    pub fn files(&self) -> Vec<String> {
        self.ready.borrow().keys().cloned().collect()
    }

    /// Marks a script as being compiled while `inner` runs, so that a module which imports it closes a cycle.
    pub fn while_open<T>(&self, file: &str, inner: impl FnOnce() -> T) -> T {
        self.open.borrow_mut().push(file.into());
        let result = inner();
        self.open.borrow_mut().pop();
        result
    }
}

/// Compiles what a script imports, and what that imports in turn.
pub fn load(host: &Host, import: &Import, unit: &Unit<'_>, problems: &mut Vec<Diag>) {
    let Some(path) = &import.path else {
        let diag =
            Diag::error("import-computed", "an import needs a literal path").help("write import \"lib/name\" as name;");
        return problems.push(unit.at(diag, import.position));
    };
    let Some(file) = file_of(path) else {
        let diag = Diag::error("import-outside", format!("`{path}` is not a path below {FOLDER}/"))
            .help("modules are named from scripts/ on, without `..`: import \"lib/name\" as name;");
        return problems.push(unit.at(diag, import.position));
    };
    if host.modules().ready.borrow().contains_key(&file) || host.modules().broken.borrow().contains(&file) {
        return;
    }
    if let Some(first) = host.modules().open.borrow().iter().position(|open| *open == file) {
        let open = host.modules().open.borrow();
        let chain: Vec<_> = open[first..].iter().map(String::as_str).chain([file.as_str()]).collect();
        let diag = Diag::error("import-cycle", format!("imports go in a circle: {}", chain.join(" → ")));
        return problems.push(unit.at(diag.help("move what both need into a third module"), import.position));
    }
    let Some(text) = host.tree().get(&file).cloned() else {
        return problems.push(unit.at(missing(host.tree(), path, &file), import.position));
    };
    host.modules().while_open(&file, || compile(host, &file, &text, problems));
}

/// Checks a module, loads what it imports, and keeps it if it has no error.
pub fn compile(host: &Host, file: &str, text: &Arc<str>, problems: &mut Vec<Diag>) {
    match checked(host, file, text, problems) {
        Some(module) => host.modules().ready.borrow_mut().insert(file.into(), module.into()).is_none(),
        None => host.modules().broken.borrow_mut().insert(file.into()),
    };
}

fn checked(host: &Host, file: &str, text: &Arc<str>, problems: &mut Vec<Diag>) -> Option<Module> {
    let unit = Unit { file, text, node: None, file_text: text };
    let before = problems.iter().filter(|problem| problem.is_error()).count();
    let ast = host.parse(&unit, &Scope::new(), problems)?;
    let found = check::facts(&ast);
    host.note(&found);
    host.note_headers(&found, &unit);
    for import in &found.imports {
        load(host, import, &unit, problems);
    }
    check::calls(host, &found, &unit, problems);
    check::tables(host, &found, &unit, problems);
    check::literals(host, &found, &unit, problems);
    check::scopes(&ast, &unit, problems);
    check::fields(&found, &unit, problems);
    check::messages(&found, &unit, problems);
    check::traps(&ast, &found, false, &unit, problems);
    check::copies(&ast, &found, &unit, problems);
    own::ambiguous(host, &found, &unit, problems);
    check::private_functions(&check::outline(host.engine(), text), &found, &unit, problems);
    let imports_broken = found.imports.iter().any(|import| check::is_broken(host, import));
    if imports_broken || problems.iter().filter(|problem| problem.is_error()).count() > before {
        return None;
    }
    host.modules().trees.borrow_mut().push(ast.clone());
    host.modules().names.borrow_mut().insert(file.into(), own::names(host, &ast, &found, text));
    match host.evaluate_module(ast, &found, &unit) {
        Ok(module) => Some(module),
        Err(error) => {
            let (_, inner) = fault::innermost(&error, file);
            let diag = Diag::error("module-failed", format!("the module cannot be loaded: {}", fault::message(inner)));
            problems.push(unit.at(diag, inner.position()));
            None
        }
    }
}

fn missing(tree: &Tree, path: &str, file: &str) -> Diag {
    let diag = Diag::error("import-missing", format!("no module `{path}`"));
    let prefix = format!("{FOLDER}/");
    let known: Vec<_> =
        tree.below(FOLDER).filter_map(|(path, _)| path.strip_prefix(&prefix)?.strip_suffix(".rhai")).collect();
    match did_you_mean(path.trim_end_matches(".rhai"), known) {
        Some(near) => diag.help(format!("did you mean `{near}`?")),
        None => diag.help(format!("it would be the file {file}")),
    }
}

/// The file of a path below `scripts/`; none for anything that would leave the folder.
pub fn file_of(path: &str) -> Option<String> {
    let plain = |part: &str| !part.is_empty() && part != "." && part != ".." && !part.contains(['\\', ':', '\0']);
    let name = path.strip_suffix(".rhai").unwrap_or(path);
    name.split('/').all(plain).then(|| format!("{FOLDER}/{name}.rhai"))
}

/// Hands the interpreter modules that are already compiled.
pub struct Cached(pub Rc<Modules>);

impl ModuleResolver for Cached {
    fn resolve(
        &self,
        _: &Engine,
        _: Option<&str>,
        path: &str,
        position: Position,
    ) -> Result<Shared<Module>, Box<EvalAltResult>> {
        self.0.get(path).ok_or_else(|| EvalAltResult::ErrorModuleNotFound(path.into(), position).into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_stay_below_the_folder() {
        assert_eq!(file_of("lib/x").as_deref(), Some("scripts/lib/x.rhai"));
        assert_eq!(file_of("x.rhai").as_deref(), Some("scripts/x.rhai"));
        for escape in ["../x", "/etc/passwd", "lib/../../x", "lib//x", "", ".", "c:/x", "a\\..\\b", "lib/./x"] {
            assert_eq!(file_of(escape), None, "{escape}");
        }
    }
}
