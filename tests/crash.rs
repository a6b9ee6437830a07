//! kill -9 under load: every delivery that was answered 2xx arrives, or stands as a dead letter.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use support::{Cartwire, FakeSegment, Project, http};

const KILLS: usize = 20;
const SENDERS: usize = 4;

const PIPELINE: &str = r#"
sources:
  - webhook: { verify: none, path: /in }
steps:
  - script:
      inline: |
        if event.properties.n % 50 == 7 { reject("unlucky number"); }
        event.userId = "user-" + event.properties.n;
        event.event = "Counted " + event.properties.n;
sinks:
  - segment: { write_key: test-key, endpoint: "${SEGMENT_URL}" }
"#;

#[test]
fn what_was_answered_arrives_or_is_dead_after_twenty_kills() {
    let segment = FakeSegment::start();
    let project = Project::new().pipeline("shop", PIPELINE);
    let mut cartwire = Cartwire::start_with(&project, &[], &[("SEGMENT_URL", &segment.url())]);
    let url = cartwire.url("/in");
    let next = Arc::new(AtomicU64::new(1));
    let accepted = Arc::new(Mutex::new(BTreeSet::new()));
    let stop = Arc::new(AtomicBool::new(false));
    let senders: Vec<_> = (0..SENDERS)
        .map(|_| {
            let (url, next, accepted, stop) =
                (url.clone(), Arc::clone(&next), Arc::clone(&accepted), Arc::clone(&stop));
            std::thread::spawn(move || {
                while !stop.load(Ordering::SeqCst) {
                    let n = next.fetch_add(1, Ordering::SeqCst);
                    let body = format!("{{\"n\":{n}}}");
                    // Each number is sent once: what comes twice is Cartwire's doing, with the same id.
                    match http::post(&url, &[("content-type", "application/json")], body.as_bytes()) {
                        Ok(reply) if (200..300).contains(&reply.status) => {
                            accepted.lock().unwrap().insert(n);
                        }
                        _ => std::thread::sleep(Duration::from_millis(5)),
                    }
                }
            })
        })
        .collect();
    for kill in 0..KILLS {
        // Between 30 and 200 ms after the start: in the middle of whatever is going on.
        std::thread::sleep(Duration::from_millis(30 + (kill as u64 * 53) % 170));
        cartwire.kill9();
        cartwire.restart();
    }
    std::thread::sleep(Duration::from_millis(200));
    stop.store(true, Ordering::SeqCst);
    for sender in senders {
        sender.join().unwrap();
    }
    let accepted = accepted.lock().unwrap().clone();
    assert!(accepted.len() > KILLS, "only {} deliveries were accepted", accepted.len());

    let lucky: BTreeSet<u64> = accepted.iter().copied().filter(|n| n % 50 != 7).collect();
    let arrived = |stored: &[support::Stored]| -> BTreeSet<u64> {
        stored.iter().filter_map(|stored| stored.message["properties"]["n"].as_u64()).collect()
    };
    segment.wait_until(Duration::from_secs(60), "every lucky number", |stored| lucky.is_subset(&arrived(stored)));

    let mut dead = BTreeSet::new();
    for letter in cartwire.admin("/dead?limit=1000").json().as_array().unwrap() {
        assert_eq!(letter["reason"], "unlucky number", "{letter}");
        let whole = cartwire.admin(&format!("/dead/{}", letter["id"])).json();
        let body: serde_json::Value = serde_json::from_str(whole["request"]["body"].as_str().unwrap()).unwrap();
        dead.insert(body["n"].as_u64().unwrap());
    }
    for n in accepted.iter().filter(|n| *n % 50 == 7) {
        assert!(dead.contains(n), "{n} is neither sent nor dead");
    }

    let mut ids: BTreeMap<u64, BTreeSet<String>> = BTreeMap::new();
    for stored in segment.received().iter().chain(&segment.duplicates()) {
        let n = stored.message["properties"]["n"].as_u64().unwrap();
        ids.entry(n).or_default().insert(stored.message_id.clone());
    }
    for (n, ids) in ids {
        assert_eq!(ids.len(), 1, "{n} came with several ids: {ids:?}");
    }
    cartwire.stop();
}

#[test]
fn a_refused_message_never_blocks_the_others_and_is_kept() {
    let segment = FakeSegment::start();
    segment.faults([support::Fault::poison("Counted 13")]);
    let project = Project::new().pipeline("shop", PIPELINE);
    let mut cartwire = Cartwire::start_with(&project, &[], &[("SEGMENT_URL", &segment.url())]);
    for n in 10..20 {
        let reply = cartwire.post("/in", &[("content-type", "application/json")], format!("{{\"n\":{n}}}").as_bytes());
        assert_eq!(reply.unwrap().status, 200);
    }
    segment.wait_until(Duration::from_secs(20), "the nine others", |stored| stored.len() == 9);
    let letters = loop {
        let letters = cartwire.admin("/dead").json();
        if letters.as_array().is_some_and(|letters| !letters.is_empty()) {
            break letters;
        }
        std::thread::sleep(Duration::from_millis(20));
    };
    assert_eq!(letters.as_array().unwrap().len(), 1);
    assert_eq!(letters[0]["part"], "segment");
    let log = cartwire.log();
    let told: Vec<_> = log
        .iter()
        .filter(|line| line["message"].as_str().is_some_and(|text| text.starts_with("dead letter")))
        .collect();
    assert_eq!(told.len(), 1, "{log:?}");
    assert_eq!((&told[0]["part"], &told[0]["delivery"]), (&"segment".into(), &4.into()));
    cartwire.stop();
}
