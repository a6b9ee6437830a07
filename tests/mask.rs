//! The path mask never shows: random scripts and steps on random events give the same bytes whether all is decoded or only what is read.
//! (For every fixture, `cartwire test` itself compares the two.)
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, reason = "a test fails by panicking")]

use std::sync::Arc;

use cartwire::event::Delivery;
use cartwire::lookup::Answers;
use cartwire::pipeline::{NoTrace, Outcome, Pipeline, Plan, Traced};
use cartwire::registry::Environment;
use cartwire::script::{Limits, STACK_BYTES};
use cartwire::state::Session;
use cartwire::tree::Tree;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

/// Functions of the script and of a module that scripts call.
const FUNCTIONS: &str = r#"
fn pass(x) { x }
fn inner(x, k) { x?[k] }
fn deep(x, n) { if n == 0 || x == () { x } else { deep(x?.m1, n - 1) } }
fn own(k) { this[k] }
fn mark() { this.s = "marked"; this.m2 }
"#;
const MODULE: &str = r#"
fn map.side(name, other) { if other { this[name + "2"] } else { this[name + "1"] } }
fn array.side(name, other) { this[0]?[name + "1"] }
fn sum(list) { let all = ""; for x in list ?? [] { all += `${x?.n},`; } all }
fn map.count() { this.keys().len }
"#;

/// The usual limits but for time and memory, which depend on what else the machine does.
fn limits() -> Limits {
    Limits { time_ms: 60_000, memory_bytes: u64::MAX, ..Limits::default() }
}

struct NoEnv;

impl Environment for NoEnv {
    fn var(&self, _: &str) -> Option<String> {
        None
    }
    fn file(&self, path: &str) -> Result<String, String> {
        Err(path.to_owned())
    }
}

fn plan(steps: &str, script: &str) -> Result<Arc<Plan>, String> {
    let text = format!("sources:\n  - file: in.ndjson\nsteps:\n{steps}sinks:\n  - file: out.ndjson\n");
    let tree =
        Tree::new().with("pipelines/p.yaml", &text).with("scripts/s.rhai", script).with("scripts/lib/m.rhai", MODULE);
    let loaded = Plan::load(&Arc::new(tree), "pipelines/p.yaml", "p", &NoEnv, &limits());
    loaded.plan.ok_or_else(|| format!("{:?}", loaded.problems))
}

fn run(pipeline: &Pipeline, event: &str, masked: bool) -> Outcome {
    let delivery = Delivery {
        seq: 1,
        pipeline: "p".into(),
        source: "file".into(),
        method: "FILE".into(),
        body: event.to_owned().into(),
        ..Delivery::default()
    };
    run_delivery(pipeline, &delivery, masked)
}

fn run_delivery(pipeline: &Pipeline, delivery: &Delivery, masked: bool) -> Outcome {
    if masked {
        pipeline.run_in(delivery, 0, &Session::empty(), Answers::default(), &mut NoTrace)
    } else {
        pipeline.run_in(delivery, 0, &Session::empty(), Answers::default(), &mut Traced::default())
    }
}

/// A place in the event or in a variable. `m` are mostly maps, `l` mostly lists, the others mostly scalars.
fn place() -> impl Strategy<Value = String> {
    let root = prop_oneof![5 => Just("event"), 1 => Just("v0"), 1 => Just("v1"), 1 => Just("v2")];
    let step = prop_oneof![
        4 => Just("?.m1"),
        4 => Just("?.m2"),
        2 => Just("?.l1?[0]"),
        1 => Just("?[\"m1\"]"),
        1 => Just("?[\"m\" + one]"),
        1 => Just("?[any]"),
        1 => Just(".m1"),
        1 => Just("?.l1?[-1]"),
        1 => Just("?.m1?.l1?[zero]"),
    ];
    (root, vec(step, 0..4)).prop_map(|(root, steps)| format!("{root}{}", steps.concat()))
}

fn value() -> impl Strategy<Value = String> {
    let end = prop_oneof![
        6 => Just("?.s"),
        6 => Just("?.n"),
        3 => Just("?.l1"),
        3 => Just("?.m1"),
        1 => Just(""),
    ];
    let at = (place(), end).prop_map(|(place, end)| format!("{place}{end}"));
    let shaped =
        (place(), value_shape()).prop_map(|(place, shape)| format!("({})", shape.replace('P', &format!("({place})"))));
    let request = prop::sample::select(vec!["", "?.m1", "?.m2", "?.l1", "?.l1?[0]", "?.m1?.m1", "?.m2?.l1", "?.n"]);
    prop_oneof![
        8 => at,
        5 => shaped,
        3 => request.prop_map(|way| format!("delivery.json(){way}")),
        1 => Just("1".to_owned()),
        1 => Just("\"x\"".to_owned()),
        1 => Just("#{ m1: #{ s: 1 }, l1: [#{ n: 2 }] }".to_owned()),
    ]
}

fn value_shape() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![
        "pass(P)",
        "inner(P, \"m1\")",
        "inner(P, any)",
        "deep(P, 2)",
        "P?.own(\"m2\")",
        "P?.side(\"m\", true)",
        "P?.side(\"m\", one == \"2\")",
        "m::sum(P?.l1)",
        "P?.count()",
        "P?.mark()",
        "P?.keys()",
        "P?.len()",
        "P?.remove(\"m1\")",
        "P?.l1?.pop()",
        "P?.l1?.filter(|x| x.n == 1)",
        "P?.l1?.map(|x| x?.m1)",
        "P?.l1?.find(|x| x?.s == P?.s)",
        "path::get(event, \"m1.l1[0]\")",
        "path::get(P, \"m2.m1\", 5)",
        "path::has(P, \"m1\")",
        "path::remove(event, \"m2.m1\")",
        "(P ?? event)",
        "P.to_string()",
        "`${P}`",
        "type_of(P)",
        "(\"m1\" in (P ?? #{}))",
        "(P == event.m1)",
        "(P == ())",
        "map::merge(P, #{ s: 2 })",
        "[P]",
        "#{ m1: P }",
        "json::stringify(P)",
        "(P ?? #{}) + #{ n: 1 }",
        "if P == () { event } else { P }",
        "switch P?.n { 1 => P, 2 => event.m2, _ => () }",
        "P.is_empty()",
        "P?.values()",
        "P?.contains(\"m2\")",
        "P?.take()",
        "{ let c = P; let f = || c?.m1; f.call() }",
        "#{ m1: P, m2: delivery.json()?.m2 }",
        "map::merge(P, delivery.json()?.m1)",
        "(P == delivery.json()?.m1)",
    ])
}

fn statement() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        (variable(), value()).prop_map(|(variable, value)| format!("{variable} = {value};")),
        (place(), value())
            .prop_map(|(place, value)| format!("if type_of({place}) == \"map\" {{ {} }}", target(&place, &value))),
        value().prop_map(|value| format!("out += `${{{value}}};`;")),
        value().prop_map(|value| format!("outs.push({value});")),
        place().prop_map(|place| format!("out += `${{{place} == ()}} `;")),
        (place(), value()).prop_map(|(place, value)| format!("if {place} == {value} {{ out += \"same\"; }}")),
        (place(), value()).prop_map(|(place, value)| format!(
            "if type_of({place}) == \"map\" {{ path::set(event, \"m1.l1[0].s\", {value}); }}"
        )),
        place().prop_map(|place| format!("if type_of({place}?.l1) == \"array\" {{ out += `${{{place}.l1.len}}`; }}")),
        (place(), value()).prop_map(|(place, value)| format!(
            "if type_of({place}?.l1) == \"array\" {{ let l = {place}.l1; l.push({value}); v1 = l; }}"
        )),
        value().prop_map(|value| format!("track(#{{ event: \"E\", properties: {value} }});")),
        Just("emit(event);".to_owned()),
        Just("event.m1 = v0;".to_owned()),
        Just("event.m1 = delivery.json().m1;".to_owned()),
        Just("{ let m = event.m1; if type_of(m) == \"map\" { m.s = 7; } event.m1 = m; }".to_owned()),
        Just("if type_of(v1) == \"map\" { event = v1; }".to_owned()),
        Just("v2 = event; v2.s = 1;".to_owned()),
    ];
    leaf.prop_recursive(2, 8, 3, |inner| {
        prop_oneof![
            (value(), inner.clone(), inner.clone())
                .prop_map(|(value, then, other)| format!("if {value} != () {{ {then} }} else {{ {other} }}")),
            (place(), vec(inner.clone(), 1..3)).prop_map(|(place, body)| {
                // Inside the loop the item takes the place of a variable.
                format!("for x in {place}?.l1 ?? [] {{ {} }}", body.concat().replace("v0", "x"))
            }),
            (place(), inner)
                .prop_map(|(place, body)| format!("for k in ({place} ?? #{{}}).keys() {{ any = k; {body} }}")),
        ]
    })
}

fn target(place: &str, value: &str) -> String {
    // What `?.` reads cannot be assigned to.
    let place = place.replace("?.", ".").replace("?[", "[");
    if value.len().is_multiple_of(3) { format!("{place}.m2 = {value};") } else { format!("{place}.s = {value};") }
}

fn variable() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec!["v0", "v1", "v2"])
}

fn script() -> impl Strategy<Value = String> {
    vec(statement(), 1..6).prop_map(|statements| {
        format!(
            "import \"lib/m\" as m;\n{FUNCTIONS}\nlet one = \"1\"; let zero = 0; let any = \"m2\"; let out = \"\"; let outs = [];\n\
             let v0 = event.m1; let v1 = (); let v2 = #{{}};\n{}\nevent.out = out; event.outs = outs;\n",
            statements.join("\n")
        )
    })
}

fn other_steps() -> impl Strategy<Value = String> {
    let step = prop::sample::select(vec![
        "set: { m1.m2.s: 1 }",
        "set: { \"l1[*].m1.s\": 1 }",
        "set: { \"m1.*.s\": 2 }",
        "default: { m2.m1: { a: 1 }, \"l1[0].s\": 3 }",
        "rename: { m1.m1: m2.m1 }",
        "rename: { m1: m2, m2: m1 }",
        "remove: [ m1.m2, \"l1[*].m1\", \"*.l1\" ]",
        "keep: [ m1.m2, \"l1[*].s\", out, outs, \"m2.*.m1\" ]",
        "filter: event.m1?.s != 1",
        "filter: { path: \"$.m1[?@.s != 1]\" }",
        "filter: { path: \"$.l1[0].m1\" }",
        "filter: { path: \"$.l1[?@.n == $.n]\" }",
        "filter: { path: \"$.*.m1.s\" }",
        "filter: { path: \"$..n\" }",
        "filter: { field: m1.m2, is: { s: 1 } }",
        "filter: { not: { field: \"l1[*].n\", gt: 1 } }",
        "filter: { fql: \"m1.s = 1 or typeof(m2.m1) != 'object'\" }",
        "loop_guard: {}",
    ]);
    vec(step, 0..3).prop_map(|steps| steps.iter().map(|step| format!("  - {step}\n")).collect())
}

fn event() -> impl Strategy<Value = String> {
    let scalar = prop::sample::select(vec![
        "1",
        "2",
        "1.00",
        "\"x\"",
        "\"\\u00e9\\/\"",
        "null",
        "true",
        "12345678901234567890",
        "1E3",
        "[]",
        "{}",
    ]);
    let members = |inner: BoxedStrategy<String>, scalar: BoxedStrategy<String>| {
        let list = vec(inner.clone(), 0..4).prop_map(|items| format!("[{}]", items.join(",")));
        let odd = prop_oneof![
            Just("null".to_owned()),
            Just("7".to_owned()),
            Just("{ \"s\" : [ 1 ] }".to_owned()),
            Just("{\"a\":1,\"a\":{}}".to_owned())
        ];
        let child = prop_oneof![8 => inner.clone(), 1 => odd.clone()];
        let list = prop_oneof![8 => list, 1 => odd];
        let some = |strategy: BoxedStrategy<String>| proptest::option::weighted(0.8, strategy);
        (
            some(child.clone().boxed()),
            some(child.boxed()),
            some(list.boxed()),
            some(scalar.clone()),
            some(scalar),
            any::<bool>(),
        )
            .prop_map(|(m1, m2, l1, s, n, turned)| {
                let mut members: Vec<String> = [("m1", m1), ("l1", l1), ("s", s), ("m2", m2), ("n", n)]
                    .into_iter()
                    .filter_map(|(key, value)| Some(format!("\"{key}\":{}", value?)))
                    .collect();
                if turned {
                    members.reverse();
                }
                format!("{{{}}}", members.join(","))
            })
    };
    let scalar = scalar.prop_map(str::to_owned).boxed();
    let mut level = Just("{\"s\":1,\"n\":{\"m1\":[{}]}}".to_owned()).boxed();
    for _ in 0..3 {
        level = members(level, scalar.clone()).boxed();
    }
    level
}

fn check(script: &str, before: &str, after: &str, events: &[String]) -> Result<(usize, usize), TestCaseError> {
    let plan = plan(&format!("{before}  - script: s.rhai\n{after}"), script).map_err(TestCaseError::fail)?;
    let pipeline = Pipeline::new(&plan).unwrap();
    let mut counts = (0, 0);
    for event in events {
        let (whole, masked) = (run(&pipeline, event, false), run(&pipeline, event, true));
        let shown = |outcome: &Outcome| {
            let texts =
                outcome.messages.iter().flatten().map(|message| String::from_utf8_lossy(&message.bytes).into_owned());
            (texts.collect::<Vec<_>>(), outcome.dropped.clone(), outcome.dead.clone())
        };
        prop_assert_eq!(shown(&masked), shown(&whole), "mask {} on {}", plan.mask, event);
        // Running again would hide what the mask has too little.
        prop_assert!(!masked.repeated || !whole.dead.is_empty(), "mask {} on {}", plan.mask, event);
        counts.0 += usize::from(whole.dead.is_empty());
        counts.1 += usize::from(!plan.mask.is_whole());
    }
    Ok(counts)
}

#[test]
fn random_scripts_and_events_give_the_same_with_and_without_mask() {
    // Scripts run on stacks of the size that workers have.
    std::thread::Builder::new().stack_size(STACK_BYTES).spawn(random_scripts).unwrap().join().unwrap();
}

fn random_scripts() {
    let mut runner = TestRunner::new(Config { failure_persistence: None, ..Config::with_cases(cases()) });
    let strategy = (script(), other_steps(), other_steps(), vec(event(), 6));
    let counts = std::cell::Cell::new((0, 0, 0));
    let outcome = runner.run(&strategy, |(script, before, after, events)| {
        let (well, masked) = check(&script, &before, &after, &events)?;
        let (all, wells, maskeds) = counts.get();
        counts.set((all + events.len(), wells + well, maskeds + masked));
        Ok(())
    });
    if let Err(error) = outcome {
        panic!("{error}");
    }
    // The test must not pass by scripts that fail and masks of everything.
    let (all, well, masked) = counts.get();
    assert!(well * 3 > all && masked * 4 > all, "of {all} runs {well} went well and {masked} had a mask");
}

/// An object with what a decoder may change: the order of keys, large and small numbers, escapes; with maps that a mask leaves out.
const ORDER: &str = r#"{"type":"track","event":"E","userId":"u","timestamp":"2026-01-15T10:20:29Z","z":{"sku":"A","p":2.50,"big":12345678901234567890,"e":1E3},"l":[{"b":1.0,"a":"\u00e9\/"}]}"#;
const Z: &str = r#"{"sku":"A","p":2.50,"big":12345678901234567890,"e":1E3}"#;

#[test]
fn what_a_script_takes_from_the_request_leaves_as_it_came_whatever_its_source_makes_of_it() {
    let list = format!("[{ORDER},{}]", ORDER.replace("7890", "7891"));
    let batch = format!(r#"{{"batch":{list},"writeKey":"k"}}"#);
    let one = "let body = delivery.json();";
    let first = "let body = delivery.json(); if type_of(body) == \"map\" { body = body.batch; } body = body[0];";
    for (source, path, body, begin) in [
        ("file: in.ndjson", "", ORDER, one),
        ("webhook: { verify: none }", "", ORDER, one),
        ("webhook: { verify: none }", "", &list, first),
        ("webhook: { verify: none, split: true }", "", &list, first),
        ("segment_webhook: { verify: none }", "", ORDER, one),
        ("segment_webhook: { verify: none }", "", &list, first),
        ("segment: { write_keys: [ k ] }", "/v1/track", ORDER, one),
        ("segment: { write_keys: [ k ] }", "/v1/batch", &batch, first),
    ] {
        for (script, expected) in [
            ("event.w = body.z;", format!(r#""w":{Z}"#)),
            ("event.w = #{ a: [body.z] };", format!(r#""w":{{"a":[{Z}]}}"#)),
            ("event.w = body.z.big;", r#""w":12345678901234567890"#.to_owned()),
            ("event.w = body; event.w.z.p = 1;", format!(r#""w":{}"#, ORDER.replace("2.50", "1"))),
            ("event = body;", ORDER.to_owned()),
            ("event.z = body.l; event.l = body.z;", format!(r#""l":{Z}"#)),
            ("event = (); emit(#{ type: \"track\", w: body.l });", r#""w":[{"b":1.0,"a":"\u00e9\/"}]"#.to_owned()),
        ] {
            let text = format!(
                "sources:\n  - {source}\n    id: in\nsteps:\n  - script: {{ inline: '{begin} {script}' }}\nsinks:\n  - file: out.ndjson\n"
            );
            let tree = Tree::new().with("pipelines/p.yaml", &text);
            let loaded = Plan::load(&Arc::new(tree), "pipelines/p.yaml", "p", &NoEnv, &limits());
            let pipeline = Pipeline::new(&loaded.plan.unwrap_or_else(|| panic!("{:?}", loaded.problems))).unwrap();
            let delivery = Delivery {
                seq: 1,
                pipeline: "p".into(),
                source: "in".into(),
                method: "POST".into(),
                path: path.into(),
                headers: vec![("content-type".into(), "application/json".into())],
                body: body.to_owned().into(),
                ..Delivery::default()
            };
            let texts = |masked| -> Vec<String> {
                let outcome = run_delivery(&pipeline, &delivery, masked);
                assert!(outcome.dead.is_empty(), "{source} {script}: {:?}", outcome.dead);
                outcome.messages[0].iter().map(|message| String::from_utf8_lossy(&message.bytes).into_owned()).collect()
            };
            let whole = texts(false);
            assert_eq!(texts(true), whole, "{source} {script}");
            assert!(
                !whole.is_empty() && whole.iter().all(|text| text.contains(&expected)),
                "{source} {script}: {whole:?}"
            );
        }
    }
}

fn cases() -> u32 {
    std::env::var("PROPTEST_CASES").ok().and_then(|text| text.parse().ok()).unwrap_or(200)
}
