//! Steps in whole pipelines, as people write them: fixtures from the raw request to the message of each sink, and reloads.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::json;
use support::{Cartwire, FakeSegment, Project};

/// Runs `cartwire test` in a project with one pipeline and one case.
#[track_caller]
fn holds(steps: &str, sinks: &str, case: &str) {
    let pipeline = format!("sources:\n  - segment: {{ write_keys: k, path: / }}\nsteps:\n{steps}sinks:\n{sinks}");
    let project = files(Project::new()).pipeline("p", &pipeline).file("tests/fixtures/p/case.yaml", case);
    let output = Command::new(env!("CARGO_BIN_EXE_cartwire")).arg("test").current_dir(project.dir()).output().unwrap();
    let shown = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success() && shown.contains("1 case"), "{shown}");
}

fn files(project: Project) -> Project {
    project
        .file("scripts/tables/products.csv", "sku,cost,supplier\nA-1,4.50,North\n")
        .file("scripts/plans/shop.yaml", PLAN)
}

const PLAN: &str = "rules:
  - type: TRACK
    key: Order Completed
    jsonSchema:
      type: object
      properties:
        properties:
          type: object
          required: [ order_id ]
          properties: { order_id: { type: string }, total: { type: number } }
";

/// A delivery of one track event.
fn track(more: &str) -> String {
    format!(
        "given:\n  source: segment\n  path: /v1/track\n  json: {{ writeKey: k, type: track, event: Order Completed, userId: u1, messageId: m-1, \
         timestamp: \"2026-01-15T10:20:30.000Z\", {more} }}\n"
    )
}

const TWO: &str = "  - console\n  - file: out.ndjson\n    id: archive\n";
const SEGMENT: &str = "  - segment: { write_key: w }\n";

#[test]
fn each_sink_gets_what_the_routes_say() {
    let steps = "  - split: { path: properties.products, event: Product Purchased, keep_parent: true }
  - route:
      - { when: event.event == \"Product Purchased\", to: archive }
      - { to: console }
  - script: { inline: 'track(#{ event: \"Copy\", userId: \"u1\" });' }
    when: event.event != \"Product Purchased\"
";
    let case = track("properties: { total: 5, products: [ { sku: A }, { sku: B } ] }")
        + "expect:
  console:
    - { event: Order Completed, messageId: m-1, properties: { products: [ { sku: A }, { sku: B } ] } }
    - { event: Copy }
  archive:
    - { event: Product Purchased, messageId: \"m-1:0\", properties: { total: 5, sku: A } }
    - { event: Product Purchased, messageId: \"m-1:1\", properties: { total: 5, sku: B } }
";
    holds(steps, TWO, &case);
}

#[test]
fn consent_is_asked_for_each_sink() {
    let steps = "  - consent: { categories: Advertising, sinks: console }\n  - consent: { categories: Storage, sinks: archive }\n";
    let case = track("context: { consent: { categoryPreferences: { Advertising: false, Storage: true } } }")
        + "expect:\n  console: []\n  archive:\n    - { event: Order Completed }\n";
    holds(steps, TWO, &case);
    let case = track("context: { consent: { categoryPreferences: {} } }")
        + "expect: { console: [], archive: [] }\ndropped: [ consent ]\n";
    holds(steps, TWO, &case);
}

#[test]
fn tables_campaigns_and_private_values() {
    let steps =
        "  - lookup: { table: tables/products.csv, each: properties.products, key: sku, into: cost, columns: [ cost ] }
  - campaign: {}
  - hash: { fields: traits.email, normalize: lowercase }
  - mask: { fields: \"**.phone\" }
  - redact: context.ip
  - sample: { rate: 100%, by: userId }
";
    let case = track(
        "traits: { email: Jane@example.com, phone: \"+4917612345\" }, context: { page: { url: \"https://s.example/?utm_source=n&gclid=g\" } }, \
         properties: { products: [ { sku: A-1 }, { sku: X } ] }",
    ) + "exact: true
expect:
  - type: track
    event: Order Completed
    userId: u1
    messageId: m-1
    timestamp: \"2026-01-15T10:20:30.000Z\"
    traits: { email: 8c87b489ce35cf2e2f39f80e282cb2e804932a56a213983eeeb428407d43b52d, phone: \"*******2345\" }
    context: { campaign: { source: n, gclid: g }, page: { url: \"https://s.example/?utm_source=n&gclid=g\" } }
    properties: { products: [ { sku: A-1, cost: { cost: \"4.50\" } }, { sku: X } ] }
";
    holds(steps, SEGMENT, &case);
}

#[test]
fn violations_are_written_down_or_end_the_event() {
    let wrong = track("properties: { total: \"5\" }");
    let case = wrong.clone()
        + "expect:
  - context:
      protocols:
        violations:
          - { type: Required, field: properties.order_id, description: properties.order_id is required }
        omitted_on_violation: [ properties.total ]
    properties: {}
dead: []
";
    let recorded = case.replace(
        "        omitted",
        "          - { type: Invalid Type, field: properties.total, description: \"properties.total: value is not of type \\\"number\\\"\" }\n        omitted",
    );
    holds("  - validate: { plan: plans/shop.yaml, on_violation: drop_properties }\n", SEGMENT, &recorded);
    let case = wrong + "expect: []\ndead: [ schema-violation ]\n";
    holds("  - validate: { plan: plans/shop.yaml, on_violation: dead_letter }\n", SEGMENT, &case);
    let case = track("properties: { total: \"5\" }") + "expect: []\ndropped: [ schema_violation ]\n";
    holds("  - validate: { plan: ecommerce, on_violation: drop }\n", SEGMENT, &case);
}

#[test]
fn secrets_do_not_leave_to_segment() {
    let given = track(
        "properties: { order_id: \"4111111111111111\", checkout_token: c, token: t, note: \"4111 1111 1111 1111\", gift_cards: [ { code: G, value: 5 } ] }",
    );
    let clean = given.clone()
        + "exact: true
expect:
  - type: track
    event: Order Completed
    userId: u1
    messageId: m-1
    timestamp: \"2026-01-15T10:20:30.000Z\"
    properties: { order_id: \"4111111111111111\", checkout_token: c, gift_cards: [ { value: 5 } ] }
";
    holds(
        "",
        SEGMENT,
        &clean.replace("    properties", "    context: CONTEXT\n    properties").replace("    context: CONTEXT\n", ""),
    );
    let case = given.clone() + "expect: []\ndead: [ private-data ]\n";
    holds("", "  - segment: { write_key: w, pii: dead_letter }\n", &case);
    let case =
        given + "expect:\n  - properties: { token: t, note: \"4111 1111 1111 1111\", gift_cards: [ { code: G } ] }\n";
    holds("", "  - segment: { write_key: w, pii: { allow: properties } }\n", &case);
}

#[test]
fn an_edited_table_or_plan_is_in_the_next_event() {
    let segment = FakeSegment::start();
    let project = files(Project::new()).pipeline(
        "p",
        "sources:\n  - segment: { write_keys: k, path: / }\nsteps:\n  - lookup: { table: tables/products.csv, key: properties.sku, into: properties.row }\n  - \
         validate: plans/shop.yaml\nsinks:\n  - segment: { write_key: w, endpoint: \"${SEGMENT_URL}\", linger: 10ms }\n",
    );
    let cartwire = Cartwire::start_with(&project, &[], &[("SEGMENT_URL", &segment.url())]);
    let sent = |number: u32| {
        let id = format!("steps-test-message-{number:06}");
        let event = json!({"writeKey": "k", "type": "track", "event": "Order Completed", "userId": "u1", "messageId": id,
            "properties": {"sku": "A-1", "order_id": "7", "token": "secret-value"}});
        let reply = cartwire.post("/v1/track", &[("content-type", "application/json")], event.to_string().as_bytes());
        assert_eq!(reply.unwrap().status, 200);
        let until = Instant::now() + Duration::from_secs(20);
        loop {
            if let Some(stored) =
                segment.messages().into_iter().find(|stored| stored.message["messageId"] == id.as_str())
            {
                return stored.message;
            }
            assert!(Instant::now() < until, "{}", cartwire.stderr());
            std::thread::sleep(Duration::from_millis(10));
        }
    };
    let first = sent(0);
    assert_eq!(first["properties"]["row"]["supplier"], "North");
    assert!(first["context"].get("protocols").is_none());
    assert!(first["properties"].get("token").is_none());
    cartwire.wait_for_log("the guard's note", |log| log.contains("pii: removed properties.token"));
    assert!(!cartwire.stderr().contains("secret-value"), "{}", cartwire.stderr());

    project.write("scripts/tables/products.csv", "sku,cost,supplier\nA-1,4.50,South\n");
    project.write("scripts/plans/shop.yaml", &PLAN.replace("[ order_id ]", "[ order_id, currency ]"));
    let until = Instant::now() + Duration::from_secs(20);
    for number in 1.. {
        let next = sent(number);
        let violation = &next["context"]["protocols"]["violations"][0]["field"];
        if next["properties"]["row"]["supplier"] == "South" && violation == "properties.currency" {
            break;
        }
        assert!(Instant::now() < until, "{next:#}\n{}", cartwire.stderr());
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn a_sink_that_sends_to_ourselves_is_warned_of() {
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let project = Project::new().pipeline(
        "p",
        &format!(
            "sources:\n  - webhook: {{ verify: none }}\nsinks:\n  - http: {{ url: \"http://localhost:{port}/p/webhook\" }}\n"
        ),
    );
    let listen = format!("127.0.0.1:{port}");
    let cartwire = Cartwire::start_with(&project, &["--listen", &listen], &[]);
    cartwire.wait_for_log("the warning", |log| log.contains("what it sends comes in again"));
}
