//! The host of a pipeline's scripts: one interpreter with its limits and library, the compiled modules and the tables.
//!
//! One host per compiled pipeline and thread. Values of the interpreter are reference-counted without locks and must not leave
//! the thread, so each worker compiles its own.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::fmt;
use std::ops::Range;
use std::rc::Rc;
use std::sync::Arc;

use rhai::{AST, Dynamic, Engine, Module, OptimizationLevel, ParseError, ParseErrorType, Position, Scope};

use super::bounded;
use super::check;
use super::entry::{self, Handlers};
use super::exec::{Asked, Expression, Script};
use super::fault;
use super::lib;
use super::lib::table::Tables;
use super::limits::Limits;
use super::modules::{self, Cached, Modules};
use super::outcome::Failure;
use super::own::{self, Marks};
use super::place::Unit;
use super::run::{Fault, Run};
use crate::diag::Diag;
use crate::event::Origin;
use crate::tree::Tree;

/// Expressions inside each other, at top level and inside functions.
const EXPRESSION_DEPTH: (usize, usize) = (64, 48);
/// Variables at once.
const VARIABLES: usize = 1000;
/// Unknown variables that are told of one script.
const UNKNOWN_MAX: usize = 50;

/// A header of the delivery that a script asks for by name.
#[derive(Debug)]
pub struct AskedHeader {
    /// In lower case.
    pub name: String,
    /// The file of the script.
    pub file: String,
    /// The bytes of the file where it is asked for.
    pub span: Range<usize>,
}

/// The host of a pipeline's scripts.
pub struct Host {
    engine: Engine,
    run: Rc<Run>,
    tree: Arc<Tree>,
    modules: Rc<Modules>,
    marks: Rc<Marks>,
    tables: Rc<Tables>,
    files: RefCell<BTreeSet<String>>,
    scripts: Cell<u32>,
    remembers: Cell<bool>,
    may_retry: Cell<bool>,
    keyed: Cell<bool>,
    failed: Cell<bool>,
    headers: RefCell<Vec<AskedHeader>>,
}

impl fmt::Debug for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Host").field("files", &self.files).finish_non_exhaustive()
    }
}

impl Host {
    /// A host whose scripts see the tree's modules and tables.
    pub fn new(tree: &Arc<Tree>, limits: Limits) -> Rc<Self> {
        let call_depth = limits.call_depth;
        let run = Run::new(limits);
        let modules = Rc::new(Modules::default());
        let tables = Rc::new(Tables::new(tree));
        let mut engine = Engine::new();
        engine
            .set_module_resolver(Cached(Rc::clone(&modules)))
            .set_strict_variables(true)
            .set_max_call_levels(call_depth)
            .set_max_expr_depths(EXPRESSION_DEPTH.0, EXPRESSION_DEPTH.1)
            .set_max_variables(VARIABLES)
            // Parsing keeps every node for the checks; scripts are optimised after them.
            .set_optimization_level(OptimizationLevel::None)
            .disable_symbol("eval");
        let hook = Rc::clone(&run);
        engine.on_progress(move |_| hook.tick());
        let log = Rc::clone(&run);
        engine.on_print(move |text| log.log("info", text));
        let log = Rc::clone(&run);
        engine.on_debug(move |text, _, _| log.log("debug", text));
        let marks = Rc::new(Marks::default());
        marks.install(&mut engine);
        lib::register(&mut engine, &run, &tables);
        bounded::register(&mut engine, &run);
        Rc::new(Self {
            engine,
            run,
            tree: Arc::clone(tree),
            modules,
            marks,
            tables,
            files: RefCell::default(),
            scripts: Cell::new(0),
            remembers: Cell::new(false),
            may_retry: Cell::new(false),
            keyed: Cell::new(false),
            failed: Cell::new(false),
            headers: RefCell::default(),
        })
    }

    /// Compiles a script and what it imports. All problems that can be told from each other are reported.
    pub fn script(self: &Rc<Self>, unit: &Unit<'_>, warnings: &mut Vec<Diag>) -> Result<Script, Vec<Diag>> {
        let mut problems = Vec::new();
        let compiled = self.parse(unit, &check::given_variables(), &mut problems).map(|ast| {
            let found = check::facts(&ast);
            let body = check::facts(&ast.clone_statements_only());
            let functions = check::outline(&self.engine, unit.text);
            self.modules.while_open(unit.file, || {
                for import in &found.imports {
                    modules::load(self, import, unit, &mut problems);
                }
            });
            check::calls(self, &found, unit, &mut problems);
            check::tables(self, &found, unit, &mut problems);
            check::literals(self, &found, unit, &mut problems);
            self.note(&found);
            self.note_headers(&found, unit);
            check::scopes(&ast, unit, &mut problems);
            check::fields(&found, unit, &mut problems);
            check::messages(&found, unit, &mut problems);
            check::rejections(&found, unit, &mut problems);
            check::handlers(&functions, &found, &body, unit, &mut problems);
            let is_body = functions.iter().all(|function| entry::kind(&function.name).is_none());
            check::traps(&ast, &found, is_body, unit, &mut problems);
            check::copies(&ast, &found, unit, &mut problems);
            let own = |(name, _): &&(String, Position)| !found.map_keys.contains(name);
            let asked = found.settings.iter().filter(own);
            let asked = asked
                .map(|(name, position)| Asked {
                    name: name.clone(),
                    span: unit.span(*position),
                    must_be_there: !found.optional_settings.contains(name) && !found.declares("settings"),
                })
                .collect();
            let is_whole = !found.imports.iter().any(|import| check::is_broken(self, import));
            let told = check::settings(self, &ast, &found, &functions, unit);
            if is_whole {
                let names = own::names(self, &ast, &found, unit.text);
                check::homonyms(self, &names, &found.imports, unit, &mut problems);
            }
            if !is_whole || problems.iter().any(Diag::is_error) {
                return None;
            }
            let written = self.optimise(ast.clone(), unit.file);
            let ast = match self.separated(ast, &found, &check::given_variables(), unit.text) {
                Ok(ast) => ast,
                Err(error) => {
                    problems.push(unit.at(Diag::error("script-syntax", fault::message(&error)), error.position()));
                    return None;
                }
            };
            let handlers = Handlers::new(&ast, &functions);
            Some(((self.optimise(ast, unit.file), written), handlers, body, asked, told))
        });
        // The errors of a module are told once, to the first script that imports it.
        let compiled = compiled.flatten();
        let (trees, handlers, body, asked, told) = finish(compiled, problems, warnings)?;
        if unit.node.is_none() {
            self.files.borrow_mut().insert(unit.file.into());
        }
        Ok(Script::new(self, trees, (handlers, asked, told), &body, unit))
    }

    /// The problems of a file that no compiled pipeline uses: as a script if a step names it, though the pipeline is broken.
    /// Otherwise as a module if it has functions only and none of them is a handler, as a script if not.
    pub fn problems(self: &Rc<Self>, unit: &Unit<'_>, is_named: bool) -> Vec<Diag> {
        let mut problems = Vec::new();
        let parsed = self.parse(unit, &check::given_variables(), &mut Vec::new());
        let is_script = is_named
            || parsed.as_ref().is_none_or(|ast| {
                let body = check::facts(&ast.clone_statements_only());
                let handles = ast.iter_functions().any(|function| function.name.starts_with("on_"));
                handles || ast.iter_functions().next().is_none() || check::GIVEN.iter().any(|name| body.mentions(name))
            });
        if is_script {
            if let Err(errors) = self.script(unit, &mut problems) {
                problems.extend(errors);
            }
        } else {
            let text = unit.text.into();
            self.modules.while_open(unit.file, || modules::compile(self, unit.file, &text, &mut problems));
        }
        problems
    }

    /// Compiles a condition: one expression, without statements.
    pub fn expression(self: &Rc<Self>, unit: &Unit<'_>, warnings: &mut Vec<Diag>) -> Result<Expression, Vec<Diag>> {
        let mut problems = Vec::new();
        let parse = |scope: &Scope<'_>| self.engine.compile_expression_with_scope(scope, unit.text);
        let compiled = all_unknown(parse, &check::given_variables(), unit, &mut problems).map(|ast| {
            let found = check::facts(&ast);
            check::calls(self, &found, unit, &mut problems);
            check::tables(self, &found, unit, &mut problems);
            check::literals(self, &found, unit, &mut problems);
            self.note(&found);
            self.note_headers(&found, unit);
            check::fields(&found, unit, &mut problems);
            check::messages(&found, unit, &mut problems);
            check::traps(&ast, &found, false, unit, &mut problems);
            (self.optimise(ast, unit.file), found)
        });
        let (ast, found) = finish(compiled, problems, warnings)?;
        Ok(Expression::new(self, ast, &found, unit))
    }

    /// The scripts and tables that were used so far, with all modules that they import.
    pub fn files(&self) -> Vec<String> {
        let mut files = self.files.borrow().clone();
        files.extend(self.modules.files());
        files.extend(self.tables.files());
        files.into_iter().collect()
    }

    /// Whether a script or module uses what deliveries before it left.
    pub fn remembers(&self) -> bool {
        self.remembers.get()
    }

    /// Whether a script or module may ask to be run again later.
    pub fn may_retry(&self) -> bool {
        self.may_retry.get()
    }

    /// Whether what was compiled since this was last asked keeps something under the id of its step: `state::`, or an event that
    /// waits. A module counts for the first script that imports it.
    pub fn take_keyed(&self) -> bool {
        self.keyed.take()
    }

    /// Takes note of what a script or module uses.
    pub fn note(&self, found: &check::Facts) {
        let calls = |name: &str| found.calls.iter().any(|call| call.name == name);
        // Erasing counts: what is erased must not be changed by another delivery at the same time.
        if ["state", "cache"].iter().any(|namespace| found.namespaces.contains(*namespace)) || calls(lib::erase::NAME) {
            self.remembers.set(true);
        }
        if calls("retry") {
            self.may_retry.set(true);
            self.keyed.set(true);
        }
        if found.namespaces.contains("state") {
            self.keyed.set(true);
        }
    }

    /// Takes note of the headers that a script or module asks for by name.
    pub fn note_headers(&self, found: &check::Facts, unit: &Unit<'_>) {
        let asked = found.asked_headers().map(|(name, position)| AskedHeader {
            name: name.to_ascii_lowercase(),
            file: unit.file.to_owned(),
            span: unit.span(position),
        });
        self.headers.borrow_mut().extend(asked);
    }

    /// The headers that were asked for by name since this was last asked.
    pub fn take_headers(&self) -> Vec<AskedHeader> {
        self.headers.take()
    }

    /// Counts a file as used: the pipeline is loaded anew when it changes.
    pub fn use_file(&self, file: &str) {
        self.files.borrow_mut().insert(file.into());
    }

    /// The interpreter.
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// The state of the run that goes on.
    pub fn run(&self) -> &Rc<Run> {
        &self.run
    }

    /// The project's texts.
    pub fn tree(&self) -> &Tree {
        &self.tree
    }

    /// The compiled modules.
    pub fn modules(&self) -> &Modules {
        &self.modules
    }

    /// The tables.
    pub fn tables(&self) -> &Tables {
        &self.tables
    }

    /// A script or condition ended with an error, whatever became of it.
    pub(super) fn note_failure(&self, failure: &Failure) {
        if matches!(failure, Failure::Error(_)) {
            self.failed.set(true);
        }
    }

    /// Whether a script or condition has ended with an error since the last time.
    pub fn take_failed(&self) -> bool {
        self.failed.take()
    }

    /// A number for each script of the host, in the order in which they are compiled.
    pub fn next_script(&self) -> u32 {
        self.scripts.replace(self.scripts.get() + 1)
    }

    /// Parses a script; what is wrong goes to the problems. With unknown variables only, there is a script all the same, in which
    /// more can be found.
    pub fn parse(&self, unit: &Unit<'_>, scope: &Scope<'_>, problems: &mut Vec<Diag>) -> Option<AST> {
        all_unknown(|scope| self.engine.compile_with_scope(scope, unit.text), scope, unit, problems)
    }

    /// The script as it is run. The file's name goes in last: it is what errors in its functions are known by.
    fn optimise(&self, ast: AST, file: &str) -> AST {
        let mut ast = self.engine.optimize_ast(&Scope::new(), ast, OptimizationLevel::Simple);
        ast.set_source(file);
        ast
    }

    /// The script with calls of its own functions that can mean nothing else.
    fn separated(&self, ast: AST, found: &check::Facts, scope: &Scope<'_>, text: &str) -> Result<AST, Fault> {
        own::separated(self, &self.marks, ast, found, scope, text)
    }

    /// What a call of the library says of an argument, which stands in it as `?`; nothing if it takes it.
    pub fn probe(&self, call: &str, argument: &str) -> Option<String> {
        self.run.grant(self.run.limits().budget());
        self.run.begin(0, "", Origin::default(), 0);
        let mut scope = Scope::new();
        scope.push("argument", argument.to_owned());
        let result = self.engine.eval_with_scope::<Dynamic>(&mut scope, &call.replace('?', "argument"));
        self.run.end();
        result.err().map(|error| fault::message(fault::innermost(&error, "").1))
    }

    /// Runs the top level of a module, within the limits of a run.
    pub fn evaluate_module(&self, ast: AST, found: &check::Facts, unit: &Unit<'_>) -> Result<Module, Fault> {
        let ast = self.separated(ast, found, &Scope::new(), unit.text)?;
        let ast = self.optimise(ast, unit.file);
        self.run.grant(self.run.limits().budget());
        self.run.begin(0, "", Origin::default(), 0);
        let module = Module::eval_ast_as_new(Scope::new(), &ast, &self.engine);
        match self.run.end().0 {
            Some(_) if module.is_ok() => Err(fault::fault("it ends the run instead of defining functions")),
            _ => module,
        }
    }
}

/// The parser stops at the first unknown variable. Each is told and then taken for known, so that one run finds them all.
fn all_unknown(
    parse: impl Fn(&Scope<'_>) -> Result<AST, ParseError>,
    scope: &Scope<'_>,
    unit: &Unit<'_>,
    problems: &mut Vec<Diag>,
) -> Option<AST> {
    let mut scope = scope.clone();
    for _ in 0..UNKNOWN_MAX {
        let error = match parse(&scope) {
            Ok(ast) => return Some(ast),
            Err(error) => error,
        };
        problems.push(fault::syntax(error.err_type(), error.position(), unit, &lib::namespaces()));
        match error.err_type() {
            ParseErrorType::VariableUndefined(name) if !scope.contains(name) => scope.push(name.clone(), ()),
            _ => return None,
        };
    }
    None
}

/// Sorts problems into warnings and errors.
fn finish<T>(compiled: Option<T>, problems: Vec<Diag>, warnings: &mut Vec<Diag>) -> Result<T, Vec<Diag>> {
    let (errors, milder): (Vec<_>, Vec<_>) = problems.into_iter().partition(Diag::is_error);
    warnings.extend(milder);
    match compiled {
        Some(compiled) if errors.is_empty() => Ok(compiled),
        _ => Err(errors),
    }
}
