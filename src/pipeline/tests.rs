//! Deliveries through whole pipelines, without an engine.

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
    let text = format!(
        "sources:\n  - webhook: {{ verify: none }}\nsteps:\n{steps}sinks:\n  - http: {{ url: http://127.0.0.1:9/ }}\n"
    );
    let tree = Arc::new(Tree::new().with("pipelines/p.yaml", &text));
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
