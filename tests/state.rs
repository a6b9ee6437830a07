//! What pipelines remember, ask and wait for: through restarts and kills, with the real binary.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use support::{Cartwire, FakeApi, FakeSegment, Project, http};

const JSON: &[(&str, &str)] = &[("content-type", "application/json")];
const SOON: Duration = Duration::from_secs(30);

fn pipeline(steps: &str) -> String {
    format!(
        "sources:\n  - webhook: {{ verify: none, path: /in }}\nsteps:\n  - set: {{ userId: u-1 }}\n{steps}sinks:\n  - segment: {{ write_key: test-key, \
         endpoint: \"${{SEGMENT_URL}}\" }}\n"
    )
}

fn start(project: &Project, segment: &FakeSegment) -> Cartwire {
    Cartwire::start_with(project, &[], &[("SEGMENT_URL", &segment.url())])
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
fn a_counter_counts_each_delivery_once_through_ten_kills() {
    let segment = FakeSegment::start();
    let project = Project::new().pipeline(
        "shop",
        &pipeline("  - script:\n      inline: event.properties.count = state::add(\"n\", 1);\n    id: counter\n"),
    );
    let mut cartwire = start(&project, &segment);
    let url = cartwire.url("/in");
    let (stop, accepted) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let sender = {
        let (stop, accepted) = (Arc::clone(&stop), Arc::clone(&accepted));
        std::thread::spawn(move || {
            while !stop.load(Ordering::SeqCst) {
                match http::post(&url, JSON, b"{}") {
                    Ok(reply) if reply.status == 200 => _ = accepted.fetch_add(1, Ordering::SeqCst),
                    _ => std::thread::sleep(Duration::from_millis(5)),
                }
            }
        })
    };
    for kill in 0..10 {
        std::thread::sleep(Duration::from_millis(50 + (kill * 53) % 170));
        cartwire.kill9();
        cartwire.restart();
    }
    std::thread::sleep(Duration::from_millis(200));
    stop.store(true, Ordering::SeqCst);
    sender.join().unwrap();
    let accepted = accepted.load(Ordering::SeqCst);
    segment.wait_until(SOON, "every delivery", |stored| stored.len() >= accepted);
    cartwire.stop();
    // Sent again or not: one id, one count, and no count is left out or given twice.
    let mut by_id: BTreeMap<String, u64> = BTreeMap::new();
    for stored in segment.received().iter().chain(&segment.duplicates()) {
        let count = stored.message["properties"]["count"].as_u64().unwrap();
        let before = by_id.insert(stored.message_id.clone(), count);
        assert!(before.is_none_or(|before| before == count), "{} was {before:?}, then {count}", stored.message_id);
    }
    let mut counts: Vec<u64> = by_id.into_values().collect();
    counts.sort_unstable();
    assert_eq!(counts, (1..=counts.len() as u64).collect::<Vec<_>>());
    assert!(counts.len() >= accepted && accepted > 10, "{accepted} accepted");
}

#[test]
fn a_key_that_was_seen_is_dropped_after_a_restart_and_given_back_by_a_refused_event() {
    let segment = FakeSegment::start();
    segment.faults([support::Fault::poison("Refused")]);
    let project = Project::new()
        .pipeline("shop", &pipeline("  - script: name.rhai\n  - dedupe: \"order/{properties.id}\"\n"))
        .script("name.rhai", "event.event = event.properties.name;");
    let mut cartwire = start(&project, &segment);
    post(&cartwire, &json!({ "id": 1, "name": "First" }));
    segment.wait_until(SOON, "the first", |stored| stored.len() == 1);
    cartwire.stop();
    cartwire.restart();
    post(&cartwire, &json!({ "id": 1, "name": "Second" }));
    wait_for(&cartwire, "the duplicate", |books| books["dropped"] == 1);
    assert_eq!(books(&cartwire)["reasons"][0], json!({ "part": "dedupe", "reason": "duplicate", "count": 1 }));
    // The sink refuses this one: it has not arrived, so the next of its key goes on.
    post(&cartwire, &json!({ "id": 2, "name": "Refused" }));
    wait_for(&cartwire, "the refused", |books| books["dead"] == 1);
    post(&cartwire, &json!({ "id": 2, "name": "Third" }));
    segment.wait_until(SOON, "the third", |stored| stored.len() == 2);
    let names: Vec<_> = segment.received().iter().map(|stored| stored.message["event"].clone()).collect();
    assert_eq!(names, ["First", "Third"]);
    cartwire.stop();
}

#[test]
fn an_event_that_is_retried_waits_through_a_restart_and_keeps_its_id() {
    let api = FakeApi::start(|_, before| {
        if before < 3 { (503, vec![], String::new()) } else { (200, vec![], r#"{"plan":"gold"}"#.into()) }
    });
    let segment = FakeSegment::start();
    let script = format!(
        "let answer = http::post(\"http://{}/plan\", #{{ user: event.userId }});\nif !answer.ok {{ retry(\"the plan is not known\", \"1s\"); }}\n\
         event.properties.plan = answer.body.plan;",
        api.host()
    );
    let steps = format!("  - script: plan.rhai\n    http: {{ allow: [ \"{}\" ] }}\n", api.host());
    // The options of a script stand below it.
    let steps = steps.replace("  - script: plan.rhai\n    http", "  - script:\n      file: plan.rhai\n      http");
    let project = Project::new().pipeline("shop", &pipeline(&steps)).script("plan.rhai", &script);
    let mut cartwire = start(&project, &segment);
    post(&cartwire, &json!({ "n": 1 }));
    let held = wait_for(&cartwire, "the event that waits", |books| books["held"] == 1);
    assert_eq!(held["accepted"], 1);
    assert_eq!(held["pending"], 0);
    cartwire.kill9();
    cartwire.restart();
    segment.wait_until(SOON, "the event", |stored| stored.len() == 1);
    assert_eq!(segment.received()[0].message["properties"]["plan"], "gold");
    let books = wait_for(&cartwire, "the end", |books| books["held"] == 0 && books["pending"] == 0);
    assert_eq!(books["sent"], 1);
    let asked = api.asked();
    assert_eq!(asked.last().unwrap().line, "POST /plan");
    assert_eq!(asked.last().unwrap().body, br#"{"user":"u-1"}"#);
    cartwire.stop();
}

#[test]
fn equal_questions_are_asked_once_and_quotas_are_heeded() {
    let api = FakeApi::start(|asked, before| {
        if asked.line.starts_with("GET /busy") && before == 0 {
            return (429, vec![("retry-after", "1".to_owned())], String::new());
        }
        std::thread::sleep(Duration::from_millis(100));
        (200, vec![], json!({ "asked": before, "path": asked.line }).to_string())
    });
    let segment = FakeSegment::start();
    let steps = format!(
        "  - enrich:\n      get: \"http://{}/busy/{{properties.id}}\"\n      into: context.plan\n      take: path\n      cache: 1m\n      \
         headers: {{ Authorization: \"Bearer ${{TOKEN:-secret-token}}\" }}\n",
        api.host()
    );
    let project = Project::new().pipeline("shop", &pipeline(&steps));
    let mut cartwire = start(&project, &segment);
    for n in 0..20 {
        post(&cartwire, &json!({ "id": "a b/c", "n": n }));
    }
    segment.wait_until(SOON, "all", |stored| stored.len() == 20);
    let asked = api.asked();
    assert_eq!(asked.len(), 2, "once refused, once answered: {asked:?}");
    assert_eq!(asked[1].line, "GET /busy/a%20b%2Fc");
    assert_eq!(asked[1].header("authorization"), Some("Bearer secret-token"));
    for stored in segment.received() {
        assert_eq!(stored.message["context"]["plan"], "GET /busy/a%20b%2Fc");
    }
    cartwire.stop();
    assert!(!cartwire.stderr().contains("secret-token"));
}

#[test]
fn private_addresses_are_not_reached_by_a_name() {
    let api = FakeApi::start(|_, _| (200, vec![], "{}".to_owned()));
    let port = api.host().rsplit_once(':').unwrap().1.to_owned();
    let segment = FakeSegment::start();
    let script = format!(
        "let answer = http::get(\"http://localhost:{port}/\");\nevent.properties.status = answer.status;\nevent.properties.error = answer.error;"
    );
    let steps = "  - script:\n      file: ask.rhai\n      http: { allow: [ localhost ] }\n";
    let project = Project::new().pipeline("shop", &pipeline(steps)).script("ask.rhai", &script);
    let mut cartwire = start(&project, &segment);
    post(&cartwire, &json!({}));
    segment.wait_until(SOON, "the event", |stored| stored.len() == 1);
    let properties = segment.received()[0].message["properties"].clone();
    assert_eq!(properties["status"], 0);
    assert!(properties["error"].as_str().unwrap().contains("private address"), "{properties}");
    assert!(api.asked().is_empty());
    // Listed in figures, it is meant.
    let steps = "  - script:\n      file: ask.rhai\n      http: { allow: [ localhost, 127.0.0.1, \"::1\" ] }\n";
    project.write("pipelines/shop.yaml", &pipeline(steps));
    cartwire.wait_for_log("the reload", |line| line.contains("reloaded"));
    post(&cartwire, &json!({}));
    segment.wait_until(SOON, "the second", |stored| stored.len() == 2);
    assert_eq!(segment.received()[1].message["properties"]["status"], 200);
    // A host that is not listed is the script's fault, with its place.
    project.write("scripts/ask.rhai", "http::get(\"http://169.254.169.254/latest/meta-data\");");
    let deadline = Instant::now() + SOON;
    loop {
        post(&cartwire, &json!({}));
        std::thread::sleep(Duration::from_millis(300));
        let letters = cartwire.admin("/dead").json();
        if let Some(letter) = letters.as_array().unwrap().first() {
            assert!(letter["reason"].as_str().unwrap().contains("is not listed"), "{letter}");
            assert_eq!(letter["place"], "scripts/ask.rhai:1:1");
            break;
        }
        assert!(Instant::now() < deadline, "{}", cartwire.stderr());
    }
    cartwire.stop();
}

#[test]
fn a_slow_service_holds_back_only_what_asks_it() {
    let api = FakeApi::start(|_, _| {
        std::thread::sleep(Duration::from_millis(1500));
        (200, vec![], "{}".to_owned())
    });
    let segment = FakeSegment::start();
    let slow = format!("  - enrich: {{ get: \"http://{}/slow/{{properties.id}}\", into: context.slow }}\n", api.host());
    let project = Project::new()
        .pipeline("slow", &pipeline(&slow))
        .pipeline("fast", &pipeline("  - set: { context.fast: true }\n").replace("/in", "/fast"));
    let mut cartwire = Cartwire::start_with(&project, &["--workers", "1"], &[("SEGMENT_URL", &segment.url())]);
    let begun = Instant::now();
    for n in 0..8 {
        post(&cartwire, &json!({ "id": n }));
    }
    assert_eq!(cartwire.post("/fast", JSON, b"{}").unwrap().status, 200);
    segment.wait_until(SOON, "the fast one", |stored| stored.iter().any(|one| one.message["context"]["fast"] == true));
    let first = segment.received()[0].message.clone();
    assert_eq!(first["context"]["fast"], true, "the only worker waited for the slow service: {first}");
    segment.wait_until(SOON, "the slow ones", |stored| stored.len() == 9);
    // They waited together, not one after another.
    assert!(begun.elapsed() < Duration::from_secs(9), "{:?}", begun.elapsed());
    cartwire.stop();
}
