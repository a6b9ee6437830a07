//! File sources as commands: a file, a folder, a glob, standard input, arrays; order is kept and the run ends.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use std::io::Write;
use std::process::{Command, Output, Stdio};

use support::Project;

fn run(project: &Project, input: &str, stdin: Option<&str>) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_cartwire"));
    command
        .args(["run", "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0"])
        .env("INPUT", input)
        .current_dir(project.dir());
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut pipe = child.stdin.take().unwrap();
    pipe.write_all(stdin.unwrap_or_default().as_bytes()).unwrap();
    drop(pipe);
    child.wait_with_output().unwrap()
}

fn project() -> Project {
    Project::new().pipeline(
        "copy",
        "sources:
  - file: \"${INPUT}\"
steps:
  - set: { context.seen: true }
sinks:
  - file: { path: out/copy.ndjson, mode: overwrite }
",
    )
}

fn numbers(project: &Project) -> Vec<u64> {
    let text = std::fs::read_to_string(project.path("out/copy.ndjson")).unwrap_or_default();
    text.lines()
        .map(|line| {
            let event: serde_json::Value = serde_json::from_str(line).unwrap();
            assert_eq!(event["context"]["seen"], true);
            event["n"].as_u64().unwrap()
        })
        .collect()
}

fn lines(range: std::ops::Range<u64>) -> String {
    let line = |n| format!("{{\"type\":\"track\",\"event\":\"E\",\"userId\":\"u\",\"n\":{n}}}\n");
    range.map(line).collect::<Vec<_>>().concat()
}

#[test]
fn a_long_file_keeps_its_order_over_several_workers() {
    let project = project().file("in.ndjson", &lines(0..20_000));
    let output = run(&project, "in.ndjson", None);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(numbers(&project), (0..20_000).collect::<Vec<_>>());
}

#[test]
fn folders_globs_arrays_and_standard_input() {
    let project = project()
        .file("data/a.ndjson", &lines(0..3))
        .file("data/b.json", "[ {\"n\": 3},\n {\"n\": 4} ]")
        .file("data/notes.txt", "no events")
        .file("data/deeper/c.jsonl", &lines(5..7));
    assert!(run(&project, "data", None).status.success());
    assert_eq!(numbers(&project), [0, 1, 2, 3, 4, 5, 6]);
    assert!(run(&project, "data/*.ndjson", None).status.success());
    assert_eq!(numbers(&project), [0, 1, 2]);
    assert!(run(&project, "data/**/*.jsonl", None).status.success());
    assert_eq!(numbers(&project), [5, 6]);
    assert!(run(&project, "-", Some(&lines(10..12))).status.success());
    assert_eq!(numbers(&project), [10, 11]);
}

#[test]
fn bad_lines_become_dead_letters_and_a_missing_file_fails_the_run() {
    let project = project().file("in.ndjson", &format!("{}not json\n[1]\n{}", lines(0..2), lines(2..4)));
    assert!(run(&project, "in.ndjson", None).status.success());
    assert_eq!(numbers(&project), [0, 1, 2, 3]);
    let dead = Command::new(env!("CARGO_BIN_EXE_cartwire"))
        .args(["dead", "--json"])
        .current_dir(project.dir())
        .output()
        .unwrap();
    let letters: serde_json::Value = serde_json::from_slice(&dead.stdout).unwrap();
    assert_eq!(letters.as_array().unwrap().len(), 2, "{letters:#}");
    let id = letters[0]["id"].to_string();
    let shown = Command::new(env!("CARGO_BIN_EXE_cartwire"))
        .args(["dead", "show", &id])
        .current_dir(project.dir())
        .output()
        .unwrap();
    assert!(String::from_utf8_lossy(&shown.stdout).contains("[1]"), "{}", String::from_utf8_lossy(&shown.stdout));
    let output = run(&project, "nowhere.ndjson", None);
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("nowhere.ndjson"));
}

#[test]
fn the_same_lines_give_the_same_message_ids() {
    let project = Project::new().pipeline(
        "ids",
        "sources:\n  - file: in.ndjson\nsinks:\n  - segment: { write_key: k, endpoint: http://127.0.0.1:9 }\n  - console\n",
    );
    let project = project.file("in.ndjson", &lines(0..3));
    let printed = || {
        let mut command = Command::new(env!("CARGO_BIN_EXE_cartwire"));
        command
            .args(["run", "--dry-run", "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0"])
            .current_dir(project.dir());
        let output = command.output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let text = String::from_utf8(output.stdout).unwrap();
        let mut ids: Vec<_> = text.lines().filter(|line| line.contains("messageId")).map(str::to_owned).collect();
        ids.sort();
        ids
    };
    let first = printed();
    assert_eq!(first.len(), 3);
    assert_eq!(first, printed());
}
