//! analytics.js, unmodified, in a real browser: it sends to the shipped browser pipeline as it would to Segment.
//!
//! Needs Chromium (`chromium`, or the program that `CHROMIUM` names) and the library, which `CARTWIRE_SDK_TESTS=1`
//! installs into `target/sdk`. Without them these tests say so and pass.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a broken set-up should stop the test")]

#[path = "browser/chromium.rs"]
mod chromium;
#[path = "browser/site.rs"]
mod site;
mod support;

use std::fs;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chromium::{Chromium, USER_AGENT};
use serde_json::{Value, json};
use site::Site;
use support::install::{installed, npm};
use support::{Cartwire, FakeSegment, Fault, Project, Stored, http};

const TIMEOUT: Duration = Duration::from_secs(60);

/// Where the visitor lands: a click on an advertisement in a newsletter that puts the address into the link.
const LANDING: &str = "/shop?utm_source=newsletter&utm_campaign=spring&gclid=TestGclid123&email=ada%40example.com";

/// The same as it leaves Cartwire.
const LANDING_TOLD: &str = "/shop?utm_source=newsletter&utm_campaign=spring&gclid=TestGclid123";

/// How many calls the page makes.
const CALLS: usize = 8;

/// One browser at a time: each wants both cores of a small machine.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

/// A page that has loaded the library and waits to be let go.
struct Visit {
    // Dropped in this order: the browser first.
    browser: Option<Chromium>,
    site: Site,
    cartwire: Cartwire,
    segment: FakeSegment,
    _project: Project,
    _guard: MutexGuard<'static, ()>,
}

impl Visit {
    /// None where the browser or the library is missing.
    fn start(run: &Value, user_agent: Option<&str>) -> Option<Self> {
        let guard = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
        if !chromium::is_there() {
            return None;
        }
        let library = installed("browser", "browser/package.json", npm)?;
        let segment = FakeSegment::start();
        let envs = [("BROWSER_WRITE_KEY", "in-key"), ("SEGMENT_WRITE_KEY", "out-key"), ("SEGMENT_URL", &segment.url())];
        let project = project();
        let cartwire = Cartwire::start_with(&project, &["--journal-max", "400KB"], &envs);
        let mut run = run.clone();
        run["cartwire"] = json!(cartwire.url(""));
        run["writeKey"] = json!("in-key");
        let mut site = Site::start(library.join("node_modules/@segment/analytics-next/dist/umd"), run);
        let browser = Chromium::open(&site.url(LANDING), user_agent);
        site.wait_for("ready");
        Some(Self { browser: Some(browser), site, cartwire, segment, _project: project, _guard: guard })
    }

    /// Waits until every call has arrived once, and checks each with what the library sent.
    fn check(&mut self) -> Vec<Stored> {
        let received = self.segment.wait_until(TIMEOUT, "call of the page", |stored| of_page(stored).len() >= CALLS);
        let received = of_page(&received);
        assert_eq!(received.len(), CALLS);
        for stored in &received {
            self.check_one(stored);
        }
        assert_eq!(self.segment.duplicates().len(), 0);
        let warnings = self.segment.warnings();
        assert!(warnings.is_empty(), "{warnings:?}");
        received
    }

    fn check_one(&self, stored: &Stored) {
        let raw = &stored.raw;
        assert_eq!(stored.key, "out-key");
        for field in ["sentAt", "writeKey", "_metadata", "originalTimestamp"] {
            assert!(stored.message.get(field).is_none(), "{field} in {raw}");
        }
        assert!(stored.envelope.get("writeKey").is_none_or(|key| key == "out-key"), "{}", stored.envelope);
        let sent_ago_ms = stored.received_at.duration_since(stored.sent_at.unwrap()).as_millis();
        assert!((0..10_000).contains(&sent_ago_ms), "sent {sent_ago_ms} ms ago: {raw}");
        let context = &stored.merged["context"];
        assert_eq!(context["ip"], "127.0.0.1", "{raw}");
        assert_eq!(context["userAgent"], USER_AGENT, "{raw}");
        assert_eq!(context["library"]["name"], "analytics.js", "{raw}");
        assert_eq!(context["page"]["url"], self.site.url(LANDING_TOLD), "{raw}");
        assert_eq!(context["page"]["path"], "/shop", "{raw}");
        assert_eq!(context["page"]["title"], "Northway", "{raw}");
        let campaign = json!({ "source": "newsletter", "name": "spring", "gclid": "TestGclid123" });
        assert_eq!(context["campaign"], campaign, "{raw}");
        assert!(!raw.contains("ada%40example.com"), "{raw}");
    }

    /// Every message of the library that Cartwire has answered 200, as it was sent; the page tells of them in time.
    fn sent(&mut self) -> Vec<Value> {
        self.site.wait_for_requests("an answer for every call", |requests| taken(requests).len() >= CALLS);
        taken(&self.site.requests)
    }

    fn statuses(&self) -> Vec<&Value> {
        self.site.requests.iter().map(|request| &request["status"]).collect()
    }

    /// Checks that what it sent is what arrived, whatever trouble there was on the way.
    fn check_arrived_as_sent(&mut self) {
        let received = self.check();
        let sent = self.sent();
        assert_eq!(sent.len(), CALLS, "{sent:#?}");
        for message in &sent {
            // What must not go on to Segment was there.
            assert!(message["_metadata"].is_object() && message["writeKey"] == "in-key", "{message}");
            let id = message["messageId"].as_str().unwrap();
            let arrived = received.iter().find(|stored| stored.message_id == id).unwrap();
            for field in ["type", "event", "name", "category", "userId", "anonymousId", "previousId", "groupId"] {
                assert_eq!(arrived.message.get(field).unwrap_or(&Value::Null), &message[field], "{field} of {message}");
            }
            let later_ms = instant(&arrived.message["timestamp"]).duration_since(instant(&message["timestamp"]));
            assert!((0..10_000).contains(&later_ms.as_millis()), "{message} at {}", arrived.message["timestamp"]);
        }
    }
}

fn instant(value: &Value) -> jiff::Timestamp {
    value.as_str().unwrap_or_default().parse().unwrap_or_else(|e| panic!("{value}: {e}"))
}

/// The messages in the requests that were answered 200.
fn taken(requests: &[Value]) -> Vec<Value> {
    let bodies = requests
        .iter()
        .filter(|request| request["status"] == 200)
        .filter_map(|request| serde_json::from_str::<Value>(request["body"].as_str()?).ok());
    bodies
        .flat_map(|body| match body.get("batch").and_then(Value::as_array) {
            Some(batch) => batch.clone(),
            None => vec![body],
        })
        .collect()
}

/// Without those with which a test filled the journal.
fn of_page(stored: &[Stored]) -> Vec<Stored> {
    stored.iter().filter(|stored| stored.message["event"] != "Filled").cloned().collect()
}

/// The shipped pipeline, with the sink's address set to the fake.
fn project() -> Project {
    let shipped = |path: &str| fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap();
    let yaml = shipped("pipelines/browser.yaml");
    let pointed = yaml
        .replace("write_key: ${SEGMENT_WRITE_KEY}", "write_key: ${SEGMENT_WRITE_KEY}\n      endpoint: ${SEGMENT_URL}");
    assert_ne!(yaml, pointed, "the pipeline's write key has moved");
    Project::new()
        .pipeline("browser", &pointed)
        .script("browser.rhai", &shipped("scripts/browser.rhai"))
        .script("lib/address.rhai", &shipped("scripts/lib/address.rhai"))
}

/// What the page is to load and how it is to deliver.
fn run(library: &str, delivery_strategy: &Value) -> Value {
    json!({
        "library": library,
        "options": { "integrations": { "Segment.io": { "deliveryStrategy": delivery_strategy } } },
    })
}

fn standard() -> Value {
    json!({ "strategy": "standard" })
}

/// Small batches, so that there are several of them.
fn batching() -> Value {
    json!({ "strategy": "batching", "config": { "size": 3, "timeout": 300 } })
}

/// Every call with the ids that the page's visitor had at that time.
fn check_ids(received: &[Stored]) {
    let the = |kind: &str, event: Option<&str>| {
        let mut found = received
            .iter()
            .filter(|stored| stored.message["type"] == kind && stored.message["event"].as_str() == event);
        let only = found.next().unwrap_or_else(|| panic!("no {kind} {event:?}"));
        assert!(found.next().is_none(), "two of {kind} {event:?}");
        &only.message
    };
    let early = the("track", Some("Called Early"));
    let page = the("page", None);
    let viewed = the("track", Some("Product Viewed"));
    let identify = the("identify", None);
    let group = the("group", None);
    let alias = the("alias", None);
    let signed_out = the("track", Some("Signed Out"));
    let again = the("track", Some("Visited Again"));

    let anonymous = &early["anonymousId"];
    assert!(anonymous.as_str().unwrap().len() == 36, "{anonymous}");
    for message in [page, viewed, identify, group, signed_out] {
        assert_eq!(message["anonymousId"], *anonymous, "{message}");
    }
    for message in [early, page, viewed, again] {
        assert!(message.get("userId").is_none(), "{message}");
    }
    assert!(again["anonymousId"].is_string() && again["anonymousId"] != *anonymous, "{again}");
    for message in [identify, group, signed_out] {
        assert_eq!(message["userId"], "user-7", "{message}");
    }
    assert_eq!(alias["previousId"], "user-7", "{alias}");
    assert_eq!(group["groupId"], "group-7");
    assert_eq!(group["traits"], json!({ "plan": "enterprise", "employees": 12 }));
    assert_eq!(identify["traits"]["email"], "ada@example.com");
    assert_eq!((&page["category"], &page["name"]), (&json!("Shop"), &json!("Home")));
    assert_eq!(page["properties"]["season"], "spring");
    let address = page["properties"]["url"].as_str().unwrap();
    assert!(address.ends_with(LANDING_TOLD), "{address}");
    let product = json!({ "product_id": "42", "name": "Größe ✓ \"L\"", "price": 19.99, "currency": "EUR" });
    assert_eq!(viewed["properties"], product);
}

fn visit(library: &str, strategy: &Value) -> Option<Visit> {
    let mut visit = Visit::start(&run(library, strategy), Some(USER_AGENT))?;
    visit.site.go();
    visit.check_arrived_as_sent();
    assert!(visit.statuses().iter().all(|status| **status == 200), "{:?}", visit.statuses());
    check_ids(&visit.segment.received());
    Some(visit)
}

/// Whether a request came with the library's count of retries, which a preflight must have allowed.
fn is_retry(request: &Value) -> bool {
    request["headers"].as_object().is_some_and(|headers| headers.keys().any(|name| name == "X-Retry-Count"))
}

#[test]
fn the_snippet_delivers_each_call_by_itself() {
    let Some(mut visit) = visit("snippet", &standard()) else { return };
    let page = visit.site.requests.iter().find(|request| request["url"].as_str().unwrap().ends_with("/v1/p"));
    assert!(page.is_some(), "{:#?}", visit.site.requests);
    visit.browser = None;
    visit.cartwire.stop();
}

#[test]
fn the_package_delivers_each_call_by_itself() {
    visit("module", &standard());
}

#[test]
fn batches_arrive_in_few_requests() {
    let Some(visit) = visit("snippet", &batching()) else { return };
    let posted: Vec<_> = visit.site.requests.iter().filter(|request| request["body"].is_string()).collect();
    assert!(posted.iter().all(|request| request["url"].as_str().unwrap().ends_with("/v1/b")), "{posted:#?}");
    assert!((3..CALLS).contains(&posted.len()), "{} requests", posted.len());
}

/// What waits for a batch to fill goes out when the page is left.
#[test]
fn a_batch_is_not_lost_when_the_page_is_left() {
    let strategy = json!({ "strategy": "batching", "config": { "size": 100, "timeout": 600_000 } });
    let mut run = run("snippet", &strategy);
    run["leave"] = json!(true);
    let Some(mut visit) = Visit::start(&run, Some(USER_AGENT)) else { return };
    visit.site.go();
    check_ids(&visit.check());
}

/// The first answers are 503: the library tries again with `x-retry-count`.
fn check_overload(strategy: &Value) {
    let Some(mut visit) = Visit::start(&run("snippet", strategy), Some(USER_AGENT)) else { return };
    visit.segment.faults([Fault::status(500).for_ever()]);
    // Large ones first, and then what fits beside them.
    for bytes in [20_000, 10] {
        let call = json!({
            "writeKey": "in-key", "type": "track", "event": "Filled", "userId": "filler",
            "properties": { "filler": "x".repeat(bytes) },
        });
        let url = visit.cartwire.url("/v1/track");
        let headers = [("content-type", "application/json")];
        while http::post(&url, &headers, call.to_string().as_bytes()).unwrap().status == 200 {}
    }
    visit.site.go();
    visit.site.wait_for_requests("a refusal", |requests| requests.iter().any(|request| request["status"] == 503));
    visit.segment.faults([]);
    visit.check_arrived_as_sent();
    assert!(visit.site.requests.iter().any(|request| is_retry(request) && request["status"] == 200));
}

#[test]
fn calls_refused_by_a_full_journal_are_tried_again() {
    check_overload(&standard());
}

#[test]
fn batches_refused_by_a_full_journal_are_tried_again() {
    check_overload(&batching());
}

/// Cartwire is gone when the page makes its calls, and comes back.
fn check_restart(strategy: &Value) {
    let Some(mut visit) = Visit::start(&run("snippet", strategy), Some(USER_AGENT)) else { return };
    visit.cartwire.kill9();
    visit.site.go();
    visit.site.wait_for("visited");
    visit.site.wait_for_requests("a failure", |requests| requests.iter().any(|request| request["status"].is_null()));
    visit.cartwire.restart();
    visit.check_arrived_as_sent();
    assert!(visit.site.requests.iter().any(|request| is_retry(request) && request["status"] == 200));
}

#[test]
fn calls_survive_a_restart_of_cartwire() {
    check_restart(&standard());
}

#[test]
fn batches_survive_a_restart_of_cartwire() {
    check_restart(&batching());
}

/// The filter of the pipeline: a browser that says that it has no window is a robot.
#[test]
fn a_robot_reaches_cartwire_and_not_segment() {
    let Some(mut visit) = Visit::start(&run("snippet", &standard()), None) else { return };
    visit.site.go();
    assert_eq!(visit.sent().len(), CALLS);
    visit.browser = None;
    // It stops when everything has been delivered.
    visit.cartwire.stop();
    assert!(visit.segment.requests().is_empty());
}
