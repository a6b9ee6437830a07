//! The shipped Shopify pipeline in the running binary: every recorded webhook in, exactly the expected messages out.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use cartwire::check::{self, Expect};
use cartwire::tree::Tree;
use serde_json::Value;
use support::{Cartwire, FakeSegment, Project};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The recorded webhooks in the order in which they came: headers as they were sent, body file.
fn recorded() -> Vec<(String, BTreeMap<String, String>, Vec<u8>)> {
    let dir = root().join("tests/fixtures/payloads/shopify/scenario");
    let mut names: Vec<PathBuf> = fs::read_dir(&dir).unwrap().map(|entry| entry.unwrap().path()).collect();
    names.sort();
    names
        .iter()
        .filter_map(|path| {
            let name = path.file_name()?.to_str()?.strip_suffix(".headers.json")?.to_owned();
            let headers = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
            let body = fs::read(dir.join(format!("{}.json", name.trim_end_matches(".redelivery")))).unwrap();
            Some((name, headers, body))
        })
        .collect()
}

/// The shipped project, with the sink's address set to the fake.
fn project() -> Project {
    let mut project = Project::new();
    for folder in ["scripts", "scripts/lib", "scripts/shopify", "scripts/tables"] {
        for entry in fs::read_dir(root().join(folder)).unwrap() {
            let path = entry.unwrap().path();
            if path.is_file() {
                let inside = path.strip_prefix(root()).unwrap().to_str().unwrap().to_owned();
                project = project.file(&inside, &fs::read_to_string(&path).unwrap());
            }
        }
    }
    let yaml = fs::read_to_string(root().join("pipelines/shopify.yaml")).unwrap();
    let pointed = yaml
        .replace("write_key: ${SEGMENT_WRITE_KEY}", "write_key: ${SEGMENT_WRITE_KEY}\n      endpoint: ${SEGMENT_URL}");
    assert_ne!(yaml, pointed, "the pipeline's write key has moved");
    project.pipeline("shopify", &pointed)
}

/// What the scenario's fixtures expect, in order. A redelivery is the same messages again, with the same ids.
fn expected() -> Vec<Value> {
    let (mut cases, problems) = check::load(root(), &mut Tree::new());
    assert!(problems.is_empty(), "{problems:?}");
    cases.retain(|case| {
        case.pipeline == "shopify" && case.name.starts_with("scenario-") && !case.name.contains("redelivery")
    });
    cases.sort_by(|one, other| one.name.cmp(&other.name));
    cases
        .into_iter()
        .flat_map(|case| match case.expect {
            Some(Expect::Messages(messages)) => messages,
            Some(Expect::BySink(_)) | None => Vec::new(),
        })
        .collect()
}

/// Whether `got` is `want`, and nothing more. Numbers are compared by value: `7.50` is written in a fixture as `7.5`.
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
fn the_recorded_journey_gives_exactly_the_expected_messages() {
    let segment = FakeSegment::start();
    let project = project();
    let environment = [
        ("SHOPIFY_WEBHOOK_SECRET", "example-app-client-secret"),
        ("SEGMENT_WRITE_KEY", "test-write-key"),
        ("SEGMENT_URL", &segment.url()),
    ];
    let mut cartwire = Cartwire::start_with(&project, &[], &environment);
    let recorded = recorded();
    assert_eq!(recorded.len(), 24, "all recorded webhooks are there");
    for (name, headers, body) in &recorded {
        let headers: Vec<_> = headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let reply = cartwire.post("/shopify/shopify", &headers, body).unwrap();
        assert_eq!((reply.status, reply.body.len()), (200, 0), "{name}");
        let mut forged = body.clone();
        forged[10] ^= 1;
        assert_eq!(cartwire.post("/shopify/shopify", &headers, &forged).unwrap().status, 401, "{name}");
    }
    let expected = expected();
    assert!(expected.len() > 20);
    let received = segment.wait_for(expected.len(), Duration::from_secs(30));
    cartwire.stop();
    assert_eq!(received.len(), expected.len());
    for (number, (want, got)) in expected.iter().zip(&received).enumerate() {
        assert!(same(want, &got.message), "message {number}:\n{}\nexpected\n{want:#}", got.raw);
    }
    assert!(segment.received().len() == expected.len(), "nothing came behind the expected messages");

    let order = received.iter().find(|stored| {
        stored.message["event"] == "Order Completed" && stored.message["properties"]["order_id"] == "6100000000001"
    });
    let properties = &order.expect("Order #1101").message["properties"];
    for (name, amount) in [("revenue", 54.90), ("shipping", 7.50), ("tax", 4.39), ("discount", 6.10), ("total", 66.79)]
    {
        assert_eq!(properties[name].as_f64(), Some(amount), "{name} in {properties:#}");
    }
}
