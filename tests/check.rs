//! `cartwire check` and `cartwire test` as commands.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use std::process::{Command, Output};

use support::Project;

fn cartwire(args: &[&str], project: &Project) -> Output {
    Command::new(env!("CARGO_BIN_EXE_cartwire")).args(args).current_dir(project.dir()).output().unwrap()
}

fn both(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

const PIPELINE: &str = "sources:
  - webhook: { verify: none }
steps:
  - set: { userId: u1, properties.store: north }
sinks:
  - segment: { write_key: \"${SEGMENT_WRITE_KEY}\" }
";

#[test]
fn check_prints_every_problem_with_its_place() {
    let project = Project::new()
        .pipeline("one", "sources:\n  - shopfy: {}\nsinks:\n  - console\n")
        .pipeline(
            "two",
            "sources:
  - webhook: { verify: none }
steps:
  - script:
      inline: |
        let a = 1;
        let b = = 2;
  - filter: { path: \"$.properties.user-id\" }
  - script: missing.rhai
  - script: broken.rhai
sinks:
  - console
",
        )
        .pipeline(
            "three",
            "sources:
  - webhook: { verify: nothing }
steps:
  - script: { inline: \"event.a = nowhere + never;\" }
  - filter: { path: \"$.a[\" }
    on_error: explode
  - set: { \"a..b\": 1 }
    when: event.type == missing
sinks:
  - segment: { write_key: \"${NOT_SET_ANYWHERE}\", batch_events: 99999 }
  - console
",
        )
        .script("lib/unused.rhai", "fn f() { 1 +; }\n")
        .script("broken.rhai", "let x = 1;\nlet y = unknown_variable + 1;\n");
    let output = cartwire(&["check"], &project);
    assert_eq!(output.status.code(), Some(1));
    let shown = both(&output);
    for place in [
        "pipelines/one.yaml:2:5",
        "did you mean `shopify`?",
        "pipelines/two.yaml:7:17",
        "pipelines/two.yaml:8:",
        "missing.rhai",
        "scripts/broken.rhai:2:9",
        // What is wrong with the frame of a pipeline does not hide what is wrong inside it.
        "pipelines/three.yaml:2:24",
        "pipelines/three.yaml:4:34",
        "pipelines/three.yaml:4:44",
        "pipelines/three.yaml:5:",
        "pipelines/three.yaml:6:15",
        "pipelines/three.yaml:7:",
        "pipelines/three.yaml:8:25",
        "pipelines/three.yaml:10:28",
        "pipelines/three.yaml:10:64",
        "scripts/lib/unused.rhai:1:13",
    ] {
        assert!(shown.contains(place), "{place} in\n{shown}");
    }
    let json: serde_json::Value = serde_json::from_slice(&cartwire(&["check", "--json"], &project).stdout).unwrap();
    assert!(json["errors"].as_u64().unwrap() >= 5, "{json:#}");
    assert!(json["problems"].as_array().unwrap().iter().all(|problem| problem["line"].is_u64()), "{json:#}");
}

#[test]
fn test_shows_differences_blesses_and_passes_then() {
    let project = Project::new().pipeline("shop", PIPELINE).file(
        "tests/fixtures/shop/one.yaml",
        "# A comment that stays.\ngiven: { json: { a: 1.50, b: \"x\" } }\nexpect:\n  - { type: track, properties: { a: 1.50, store: south } }\n",
    );
    let output = cartwire(&["test"], &project);
    assert_eq!(output.status.code(), Some(1));
    let shown = both(&output);
    for part in ["FAIL", "shop › one", "-     \"store\": \"south\"", "+     \"store\": \"north\"", "steps"] {
        assert!(shown.contains(part), "{part} in\n{shown}");
    }
    assert!(both(&cartwire(&["test", "--bless"], &project)).contains("blessed"));
    let text = std::fs::read_to_string(project.path("tests/fixtures/shop/one.yaml")).unwrap();
    assert!(text.starts_with("# A comment that stays.\ngiven: "), "{text}");
    assert!(text.contains("store: north"), "{text}");
    assert!(text.contains("a: 1.50"), "numbers stay as they are: {text}");
    let output = cartwire(&["test"], &project);
    assert_eq!(output.status.code(), Some(0), "{}", both(&output));
    let output = cartwire(&["test", "--filter", "nothing-like-this"], &project);
    assert_eq!(output.status.code(), Some(1));
    let json: serde_json::Value = serde_json::from_slice(&cartwire(&["test", "--json"], &project).stdout).unwrap();
    assert_eq!(json["passed"], 1);
}

#[test]
fn a_fixture_says_what_else_may_happen() {
    let project = Project::new()
        .pipeline("shop", &PIPELINE.replace("steps:", "steps:\n  - filter: event.properties.ok == true"))
        .file("tests/fixtures/shop/dropped.yaml", "given: { json: { ok: false } }\nexpect: []\ndropped: [ filter ]\n")
        .file(
            "tests/fixtures/shop/dead.yaml",
            "given: { body: \"{\" , headers: { content-type: application/json } }\nexpect: []\ndead: [ bad-json ]\n",
        )
        .file("tests/fixtures/shop/refused.yaml", "given: { method: GET, sign: false, status: 405 }\nexpect: []\n");
    let output = cartwire(&["test"], &project);
    assert_eq!(output.status.code(), Some(0), "{}", both(&output));
    project
        .write("tests/fixtures/shop/dropped.yaml", "given: { json: { ok: true } }\nexpect: []\ndropped: [ filter ]\n");
    assert_eq!(cartwire(&["test"], &project).status.code(), Some(1));
}

#[test]
fn a_bad_fixture_is_told_with_its_place() {
    let project = Project::new()
        .pipeline("shop", PIPELINE)
        .file("tests/fixtures/shop/bad.yaml", "given: { jsn: {} }\nexpct: []\n");
    let shown = both(&cartwire(&["check"], &project));
    assert!(shown.contains("tests/fixtures/shop/bad.yaml:1:10") && shown.contains("did you mean `json`?"), "{shown}");
    assert!(shown.contains("did you mean `expect`?"), "{shown}");
}

#[test]
fn check_goes_on_behind_the_first_mistake_and_sees_what_no_pipeline_runs() {
    let broken = "sources:
  - webhook: { verify: none }
stps: []
steps:
  - script: { inline: \"let b = = 2;\" }
sinks:
  - console
";
    let project = Project::new()
        .pipeline("one", broken)
        .pipeline("shop", PIPELINE)
        .file("pipelines/shop.yml", PIPELINE)
        .file("tests/fixtures/shpo/a.yaml", "given: { json: {} }\nexpect: []\n");
    let output = cartwire(&["check"], &project);
    assert_eq!(output.status.code(), Some(1));
    let shown = both(&output);
    for part in ["did you mean `steps`?", "one.yaml:5:", "is also in pipelines/shop.yaml", "did you mean `shop`?"] {
        assert!(shown.contains(part), "{part} in\n{shown}");
    }
}

#[test]
fn a_fixture_that_cannot_fail_is_an_error() {
    for (fixture, part) in [
        ("given: []\nexpect: []\n", "no delivery"),
        ("given: { json: {}, sign: no }\nexpect: []\n", "`sign` takes true or false"),
        ("given: { json: {}, headers: [a] }\nexpect: []\n", "`headers` takes a map"),
        ("given: { json: {} }\ndead:\nexpect: []\n", "takes reasons"),
        ("given: { json: {} }\nexact: yes\nexpect: []\n", "`exact` takes true or false"),
    ] {
        let project = Project::new().pipeline("shop", PIPELINE).file("tests/fixtures/shop/a.yaml", fixture);
        let output = cartwire(&["check"], &project);
        assert_eq!(output.status.code(), Some(1), "{fixture}");
        assert!(both(&output).contains(part), "{fixture}\n{}", both(&output));
    }
}

#[test]
fn what_fails_whatever_is_expected_is_not_blessed() {
    let fixture = "given: { body: \"{\", headers: { content-type: application/json } }\n";
    let project = Project::new().pipeline("shop", PIPELINE).file("tests/fixtures/shop/dead.yaml", fixture);
    let output = cartwire(&["test", "--bless"], &project);
    assert_eq!(output.status.code(), Some(1), "{}", both(&output));
    assert!(both(&output).contains("is not blessed"), "{}", both(&output));
    assert_eq!(std::fs::read_to_string(project.path("tests/fixtures/shop/dead.yaml")).unwrap(), fixture);
}

#[test]
fn what_would_be_ignored_or_is_not_set_is_warned_of_at_its_place() {
    let pipeline = PIPELINE.replace(
        "sinks:",
        "  - script: order.rhai
    settings: { include_test_order: true, money: shop }
sinks:",
    );
    let script = "if event.properties.test && !settings.include_test_orders { drop(settings.money); }\n";
    let project = Project::new().pipeline("shop", &pipeline).script("order.rhai", script);
    let json: serde_json::Value = serde_json::from_slice(
        &Command::new(env!("CARGO_BIN_EXE_cartwire"))
            .args(["check", "--json"])
            .env_remove("SEGMENT_WRITE_KEY")
            .current_dir(project.dir())
            .output()
            .unwrap()
            .stdout,
    )
    .unwrap();
    let found: Vec<_> = json["problems"]
        .as_array()
        .unwrap()
        .iter()
        .map(|problem| (problem["code"].as_str().unwrap(), problem["line"].as_u64(), problem["help"].as_str()))
        .collect();
    assert_eq!(found[0], ("unknown-setting", Some(6), Some("did you mean `include_test_orders`?")), "{json:#}");
    assert_eq!((found[1].0, found[1].1, found.len()), ("missing-variable", Some(8), 2), "{json:#}");
}

#[test]
fn a_setting_that_a_script_does_not_take_is_told() {
    let script = "let cx = #{ user_id: \"customer_id\", money: \"shop\", most: 3 };
const CHOICES = #{ user_id: [\"customer_id\", \"email\"], money: [\"shop\", \"presentment\"], flag: [true, 7] };
cx += settings;
event.userId = cx.user_id + cx.money + cx.most + (cx.extra ?? \"\");
";
    let told_by = |script: &str, settings: &str| {
        let step = format!("  - script: order.rhai\n    settings:\n{settings}sinks:");
        let pipeline = PIPELINE.replace("sinks:", &step);
        let project = Project::new()
            .pipeline("shop", &pipeline)
            // A word that stands in another script is no setting of this one.
            .script("other.rhai", "event.userid = event.userId;\n")
            .script("order.rhai", script);
        let output = Command::new(env!("CARGO_BIN_EXE_cartwire"))
            .args(["check", "--json"])
            .env("SEGMENT_WRITE_KEY", "k")
            .env("CHOSEN", "emial")
            .current_dir(project.dir())
            .output()
            .unwrap();
        let json: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        let problems = json["problems"].as_array().unwrap().iter();
        let text = |problem: &serde_json::Value, key: &str| problem[key].as_str().unwrap_or_default().to_owned();
        problems
            .filter(|problem| problem["file"] == "pipelines/shop.yaml")
            .map(|problem| {
                (
                    text(problem, "severity"),
                    text(problem, "code"),
                    problem["line"].to_string(),
                    problem["column"].to_string(),
                    text(problem, "help"),
                )
            })
            .collect::<Vec<_>>()
    };
    let told = |settings: &str| told_by(script, settings);
    let expected = |severity: &str, code: &str, line: &str, column: &str, help: &str| {
        (severity.to_owned(), code.to_owned(), line.to_owned(), column.to_owned(), help.to_owned())
    };
    assert_eq!(
        told("      user_id: emial\n      # money: presentmnt\n      money: \"gold\"\n      flag: true\n"),
        [
            expected("error", "wrong-setting", "7", "16", "did you mean `email`?"),
            expected("error", "wrong-setting", "9", "15", "it takes shop, presentment, says CHOICES in the script"),
        ]
    );
    assert_eq!(
        told("      userid: email\n      stores: 1\n"),
        [
            expected("warning", "unknown-setting", "7", "7", "did you mean `user_id`?"),
            expected("warning", "unknown-setting", "8", "7", "remove it, or give it a default in the script"),
        ]
    );
    // What comes out of the environment may be another where it runs; a placeholder says nothing.
    let outside = told("      user_id: ${CHOSEN}\n      money: ${NOT_SET_ANYWHERE}\n      extra: 1\n");
    assert_eq!(outside[0], expected("warning", "wrong-setting", "7", "7", "did you mean `email`?"));
    assert_eq!(outside.iter().filter(|told| told.1.ends_with("-setting")).count(), 1, "{outside:?}");
    assert_eq!(told("      user_id: email\n      money: shop\n      most: 4\n"), []);
    // Who takes all of them may want any name.
    let script = script.replace("(cx.extra", "cx.keys().len + (cx.extra");
    assert!(told_by(&script, "      stores: 1\n      userid: email\n").iter().all(|told| told.2 != "7"));
}

#[test]
fn what_sources_and_steps_do_not_give_is_told() {
    let script = "event.a = delivery.header(\"X-Kept\");
event.b = delivery.header(\"X-Lost\");
event.c = delivery.headers[\"x-lost-too\"];
event.d = http::get(\"https://api.exmple.com/plans/\" + event.a);
event.e = http::get(`https://api.example.com/${event.a}`);
event.f = http::get(event.g + \"/plans\");
event.h = http::post(\"/plans\", #{});
";
    let step = "  - script: { file: order.rhai, http: { allow: [ api.example.com ] } }\nsinks:";
    let keeping = PIPELINE.replace("verify: none", "verify: none, keep_headers: [ X-Kept ]").replace("sinks:", step);
    let told = |pipeline: &str| {
        let project = Project::new().pipeline("shop", pipeline).script("order.rhai", script);
        both(&cartwire(&["check"], &project))
    };
    let shown = told(&keeping);
    for said in [
        "warning[header-not-kept]: no source of `shop` keeps the header `x-lost`",
        "scripts/order.rhai:2:20",
        "no source of `shop` keeps the header `x-lost-too`",
        "warning[http-host]: the host `api.exmple.com` is not listed",
        "scripts/order.rhai:4:17",
        "warning[http-host]: `/plans` is no address",
    ] {
        assert!(shown.contains(said), "{said} in\n{shown}");
    }
    assert_eq!((shown.matches("header-not-kept").count(), shown.matches("http-host").count()), (2, 2), "{shown}");
    // Another source may keep it.
    let two = keeping
        .replace("steps:", "  - webhook: { path: /b, verify: none, keep_headers: [ X-Lost ] }\n    id: other\nsteps:");
    let shown = told(&two);
    assert_eq!(shown.matches("header-not-kept").count(), 1, "{shown}");
}

#[test]
fn a_case_of_a_source_that_was_taken_out_is_told() {
    let project = Project::new()
        .pipeline("shop", PIPELINE)
        .file("tests/fixtures/shop/a.yaml", "given: { source: shopify_pixel, json: { a: 1 } }\nexpect: []\n")
        .file("tests/fixtures/shop/b.yaml", "given: { source: webhok, json: { a: 1 } }\nexpect: []\n");
    let shown = both(&cartwire(&["check"], &project));
    for said in [
        "error[no-source]: the pipeline `shop` has no source `shopify_pixel`",
        "tests/fixtures/shop/a.yaml",
        "remove the case too",
        "did you mean `webhook`?",
    ] {
        assert!(shown.contains(said), "{said} in\n{shown}");
    }
    assert!(both(&cartwire(&["test"], &project)).contains("where it was taken out, its cases go too"));
}

#[test]
fn a_script_that_is_not_there_and_a_pipeline_that_is_not_there_name_what_is() {
    let project = Project::new()
        .pipeline("shop", &PIPELINE.replace("sinks:", "  - script: scripts/order\nsinks:"))
        .script("order.rhai", "event.properties.a = 1;\n");
    let shown = both(&cartwire(&["check"], &project));
    assert!(shown.contains("did you mean `order.rhai`?"), "{shown}");
    let output = cartwire(&["run", "--dry-run", "--pipeline", "shpo"], &project);
    assert_eq!(output.status.code(), Some(1));
    let shown = both(&output);
    assert!(shown.contains("there is no pipeline `shpo`") && shown.contains("did you mean `shop`?"), "{shown}");
}

#[test]
fn every_dead_letter_has_its_entry_and_every_sink_its_list() {
    let pipeline = "sources:
  - webhook: { verify: none, split: true }
steps:
  - set: { userId: u1 }
  - script: { inline: 'if event.properties.bad == true { reject(`bad ${event.properties.n}`); }' }
sinks:
  - segment: { write_key: k }
  - console
";
    let given = "given: { source: webhook, json: [ { n: 1, bad: true }, { n: 2 }, { n: 3, bad: true } ] }\n";
    let fine = "expect: { segment: [ { type: track } ], console: [ { type: track } ] }\n";
    for (rest, expected) in [
        (format!("{fine}dead: [ bad 1, rejected ]\n"), None),
        (format!("{fine}dead: [ rejected, bad 3 ]\n"), None),
        (format!("{fine}dead: rejected\n"), Some("dead letter in `script`: bad 3")),
        (format!("{fine}dead: [ bad 3, bad 1 ]\n"), Some("dead letter in `script`: bad 1")),
        (format!("{fine}dead: [ bad 1, bad 3, bad 1 ]\n"), Some("expected a dead letter `bad 1` next")),
        (fine.to_owned(), Some("dead letter in `script`: bad 1")),
        ("expect: { segment: [ { type: track } ] }\ndead: [ bad, bad ]\n".to_owned(), Some("console")),
        ("expect: { console: [] }\ndead: [ bad, bad ]\n".to_owned(), Some("segment")),
    ] {
        let case = format!("{given}{rest}");
        let project = Project::new().pipeline("p", pipeline).file("tests/fixtures/p/case.yaml", &case);
        let output = cartwire(&["test"], &project);
        assert_eq!(output.status.success(), expected.is_none(), "{case}\n{}", both(&output));
        assert!(expected.is_none_or(|text| both(&output).contains(text)), "{case}\n{}", both(&output));
    }
}

#[test]
fn secret_files_are_looked_for_in_the_project_wherever_the_command_is_started() {
    let pipeline =
        "sources:\n  - webhook: { verify: none }\nsinks:\n  - segment: { write_key: \"${file:secrets/KEY}\" }\n";
    let check = |file: &str| {
        let project = Project::new().pipeline("p", &pipeline.replace("KEY", file)).file("secrets/key", "k\n");
        let elsewhere = tempfile::tempdir().unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_cartwire"));
        both(&command.arg("check").arg(project.dir()).current_dir(elsewhere.path()).output().unwrap())
    };
    assert!(!check("key").contains("secrets/key"), "{}", check("key"));
    assert!(check("other").contains("secrets/other"), "{}", check("other"));
}

#[test]
fn a_fixture_in_braces_is_blessed_in_braces() {
    let project = Project::new()
        .pipeline(
            "shop",
            "sources:\n  - webhook: { verify: none }\nsteps:\n  - set: { userId: u }\nsinks:\n  - segment: { write_key: k }\n",
        )
        .file("tests/fixtures/shop/one.yaml", "{ \"given\": { \"json\": { \"id\": 7 } } }\n")
        .file("tests/fixtures/shop/two.yaml", "{\"given\": {\"json\": {\"id\": 7}}, \"exact\": true, \"expect\": [{\"userId\": \"v\"}], \"dropped\": []}");
    assert!(cartwire(&["test", "--bless"], &project).status.success());
    let tested = cartwire(&["test"], &project);
    assert!(tested.status.success(), "{}", both(&tested));
    for name in ["one", "two"] {
        let text = std::fs::read_to_string(project.path(&format!("tests/fixtures/shop/{name}.yaml"))).unwrap();
        let read: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(read["expect"][0]["userId"], "u", "{text}");
    }
}

#[test]
fn a_script_of_a_broken_pipeline_is_no_module() {
    let pipeline = PIPELINE.replace("sinks:", "  - script: order.rhai\n  - sett: { a: 1 }\nsinks:");
    let script = "fn twice(amount) { amount * 2 }\nif twice(2) == 4 { drop(\"a test\"); }\n";
    let project = Project::new().pipeline("shop", &pipeline).script("order.rhai", script);
    let shown = both(&cartwire(&["check"], &project));
    assert!(shown.contains("did you mean `set`?") && !shown.contains("module-failed"), "{shown}");
    let project = Project::new()
        .pipeline("shop", &pipeline.replace("order.rhai", "other/order.rhai"))
        .script("order.rhai", script);
    let shown = both(&cartwire(&["check"], &project));
    assert!(shown.contains("module-failed"), "what nothing names is taken for a module: {shown}");
}
