//! Calls: of the script's own functions, which are walked, and of native ones, of which a few are known to look at little.

use std::collections::BTreeMap;
use std::rc::Rc;

use rhai::{AST, ASTNode, Expr, FnCallExpr, Stmt};

use super::doubts::is_closure;
use super::native;
use super::value::Value;
use super::walk::Walk;
use crate::script::check::only;

/// Kinds of calls that are told apart before the walk gives up.
const CALLS_MAX: usize = 4000;
/// Calls inside each other: more than the interpreter allows.
const LEVELS_MAX: usize = 64;

/// A function with the values that it is called with: what tells kinds of calls apart.
pub(super) type Key = (usize, Value, Vec<Value>);

/// What is known of the variables of the script or of one kind of call.
#[derive(Debug, Default)]
pub(super) struct Frame {
    pub(super) variables: BTreeMap<String, Value>,
    pub(super) this: Value,
    pub(super) result: Value,
}

/// The functions of a script and of all modules, by name and number of parameters. Which of several of one name a call means
/// is not asked: all are walked.
#[derive(Debug, Default)]
pub(super) struct Functions {
    all: Vec<Function>,
    named: BTreeMap<(String, usize), Vec<usize>>,
}

/// A function; those of one script that differ in the type of `this` only are one.
#[derive(Debug)]
struct Function {
    /// The names of the parameters, of each form.
    forms: Vec<Vec<String>>,
    body: Rc<[Stmt]>,
}

impl Functions {
    pub(super) fn new(all: &[&AST]) -> Self {
        let mut functions = Self::default();
        for ast in all {
            let mut forms: BTreeMap<(String, usize), Vec<Vec<String>>> = BTreeMap::new();
            for function in ast.iter_functions().filter(|function| !is_closure(function.name)) {
                let parameters: Vec<String> = function.params.iter().map(ToString::to_string).collect();
                forms.entry((function.name.to_owned(), parameters.len())).or_default().push(parameters);
            }
            for (key, forms) in forms {
                let body = body(ast, &key.0, key.1);
                functions.named.entry(key).or_default().push(functions.all.len());
                functions.all.push(Function { forms, body });
            }
        }
        functions
    }

    fn named(&self, name: &str, parameters: usize) -> Vec<usize> {
        self.named.get(&(name.to_owned(), parameters)).cloned().unwrap_or_default()
    }
}

/// The statements of a function, which the interpreter shows on a walk only.
fn body(ast: &AST, name: &str, parameters: usize) -> Rc<[Stmt]> {
    let mut statements = Vec::new();
    only(ast, |other, count| other == name && count == parameters).walk(&mut |path| {
        if let [ASTNode::Stmt(statement)] = path {
            statements.push((*statement).clone());
        }
        true
    });
    statements.into()
}

impl Walk {
    /// Walks every function of a script that has this name, with the values for its parameters.
    pub(super) fn enter_named(&mut self, name: &str, this: &Value, arguments: &[Value]) -> Option<Value> {
        let found = self.functions.named(name, arguments.len());
        let mut result = Value::default();
        for function in &found {
            result.join(&self.enter(*function, this, arguments));
        }
        (!found.is_empty()).then_some(result)
    }

    fn enter(&mut self, function: usize, this: &Value, arguments: &[Value]) -> Value {
        let key = (function, this.clone(), arguments.to_vec());
        let frame = self.calls.get(&key).copied().unwrap_or_else(|| {
            let variables = BTreeMap::new();
            self.frames.push(Frame { variables, this: this.clone(), result: Value::default() });
            self.calls.insert(key, self.frames.len() - 1);
            self.changed = true;
            self.frames.len() - 1
        });
        self.gave_up |= self.calls.len() > CALLS_MAX || self.level > LEVELS_MAX;
        // A function that calls itself gives what is known of it so far; the next round knows more.
        if self.gave_up || !self.visited.insert(frame) {
            return self.frames[frame].result.clone();
        }
        let outer = std::mem::replace(&mut self.frame, frame);
        self.level += 1;
        let Function { forms, body } = &self.functions.all[function];
        let (forms, body) = (forms.clone(), Rc::clone(body));
        for (name, value) in forms.iter().flat_map(|names| names.iter().zip(arguments)) {
            self.assign(name, value);
        }
        let mut result = Value::default();
        for statement in body.iter() {
            let value = self.statement(statement);
            // Where several forms stand one after the other, any statement may be a form's last.
            if forms.len() > 1 {
                result.join(&value);
            } else {
                result = value;
            }
        }
        self.level -= 1;
        self.frame = outer;
        self.changed |= self.frames[frame].result.join(&result);
        self.frames[frame].result.clone()
    }

    pub(super) fn function_call(&mut self, call: &FnCallExpr) -> Value {
        let name = call.name.as_str();
        let arguments: Vec<Value> = call.args.iter().map(|argument| self.expression(argument)).collect();
        if !call.namespace.is_empty() {
            let namespace = call.namespace.path.iter().map(|part| part.name.as_str()).collect::<Vec<_>>().join("::");
            let own = self.enter_named(name, &Value::any(), &arguments);
            if own.is_some() && !native::is_namespace(&namespace) {
                return own.unwrap_or_default();
            }
            let known = native::qualified(self, &namespace, name, &arguments);
            let known = known.unwrap_or_else(|| self.unknown(name, &arguments));
            return join(own, Some(known)).unwrap_or_default();
        }
        if let ("==" | "!=", [_, _], true) = (name, &arguments[..], call.args.iter().any(is_unit)) {
            // Whether something is `()` is told without decoding it.
            return Value::any();
        }
        if let ("+", [one, other]) = (name, &arguments[..])
            && one.texts().is_some()
        {
            let text = one.concat(other);
            self.use_up(other);
            return text;
        }
        if call.is_operator_call() && name != "contains" {
            for argument in &arguments {
                self.store(argument);
            }
            return Value::any();
        }
        let own = self.enter_named(name, &Value::any(), &arguments);
        // A variable can hold a function of this name.
        if self.holds(name) {
            let unknown = self.unknown(name, &arguments);
            return join(own, Some(unknown)).unwrap_or_default();
        }
        if own.is_some() && !native::is_known(name) {
            return own.unwrap_or_default();
        }
        let known = arguments.split_first().and_then(|(first, rest)| native::method(self, first, name, rest));
        let known = known.unwrap_or_else(|| self.unknown(name, &arguments));
        join(own, Some(known)).unwrap_or_default()
    }

    pub(super) fn method_call(&mut self, target: &Value, call: &FnCallExpr) -> Value {
        let name = call.name.as_str();
        let arguments: Vec<Value> = call.args.iter().map(|argument| self.expression(argument)).collect();
        let own = self.enter_named(name, target, &arguments);
        if own.is_some() {
            // Which form is called depends on what it is.
            self.open(target);
            if !native::is_known(name) {
                return own.unwrap_or_default();
            }
        }
        let known = native::method(self, target, name, &arguments).unwrap_or_else(|| {
            self.use_up(target);
            self.unknown(name, &arguments)
        });
        join(own, Some(known)).unwrap_or_default()
    }

    /// A function of which nothing is known looks at all that it gets.
    fn unknown(&mut self, name: &str, arguments: &[Value]) -> Value {
        for argument in arguments {
            self.use_up(argument);
            self.gave_up |= argument.callable && !native::takes_functions(name);
        }
        if name == "curry" { Value::function() } else { Value::any() }
    }
}

fn join(one: Option<Value>, other: Option<Value>) -> Option<Value> {
    match (one, other) {
        (Some(mut one), Some(other)) => {
            one.join(&other);
            Some(one)
        }
        (one, other) => one.or(other),
    }
}

fn is_unit(expression: &Expr) -> bool {
    matches!(expression, Expr::Unit(_))
}
