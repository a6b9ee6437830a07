//! The walk over statements and expressions.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::{Range, RangeInclusive};
use std::rc::Rc;

use rhai::{AST, ASTFlags, BinaryExpr, Expr, FnPtr, INT, Stmt};

use super::call::{Frame, Functions, Key};
use super::places::{Places, Step};
use super::value::{Scalar, Value};
use crate::json::Mask;

/// The frame of the script itself.
pub(super) const ROOT: usize = 0;

/// The functions that a script can have instead of a body, called with the event.
const HANDLERS: [&str; 6] = ["on_alias", "on_group", "on_identify", "on_page", "on_screen", "on_track"];

/// The state of the walk over one script.
pub(super) struct Walk {
    pub(super) places: Places,
    pub(super) functions: Functions,
    pub(super) frames: Vec<Frame>,
    /// The frame of each kind of call.
    pub(super) calls: BTreeMap<Key, usize>,
    /// The frames that were walked in this round.
    pub(super) visited: BTreeSet<usize>,
    /// The frame that is being walked, and how many are around it.
    pub(super) frame: usize,
    pub(super) level: usize,
    pub(super) changed: bool,
    pub(super) gave_up: bool,
}

impl Walk {
    pub(super) fn new(all: &[&AST]) -> Self {
        let root = Frame { variables: BTreeMap::from([("event".to_owned(), Value::at([0]))]), ..Frame::default() };
        Self {
            places: Places::new(),
            functions: Functions::new(all),
            frames: vec![root],
            calls: BTreeMap::new(),
            visited: BTreeSet::new(),
            frame: ROOT,
            level: 0,
            changed: false,
            gave_up: false,
        }
    }

    /// Walks everything once. Tells whether there was anything new.
    pub(super) fn round(&mut self, ast: &AST) -> bool {
        self.visited.clear();
        self.changed = false;
        self.frame = ROOT;
        self.statements(ast.statements());
        for function in ast.iter_functions() {
            if HANDLERS.contains(&function.name) {
                let arguments: Vec<Value> = function.params.iter().map(|_| Value::at([0])).collect();
                let result = self.enter_named(function.name, &Value::at([0]), &arguments);
                self.keep_event(&result.unwrap_or_default());
            } else if function.name.starts_with("on_") {
                self.gave_up = true;
            }
        }
        !self.gave_up && (self.places.take_changed() | self.changed)
    }

    pub(super) fn mask(&self) -> Mask {
        if self.gave_up { Mask::Whole } else { self.places.mask() }
    }

    pub(super) fn statements(&mut self, statements: &[Stmt]) -> Value {
        let mut last = Value::any();
        for statement in statements {
            last = self.statement(statement);
        }
        last
    }

    pub(super) fn statement(&mut self, statement: &Stmt) -> Value {
        match statement {
            Stmt::Expr(expression) => return self.expression(expression),
            Stmt::FnCall(call, _) => return self.function_call(call),
            Stmt::Block(block) => return self.statements(block.statements()),
            Stmt::If(flow, _) => {
                let condition = self.expression(&flow.expr);
                self.use_up(&condition);
                let mut value = self.statements(flow.body.statements());
                value.join(&self.statements(flow.branch.statements()));
                return value;
            }
            Stmt::Switch(switch, _) => {
                let chosen = self.expression(&switch.0);
                self.use_up(&chosen);
                let mut value = Value::any();
                for BinaryExpr { lhs, rhs } in &switch.1.expressions {
                    let condition = self.expression(lhs);
                    self.use_up(&condition);
                    value.join(&self.expression(rhs));
                }
                return value;
            }
            Stmt::While(flow, _) | Stmt::Do(flow, ..) => {
                let condition = self.expression(&flow.expr);
                self.use_up(&condition);
                self.statements(flow.body.statements());
            }
            Stmt::For(parts, _) => {
                let (name, counter, flow) = &**parts;
                let item = self.iterate(&flow.expr);
                self.assign(&name.name, &item);
                if let Some(counter) = counter {
                    self.assign(&counter.name, &Value::int());
                }
                self.statements(flow.body.statements());
            }
            Stmt::Var(variable, flags, _) => {
                let value = self.expression(&variable.1);
                if flags.intersects(ASTFlags::EXPORTED) {
                    self.store(&value);
                }
                self.assign(&variable.0.name, &value);
            }
            Stmt::Assignment(parts) => self.assignment(parts.0.is_op_assignment(), &parts.1),
            Stmt::Return(value, flags, _) => {
                let value = value.as_ref().map_or_else(Value::any, |value| self.expression(value));
                if flags.intersects(ASTFlags::BREAK) {
                    self.use_up(&value);
                } else {
                    let frame = self.frame;
                    self.changed |= self.frames[frame].result.join(&value);
                }
            }
            Stmt::BreakLoop(Some(value), ..) => {
                let value = self.expression(value);
                self.store(&value);
            }
            Stmt::BreakLoop(None, ..) | Stmt::Noop(_) | Stmt::Import(..) => {}
            Stmt::Share(names) => {
                for (name, _) in names.iter() {
                    let value = self.variable(&name.name);
                    self.use_up(&value);
                }
            }
            _ => self.gave_up = true,
        }
        Value::any()
    }

    fn iterate(&mut self, expression: &Expr) -> Value {
        let over = self.expression(expression);
        let counts = match expression {
            Expr::FnCall(call, _) => ["..", "..=", "range"].contains(&call.name.as_str()),
            Expr::DynamicConstant(constant, _) => constant.is::<Range<INT>>() || constant.is::<RangeInclusive<INT>>(),
            _ => false,
        };
        if counts {
            return Value::int();
        }
        self.step(&over, &Step::Items)
    }

    fn assignment(&mut self, with_operator: bool, parts: &BinaryExpr) {
        let value = self.expression(&parts.rhs);
        if with_operator {
            self.use_up(&value);
            let target = self.expression(&parts.lhs);
            self.use_up(&target);
        }
        match &parts.lhs {
            Expr::Variable(variable, ..) => {
                let value = if with_operator { Value::any() } else { value };
                self.assign(&variable.1, &value);
            }
            target => {
                let target = self.expression(target);
                // What goes back to where it came from has not moved.
                if target.places.len() != 1 || target.places != value.places {
                    self.store(&value);
                } else if value.callable {
                    self.gave_up = true;
                }
            }
        }
    }

    /// Gives a variable one more value that it can have. The order of assignments is not followed.
    pub(super) fn assign(&mut self, name: &str, value: &Value) {
        if self.frame == ROOT && name == "event" {
            self.keep_event(value);
        }
        let variable = self.frames[self.frame].variables.entry(name.to_owned()).or_default();
        self.changed |= variable.join(value);
    }

    /// What becomes the event in the place of the event must not be a part of it that later steps do not expect there.
    fn keep_event(&mut self, value: &Value) {
        for place in value.places.iter().filter(|place| **place != 0) {
            self.places.take_whole(*place);
        }
    }

    fn variable(&self, name: &str) -> Value {
        self.frames[self.frame].variables.get(name).cloned().unwrap_or_else(Value::any)
    }

    /// A value is looked at in ways that are not followed.
    pub(super) fn use_up(&mut self, value: &Value) {
        for place in &value.places {
            self.places.take_whole(*place);
        }
    }

    /// A value becomes part of another.
    pub(super) fn store(&mut self, value: &Value) {
        self.use_up(value);
        // Found again under a name, it would be called like a method of its own.
        self.gave_up |= value.callable;
    }

    pub(super) fn open(&mut self, value: &Value) {
        for place in &value.places {
            self.places.open(*place);
        }
    }

    /// What stands one step inside a value.
    pub(super) fn step(&mut self, value: &Value, step: &Step) -> Value {
        Value::at(value.places.iter().filter_map(|place| self.places.inside(*place, step)).collect::<Vec<_>>())
    }

    /// What stands in a value under a key or an index that a script computes.
    pub(super) fn index(&mut self, value: &Value, index: &Value) -> Value {
        self.use_up(index);
        if index.scalar == Scalar::Int && index.places.is_empty() {
            return self.step(value, &Step::Items);
        }
        let Some(keys) = index.texts() else {
            self.use_up(value);
            return Value::any();
        };
        let mut found = Value::any();
        for key in keys {
            found.join(&self.step(value, &Step::Key(Rc::clone(key))));
        }
        found
    }

    pub(super) fn expression(&mut self, expression: &Expr) -> Value {
        match expression {
            Expr::StringConstant(text, _) => Value::text(text),
            Expr::IntegerConstant(..) => Value::int(),
            Expr::DynamicConstant(constant, _) if constant.is::<FnPtr>() => Value::function(),
            Expr::DynamicConstant(..)
            | Expr::BoolConstant(..)
            | Expr::FloatConstant(..)
            | Expr::CharConstant(..)
            | Expr::Unit(_) => Value::any(),
            Expr::InterpolatedString(parts, _) => {
                let mut text = Value::text("");
                for part in parts {
                    let part = self.expression(part);
                    self.use_up(&part);
                    text = text.concat(&part);
                }
                text
            }
            Expr::Array(items, _) => {
                for item in items {
                    let item = self.expression(item);
                    self.store(&item);
                }
                Value::any()
            }
            Expr::Map(entries, _) => {
                for (_, entry) in &entries.0 {
                    let entry = self.expression(entry);
                    self.store(&entry);
                }
                Value::any()
            }
            // A module's variables were made before there was an event.
            Expr::Variable(variable, ..) if !variable.2.is_empty() => Value::any(),
            Expr::Variable(variable, ..) => self.variable(&variable.1),
            Expr::ThisPtr(_) => self.frames[self.frame].this.clone(),
            Expr::Stmt(block) => self.statements(block.statements()),
            Expr::FnCall(call, _) => self.function_call(call),
            Expr::Dot(parts, flags, _) => {
                let target = self.expression(&parts.lhs);
                self.chain(&target, false, *flags, &parts.rhs)
            }
            Expr::Index(parts, flags, _) => {
                let target = self.expression(&parts.lhs);
                self.chain(&target, true, *flags, &parts.rhs)
            }
            Expr::And(operands, _) | Expr::Or(operands, _) => {
                for operand in operands.iter() {
                    let operand = self.expression(operand);
                    self.use_up(&operand);
                }
                Value::any()
            }
            // Whether something is `()` is told without decoding it.
            Expr::Coalesce(operands, _) => {
                let mut value = Value::any();
                for operand in operands.iter() {
                    value.join(&self.expression(operand));
                }
                value
            }
            _ => {
                self.gave_up = true;
                Value::any()
            }
        }
    }

    /// The rest of a chain as `a.b[c].d`, which the interpreter keeps as `a` and the rest.
    fn chain(&mut self, target: &Value, is_index: bool, flags: ASTFlags, rest: &Expr) -> Value {
        match rest {
            Expr::Dot(parts, inner, _) | Expr::Index(parts, inner, _) if !flags.intersects(ASTFlags::BREAK) => {
                let next = self.link(target, is_index, &parts.lhs);
                self.chain(&next, matches!(rest, Expr::Index(..)), *inner, &parts.rhs)
            }
            last => self.link(target, is_index, last),
        }
    }

    fn link(&mut self, target: &Value, is_index: bool, link: &Expr) -> Value {
        if is_index {
            let index = self.expression(link);
            return self.index(target, &index);
        }
        match link {
            Expr::Property(property, _) => self.step(target, &Step::Key(property.2.as_str().into())),
            Expr::MethodCall(call, _) => self.method_call(target, call),
            _ => {
                self.gave_up = true;
                Value::any()
            }
        }
    }
}
