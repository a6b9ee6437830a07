//! One identity for browser and shop, in the running binary: the shipped pipelines, the recorded journey, every order of events.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use base64::Engine as _;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;
use support::{Cartwire, FakeSegment, Project};

const SOON: Duration = Duration::from_secs(30);
const SECRET: &str = "example-app-client-secret";
/// The browser of the recorded journey, its user, and what its order is known by.
const BROWSER: &str = "0b5f4a3e-6c1d-4f2a-9b7e-1d2c3b4a5f60";
const USER: &str = "6900000000001";
const ORDER: &str = "6100000000001";

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The shipped project with one pipeline, its sink pointed to the fake.
fn project(name: &str, change: impl Fn(String) -> String) -> Project {
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
    let yaml = fs::read_to_string(root().join(format!("pipelines/{name}.yaml"))).unwrap();
    let key = "write_key: ${SEGMENT_WRITE_KEY}";
    assert!(yaml.contains(key), "the pipeline's write key has moved");
    project.pipeline(name, &change(yaml.replace(key, &format!("{key}\n      endpoint: ${{SEGMENT_URL}}"))))
}

/// The test waits no longer than it must.
fn shopify(hold: &str) -> Project {
    project("shopify", |yaml| {
        assert!(yaml.contains("hold: 30s"), "the pipeline's `hold` has moved");
        yaml.replace("hold: 30s", &format!("hold: {hold}"))
    })
}

fn start(project: &Project, segment: &FakeSegment) -> Cartwire {
    let url = segment.url();
    let environment = [
        ("SHOPIFY_WEBHOOK_SECRET", SECRET),
        ("SEGMENT_WRITE_KEY", "test-write-key"),
        ("BROWSER_WRITE_KEY", "browser-key"),
        ("SEGMENT_URL", &url),
    ];
    Cartwire::start_with(project, &[], &environment)
}

fn payload(name: &str) -> Value {
    let file = root().join("tests/fixtures/payloads/shopify/scenario").join(name);
    serde_json::from_slice(&fs::read(file).unwrap()).unwrap()
}

/// The same body as if it had happened now, and without the attribute by which the theme told the browser.
fn now(mut body: Value) -> Value {
    let now = jiff::Timestamp::now().to_string();
    for key in ["created_at", "updated_at", "processed_at", "timestamp"] {
        if body.get(key).is_some() {
            body[key] = now.clone().into();
        }
    }
    if body.get("note_attributes").is_some() {
        body["note_attributes"] = json!([]);
    }
    body
}

fn webhook(cartwire: &Cartwire, topic: &str, body: &Value) {
    let body = body.to_string();
    let mut mac = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes()).unwrap();
    mac.update(body.as_bytes());
    let signature = base64::engine::general_purpose::STANDARD.encode(mac.finalize().into_bytes());
    let headers = [
        ("content-type", "application/json"),
        ("x-shopify-topic", topic),
        ("x-shopify-shop-domain", "example-store.myshopify.com"),
        ("x-shopify-hmac-sha256", &signature),
    ];
    let reply = cartwire.post("/shopify/shopify", &headers, body.as_bytes()).unwrap();
    assert_eq!(reply.status, 200, "{}", reply.text());
}

fn pixel(cartwire: &Cartwire, body: &Value) {
    let headers = [("content-type", "text/plain"), ("origin", "null")];
    let path = "/shopify/shopify_pixel?shop=example-store.myshopify.com";
    let reply = cartwire.post(path, &headers, body.to_string().as_bytes()).unwrap();
    assert_eq!(reply.status, 204, "{}", reply.text());
}

fn wait_for(cartwire: &Cartwire, what: &str, found: impl Fn(&Value) -> bool) {
    let deadline = Instant::now() + SOON;
    loop {
        let books = cartwire.admin("/status").json()["pipelines"][0]["ledger"].clone();
        if found(&books) {
            return;
        }
        assert!(Instant::now() < deadline, "{what}: {books}\n{}", cartwire.stderr());
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// All messages of a name, or of a type.
fn named(segment: &FakeSegment, name: &str) -> Vec<Value> {
    let is = |message: &Value| message["event"] == name || message["event"].is_null() && message["type"] == name;
    segment.received().into_iter().map(|stored| stored.message).filter(is).collect()
}

fn ids(message: &Value) -> (&str, &str) {
    (message["anonymousId"].as_str().unwrap_or(""), message["userId"].as_str().unwrap_or(""))
}

/// The order and everything that followed have both ids, and an identify message says so.
fn one_identity(segment: &FakeSegment) {
    let orders = named(segment, "Order Completed");
    assert_eq!(orders.len(), 1, "{orders:#?}");
    assert_eq!(ids(&orders[0]), (BROWSER, USER), "{:#}", orders[0]);
    let told = named(segment, "identify");
    assert!(told.iter().any(|message| ids(message) == (BROWSER, USER)), "{told:#?}");
}

const CHECKOUT: &str = "10-pixel_checkout_started.json";
const COMPLETED: &str = "19-pixel_checkout_completed.json";
const CREATED: &str = "18-orders_create.json";
const REFUNDED: &str = "30-refunds_create.json";
const PAGE: &str = "01-pixel_page_viewed.json";

#[test]
fn browser_then_webhook_then_restart_then_refund() {
    let segment = FakeSegment::start();
    let project = shopify("30s");
    let mut cartwire = start(&project, &segment);
    pixel(&cartwire, &now(payload(CHECKOUT)));
    segment.wait_until(SOON, "the checkout", |stored| !stored.is_empty());
    webhook(&cartwire, "orders/create", &now(payload(CREATED)));
    segment.wait_until(SOON, "the order", |stored| {
        stored.iter().any(|stored| stored.message["event"] == "Order Completed")
    });
    one_identity(&segment);
    cartwire.kill9();
    cartwire.restart();
    // A refund names nobody, and a page view only its browser.
    webhook(&cartwire, "refunds/create", &now(payload(REFUNDED)));
    pixel(&cartwire, &now(payload(PAGE)));
    // Delivered again, and by the pixel too: once.
    webhook(&cartwire, "orders/create", &now(payload(CREATED)));
    pixel(&cartwire, &now(payload(COMPLETED)));
    wait_for(&cartwire, "what comes twice", |books| books["pending"] == 0 && books["dropped"].as_u64() >= Some(2));
    cartwire.stop();
    one_identity(&segment);
    for name in ["Order Refunded", "page"] {
        let found = named(&segment, name);
        assert_eq!(found.iter().map(ids).collect::<Vec<_>>(), [(BROWSER, USER)], "{name}: {found:#?}");
    }
    // What was under way at the kill is sent again under its id, and Segment keeps one.
    assert!(segment.drops().iter().all(|drop| drop.code == "duplicate"), "{:?}", segment.drops());
}

#[test]
fn a_webhook_that_overtakes_its_browser_waits_for_it_through_a_kill() {
    let segment = FakeSegment::start();
    let project = shopify("25s");
    let mut cartwire = start(&project, &segment);
    // There are browsers, and this order has none yet.
    pixel(&cartwire, &{
        let mut other = now(payload(PAGE));
        other["clientId"] = "another-browser".into();
        other
    });
    segment.wait_until(SOON, "the page", |stored| stored.len() == 1);
    let began = Instant::now();
    webhook(&cartwire, "orders/create", &now(payload(CREATED)));
    // The identify message beside it waits too, so that their order stays.
    wait_for(&cartwire, "both wait", |books| books["held"] == 2);
    assert_eq!(segment.received().len(), 1);
    cartwire.kill9();
    cartwire.restart();
    wait_for(&cartwire, "both still wait", |books| books["held"] == 2);
    pixel(&cartwire, &now(payload(CHECKOUT)));
    segment.wait_until(SOON, "the order", |stored| {
        stored.iter().any(|stored| stored.message["event"] == "Order Completed")
    });
    assert!(began.elapsed() < Duration::from_secs(25), "its browser woke it: {:?}", began.elapsed());
    cartwire.stop();
    one_identity(&segment);
}

#[test]
fn an_order_whose_browser_never_comes_goes_on_alone_and_the_pixel_is_its_copy() {
    let segment = FakeSegment::start();
    let project = shopify("2s");
    let mut cartwire = start(&project, &segment);
    pixel(&cartwire, &now(payload(PAGE)));
    segment.wait_until(SOON, "the page", |stored| stored.len() == 1);
    webhook(&cartwire, "orders/create", &now(payload(CREATED)));
    segment.wait_until(SOON, "the order", |stored| {
        stored.iter().any(|stored| stored.message["event"] == "Order Completed")
    });
    let order = &named(&segment, "Order Completed")[0];
    assert_eq!(order["userId"], USER);
    assert!(order["anonymousId"].as_str().unwrap().starts_with("cw-"), "{order:#}");
    // Late: the same order is dropped, and yet tells whose the browser is.
    pixel(&cartwire, &now(payload(COMPLETED)));
    wait_for(&cartwire, "the copy", |books| books["pending"] == 0 && books["dropped"].as_u64() >= Some(1));
    webhook(&cartwire, "refunds/create", &now(payload(REFUNDED)));
    segment.wait_until(SOON, "the refund", |stored| {
        stored.iter().any(|stored| stored.message["event"] == "Order Refunded")
    });
    cartwire.stop();
    assert_eq!(named(&segment, "Order Completed").len(), 1);
    assert_eq!(ids(&named(&segment, "Order Refunded")[0]), (BROWSER, USER));
    assert!(named(&segment, "identify").iter().any(|message| ids(message) == (BROWSER, USER)));
    assert_eq!(named(&segment, "Order Refunded")[0]["properties"]["order_id"], ORDER);
}

#[test]
fn pixel_then_webhook_is_one_order() {
    let segment = FakeSegment::start();
    let project = shopify("30s");
    let mut cartwire = start(&project, &segment);
    pixel(&cartwire, &now(payload(COMPLETED)));
    wait_for(&cartwire, "the pixel's", |books| books["pending"] == 0 && books["dropped"].as_u64() >= Some(1));
    webhook(&cartwire, "orders/create", &now(payload(CREATED)));
    segment.wait_until(SOON, "the webhook's", |stored| {
        stored.iter().any(|stored| stored.message["event"] == "Order Completed")
    });
    cartwire.stop();
    one_identity(&segment);
}

/// Whatever comes first, and however often: one order, and one identity in the end.
#[test]
fn in_any_order() {
    let deliveries: [&dyn Fn(&Cartwire); 5] = [
        &|cartwire| pixel(cartwire, &now(payload(CHECKOUT))),
        &|cartwire| webhook(cartwire, "orders/create", &now(payload(CREATED))),
        &|cartwire| webhook(cartwire, "refunds/create", &now(payload(REFUNDED))),
        &|cartwire| pixel(cartwire, &now(payload(COMPLETED))),
        &|cartwire| webhook(cartwire, "orders/create", &now(payload(CREATED))),
    ];
    for order in [[0, 1, 2, 3, 4], [4, 3, 2, 1, 0], [2, 1, 4, 0, 3], [1, 0, 3, 4, 2], [3, 2, 4, 0, 1], [2, 3, 0, 1, 4]]
    {
        let segment = FakeSegment::start();
        let project = shopify("1s");
        let mut cartwire = start(&project, &segment);
        for at in order {
            deliveries[at](&cartwire);
        }
        wait_for(&cartwire, "all", |books| books["pending"] == 0 && books["held"] == 0);
        pixel(&cartwire, &now(payload(PAGE)));
        segment.wait_until(SOON, "the page", |stored| stored.iter().any(|stored| stored.message["type"] == "page"));
        cartwire.stop();
        for name in ["Order Completed", "Order Refunded"] {
            assert_eq!(named(&segment, name).len(), 1, "{name}, {order:?}");
        }
        assert_eq!(ids(&named(&segment, "Order Completed")[0]).1, USER, "{order:?}");
        assert_eq!(ids(&named(&segment, "page")[0]), (BROWSER, USER), "{order:?}");
        // What came before anything was known has an id that a message with both ties to the user.
        let all: Vec<_> = segment.received().into_iter().map(|stored| stored.message).collect();
        for message in &all {
            let (anonymous, user) = ids(message);
            let tied = user == USER || all.iter().any(|other| ids(other) == (anonymous, USER));
            assert!(tied, "{order:?}: {message:#}");
        }
        let told = named(&segment, "identify");
        assert!(told.iter().any(|message| ids(message) == (BROWSER, USER)), "{order:?}: {told:#?}");
        let users: std::collections::BTreeSet<_> = segment
            .received()
            .iter()
            .filter_map(|stored| stored.message["userId"].as_str().map(str::to_owned))
            .collect();
        assert_eq!(users.len(), 1, "{order:?}: {users:?}");
    }
}

fn call(cartwire: &Cartwire, kind: &str, message: &Value) {
    let headers = [("content-type", "application/json"), ("authorization", "Basic YnJvd3Nlci1rZXk6")];
    let reply = cartwire.post(&format!("/v1/{kind}"), &headers, message.to_string().as_bytes()).unwrap();
    assert_eq!(reply.status, 200, "{}", reply.text());
}

#[test]
fn a_shared_device_tells_of_whoever_is_there() {
    let segment = FakeSegment::start();
    let project = project("browser", |yaml| yaml);
    let mut cartwire = start(&project, &segment);
    let page = |name: &str| json!({"anonymousId": "device", "name": name});
    call(&cartwire, "page", &page("before"));
    call(&cartwire, "identify", &json!({"anonymousId": "device", "userId": "ada"}));
    call(&cartwire, "page", &page("ada's"));
    call(&cartwire, "track", &json!({"anonymousId": "device", "event": "Signed Out"}));
    call(&cartwire, "page", &page("nobody's"));
    call(&cartwire, "identify", &json!({"anonymousId": "device", "userId": "anonymous"}));
    call(&cartwire, "page", &page("still nobody's"));
    cartwire.kill9();
    cartwire.restart();
    call(&cartwire, "identify", &json!({"anonymousId": "device", "userId": "bob"}));
    call(&cartwire, "page", &page("bob's"));
    segment
        .wait_until(SOON, "all", |stored| stored.iter().filter(|stored| stored.message["type"] == "page").count() == 5);
    cartwire.stop();
    let pages: Vec<_> = segment
        .received()
        .iter()
        .filter(|stored| stored.message["type"] == "page")
        .map(|stored| (stored.message["name"].as_str().unwrap().to_owned(), stored.message["userId"].clone()))
        .collect();
    let none = Value::Null;
    let expected = [
        ("before", &none),
        ("ada's", &"ada".into()),
        ("nobody's", &none),
        ("still nobody's", &none),
        ("bob's", &"bob".into()),
    ];
    assert_eq!(pages, expected.map(|(name, user): (&str, &Value)| (name.to_owned(), user.clone())));
    let signed_out = named(&segment, "Signed Out");
    assert_eq!(ids(&signed_out[0]), ("device", "ada"), "who signs out is known");
}
