//! Erasing a person, in the running binary: what is kept of them goes, through crashes too; nobody else's does, and the books are true.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use base64::Engine as _;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;
use support::{Cartwire, FakeSegment, Fault, Project, http};

const JSON: &[(&str, &str)] = &[("content-type", "application/json")];
const SOON: Duration = Duration::from_secs(30);
const SECRET: &str = "example-app-client-secret";
const JANE: &str = "jane@example.com";
const BOB: &str = "bob@example.com";

/// Remembers who was here, lets some wait and some die, and erases whom it is told to.
const SCRIPT: &str = r#"
let body = event.properties;
if body.kind == "erase" {
    erase(#{ values: [body.email, body.id], why: "customers/redact", reference: "request 17" });
    drop("never an event");
}
event.properties.before = state::get("seen/" + body.email);
state::set("seen/" + body.email, "yes");
state::set("last", body.email);
event.userId = body.email;
if body.kind == "held" { retry("later", "1h"); }
if body.kind == "dead" { reject("it cannot be used"); }
"#;

fn project(segment: &FakeSegment) -> Project {
    let yaml = format!(
        "sources:\n  - webhook: {{ verify: none, path: /in }}\nsteps:\n  - id: memory\n    script: memory.rhai\nsinks:\n  \
         - segment: {{ write_key: test-key, endpoint: \"{}\" }}\n",
        segment.url()
    );
    Project::new().pipeline("shop", &yaml).script("memory.rhai", SCRIPT)
}

fn post(cartwire: &Cartwire, kind: &str, email: &str) {
    let body = json!({ "kind": kind, "email": email });
    let reply = cartwire.post("/in", JSON, body.to_string().as_bytes()).unwrap();
    assert_eq!(reply.status, 200, "{}", reply.text());
}

fn books(cartwire: &Cartwire) -> Value {
    cartwire.admin("/status").json()["pipelines"][0]["ledger"].clone()
}

/// Waits for the books to say something; they balance at every look.
fn wait_for(cartwire: &Cartwire, what: &str, found: impl Fn(&Value) -> bool) -> Value {
    let deadline = Instant::now() + SOON;
    loop {
        let books = books(cartwire);
        let number = |key: &str| books[key].as_u64().unwrap();
        let ends = number("sent") + number("dropped") + number("dead") + number("held") + number("pending");
        assert_eq!(number("accepted"), ends, "{books:#}");
        if found(&books) {
            return books;
        }
        assert!(Instant::now() < deadline, "{what}: {books:#}\n{}", cartwire.stderr());
        std::thread::sleep(Duration::from_millis(10));
    }
}

fn dead(cartwire: &Cartwire) -> Vec<u64> {
    let letters = cartwire.admin("/dead").json();
    letters.as_array().unwrap().iter().map(|letter| letter["id"].as_u64().unwrap()).collect()
}

/// The lines of the record.
fn record(cartwire: &Cartwire) -> Vec<Value> {
    let text = fs::read_to_string(cartwire.data_dir().join("erasures.log")).unwrap_or_default();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn wait_for_record(cartwire: &Cartwire, lines: usize) -> Vec<Value> {
    let deadline = Instant::now() + SOON;
    while record(cartwire).len() < lines {
        assert!(Instant::now() < deadline, "no line in the record:\n{}", cartwire.stderr());
        std::thread::sleep(Duration::from_millis(10));
    }
    record(cartwire)
}

/// Whether a text stands in a file of a folder.
fn stands_in(dir: &Path, text: &str) -> bool {
    fs::read_dir(dir).unwrap().any(|entry| {
        let path = entry.unwrap().path();
        path.is_file() && fs::read(path).unwrap().windows(text.len()).any(|window| window == text.as_bytes())
    })
}

/// Neither log nor record may name anybody.
fn assert_nobody_is_named(cartwire: &Cartwire) {
    let record = fs::read_to_string(cartwire.data_dir().join("erasures.log")).unwrap();
    for text in [cartwire.stderr(), record] {
        assert!(!text.contains(JANE) && !text.contains("6900000000001"), "{text}");
    }
}

fn cli(cartwire: &Cartwire, project: &Project, arguments: &[&str]) -> Output {
    let admin = cartwire.admin_url("").replace("http://", "");
    let mut command = Command::new(env!("CARGO_BIN_EXE_cartwire"));
    command.arg("erase").args(arguments).arg("--dir").arg(project.dir()).args(["--admin", &admin]);
    command.arg("--data-dir").arg(cartwire.data_dir()).output().unwrap()
}

/// What an order to the running process must carry.
fn token(cartwire: &Cartwire) -> String {
    let text = fs::read_to_string(cartwire.data_dir().join("control.json")).unwrap();
    let control: Value = serde_json::from_str(&text).unwrap();
    format!("Bearer {}", control["token"].as_str().unwrap())
}

fn said(output: &Output) -> String {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout.clone()).unwrap()
}

#[test]
fn one_person_is_gone_from_all_that_is_kept_and_another_is_not() {
    let segment = FakeSegment::start();
    let project = project(&segment);
    let mut cartwire = Cartwire::start(&project);
    for email in [JANE, BOB] {
        for kind in ["held", "dead", "plain"] {
            post(&cartwire, kind, email);
        }
    }
    wait_for(&cartwire, "what came in", |books| books["held"] == 2 && books["dead"] == 2 && books["sent"] == 2);
    assert_eq!(dead(&cartwire).len(), 2);
    assert!(stands_in(&cartwire.data_dir().join("dead"), JANE));
    post(&cartwire, "erase", JANE);
    let books = wait_for(&cartwire, "the erasure", |books| books["dropped"] == 2);
    assert_eq!((&books["held"], &books["dead"], &books["sent"]), (&json!(1), &json!(2), &json!(2)));
    let reasons = books["reasons"].as_array().unwrap();
    assert!(reasons.contains(&json!({ "part": "memory", "reason": "erased", "count": 1 })), "{books:#}");
    let line = &wait_for_record(&cartwire, 1)[0];
    for (key, value) in [
        ("pipeline", json!("shop")),
        ("delivery", json!(7)),
        ("why", json!("customers/redact")),
        ("reference", json!("request 17")),
        ("state", json!(1)),
        ("held", json!(1)),
        ("dead", json!(1)),
        ("deliveries", json!(3)),
    ] {
        assert_eq!(line[key], value, "{key}");
    }
    assert!(line["at"].as_str().unwrap().parse::<jiff::Timestamp>().is_ok());
    assert_eq!(dead(&cartwire).len(), 1);
    assert!(!stands_in(&cartwire.data_dir().join("dead"), JANE) && stands_in(&cartwire.data_dir().join("dead"), BOB));
    // It is as if she had never been here; he was.
    post(&cartwire, "plain", JANE);
    post(&cartwire, "plain", BOB);
    let received = segment.wait_until(SOON, "both", |stored| stored.len() == 4);
    let before: Vec<_> = received[2..].iter().map(|stored| stored.message["properties"]["before"].clone()).collect();
    assert_eq!(before, [Value::Null, json!("yes")]);
    // Through a crash nothing comes back.
    cartwire.kill9();
    cartwire.restart();
    post(&cartwire, "plain", BOB);
    let received = segment.wait_until(SOON, "the last", |stored| stored.len() == 5);
    assert_eq!(received[4].message["userId"], BOB);
    wait_for(&cartwire, "who waits", |books| books["held"] == 1);
    // His dead letter may have been kept twice by the crash, hers not at all.
    assert!(!dead(&cartwire).is_empty() && !stands_in(&cartwire.data_dir().join("dead"), JANE));
    assert_eq!(record(&cartwire).len(), 1);
    assert_nobody_is_named(&cartwire);
    cartwire.stop();
    assert!(segment.received().iter().all(|stored| stored.message["event"] != "erase"));
}

#[test]
fn what_waits_for_a_sink_is_held_back_then_and_after_a_restart() {
    for restart in [false, true] {
        let segment = FakeSegment::start();
        segment.faults([Fault::status(503).for_ever()]);
        let project = project(&segment);
        let mut cartwire = Cartwire::start(&project);
        for email in [JANE, BOB, JANE] {
            post(&cartwire, "plain", email);
        }
        wait_for(&cartwire, "what waits", |books| books["pending"] == 3);
        post(&cartwire, "erase", JANE);
        wait_for_record(&cartwire, 1);
        if restart {
            cartwire.kill9();
            segment.reset();
            cartwire.restart();
        } else {
            segment.reset();
        }
        let books = wait_for(&cartwire, "the end", |books| books["sent"] == 1 && books["pending"] == 0);
        assert_eq!(books["dropped"], 3, "two of hers and the request: {books:#}");
        post(&cartwire, "plain", JANE);
        let received = segment.wait_until(SOON, "hers", |stored| stored.len() == 2);
        let users: Vec<_> = received.iter().map(|stored| stored.message["userId"].clone()).collect();
        assert_eq!(users, [BOB, JANE], "what comes later is new");
        assert_eq!(received[1].message["properties"]["before"], Value::Null);
        assert_eq!(record(&cartwire).len(), 1, "run again, it found nothing new");
        cartwire.stop();
    }
}

#[test]
fn a_request_that_was_answered_is_carried_out_whenever_the_process_dies() {
    let segment = FakeSegment::start();
    let project = project(&segment);
    let mut cartwire = Cartwire::start(&project);
    for round in 0..8 {
        for kind in ["held", "dead", "plain"] {
            post(&cartwire, kind, JANE);
        }
        post(&cartwire, "held", BOB);
        post(&cartwire, "erase", JANE);
        std::thread::sleep(Duration::from_millis(round * 4));
        cartwire.kill9();
        cartwire.restart();
        wait_for_record(&cartwire, round as usize + 1);
        wait_for(&cartwire, "who waits", |books| books["held"] == round + 1);
        assert_eq!(dead(&cartwire), Vec::<u64>::new());
        assert!(!stands_in(&cartwire.data_dir().join("dead"), JANE));
        let found = said(&cli(&cartwire, &project, &["shop", JANE, "--dry-run", "--json"]));
        let found: Value = serde_json::from_str(&found).unwrap();
        assert_eq!((&found["state"], &found["held"], &found["dead"]), (&json!(0), &json!(0), &json!(0)), "{found}");
    }
    assert_nobody_is_named(&cartwire);
    cartwire.stop();
}

#[test]
fn the_command_erases_in_a_running_instance_and_in_a_data_directory() {
    let segment = FakeSegment::start();
    let project = project(&segment);
    let mut cartwire = Cartwire::start(&project);
    for email in [JANE, BOB] {
        for kind in ["held", "dead", "plain"] {
            post(&cartwire, kind, email);
        }
    }
    wait_for(&cartwire, "what came in", |books| books["held"] == 2 && books["dead"] == 2 && books["sent"] == 2);
    let all = "1 entry of the state, 1 event that waits, 1 dead letter\nin the journal until its time is over, not to be run again: 3 deliveries\n";
    let look = cli(&cartwire, &project, &["shop", "JANE@example.com", "--dry-run"]);
    assert_eq!(said(&look), format!("would be erased: {all}"));
    assert_eq!((dead(&cartwire).len(), record(&cartwire).len()), (2, 0));
    let done = cli(&cartwire, &project, &["shop", JANE, "7", "--why", "by letter", "--reference", "L-4"]);
    assert_eq!(said(&done), format!("erased: {all}"));
    assert!(String::from_utf8_lossy(&done.stderr).contains("1 value too short"));
    assert_eq!(dead(&cartwire).len(), 1);
    wait_for(&cartwire, "the erasure", |books| books["held"] == 1 && books["dropped"] == 1);
    let missing = cli(&cartwire, &project, &["shopp", JANE]);
    assert!(!missing.status.success() && String::from_utf8_lossy(&missing.stderr).contains("no pipeline `shopp`"));
    // A page in a browser must not be able to ask for it.
    let body = json!({ "pipeline": "shop", "values": [BOB] }).to_string();
    let url = cartwire.admin_url("/erase");
    for headers in [JSON, &[("authorization", "Bearer ")]] {
        assert_eq!(http::post(&url, headers, body.as_bytes()).unwrap().status, 401);
    }
    let token = token(&cartwire);
    let headers = [("content-type", "application/json"), ("authorization", token.as_str())];
    assert_eq!(http::post(&url, &headers, b"{\"pipeline\":\"shop\",\"values\":[]}").unwrap().status, 400);
    cartwire.stop();
    // The same without a process.
    let missing = cli(&cartwire, &project, &["shopp", BOB]);
    assert!(
        !missing.status.success()
            && String::from_utf8_lossy(&missing.stderr).contains("no pipeline `shopp` has run here")
    );
    let look = cli(&cartwire, &project, &["shop", BOB, "--dry-run"]);
    assert_eq!(said(&look), format!("would be erased: {}", all.replace("1 entry", "2 entries")));
    let done = cli(&cartwire, &project, &["shop", BOB, "--json"]);
    let found: Value = serde_json::from_str(&said(&done)).unwrap();
    assert_eq!(found, json!({ "state": 2, "held": 1, "dead": 1, "deliveries": 3 }), "`last` is his too");
    assert!(!stands_in(&cartwire.data_dir().join("dead"), BOB));
    let listed = said(&cli(&cartwire, &project, &["--list"]));
    assert!(listed.contains("by letter") && listed.contains("L-4") && listed.contains("by hand"), "{listed}");
    cartwire.restart();
    wait_for(&cartwire, "nobody", |books| books["held"] == 0);
    assert_eq!((dead(&cartwire), record(&cartwire).len()), (vec![], 2));
    assert_nobody_is_named(&cartwire);
    cartwire.stop();
}

#[test]
fn a_dry_run_keeps_nothing_that_could_be_erased() {
    let segment = FakeSegment::start();
    let project = project(&segment);
    let mut cartwire = Cartwire::start_with(&project, &["--dry-run"], &[]);
    let refused = cli(&cartwire, &project, &["shop", JANE]);
    assert!(!refused.status.success() && String::from_utf8_lossy(&refused.stderr).contains("nothing has run there"));
    cartwire.stop();
    assert!(record(&cartwire).is_empty());
}

#[test]
fn of_a_batch_only_the_persons_own_events_are_held_back() {
    let segment = FakeSegment::start();
    segment.faults([Fault::status(503).for_ever()]);
    let yaml = format!(
        "sources:\n  - segment: {{ write_keys: [in-key], path: / }}\nsinks:\n  - segment: {{ write_key: test-key, endpoint: \"{}\" }}\n",
        segment.url()
    );
    let project = Project::new().pipeline("shop", &yaml);
    let mut cartwire = Cartwire::start(&project);
    let event = |user: &str, id: &str| json!({ "type": "track", "event": "Seen", "userId": user, "messageId": id });
    let body = json!({ "writeKey": "in-key", "batch": [event("u-100001", "a"), event("u-100002", "b"), event("u-100001", "c")] });
    assert_eq!(cartwire.post("/v1/batch", JSON, body.to_string().as_bytes()).unwrap().status, 200);
    wait_for(&cartwire, "what waits", |books| books["pending"] == 3);
    said(&cli(&cartwire, &project, &["shop", "u-100001"]));
    cartwire.kill9();
    segment.reset();
    cartwire.restart();
    let books = wait_for(&cartwire, "the end", |books| books["sent"] == 1 && books["pending"] == 0);
    assert_eq!(books["dropped"], 2);
    let received = segment.received();
    assert_eq!((received.len(), &received[0].message["userId"]), (1, &json!("u-100002")));
    cartwire.stop();
}

/// The shipped Shopify pipeline, its sink pointed to the fake.
fn shopify() -> Project {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut project = Project::new();
    for folder in ["scripts", "scripts/lib", "scripts/shopify", "scripts/tables"] {
        for entry in fs::read_dir(root.join(folder)).unwrap() {
            let path: PathBuf = entry.unwrap().path();
            if path.is_file() {
                let inside = path.strip_prefix(root).unwrap().to_str().unwrap().to_owned();
                project = project.file(&inside, &fs::read_to_string(&path).unwrap());
            }
        }
    }
    let yaml = fs::read_to_string(root.join("pipelines/shopify.yaml")).unwrap();
    let key = "write_key: ${SEGMENT_WRITE_KEY}";
    assert!(yaml.contains(key) && yaml.contains("hold: 30s"));
    let yaml = yaml.replace(key, &format!("{key}\n      endpoint: ${{SEGMENT_URL}}")).replace("hold: 30s", "hold: 0s");
    project.pipeline("shopify", &yaml)
}

fn payload(name: &str) -> Value {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/payloads/shopify/scenario").join(name);
    serde_json::from_slice(&fs::read(file).unwrap()).unwrap()
}

/// Posts a webhook, signed.
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
    assert!((200..300).contains(&reply.status), "{}", reply.text());
}

/// The recorded journey's events, told of somebody else in another browser.
fn of_another(body: &Value) -> Value {
    let text = body.to_string();
    let text = [
        ("6900000000001", "6900000000002"),
        ("6100000000001", "6100000000002"),
        ("ada@example.com", "eve@example.com"),
        ("0b5f4a3e-6c1d-4f2a-9b7e-1d2c3b4a5f60", "11111111-2222-4333-8444-555555555555"),
        ("hWN3ExampleCartTokenAAAA0001", "hWN3ExampleCartTokenBBBB0002"),
        ("5c1f0e0b9a8d4c7e8f3a2b1c0d9e8f7a", "99990e0b9a8d4c7e8f3a2b1c0d9e8f7a"),
    ]
    .into_iter()
    .fold(text, |text, (from, to)| text.replace(from, to));
    let mut body: Value = serde_json::from_str(&text).unwrap();
    if body.get("clientId").is_some() {
        body["id"] = format!("{}-of-another", body["id"].as_str().unwrap()).into();
    }
    body
}

#[test]
fn shopifys_customers_redact_takes_the_browser_along() {
    let segment = FakeSegment::start();
    let project = shopify();
    let url = segment.url();
    let environment =
        [("SHOPIFY_WEBHOOK_SECRET", SECRET), ("SEGMENT_WRITE_KEY", "test-write-key"), ("SEGMENT_URL", &url)];
    let mut cartwire = Cartwire::start_with(&project, &[], &environment);
    let (cart, order) = (payload("09-pixel_cart_viewed.json"), payload("18-orders_create.json"));
    let mut page = payload("01-pixel_page_viewed.json");
    for (cart, order) in [(cart.clone(), order.clone()), (of_another(&cart), of_another(&order))] {
        pixel(&cartwire, &cart);
        webhook(&cartwire, "orders/create", &order);
    }
    // Cart Viewed, identify and Order Completed of each.
    segment.wait_until(SOON, "the orders", |stored| stored.len() == 6);
    wait_for(&cartwire, "the orders", |books| books["pending"] == 0);
    let before = segment.received().len();
    webhook(&cartwire, "customers/redact", &payload("35-customers_redact.json"));
    let line = wait_for_record(&cartwire, 1).remove(0);
    assert!(line["state"].as_u64().unwrap() >= 4 && line["deliveries"] == 2, "{line}");
    assert_eq!(line["why"], "customers/redact");
    // Her browser is nobody's now, the other's still is.
    page["id"] = json!("sh-page-after");
    page["timestamp"] = json!(jiff::Timestamp::now().to_string());
    for page in [page.clone(), of_another(&page)] {
        pixel(&cartwire, &page);
    }
    let received = segment.wait_until(SOON, "the pages", |stored| stored.len() == before + 2);
    let users: Vec<_> = received[before..].iter().map(|stored| stored.message["userId"].clone()).collect();
    assert_eq!(users, [Value::Null, json!("6900000000002")], "{:#?}", &received[before..]);
    // After the shop has removed the app, nothing is left of anybody.
    webhook(
        &cartwire,
        "shop/redact",
        &json!({ "shop_id": 57_000_000_001_u64, "shop_domain": "example-store.myshopify.com" }),
    );
    wait_for_record(&cartwire, 2);
    let admin = cartwire.admin_url("/erase");
    let asked = json!({ "pipeline": "shopify", "values": ["6900000000002"], "all_state": true, "dry_run": true });
    let token = token(&cartwire);
    let headers = [("content-type", "application/json"), ("authorization", token.as_str())];
    let left = http::post(&admin, &headers, asked.to_string().as_bytes()).unwrap().json();
    assert_eq!((&left["state"], &left["held"]), (&json!(0), &json!(0)), "{left}");
    wait_for(&cartwire, "the end", |books| books["pending"] == 0);
    cartwire.stop();
    assert_eq!(segment.received().len(), before + 2, "requests of the law are never events");
    for text in [cartwire.stderr(), fs::read_to_string(cartwire.data_dir().join("erasures.log")).unwrap()] {
        assert!(!text.contains("ada@example.com") && !text.contains("6900000000001"), "{text}");
    }
}
