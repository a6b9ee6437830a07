//! Damage by decay: any flipped bit is found, costs one delivery at most, and is reported.

use super::sim::Sim;
use super::{fill, open, read_all, seqs, small};
use crate::journal::segment::{HEADER_BYTES, file_name, list};
use crate::journal::{Journal, ReadError};

#[test]
fn a_flipped_bit_anywhere_costs_one_delivery_at_most_and_never_in_silence() {
    let whole = tempfile::tempdir().unwrap();
    let journal = open(whole.path());
    let all = fill(&journal, (1..=9).map(|number| format!("body {number}")));
    drop(journal);
    let files = list(whole.path()).unwrap();
    assert!(files.len() >= 3, "{files:?}");
    for (first, len) in files {
        let clean = std::fs::read(whole.path().join(file_name(first))).unwrap();
        for at in (0..len as usize).filter(|at| at % 3 == 0 || (*at as u64) < HEADER_BYTES) {
            let dir = tempfile::tempdir().unwrap();
            for (other, _) in list(whole.path()).unwrap() {
                std::fs::copy(whole.path().join(file_name(other)), dir.path().join(file_name(other))).unwrap();
            }
            let mut bytes = clean.clone();
            bytes[at] ^= 1 << (at % 8);
            std::fs::write(dir.path().join(file_name(first)), bytes).unwrap();
            let opened = Journal::open_on(dir.path(), small(), Sim::default().storage());
            let (journal, recovery) = opened.unwrap();
            let (read, lost) = read_all(&mut journal.reader(0));
            let read = seqs(&read);
            let missing: Vec<u64> = all.iter().copied().filter(|seq| !read.contains(seq)).collect();
            let place = format!("byte {at} of {first}: missing {missing:?}, lost {lost:?}, {recovery:?}");
            assert!(read.is_sorted() && missing.len() <= 1, "{place}");
            let told = |seq: &u64| lost.iter().any(|(first, last)| (first..=last).contains(&seq));
            assert!(missing.iter().all(|seq| told(seq) || recovery.cut_bytes() > 0), "{place}");
            let anything = !lost.is_empty() || recovery.cut_bytes() > 0 || !recovery.damaged.is_empty();
            assert!(anything, "{place}");
            assert!(fill(&journal, ["more".to_owned()])[0] > 9, "{place}");
        }
    }
}

#[test]
fn damage_is_named_again_and_again_until_it_is_skipped() {
    let dir = tempfile::tempdir().unwrap();
    let journal = open(dir.path());
    fill(&journal, (1..=3).map(|number| number.to_string()));
    drop(journal);
    let path = dir.path().join(file_name(1));
    let mut bytes = std::fs::read(&path).unwrap();
    let record = (bytes.len() - HEADER_BYTES as usize) / 3;
    let offset = HEADER_BYTES as usize + record;
    bytes[offset + 30] ^= 1;
    std::fs::write(&path, bytes).unwrap();
    let (journal, recovery) = Journal::open(dir.path(), small()).unwrap();
    assert_eq!((recovery.damaged[0].offset, recovery.damaged[0].bytes), (offset as u64, record as u64));
    let mut reader = journal.reader(0);
    assert_eq!(reader.skip(), None);
    assert_eq!(reader.next_batch(9, 999).unwrap().len(), 1);
    assert_eq!(reader.skip(), None, "nothing was said yet");
    for _ in 0..2 {
        let error = reader.next_batch(9, 999).unwrap_err();
        let expected = format!(
            "{} is damaged at byte {offset} (the checksum does not match): deliveries 2 to 2 are lost",
            path.display()
        );
        assert_eq!(error.to_string(), expected);
    }
    assert_eq!(reader.skip(), Some((2, 2)));
    assert_eq!(reader.next_batch(9, 999).unwrap()[0].seq, 3);
    assert_eq!(journal.reader(2).next_batch(9, 999).unwrap()[0].seq, 3, "damage below the start does not matter");
}

#[test]
fn damage_while_running_does_not_hide_what_is_written_later() {
    let dir = tempfile::tempdir().unwrap();
    let journal = open(dir.path());
    fill(&journal, (1..=2).map(|number| number.to_string()));
    let path = dir.path().join(file_name(1));
    let mut bytes = std::fs::read(&path).unwrap();
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    // In place, as the journal holds the file.
    std::io::Write::write_all(&mut std::fs::OpenOptions::new().write(true).open(&path).unwrap(), &bytes).unwrap();
    let mut reader = journal.reader(0);
    assert_eq!(reader.next_batch(9, 999).unwrap().len(), 1);
    assert!(matches!(reader.next_batch(9, 999), Err(ReadError::Damaged { first: 2, last: 2, .. })));
    assert_eq!(reader.skip(), Some((2, 2)));
    assert!(reader.next_batch(9, 999).unwrap().is_empty());
    fill(&journal, ["3".to_owned()]);
    assert_eq!(reader.next_batch(9, 999).unwrap()[0].seq, 3);
}

#[test]
fn foreign_files_are_left_alone_and_newer_ones_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    for name in [".DS_Store", "1.log", "00000000000000000001.log.bak", "x0000000000000000001.log"] {
        std::fs::write(dir.path().join(name), "debris").unwrap();
    }
    let journal = open(dir.path());
    assert_eq!(fill(&journal, ["1".to_owned()]), [1]);
    drop(journal);
    let path = dir.path().join(file_name(1));
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[4] = 2;
    let crc = crc32fast::hash(&bytes[..36]).to_le_bytes();
    bytes[36..40].copy_from_slice(&crc);
    std::fs::write(&path, &bytes).unwrap();
    let refused = Journal::open(dir.path(), small()).map(|_| ()).unwrap_err();
    assert!(refused.to_string().ends_with("has format version 2, which a newer cartwire wrote"), "{refused}");
    assert_eq!(std::fs::read(&path).unwrap(), bytes);
}
