//! Faults on demand, and strictness: when the fake fails the test by itself.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use serde_json::json;

use crate::support::http::{get, post};
use crate::support::{FakeSegment, Fault};
use crate::{JSON, send, send_batch, track, warning_codes};

#[test]
fn statuses_come_in_order_and_run_out() {
    let segment = FakeSegment::start();
    segment.faults([Fault::status(503).times(2), Fault::redirect("http://127.0.0.1:1/"), Fault::too_many(1)]);
    let message = track(&json!({}));
    let replies: Vec<_> = (0..5).map(|_| send_batch(&segment, std::slice::from_ref(&message))).collect();
    let statuses: Vec<_> = replies.iter().map(|reply| reply.status).collect();
    assert_eq!(statuses, [503, 503, 302, 429, 200]);
    assert_eq!(replies[2].header("location"), Some("http://127.0.0.1:1/"));
    assert_eq!(replies[3].header("retry-after"), Some("1"));
    assert_eq!(warning_codes(&segment), ["retry_after_ignored"]);
    assert_eq!(segment.attempts(message["messageId"].as_str().unwrap()), 5);
    assert_eq!(segment.received().len(), 1);
    assert_eq!(segment.requests().iter().map(|r| r.status).collect::<Vec<_>>(), [503, 503, 302, 429, 200].map(Some));
    assert_eq!(segment.requests()[4].connection, 5);
}

#[test]
fn poison_and_size_refuse_only_what_they_are_about() {
    let segment = FakeSegment::start();
    segment.faults([Fault::poison("Bad Event"), Fault::poison("bad-message-id-0001"), Fault::body_above(1000)]);
    let good = || track(&json!({}));
    let bad = || track(&json!({ "event": "Bad Event" }));
    assert_eq!(send_batch(&segment, &[good(), bad()]).status, 400);
    assert_eq!(send_batch(&segment, &[bad()]).status, 400);
    assert_eq!(send_batch(&segment, &[track(&json!({ "messageId": "bad-message-id-0001" }))]).status, 400);
    assert_eq!(send_batch(&segment, &[good()]).status, 200);
    assert_eq!(send_batch(&segment, &[good(), good(), good(), good(), good(), good(), good()]).status, 413);
    assert_eq!(segment.received().len(), 1);
}

#[test]
fn answers_that_come_late_or_never() {
    let segment = FakeSegment::start();
    let url = format!("{}/v1/batch", segment.url());
    let body =
        |n: usize| json!({ "batch": [track(&json!({ "properties": { "n": n } }))], "writeKey": "key" }).to_string();
    let late = Duration::from_millis(200);
    segment.faults([Fault::slow(late), Fault::delayed_body(late)]);
    for n in 0..2 {
        let start = std::time::Instant::now();
        assert_eq!(post(&url, &[JSON], body(n).as_bytes()).unwrap().text(), r#"{"success":true}"#);
        assert!(start.elapsed() >= late);
    }
    segment.faults([Fault::close_before_reply(), Fault::process_then_close()]);
    for n in 2..4 {
        assert!(post(&url, &[JSON], body(n).as_bytes()).is_err());
    }
    segment.faults([Fault::stalled_body()]);
    let stalled_body = body(4);
    std::thread::scope(|scope| {
        let stalled = scope.spawn(|| post(&url, &[JSON], stalled_body.as_bytes()));
        segment.wait_for(4, Duration::from_secs(10));
        assert!(!stalled.is_finished(), "the answer is not whole");
        // Stopping the fake ends the wait.
        drop(segment);
        assert!(stalled.join().unwrap().is_err());
    });
}

#[test]
fn messages_are_taken_or_not_as_the_fault_says() {
    let segment = FakeSegment::start();
    segment.faults([Fault::close_before_reply(), Fault::process_then_close()]);
    let url = format!("{}/v1/batch", segment.url());
    let body = json!({ "batch": [track(&json!({}))], "writeKey": "key" }).to_string();
    let counts: Vec<_> = (0..3)
        .map(|_| {
            let answered = post(&url, &[JSON], body.as_bytes()).is_ok();
            (answered, segment.received().len(), segment.duplicates().len())
        })
        .collect();
    assert_eq!(counts, [(false, 0, 0), (false, 1, 0), (true, 1, 1)]);
    let statuses: Vec<_> = segment.requests().iter().map(|r| r.status).collect();
    assert_eq!(statuses, [None, None, Some(200)]);
}

/// The panic of a strict fake, if there is one.
fn complaint(test: impl FnOnce(FakeSegment)) -> Option<String> {
    let segment = FakeSegment::start();
    let caught = catch_unwind(AssertUnwindSafe(|| test(segment))).err()?;
    Some(caught.downcast_ref::<String>().cloned().unwrap_or_default())
}

#[test]
fn strictness() {
    let bad = || track(&json!({ "userId": 7 }));
    let at_the_end = complaint(|segment| {
        send_batch(&segment, &[bad()]);
    });
    assert!(at_the_end.unwrap().contains("id_not_string"));
    let while_waiting = complaint(|segment| {
        send_batch(&segment, &[bad()]);
        segment.wait_for(1, Duration::from_secs(10));
    });
    assert!(while_waiting.unwrap().contains("id_not_string"));
    let changed = complaint(|segment| {
        let id = json!("0123456789abcdef-changed");
        send_batch(&segment, &[track(&json!({ "messageId": id, "event": "A" }))]);
        send_batch(&segment, &[track(&json!({ "messageId": id, "event": "B" }))]);
    });
    assert!(changed.unwrap().contains("other content"));
    let missing = complaint(|segment| {
        send_batch(&segment, &[track(&json!({}))]);
        send(&segment, "/v1/batch", "{");
        segment.wait_for(2, Duration::from_millis(1));
    });
    let missing = missing.unwrap();
    assert!(
        missing.contains("no 2 messages") && missing.contains("1 accepted") && missing.contains("Some(400)"),
        "{missing}"
    );
    let lenient = complaint(|segment| {
        segment.strict(false);
        send_batch(&segment, &[bad()]);
    });
    assert_eq!(lenient, None);
}

#[test]
fn reset_forgets_everything_but_the_settings() {
    let segment = FakeSegment::start();
    segment.strict(false);
    segment.faults([Fault::status(500).for_ever()]);
    send_batch(&segment, &[track(&json!({}))]);
    segment.reset();
    assert_eq!(send_batch(&segment, &[track(&json!({ "userId": 7 })), track(&json!({}))]).status, 200);
    assert_eq!((segment.received().len(), segment.drops().len(), segment.requests().len()), (1, 1, 1));
    assert!(segment.concurrency_max() == 1 && segment.address().port() > 0);
    assert!(get(&segment.url()).unwrap().status == 404);
}
