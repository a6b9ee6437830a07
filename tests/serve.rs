//! `cartwire run` seen from outside: answers, admin pages, back-pressure, signals, exit codes.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use std::io::Write;
use std::process::{Command, Output};
use std::time::Duration;

use support::{Cartwire, FakeSegment, Fault, Project};

const PIPELINE: &str = "sources:
  - webhook: { verify: { header: { name: X-Secret, secrets: [open-sesame] } }, path: /in, body_max: 64KiB }
steps:
  - set: { userId: u1 }
sinks:
  - segment: { write_key: test-key, endpoint: \"${SEGMENT_URL}\" }
";

const SECRET: [(&str, &str); 2] = [("x-secret", "open-sesame"), ("content-type", "application/json")];

fn cartwire(args: &[&str], dir: &std::path::Path) -> Output {
    Command::new(env!("CARGO_BIN_EXE_cartwire")).args(args).current_dir(dir).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn requests_get_the_right_answers() {
    let segment = FakeSegment::start();
    let project = Project::new().pipeline("shop", PIPELINE);
    let mut cartwire = Cartwire::start_with(&project, &[], &[("SEGMENT_URL", &segment.url())]);
    let status = |path: &str, headers: &[(&str, &str)], body: &[u8]| cartwire.post(path, headers, body).unwrap().status;
    assert_eq!(status("/in", &SECRET, b"{\"a\":1}"), 200);
    assert_eq!(status("/in/", &SECRET, b"{\"a\":1}"), 200);
    assert_eq!(status("/in", &[("x-secret", "wrong")], b"{}"), 401);
    assert_eq!(status("/in", &[], b"{}"), 401);
    assert_eq!(status("/elsewhere", &SECRET, b"{}"), 404);
    // Also a client that reads no answer before it has sent everything gets this one.
    assert_eq!(status("/in", &SECRET, &vec![b' '; 20_000_000]), 413);
    assert_eq!(status("/in", &[SECRET[0], SECRET[1], ("content-encoding", "br")], b"{}"), 415);
    assert_eq!(status("/in", &[SECRET[0], SECRET[1], ("content-encoding", "gzip")], b"no gzip"), 400);
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    gzip.write_all(b"{\"zipped\":true}").unwrap();
    assert_eq!(status("/in", &[SECRET[0], SECRET[1], ("content-encoding", "gzip")], &gzip.finish().unwrap()), 200);
    // A small body that unpacks to a large one is as large as it unpacks to.
    let mut bomb = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    bomb.write_all(&vec![b' '; 10_000_000]).unwrap();
    assert_eq!(status("/in", &[SECRET[0], SECRET[1], ("content-encoding", "gzip")], &bomb.finish().unwrap()), 413);
    let received = segment.wait_for(3, Duration::from_secs(20));
    assert!(received.iter().any(|stored| stored.message["properties"]["zipped"] == true));

    assert_eq!(cartwire.admin("/healthz").status, 200);
    assert_eq!(cartwire.admin("/readyz").status, 200);
    let metrics = cartwire.admin("/metrics").text();
    for line in [
        "cartwire_deliveries_total{pipeline=\"shop\",part=\"webhook\"} 3",
        "cartwire_sent_total{pipeline=\"shop\",part=\"segment\"} 3",
        "cartwire_refused_total{pipeline=\"shop\",part=\"webhook\",reason=\"too-large\"} 2",
    ] {
        assert!(metrics.contains(line), "{line} in\n{metrics}");
    }
    let ledger = cartwire.admin("/status").json()["pipelines"][0]["ledger"].clone();
    assert_eq!(
        (&ledger["accepted"], &ledger["sent"], &ledger["pending"]),
        (&3.into(), &3.into(), &0.into()),
        "{ledger}"
    );
    assert!(
        !cartwire.stderr().contains("open-sesame") && !cartwire.stderr().contains("test-key"),
        "secrets stay out of logs"
    );
    cartwire.stop();
}

#[test]
fn a_full_journal_answers_503_with_retry_after_and_recovers() {
    let segment = FakeSegment::start();
    segment.faults([Fault::status(500).for_ever()]);
    let project = Project::new().pipeline("shop", PIPELINE);
    let mut cartwire = Cartwire::start_with(&project, &["--journal-max", "200KB"], &[("SEGMENT_URL", &segment.url())]);
    let body = format!("{{\"filler\":\"{}\"}}", "x".repeat(20_000));
    let mut accepted = 0;
    let refused = loop {
        let reply = cartwire.post("/in", &SECRET, body.as_bytes()).unwrap();
        if reply.status != 200 {
            break reply;
        }
        accepted += 1;
        assert!(accepted < 100, "the journal is never full");
    };
    assert_eq!(refused.status, 503);
    assert!(refused.header("retry-after").unwrap().parse::<u64>().unwrap() >= 1);
    segment.reset();
    segment.wait_for(accepted, Duration::from_secs(60));
    cartwire.stop();
}

#[test]
fn a_stop_drains_and_a_stop_during_an_outage_keeps_everything() {
    let segment = FakeSegment::start();
    segment.faults([Fault::status(503).for_ever()]);
    let project = Project::new().pipeline("shop", PIPELINE);
    let mut cartwire = Cartwire::start_with(&project, &["--drain", "300ms"], &[("SEGMENT_URL", &segment.url())]);
    for _ in 0..20 {
        assert_eq!(cartwire.post("/in", &SECRET, b"{}").unwrap().status, 200);
    }
    cartwire.stop();
    assert!(segment.received().is_empty());
    segment.reset();
    cartwire.restart();
    segment.wait_for(20, Duration::from_secs(30));
    cartwire.stop();
}

#[test]
fn two_processes_cannot_share_a_data_directory() {
    let segment = FakeSegment::start();
    let project = Project::new().pipeline("shop", PIPELINE);
    let mut running = Cartwire::start_with(&project, &[], &[("SEGMENT_URL", &segment.url())]);
    let data = running.data_dir().display().to_string();
    let second = Command::new(env!("CARGO_BIN_EXE_cartwire"))
        .args(["run", "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0", "--data-dir", &data])
        .env("SEGMENT_URL", segment.url())
        .current_dir(project.dir())
        .output()
        .unwrap();
    assert_eq!(second.status.code(), Some(1), "{}", text(&second.stderr));
    assert!(text(&second.stderr).contains("another process"), "{}", text(&second.stderr));
    running.stop();
}

#[test]
fn a_missing_secret_is_an_error_that_names_it_and_a_dry_run_needs_none() {
    let project = Project::new().pipeline("shop", PIPELINE);
    let output = cartwire(&["run", "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0"], project.dir());
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("SEGMENT_URL is not set"), "{}", text(&output.stderr));
    let dry = ["run", "--dry-run", "--until-idle", "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0"];
    let output = cartwire(&dry, project.dir());
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    assert!(text(&output.stderr).contains("dry run"), "{}", text(&output.stderr));
    assert!(text(&output.stderr).contains("SEGMENT_URL"), "it says what placeholders stand in for");
}

#[test]
fn usage_and_failures_have_their_exit_codes() {
    let empty = tempfile::tempdir().unwrap();
    assert_eq!(cartwire(&["run"], empty.path()).status.code(), Some(1));
    assert_eq!(cartwire(&["check"], empty.path()).status.code(), Some(1));
    assert_eq!(cartwire(&["frobnicate"], empty.path()).status.code(), Some(2));
    assert_eq!(cartwire(&["run", "--listen", "nonsense"], empty.path()).status.code(), Some(2));
    assert_eq!(cartwire(&["--version"], empty.path()).status.code(), Some(0));
    assert_eq!(cartwire(&["run", "--help"], empty.path()).status.code(), Some(0));
}
