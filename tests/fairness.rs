//! A pipeline with slow scripts leaves its neighbours their turn, even where both share one worker.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use std::time::Duration;

use support::{Cartwire, FakeSegment, Project};

const SOON: Duration = Duration::from_secs(60);
/// More than one job holds, so that a whole one waits behind the first deliveries.
const SLOW: usize = 160;

fn pipeline(path: &str, steps: &str, key: &str) -> String {
    format!(
        "sources:\n  - webhook: {{ verify: none, path: {path} }}\nsteps:\n  - set: {{ userId: u-1 }}\n{steps}sinks:\n  - segment: {{ write_key: {key}, \
         endpoint: \"${{SEGMENT_URL}}\", linger: 10ms }}\n"
    )
}

/// Runs `steps` over many deliveries, and meanwhile another pipeline over one. Gives how many of the slow ones arrived before it.
fn race(steps: &str) -> usize {
    let segment = FakeSegment::start();
    let project = Project::new()
        .pipeline("slow", &pipeline("/slow", steps, "slow-key"))
        .pipeline("fast", &pipeline("/fast", "", "fast-key"));
    let mut cartwire = Cartwire::start_with(&project, &["--workers", "1"], &[("SEGMENT_URL", &segment.url())]);
    let post = |cartwire: &Cartwire, path: &str, number: usize| {
        let body = format!("{{\"number\":{number}}}");
        assert_eq!(cartwire.post(path, &[("content-type", "application/json")], body.as_bytes()).unwrap().status, 200);
    };
    for number in 0..SLOW {
        post(&cartwire, "/slow", number);
    }
    // What waits in the journal at a start is read in jobs as large as they get.
    cartwire.kill9();
    cartwire.restart();
    let earlier = segment.received().len();
    post(&cartwire, "/fast", 0);
    let stored = segment.wait_until(SOON, "the fast one", |stored| stored.iter().any(|one| one.key == "fast-key"));
    let before = stored.len() - 1 - earlier;
    let all = segment.wait_for(SLOW + 1, SOON);
    let numbers: Vec<_> = all
        .iter()
        .filter(|one| one.key == "slow-key")
        .map(|one| one.message["properties"]["number"].as_u64().unwrap() as usize)
        .collect();
    assert_eq!(numbers, (0..SLOW).collect::<Vec<_>>(), "each once and in order");
    cartwire.stop();
    before
}

#[test]
fn one_slow_script_does_not_hold_up_another_pipeline() {
    let before = race("  - script:\n      inline: let x = 0; for i in 0..120000 { x += i; }\n");
    assert!(before < SLOW / 2, "{before} slow ones went first");
}

#[test]
fn what_is_remembered_in_order_makes_way_too_and_counts_right() {
    let steps = "  - script:\n      inline: let x = 0; for i in 0..120000 { x += i; } event.properties.count = state::add(\"n\", 1); \
                 if event.properties.count != event.properties.number + 1 { throw \"out of order\"; }\n    id: counter\n";
    let before = race(steps);
    assert!(before < SLOW / 2, "{before} slow ones went first");
}
