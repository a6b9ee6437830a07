//! Dead letters: kept whole, listed, removed for good, bounded.

use std::path::Path;
use std::time::Duration;

use proptest::prelude::*;

use super::delivery;
use super::sim::Sim;
use crate::event::Delivery;
use crate::journal::dead::letter;
use crate::journal::record::Names;
use crate::journal::segment::file_name;
use crate::journal::{AppendError, DeadFilter, DeadLetter, DeadLetters, DeadOptions, ReadError};

fn dead(pipeline: &str, number: u64) -> DeadLetter {
    DeadLetter {
        at_ms: number as i64,
        pipeline: pipeline.into(),
        source: "shopify".into(),
        delivery_seq: number,
        // Every fourth had waited.
        run_seq: number + 100 * u64::from(number.is_multiple_of(4)),
        index: 3,
        fork: number * 4097,
        revision: "a1b2c3d4e5f6".to_owned(),
        part: "script".to_owned(),
        code: "script-error".to_owned(),
        reason: format!("reason {number}"),
        place: (number.is_multiple_of(2)).then(|| "scripts/a.rhai:3:7".to_owned()),
        stack: (0..number % 3).map(|frame| format!("f{frame} (scripts/a.rhai:{frame}:1)")).collect(),
        logs: (0..number % 2).map(|_| "warn: no currency".to_owned()).collect(),
        message: (number.is_multiple_of(3)).then(|| b"{}".to_vec()),
        delivery: delivery(&format!("body {number}"), number as i64),
        ..DeadLetter::default()
    }
}

fn open(dir: &Path) -> DeadLetters {
    let (store, recovery) = DeadLetters::open(dir, options()).unwrap();
    assert_eq!((recovery.cut_bytes(), recovery.damaged), (0, vec![]));
    store
}

fn options() -> DeadOptions {
    DeadOptions { segment_bytes: 1000, max_bytes: 1 << 30, keep: Duration::from_millis(100) }
}

fn ids(store: &DeadLetters) -> Vec<u64> {
    let page = store.list(&DeadFilter::default(), usize::MAX);
    assert!(page.failed.is_empty(), "{:?}", page.failed);
    page.letters.iter().map(|letter| letter.id).collect()
}

#[test]
fn letters_come_back_whole_and_newest_first() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let mut letters: Vec<DeadLetter> =
        (1..=12).map(|number| dead(["shop", "web"][number as usize % 2], number)).collect();
    assert_eq!(store.append(&letters[0]), Ok(1));
    assert_eq!(store.append_all(&letters[1..]), Ok(2));
    for (id, letter) in (1..).zip(&mut letters) {
        letter.id = id;
    }
    for store in [store, open_after(dir.path())] {
        assert_eq!(store.get(5).unwrap().as_ref(), Some(&letters[4]));
        assert_eq!(store.get(13).unwrap(), None);
        let mut all = store.list(&DeadFilter::default(), 100).letters;
        all.reverse();
        assert_eq!(all, letters);
        let filter = DeadFilter { pipeline: Some("web".to_owned()), before: Some(9) };
        let page = store.list(&filter, 3).letters;
        assert_eq!(page.iter().map(|letter| letter.id).collect::<Vec<_>>(), [7, 5, 3]);
        let counts = store.counts();
        assert_eq!(counts.iter().map(|(name, count)| (&**name, *count)).collect::<Vec<_>>(), [("shop", 6), ("web", 6)]);
        assert_eq!(store.stats().letters, 12);
        drop(store);
    }
}

/// Opens lazily, as the directory is locked until the store before is dropped.
fn open_after(dir: &Path) -> DeadLetters {
    let copy = dir.join("copy");
    std::fs::create_dir(&copy).unwrap();
    for entry in std::fs::read_dir(dir).unwrap() {
        let entry = entry.unwrap();
        if entry.path().extension().is_some_and(|extension| extension == "log") {
            std::fs::copy(entry.path(), copy.join(entry.file_name())).unwrap();
        }
    }
    open(&copy)
}

#[test]
fn removed_letters_stay_removed_and_free_their_segments() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    for number in 1..=9 {
        store.append(&dead("shop", number)).unwrap();
    }
    assert_eq!(store.remove(&[2, 4, 4, 99]), Ok(2));
    assert_eq!(store.remove(&[2]), Ok(0));
    let left = [9, 8, 7, 6, 5, 3, 1];
    assert_eq!(ids(&store), left);
    drop(store);
    let store = open(dir.path());
    assert_eq!(ids(&store), left);
    assert_eq!(store.append(&dead("shop", 12)), Ok(12), "removals take numbers of the same series");
    assert_eq!(store.remove(&[1, 3, 5, 6, 7, 8, 9, 12]), Ok(8));
    assert_eq!(store.sweep(0).unwrap(), 0);
    assert_eq!((store.stats().letters, store.stats().bytes, store.stats().evicted), (0, 40, 0));
    drop(store);
    assert_eq!(open(dir.path()).append(&dead("shop", 1)), Ok(21));
}

#[test]
fn age_and_size_are_bounded_and_what_they_cost_is_counted() {
    let dir = tempfile::tempdir().unwrap();
    let (store, _) = DeadLetters::open(dir.path(), DeadOptions { max_bytes: 4000, ..options() }).unwrap();
    for number in 1..=100 {
        store.append(&dead("shop", number)).unwrap();
        assert!(store.stats().bytes <= 4000 + 1000);
    }
    let kept = ids(&store);
    assert_eq!(kept[0], 100);
    assert_eq!(store.stats().evicted, 100 - kept.len() as u64);
    assert_eq!(store.sweep(201).unwrap(), kept.len() as u64, "all are older than 100 ms");
    assert_eq!((store.stats().letters, store.stats().evicted), (0, 100));
}

#[test]
fn a_torn_end_and_damage_are_reported_and_cost_only_what_they_hit() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    for number in 1..=8 {
        store.append(&dead("shop", number)).unwrap();
    }
    drop(store);
    let mut paths: Vec<_> = std::fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some());
    paths.sort();
    let mut bytes = std::fs::read(&paths[0]).unwrap();
    bytes[90] ^= 4;
    std::fs::write(&paths[0], bytes).unwrap();
    let last = std::fs::read(paths.last().unwrap()).unwrap();
    std::fs::write(paths.last().unwrap(), &last[..last.len() - 5]).unwrap();
    let (store, recovery) = DeadLetters::open(dir.path(), options()).unwrap();
    assert!(recovery.cut_bytes() > 0);
    assert_eq!(recovery.damaged.len(), 1);
    assert_eq!((recovery.damaged[0].file.as_path(), recovery.damaged[0].offset), (paths[0].as_path(), 40));
    assert_eq!(ids(&store), [7, 6, 5, 4, 3, 2]);
    assert!(store.append(&dead("shop", 9)).unwrap() > 8);
}

#[test]
fn a_letter_that_decays_while_running_is_reported_beside_the_others() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    store.append_all(&[dead("shop", 1), dead("shop", 2)]).unwrap();
    let path = dir.path().join(file_name(1));
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[100] ^= 1;
    std::fs::write(&path, bytes).unwrap();
    let page = store.list(&DeadFilter::default(), 10);
    assert_eq!(page.letters.len(), 1);
    assert!(matches!(page.failed[..], [ReadError::Damaged { first: 1, last: 1, offset: 40, .. }]), "{:?}", page.failed);
}

#[test]
fn a_failed_sync_poisons_and_a_full_disk_passes() {
    let dir = tempfile::tempdir().unwrap();
    let sim = Sim::default();
    let (store, _) = DeadLetters::open_on(dir.path(), options(), &sim.storage()).unwrap();
    sim.plan(|plan| plan.room_bytes = Some(20));
    assert!(matches!(store.append(&dead("shop", 1)), Err(AppendError::Full { .. })));
    sim.plan(|plan| plan.room_bytes = None);
    assert_eq!(store.append(&dead("shop", 1)), Ok(1));
    sim.plan(|plan| plan.fail_sync = true);
    assert!(matches!(store.append(&dead("shop", 2)), Err(AppendError::Poisoned(_))));
    sim.plan(|plan| plan.fail_sync = false);
    assert!(matches!(store.remove(&[1]), Err(AppendError::Poisoned(_))));
    assert_eq!(ids(&store), [1]);
}

#[test]
fn long_texts_are_cut_between_characters_and_huge_messages_left_out() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let mut letter = dead("shop", 1);
    letter.reason = format!("x{}", "é".repeat(20_000));
    letter.message = Some(vec![b' '; 17 << 20]);
    store.append(&letter).unwrap();
    let back = store.get(1).unwrap().unwrap();
    assert_eq!(back.reason, letter.reason[..16383]);
    assert_eq!((back.message, back.delivery.body), (None, letter.delivery.body));
}

proptest! {
    #[test]
    fn mutated_letters_never_panic(
        number in 0_u64..9,
        edits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        cut in any::<Option<prop::sample::Index>>(),
    ) {
        let mut content = Vec::new();
        letter::encode(&dead("shop", number), &mut content);
        for (index, byte) in edits {
            let at = index.index(content.len());
            content[at] = byte;
        }
        if let Some(cut) = cut {
            content.truncate(cut.index(content.len()));
        }
        if let Some(letter::Entry::Letter(back)) = letter::decode(1, 0, &content, &mut Names::default()) {
            let mut again = Vec::new();
            letter::encode(&back, &mut again);
            prop_assert_eq!(again, content);
        }
    }
}

/// Whether a text stands anywhere in the files of a directory.
fn stands_in(dir: &Path, text: &str) -> bool {
    std::fs::read_dir(dir).unwrap().any(|entry| {
        let path = entry.unwrap().path();
        path.is_file() && std::fs::read(path).unwrap().windows(text.len()).any(|window| window == text.as_bytes())
    })
}

#[test]
fn an_erased_letter_leaves_no_byte_and_its_neighbours_stay() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    for number in 1..=9 {
        store.append(&dead(["shop", "web"][number as usize % 2], number)).unwrap();
    }
    // One that was removed before still stands in its segment.
    store.remove(&[4]).unwrap();
    let named = |numbers: &'static [u64]| move |letter: &DeadLetter| numbers.contains(&letter.delivery_seq);
    assert!(stands_in(dir.path(), "body 4"));
    assert_eq!(
        store.count("shop", &mut named(&[2, 3, 4])).unwrap(),
        1,
        "another pipeline's, and one that is not listed"
    );
    assert_eq!(store.erase("shop", &mut named(&[2, 3, 4])).unwrap(), 1);
    assert_eq!(store.erase("web", &mut named(&[9])).unwrap(), 1, "the newest stands in the open segment");
    assert_eq!(store.erase("shop", &mut named(&[2, 4])).unwrap(), 0);
    for gone in ["body 2", "body 4", "body 9", "reason 9"] {
        assert!(!stands_in(dir.path(), gone), "{gone}");
    }
    let left = [8, 7, 6, 5, 3, 1];
    assert_eq!(ids(&store), left);
    assert_eq!(store.get(9).unwrap(), None);
    let again = store.append(&dead("shop", 12)).unwrap();
    drop(store);
    let store = open(dir.path());
    assert_eq!(ids(&store)[1..], left);
    assert_eq!(store.get(again).unwrap().unwrap().reason, "reason 12");
    for number in [1, 3, 5, 6, 7, 8] {
        assert_eq!(
            store.get(number).unwrap().unwrap(),
            DeadLetter { id: number, ..dead(["shop", "web"][number as usize % 2], number) }
        );
    }
}

#[test]
fn a_crash_while_erasing_damages_no_letter() {
    let dir = tempfile::tempdir().unwrap();
    let sim = Sim::default();
    let (store, _) = DeadLetters::open_on(dir.path(), options(), &sim.storage()).unwrap();
    for number in 1..=6 {
        store.append(&dead("shop", number)).unwrap();
    }
    for step in 0..3 {
        match step {
            0 => sim.plan(|plan| plan.power_bytes = Some(300)),
            1 => sim.plan(|plan| plan.fail_sync = true),
            _ => {}
        }
        let erased = store.erase("shop", &mut |letter| letter.delivery_seq <= 2);
        assert_eq!(erased.is_ok(), step == 2, "{erased:?}");
        sim.restart();
    }
    assert_eq!(ids(&store), [6, 5, 4, 3]);
    drop(store);
    std::fs::write(dir.path().join("00000000000000000001.new"), "half a copy of body 2").unwrap();
    let (store, recovery) = DeadLetters::open_on(dir.path(), options(), &sim.storage()).unwrap();
    assert_eq!(recovery.damaged, []);
    assert_eq!(ids(&store), [6, 5, 4, 3]);
    assert!(!stands_in(dir.path(), "body 2"));
}

#[test]
fn letters_are_known_by_the_delivery_that_was_run() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let line = DeadLetter {
        run_seq: 0,
        delivery: Delivery { method: "FILE".into(), ..delivery("line", 9) },
        ..dead("shop", 900)
    };
    store.append_all(&[dead("shop", 3), dead("web", 9), dead("shop", 4), dead("shop", 7), line]).unwrap();
    drop(store);
    let store = open(dir.path());
    let known = |after| store.since("shop", after).into_iter().map(|(run, origin, part)| (run, origin.delivery, part));
    let script = || "script".to_owned();
    assert_eq!(known(3).collect::<Vec<_>>(), [(104, 4, script()), (7, 7, script())]);
    assert_eq!(known(7).collect::<Vec<_>>(), [(104, 4, script())]);
    assert_eq!(known(104).count(), 0, "lines of files have numbers of their own");
    store.append(&dead("shop", 300)).unwrap();
    assert_eq!(known(104).collect::<Vec<_>>(), [(400, 300, script())]);
}
