//! What a script or module calls of its own is called by a name that nobody else has.
//!
//! The interpreter remembers for a whole run what a called name stands for, by the name and the number of arguments alone, and not
//! by the module that the call is in. So two modules with functions of the same name would get each other's, and a method that
//! was called inside its module first would run without the module's imports and functions when it is called from outside.
//!
//! Therefore each file is parsed with its calls of its own functions renamed (`total` → `total__own3`), and has each function
//! twice: under its own name, for whoever imports it, and under the name by which the file itself calls it and hands it on. The
//! names are exchanged as the parser takes them in, so that all places stay what they are, and a run costs what it did.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::rc::Rc;

use rhai::{AST, ASTNode, Engine, Expr, Position, Scope, Token};

use super::check::{Call, Facts, Function, Names, imported_methods, is_library_method, outline};
use super::host::Host;
use super::modules::file_of;
use super::place::Unit;
use super::run::Fault;
use crate::diag::Diag;

/// Between a name and the number of its file.
const MARK: &str = "__own";

/// The names that the text being parsed has exchanged.
#[derive(Debug, Default)]
pub struct Marks {
    places: RefCell<BTreeSet<Position>>,
    files: RefCell<usize>,
}

impl Marks {
    /// Lets the parser ask here for each word.
    pub fn install(self: &Rc<Self>, engine: &mut Engine) {
        let marks = Rc::clone(self);
        #[expect(
            deprecated,
            reason = "it is marked because it may change with the interpreter's version, which is locked"
        )]
        engine.on_parse_token(move |token, position, _| marks.exchange(token, position));
    }

    fn exchange(&self, token: Token, position: Position) -> Token {
        match token {
            Token::Identifier(name) if self.is_at(position) => Token::Identifier(Box::new(self.marked(&name).into())),
            Token::StringConstant(name) if self.is_at(position) => {
                Token::StringConstant(Box::new(self.marked(&name).into()))
            }
            other => other,
        }
    }

    fn is_at(&self, position: Position) -> bool {
        self.places.borrow().contains(&position)
    }

    fn marked(&self, name: &str) -> String {
        format!("{name}{MARK}{}", self.files.borrow())
    }

    /// Parses with the names at some places exchanged.
    fn parse(&self, engine: &Engine, text: &str, scope: &Scope<'_>, places: BTreeSet<Position>) -> Result<AST, Fault> {
        self.places.replace(places);
        let parsed = engine.compile_with_scope(scope, text);
        self.places.take();
        Ok(parsed?)
    }
}

/// The name as it stands in the text.
pub fn plain(name: &str) -> &str {
    match name.rsplit_once(MARK) {
        Some((plain, number)) if !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()) => plain,
        _ => name,
    }
}

/// Whether a function is the copy for the calls of its own file.
pub fn is_marked(name: &str) -> bool {
    plain(name).len() < name.len()
}

/// The same script, calling its own functions by names that nobody else has.
pub fn separated(
    host: &Host,
    marks: &Marks,
    ast: AST,
    facts: &Facts,
    scope: &Scope<'_>,
    text: &str,
) -> Result<AST, Fault> {
    let functions = outline(host.engine(), text);
    let own = Own { functions: &functions, imported: imported_methods(host, facts) };
    let mut calls: BTreeSet<_> = facts.calls.iter().filter(|call| own.has(call)).map(|call| call.position).collect();
    calls.extend(values(&ast, &functions, scope));
    if calls.is_empty() {
        return Ok(ast);
    }
    *marks.files.borrow_mut() += 1;
    let mut scope = scope.clone();
    for function in &functions {
        // The parser does not know yet that there will be a function for a value of this name.
        scope.push(marks.marked(&function.name), ());
    }
    let mut all = calls.clone();
    all.extend(functions.iter().map(|function| function.position));
    let mut separated = marks.parse(host.engine(), text, &scope, calls)?;
    let mut copies = marks.parse(host.engine(), text, &scope, all)?;
    copies.clear_statements();
    separated.combine(copies);
    Ok(separated)
}

/// What a file defines, and what it calls that is not its own.
pub fn names(host: &Host, ast: &AST, facts: &Facts, text: &str) -> Names {
    let functions = outline(host.engine(), text);
    let own = Own { functions: &functions, imported: imported_methods(host, facts) };
    let calls = facts.calls.iter().filter(|call| call.namespace.is_empty() && !own.has(call));
    let defined = ast.iter_functions().filter(|function| functions.iter().any(|own| own.name == function.name));
    Names {
        imports: facts.imports.iter().filter_map(|import| file_of(import.path.as_deref()?)).collect(),
        calls: calls.map(|call| (call.name.clone(), call.arguments, call.is_method)).collect(),
        functions: defined
            .map(|function| (function.this_type.map(Into::into), function.name.into(), function.params.len()))
            .collect(),
        hands_on: ast.iter_functions().any(|function| function.name.starts_with("anon$"))
            || !values(ast, &functions, &Scope::new()).is_empty(),
    }
}

/// What a module calls itself as a method, and whose name stands for something else too, depending on what it is called on.
pub fn ambiguous(host: &Host, facts: &Facts, unit: &Unit<'_>, problems: &mut Vec<Diag>) {
    let functions = outline(host.engine(), unit.text);
    let own = Own { functions: &functions, imported: imported_methods(host, facts) };
    for function in &functions {
        let is_this =
            |call: &&Call| call.is_method && call.name == function.name && call.arguments == function.params.len();
        if facts.calls.iter().any(|call| is_this(&call)) && own.is_elsewhere(&function.name, function.params.len()) {
            let diag = Diag::error("ambiguous-method", format!("`{}` is more than this module's", function.name));
            let help =
                "the library or an import has one of that name, and the module calls it itself: give it another name";
            problems.push(unit.at(diag.help(help), function.position));
        }
    }
}

/// Where functions are handed on as values: by their bare name, or as `Fn("name")`.
fn values(ast: &AST, functions: &[Function], scope: &Scope<'_>) -> BTreeSet<Position> {
    let is_own = |name: &str| {
        !scope.contains(name) && functions.iter().any(|function| !function.is_method && function.name == name)
    };
    let mut found = BTreeSet::new();
    ast.walk(&mut |path| {
        match path.last() {
            // A variable has an index, also if it is named like a function.
            Some(ASTNode::Expr(Expr::Variable(variable, None, position)))
                if variable.0.is_none() && variable.2.is_empty() && is_own(&variable.1) =>
            {
                found.insert(*position);
            }
            Some(ASTNode::Expr(Expr::FnCall(call, _))) if call.name == "Fn" && call.namespace.is_empty() => {
                if let [Expr::StringConstant(name, position)] = call.args.as_slice()
                    && is_own(name)
                {
                    found.insert(*position);
                }
            }
            _ => {}
        }
        true
    });
    found
}

struct Own<'a> {
    functions: &'a [Function],
    imported: Vec<(String, usize)>,
}

impl Own<'_> {
    /// Whether a call means a function of the file, whatever it is called on.
    fn has(&self, call: &Call) -> bool {
        let mut same = self.functions.iter().filter(|function| {
            function.name == call.name
                && function.params.len() == call.arguments
                && (call.is_method || !function.is_method)
        });
        call.namespace.is_empty() && same.next().is_some_and(|_| !self.may_be_other(call))
    }

    /// Whether what the method is called on decides between one of the file and one from elsewhere.
    fn may_be_other(&self, call: &Call) -> bool {
        call.is_method && self.is_elsewhere(&call.name, call.arguments)
    }

    fn is_elsewhere(&self, name: &str, arguments: usize) -> bool {
        let imports = self.imported.iter().any(|(known, count)| known == name && *count == arguments);
        // A function that is no method goes before the library's, whatever it is called on.
        let goes_before = |own: &Function| !own.is_method && own.name == name && own.params.len() == arguments;
        imports || is_library_method(name, arguments) && !self.functions.iter().any(goes_before)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_told_from_its_mark() {
        for (name, told) in [("f__own1", "f"), ("f__own", "f__own"), ("f__own1x", "f__own1x"), ("f", "f")] {
            assert_eq!(plain(name), told);
        }
        assert!(is_marked("a__own__own12") && !is_marked("__owner"));
    }
}
