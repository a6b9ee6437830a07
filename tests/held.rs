//! Events that wait and keys that events have taken, with the real binary: nothing is lost, and nothing is sent or kept twice.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use support::{Cartwire, FakeApi, Project};

const JSON: &[(&str, &str)] = &[("content-type", "application/json")];
const SOON: Duration = Duration::from_secs(30);

/// A service that takes everything.
fn taking() -> FakeApi {
    FakeApi::start(|_, _| (200, vec![], "{}".to_owned()))
}

/// A pipeline with sinks of the kind `http`, by their ids.
fn pipeline(steps: &str, sinks: &[(&str, &FakeApi)]) -> String {
    let sinks: String = sinks
        .iter()
        .map(|(id, api)| format!("  - http: {{ url: \"http://{}/\" }}\n    id: {id}\n", api.host()))
        .collect();
    let steps = if steps.is_empty() { String::new() } else { format!("steps:\n{steps}") };
    format!("sources:\n  - webhook: {{ verify: none, path: /in }}\n{steps}sinks:\n{sinks}")
}

fn post(cartwire: &Cartwire, body: &Value) {
    let reply = cartwire.post("/in", JSON, body.to_string().as_bytes()).unwrap();
    assert_eq!(reply.status, 200, "{}", reply.text());
}

/// The books of the only pipeline.
fn books(cartwire: &Cartwire) -> Value {
    cartwire.admin("/status").json()["pipelines"][0]["ledger"].clone()
}

fn wait_for(cartwire: &Cartwire, what: &str, found: impl Fn(&Value) -> bool) -> Value {
    let deadline = Instant::now() + SOON;
    loop {
        let books = books(cartwire);
        if found(&books) {
            return books;
        }
        assert!(Instant::now() < deadline, "{what}: {books}\n{}", cartwire.stderr());
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn a_key_counts_when_one_sink_takes_its_event_although_another_refuses_it() {
    let (good, audit) = (taking(), FakeApi::start(|_, _| (400, vec![], "no".to_owned())));
    let steps = "  - dedupe: { key: \"order/{properties.id}\" }\n";
    let project = Project::new().pipeline("shop", &pipeline(steps, &[("good", &good), ("audit", &audit)]));
    let mut cartwire = Cartwire::start_with(&project, &[], &[]);
    post(&cartwire, &json!({ "id": 1 }));
    wait_for(&cartwire, "the first", |books| books["sent"] == 1 && books["dead"] == 1);
    post(&cartwire, &json!({ "id": 1 }));
    let books = wait_for(&cartwire, "the second", |books| books["dropped"] == 1 || books["sent"] == 2);
    assert_eq!((&books["dropped"], &books["sent"], &books["pending"]), (&json!(1), &json!(1), &json!(0)), "{books}");
    assert_eq!(good.asked().len(), 1);
    cartwire.stop();
}

#[test]
fn a_key_is_given_back_when_every_sink_refuses_its_event() {
    let refusing = || FakeApi::start(|_, _| (400, vec![], "no".to_owned()));
    let (one, two) = (refusing(), refusing());
    let steps = "  - dedupe: { key: \"order/{properties.id}\" }\n";
    let project = Project::new().pipeline("shop", &pipeline(steps, &[("one", &one), ("two", &two)]));
    let mut cartwire = Cartwire::start_with(&project, &[], &[]);
    post(&cartwire, &json!({ "id": 1 }));
    wait_for(&cartwire, "the first", |books| books["dead"] == 2);
    post(&cartwire, &json!({ "id": 1 }));
    let books = wait_for(&cartwire, "the second", |books| books["dead"] == 4 || books["dropped"] == 1);
    assert_eq!(books["dropped"], 0, "{books}");
    cartwire.stop();
}
