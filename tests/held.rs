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
fn what_is_too_much_waits_in_the_order_in_which_it_came() {
    let api = taking();
    let steps = "  - throttle: { limit: 5, per: 300ms, over: hold }\n";
    let project = Project::new().pipeline("shop", &pipeline(steps, &[("api", &api)]));
    let cartwire = Cartwire::start_with(&project, &[], &[]);
    for number in 0..23 {
        post(&cartwire, &json!({ "number": number }));
    }
    wait_for(&cartwire, "all", |books| books["sent"] == 23);
    let number = |body: &[u8]| serde_json::from_slice::<Value>(body).unwrap()["properties"]["number"].as_u64().unwrap();
    let numbers: Vec<_> = api.asked().iter().map(|asked| number(&asked.body)).collect();
    assert_eq!(numbers, (0..23).collect::<Vec<_>>());
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

#[test]
fn restarts_before_a_sink_that_does_not_get_on_do_not_multiply_dead_letters() {
    let stuck = FakeApi::start(|_, _| (503, vec![], String::new()));
    let steps = "  - script:\n      inline: if \"bad\" in event.properties { reject(\"no\"); }\n";
    let project = Project::new().pipeline("shop", &pipeline(steps, &[("stuck", &stuck)]));
    let mut cartwire = Cartwire::start_with(&project, &[], &[]);
    for n in 0..3 {
        post(&cartwire, &json!({ "n": n }));
        post(&cartwire, &json!({ "n": n, "bad": true }));
    }
    for _ in 0..3 {
        let books = wait_for(&cartwire, "the books", |books| books["dead"] == 3 && books["pending"] == 3);
        assert_eq!(books["accepted"], 6);
        assert_eq!(cartwire.admin("/dead").json().as_array().unwrap().len(), 3);
        cartwire.kill9();
        cartwire.restart();
    }
    cartwire.kill9();
}

/// Removes the pipeline, and gives the books that it closes.
fn remove(cartwire: &Cartwire, project: &Project) {
    std::fs::remove_file(project.path("pipelines/shop.yaml")).unwrap();
    cartwire.wait_for_log("the removal", |line| line.contains("removed; what it has accepted"));
    let deadline = Instant::now() + SOON;
    while cartwire.admin("/status").json()["retiring"] != json!([]) {
        assert!(Instant::now() < deadline, "{}", cartwire.stderr());
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn events_that_wait_go_on_when_their_pipeline_is_removed() {
    let api = taking();
    let steps = "  - throttle: { limit: 1, per: 1h, over: hold }\n";
    let project = Project::new()
        .pipeline("shop", &pipeline(steps, &[("api", &api)]))
        .pipeline("stays", &pipeline("", &[("api", &api)]).replace("/in", "/stays"));
    let mut cartwire = Cartwire::start_with(&project, &[], &[]);
    for n in 0..4 {
        post(&cartwire, &json!({ "n": n }));
    }
    wait_for(&cartwire, "those that wait", |books| books["held"] == 3 && books["sent"] == 1);
    remove(&cartwire, &project);
    assert_eq!(api.asked().len(), 4);
    assert_eq!(cartwire.admin("/dead").json(), json!([]));
    cartwire.stop();
}

#[test]
fn what_would_wait_again_becomes_a_dead_letter_when_its_pipeline_is_removed() {
    let api = taking();
    let steps = "  - script:\n      inline: retry(\"not yet\", \"1h\");\n      retry: { times: 100 }\n";
    let project = Project::new()
        .pipeline("shop", &pipeline(steps, &[("api", &api)]))
        .pipeline("stays", &pipeline("", &[("api", &api)]).replace("/in", "/stays"));
    let mut cartwire = Cartwire::start_with(&project, &[], &[]);
    post(&cartwire, &json!({ "n": 1 }));
    wait_for(&cartwire, "the one that waits", |books| books["held"] == 1);
    remove(&cartwire, &project);
    let letters = cartwire.admin("/dead").json();
    assert_eq!(letters.as_array().unwrap().len(), 1, "{letters}");
    assert_eq!(letters[0]["code"], "pipeline-removed");
    assert!(letters[0]["reason"].as_str().unwrap().contains("not yet"), "{letters}");
    cartwire.stop();
}

#[test]
fn a_run_until_idle_waits_for_events_that_wait() {
    let api = taking();
    let steps = "  - throttle: { limit: 1, per: 3s, over: hold }\n";
    let project = Project::new().pipeline("shop", &pipeline(steps, &[("api", &api)]));
    let mut cartwire = Cartwire::start_with(&project, &[], &[]);
    post(&cartwire, &json!({ "n": 1 }));
    post(&cartwire, &json!({ "n": 2 }));
    wait_for(&cartwire, "the one that waits", |books| books["held"] == 1 && books["sent"] == 1);
    cartwire.stop();
    cartwire.restart_with(&["--until-idle"]);
    assert!(cartwire.wait().success(), "{}", cartwire.stderr());
    assert_eq!(api.asked().len(), 2);
}

#[test]
fn a_start_tells_of_events_that_wait_for_a_pipeline_that_is_gone() {
    let api = taking();
    let steps = "  - throttle: { limit: 1, per: 1h, over: hold }\n";
    let project = Project::new()
        .pipeline("shop", &pipeline(steps, &[("api", &api)]))
        .pipeline("stays", &pipeline("", &[("api", &api)]).replace("/in", "/stays"));
    let mut cartwire = Cartwire::start_with(&project, &[], &[]);
    (0..3).for_each(|n| post(&cartwire, &json!({ "n": n })));
    wait_for(&cartwire, "those that wait", |books| books["held"] == 2);
    cartwire.stop();
    std::fs::remove_file(project.path("pipelines/shop.yaml")).unwrap();
    cartwire.restart();
    cartwire.wait_for_log("the warning", |line| line.contains("its events that wait") && line.contains("\"held\":2"));
    cartwire.stop();
}
