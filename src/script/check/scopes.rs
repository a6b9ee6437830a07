//! Variables in their scopes: which are declared and never used, and which hide one that is still there.
//!
//! A variable that hides one of an outer block is mostly meant as an assignment, by people who know languages where a name
//! without `let` is enough. In the same block it is another value under the same name on purpose: `let name = text::trim(name);`.

use std::collections::BTreeSet;

use rhai::{AST, ASTFlags, ASTNode, Expr, Position, Stmt};

use super::settings::CHOICES;
use super::{GIVEN, facts};
use crate::diag::Diag;
use crate::script::place::Unit;

/// A variable that is in sight.
struct Variable {
    name: String,
    position: Position,
    is_used: bool,
}

#[derive(Default)]
struct Scopes {
    /// The blocks that are open, outermost first.
    blocks: Vec<Vec<Variable>>,
    unused: Vec<(String, Position)>,
    hiding: Vec<(String, Position)>,
    /// Constants that functions use as `global::NAME`.
    global: BTreeSet<String>,
}

/// Checks the variables of a script or a module that was parsed without optimisation.
pub fn scopes(ast: &AST, unit: &Unit<'_>, problems: &mut Vec<Diag>) {
    let mut scopes = Scopes::default();
    ast.walk(&mut |path| {
        if let Some(ASTNode::Expr(Expr::Variable(variable, _, _))) = path.last()
            && !variable.2.is_empty()
            && variable.2.root() == "global"
        {
            scopes.global.insert(variable.1.to_string());
        }
        true
    });
    scopes.run(&GIVEN, ast.statements());
    scopes.global.clear();
    for function in ast.iter_functions() {
        let mut body = Vec::new();
        facts::only(ast, |name, params| name == function.name && params == function.params.len()).walk(&mut |path| {
            if let [ASTNode::Stmt(statement)] = path {
                body.push((*statement).clone());
            }
            true
        });
        scopes.run(&function.params, &body);
    }
    for (name, position) in scopes.unused {
        let diag = Diag::warning("unused-variable", format!("`{name}` is never used"));
        problems.push(unit.at(diag.help(format!("remove it, or call it `_{name}`")), position));
    }
    for (name, position) in scopes.hiding {
        let diag = if GIVEN.contains(&name.as_str()) {
            Diag::warning("shadowed-name", format!("`let {name}` hides the script's own `{name}`"))
        } else {
            Diag::warning("shadowed-variable", format!("`let {name}` hides the `{name}` that is already there"))
        };
        problems.push(unit.at(diag.help(format!("write `{name} = …` to change it, or take another name")), position));
    }
}

impl Scopes {
    /// Goes through the statements of a script or a function, which is given variables.
    fn run(&mut self, given: &[&str], statements: &[Stmt]) {
        let given = given.iter().map(|name| Variable::given((*name).to_string(), Position::NONE));
        self.blocks = vec![given.collect()];
        self.block(statements);
        self.blocks.clear();
    }

    fn block<'a>(&mut self, statements: impl IntoIterator<Item = &'a Stmt>) {
        self.block_with(Vec::new(), statements);
    }

    fn block_with<'a>(&mut self, variables: Vec<Variable>, statements: impl IntoIterator<Item = &'a Stmt>) {
        self.blocks.push(variables);
        for statement in statements {
            self.statement(statement);
        }
        let closed = self.blocks.pop().unwrap_or_default();
        let unused = closed.into_iter().filter(|variable| !variable.is_used && !variable.name.starts_with('_'));
        self.unused.extend(unused.map(|variable| (variable.name, variable.position)));
    }

    fn statement(&mut self, statement: &Stmt) {
        match statement {
            Stmt::Var(parts, flags, _) => {
                self.expression(&parts.1);
                self.declare(&parts.0.name, parts.0.pos, flags.contains(ASTFlags::EXPORTED));
            }
            Stmt::If(flow, _) | Stmt::While(flow, _) | Stmt::Do(flow, _, _) => {
                self.expression(&flow.expr);
                self.block(flow.body.iter());
                self.block(flow.branch.iter());
            }
            Stmt::For(parts, _) => {
                self.expression(&parts.2.expr);
                let names = [Some(&parts.0), parts.1.as_ref()].into_iter().flatten();
                // A loop may just count.
                let variables = names.map(|name| Variable::given(name.name.to_string(), name.pos)).collect();
                self.block_with(variables, parts.2.body.iter());
            }
            Stmt::TryCatch(flow, _) => {
                self.block(flow.body.iter());
                let caught = match &flow.expr {
                    Expr::Variable(variable, _, position) => vec![Variable::given(variable.1.to_string(), *position)],
                    _ => Vec::new(),
                };
                self.block_with(caught, flow.branch.iter());
            }
            Stmt::Switch(parts, _) => {
                self.expression(&parts.0);
                for case in &parts.1.expressions {
                    self.expression(&case.lhs);
                    self.expression(&case.rhs);
                }
            }
            Stmt::Block(block) => self.block(block.iter()),
            Stmt::Assignment(parts) => {
                self.expression(&parts.1.lhs);
                self.expression(&parts.1.rhs);
            }
            Stmt::FnCall(call, _) => call.args.iter().for_each(|argument| self.expression(argument)),
            Stmt::Expr(expression) => self.expression(expression),
            Stmt::Return(Some(expression), _, _) | Stmt::BreakLoop(Some(expression), _, _) => {
                self.expression(expression);
            }
            Stmt::Import(parts, _) => self.expression(&parts.0),
            Stmt::Export(parts, _) => self.used(&parts.0.name),
            Stmt::Share(names) => names.iter().for_each(|(name, _)| self.used(&name.name)),
            _ => {}
        }
    }

    fn expression(&mut self, expression: &Expr) {
        match expression {
            Expr::Variable(variable, _, _) if variable.2.is_empty() => self.used(&variable.1),
            Expr::Stmt(block) => self.block(block.iter()),
            Expr::Array(inner, _) | Expr::InterpolatedString(inner, _) => {
                inner.iter().for_each(|inner| self.expression(inner));
            }
            Expr::Map(entries, _) => entries.0.iter().for_each(|(_, value)| self.expression(value)),
            Expr::Dot(parts, _, _) | Expr::Index(parts, _, _) => {
                self.expression(&parts.lhs);
                self.expression(&parts.rhs);
            }
            Expr::And(parts, _) | Expr::Or(parts, _) | Expr::Coalesce(parts, _) => {
                parts.iter().for_each(|part| self.expression(part));
            }
            Expr::FnCall(call, _) | Expr::MethodCall(call, _) => {
                call.args.iter().for_each(|argument| self.expression(argument));
            }
            _ => {}
        }
    }

    fn declare(&mut self, name: &str, position: Position, is_exported: bool) {
        let count = self.blocks.len();
        let outer = self.blocks[..count - 1].iter().rev().flat_map(|block| block.iter().rev());
        let hidden = outer.into_iter().find(|variable| variable.name == name);
        // A parameter may be taken under its own name: `let name = text::trim(name);`.
        let is_hiding = |hidden: &Variable| hidden.position.line().is_some() || GIVEN.contains(&name) || count > 2;
        let hides = !name.starts_with('_') && hidden.is_some_and(is_hiding);
        if hides {
            self.hiding.push((name.to_owned(), position));
        }
        // What is told once is not told again as unused.
        let is_global = count == 2 && (self.global.contains(name) || name == CHOICES);
        let is_used = is_exported || hides || is_global;
        if let Some(block) = self.blocks.last_mut() {
            block.push(Variable { name: name.to_owned(), position, is_used });
        }
    }

    fn used(&mut self, name: &str) {
        let visible = self.blocks.iter_mut().rev().flat_map(|block| block.iter_mut().rev());
        if let Some(variable) = visible.into_iter().find(|variable| variable.name == name) {
            variable.is_used = true;
        }
    }
}

impl Variable {
    /// A variable that nobody is asked to use.
    fn given(name: String, position: Position) -> Self {
        Self { name, position, is_used: true }
    }
}
