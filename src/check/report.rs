//! Showing what a case found: differences line by line, and the event's way through the steps.

use std::fmt::Write;

use serde_json::{Value, json as object};
use similar::{ChangeTag, TextDiff};

use super::{Case, CaseResult, Failure};
use crate::pipeline::StepRecord;

const RED: &str = "\u{1b}[31m";
const GREEN: &str = "\u{1b}[32m";
const DIM: &str = "\u{1b}[2m";
const BOLD: &str = "\u{1b}[1m";
const PLAIN: &str = "\u{1b}[0m";

/// A failed case for people; `steps` adds what each step changed.
pub fn text(case: &Case, result: &CaseResult, steps: bool) -> String {
    let mut out = String::new();
    let _ = writeln!(
        out,
        "{BOLD}{RED}FAIL{PLAIN} {BOLD}{} › {}{PLAIN} {DIM}{}{PLAIN}",
        case.pipeline, case.name, case.file
    );
    for failure in &result.failures {
        match failure {
            Failure::Message { sink, index, want, got } => {
                let _ = writeln!(
                    out,
                    "  message {} to {sink} differs ({RED}- expected{PLAIN}, {GREEN}+ got{PLAIN}):",
                    index + 1
                );
                out.push_str(&diff_lines(want, got, 4));
            }
            Failure::Missing { sink, want } => {
                let _ = writeln!(out, "  a message to {sink} is missing:");
                out.push_str(&lines(want, RED, '-', 4));
            }
            Failure::Extra { sink, got } => {
                let _ = writeln!(out, "  a message to {sink} that nobody expected:");
                out.push_str(&lines(got, GREEN, '+', 4));
            }
            Failure::Unstated(text) | Failure::Other(text) => {
                let _ = writeln!(out, "  {text}");
            }
        }
    }
    for line in &result.logs {
        let _ = writeln!(out, "  {DIM}log {line}{PLAIN}");
    }
    if steps {
        out.push_str(&way(&result.trace));
    }
    out
}

/// A case as JSON.
pub fn json(case: &Case, result: &CaseResult) -> Value {
    let failures: Vec<_> = result
        .failures
        .iter()
        .map(|failure| match failure {
            Failure::Message { sink, index, want, got } => {
                object!({"kind": "message", "sink": sink, "index": index, "expected": want, "got": got})
            }
            Failure::Missing { sink, want } => object!({"kind": "missing", "sink": sink, "expected": want}),
            Failure::Extra { sink, got } => object!({"kind": "extra", "sink": sink, "got": got}),
            Failure::Unstated(text) => object!({"kind": "unstated", "message": text}),
            Failure::Other(text) => object!({"kind": "other", "message": text}),
        })
        .collect();
    object!({
        "pipeline": case.pipeline, "case": case.name, "file": case.file, "passed": result.failures.is_empty(),
        "failures": failures, "logs": result.logs,
    })
}

/// The lines in which two values differ, with two lines around.
pub fn diff_lines(want: &Value, got: &Value, indent: usize) -> String {
    let (want, got) = (pretty(want), pretty(got));
    let diff = TextDiff::from_lines(&want, &got);
    let mut out = String::new();
    for group in diff.grouped_ops(2) {
        for change in group.iter().flat_map(|op| diff.iter_changes(op)) {
            let (colour, sign) = match change.tag() {
                ChangeTag::Delete => (RED, '-'),
                ChangeTag::Insert => (GREEN, '+'),
                ChangeTag::Equal => (DIM, ' '),
            };
            let _ = writeln!(out, "{:indent$}{colour}{sign} {}{PLAIN}", "", change.value().trim_end_matches('\n'));
        }
    }
    out
}

/// What each step changed, event by event.
fn way(trace: &[StepRecord]) -> String {
    let mut out = format!("  {BOLD}steps{PLAIN}\n");
    for (index, record) in trace.iter().enumerate() {
        let _ = writeln!(out, "    {BOLD}{}{PLAIN} {DIM}event {}{PLAIN}", record.part, record.origin);
        match &record.state {
            Err(how) => {
                let _ = writeln!(out, "      {how}");
            }
            Ok(now) => match before(trace, index) {
                Some(before) if before == now => {
                    let _ = writeln!(out, "      {DIM}unchanged{PLAIN}");
                }
                Some(before) => out.push_str(&diff_lines(before, now, 6)),
                None => out.push_str(&lines(now, DIM, ' ', 6)),
            },
        }
    }
    out
}

/// The event as it was before a record: the newest state of itself or of the event that it was made from.
fn before(trace: &[StepRecord], index: usize) -> Option<&Value> {
    let record = &trace[index];
    trace[..index]
        .iter()
        .rev()
        .filter(|earlier| earlier.origin == record.origin || Some(earlier.origin) == record.origin.parent())
        .find_map(|earlier| earlier.state.as_ref().ok())
        .filter(|_| record.part != "source")
}

fn lines(value: &Value, colour: &str, sign: char, indent: usize) -> String {
    pretty(value).lines().fold(String::new(), |mut out, line| {
        let _ = writeln!(out, "{:indent$}{colour}{sign} {line}{PLAIN}", "");
        out
    })
}

fn pretty(value: &Value) -> String {
    format!("{value:#}\n")
}
