//! Where sinks go on, and what is remembered there: after sinks went away and came back, and after a loss of power.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use std::time::Duration;

use serde_json::Value;
use support::{Cartwire, FakeSegment, Project, Stored};

const SOON: Duration = Duration::from_secs(30);
/// An address where nobody is.
const NOBODY: &str = "http://127.0.0.1:9";

/// A pipeline that numbers its deliveries.
fn pipeline(sinks: &[(&str, &str)]) -> String {
    let mut text = "sources:\n  - webhook: { verify: none, path: /in }\nsteps:\n  - set: { userId: u-1 }\n  - script:\n      inline: \
                    event.properties.count = state::add(\"n\", 1);\n    id: counter\nsinks:\n"
        .to_owned();
    for (id, url) in sinks {
        text.push_str(&format!("  - segment: {{ write_key: k, endpoint: \"{url}\" }}\n    id: {id}\n"));
    }
    text
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
