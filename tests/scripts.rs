//! Scripts as users meet them: handlers, requests and batches, errors with their way there, and what `check` says beforehand.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use std::process::Command;
use std::time::Duration;

use support::{Cartwire, FakeSegment, Project};

/// What a command prints in a project, and how it ends.
fn cartwire(project: &Project, args: &[&str]) -> (Option<i32>, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_cartwire")).args(args).current_dir(project.dir()).output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code(), format!("{}{}", text(&output.stdout), text(&output.stderr)))
}

fn project(source: &str, step: &str) -> Project {
    Project::new().pipeline(
        "shop",
        &format!(
            "sources:\n  - {source}\nsteps:\n{step}sinks:\n  - segment: {{ write_key: \"${{SEGMENT_WRITE_KEY}}\" }}\n"
        ),
    )
}

fn passes(project: &Project) {
    let (code, shown) = cartwire(project, &["test"]);
    assert_eq!(code, Some(0), "{shown}");
}

const WEBHOOK: &str = "webhook: { verify: none, keep_headers: [ x-github-event ] }";
const STEP: &str = "  - script: shop.rhai\n    settings: { store: north, limit: 2 }\n";

#[test]
fn each_type_of_event_has_its_handler() {
    let project = project("segment: { path: /, write_keys: [ in ] }", STEP)
        .script(
            "shop.rhai",
            "import \"lib/money\" as money;
const RATE = 2;

fn on_track(event, settings, delivery) {
    event.properties.total = money::twice(event.properties.total) * global::RATE;
    event.properties.store = settings.store;
    event.properties.source = delivery.source;
    event.remove(\"context\");
}

fn on_identify(event) {
    if event.traits.plan == () {
        return outcome::drop(\"no plan\");
    }
    [event, #{ type: \"group\", groupId: event.traits.plan, userId: event.userId }]
}
",
        )
        .script("lib/money.rhai", "fn twice(amount) { amount * 2 }\n")
        .file(
            "tests/fixtures/shop/types.yaml",
            "given:
  path: /v1/batch
  json:
    batch:
      - { type: track, event: Paid, userId: u, properties: { total: 3 } }
      - { type: identify, userId: u, traits: { plan: gold } }
      - { type: identify, userId: v, traits: {} }
      - { type: page, name: Home, userId: u }
expect:
  - { type: track, event: Paid, properties: { total: 12, store: north, source: segment } }
  - { type: identify, userId: u, traits: { plan: gold } }
  - { type: group, groupId: gold, userId: u }
  - { type: page, name: Home }
dropped: [ no plan ]
",
        );
    passes(&project);
}

#[test]
fn a_request_of_any_content_is_decoded() {
    let project = project(WEBHOOK, STEP)
        .script(
            "shop.rhai",
            "fn on_request(delivery, settings) {
    let name = delivery.header(\"X-GitHub-Event\") ?? delivery.query(\"name\");
    if delivery.header(\"content-type\") == \"application/json\" {
        let items = delivery.json();
        if items.len() > settings.limit { reject(\"InvalidEventPayload\", \"too many\"); }
        return items.map(|item| #{ type: \"track\", event: name, userId: settings.store, properties: item });
    }
    if delivery.header(\"content-type\") == \"application/x-www-form-urlencoded\" {
        let form = delivery.form();
        identify(#{ userId: form.user, traits: #{ tags: form.tag } });
    } else {
        for line in delivery.text.split(\"\\n\") { track(#{ event: line, userId: `${delivery.url}` }); }
    }
}
",
        )
        .file(
            "tests/fixtures/shop/json.yaml",
            "given:
  headers: { X-GitHub-Event: issues, content-type: application/json }
  body: '[{\"id\": 820982911946154508999, \"price\": 199.00}, {\"price\": 1E3}]'
expect:
  - { type: track, event: issues, userId: north, properties: { id: 820982911946154508999, price: 199.00 } }
  - { type: track, event: issues, userId: north, properties: { price: 1000 } }
",
        )
        .file(
            "tests/fixtures/shop/many.yaml",
            "given: { headers: { content-type: application/json }, body: '[{}, {}, {}]' }\nexpect: []\ndead: [ invalid-event-payload ]\n",
        )
        .file(
            "tests/fixtures/shop/form.yaml",
            "given: { headers: { content-type: application/x-www-form-urlencoded }, body: \"user=u+1&tag=a&tag=b\" }
expect:
  - { type: identify, userId: u 1, traits: { tags: [ a, b ] } }
",
        )
        .file(
            "tests/fixtures/shop/text.yaml",
            "given: { headers: { content-type: text/csv }, query: a=1, path: /x, body: \"one\\ntwo\" }
expect:
  - { type: track, event: one, userId: \"/x?a=1\" }
  - { type: track, event: two, userId: \"/x?a=1\" }
",
        );
    passes(&project);
}

#[test]
fn a_batch_is_answered_by_position() {
    let project = project("webhook: { verify: none, split: true }", STEP)
        .script(
            "shop.rhai",
            "fn on_batch(events, settings) {
    let sum = 0;
    for event in events { sum += event.properties.n; }
    events.map(|event| switch event.properties.n {
        0 => outcome::drop(\"nothing\"),
        1 => outcome::reject(\"ValidationError\", \"one is odd\"),
        2 => #{ type: \"track\", event: \"Sum\", userId: settings.store, properties: #{ sum: sum } },
        _ => outcome::pass(),
    })
}
",
        )
        .file(
            "tests/fixtures/shop/all.yaml",
            "given: { json: [ { n: 0 }, { n: 2 }, { n: 1 }, { n: 7, userId: u } ] }
expect:
  - { type: track, event: Sum, userId: north, properties: { sum: 10 } }
dropped: [ nothing ]
dead: [ one is odd, no-user-anon-id ]
",
        );
    let (_, shown) = cartwire(&project, &["test"]);
    // The last event has no user, which the sink refuses: it went on as it was.
    assert!(shown.contains("validation-error") || shown.contains("1 case"), "{shown}");
    let short = project.script(
        "shop.rhai",
        "fn on_batch(events, settings) {\n    log::info(settings.store);\n    events.filter(|event| event.properties.n > 0)\n}\n",
    );
    let (code, shown) = cartwire(&short, &["test"]);
    assert_eq!(code, Some(1));
    assert!(
        shown.contains("`on_batch` answered for 3 of 4 events: there is nothing for the one at position 3"),
        "{shown}"
    );
}

const BROKEN: &str = "import \"lib/order\" as order;

fn on_track(event, settings) {
    log::warn(`total is ${event.properties.total}`);
    event.properties.total = order::total(event.properties);
}
";

fn broken() -> Project {
    project(WEBHOOK, STEP)
        .script("shop.rhai", BROKEN)
        .script("lib/order.rhai", "import \"lib/money\" as money;\n\nfn total(p) {\n    money::twice(p.total)\n}\n")
        .script("lib/money.rhai", "fn twice(amount) {\n    amount * 2\n}\n")
}

const STACK: [&str; 3] =
    ["twice (scripts/lib/money.rhai:2:12)", "total (scripts/lib/order.rhai:4:12)", "on_track (scripts/shop.rhai:5:37)"];

#[test]
fn a_failing_case_shows_the_way_to_the_fault_and_what_was_logged() {
    let project = broken().file("tests/fixtures/shop/a.yaml", "given: { json: { total: many } }\nexpect: []\n");
    let (code, shown) = cartwire(&project, &["test"]);
    assert_eq!(code, Some(1));
    assert!(shown.contains("between a text and a number"), "{shown}");
    assert!(shown.contains("at scripts/lib/money.rhai:2:12"), "{shown}");
    for frame in STACK {
        assert!(shown.contains(&format!("in {frame}")), "{frame} in {shown}");
    }
    assert!(shown.contains("total is many"), "{shown}");
}

#[test]
fn a_dead_letter_keeps_its_stack_and_its_logs_and_a_module_of_a_module_is_reloaded() {
    let segment = FakeSegment::start();
    let project = broken();
    project.write(
        "pipelines/shop.yaml",
        &format!("sources:\n  - {WEBHOOK}\nsteps:\n{STEP}  - set: {{ userId: u }}\nsinks:\n  - segment: {{ write_key: k, endpoint: \"${{SEGMENT_URL}}\" }}\n"),
    );
    let mut cartwire_run = Cartwire::start_with(&project, &[], &[("SEGMENT_URL", &segment.url())]);
    let post = |body: &str| {
        let reply = cartwire_run.post("/shop/webhook", &[("content-type", "application/json")], body.as_bytes());
        assert_eq!(reply.unwrap().status, 200);
    };
    post("{\"total\": \"many\"}");
    post("{\"total\": 3}");
    segment.wait_for(1, Duration::from_secs(30));
    assert_eq!(segment.received()[0].message["properties"]["total"], 6);
    let letter = cartwire_run.admin("/dead").json()[0].clone();
    assert_eq!(letter["stack"], serde_json::json!(STACK), "{letter:#}");
    assert_eq!(letter["logs"], serde_json::json!(["warn: total is many"]), "{letter:#}");

    project.write("scripts/lib/money.rhai", "fn twice(amount) {\n    amount * 20\n}\n");
    let (mut total, mut sent) = (6, 1);
    while total == 6 {
        assert!(sent < 500, "the module of the module was never reloaded");
        std::thread::sleep(Duration::from_millis(20));
        post("{\"total\": 3}");
        sent += 1;
        segment.wait_for(sent, Duration::from_secs(30));
        total = segment.received().last().unwrap().message["properties"]["total"].as_i64().unwrap();
    }
    assert_eq!(total, 60);
    cartwire_run.stop();

    let data = cartwire_run.data_dir().display().to_string();
    let (code, shown) = cartwire(&project, &["dead", "show", "1", "--data-dir", &data]);
    assert_eq!(code, Some(0), "{shown}");
    for line in
        STACK.map(|frame| format!("in {frame}")).iter().map(String::as_str).chain(["logged warn: total is many"])
    {
        assert!(shown.contains(line), "{line} in {shown}");
    }
}

/// What `check` says of a script with two settings: `code file:line:column` and the help of each, without the frames.
fn check(project: &Project) -> String {
    let (_, shown) = cartwire(project, &["check"]);
    shown
}

#[test]
fn check_tells_of_mistakes_in_scripts_and_modules_without_running_them() {
    let project = project(WEBHOOK, STEP)
        .script(
            "shop.rhai",
            "import \"lib/money\" as money;
import \"lib/unused\" as unused;
import \"lib/\" + \"x\" as computed;
import \"../secrets\" as outside;

fn on_trak(event, settings) {
    event.proprties.a = 1;
}
fn on_page(event, delivery) {
    event.name = money::twise(1) + money::twice();
}
fn on_track(event, settings) {
    event.properties.store = settings.stoer;
    let name = \"a\";
    if event.event == \"b\" { let name = \"c\"; event.name = name; }
    event.name = name;
}
fn helper(a) { a }
",
        )
        .script("lib/unused.rhai", "fn f() { 1 }\n")
        .script(
            "lib/money.rhai",
            "fn twice(amount) {\n    let rate = 2;\n    amount * 2\n}\nprivate fn never(a) { a }\n",
        );
    let shown = check(&project);
    for (said, place) in [
        ("error[unknown-handler]: nothing calls `on_trak`", "scripts/shop.rhai:6:4"),
        ("warning[unknown-field]: events have no field `proprties`", "scripts/shop.rhai:7:11"),
        (
            "error[wrong-parameters]: the parameter `delivery` of `on_page` would be the settings",
            "scripts/shop.rhai:9:19",
        ),
        ("error[unknown-function]: unknown function `money::twise`", "scripts/shop.rhai:10:25"),
        ("error[wrong-arguments]: `money::twice` takes 1 argument, not 0", "scripts/shop.rhai:10:43"),
        ("warning[unused-import]: the module `unused` is never used", "scripts/shop.rhai:2:8"),
        ("error[import-computed]", "scripts/shop.rhai:3:"),
        ("error[import-outside]", "scripts/shop.rhai:4:8"),
        ("warning[shadowed-variable]: `let name` hides", "scripts/shop.rhai:15:33"),
        ("warning[unused-variable]: `rate` is never used", "scripts/lib/money.rhai:2:9"),
        ("warning[unused-function]: nothing calls `never`", "scripts/lib/money.rhai:5:12"),
        ("did you mean `on_track`?", ""),
        ("did you mean `properties`?", ""),
        ("did you mean `money::twice`?", ""),
        ("fn on_page(event, settings, delivery)", ""),
    ] {
        assert!(shown.contains(said), "{said} in\n{shown}");
        assert!(shown.contains(place), "{place} in\n{shown}");
    }
}

#[test]
fn check_names_a_setting_that_a_script_spells_otherwise() {
    let project = project(WEBHOOK, STEP).script(
        "shop.rhai",
        "event.properties.store = settings.stoer;\nevent.properties.limit = settings.limit ?? 3;\n",
    );
    let shown = check(&project);
    assert!(shown.contains("warning[unknown-setting]: there is no setting `stoer`"), "{shown}");
    assert!(shown.contains("scripts/shop.rhai:1:35") && shown.contains("did you mean `store`?"), "{shown}");
    assert_eq!(shown.matches("unknown-setting").count(), 1, "{shown}");
    for fine in [
        // With a default of its own, or read beside the other, or nothing like it.
        "let all = map::merge(#{ stoer: 1 }, settings);\nevent.a = all.stoer + settings.stoer + all.store + all.limit;\n",
        "event.properties.store = settings.stoer ?? settings.store;\n",
        "event.properties.store = settings.region;\n",
    ] {
        project.write("scripts/shop.rhai", fine);
        let shown = check(&project);
        assert!(!shown.contains("unknown-setting"), "{fine}\n{shown}");
    }
}

#[test]
fn check_names_a_setting_that_is_read_and_not_given() {
    let project = project(WEBHOOK, STEP).script(
        "shop.rhai",
        "event.properties.store = settings.store;\nevent.properties.plan = settings.plans[0] + settings.plans[1];\n",
    );
    let shown = check(&project);
    assert!(shown.contains("warning[missing-setting]: the setting `plans` is not given"), "{shown}");
    assert!(shown.contains("scripts/shop.rhai:2:34") && shown.contains("settings.plans ?? …"), "{shown}");
    assert_eq!(shown.matches("missing-setting").count(), 1, "{shown}");
    for fine in [
        "event.a = settings.plans ?? [];\n",
        "event.a = settings?.plans;\n",
        "event.a = settings.plans?.len;\n",
        "if \"plans\" in settings { event.a = settings.plans; }\n",
        "if settings.contains(\"plans\") { event.a = settings.plans; }\n",
        "if settings.plans != () { event.a = settings.plans; }\n",
        "if !text::is_blank(settings[\"plans\"]) { event.a = settings.plans; }\n",
        "let settings = settings + #{ more: 1 }; event.a = settings.plans;\n",
    ] {
        project.write("scripts/shop.rhai", fine);
        let shown = check(&project);
        assert!(!shown.contains("missing-setting"), "{fine}\n{shown}");
    }
    let project = self::project(WEBHOOK, "  - script: shop.rhai\n")
        .script("shop.rhai", "fn on_track(event, settings) { event.a = settings.plan; }\n");
    assert!(check(&project).contains("missing-setting"), "also where there are no settings at all");
}

#[test]
fn check_shows_a_circle_of_imports_as_a_whole() {
    let project = project(WEBHOOK, STEP)
        .script("shop.rhai", "import \"lib/a\" as a;\nevent.x = a::f();\n")
        .script("lib/a.rhai", "import \"lib/b\" as b;\nfn f() { b::f() }\n")
        .script("lib/b.rhai", "import \"lib/a\" as a;\nfn f() { a::f() }\n");
    let shown = check(&project);
    let circle = "imports go in a circle: scripts/lib/a.rhai → scripts/lib/b.rhai → scripts/lib/a.rhai";
    assert!(shown.contains(circle) && shown.contains("scripts/lib/b.rhai:1:8"), "{shown}");
}

#[test]
fn check_puts_the_caret_under_a_text_that_does_not_end() {
    let step =
        "  - script:\n      inline: |\n        event.a = 1;\n        event.name = \"open;\n        event.b = 2;\n";
    let shown = check(&project(WEBHOOK, step));
    assert!(shown.contains("pipelines/shop.yaml:7:22"), "{shown}");
    let caret = shown.lines().find(|line| line.contains('^')).unwrap_or_default();
    assert_eq!(caret.trim_start_matches(['|', ' ']), "^^^^^^", "{shown}");
}

#[test]
fn missing_says_what_becomes_of_events_without_a_handler() {
    let step = |missing: &str| format!("  - script: {{ file: shop.rhai, missing: {missing} }}\n");
    let script = "fn on_page(event) { event.name = \"x\"; }\n";
    let fixture = |ends: &str| format!("given: {{ json: {{ a: 1 }} }}\nexpect: []\n{ends}\n");
    for (missing, ends) in [("drop", "dropped: [ no handler ]"), ("reject", "dead: [ event-not-supported ]")] {
        let project = project(WEBHOOK, &step(missing)).script("shop.rhai", script);
        passes(&project.file("tests/fixtures/shop/a.yaml", &fixture(ends)));
    }
    let shown = check(&project(WEBHOOK, &step("drop")).script("shop.rhai", "event.a = 1;\n"));
    assert!(shown.contains("error[no-handlers]") && shown.contains("pipelines/shop.yaml:4:"), "{shown}");
}
