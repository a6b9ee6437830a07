//! The reference's page for those who come from Segment's functions: every example runs, and every name in it exists.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

/// What Segment's functions can do, by the names that people look for.
const WANTED: &[&str] = &[
    "onRequest",
    "request.json",
    "request.text",
    "request.headers",
    "searchParams",
    "Segment.track",
    "Segment.set",
    "insert",
    "DropEvent",
    "EventNotSupported",
    "RetryError",
    "throw",
    "onTrack",
    "onBatch",
    "function-settings",
    "console.log",
    "fetch",
    "cache.load",
    "crypto",
    "btoa",
    "JSON.parse",
    "lodash",
    "moment",
    "RegExp",
    "parseFloat",
    "uuidv5",
    "normalise",
    "zlib",
    "xml2js",
    "jsonwebtoken",
    "ulid",
    "groupBy",
    "ip",
    "user-agent",
    "utm",
    "webhook-signature",
    "event.context",
    "timeout",
    "test-tab",
    "limits",
    "loop-guard",
    "externalIds",
    "lookup-table",
    "unknown-fields",
];

/// The request that the page promises.
const BODY: &str = r#"{ "id": 7, "kind": "order_paid", "email": " Ada@Example.com", "total": "54.90", "created": 1768467600,
  "lines": [ { "sku": "MUG-1", "price": "18.30", "quantity": 3 } ] }"#;

fn cartwire(args: &[&str]) -> (bool, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_cartwire")).args(args).output().unwrap();
    let text = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8(text).unwrap())
}

fn entries(chapter: &str) -> Vec<Value> {
    let (fine, text) = cartwire(&["reference", chapter, "--format", "json"]);
    assert!(fine, "{text}");
    let value: Value = serde_json::from_str(&text).unwrap();
    value["chapters"][0]["entries"].as_array().unwrap().clone()
}

fn text<'a>(entry: &'a Value, key: &str) -> &'a str {
    entry[key].as_str().unwrap()
}

fn indented(text: &str, by: usize) -> String {
    let lines: Vec<_> = text.lines().map(|line| format!("{:by$}{line}", "")).collect();
    lines.join("\n") + "\n"
}

/// The pipeline that the page promises, around an example.
fn pipeline(entry: &Value) -> String {
    let example = text(entry, "example");
    let source = "- webhook: { verify: none, keep_headers: [X-Topic] }\n";
    let script =
        || format!("- script:\n    inline: |\n{}  settings: {{ store: north, secret: key }}\n", indented(example, 6));
    let (sources, steps) = match text(entry, "shown") {
        "script" => (source.to_owned(), script()),
        "steps" => (source.to_owned(), example.to_owned()),
        "sources" => (example.to_owned(), "- loop_guard\n".to_owned()),
        other => panic!("{other}"),
    };
    format!("sources:\n{}steps:\n{}sinks:\n  - console\n", indented(&sources, 2), indented(&steps, 2))
}

fn fixture(entry: &Value) -> String {
    let given = "  query: shop=north&tag=a&tag=b\n  headers: { X-Topic: orders/paid }\n  body: |\n";
    format!("given:\n{given}{}{}\n", indented(BODY, 4), text(entry, "gives"))
}

fn write(path: &Path, text: &str) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

#[test]
fn every_example_of_the_page_runs() {
    let dir = tempfile::tempdir().unwrap();
    let names: Vec<_> = entries("segment-functions")
        .iter()
        .map(|entry| {
            let name = text(entry, "name").replace('.', "-").to_lowercase();
            write(&dir.path().join(format!("pipelines/{name}.yaml")), &pipeline(entry));
            write(&dir.path().join(format!("tests/fixtures/{name}/shown.yaml")), &fixture(entry));
            name
        })
        .collect();
    let dir = dir.path().to_str().unwrap();
    let (fine, told) = cartwire(&["check", dir, "--json"]);
    let checked: Value = serde_json::from_str(&told).unwrap();
    let problems: Vec<_> = checked["problems"].as_array().unwrap().iter().collect();
    let expected = problems.iter().all(|problem| problem["code"] == "missing-variable");
    assert!(fine && expected, "{problems:#?}");
    let (fine, told) = cartwire(&["test", dir]);
    assert!(fine && told.contains(&format!("{} cases passed", names.len())), "{told}");
}

#[test]
fn the_page_names_only_what_there_is() {
    let scripts = entries("scripts");
    let functions: BTreeSet<_> = scripts
        .iter()
        .flat_map(|namespace| namespace["functions"].as_array().unwrap())
        .map(|fun| fun["name"].as_str().unwrap().to_owned())
        .collect();
    let steps: BTreeSet<_> = ["sources", "steps", "sinks"]
        .into_iter()
        .flat_map(entries)
        .map(|part| text(&part, "name").to_owned())
        .collect();
    let qualified = regex::Regex::new(r"\b([a-z0-9_]+::[a-z0-9_]+)").unwrap();
    let part = regex::Regex::new(r"(?:step|sink|source) `([a-z_]+)`|`([a-z_]+)` (?:step|sink|source)\b").unwrap();
    let (mut named, mut parts) = (0, 0);
    for entry in entries("segment-functions") {
        let all = [text(&entry, "cartwire"), text(&entry, "example")].join("\n");
        for found in qualified.captures_iter(&all) {
            assert!(functions.contains(&found[1]), "{}: there is no `{}`", entry["name"], &found[1]);
            named += 1;
        }
        for found in part.captures_iter(&all) {
            let name = found.get(1).or(found.get(2)).unwrap().as_str();
            assert!(steps.contains(name), "{}: there is no part `{name}`", entry["name"]);
            parts += 1;
        }
        let project = text(&entry, "project");
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/examples").join(project);
        assert!(folder.join("pipelines").is_dir() || project.is_empty(), "{}: no example `{project}`", entry["name"]);
    }
    assert!(named > 50 && parts > 5, "{named} functions, {parts} parts");
}

#[test]
fn the_page_passes_over_no_part_of_the_library() {
    let (_, page) = cartwire(&["reference", "segment-functions"]);
    for namespace in entries("scripts") {
        for fun in namespace["functions"].as_array().unwrap() {
            if let Some((namespace, _)) = text(fun, "name").split_once("::") {
                assert!(page.contains(&format!("{namespace}::")), "nothing of `{namespace}::` is on the page");
            }
        }
    }
}

#[test]
fn the_page_holds_every_capability_once() {
    let entries = entries("segment-functions");
    let names: BTreeSet<_> = entries.iter().map(|entry| text(entry, "name")).collect();
    assert_eq!(names.len(), entries.len());
    assert_eq!(names, WANTED.iter().copied().collect());
    let (fine, page) = cartwire(&["reference", "fetch"]);
    assert!(fine && page.contains("### fetch\n\n**Segment:** ") && page.contains("http::get"), "{page}");
    let (_, page) = cartwire(&["reference", "segment-functions"]);
    for line in BODY.lines() {
        assert!(page.contains(line), "the page shows another request: {line}");
    }
}
