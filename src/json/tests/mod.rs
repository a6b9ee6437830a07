//! Tests of the codec.

mod errors;
mod fidelity;
mod lent;
mod masked;
mod order;
mod properties;

use std::rc::Rc;

use rhai::{Dynamic, Engine, Scope};

use super::{Limits, Tape, decode, encode};

/// Decodes a text that is correct.
fn read(text: &str) -> (Dynamic, Rc<Tape>) {
    decode(text.as_bytes(), &Limits::default()).unwrap()
}

/// Encodes a value that has a text.
fn written(value: &Dynamic, tape: &Tape) -> String {
    let mut out = Vec::new();
    encode(value, tape, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

/// The text of `e` after a script has had it.
fn after(text: &str, script: &str) -> String {
    let (value, tape) = read(text);
    written(&run(value, script), &tape)
}

fn run(value: Dynamic, script: &str) -> Dynamic {
    let mut scope = Scope::new();
    scope.push_dynamic("e", value);
    Engine::new().run_with_scope(&mut scope, script).unwrap();
    scope.get("e").unwrap().clone()
}
