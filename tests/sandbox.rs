//! Scripts that never end, eat memory or recurse become dead letters within their limits; the process stays healthy.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use std::time::{Duration, Instant};

use support::{Cartwire, FakeSegment, Project};

const PIPELINE: &str = "sources:
  - webhook: { verify: none, path: /in }
steps:
  - script: evil.rhai
sinks:
  - segment: { write_key: test-key, endpoint: \"${SEGMENT_URL}\" }
";

/// Every branch is one way to misbehave; `fine` is none.
const SCRIPT: &str = r#"
fn deep(n) { deep(n + 1) }

let what = event.properties.what;
event.userId = "u1";
if what == "loop" { loop {} }
if what == "recursion" { deep(0); }
if what == "string" { let s = "x"; loop { s += s; } }
if what == "array" { let a = [1]; loop { a += a; } }
if what == "push" { let a = []; loop { a.push("0123456789012345678901234567890123456789"); } }
if what == "map" { let m = #{}; let i = 0; loop { m["key" + i] = "a rather long value that takes its room"; i += 1; } }
if what == "pad" { let s = "x"; s.pad(4000000000, "y"); }
if what == "replace" { let s = "x"; s.pad(1000000, "x"); s.replace("x", s); }
if what == "nested" { let a = [[]]; loop { a.push([a.remove(0)]); } }
if what == "nested_map" { let m = #{ x: 1 }; loop { let inner = m.remove("x"); m.x = #{ x: inner }; m = m.x; } }
if what == "sort" { let a = []; for i in 0..2000 { a.push(2000 - i); } a.sort(|x, y| { loop {} }); }
if what == "curry" { let f = |a, b| a; let x = "0123456789"; loop { f = f.curry(x); x += x; } }
"#;

#[test]
fn evil_scripts_become_dead_letters_and_good_events_go_on() {
    let segment = FakeSegment::start();
    let project = Project::new().pipeline("shop", PIPELINE).script("evil.rhai", SCRIPT);
    let mut cartwire = Cartwire::start_with(&project, &["--workers", "2"], &[("SEGMENT_URL", &segment.url())]);
    let evils = [
        "loop",
        "recursion",
        "string",
        "array",
        "push",
        "map",
        "pad",
        "replace",
        "nested",
        "nested_map",
        "sort",
        "curry",
    ];
    let post = |cartwire: &Cartwire, what: &str| {
        let body = format!("{{\"what\":\"{what}\"}}");
        let reply = cartwire.post("/in", &[("content-type", "application/json")], body.as_bytes()).unwrap();
        assert_eq!(reply.status, 200, "intake goes on while scripts misbehave");
    };
    for what in evils {
        post(&cartwire, what);
        post(&cartwire, "fine");
    }
    segment.wait_until(Duration::from_secs(60), "the good events", |stored| stored.len() == evils.len());
    let deadline = Instant::now() + Duration::from_secs(60);
    let letters = loop {
        let letters = cartwire.admin("/dead").json();
        if letters.as_array().is_some_and(|letters| letters.len() == evils.len()) {
            break letters;
        }
        assert!(Instant::now() < deadline, "{letters:#}");
        std::thread::sleep(Duration::from_millis(50));
    };
    for letter in letters.as_array().unwrap() {
        assert_eq!(letter["part"], "script", "{letter:#}");
        assert!(letter["code"].as_str().unwrap().starts_with("script-"), "{letter:#}");
    }
    assert_eq!(cartwire.admin("/healthz").status, 200);
    assert_eq!(cartwire.admin("/readyz").status, 200);
    post(&cartwire, "fine");
    segment.wait_for(evils.len() + 1, Duration::from_secs(20));
    cartwire.stop();
}
