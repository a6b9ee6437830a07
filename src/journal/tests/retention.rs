//! Retention: consumed segments go by age, by size or in need; unconsumed ones never.

use std::time::Duration;

use proptest::prelude::*;

use super::sim::Sim;
use super::{fill, open, read_all, seqs, small};
use crate::journal::{Journal, JournalOptions, ReadError};

fn options(keep_ms: u64, keep_bytes: u64, max_bytes: u64) -> JournalOptions {
    JournalOptions { keep: Duration::from_millis(keep_ms), keep_bytes, max_bytes, ..small() }
}

#[test]
fn nothing_goes_before_the_floor_is_set_or_above_it() {
    let dir = tempfile::tempdir().unwrap();
    let (journal, _) = Journal::open(dir.path(), options(0, 0, 1 << 30)).unwrap();
    fill(&journal, (1..=30).map(|number| number.to_string()));
    assert_eq!(journal.sweep(i64::MAX).unwrap().segments, 0);
    let mut late = journal.reader(0);
    let mut reading = journal.reader(0);
    assert_eq!(reading.next_batch(3, 9999).unwrap().len(), 3);
    journal.set_floor(17);
    let swept = journal.sweep(i64::MAX).unwrap();
    assert!(swept.segments > 1 && swept.last <= 17 && journal.oldest() == swept.last + 1, "{swept:?}");
    assert_eq!(seqs(&read_all(&mut journal.reader(17)).0), (18..=30).collect::<Vec<_>>());
    let gone = late.next_batch(99, 9999).unwrap_err();
    assert!(matches!(gone, ReadError::Removed { first: 1, last } if last == swept.last), "{gone}");
    assert_eq!(late.skip(), Some((1, swept.last)));
    assert_eq!(late.next_batch(1, 9999).unwrap()[0].seq, swept.last + 1);
    let (read, lost) = read_all(&mut reading);
    let read = seqs(&read);
    assert_eq!(lost, [(4, swept.last)]);
    assert_eq!(read, (swept.last + 1..=30).collect::<Vec<_>>());
}

#[test]
fn age_counts_for_sealed_segments_and_for_the_open_one() {
    let dir = tempfile::tempdir().unwrap();
    let (journal, _) = Journal::open(dir.path(), options(1000, u64::MAX, u64::MAX)).unwrap();
    fill(&journal, (1..=10).map(|number| number.to_string()));
    journal.set_floor(10);
    assert_eq!(journal.sweep(1001).unwrap().segments, 0, "the oldest segment's last delivery is not old");
    let sealed = journal.stats().segments - 1;
    assert_eq!(journal.sweep(1011).unwrap().segments, sealed);
    // The open segment is rotated for it, and goes with the next sweep.
    while journal.stats().segments < 2 {
        std::thread::yield_now();
    }
    assert_eq!(journal.sweep(1011).unwrap().last, 10);
    assert_eq!((journal.oldest(), journal.stats().segments, journal.stats().bytes), (11, 1, 40));
    drop(journal);
    let journal = open(dir.path());
    assert_eq!((journal.durable(), journal.oldest()), (10, 11));
    assert_eq!(fill(&journal, ["11".to_owned()]), [11], "the numbers outlive all files");
}

#[test]
fn consumed_deliveries_make_room_when_the_journal_is_full() {
    let dir = tempfile::tempdir().unwrap();
    let (journal, _) = Journal::open(dir.path(), options(1 << 40, u64::MAX, 3000)).unwrap();
    while journal.append(super::delivery("x", 1), |_| ()).is_ok() {
        while journal.stats().queued > 0 {
            std::thread::yield_now();
        }
    }
    journal.set_floor(journal.durable());
    assert!(journal.sweep(2).unwrap().segments >= 1);
    assert!(journal.append(super::delivery("x", 1), |_| ()).is_ok());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn a_reader_at_the_floor_never_misses_anything(
        steps in prop::collection::vec((1_usize..6, 0_u64..20, 0_i64..60), 1..20),
        keep in 0_u64..30,
        keep_bytes in 0_u64..2000,
    ) {
        let dir = tempfile::tempdir().unwrap();
        let opened = Journal::open_on(dir.path(), options(keep, keep_bytes, 1 << 30), Sim::default().storage());
        let (journal, _) = opened.unwrap();
        let mut reader = journal.reader(0);
        let mut expected = 1;
        for (count, consume, now_ms) in steps {
            fill(&journal, (0..count).map(|_| "body".repeat(10)));
            for one in reader.next_batch(consume as usize, usize::MAX).unwrap() {
                prop_assert_eq!(one.seq, expected);
                expected += 1;
            }
            journal.set_floor(reader.position());
            journal.sweep(now_ms).unwrap();
            prop_assert!(journal.oldest() <= expected);
        }
    }
}
