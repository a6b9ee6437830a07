//! The options of the step `script`.

use serde_json::json;

use super::*;
use crate::script::Limits;
use crate::step::StepError;
use crate::step::tests::{apply, build_step};

const COUNT: &str = "let n = 0; while n < 2000 { n += 1; }";

fn failure(options: &str, code: &str) -> Option<StepError> {
    apply(&format!("- script: {{ inline: '{code}', {options} }}"), &json!({ "type": "track" })).err()
}

#[test]
fn a_step_sets_the_limits_of_its_script() {
    assert!(failure("missing: pass", COUNT).is_none());
    let stopped = failure("limits: { operations: 1000 }", COUNT).unwrap();
    assert_eq!(stopped.code, "script-limit-operations");
    assert!(stopped.reason.contains("more than 1000 operations"), "{}", stopped.reason);
    let endless = "let n = 0; loop { n += 1; }";
    let stopped = failure("limits: { operations: 50000000, time: 20ms }", endless).unwrap();
    assert_eq!((stopped.code, stopped.reason.as_str()), ("script-limit-time", "the script ran longer than 20 ms"));
    // More than the 500,000 operations that every script has, and so more time.
    let long = "let n = 0; while n < 200000 { n += 1; }";
    assert_eq!(failure("missing: pass", long).unwrap().code, "script-limit-operations");
    assert!(failure("limits: { operations: 5000000, time: 5s }", long).is_none());
}

#[test]
fn limits_are_of_one_script_only() {
    let text = "sources:\n  - webhook: { verify: none }\nsteps:\n  - script: { inline: event.a = 1;, limits: { operations: 50 } }\n  \
                - script: { inline: 'let n = 0; while n < 2000 { n += 1; } event.b = 1;' }\n  \
                - filter: '(0..500).contains(7)'\nsinks:\n  - http: { url: \"http://127.0.0.1:9/\" }\n";
    let outcome = crate::pipeline::tests::run_file(text, r#"{"a": 1}"#);
    assert_eq!((outcome.messages[0].len(), outcome.dead.len()), (1, 0), "{:?}", outcome.dead);
}

#[test]
fn limits_have_bounds_and_the_defaults_of_all_scripts() {
    let options = |text: &str| build_step(&format!("- script: {{ inline: event = event;, limits: {text} }}"));
    for (text, ok) in [
        ("{ time: 5s, operations: 50000000, memory: 1GiB }", true),
        ("{ time: 1ms, operations: 1, memory: 16MiB }", true),
        ("{}", true),
        ("{ time: 6s }", false),
        ("{ time: 0ms }", false),
        ("{ operations: 0 }", false),
        ("{ operations: 50000001 }", false),
        ("{ memory: 1MiB }", false),
        ("{ memory: 2GiB }", false),
        ("{ tim: 1s }", false),
        ("5s", false),
    ] {
        assert_eq!(options(text).is_ok(), ok, "{text}");
    }
    let problems = options("{ time: 6s, memory: 2GiB }").err().unwrap();
    assert_eq!(problems.len(), 2, "{problems:?}");
    let usual = Limits::default();
    let written = |name: &str| match LIMITS.iter().find(|opt| opt.name == name).unwrap().default {
        Default::Is(text) => text,
        _ => panic!("{name} has no default"),
    };
    assert_eq!(crate::registry::parse_duration_ms(written("time")), Some(usual.time_ms));
    assert_eq!(written("operations"), usual.operations.to_string());
    assert_eq!(crate::registry::parse_bytes(written("memory")), Some(usual.memory_bytes));
}

#[test]
fn hosts_that_could_never_be_asked_are_told_where_they_stand() {
    let text =
        "- script: { inline: event = event;, http: { allow: [ api.example.com, 'https://x.example/', 'h:99999' ] } }";
    let problems = build_step(text).err().unwrap();
    let marked: Vec<_> = problems.iter().map(|diag| text[diag.span.clone().unwrap()].trim()).collect();
    assert_eq!(marked, ["'https://x.example/'", "'h:99999'"], "{problems:?}");
    assert_eq!(problems[0].help.as_deref(), Some("it is an address; write the host alone: x.example"));
}
