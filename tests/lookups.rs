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

/// A request on its way, and then what gathers behind it.
fn gather(cartwire: &Cartwire, bodies: &[Value]) {
    post(cartwire, &json!({ "user": "first" }));
    std::thread::sleep(Duration::from_millis(250));
    for body in bodies {
        post(cartwire, body);
    }
}

#[test]
fn what_deliveries_before_remembered_decides_who_posts() {
    let (api, segment) = (slow_api(), FakeSegment::start());
    let script = r#"
        let user = event.properties.user;
        event.userId = user;
        http::get("API/slow?" + user);
        if state::get("welcomed/" + user) == () {
            http::post("API/welcome", #{ user: user, n: event.properties.n });
            state::set("welcomed/" + user, true);
        }
    "#;
    let mut cartwire = start(&project(&api, script), &segment);
    gather(&cartwire, &(0..6).map(|n| json!({ "user": "u-1", "n": n })).collect::<Vec<_>>());
    segment.wait_until(SOON, "all", |stored| stored.len() == 7);
    assert_eq!(asked(&api, "POST /welcome"), 2, "one for each user: {:?}", api.asked());
    cartwire.stop();
}

#[test]
fn what_was_learned_before_a_post_is_asked_again() {
    // A service that knows a customer once it was told.
    let api = FakeApi::start({
        let known = std::sync::Mutex::new(std::collections::BTreeSet::new());
        move |asked, _| {
            let (method, path) = asked.line.split_once(' ').unwrap();
            std::thread::sleep(Duration::from_millis(if path.ends_with("first") { 500 } else { 20 }));
            let mut known = known.lock().unwrap();
            if method == "POST" {
                known.insert(path.to_owned());
            }
            (if known.contains(path) { 200 } else { 404 }, vec![], String::new())
        }
    });
    let segment = FakeSegment::start();
    let script = r#"
        let user = event.properties.user;
        event.userId = user;
        event.properties.count = state::add("count/" + user, 1);
        if http::get("API/customers/" + user).status == 404 {
            http::post("API/customers/" + user, #{ n: event.properties.n });
        }
    "#;
    let mut cartwire = start(&project(&api, script), &segment);
    gather(&cartwire, &(0..6).map(|n| json!({ "user": "u-1", "n": n })).collect::<Vec<_>>());
    segment.wait_until(SOON, "all", |stored| stored.len() == 7);
    assert_eq!(asked(&api, "POST /customers/u-1"), 1, "{:?}", api.asked());
    cartwire.stop();
}

#[test]
fn a_long_row_of_posts_comes_to_its_end() {
    let (api, segment) =
        (FakeApi::start(|_, before| (200, vec![], json!({ "asked": before }).to_string())), FakeSegment::start());
    let script = r#"
        event.userId = "u-1";
        event.properties.before = state::add("sum", 1) - 1;
        let answer = http::post("API/count", #{ n: event.properties.n });
        event.properties.error = answer.error ?? "";
    "#;
    let project = project(&api, script);
    project.write("pipelines/shop.yaml", &pipeline(&api.host()).replace("path: /in", "path: /in, split: true"));
    let mut cartwire = start(&project, &segment);
    // One delivery with more events than a script may ask questions, and as many deliveries behind it.
    let events: Vec<_> = (0..50).map(|n| json!({ "n": n })).collect();
    post(&cartwire, &Value::from(events.clone()));
    for event in &events {
        post(&cartwire, event);
    }
    segment.wait_until(SOON, "all", |stored| stored.len() == 100);
    for stored in segment.received() {
        assert_eq!(stored.message["properties"]["error"], "", "{}", stored.message);
    }
    assert_eq!(asked(&api, "POST /count"), 100);
    cartwire.stop();
}

/// One too many is no failure of the network: a script that waits and asks again would do so in vain.
#[test]
fn an_event_that_needs_too_many_requests_is_a_dead_letter_that_says_so() {
    let (api, segment) = (FakeApi::start(|_, _| (200, vec![], "{}".to_owned())), FakeSegment::start());
    let script = "event.userId = \"u-1\"; event.properties.failed = 0;\nfor n in 0..event.properties.n {\n    \
                  let answer = try_it(n);\n    if !answer.ok { retry(\"not yet\", \"1s\"); }\n}\n\
                  fn try_it(n) { try { return http::get(`API/item/${n}`); } catch { return #{ ok: false }; } }";
    let mut cartwire = start(&project(&api, script), &segment);
    post(&cartwire, &json!({ "n": 33 }));
    post(&cartwire, &json!({ "n": 32 }));
    segment.wait_until(SOON, "the one that asks as often as it may", |stored| stored.len() == 1);
    assert_eq!(segment.received()[0].message["properties"]["n"], 32);
    let deadline = std::time::Instant::now() + SOON;
    let letters = loop {
        let letters = cartwire.admin("/dead").json();
        if letters.as_array().is_some_and(|letters| !letters.is_empty()) || std::time::Instant::now() > deadline {
            break letters;
        }
        std::thread::sleep(Duration::from_millis(50));
    };
    assert_eq!(letters[0]["code"], "script-limit-lookups", "{letters:#}");
    assert!(letters[0]["reason"].as_str().unwrap().contains("more than 32 different requests"), "{letters:#}");
    cartwire.stop();
}
