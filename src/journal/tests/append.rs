//! Appending: group commit, back-pressure, failing disks.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::channel;

use super::sim::Sim;
use super::{delivery, fill, open, read_all, send, seqs, small};
use crate::journal::{AppendError, Done, Full, Journal, JournalError, JournalOptions};

fn on_sim(dir: &std::path::Path, sim: &Sim, options: JournalOptions) -> Arc<Journal> {
    Journal::open_on(dir, options, sim.storage()).unwrap().0
}

#[test]
fn numbers_go_on_after_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    for life in 0..4_u64 {
        let journal = open(dir.path());
        assert_eq!(journal.durable(), life * 10);
        let expected: Vec<u64> = (life * 10 + 1..=life * 10 + 10).collect();
        assert_eq!(fill(&journal, expected.iter().map(u64::to_string)), expected);
        let (read, lost) = read_all(&mut journal.reader(0));
        assert!(read.iter().all(|(seq, body)| *body == seq.to_string()));
        assert_eq!((seqs(&read), lost), ((1..=life * 10 + 10).collect(), vec![]));
    }
    assert!(std::fs::read_dir(dir.path()).unwrap().count() > 4, "segments were rotated");
}

#[test]
fn a_second_process_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let journal = open(dir.path());
    assert!(matches!(Journal::open(dir.path(), small()), Err(JournalError::Locked(_))));
    drop(journal);
    open(dir.path());
}

#[test]
fn what_waits_during_a_sync_is_committed_at_once() {
    let dir = tempfile::tempdir().unwrap();
    let sim = Sim::default();
    let journal = on_sim(dir.path(), &sim, JournalOptions { batch_deliveries: 64, ..JournalOptions::default() });
    let before = sim.syncs();
    sim.plan(|plan| plan.hold_sync = true);
    let first = send(&journal, delivery("first", 1));
    while sim.syncs() == before {
        std::thread::yield_now();
    }
    let (sender, answers) = channel();
    let waiting = (0..100).map(|number| {
        let sender = sender.clone();
        let done: Done = Box::new(move |result| sender.send(result.unwrap()).unwrap());
        (delivery(&number.to_string(), 1), done)
    });
    journal.append_batch(waiting);
    assert_eq!(journal.durable(), 0, "nothing is durable before the sync is");
    assert!(journal.reader(0).next_batch(10, 1000).unwrap().is_empty());
    sim.plan(|plan| plan.hold_sync = false);
    assert_eq!(first.recv().unwrap(), Ok(1));
    assert_eq!(answers.iter().take(100).collect::<Vec<_>>(), (2..=101).collect::<Vec<_>>());
    assert_eq!(sim.syncs() - before, 3, "one for the first, two for a hundred in batches of 64");
}

#[test]
fn a_full_queue_refuses_at_once_and_recovers() {
    let dir = tempfile::tempdir().unwrap();
    let sim = Sim::default();
    let journal = on_sim(dir.path(), &sim, JournalOptions { queue_deliveries: 4, ..JournalOptions::default() });
    let before = sim.syncs();
    sim.plan(|plan| plan.hold_sync = true);
    let mut answers = vec![send(&journal, delivery("taken", 1))];
    while sim.syncs() == before {
        std::thread::yield_now();
    }
    answers.extend((0..4).map(|_| send(&journal, delivery("waits", 1))));
    let called = Arc::new(AtomicU64::new(0));
    let count = Arc::clone(&called);
    let refused = journal.append(delivery("refused", 1), move |_| {
        count.fetch_add(1, Ordering::Relaxed);
    });
    assert_eq!(refused, Err(AppendError::Full { what: Full::Queue, retry_after_ms: 1000 }));
    assert_eq!((journal.stats().queued, journal.stats().refused), (4, 1));
    sim.plan(|plan| plan.hold_sync = false);
    assert_eq!(answers.iter().map(|answer| answer.recv().unwrap().unwrap()).collect::<Vec<_>>(), [1, 2, 3, 4, 5]);
    assert_eq!(fill(&journal, ["again".to_owned()]), [6]);
    assert_eq!(called.load(Ordering::Relaxed), 0);
}

#[test]
fn the_size_limit_refuses_and_the_batch_says_so_through_its_callbacks() {
    let dir = tempfile::tempdir().unwrap();
    let (journal, _) = Journal::open(dir.path(), JournalOptions { max_bytes: 1000, ..small() }).unwrap();
    let (sender, answers) = channel();
    journal.append_batch((0..30).map(|_| {
        let sender = sender.clone();
        let done: Done = Box::new(move |result| sender.send(result).unwrap());
        (delivery("x", 1), done)
    }));
    let answers: Vec<_> = answers.iter().take(30).collect();
    let refused = Err(AppendError::Full { what: Full::Journal, retry_after_ms: 30_000 });
    let accepted = answers.iter().filter(|answer| answer.is_ok()).count();
    assert!((3..10).contains(&accepted), "{accepted}");
    assert_eq!(answers.iter().filter(|answer| **answer == refused).count(), 30 - accepted);
    assert!(journal.stats().bytes <= 1000 + 40, "{:?}", journal.stats());
}

#[test]
fn a_small_journal_takes_more_once_its_deliveries_are_consumed() {
    let dir = tempfile::tempdir().unwrap();
    let options = JournalOptions { max_bytes: 1 << 20, ..JournalOptions::default() };
    let (journal, _) = Journal::open(dir.path(), options).unwrap();
    let (sender, answers) = channel();
    let append = |journal: &Journal| {
        let sender = sender.clone();
        let queued = journal.append(delivery(&"x".repeat(10_000), 1), move |result| sender.send(result).unwrap());
        queued.and_then(|()| answers.recv().unwrap())
    };
    for _ in 0..5 {
        let last = loop {
            match append(&journal) {
                Ok(seq) => journal.set_floor(seq),
                Err(error) => break error,
            }
        };
        assert_eq!(last, AppendError::full(Full::Journal));
        assert!(journal.is_tight());
        journal.sweep(1).unwrap();
        assert!(!journal.is_tight());
        append(&journal).unwrap();
    }
}

#[test]
fn a_delivery_beyond_every_limit_is_refused_alone() {
    let dir = tempfile::tempdir().unwrap();
    let journal = open(dir.path());
    let huge = delivery(&"x".repeat(40 << 20), 1);
    let refused = journal.append(huge, |_| panic!("not called"));
    assert!(matches!(refused, Err(AppendError::TooLarge { .. })), "{refused:?}");
    assert_eq!(fill(&journal, ["x".repeat(3 << 20)]), [1], "larger than a segment and than a batch");
    assert_eq!(read_all(&mut journal.reader(0)).0[0].1.len(), 3 << 20);
}

#[test]
fn a_failed_sync_poisons_for_good() {
    let dir = tempfile::tempdir().unwrap();
    let sim = Sim::default();
    let journal = on_sim(dir.path(), &sim, small());
    fill(&journal, ["safe".to_owned()]);
    sim.plan(|plan| plan.fail_sync = true);
    let poisoned = AppendError::Poisoned("the sync failed".into());
    assert_eq!(send(&journal, delivery("lost", 1)).recv().unwrap(), Err(poisoned.clone()));
    let syncs = sim.syncs();
    sim.plan(|plan| plan.fail_sync = false);
    assert_eq!(journal.append(delivery("late", 1), |_| panic!("not called")), Err(poisoned));
    assert_eq!(journal.poisoned().as_deref(), Some("the sync failed"));
    assert_eq!(sim.syncs(), syncs, "the same pages are never synced again");
    assert_eq!(seqs(&read_all(&mut journal.reader(0)).0), [1]);
}

#[test]
fn a_full_disk_refuses_and_leaves_no_half_record() {
    let dir = tempfile::tempdir().unwrap();
    let sim = Sim::default();
    let journal = on_sim(dir.path(), &sim, small());
    fill(&journal, ["a".to_owned()]);
    for room in 0..400 {
        sim.plan(|plan| plan.room_bytes = Some(room));
        let answer = send(&journal, delivery(&"b".repeat(300), 1)).recv().unwrap();
        if room == 399 {
            sim.plan(|plan| plan.room_bytes = None);
        }
        assert!(matches!(answer, Err(AppendError::Full { what: Full::Disk, .. }) | Ok(_)), "{answer:?}");
    }
    let next = fill(&journal, ["c".to_owned()])[0];
    let (read, lost) = read_all(&mut journal.reader(0));
    assert_eq!((seqs(&read), lost), ((1..=next).collect(), vec![]));
    drop(journal);
    let (journal, recovery) = Journal::open(dir.path(), small()).unwrap();
    assert_eq!((recovery.cut_bytes(), recovery.durable), (0, next));
    assert_eq!(read_all(&mut journal.reader(0)).0, read);
}

#[test]
fn short_writes_are_completed() {
    let dir = tempfile::tempdir().unwrap();
    let sim = Sim::default();
    sim.plan(|plan| plan.short_write = Some(3));
    let journal = on_sim(dir.path(), &sim, small());
    fill(&journal, (0..20).map(|number| number.to_string()));
    assert_eq!(read_all(&mut journal.reader(0)).0.len(), 20);
}

#[test]
fn a_panicking_callback_does_not_stop_the_writer() {
    let dir = tempfile::tempdir().unwrap();
    let journal = open(dir.path());
    journal.append(delivery("a", 1), |_| panic!("in a callback")).unwrap();
    assert_eq!(fill(&journal, ["b".to_owned()]), [2]);
}

#[test]
fn closing_writes_what_waits_and_takes_nothing_more() {
    let dir = tempfile::tempdir().unwrap();
    let journal = open(dir.path());
    let seen = Arc::new(AtomicU64::new(0));
    let listener = Arc::clone(&seen);
    journal.on_durable(move |seq| listener.store(seq, Ordering::SeqCst));
    let answers: Vec<_> = (0..50).map(|_| send(&journal, delivery("x", 1))).collect();
    journal.close();
    assert_eq!(journal.durable(), 50);
    assert_eq!(seen.load(Ordering::SeqCst), 50);
    assert!(answers.iter().all(|answer| answer.try_recv().unwrap().is_ok()));
    assert_eq!(journal.append(delivery("x", 1), |_| ()), Err(AppendError::Closed));
    assert_eq!(read_all(&mut journal.reader(0)).0.len(), 50);
}

#[test]
fn readers_follow_the_writer_across_segments() {
    let dir = tempfile::tempdir().unwrap();
    let journal = open(dir.path());
    let mut reader = journal.reader(0);
    let following = std::thread::spawn(move || {
        let mut read = Vec::new();
        while read.len() < 2000 {
            read.extend(reader.next_batch(100, 10_000).unwrap().iter().map(|one| one.seq));
        }
        read
    });
    for number in 0..2000 {
        let _answer = send(&journal, delivery(&number.to_string(), 1));
        if number % 100 == 99 {
            while journal.durable() <= number {
                std::thread::yield_now();
            }
        }
    }
    assert_eq!(following.join().unwrap(), (1..=2000).collect::<Vec<_>>());
}
