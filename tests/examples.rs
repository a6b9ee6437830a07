//! The examples below `scripts/examples`: ports of the source functions of Segment's library, as projects of their own.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

/// What a script may have: longer, it is no example.
const LINES_MAX: usize = 60;
/// The project for what no port needs.
const CAPABILITIES: &str = "capabilities";

/// What each capability of Segment's library is shown by: the number of the list, the example, and its case.
const COVERAGE: &[(u32, &str, &str)] = &[
    (1, "github", "github › issue"),
    (2, "sendgrid", "sendgrid › batch"),
    (3, CAPABILITIES, "raw-text › untouched"),
    (4, "github", "github › ping"),
    (5, "leanplum", "leanplum › postback"),
    (6, CAPABILITIES, "settings › all"),
    (6, CAPABILITIES, "settings › missing"),
    (7, "influitive", "influitive › kinds"),
    (7, "default", "default › request"),
    (7, "typeform", "typeform › response"),
    (8, "paypal", "paypal › records"),
    (9, "adyen", "adyen › broken"),
    (10, "influitive", "influitive › others"),
    (11, CAPABILITIES, "endings › kinds"),
    (12, "zoominfo", "zoominfo › trouble"),
    (12, CAPABILITIES, "endings › retried"),
    (13, "audit-forwarding", "audit-forwarding › down"),
    (13, "zoominfo", "zoominfo › identify"),
    (14, CAPABILITIES, "cache › ends"),
    (15, CAPABILITIES, "digests › abc"),
    (16, CAPABILITIES, "times › kinds"),
    (17, "sendgrid", "sendgrid › batch"),
    (18, "close-io", "close-io › activity"),
    (18, CAPABILITIES, "values › all"),
    (19, "shippo", "shippo › tracking"),
    (19, "google-sheets", "google-sheets › row"),
    (20, "shopify", "shopify › states"),
    (21, "adyen", "adyen › several"),
    (22, "talkable", "talkable › kinds"),
    (23, "talkable", "talkable › referral"),
    (24, CAPABILITIES, "rewritten › kept"),
];

/// Of how many messages the original makes what number of deliveries.
const COUNTS: &[(&str, &str, usize)] = &[
    ("typeform", "typeform › response", 25),
    ("default", "default › request", 4),
    ("close-io", "close-io › activity", 2),
    ("formstack", "formstack › submission", 6),
    ("google-sheets", "google-sheets › row", 2),
    ("paypal", "paypal › records", 2),
    ("paypal", "paypal › checkout", 3),
    ("paypal", "paypal › others", 0),
    ("pipedrive", "pipedrive › deal", 3),
    ("pipedrive", "pipedrive › others", 5),
    ("stripe-events", "stripe-events › customer", 2),
    ("stripe-events", "stripe-events › nobody", 0),
    ("shopify", "shopify › refunded", 1),
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/examples")
}

fn examples() -> Vec<String> {
    let mut names: Vec<_> =
        fs::read_dir(root()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

fn cartwire(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_cartwire")).args(args).output().unwrap()
}

fn json(command: &str, dir: &Path) -> (bool, Value) {
    let output = cartwire(&[command, "--json", dir.to_str().unwrap()]);
    let text = String::from_utf8_lossy(&output.stdout);
    let value =
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{command} {}: {error}: {text}", dir.display()));
    (output.status.success(), value)
}

/// The scripts of an example, with their text.
fn scripts(name: &str) -> Vec<(PathBuf, String)> {
    fs::read_dir(root().join(name).join("scripts"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "rhai"))
        .map(|path| (path.clone(), fs::read_to_string(path).unwrap()))
        .collect()
}

#[test]
fn every_example_is_checked_without_a_word() {
    for name in examples() {
        let (fine, checked) = json("check", &root().join(&name));
        let problems = checked["problems"].as_array().unwrap();
        let others: Vec<_> = problems.iter().filter(|problem| problem["code"] != "missing-variable").collect();
        assert!(fine && others.is_empty(), "{name}: {others:#?}");
    }
}

#[test]
fn every_case_of_every_example_passes() {
    for name in examples() {
        let (fine, tested) = json("test", &root().join(&name));
        assert!(fine, "{name}: {tested:#}");
        let several = if name == CAPABILITIES { 10 } else { 2 };
        assert!(tested["passed"].as_u64().unwrap() >= several, "{name} needs more cases");
    }
}

#[test]
fn every_case_says_what_it_shows_and_what_comes_out() {
    for name in examples() {
        let fixtures = root().join(&name).join("tests/fixtures");
        for folder in fs::read_dir(fixtures).unwrap() {
            for case in fs::read_dir(folder.unwrap().path()).unwrap() {
                let path = case.unwrap().path();
                if path.extension().is_some_and(|ending| ending == "yaml") {
                    let text = fs::read_to_string(&path).unwrap();
                    assert!(text.starts_with("description: "), "{}", path.display());
                    assert!(text.contains("\nexpect:"), "{}", path.display());
                }
            }
        }
    }
}

#[test]
fn ports_are_many_and_short_and_say_what_they_replace() {
    let ports: Vec<_> = examples().into_iter().filter(|name| name != CAPABILITIES).collect();
    assert!(ports.len() >= 12, "{ports:?}");
    for name in examples() {
        let found = scripts(&name);
        assert!(!found.is_empty(), "{name} has no script");
        for (path, text) in found {
            let lines = text.lines().count();
            assert!(lines <= LINES_MAX, "{} has {lines} lines", path.display());
            let first = text.lines().next().unwrap();
            let replaces = name == CAPABILITIES || first.starts_with("// Replaces the source function `");
            assert!(first.starts_with("// ") && replaces, "{}: {first}", path.display());
        }
    }
}

#[test]
fn the_capabilities_of_segments_library_have_a_case_each() {
    let mut passed: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for (number, example, case) in COVERAGE {
        let cases = passed.entry(example).or_insert_with(|| {
            let (_, tested) = json("test", &root().join(example));
            let cases = tested["cases"].as_array().unwrap().iter().filter(|case| case["passed"] == true);
            cases
                .map(|case| format!("{} › {}", case["pipeline"].as_str().unwrap(), case["case"].as_str().unwrap()))
                .collect()
        });
        assert!(cases.contains(&(*case).to_owned()), "{number}: {example} has no case `{case}` that passes");
    }
    // The last one, 25, is no case but a warning of `check`: see below.
    for number in 1..25 {
        assert!(COVERAGE.iter().any(|(covered, ..)| *covered == number), "nothing covers {number}");
    }
}

#[test]
fn a_request_becomes_as_many_messages_as_with_the_original() {
    for (example, case, count) in COUNTS {
        let (pipeline, name) = case.split_once(" › ").unwrap();
        let filter = format!("{pipeline}/{name}");
        let output = cartwire(&["test", root().join(example).to_str().unwrap(), "--filter", &filter]);
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let noun = if *count == 1 { "message" } else { "messages" };
        assert!(text.contains(&format!("ok   {case} {count} {noun}\n")), "{case}: {text}");
    }
}

#[test]
fn a_field_that_segment_would_forget_is_told_before_anything_runs() {
    // As the original of `stripe-events` does.
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir_all(dir.path().join("pipelines")).unwrap();
    let pipeline = "sources:\n  - webhook: { verify: none }\nsteps:\n  - script:\n      inline: 'identify(#{ userId: \"u\", \
                    properties: #{ a: 1 } });'\nsinks:\n  - console\n";
    fs::write(dir.path().join("pipelines/a.yaml"), pipeline).unwrap();
    let (_, checked) = json("check", dir.path());
    let problem = &checked["problems"][0];
    assert_eq!(problem["code"], "unknown-field", "{checked:#}");
    assert_eq!(problem["help"], "did you mean `traits`?");
}

#[test]
fn examples_can_be_had_as_projects() {
    let dir = tempfile::tempdir().unwrap();
    for name in ["typeform", "sendgrid", CAPABILITIES] {
        let made = dir.path().join(name);
        let output = cartwire(&["new", made.to_str().unwrap(), "--example", name]);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        assert!(made.join(".gitignore").exists());
        let (fine, tested) = json("test", &made);
        assert!(fine, "{tested:#}");
        let (_, original) = json("test", &root().join(name));
        assert_eq!(tested["passed"], original["passed"], "{name} is embedded whole");
    }
    let output = cartwire(&["new", dir.path().join("x").to_str().unwrap(), "--example", "tpyeform"]);
    assert_eq!(output.status.code(), Some(1));
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(examples().iter().all(|name| told.contains(name.as_str())), "{told}");
}

#[test]
fn examples_are_no_part_of_the_project_above_them() {
    let (_, checked) = json("check", Path::new(env!("CARGO_MANIFEST_DIR")));
    let inside = |problem: &&Value| problem["file"].as_str().is_some_and(|file| file.contains("scripts/examples/"));
    let told: Vec<_> = checked["problems"].as_array().unwrap().iter().filter(inside).collect();
    assert!(told.is_empty(), "{told:#?}");
}
