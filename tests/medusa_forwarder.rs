//! The forwarders that are copied into Medusa backends, run by node against the running binary: what they send is
//! accepted and gives the fixtures' messages; what is not accepted is thrown back to the bus.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use cartwire::check::{self, Expect};
use cartwire::tree::Tree;
use serde_json::Value;
use support::segment::Lint;
use support::{Cartwire, FakeSegment, Project};

const SECRET: &str = "shared-secret";
const VERSIONS: [(&str, &str); 2] = [("1", "v1/forwarder.js"), ("2", "v2/forwarder.ts")];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn node_is_there() -> bool {
    let there = Command::new("node").arg("--version").output().is_ok_and(|output| output.status.success());
    if !there {
        eprintln!("skipped: there is no node");
    }
    there
}

/// What became of each recorded event of a version, and the events that the forwarder subscribes to.
fn emit(version: &str, forwarder: &str, url: &str, secret: &str) -> (BTreeMap<String, Option<String>>, Vec<String>) {
    emit_all(version, forwarder, &root().join(format!("tests/fixtures/payloads/medusa/v{version}")), url, secret)
}

/// The same for the events in a folder.
fn emit_all(
    version: &str,
    forwarder: &str,
    events: &Path,
    url: &str,
    secret: &str,
) -> (BTreeMap<String, Option<String>>, Vec<String>) {
    // Under this ending node takes it for a module, as a backend's compiler does.
    let dir = tempfile::tempdir().unwrap();
    let module = dir.path().join("forwarder.mjs");
    fs::copy(root().join("scripts/medusa").join(forwarder), &module).unwrap();
    let output = Command::new("node")
        .arg(root().join("tests/medusa/backend.mjs"))
        .args([version, module.to_str().unwrap()])
        .arg(events)
        .env("CARTWIRE_URL", url)
        .env("CARTWIRE_SECRET", secret)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let mut outcomes = BTreeMap::new();
    let mut events = Vec::new();
    for line in String::from_utf8(output.stdout).unwrap().lines() {
        let line: Value = serde_json::from_str(line).unwrap();
        match line["stem"].as_str() {
            Some(stem) => {
                outcomes.insert(stem.to_owned(), line["error"].as_str().map(str::to_owned));
            }
            None => {
                events.extend(line["events"].as_array().unwrap().iter().map(|name| name.as_str().unwrap().to_owned()));
            }
        }
    }
    (outcomes, events)
}

/// The shipped project, with the sink's address set to the fake.
fn project() -> Project {
    let mut project = Project::new();
    for folder in ["scripts", "scripts/lib", "scripts/medusa", "scripts/tables"] {
        for entry in fs::read_dir(root().join(folder)).unwrap() {
            let path = entry.unwrap().path();
            if path.is_file() {
                let inside = path.strip_prefix(root()).unwrap().to_str().unwrap().to_owned();
                project = project.file(&inside, &fs::read_to_string(&path).unwrap());
            }
        }
    }
    let yaml = fs::read_to_string(root().join("pipelines/medusa.yaml")).unwrap();
    let pointed = yaml
        .replace("write_key: ${SEGMENT_WRITE_KEY}", "write_key: ${SEGMENT_WRITE_KEY}\n      endpoint: ${SEGMENT_URL}");
    assert_ne!(yaml, pointed, "the pipeline's write key has moved");
    project.pipeline("medusa", &pointed)
}

/// The messages that a case expects.
fn messages(expect: Option<Expect>) -> Vec<Value> {
    match expect {
        Some(Expect::Messages(messages)) => messages,
        Some(Expect::BySink(_)) | None => Vec::new(),
    }
}

/// What the fixtures of the recorded events expect, by messageId.
fn expected(version: &str) -> BTreeMap<String, Value> {
    let (cases, problems) = check::load(root(), &mut Tree::new());
    assert!(problems.is_empty(), "{problems:?}");
    let recorded = format!("payloads/medusa/v{version}/");
    cases
        .into_iter()
        .filter(|case| case.pipeline == "medusa" && case.name.starts_with(&format!("v{version}-")))
        .filter(|case| fs::read_to_string(root().join(&case.file)).unwrap().contains(&recorded))
        .filter(|case| fs::read_to_string(root().join(&case.file)).unwrap().contains(".forwarded.json"))
        .flat_map(|case| messages(case.expect))
        .map(|message| (message["messageId"].as_str().unwrap().to_owned(), message))
        // Whose a browser is, the step `identity` tells once, which of several events ever reveals it.
        .filter(|(id, _)| !id.ends_with(":identify"))
        .collect()
}

/// A message that a fixture expects for its event alone, as it is after the events before it: with the ids that they told.
fn after_others(want: &Value, got: &Value) -> Value {
    let mut want = want.clone();
    for key in ["userId", "anonymousId"] {
        let unknown = want[key].as_str().is_none_or(|id| id.starts_with("cw-"));
        if unknown && got.get(key).is_some() {
            want[key] = got[key].clone();
        }
    }
    want
}

/// Whether `got` is `want`. Numbers are compared by value: `7.50` is written in a fixture as `7.5`.
fn same(want: &Value, got: &Value) -> bool {
    match (want, got) {
        (Value::Object(want), Value::Object(got)) => {
            want.len() == got.len() && want.iter().all(|(key, want)| got.get(key).is_some_and(|got| same(want, got)))
        }
        (Value::Array(want), Value::Array(got)) => {
            want.len() == got.len() && want.iter().zip(got).all(|(want, got)| same(want, got))
        }
        (Value::Number(want), Value::Number(got)) => want.as_f64() == got.as_f64(),
        _ => want == got,
    }
}

#[test]
fn what_they_forward_gives_the_expected_messages() {
    if !node_is_there() {
        return;
    }
    for (version, forwarder) in VERSIONS {
        let segment = FakeSegment::start();
        segment.ecommerce(Lint::Drop);
        let environment = [
            ("MEDUSA_WEBHOOK_SECRET", SECRET),
            ("SEGMENT_WRITE_KEY", "test-write-key"),
            ("SEGMENT_URL", &segment.url()),
        ];
        let project = project();
        let mut cartwire = Cartwire::start_with(&project, &[], &environment);
        let url = cartwire.url("/medusa/medusa");
        let (outcomes, events) = emit(version, forwarder, &url, SECRET);
        assert!(outcomes.len() >= 8, "{outcomes:?}");
        for (stem, error) in &outcomes {
            assert_eq!(error, &None, "{stem} of version {version}");
        }
        assert!(!events.iter().any(|name| name.contains('*') || name.starts_with("auth")), "{events:?}");

        let expected = expected(version);
        assert!(expected.len() > outcomes.len(), "only {} messages are expected", expected.len());
        let own = |id: &str| !id.ends_with(":identify");
        let all = |stored: &[support::Stored]| stored.iter().filter(|stored| own(&stored.message_id)).count();
        let received = segment.wait_until(Duration::from_secs(30), "all", |stored| all(stored) >= expected.len());
        // The bus tries again: nothing new comes of it.
        emit(version, forwarder, &url, SECRET);
        cartwire.stop();
        let ids: BTreeSet<_> =
            segment.received().into_iter().map(|stored| stored.message_id).filter(|id| own(id)).collect();
        assert_eq!(ids.len(), expected.len(), "a retry gave other messages");
        for stored in received.iter().filter(|stored| own(&stored.message_id)) {
            let want = expected.get(&stored.message_id).unwrap_or_else(|| panic!("unexpected: {}", stored.raw));
            let want = after_others(want, &stored.message);
            assert!(same(&want, &stored.message), "version {version}:\n{}\nexpected\n{want:#}", stored.raw);
        }
    }
}

/// Nobody recorded these: a payment that is captured or given back in parts, a return that is received in parts. Of each the
/// forwarder asks for what tells one part from the next.
#[test]
fn parts_are_forwarded_so_that_each_is_told_by_itself() {
    if !node_is_there() {
        return;
    }
    for name in ["edge-v2-payment-captured-in-parts", "edge-v2-payment-refunded-read-late", "edge-v2-returned-in-parts"]
    {
        let (cases, _) = check::load(root(), &mut Tree::new());
        let case = cases.into_iter().find(|case| case.pipeline == "medusa" && case.name == name).unwrap();
        let events = tempfile::tempdir().unwrap();
        for (at, given) in case.given.iter().enumerate() {
            fs::write(events.path().join(format!("{at}.forwarded.json")), &given.body).unwrap();
        }
        let segment = FakeSegment::start();
        let environment =
            [("MEDUSA_WEBHOOK_SECRET", SECRET), ("SEGMENT_WRITE_KEY", "k"), ("SEGMENT_URL", &segment.url())];
        let project = project();
        let cartwire = Cartwire::start_with(&project, &[], &environment);
        let (outcomes, _) = emit_all("2", VERSIONS[1].1, events.path(), &cartwire.url("/medusa/medusa"), SECRET);
        assert!(outcomes.values().all(Option::is_none), "{outcomes:?}");
        let expected = messages(case.expect);
        let received = segment.wait_until(Duration::from_secs(30), "all", |stored| stored.len() >= expected.len());
        for (want, stored) in expected.iter().zip(&received) {
            assert!(same(want, &stored.message), "{name}:\n{}\nexpected\n{want:#}", stored.raw);
        }
        assert_eq!(received.len(), expected.len(), "{name}");
    }
}

#[test]
fn what_is_not_accepted_is_thrown_back_to_the_bus() {
    if !node_is_there() {
        return;
    }
    let environment =
        [("MEDUSA_WEBHOOK_SECRET", SECRET), ("SEGMENT_WRITE_KEY", "k"), ("SEGMENT_URL", "http://127.0.0.1:9")];
    let project = project();
    let mut cartwire = Cartwire::start_with(&project, &[], &environment);
    let url = cartwire.url("/medusa/medusa");
    for (version, forwarder) in VERSIONS {
        for (stem, error) in emit(version, forwarder, &url, "another-secret").0 {
            let error = error.unwrap_or_else(|| panic!("{stem} was taken for sent"));
            assert!(error.contains("Cartwire answered 401"), "{stem}: {error}");
        }
    }
    cartwire.stop();
    for (version, forwarder) in VERSIONS {
        let (outcomes, _) = emit(version, forwarder, &url, SECRET);
        assert!(outcomes.values().all(Option::is_some), "{outcomes:?}");
    }
}
