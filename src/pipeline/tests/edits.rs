//! Edits of a pipeline while events wait: each goes on where it should, or is a dead letter.

use std::sync::Arc;

use super::NoEnv;
use super::held::{DEAD, DEDUPE, HELD, RETRIED, SENT, SINK, Shop, TWO_SINKS, ends, load};
use crate::pipeline::{Outcome, Plan};
use crate::script::Limits;
use crate::tree::Tree;

fn inline(scripts: &[&str]) -> String {
    scripts.iter().map(|script| format!("  - script:\n      inline: {script}\n")).collect()
}

#[test]
fn an_edit_does_not_make_an_event_that_waits_skip_its_step() {
    let (a, b, c) = (
        "event.properties.a = 1;",
        "event.properties.remove(\"email\"); if cache::get(\"w\") == () { cache::set(\"w\", 1, \"1h\"); retry(\"w\", \"3s\"); }",
        "event.properties.c = 3;",
    );
    let text = |outcome: &Outcome| String::from_utf8(outcome.messages[0][0].bytes.to_vec()).unwrap();
    for (edit, goes_on) in [
        (inline(&[b, c]), true),
        (inline(&["let x = 1;", a, b, c]), true),
        (inline(&[a, &format!("event.properties.fresh = 1; {b}"), c]), true),
        (inline(&[a, b]) + "    id: own\n" + inline(&[c]).as_str(), true),
        (inline(&[a, c]), false),
        (inline(&["let x = 1;", c]), false),
    ] {
        let mut shop = Shop::new(&inline(&[a, b, c]));
        assert_eq!(ends(&shop.post(r#"{"email":"jane@example.com"}"#)), HELD);
        shop.edit(&edit);
        let outcome = shop.wake();
        if goes_on {
            assert_eq!(ends(&outcome), SENT, "{edit}");
            let text = text(&outcome);
            assert!(!text.contains("email") && text.contains("\"c\":3"), "{edit}: {text}");
        } else {
            assert_eq!((ends(&outcome), outcome.dead[0].code.as_str()), (DEAD, "no-step"), "{edit}");
        }
    }
}

#[test]
fn an_id_of_its_own_tells_a_step_whatever_it_says() {
    let named = |script: &str| format!("{}    id: own\n", inline(&[script]));
    let waits = "retry(\"w\", \"3s\");";
    let mut shop = Shop::new(&named(waits));
    shop.post("{}");
    shop.edit(&(inline(&["let y = 1;", "let z = 1;"]) + named("event.properties.own = true;").as_str()));
    let outcome = shop.wake();
    assert_eq!(ends(&outcome), SENT);
    assert!(String::from_utf8_lossy(&outcome.messages[0][0].bytes).contains("\"own\":true"));
}

#[test]
fn a_record_without_a_mark_goes_on_by_its_id() {
    let mut shop = Shop::new(RETRIED);
    shop.post(r#"{"bad":true}"#);
    shop.tamper(|held| held.mark = None);
    shop.edit(&inline(&["event.properties.seen = true;"]));
    assert_eq!(ends(&shop.wake()), SENT);
}

#[test]
fn a_step_whose_id_is_a_number_is_warned_of_when_it_remembers() {
    let warned = |steps: &str| -> Vec<String> {
        let text = format!("sources:\n  - webhook: {{ verify: none }}\nsteps:\n{steps}sinks:\n{SINK}");
        let tree = Arc::new(Tree::new().with("pipelines/p.yaml", &text));
        let loaded = Plan::load(&tree, "pipelines/p.yaml", "p", &NoEnv, &Limits::default());
        let lines = loaded.problems.iter().filter(|diag| diag.code == "step-without-id");
        lines
            .map(|diag| text[diag.span.clone().unwrap().start - 4..].lines().next().unwrap().trim().to_owned())
            .collect()
    };
    assert_eq!(warned(&inline(&["let a = 1;", "state::set(\"k\", 1);"])), ["- script:"]);
    assert_eq!(warned(&inline(&["let a = 1;", "retry(\"w\");"])), ["- script:"]);
    assert_eq!(warned(&format!("{DEDUPE}  - dedupe: \"{{userId}}\"\n")).len(), 2);
    assert_eq!(warned(&format!("{DEDUPE}    id: orders\n  - dedupe: \"{{userId}}\"\n")), [""; 0]);
    assert_eq!(warned(&inline(&["let a = 1;", "cache::set(\"k\", 1, \"1h\");"])), [""; 0]);
    assert_eq!(warned(&format!("{DEDUPE}{}", inline(&["state::set(\"k\", 1);"]))), [""; 0]);
}

#[test]
fn an_event_whose_sinks_went_away_while_it_waited_is_a_dead_letter() {
    let steps = format!("{DEDUPE}  - route: [ {{ to: audit }} ]\n{RETRIED}");
    let waits = || {
        let mut shop = Shop::with_sinks(&steps, TWO_SINKS);
        assert_eq!(ends(&shop.post(r#"{"id":1,"bad":true}"#)), HELD);
        shop.tamper(|held| {
            held.event = r#"{"type":"track","event":"A","userId":"u","properties":{"id":1}}"#.to_owned();
        });
        shop
    };
    let mut shop = waits();
    shop.pipeline = load(&format!("{DEDUPE}{RETRIED}"), SINK);
    let outcome = shop.wake();
    assert_eq!((ends(&outcome), outcome.dead[0].code.as_str()), (DEAD, "no-sink"));
    assert_eq!(ends(&shop.post(r#"{"id":1}"#)), SENT, "its key is free");
    // A later route may still choose for it.
    let mut shop = waits();
    shop.pipeline = load(&format!("{DEDUPE}{RETRIED}  - route: [ {{ to: http }} ]\n"), SINK);
    assert_eq!(ends(&shop.wake()), SENT);
}
