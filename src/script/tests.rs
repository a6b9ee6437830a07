//! Tests of the host with the real interpreter.

mod checks;
mod examples;
mod handlers;
mod imports;
mod library;
mod own;
mod runs;
mod sandbox;
mod sorting;
mod traps;

use std::rc::Rc;
use std::sync::Arc;

use bytes::Bytes;
use rhai::Dynamic;

use super::{Failure, Host, Input, Limits, Ran, STACK_BYTES, Script, Unit};
use crate::diag::Diag;
use crate::event::{Delivery, Origin};
use crate::json;
use crate::tree::Tree;

/// 2026-01-15T10:20:30Z.
const NOW_MS: i64 = 1_768_472_430_000;

fn delivery() -> Delivery {
    Delivery {
        seq: 7,
        pipeline: "shop".into(),
        source: "shopify".into(),
        received_ms: NOW_MS,
        method: "POST".into(),
        path: "/eu".into(),
        query: "tag=a+b&tag=c".into(),
        peer: "192.0.2.7".into(),
        headers: vec![("x-topic".into(), "orders/create".into())],
        body: Bytes::from_static(b"{\"id\":1}"),
    }
}

fn value(json: &str) -> Dynamic {
    json::decode_plain(json.as_bytes(), &json::Limits::default()).unwrap()
}

fn json_of(value: &Dynamic) -> String {
    let mut out = Vec::new();
    json::encode(value, &json::Tape::default(), &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

fn host(tree: Tree) -> Rc<Host> {
    // Tests run unoptimised, on busy machines and beside each other; time and memory have their own tests.
    Host::new(&Arc::new(tree), Limits { time_ms: 60_000, memory_bytes: u64::MAX, ..Limits::default() })
}

fn unit<'a>(file: &'a str, text: &'a str) -> Unit<'a> {
    Unit { file, text, node: None, file_text: text }
}

fn compile(host: &Rc<Host>, text: &str) -> Result<Script, Vec<Diag>> {
    host.script(&unit("scripts/main.rhai", text), &mut Vec::new())
}

fn run(script: &Script, event: &str) -> Result<Ran, Failure> {
    let settings = super::constant(value(r#"{"shop":"north","list":[1,2]}"#));
    let input = Input {
        event: value(event),
        delivery: &delivery(),
        identity: "example-1",
        origin: Origin::default(),
        settings: &settings,
        now_ms: NOW_MS,
    };
    script.run(input)
}

/// Compiles and runs a script over an event.
fn eval(text: &str, event: &str) -> Result<Ran, Failure> {
    let script = compile(&host(Tree::new()), text).unwrap_or_else(|problems| panic!("{problems:?}"));
    run(&script, event)
}

/// The event after a script.
fn after(text: &str, event: &str) -> String {
    json_of(&eval(text, event).unwrap().event.unwrap())
}

/// The fault of a script: code and message.
fn error(text: &str) -> super::ScriptError {
    match eval(text, "{}") {
        Err(Failure::Error(error)) => error,
        other => panic!("{other:?}"),
    }
}

/// Runs on a thread with the stack that workers have.
fn on_worker_stack<T: Send + 'static>(test: impl FnOnce() -> T + Send + 'static) -> T {
    let thread = std::thread::Builder::new().stack_size(STACK_BYTES).spawn(test).unwrap();
    thread.join().unwrap()
}
