//! Deliveries through whole pipelines, without an engine.

mod edits;
mod erased;
mod held;
mod requests;

use std::sync::Arc;

use proptest::prelude::*;

use super::*;
use crate::event::Delivery;
use crate::registry::Environment;
use crate::script::Limits;
use crate::tree::Tree;

struct NoEnv;

impl Environment for NoEnv {
    fn var(&self, _: &str) -> Option<String> {
        None
    }
    fn file(&self, path: &str) -> Result<String, String> {
        Err(path.to_owned())
    }
}

fn plan(steps: &str) -> Arc<Plan> {
    plan_of(&format!(
        "sources:\n  - webhook: {{ verify: none }}\nsteps:\n{steps}sinks:\n  - http: {{ url: http://127.0.0.1:9/ }}\n"
    ))
}

fn plan_of(text: &str) -> Arc<Plan> {
    let tree = Arc::new(Tree::new().with("pipelines/p.yaml", text));
    let loaded = Plan::load(&tree, "pipelines/p.yaml", "p", &NoEnv, &Limits::default());
    loaded.plan.unwrap_or_else(|| panic!("{:#?}", loaded.problems))
}

fn delivery(body: &str) -> Delivery {
    Delivery {
        seq: 7,
        pipeline: "p".into(),
        source: "webhook".into(),
        received_ms: 1_768_472_430_000,
        method: "POST".into(),
        headers: vec![("content-type".into(), "application/json".into())],
        body: body.to_owned().into(),
        ..Delivery::default()
    }
}

fn run(steps: &str, body: &str) -> Outcome {
    Pipeline::new(&plan(steps)).unwrap().run(&delivery(body), 1_768_472_430_000)
}

/// One delivery through a pipeline.
pub(crate) fn run_file(text: &str, body: &str) -> Outcome {
    Pipeline::new(&plan_of(text)).unwrap().run(&delivery(body), 1_768_472_430_000)
}

fn texts(outcome: &Outcome) -> Vec<String> {
    outcome.messages.iter().flatten().map(|message| String::from_utf8(message.bytes.to_vec()).unwrap()).collect()
}

#[test]
fn an_event_goes_through() {
    let outcome = run("  - set: { properties.store: north }\n", r#"{"a": 1.00}"#);
    let texts = texts(&outcome);
    assert!(texts[0].contains(r#""a":1.00"#), "{texts:?}");
    assert!(texts[0].contains(r#""store":"north""#), "{texts:?}");
    assert_eq!(outcome.ends(), 1);
}

#[test]
fn every_way_to_end_is_told() {
    let outcome = run("  - filter: event.properties.a == 2\n", r#"{"a": 1}"#);
    assert_eq!((outcome.dropped.len(), outcome.ends()), (1, 1));
    let outcome = run("  - script: { inline: \"let x = 1 / 0;\" }\n", r#"{"a": 1}"#);
    assert_eq!((outcome.dead.len(), outcome.ends()), (1, 1));
    assert!(outcome.dead[0].place.as_ref().unwrap().starts_with("pipelines/p.yaml:"), "{:?}", outcome.dead);
    let outcome = run("  - script: { inline: \"let x = 1 / 0;\" }\n    on_error: drop\n", r#"{"a": 1}"#);
    assert_eq!((outcome.dropped.len(), outcome.ends()), (1, 1));
    let outcome =
        run("  - script: { inline: \"event.properties.b = 1; let x = 1 / 0;\" }\n    on_error: pass\n", r#"{"a": 1}"#);
    assert_eq!(outcome.ends(), 1);
    assert!(!texts(&outcome)[0].contains(r#""b""#), "a failed step leaves no trace");
    let outcome = run("", "not json");
    assert_eq!((outcome.dead.len(), outcome.ends()), (1, 1));
}

#[test]
fn what_a_script_emits_goes_through_the_later_steps_in_order() {
    let steps =
        "  - script: { inline: 'track(#{event: \"B\", userId: \"u\"}); track(#{event: \"C\", userId: \"u\"});' }
  - set: { context.seen: true }
  - filter: event.event != \"B\"
";
    let outcome = run(steps, r#"{"a": 1}"#);
    let texts = texts(&outcome);
    assert_eq!(texts.len(), 2, "{texts:?}");
    assert!(texts[1].contains(r#""event":"C""#) && texts[1].contains(r#""seen":true"#), "{texts:?}");
    let origins: Vec<_> = outcome.messages[0].iter().map(|message| message.origin.to_string()).collect();
    assert_eq!(origins, ["0.1", "0.3"], "a dropped sibling does not change the others' ids");
}

#[test]
fn a_missing_variable_is_an_error_with_its_name() {
    let text =
        "sources:\n  - webhook: { verify: none }\nsinks:\n  - segment: { write_key: \"${SEGMENT_WRITE_KEY}\" }\n";
    let tree = Arc::new(Tree::new().with("pipelines/p.yaml", text));
    let loaded = Plan::load(&tree, "pipelines/p.yaml", "p", &NoEnv, &Limits::default());
    assert!(loaded.plan.is_none());
    assert!(loaded.problems[0].message.contains("SEGMENT_WRITE_KEY"));
}

#[test]
fn a_revision_changes_with_its_texts_only() {
    let one = plan("  - set: { a: 1 }\n");
    assert_eq!(one.revision, plan("  - set: { a: 1 }\n").revision);
    assert_ne!(one.revision, plan("  - set: { a: 2 }\n").revision);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn running_a_delivery_twice_gives_the_same(body in "[a-z0-9\\[\\]{}\",: ]{0,60}") {
        let steps = "  - script: { inline: 'track(#{event: \"B\", userId: \"u\", properties: #{at: time::now()}});' }\n";
        let pipeline = Pipeline::new(&plan(steps)).unwrap();
        let delivery = delivery(&body);
        let (one, two) = (pipeline.run(&delivery, 1), pipeline.run(&delivery, 1));
        prop_assert_eq!(one.messages, two.messages);
        prop_assert_eq!(one.dead, two.dead);
    }
}

/// Events of a delivery with an array, one for each item.
fn run_split(steps: &str, body: &str) -> Outcome {
    let text = format!(
        "sources:\n  - webhook: {{ verify: none, split: true }}\nsteps:\n{steps}sinks:\n  - http: {{ url: http://127.0.0.1:9/ }}\n"
    );
    let tree = Arc::new(Tree::new().with("pipelines/p.yaml", &text));
    let loaded = Plan::load(&tree, "pipelines/p.yaml", "p", &NoEnv, &Limits::default());
    let plan = loaded.plan.unwrap_or_else(|| panic!("{:#?}", loaded.problems));
    Pipeline::new(&plan).unwrap().run(&delivery(body), 1_768_472_430_000)
}

const BATCH: &str = "  - script:
      inline: |
        fn on_batch(events, settings) {
          track(#{ event: \"Batch\", userId: \"u\", properties: #{ size: events.len() } });
          events.map(|e| switch e.properties.act {
            \"drop\" => outcome::drop(\"unwanted\"),
            \"twice\" => [e, e],
            \"no\" => outcome::reject(\"ValidationError\", \"no\"),
            _ => (),
          })
        }
";

#[test]
fn a_batch_is_all_that_reaches_the_step_and_its_answers_stay_in_place() {
    let steps = format!("  - filter: event.properties.n != 1\n{BATCH}  - set: {{ properties.after: true }}\n");
    let body = r#"[{"n":0.00},{"n":1},{"n":2,"act":"drop"},{"n":3.0,"act":"twice"},{"n":4,"act":"no"}]"#;
    let outcome = run_split(&steps, body);
    let told: Vec<_> = outcome
        .messages
        .iter()
        .flatten()
        .map(|message| {
            let value: serde_json::Value = serde_json::from_slice(&message.bytes).unwrap();
            format!("{} {} {}", message.origin, value["properties"]["n"], value["properties"]["size"])
        })
        .collect();
    assert_eq!(told, ["0 0.0 null", "3.1 3.0 null", "3.2 3.0 null", "3.3 null 4"]);
    assert!(texts(&outcome)[0].contains(r#""n":0.00"#), "untouched numbers leave as they came");
    assert!(texts(&outcome).iter().all(|text| text.contains(r#""after":true"#)));
    assert_eq!(outcome.dropped.iter().map(|dropped| dropped.reason.as_str()).collect::<Vec<_>>().len(), 2);
    assert_eq!((outcome.dead[0].code.as_str(), outcome.dead[0].origin.index), ("validation-error", 4));
    assert_eq!(outcome.ends(), 7);
}

#[test]
fn a_batch_leaves_out_what_its_condition_does_and_keeps_the_order() {
    let steps = format!("{BATCH}    when: event.properties.n > 0\n");
    let outcome = run_split(&steps, r#"[{"n":0},{"n":1,"act":"twice"},{"n":0}]"#);
    let origins: Vec<_> = outcome.messages[0].iter().map(|message| message.origin.to_string()).collect();
    assert_eq!(origins, ["0", "1.1", "1.2", "1.3", "2"]);
    let none = run_split(&steps, r#"[{"n":0},{"n":0}]"#);
    assert_eq!((none.messages[0].len(), none.ends()), (2, 2), "without events the script is not run");
}

#[test]
fn a_batch_that_fails_fails_for_every_event_as_on_error_says() {
    let script = |on_error: &str| {
        format!(
            "  - script:\n      inline: |\n        fn on_batch(events) {{\n          events[0].properties.n = 9;\n          log::info(\"seen\");\n          throw \"no\";\n        }}\n    on_error: {on_error}\n"
        )
    };
    let outcome = run_split(&script("dead_letter"), r#"[{"n":0},{"n":1}]"#);
    assert_eq!((outcome.dead.len(), outcome.ends()), (2, 2));
    assert_eq!(outcome.dead[1].place.as_deref(), Some("pipelines/p.yaml:9:11"));
    assert_eq!(outcome.dead[1].stack, ["on_batch (pipelines/p.yaml:9:11)"]);
    assert_eq!(outcome.dead[1].logs.len(), 1);
    let outcome = run_split(&script("pass"), r#"[{"n":0},{"n":1}]"#);
    assert!(texts(&outcome)[0].contains(r#""n":0"#), "{:?}", texts(&outcome));
    assert_eq!(run_split(&script("drop"), r#"[{"n":0},{"n":1}]"#).dropped.len(), 2);
}

#[test]
fn an_event_without_a_handler_passes_or_ends_as_missing_says() {
    let steps =
        |missing: &str| format!("  - script:\n      inline: fn on_page(event) {{ event.name = \"x\"; }}\n{missing}");
    assert_eq!(run(&steps(""), r#"{"a":1}"#).messages[0].len(), 1);
    let dropped = run(&steps("      missing: drop\n"), r#"{"a":1}"#);
    assert_eq!(dropped.dropped[0].reason, "the script has no handler for events of type `track`");
    let dead = run(&steps("      missing: reject\n"), r#"{"a":1}"#);
    assert_eq!(dead.dead[0].code, "event-not-supported");
}

struct Keys;

impl Environment for Keys {
    fn var(&self, name: &str) -> Option<String> {
        (name == "API_KEY").then(|| "key-\"4711\"".into())
    }
    fn file(&self, _: &str) -> Result<String, String> {
        Ok("from a file\n".into())
    }
}

#[test]
fn secrets_in_settings_are_used_and_not_shown() {
    let log = "log::info(settings); print(settings.key); log::warn(\"x\" + settings.inner.list[0]);";
    for (end, code) in [
        ("throw settings;", "script-error"),
        ("reject(`no answer to ${settings.key}`);", "rejected"),
        ("fn on_track(event, settings) { outcome::reject(settings.note) }", "rejected"),
        ("drop(settings.key);", ""),
    ] {
        let text = format!(
            "sources:\n  - webhook: {{ verify: none }}\nsteps:\n  - script:\n      inline: |\n        {log}\n        {end}\n    settings:\n      \
             key: ${{API_KEY}}\n      note: with ${{API_KEY}} in it\n      inner: {{ list: [ \"${{file:secret}}\" ] }}\n      plain: written-here\n\
             sinks:\n  - http: {{ url: http://127.0.0.1:9/ }}\n",
        );
        let tree = Arc::new(Tree::new().with("pipelines/p.yaml", &text));
        let loaded = Plan::load(&tree, "pipelines/p.yaml", "p", &Keys, &Limits::default());
        let plan = loaded.plan.unwrap_or_else(|| panic!("{:#?}", loaded.problems));
        let outcome = Pipeline::new(&plan).unwrap().run(&delivery(r#"{"a": 1}"#), 1_768_472_430_000);
        let shown = format!("{:?} {:?} {:?}", outcome.dead, outcome.dropped, outcome.logs);
        assert!(!shown.contains("4711") && !shown.contains("from a file"), "{end}: {shown}");
        assert!(shown.contains("[secret]") && shown.contains("written-here"), "{end}: {shown}");
        assert_eq!(outcome.dead.first().map_or("", |dead| dead.code.as_str()), code, "{end}: {shown}");
    }
    let text = "sources:\n  - webhook: { verify: none }\nsteps:\n  - script: { inline: event.properties.used = settings.key; }\n    \
                settings: { key: \"${API_KEY}\" }\nsinks:\n  - http: { url: http://127.0.0.1:9/ }\n";
    let tree = Arc::new(Tree::new().with("pipelines/p.yaml", text));
    let plan = Plan::load(&tree, "pipelines/p.yaml", "p", &Keys, &Limits::default()).plan.unwrap();
    let outcome = Pipeline::new(&plan).unwrap().run(&delivery(r#"{"a": 1}"#), 1_768_472_430_000);
    assert!(texts(&outcome)[0].contains("4711"), "what is sent is the script's affair");
}

#[test]
fn messages_of_one_delivery_are_bounded_together() {
    let script = r#"
  - script:
      inline: |
        let s = "";
        s.pad(400000, 'x');
        for i in 0..900 { track(#{ event: "B", userId: "u", properties: #{ s: s } }); }
"#;
    let outcome = run(&script[1..], r#"{"a": 1}"#);
    assert_eq!(outcome.ends(), 901);
    let bytes: usize = outcome.messages.iter().flatten().map(|message| message.bytes.len()).sum();
    assert!(bytes < 80 << 20, "{bytes}");
    assert!(outcome.dead.iter().all(|dead| dead.code == "too-large"), "{:?}", outcome.dead.first());
    assert!(outcome.dead.len() > 500, "{}", outcome.dead.len());
}

#[test]
fn steps_cannot_multiply_events_without_end() {
    let script = r#"
  - script:
      inline: |
        event = ();
        for i in 0..900 { emit(#{ type: "track", event: "B", userId: "u" }); }
"#;
    let outcome = run(&script.repeat(2).replace("\n\n", "\n")[1..], r#"{"a": 1}"#);
    assert!(outcome.ends() < 101_000, "{}", outcome.ends());
    assert!(outcome.dead.iter().any(|dead| dead.code == "too-many-events"), "{:?}", outcome.dead.first());
}
