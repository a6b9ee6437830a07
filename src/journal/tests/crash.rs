//! Crashes: torn writes at every byte, and power losses at random moments of many lives.

use std::collections::BTreeMap;

use proptest::prelude::*;
use proptest::test_runner::{RngAlgorithm, TestRng};

use super::sim::Sim;
use super::{delivery, fill, open, read_all, send, seqs, small};
use crate::journal::segment::{file_name, list};
use crate::journal::{AppendError, Done, Journal, JournalOptions};

#[test]
fn a_record_torn_at_any_byte_is_cut_and_its_number_is_not_given_again() {
    let whole = tempfile::tempdir().unwrap();
    let journal = Journal::open(whole.path(), JournalOptions::default()).unwrap().0;
    fill(&journal, ["one".to_owned(), "two".to_owned()]);
    let safe = journal.stats().bytes;
    fill(&journal, ["three".to_owned()]);
    drop(journal);
    let bytes = std::fs::read(whole.path().join(file_name(1))).unwrap();
    for end in safe as usize..bytes.len() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join(file_name(1)), &bytes[..end]).unwrap();
        let sim = Sim::default();
        let (journal, recovery) = Journal::open_on(dir.path(), JournalOptions::default(), sim.storage()).unwrap();
        assert_eq!((recovery.cut_bytes(), recovery.durable), (end as u64 - safe, 2));
        assert_eq!(std::fs::metadata(dir.path().join(file_name(1))).unwrap().len(), safe);
        let seq = fill(&journal, ["four".to_owned()])[0];
        assert!(seq >= 3);
        let (read, lost) = read_all(&mut journal.reader(0));
        assert_eq!((seqs(&read), lost), (vec![1, 2, seq], vec![]), "cut at {end}");
        drop(journal);
        let (journal, recovery) = Journal::open(dir.path(), small()).unwrap();
        assert_eq!((recovery.cut_bytes(), recovery.damaged.len()), (0, 0), "repaired once");
        assert_eq!(read_all(&mut journal.reader(0)).0, read);
    }
}

#[test]
fn a_segment_torn_while_it_was_created_is_created_again() {
    for bytes in 0..40 {
        let dir = tempfile::tempdir().unwrap();
        let journal = open(dir.path());
        fill(&journal, ["one".to_owned()]);
        drop(journal);
        std::fs::write(dir.path().join(file_name(2)), vec![7; bytes]).unwrap();
        let (journal, recovery) = Journal::open_on(dir.path(), small(), Sim::default().storage()).unwrap();
        assert_eq!(recovery.cut_bytes(), bytes as u64);
        let seq = fill(&journal, ["two".to_owned()])[0];
        let (read, lost) = read_all(&mut journal.reader(0));
        assert_eq!((seqs(&read), lost), (vec![1, seq], vec![]));
    }
}

#[test]
fn what_a_killed_process_left_unsynced_is_made_safe_before_it_is_read() {
    for seed in 0..8 {
        let dir = tempfile::tempdir().unwrap();
        let sim = Sim::default();
        let journal = Journal::open_on(dir.path(), small(), sim.storage()).unwrap().0;
        fill(&journal, ["one".to_owned()]);
        sim.plan(|plan| plan.fail_sync = true);
        assert!(send(&journal, delivery("two", 1)).recv().unwrap().is_err());
        drop(journal);
        sim.restart();
        let journal = Journal::open_on(dir.path(), small(), sim.storage()).unwrap().0;
        let (read, _) = read_all(&mut journal.reader(0));
        drop(journal);
        sim.power_loss(&mut TestRng::from_seed(RngAlgorithm::ChaCha, &[seed; 32]));
        let journal = Journal::open_on(dir.path(), small(), sim.storage()).unwrap().0;
        assert_eq!(read_all(&mut journal.reader(0)), (read, vec![]));
    }
}

#[test]
fn numbers_are_never_given_again_below_a_cursor_or_after_all_files_went() {
    let dir = tempfile::tempdir().unwrap();
    for (after, expected) in [(41, 42), (0, 43), (100, 101), (100, 102)] {
        let (journal, _) = Journal::open(dir.path(), JournalOptions { after_seq: after, ..small() }).unwrap();
        assert_eq!(fill(&journal, ["x".to_owned()]), [expected]);
        let (journal_read, lost) = read_all(&mut journal.reader(expected - 1));
        assert_eq!((seqs(&journal_read), lost), (vec![expected], vec![]));
    }
    // Opened and closed without a word in between.
    for _ in 0..3 {
        drop(Journal::open(dir.path(), JournalOptions { after_seq: 500, ..small() }).unwrap());
    }
    assert_eq!(fill(&open(dir.path()), ["y".to_owned()]), [501]);
    for (first, _) in list(dir.path()).unwrap() {
        if first < 501 {
            std::fs::remove_file(dir.path().join(file_name(first))).unwrap();
        }
    }
    let journal = open(dir.path());
    assert_eq!(fill(&journal, ["z".to_owned()]), [502]);
    let (read, lost) = read_all(&mut journal.reader(7));
    assert_eq!((seqs(&read), lost), (vec![501, 502], vec![(8, 102)]));
}

/// One life of the journal: how many deliveries of which size, in batches, after how many bytes it ends, and whether only
/// the process dies then, so that the system still has what was not synced.
#[derive(Debug, Clone)]
struct Life {
    batches: Vec<Vec<usize>>,
    bytes: u64,
    killed: bool,
}

fn lives() -> impl Strategy<Value = Vec<Life>> {
    let batch = prop::collection::vec(0_usize..400, 1..8);
    let life = (prop::collection::vec(batch, 0..12), 0_u64..9000, any::<bool>());
    prop::collection::vec(life.prop_map(|(batches, bytes, killed)| Life { batches, bytes, killed }), 1..6)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    /// Every acknowledged delivery is there after any number of crashes, in order, once, under its number; what was not
    /// acknowledged is there whole or not at all.
    #[test]
    fn what_was_acknowledged_survives_crashes_and_power_losses(lives in lives(), seed in any::<[u8; 32]>()) {
        let mut rng = TestRng::from_seed(RngAlgorithm::ChaCha, &seed);
        let dir = tempfile::tempdir().unwrap();
        let mut safe = BTreeMap::<u64, String>::new();
        let mut sent = 0;
        let sim = Sim::default();
        for life in lives {
            sim.plan(|plan| plan.power_bytes = Some(life.bytes));
            if let Ok((journal, _)) = Journal::open_on(dir.path(), small(), sim.storage()) {
                check(&journal, &mut safe)?;
                for batch in &life.batches {
                    let (sender, answers) = std::sync::mpsc::channel();
                    journal.append_batch(batch.iter().map(|size| {
                        sent += 1;
                        let body = format!("{sent}:{}", "x".repeat(*size));
                        let (sender, copy) = (sender.clone(), body.clone());
                        let done: Done = Box::new(move |result| sender.send((result, copy)).unwrap());
                        (delivery(&body, sent), done)
                    }));
                    for (result, body) in answers.iter().take(batch.len()) {
                        match result {
                            Ok(seq) => prop_assert_eq!(safe.insert(seq, body), None, "a number was given twice"),
                            Err(error) => prop_assert!(matches!(error, AppendError::Poisoned(_)), "{error}"),
                        }
                    }
                }
            }
            if life.killed {
                sim.restart();
            } else {
                sim.power_loss(&mut rng);
            }
        }
        let (journal, _) = Journal::open_on(dir.path(), small(), sim.storage()).unwrap();
        check(&journal, &mut safe)?;
    }
}

/// Reads everything, and compares it with what must be there. What is there beyond that must stay from now on.
fn check(journal: &Journal, safe: &mut BTreeMap<u64, String>) -> Result<(), TestCaseError> {
    let (read, lost) = read_all(&mut journal.reader(0));
    prop_assert!(read.windows(2).all(|pair| pair[0].0 < pair[1].0), "not in order");
    for (first, last) in lost {
        prop_assert_eq!(safe.range(first..=last).next(), None, "lost, though acknowledged");
    }
    let read: BTreeMap<u64, String> = read.into_iter().collect();
    for (seq, body) in &*safe {
        prop_assert_eq!(read.get(seq), Some(body), "delivery {}", seq);
    }
    let mut numbers: Vec<&str> = read.values().filter_map(|body| body.split(':').next()).collect();
    numbers.sort_unstable();
    numbers.dedup();
    prop_assert_eq!(numbers.len(), read.len(), "a delivery came twice");
    *safe = read;
    Ok(())
}
