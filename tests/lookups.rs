//! What pipelines ask of the outside, with the real binary: how often, in which order, and what is kept of it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use std::time::Duration;

use serde_json::{Value, json};
use support::{Cartwire, FakeApi, FakeSegment, Project};

const JSON: &[(&str, &str)] = &[("content-type", "application/json")];
const SOON: Duration = Duration::from_secs(30);

/// A pipeline with one script that may ask a host.
fn pipeline(allow: &str) -> String {
    format!(
        "sources:\n  - webhook: {{ verify: none, path: /in }}\nsteps:\n  - script:\n      file: ask.rhai\n      http: {{ allow: [ \"{allow}\" ] }}\n    \
         id: ask\nsinks:\n  - segment: {{ write_key: test-key, endpoint: \"${{SEGMENT_URL}}\" }}\n"
    )
}

fn project(api: &FakeApi, script: &str) -> Project {
    Project::new()
        .pipeline("shop", &pipeline(&api.host()))
        .script("ask.rhai", &script.replace("API", &format!("http://{}", api.host())))
}

fn start(project: &Project, segment: &FakeSegment) -> Cartwire {
    Cartwire::start_with(project, &[], &[("SEGMENT_URL", &segment.url())])
}

fn post(cartwire: &Cartwire, body: &Value) {
    let reply = cartwire.post("/in", JSON, body.to_string().as_bytes()).unwrap();
    assert_eq!(reply.status, 200, "{}", reply.text());
}

/// An API that is slow enough for deliveries to gather behind the first one.
fn slow_api() -> FakeApi {
    FakeApi::start(|asked, before| {
        std::thread::sleep(Duration::from_millis(if asked.line.starts_with("GET /slow") { 700 } else { 20 }));
        (200, vec![], json!({ "asked": before }).to_string())
    })
}

fn asked(api: &FakeApi, line: &str) -> usize {
    api.asked().iter().filter(|asked| asked.line.starts_with(line)).count()
}

#[test]
fn equal_posts_of_different_deliveries_are_different_posts() {
    let (api, segment) = (slow_api(), FakeSegment::start());
    let script = "event.userId = \"u-1\";\nevent.properties.asked = http::post(\"API/count\", #{ add: 1 }).body.asked;";
    let mut cartwire = start(&project(&api, script), &segment);
    for n in 0..30 {
        post(&cartwire, &json!({ "n": n }));
    }
    segment.wait_until(SOON, "all", |stored| stored.len() == 30);
    assert_eq!(asked(&api, "POST /count"), 30);
    let mut numbers: Vec<_> =
        segment.received().iter().map(|one| one.message["properties"]["asked"].as_u64().unwrap()).collect();
    numbers.sort_unstable();
    assert_eq!(numbers, (0..30).collect::<Vec<_>>(), "each has the answer to its own");
    cartwire.stop();
}
