//! The codec beside `serde_json::Value`, and the whole inner loop beside the same rewrite in native Rust.
//!
//! `cargo bench --bench codec` prints divan's table of the parts and then, for both events, how many times as long the
//! loop bytes → script → bytes takes as plain Rust on `serde_json::Value`, and as plain Node. As in a pipeline, only what the
//! script reads is decoded. The goal is 2.1 at most for event A (a
//! browser track, 1.1 KB) and 1.6 for event B (a shop's order, 6 KB), with the sandbox's limits on.
#![allow(missing_docs, clippy::unwrap_used, reason = "a benchmark stops at the first thing that does not work")]

use std::hint::black_box;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use cartwire::event::{Delivery, Origin};
use cartwire::json::{self, Limits, Mask, Tape};
use cartwire::script::{Host, Input, Limits as ScriptLimits, Script, Unit, constant};
use cartwire::tree::Tree;
use rhai::Dynamic;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const EVENT_A: &str = include_str!("../tests/fixtures/bench/event_a.json");
const EVENT_B: &str = include_str!("../tests/fixtures/bench/event_b.json");

/// Fifteen statements: what a typical rewrite of a track does.
const SCRIPT_A: &str = r#"
    if event.type != "track" { drop("no track"); }
    event.event = "Order Completed";
    let email = event.properties.email;
    email.trim();
    email.make_lower();
    event.properties.email_sha256 = hash::sha256(email);
    event.properties.store = "north";
    event.userId = email;
    event.properties.remove("email");
    event.properties.remove("internal_note");
    let sum = 0.0;
    for product in event.properties.products { sum += product.price * product.quantity; }
    event.properties.revenue = sum;
    event.context.app = #{ name: "shop", version: "1.4.2" };
    event.context.ip = "0.0.0.0";
"#;

/// The same on an order as the shop sends it, where prices are strings.
const SCRIPT_B: &str = r#"
    if event.test { drop("a test"); }
    event.event = "Order Completed";
    let email = event.email;
    email.trim();
    email.make_lower();
    event.customer.email_sha256 = hash::sha256(email);
    event.source_name = "north";
    event.contact_email = email;
    event.remove("email");
    event.remove("note");
    let sum = 0.0;
    for item in event.line_items { sum += parse_float(item.price) * item.quantity; }
    event.revenue = sum;
    event.client_details.app = #{ name: "shop", version: "1.4.2" };
    event.client_details.browser_ip = "0.0.0.0";
"#;

fn main() {
    divan::main();
    // `cargo test --benches` runs this program too, once over, without the time for rounds.
    if std::env::args().any(|argument| argument == "--bench") {
        ratio("A", EVENT_A, SCRIPT_A, native_a);
        ratio("B", EVENT_B, SCRIPT_B, native_b);
    }
}

fn event(name: &str) -> &'static str {
    if name == "A" { EVENT_A } else { EVENT_B }
}

#[divan::bench_group]
mod decode {
    use super::{Limits, Value, event, json};

    #[divan::bench(args = ["A", "B"])]
    fn cartwire(name: &str) -> rhai::Dynamic {
        json::decode(event(name).as_bytes(), &Limits::default()).unwrap().0
    }

    #[divan::bench(args = ["A", "B"])]
    fn cartwire_plain(name: &str) -> rhai::Dynamic {
        json::decode_plain(event(name).as_bytes(), &Limits::default()).unwrap()
    }

    #[divan::bench(args = ["A", "B"])]
    fn serde_json(name: &str) -> Value {
        serde_json::from_slice(event(name).as_bytes()).unwrap()
    }
}

#[divan::bench_group]
mod encode_untouched {
    use super::{Limits, Value, event, json};

    #[divan::bench(args = ["A", "B"])]
    fn cartwire(bencher: divan::Bencher, name: &str) {
        let (value, tape) = json::decode(event(name).as_bytes(), &Limits::default()).unwrap();
        let mut out = Vec::new();
        bencher.bench_local(|| {
            out.clear();
            json::encode(&value, &tape, &mut out).unwrap();
        });
    }

    #[divan::bench(args = ["A", "B"])]
    fn serde_json(bencher: divan::Bencher, name: &str) {
        let value: Value = serde_json::from_str(event(name)).unwrap();
        let mut out = Vec::new();
        bencher.bench_local(|| {
            out.clear();
            serde_json::to_writer(&mut out, &value).unwrap();
        });
    }
}

#[divan::bench_group]
mod round_trip {
    use super::{Limits, Value, event, json};

    #[divan::bench(args = ["A", "B"])]
    fn cartwire(bencher: divan::Bencher, name: &str) {
        let mut out = Vec::new();
        bencher.bench_local(|| {
            out.clear();
            let (value, tape) = json::decode(event(name).as_bytes(), &Limits::default()).unwrap();
            json::encode(&value, &tape, &mut out).unwrap();
        });
    }

    #[divan::bench(args = ["A", "B"])]
    fn serde_json(bencher: divan::Bencher, name: &str) {
        let mut out = Vec::new();
        bencher.bench_local(|| {
            out.clear();
            let value: Value = serde_json::from_str(event(name)).unwrap();
            serde_json::to_writer(&mut out, &value).unwrap();
        });
    }
}

/// A script in the sandbox that `run` uses, with its usual limits.
struct Program {
    script: Script,
    mask: Mask,
    delivery: Delivery,
    settings: Dynamic,
}

impl Program {
    fn new(text: &str) -> Self {
        let host = Host::new(&Arc::new(Tree::new()), ScriptLimits::default());
        let unit = Unit { file: "bench.rhai", text, node: None, file_text: text };
        let script = host.script(&unit, &mut Vec::new()).unwrap();
        let mask = script.reads();
        Self { script, mask, delivery: Delivery::default(), settings: constant(Dynamic::from_map(rhai::Map::new())) }
    }

    fn rewrite(&self, text: &[u8], out: &mut Vec<u8>) {
        let (event, tape) = self.decode(text);
        json::encode(&self.run(event), &tape, out).unwrap();
    }

    fn decode(&self, text: &[u8]) -> (Dynamic, Rc<Tape>) {
        json::decode_masked(Bytes::copy_from_slice(text), &Limits::default(), &self.mask).unwrap()
    }

    fn run(&self, event: Dynamic) -> Dynamic {
        let input = Input {
            event,
            delivery: &self.delivery,
            identity: "bench",
            origin: Origin::default(),
            settings: &self.settings,
            now_ms: 0,
        };
        self.script.run(input).unwrap().event.unwrap()
    }
}

fn sha256(text: &str) -> String {
    hex::encode(Sha256::digest(text.as_bytes()))
}

fn native_a(text: &[u8], out: &mut Vec<u8>) {
    let mut event: Value = serde_json::from_slice(text).unwrap();
    if event["type"] != "track" {
        return;
    }
    event["event"] = "Order Completed".into();
    let email = event["properties"]["email"].as_str().unwrap().trim().to_lowercase();
    let properties = event["properties"].as_object_mut().unwrap();
    properties.insert("email_sha256".into(), sha256(&email).into());
    properties.insert("store".into(), "north".into());
    properties.remove("email");
    properties.remove("internal_note");
    let mut sum = 0.0;
    for product in properties["products"].as_array().unwrap() {
        sum += product["price"].as_f64().unwrap() * product["quantity"].as_f64().unwrap();
    }
    properties.insert("revenue".into(), sum.into());
    event["userId"] = email.into();
    event["context"]["app"] = json!({ "name": "shop", "version": "1.4.2" });
    event["context"]["ip"] = "0.0.0.0".into();
    serde_json::to_writer(out, &event).unwrap();
}

fn native_b(text: &[u8], out: &mut Vec<u8>) {
    let mut event: Value = serde_json::from_slice(text).unwrap();
    if event["test"] == true {
        return;
    }
    event["event"] = "Order Completed".into();
    let email = event["email"].as_str().unwrap().trim().to_lowercase();
    event["customer"]["email_sha256"] = sha256(&email).into();
    event["source_name"] = "north".into();
    let order = event.as_object_mut().unwrap();
    order.insert("contact_email".into(), email.into());
    order.remove("email");
    order.remove("note");
    let mut sum = 0.0;
    for item in order["line_items"].as_array().unwrap() {
        let price: f64 = item["price"].as_str().unwrap().parse().unwrap();
        sum += price * item["quantity"].as_f64().unwrap();
    }
    order.insert("revenue".into(), sum.into());
    event["client_details"]["app"] = json!({ "name": "shop", "version": "1.4.2" });
    event["client_details"]["browser_ip"] = "0.0.0.0".into();
    serde_json::to_writer(out, &event).unwrap();
}

/// Prints how the inner loop compares with native code: medians of rounds in turn, so that a busy machine slows both.
fn ratio(name: &str, event: &str, script: &str, native: fn(&[u8], &mut Vec<u8>)) {
    const ROUNDS: usize = 101;
    let program = Program::new(script);
    let events = variants(event);
    let mut out = Vec::with_capacity(16 * 1024);
    check(&program, native, &events);

    let mut parts: [(&str, Vec<f64>); 6] =
        ["inner loop", "native", "decode", "script", "encode", "drop"].map(|part| (part, Vec::new()));
    for _ in 0..ROUNDS {
        parts[0].1.push(time(&events, |text| {
            out.clear();
            program.rewrite(text, &mut out);
        }));
        parts[1].1.push(time(&events, |text| {
            out.clear();
            native(text, &mut out);
        }));
        let mut decoded: Vec<(Dynamic, Rc<Tape>)> = Vec::new();
        parts[2].1.push(time(&events, |text| {
            decoded.push(program.decode(text));
        }));
        let mut done = Vec::new();
        parts[3].1.push(time(&decoded, |(event, tape)| {
            done.push((program.run(event.clone()), Rc::clone(tape)));
        }));
        drop(decoded);
        parts[4].1.push(time(&done, |(event, tape)| {
            out.clear();
            json::encode(event, tape, &mut out).unwrap();
        }));
        let count = done.len() as f64;
        let start = Instant::now();
        drop(done);
        parts[5].1.push(start.elapsed().as_nanos() as f64 / count);
    }
    let median = |times: &mut Vec<f64>| {
        times.sort_by(f64::total_cmp);
        times[times.len() / 2]
    };
    let medians = parts.map(|(part, mut times)| (part, median(&mut times)));
    println!("inner loop {name}: {:.2}x of serde_json::Value native", medians[0].1 / medians[1].1);
    if let Some(node) = node(name, &events) {
        println!("inner loop {name}: {:.2}x of plain Node ({node:.0} ns per event)", medians[0].1 / node);
    }
    for (part, nanoseconds) in medians {
        println!("    {part:<12}{nanoseconds:>8.0} ns per event");
    }
}

/// Nanoseconds per event of the same loop in Node; none where there is no Node.
fn node(name: &str, events: &[Vec<u8>]) -> Option<f64> {
    let file = tempfile::NamedTempFile::new().ok()?;
    std::fs::write(
        file.path(),
        events.iter().map(|event| [one_line(event), vec![b'\n']].concat()).collect::<Vec<_>>().concat(),
    )
    .ok()?;
    let program = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/inner.mjs");
    let out = std::process::Command::new("node").args([program, name]).arg(file.path()).output().ok()?;
    serde_json::from_slice::<Value>(&out.stdout).ok()?["ns"].as_f64()
}

fn one_line(event: &[u8]) -> Vec<u8> {
    serde_json::from_slice::<Box<serde_json::value::RawValue>>(event).unwrap().get().replace('\n', "").into_bytes()
}

/// Both ways must give the same event, or the comparison means nothing.
fn check(program: &Program, native: fn(&[u8], &mut Vec<u8>), events: &[Vec<u8>]) {
    for text in events {
        let (mut ours, mut theirs) = (Vec::new(), Vec::new());
        program.rewrite(text, &mut ours);
        native(text, &mut theirs);
        let value = |text: &[u8]| serde_json::from_slice::<Value>(text).unwrap();
        assert_eq!(value(&ours), value(&theirs), "the two rewrites differ");
    }
}

/// Nanoseconds per item.
fn time<T>(items: &[T], mut work: impl FnMut(&T)) -> f64 {
    let start = Instant::now();
    for item in items {
        work(black_box(item));
    }
    start.elapsed().as_nanos() as f64 / items.len() as f64
}

/// Events with people and orders of their own, so that nothing gains from seeing one text again and again.
fn variants(event: &str) -> Vec<Vec<u8>> {
    (0..64)
        .map(|n| {
            event
                .replace("Ada.Lind", &format!("Ada.Lind{n}"))
                .replace("820982911946", &format!("8209829119{:02}", n + 10))
                .replace("7f3c1b52", &format!("7f3c1b{:02}", n + 10))
                .into_bytes()
        })
        .collect()
}
