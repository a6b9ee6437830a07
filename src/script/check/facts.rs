//! One walk over a parsed script that notes what it calls, declares, uses and imports.

use std::collections::BTreeSet;

use rhai::{AST, ASTFlags, ASTNode, BinaryExpr, Expr, FnCallExpr, Position, Stmt};

use super::{GIVEN, messages, optional};

/// A call of a function.
#[derive(Debug)]
pub struct Call {
    /// `a` of `a::f(x)`; empty for a plain call.
    pub namespace: String,
    /// The function.
    pub name: String,
    /// Arguments between the parentheses.
    pub arguments: usize,
    /// Whether it is written `value.f(x)`.
    pub is_method: bool,
    /// The arguments that are literal texts.
    pub literals: Vec<Option<String>>,
    /// How the address begins that a function of `http` is given, and whether that is all of it.
    pub address: Option<(String, bool)>,
    /// Whether the first argument is a variable, which a native function can change.
    pub lends_variable: bool,
    /// Where.
    pub position: Position,
}

/// An `import`.
#[derive(Debug)]
pub struct Import {
    /// The path, if it is a literal.
    pub path: Option<String>,
    /// The name after `as`.
    pub alias: String,
    /// Where the path stands.
    pub position: Position,
}

/// What a script does, as far as its text tells.
#[derive(Debug, Default)]
pub struct Facts {
    /// All calls but operators.
    pub calls: Vec<Call>,
    /// All imports.
    pub imports: Vec<Import>,
    /// Names that `let` and `const` declare.
    declared: BTreeSet<String>,
    /// Names that hold values other than by `let`: parameters and loop variables.
    pub bound: BTreeSet<String>,
    /// Variables where they stand.
    read: Vec<(String, Position)>,
    /// Names that are read or written.
    pub used: BTreeSet<String>,
    /// Namespaces and imports that are named.
    pub namespaces: BTreeSet<String>,
    /// Keys of maps: a function can be kept under one.
    pub keys: BTreeSet<String>,
    /// Keys of maps that are written out: a default may stand under one.
    pub map_keys: BTreeSet<String>,
    /// The script's own functions with their number of parameters.
    pub functions: Vec<(String, usize)>,
    /// The script's own variables where a function uses them, which it cannot: name, function, place.
    pub unreachable: Vec<(String, String, Position)>,
    /// Fields of `event`, where they are named.
    pub event_fields: Vec<(String, Position)>,
    /// Entries of `settings`, where they are named.
    pub settings: Vec<(String, Position)>,
    /// Entries of `settings` that the script itself reckons may be missing: read with `?.`, `??`, `in` or compared with `()`.
    pub optional_settings: BTreeSet<String>,
    /// Entries of `delivery.headers`, where they are named.
    pub headers: Vec<(String, Position)>,
    /// Fields of messages that are written out: the function that sends them, the field, its place.
    pub sent: Vec<(&'static str, String, Position)>,
    /// Variables that are assigned to, or whose parts are.
    pub assigned: Vec<(String, Position)>,
    /// Methods that are called on a variable itself: the variable, and where the method's name stands.
    called_on: Vec<(String, Position)>,
}

impl Facts {
    /// Whether a variable of that name is used.
    pub fn mentions(&self, name: &str) -> bool {
        self.used.contains(name)
    }

    /// Where a variable is used first.
    pub fn first_use(&self, name: &str) -> Option<Position> {
        self.read.iter().find(|(read, _)| read == name).map(|(_, position)| *position)
    }

    /// Headers that are asked for by a literal name: `delivery.header("x")`, `delivery.headers["x"]`.
    pub fn asked_headers(&self) -> impl Iterator<Item = (&str, Position)> {
        let on_delivery =
            |call: &&Call| self.called_on.iter().any(|(name, at)| name == "delivery" && *at == call.position);
        let calls = self.calls.iter().filter(|call| call.is_method && call.name == "header").filter(on_delivery);
        let called = calls.filter_map(|call| Some((call.literals.first()?.as_deref()?, call.position)));
        called.chain(self.headers.iter().map(|(name, position)| (name.as_str(), *position)))
    }

    /// How often a variable is read.
    pub fn uses(&self, name: &str) -> usize {
        self.read.iter().filter(|(read, _)| read == name).count()
    }

    /// Whether the script declares a variable of that name.
    pub fn declares(&self, name: &str) -> bool {
        self.declared.contains(name)
    }

    /// Whether a method is called on a variable that there is not, as `Math.round(x)`: that has its own error.
    pub fn is_on_unknown(&self, method: Position) -> bool {
        let is_known = |name: &str| GIVEN.contains(&name) || self.binds(name);
        self.called_on.iter().any(|(name, position)| *position == method && !is_known(name))
    }

    /// Whether the script itself gives that name a value.
    pub fn binds(&self, name: &str) -> bool {
        self.bound.contains(name) || self.declared.contains(name)
    }
}

/// Collects the facts of a script that was parsed without optimisation.
pub fn facts(ast: &AST) -> Facts {
    let mut facts = Facts::default();
    for function in ast.iter_functions() {
        facts.functions.push((function.name.into(), function.params.len()));
        facts.bound.extend(function.params.iter().map(|name| (*name).to_string()));
    }
    for function in ast.iter_functions() {
        let only = only(ast, |name, params| name == function.name && params == function.params.len());
        // Closures are functions that get what they use of their surroundings as parameters.
        let mut inside = Facts::default();
        inside.bound.extend(function.params.iter().map(ToString::to_string));
        only.walk(&mut |path| {
            inside.node(path.last());
            true
        });
        let foreign = |(name, _): &&(String, Position)| GIVEN.contains(&name.as_str()) && !inside.binds(name);
        let told = |(name, at): &(String, Position)| (name.clone(), function.name.to_owned(), *at);
        facts.unreachable.extend(inside.read.iter().filter(foreign).map(told));
    }
    ast.walk(&mut |path| {
        facts.node(path.last());
        true
    });
    facts
}

/// Some of the functions of a script, and nothing else of it. (The interpreter's own function for this keeps all of them.)
pub fn only(ast: &AST, wanted: impl Fn(&str, usize) -> bool) -> AST {
    let mut ast = ast.clone();
    ast.clear_statements();
    ast.retain_functions(|_, _, name, params| wanted(name, params));
    ast
}

impl Facts {
    fn node(&mut self, node: Option<&ASTNode<'_>>) {
        match node {
            Some(ASTNode::Stmt(statement)) => self.statement(statement),
            Some(ASTNode::Expr(expression)) => self.expression(expression),
            _ => {}
        }
    }

    fn statement(&mut self, statement: &Stmt) {
        match statement {
            Stmt::Var(variable, flags, _) => {
                let name = &variable.0;
                self.declared.insert(name.name.to_string());
                if flags.contains(ASTFlags::EXPORTED) {
                    self.used.insert(name.name.to_string());
                }
            }
            Stmt::For(parts, _) => {
                self.bound.insert(parts.0.name.to_string());
                self.bound.extend(parts.1.iter().map(|counter| counter.name.to_string()));
            }
            Stmt::Assignment(parts) => {
                if let Some((name, position)) = root(&parts.1.lhs) {
                    self.assigned.push((name, position));
                }
            }
            Stmt::FnCall(call, position) => self.call(call, false, *position),
            Stmt::Import(parts, position) => {
                let path = match &parts.0 {
                    Expr::StringConstant(path, _) => Some(path.to_string()),
                    _ => None,
                };
                let position = if parts.0.position().is_none() { *position } else { parts.0.position() };
                self.imports.push(Import { path, alias: parts.1.name.to_string(), position });
            }
            Stmt::Export(parts, _) => {
                self.used.insert(parts.0.name.to_string());
            }
            Stmt::Share(names) => self.used.extend(names.iter().map(|(name, _)| name.name.to_string())),
            _ => {}
        }
    }

    fn expression(&mut self, expression: &Expr) {
        match expression {
            Expr::FnCall(call, position) => self.call(call, false, *position),
            Expr::MethodCall(call, position) => self.call(call, true, *position),
            Expr::Variable(variable, _, position) => {
                if variable.2.is_empty() {
                    self.read.push((variable.1.to_string(), *position));
                    self.used.insert(variable.1.to_string());
                } else {
                    if variable.2.root() == "global" {
                        self.used.insert(variable.1.to_string());
                    }
                    self.namespaces.insert(variable.2.root().to_string());
                }
            }
            Expr::Dot(parts, flags, _) | Expr::Index(parts, flags, _) => {
                self.chain(parts);
                self.optional_settings.extend(optional::in_chain(parts, *flags));
            }
            Expr::Coalesce(parts, _) => self.optional_settings.extend(optional::in_coalesce(parts)),
            Expr::Map(entries, _) => {
                let names = || entries.0.iter().map(|(key, _)| key.name.to_string());
                self.keys.extend(names());
                self.map_keys.extend(names());
            }
            Expr::Property(property, _) => {
                self.keys.insert(property.2.to_string());
            }
            _ => {}
        }
    }

    /// A chain as `event.properties.a` or `event["properties"]`: the variable, and all that follows.
    fn chain(&mut self, parts: &BinaryExpr) {
        let Expr::Variable(variable, _, _) = &parts.lhs else { return };
        if let Some(position) = method(&parts.rhs) {
            self.called_on.push((variable.1.to_string(), position));
        }
        let Some((name, position)) = entry(&parts.rhs) else { return };
        match variable.1.as_str() {
            "event" => self.event_fields.push((name, position)),
            "settings" => self.settings.push((name, position)),
            "delivery" if name == "headers" => {
                if let Expr::Dot(rest, _, _) | Expr::Index(rest, _, _) = &parts.rhs {
                    self.headers.extend(entry(&rest.rhs));
                }
            }
            _ => {}
        }
    }

    fn call(&mut self, call: &FnCallExpr, is_method: bool, position: Position) {
        self.optional_settings.extend(optional::in_call(call));
        if call.is_operator_call() {
            return;
        }
        let namespace = call.namespace.path.iter().map(|part| part.name.as_str()).collect::<Vec<_>>().join("::");
        if !call.namespace.is_empty() {
            self.namespaces.insert(call.namespace.root().to_string());
        }
        let literal = |argument: &Expr| match argument {
            Expr::StringConstant(text, _) => Some(text.to_string()),
            _ => None,
        };
        if !is_method {
            self.sent.extend(messages::sent(call));
        }
        self.calls.push(Call {
            address: (namespace == "http").then(|| address(call)).flatten(),
            namespace,
            name: call.name.to_string(),
            arguments: call.args.len(),
            is_method,
            literals: call.args.iter().map(literal).collect(),
            lends_variable: matches!(call.args.first(), Some(Expr::Variable(..) | Expr::ThisPtr(_))),
            position,
        });
    }
}

/// The first entry that a chain goes to from here, if it is named in the text.
pub(super) fn entry(expression: &Expr) -> Option<(String, Position)> {
    match expression {
        Expr::Property(property, position) => Some((property.2.to_string(), *position)),
        Expr::StringConstant(name, position) => Some((name.to_string(), *position)),
        Expr::Dot(parts, _, _) | Expr::Index(parts, _, _) => entry(&parts.lhs),
        _ => None,
    }
}

/// How the address begins that a function of `http` is given.
fn address(call: &FnCallExpr) -> Option<(String, bool)> {
    fn beginning(expression: &Expr) -> Option<(String, bool)> {
        match expression {
            Expr::StringConstant(text, _) => Some((text.to_string(), true)),
            Expr::InterpolatedString(parts, _) => beginning(parts.first()?).map(|(text, _)| (text, parts.len() == 1)),
            Expr::FnCall(sum, _) if sum.is_operator_call() && sum.name == "+" => {
                beginning(sum.args.first()?).map(|(text, _)| (text, false))
            }
            _ => None,
        }
    }
    beginning(call.args.get(usize::from(call.name == "request"))?)
}

/// Where the name of the method stands that a chain begins with.
fn method(expression: &Expr) -> Option<Position> {
    match expression {
        Expr::MethodCall(_, position) => Some(*position),
        Expr::Dot(parts, _, _) | Expr::Index(parts, _, _) => method(&parts.lhs),
        _ => None,
    }
}

/// The variable that an assignment's left side starts with.
fn root(expression: &Expr) -> Option<(String, Position)> {
    match expression {
        Expr::Variable(variable, _, position) if variable.2.is_empty() => Some((variable.1.to_string(), *position)),
        Expr::Dot(parts, _, _) | Expr::Index(parts, _, _) => root(&parts.lhs),
        _ => None,
    }
}
