//! A script that fails leaves nothing: no message, no change of the event, nothing remembered.

use cartwire::pipeline::Pipeline;
use cartwire::script::Limits;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Value, json};

use super::runs::{NOW_MS, delivery, hold, limits, load, messages, on_worker_stack, scripted, step, tree};

/// What a script does before, and what it would do after it fails.
const WORK: &[&str] = &[
    "emit(event);",
    "track(#{ event: \"B\", userId: \"u\" });",
    "identify(#{ userId: \"u\", traits: #{ a: 1 } });",
    "set_object(\"things\", \"1\", #{ a: 1 });",
    "event.event = \"Changed\";",
    "event.properties.left = 1;",
    "event.remove(\"properties\"); event.properties = #{};",
    "state::set(\"key\", 1);",
    "state::add(\"count\", 1);",
    "state::remove(\"key\");",
    "log::info(\"working\");",
    "for i in 0..3 { track(#{ event: `C${i}`, userId: \"u\" }); }",
    "try { track(#{ event: \"D\", userId: \"u\" }); throw 1; } catch { }",
];

/// What ends a script, with the beginning of the code that it ends with; `held` for what is tried again.
const ENDS: &[(&str, &str)] = &[
    ("throw \"no\";", "script-error"),
    ("throw #{ a: 1 };", "script-error"),
    ("let x = 1 / 0;", "script-error"),
    ("let x = [1][7] + 1;", "script-error"),
    ("let x = event.properties.n - \"text\";", "script-error"),
    ("Fn(\"nowhere\").call();", "script-error"),
    ("let f = |a| a; f.call(1, 2, 3);", "script-error"),
    ("track(7);", "script-error"),
    ("json::parse(\"{\");", "script-error"),
    ("table::get(\"tables/none\" + \".csv\", \"a\");", "script-error"),
    ("reject(\"no\");", "rejected"),
    ("reject(\"ValidationError\", \"no\");", "validation-error"),
    ("try { reject(\"EventNotSupported\", \"no\"); } catch { }", "event-not-supported"),
    ("retry(\"later\");", "held"),
    ("try { retry(\"later\", \"5s\"); } catch { }", "held"),
    ("loop { }", "script-limit-operations"),
    ("try { loop { } } catch { }", "script-limit-operations"),
    ("loop { track(#{ event: \"E\", userId: \"u\" }); }", "script-limit-"),
    ("fn deep(n) { deep(n + 1) } deep(0);", "script-limit-depth"),
    ("let s = \"\"; s.pad(1000000000, 'x');", "script-limit-size"),
    ("let b = blob(1000000000000);", "script-limit-size"),
];

/// Where a statement stands.
const FRAMES: &[&str] = &[
    "{}",
    "if true { {} }",
    "for round in 0..2 { {} }",
    "let f = || { {} }; f.call();",
    "[1, 2].for_each(|| { {} });",
    "switch 1 { 1 => { {} } }",
    "try { {} } catch (error) { throw error; }",
];

fn event(number: usize) -> Value {
    json!({
        "type": "track", "event": "A", "userId": "u", "messageId": format!("m-{number}"), "properties": { "n": number },
        "timestamp": "2026-01-15T10:20:29Z",
    })
}

/// A failing script: some work, the end within a frame, and more work that is never done.
fn scripts() -> impl Strategy<Value = (String, &'static str)> {
    let work = || prop::collection::vec(select(WORK), 0..5);
    (work(), work(), select(ENDS), select(FRAMES)).prop_map(|(before, after, (end, code), frame)| {
        // Functions stand at the top, and a nameless one does not see the event.
        let (functions, end) = match end.split_once("} deep") {
            Some((function, call)) => (format!("{function}}}\n"), format!("deep{call}")),
            None => (String::new(), end.to_owned()),
        };
        let frame = if end.contains("event.") { "{}" } else { frame };
        let end = frame.replace("{}", &end).replace("{ {} }", "{}");
        (format!("{functions}{}\n{end}\n{}", before.join("\n"), after.join("\n")), code)
    })
}

fn loaded(script: &str, beside: &str) -> Pipeline {
    load(tree(&step(script, beside)), &Limits { operations: 20_000, ..limits() })
        .unwrap_or_else(|problems| panic!("{problems}\n{script}"))
}

#[test]
fn a_failing_script_emits_nothing() {
    on_worker_stack(|| {
        hold(150, &scripts(), |(script, code)| {
            let outcome = loaded(&script, "").run(&delivery(1, &event(1)), NOW_MS);
            assert!(messages(&outcome).is_empty(), "{script}");
            if code == "held" {
                assert_eq!((outcome.held.len(), outcome.ends()), (1, 1), "{script}\n{outcome:?}");
                // The event itself waits, as it came.
                assert_eq!(outcome.writes.len(), 1, "{script}\n{outcome:?}");
                let kept = String::from_utf8_lossy(&outcome.writes[0].entry.as_ref().unwrap().value).into_owned();
                assert!(!kept.contains("Changed") && !kept.contains("left"), "{script}\n{kept}");
            } else {
                assert_eq!((outcome.dead.len(), outcome.ends()), (1, 1), "{script}\n{outcome:?}");
                assert!(outcome.dead[0].code.starts_with(code), "{script}\n{:?}", outcome.dead);
                assert!(outcome.writes.is_empty(), "{script}\n{:?}", outcome.writes);
            }
        });
    });
}

#[test]
fn what_goes_on_in_spite_of_a_failure_is_what_came() {
    let untouched = messages(&scripted("").run(&delivery(1, &event(1)), NOW_MS));
    assert_eq!(untouched.len(), 1);
    on_worker_stack(move || {
        hold(60, &scripts(), |(script, code)| {
            let outcome = loaded(&script, "    on_error: pass\n").run(&delivery(1, &event(1)), NOW_MS);
            let expected = if code == "held" { &[][..] } else { &untouched };
            assert_eq!(messages(&outcome), expected, "{script}\n{outcome:?}");
            let outcome = loaded(&script, "    on_error: drop\n").run(&delivery(1, &event(1)), NOW_MS);
            assert!(
                messages(&outcome).is_empty() && outcome.dead.is_empty() && outcome.ends() == 1,
                "{script}\n{outcome:?}"
            );
        });
    });
}

#[test]
fn a_failing_handler_of_a_batch_emits_nothing_for_any_of_its_events() {
    let handlers = || (scripts(), 1..4_usize);
    on_worker_stack(move || {
        hold(60, &handlers(), |((script, code), count)| {
            let functions: String =
                script.lines().filter(|line| line.starts_with("fn ")).map(|line| format!("{line}\n")).collect();
            let body: String =
                script.lines().filter(|line| !line.starts_with("fn ")).map(|line| format!("{line}\n")).collect();
            let script = format!("{functions}fn on_batch(events) {{\nlet event = events[0];\n{body}}}\n");
            let events: Vec<Value> = (0..count).map(event).collect();
            let outcome = loaded(&script, "").run(&delivery(1, &events.into()), NOW_MS);
            assert!(messages(&outcome).is_empty(), "{script}\n{outcome:?}");
            let ends = if code == "held" { outcome.held.len() } else { outcome.dead.len() };
            assert_eq!((ends, outcome.ends()), (count, count), "{script}\n{outcome:?}");
        });
    });
}
