//! The shipped Shopify pipeline in the running binary: every recorded webhook in, exactly the expected messages out.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use cartwire::check::{self, Expect};
use cartwire::tree::Tree;
use serde_json::Value;
use support::http::Reply;
use support::{Cartwire, FakeSegment, Project};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// One step of the recorded journey.
struct Step {
    name: String,
    /// As they were sent; none for what a pixel posts.
    headers: BTreeMap<String, String>,
    body: Vec<u8>,
}

impl Step {
    fn by_pixel(&self) -> bool {
        self.headers.is_empty()
    }

    fn post(&self, cartwire: &Cartwire, body: &[u8]) -> Reply {
        let headers: Vec<_> = if self.by_pixel() {
            vec![("content-type", "text/plain"), ("origin", "null"), ("x-forwarded-for", "203.0.113.7")]
        } else {
            self.headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect()
        };
        let path = if self.by_pixel() {
            "/shopify/shopify_pixel?shop=example-store.myshopify.com"
        } else {
            "/shopify/shopify"
        };
        cartwire.post(path, &headers, body).unwrap()
    }
}

/// The recorded journey in the order in which it came.
fn recorded() -> Vec<Step> {
    let dir = root().join("tests/fixtures/payloads/shopify/scenario");
    let mut names: Vec<PathBuf> = fs::read_dir(&dir).unwrap().map(|entry| entry.unwrap().path()).collect();
    names.sort();
    names
        .iter()
        .filter_map(|path| {
            let file = path.file_name()?.to_str()?;
            if let Some(name) = file.strip_suffix(".json").filter(|name| name.contains("-pixel_")) {
                return Some(Step { name: name.to_owned(), headers: BTreeMap::new(), body: fs::read(path).unwrap() });
            }
            let name = file.strip_suffix(".headers.json")?.to_owned();
            let headers = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
            let body = fs::read(dir.join(format!("{}.json", name.trim_end_matches(".redelivery")))).unwrap();
            Some(Step { name, headers, body })
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
    cases.retain(|case| case.pipeline == "shopify" && case.name.starts_with("scenario-"));
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
    let mut cartwire = Cartwire::start_with(&project, &["--behind-proxy"], &environment);
    let recorded = recorded();
    assert_eq!(recorded.len(), 37, "all steps and one redelivery are there");
    // What pixel and webhooks both tell, and what is delivered again, goes on once.
    let mut expected = Vec::<Value>::new();
    let all = self::expected();
    for message in &all {
        if !expected.iter().any(|first| first["messageId"] == message["messageId"]) {
            expected.push(message.clone());
        }
    }
    assert!(all.len() - expected.len() >= 6, "{} of {}", expected.len(), all.len());
    assert!(expected.len() > 40, "{}", expected.len());
    for step in &recorded {
        let name = &step.name;
        if name.contains("redact") {
            // What is not sent yet of the customer would never be.
            let events = expected.iter().filter(|message| !is_identify(message)).count();
            segment.wait_until(Duration::from_secs(30), "what came before", |stored| {
                stored.iter().filter(|stored| !is_identify(&stored.message)).count() >= events
            });
            wait_for_rest(&cartwire);
        }
        let reply = step.post(&cartwire, &step.body);
        assert_eq!((reply.status, reply.body.len()), (if step.by_pixel() { 204 } else { 200 }, 0), "{name}");
        if !step.by_pixel() {
            let mut forged = step.body.clone();
            forged[10] ^= 1;
            assert_eq!(step.post(&cartwire, &forged).status, 401, "{name}");
        }
    }
    // It stops when everything has been delivered.
    cartwire.stop();
    let mut received = segment.received();
    // What is told apart from the fixtures: whose the browser is.
    received.retain(|stored| !stored.message_id.ends_with(":identify"));
    // What identify messages have told of each user.
    let mut told = BTreeMap::<String, BTreeMap<String, Value>>::new();
    let (mut number, mut left_out) = (0, 0);
    for want in &expected {
        let user = if want["userId"] == OTHER_USER { OTHER_USER } else { USER };
        let traits =
            want["traits"].as_object().into_iter().flatten().map(|(name, value)| (name.clone(), value.clone()));
        let told = told.entry(user.to_owned()).or_default();
        let Some(got) = received.get(number).filter(|got| got.message["messageId"] == want["messageId"]) else {
            assert!(is_identify(want), "message {number} is not there: {want:#}");
            for (name, value) in traits {
                assert_eq!(told.get(&name), Some(&value), "`{name}` of {user} is new, and was not told");
            }
            left_out += 1;
            continue;
        };
        told.extend(traits);
        number += 1;
        let want = in_the_journey(want, &got.message);
        assert!(same(&want, &got.message), "message {number}:\n{}\nexpected\n{want:#}", got.raw);
        if got.message["properties"]["order_id"] == "6100000000001" {
            assert_eq!(
                (&got.message["anonymousId"], &got.message["userId"]),
                (&BROWSER.into(), &USER.into()),
                "{number}"
            );
        }
    }
    assert_eq!(received.len(), number, "nothing came behind the expected messages");
    assert!(left_out >= 5, "only {left_out} identify messages that tell nothing new were left out");
    assert!(segment.duplicates().is_empty() && segment.drops().is_empty(), "{:?}", segment.drops());
    check_the_order_came_once(&segment);
}

fn is_identify(message: &Value) -> bool {
    message["type"] == "identify"
}

/// Waits until nothing is under way any more.
fn wait_for_rest(cartwire: &Cartwire) {
    let deadline = Instant::now() + Duration::from_secs(30);
    loop {
        let books = cartwire.admin("/status").json()["pipelines"][0]["ledger"].clone();
        if books["pending"] == 0 && books["held"] == 0 {
            return;
        }
        assert!(Instant::now() < deadline, "{books}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// The browser and the user of the journey.
const BROWSER: &str = "0b5f4a3e-6c1d-4f2a-9b7e-1d2c3b4a5f60";
const USER: &str = "6900000000001";
/// Who bought the second order, by no browser.
const OTHER_USER: &str = "6900000000002";
/// The id that was made for the second order.
const DERIVED: &str = "cw-dc21a87df7a84e0f2b10ab1bf6b15bdb";

/// A message that a fixture expects for its delivery alone, as it is after the deliveries before it: with the ids that they told.
fn in_the_journey(want: &Value, got: &Value) -> Value {
    let mut want = want.clone();
    let derived = want["anonymousId"].as_str().is_none_or(|id| id.starts_with("cw-"));
    if derived && got["anonymousId"] == BROWSER {
        want["anonymousId"] = BROWSER.into();
    }
    // What belongs to an order without a browser has the id of that order's first event.
    if derived && got["anonymousId"] == DERIVED && got["properties"]["order_id"] == "6100000000002" {
        want["anonymousId"] = DERIVED.into();
    }
    let user = if got["properties"]["order_id"] == "6100000000002" { OTHER_USER } else { USER };
    if want.get("userId").is_none() && got["userId"] == user {
        want["userId"] = user.into();
    }
    want
}

/// Order #1101 is told by the webhook, by its redelivery and by the pixel: three times one event.
fn check_the_order_came_once(segment: &FakeSegment) {
    let received = segment.received();
    let mut orders = received.iter().filter(|stored| {
        stored.message["event"] == "Order Completed" && stored.message["properties"]["order_id"] == "6100000000001"
    });
    let order = orders.next().expect("Order #1101");
    assert!(orders.next().is_none(), "more than one Order Completed");
    let amounts = [("revenue", 54.90), ("shipping", 7.50), ("tax", 4.39), ("discount", 6.10), ("total", 66.79)];
    let properties = &order.message["properties"];
    for (name, amount) in amounts {
        assert_eq!(properties[name].as_f64(), Some(amount), "{name} in {properties:#}");
    }
    for event in ["Checkout Started", "Payment Info Entered"] {
        let found = received.iter().filter(|stored| stored.message["event"] == event).count();
        assert_eq!(found, 1, "{event}");
    }
}
