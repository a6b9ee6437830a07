//! Where sinks go on, and what is remembered there: after sinks went away and came back, and after a loss of power.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use serde_json::Value;
use support::{Cartwire, FakeSegment, Project, Stored, http};

const SOON: Duration = Duration::from_secs(30);
/// An address where nobody is.
const NOBODY: &str = "http://127.0.0.1:9";

/// A pipeline that numbers its deliveries.
fn pipeline(sinks: &[(&str, &str)]) -> String {
    let sink =
        |(id, url): &(&str, &str)| format!("  - segment: {{ write_key: k, endpoint: \"{url}\" }}\n    id: {id}\n");
    let sinks: Vec<String> = sinks.iter().map(sink).collect();
    let start = "sources:\n  - webhook: { verify: none, path: /in }\nsteps:\n  - set: { userId: u-1 }\n  - script:\n      inline: \
                 event.properties.count = state::add(\"n\", 1);\n    id: counter\nsinks:\n";
    format!("{start}{}", sinks.concat())
}

fn post(cartwire: &Cartwire, count: usize) {
    for _ in 0..count {
        let reply = cartwire.post("/in", &[("content-type", "application/json")], b"{}").unwrap();
        assert_eq!(reply.status, 200, "{}", reply.text());
    }
}

fn counts(received: &[Stored]) -> Vec<u64> {
    let mut counts: Vec<_> = received.iter().map(|one| one.message["properties"]["count"].as_u64().unwrap()).collect();
    counts.sort_unstable();
    counts
}

#[test]
fn a_sink_that_comes_back_between_runs_begins_at_the_present() {
    let (one, two) = (FakeSegment::start(), FakeSegment::start());
    let (one_url, two_url) = (one.url(), two.url());
    let both = pipeline(&[("one", &one_url), ("two", &two_url)]);
    let project = Project::new().pipeline("shop", &both);
    let mut cartwire = Cartwire::start(&project);
    post(&cartwire, 3);
    two.wait_for(3, SOON);
    cartwire.stop();
    project.write("pipelines/shop.yaml", &pipeline(&[("one", &one_url)]));
    cartwire.restart();
    post(&cartwire, 3);
    one.wait_for(6, SOON);
    cartwire.stop();
    project.write("pipelines/shop.yaml", &both);
    cartwire.restart();
    post(&cartwire, 1);
    one.wait_for(7, SOON);
    two.wait_until(SOON, "the last one", |stored| counts(stored).last() == Some(&7));
    cartwire.stop();
    assert_eq!(counts(&two.received()), [1, 2, 3, 7], "what came while it was away was not for it");
}

#[test]
fn sinks_that_are_replaced_between_runs_leave_what_waited_to_the_new_one() {
    let (ready, new) = (FakeSegment::start(), FakeSegment::start());
    let project = Project::new().pipeline("shop", &pipeline(&[("ready", &ready.url()), ("away", NOBODY)]));
    let mut cartwire = Cartwire::start_with(&project, &["--drain", "100ms"], &[]);
    post(&cartwire, 5);
    ready.wait_for(5, SOON);
    cartwire.stop();
    project.write("pipelines/shop.yaml", &pipeline(&[("new", &new.url())]));
    cartwire.restart();
    post(&cartwire, 1);
    new.wait_until(SOON, "the last one", |stored| counts(stored).last() == Some(&6));
    cartwire.stop();
    assert_eq!(counts(&new.received()), [1, 2, 3, 4, 5, 6]);
    assert_eq!(counts(&ready.received()), [1, 2, 3, 4, 5]);
    // What it took over is its own now: the old ones begin anew.
    let books: Value = {
        project.write("pipelines/shop.yaml", &pipeline(&[("away", NOBODY), ("new", &new.url())]));
        cartwire.restart();
        cartwire.admin("/status").json()
    };
    assert_eq!(books["pipelines"][0]["sinks"][0]["lag"], 0, "{books}");
    cartwire.stop();
}

/// Leaves what a power loss would leave of a cursor whose last write had not reached the disk: the older of its two slots. Gives
/// the cursor's value before and after.
fn lose_power(cursor: &Path) -> (u64, u64) {
    let mut bytes = std::fs::read(cursor).unwrap();
    let number = |at: usize| u64::from_le_bytes(bytes[at..at + 8].try_into().unwrap());
    let slot = |at: usize| (number(at + 4), number(at + 12));
    let (newer, older) = if slot(0) > slot(512) { (0, 512) } else { (512, 0) };
    let values = (slot(newer).1, slot(older).1);
    bytes[newer..newer + 24].fill(0);
    std::fs::write(cursor, bytes).unwrap();
    values
}

#[test]
fn a_power_loss_under_load_counts_nothing_twice() {
    let segment = FakeSegment::start();
    let project = Project::new().pipeline("shop", &pipeline(&[("one", &segment.url())]));
    let mut cartwire = Cartwire::start(&project);
    // More than stays known of deliveries before the cursors in any case.
    let url = cartwire.url("/in");
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..700 {
                    assert_eq!(http::post(&url, &[("content-type", "application/json")], b"{}").unwrap().status, 200);
                }
            });
        }
    });
    segment.wait_for(2800, SOON);
    std::thread::sleep(Duration::from_millis(1500));
    post(&cartwire, 3);
    segment.wait_for(2803, SOON);
    std::thread::sleep(Duration::from_millis(300));
    cartwire.kill9();
    let (before, after) = lose_power(&cartwire.data_dir().join("cursors/shop/one"));
    assert!(before >= 2800 && after > 800, "{before}, {after}");
    cartwire.restart();
    post(&cartwire, 1);
    segment.wait_for(2804, SOON);
    cartwire.stop();
    let mut by_id: BTreeMap<String, u64> = BTreeMap::new();
    for stored in segment.received().iter().chain(&segment.duplicates()) {
        let count = stored.message["properties"]["count"].as_u64().unwrap();
        let other = by_id.insert(stored.message_id.clone(), count);
        assert!(other.is_none_or(|other| other == count), "{} was {other:?}, then {count}", stored.message_id);
    }
    assert_eq!(counts(&segment.received()), (1..=2804).collect::<Vec<_>>());
    // A file that says nothing means that everything is sent again. Then the state cannot follow, and that is said.
    let says = |line: &str| line.contains("cannot be taken back");
    assert!(!cartwire.stderr().lines().any(says));
    std::fs::write(cartwire.data_dir().join("cursors/shop/one"), "").unwrap();
    cartwire.restart();
    cartwire.wait_for_log("warning", says);
    cartwire.kill9();
}
