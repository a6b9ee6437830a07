//! `cartwire schema fixture`: it accepts what the loader of fixtures accepts, and refuses typical mistakes.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

#[path = "schema/checker.rs"]
mod checker;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use cartwire::check::{self, keys};
use cartwire::registry::Opt;
use cartwire::tree::Tree;
use checker::Checker;
use serde_json::Value;

fn schema() -> Value {
    let output = Command::new(env!("CARGO_BIN_EXE_cartwire")).args(["schema", "fixture"]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

fn value_of(yaml: &str) -> Value {
    let (node, problems) = cartwire::yaml::parse("f.yaml", yaml);
    assert!(problems.is_empty(), "{problems:?}\n{yaml}");
    node.unwrap().to_json()
}

/// Whether Cartwire's own loader takes a fixture.
fn loads(yaml: &str) -> bool {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("tests/fixtures/p");
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("case.yaml"), yaml).unwrap();
    fs::write(folder.join("body.json"), "{\"a\": \"b\"}").unwrap();
    let (cases, problems) = check::load(dir.path(), &mut Tree::new());
    assert_eq!(cases.len() == 1, problems.is_empty(), "{problems:?}");
    problems.is_empty()
}

/// All fixtures of a project.
fn fixtures(project: &Path, found: &mut Vec<PathBuf>) {
    let entries = |dir: PathBuf| fs::read_dir(dir).into_iter().flatten().map(|entry| entry.unwrap().path());
    for folder in entries(project.join("tests/fixtures")) {
        found.extend(entries(folder).filter(|path| path.extension().is_some_and(|ending| ending == "yaml")));
    }
}

#[test]
fn all_shipped_fixtures_conform() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = Vec::new();
    fixtures(root, &mut files);
    for example in fs::read_dir(root.join("scripts/examples")).unwrap() {
        fixtures(&example.unwrap().path(), &mut files);
    }
    let checker = Checker::new(schema());
    for file in &files {
        let text = fs::read_to_string(file).unwrap();
        if let Err(error) = checker.check(&value_of(&text)) {
            panic!("{}: {error}", file.display());
        }
    }
    assert!(files.len() > 300, "{}", files.len());
}

#[test]
fn what_the_loader_takes_conforms() {
    let checker = Checker::new(schema());
    for yaml in [
        "given: {}",
        "given: { body: x, status: 401 }",
        "given: [ { json: [1] }, { body_file: body.json, headers_file: body.json } ]\nexpect:",
        "given: { headers: { A: 1, B: true }, after: 1.5h, sign: false, method: put }\nexpect: []",
        "given: { json: 7 }\nnow: 2026-01-15T10:20:30.5+01:00\nexpect: { segment: [ { type: track } ], file: [] }",
        "given: { json: ~ }\nnow: 2026-01-15 10:20Z\nenv: { A: x, B: 7 }\ndropped: []\ndead: bad-json",
        "given: { json: {} }\nhttp: { get: \"https://a.example/\" }\nexact: true\nsample: true\ndescription: x",
        "given: { json: {} }\nhttp: [ { post: u, sends: { a: 1 }, status: 500, headers: { A: b }, body: no }, { get: u, error: reset } ]",
        "given: { json: {} }\nhttp: []\ndropped: [ filter ]",
    ] {
        assert!(loads(yaml), "{yaml}");
        if let Err(error) = checker.check(&value_of(yaml)) {
            panic!("{error}\n{yaml}");
        }
    }
}

#[test]
fn what_the_loader_refuses_does_not_conform() {
    let checker = Checker::new(schema());
    for yaml in [
        "[]",
        "expect: []",
        "given: []",
        "given: x",
        "given: { json: {} }\nexpct: []",
        "given: { jsn: {} }",
        "given: { json: {}, sign: perhaps }",
        "given: { json: {}, status: 99 }",
        "given: { json: {}, status: 600 }",
        "given: { json: {}, status: ok }",
        "given: { json: {}, after: soon }",
        "given: { json: {}, headers: [ A ] }",
        "given: { json: {} }\nexpect: {}",
        "given: { json: {} }\nexpect: 7",
        "given: { json: {} }\nexpect: { segment: { type: track } }",
        "given: { json: {} }\nnow: tomorrow",
        "given: { json: {} }\nnow: 2026-01-15",
        "given: { json: {} }\nenv: [ A ]",
        "given: { json: {} }\ndropped: \"\"",
        "given: { json: {} }\ndead: [ \"\" ]",
        "given: { json: {} }\nexact: 1",
        "given: { json: {} }\nhttp: https://a.example/",
        "given: { json: {} }\nhttp: { status: 200 }",
        "given: { json: {} }\nhttp: { get: u, post: u }",
        "given: { json: {} }\nhttp: { get: u, status: 1000 }",
        "given: { json: {} }\nhttp: { get: u, bdy: x }",
    ] {
        assert!(!loads(yaml), "{yaml}");
        assert!(checker.check(&value_of(yaml)).is_err(), "conforms:\n{yaml}");
    }
}

#[test]
fn an_editor_finds_every_key_with_its_description() {
    let schema = schema();
    let each = |options: &[Opt], place: &str| {
        let properties = schema.pointer(place).unwrap()["properties"].as_object().unwrap();
        assert_eq!(properties.len(), options.len());
        for opt in options {
            assert_eq!(properties[opt.name]["description"], opt.about);
        }
    };
    each(&keys::CASE, "");
    each(&keys::GIVEN, "/$defs/given");
    each(&keys::HTTP, "/$defs/http");
    assert_eq!(schema["properties"]["now"]["default"], "2026-01-15T10:20:30Z");
}
