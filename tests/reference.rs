//! `cartwire reference` and `cartwire completions` as commands.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

use std::process::{Command, Output, Stdio};

fn cartwire(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_cartwire")).args(args).output().unwrap()
}

fn printed(args: &[&str]) -> String {
    let output = cartwire(args);
    assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn the_whole_reference_is_one_markdown_text() {
    let text = printed(&["reference"]);
    let headings: Vec<_> = text.lines().filter(|line| line.starts_with("## ")).collect();
    assert_eq!(
        headings,
        [
            "## Pipelines",
            "## Sources",
            "## Steps",
            "## Sinks",
            "## Fixtures",
            "## Functions of scripts",
            "## From Segment functions"
        ]
    );
    assert_eq!(text.lines().filter(|line| line.starts_with("# ")).count(), 1 + comments_in_examples(&text));
    assert_eq!(text.matches("```").count() % 2, 0, "every block is closed");
    assert!(text.ends_with("```\n"), "one line break at the end");
}

/// `# …` inside of a fenced block is no heading.
fn comments_in_examples(text: &str) -> usize {
    text.split("```").skip(1).step_by(2).flat_map(str::lines).filter(|line| line.starts_with("# ")).count()
}

#[test]
fn one_part_is_shown_alone() {
    let text = printed(&["reference", "shopify"]);
    assert!(text.starts_with("## Sources\n\n### shopify\n"), "{text}");
    assert!(text.contains("| `secrets` |") && text.contains("required"), "{text}");
    assert_eq!(text.lines().filter(|line| line.starts_with("### ")).count(), 1, "{text}");
    let json: serde_json::Value =
        serde_json::from_str(&printed(&["reference", "shopify", "--format", "json"])).unwrap();
    assert_eq!(json["chapters"][0]["entries"][0]["name"], "shopify");
}

#[test]
fn an_unknown_name_is_told_with_the_nearest_one() {
    let output = cartwire(&["reference", "shopfy"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(output.stdout.is_empty());
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("no `shopfy`") && said.contains("did you mean `shopify`?"), "{said}");
    assert_eq!(cartwire(&["reference", "--format", "html"]).status.code(), Some(2));
}

#[test]
fn a_reader_that_has_seen_enough_is_no_failure() {
    let mut child = Command::new(env!("CARGO_BIN_EXE_cartwire"))
        .arg("reference")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn completions_know_every_command() {
    for shell in ["bash", "zsh", "fish"] {
        let script = printed(&["completions", shell]);
        for command in ["run", "check", "reference", "schema", "completions"] {
            assert!(script.contains(command), "{shell}: {command}");
        }
    }
    assert_eq!(cartwire(&["completions", "tcsh"]).status.code(), Some(2));
}
