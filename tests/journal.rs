//! Journals of the past: what an older version wrote must open, and what has decayed since must be named.

// Helpers outside of test functions may fail like tests do; a test file has no reader of its documentation.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use std::path::{Path, PathBuf};
use std::sync::mpsc::channel;

use bytes::Bytes;
use cartwire::event::Delivery;
use cartwire::journal::{
    Cursors, DeadFilter, DeadLetter, DeadLetters, DeadOptions, Journal, JournalOptions, ReadError, Reader,
};

const FIXTURE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/journal/v1");

/// What the golden journal holds.
fn deliveries() -> Vec<Delivery> {
    let delivery = |seq: u64, body: &'static [u8]| Delivery {
        seq,
        pipeline: "shopify".into(),
        source: "shopify".into(),
        received_ms: 1_768_472_430_000 + seq as i64,
        method: "POST".into(),
        path: "/".into(),
        query: String::new(),
        peer: "203.0.113.7".to_owned(),
        headers: vec![
            ("x-shopify-topic".to_owned(), "orders/create".to_owned()),
            ("x-shopify-shop-domain".to_owned(), "example-store.myshopify.com".to_owned()),
        ],
        body: Bytes::from_static(body),
    };
    let file = Delivery {
        method: "FILE".into(),
        path: "exports/größe.ndjson".into(),
        headers: vec![],
        ..delivery(3, br#"{"a":1e400,"b":"\ud800"}"#)
    };
    let odd = Delivery {
        method: "PROPFIND".into(),
        query: "a=1&b=%20".to_owned(),
        peer: String::new(),
        received_ms: -1,
        ..delivery(4, &[0, 255, 10, 13])
    };
    vec![
        delivery(1, br#"{"id":820982911946154508,"total_price":"66.79"}"#),
        delivery(2, b""),
        file,
        odd,
        delivery(5, br#"{"id":820982911946154509}"#),
    ]
}

/// What the golden dead letters hold, number 2 being removed.
fn letters() -> Vec<DeadLetter> {
    let letter = |id: u64, delivery: &Delivery| DeadLetter {
        id,
        at_ms: 1_768_472_431_000 + id as i64,
        pipeline: "shopify".into(),
        source: "shopify".into(),
        delivery_seq: delivery.seq,
        run_seq: delivery.seq,
        index: 1,
        fork: 17,
        revision: "0123456789ab".to_owned(),
        part: "segment".to_owned(),
        code: "rejected-400".to_owned(),
        reason: "the server says: bad".to_owned(),
        place: None,
        stack: vec![],
        logs: vec![],
        message: Some(br#"{"type":"track"}"#.to_vec()),
        delivery: delivery.clone(),
    };
    let deliveries = deliveries();
    let place = Some("scripts/shopify/webhook.rhai:12:5".to_owned());
    vec![
        letter(1, &deliveries[0]),
        letter(2, &deliveries[1]),
        DeadLetter { place, message: None, ..letter(3, &deliveries[3]) },
    ]
}

fn options() -> JournalOptions {
    JournalOptions { segment_bytes: 450, ..JournalOptions::default() }
}

/// Writes what the fixture holds.
fn write(dir: &Path) {
    let (journal, _) = Journal::open(&dir.join("log"), options()).unwrap();
    for delivery in deliveries() {
        let (sender, answer) = channel();
        let seq = delivery.seq;
        journal.append(delivery, move |result| sender.send(result).unwrap()).unwrap();
        assert_eq!(answer.recv().unwrap(), Ok(seq));
    }
    let (dead, _) = DeadLetters::open(&dir.join("dead"), DeadOptions::default()).unwrap();
    dead.append_all(&letters()).unwrap();
    assert_eq!(dead.remove(&[2]), Ok(1));
    let cursors = Cursors::open(&dir.join("cursors")).unwrap();
    cursors.set("shopify", "segment", 3).unwrap();
    cursors.set("shopify", "segment", 4).unwrap();
    cursors.sync().unwrap();
}

/// The files below a directory that are not locks, with their paths relative to it.
fn files(dir: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut found = Vec::new();
    let mut folders = vec![dir.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.file_name().unwrap() != "lock" {
                found.push((path.strip_prefix(dir).unwrap().to_owned(), std::fs::read(&path).unwrap()));
            }
        }
    }
    found.sort();
    found
}

/// The fixture in a place where it may be changed.
fn copy() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    for (path, bytes) in files(Path::new(FIXTURE)) {
        let path = dir.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    }
    dir
}

fn read(reader: &mut Reader) -> Vec<Delivery> {
    let batch = reader.next_batch(100, 1 << 20).unwrap();
    batch.iter().map(|delivery| (**delivery).clone()).collect()
}

#[test]
fn the_format_is_still_version_1() {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path());
    let (written, golden) = (files(dir.path()), files(Path::new(FIXTURE)));
    let names = |files: &[(PathBuf, Vec<u8>)]| files.iter().map(|(path, _)| path.clone()).collect::<Vec<_>>();
    assert_eq!(names(&written), names(&golden));
    assert!(
        written == golden,
        "the bytes differ: raise the version, keep this fixture, and add one for the new version"
    );
}

#[test]
fn a_journal_of_version_1_opens_and_goes_on() {
    let dir = copy();
    let (journal, recovery) = Journal::open(&dir.path().join("log"), options()).unwrap();
    assert_eq!((recovery.cut_bytes(), recovery.damaged.len(), recovery.durable), (0, 0, 5));
    assert!(journal.stats().segments > 1);
    assert_eq!(read(&mut journal.reader(0)), deliveries());
    let (sender, answer) = channel();
    journal.append(deliveries().remove(0), move |result| sender.send(result).unwrap()).unwrap();
    assert_eq!(answer.recv().unwrap(), Ok(6));

    let (dead, recovery) = DeadLetters::open(&dir.path().join("dead"), DeadOptions::default()).unwrap();
    assert_eq!((recovery.cut_bytes(), recovery.damaged.len()), (0, 0));
    let page = dead.list(&DeadFilter::default(), 10);
    assert!(page.failed.is_empty());
    assert_eq!(page.letters, [letters()[2].clone(), letters()[0].clone()]);

    let cursors = Cursors::open(&dir.path().join("cursors")).unwrap();
    assert_eq!(cursors.list(), [("shopify".to_owned(), "segment".to_owned(), 4)]);
}

#[test]
fn a_flipped_bit_in_an_older_segment_is_named_and_only_that_delivery_is_lost() {
    let dir = copy();
    let file = dir.path().join("log/00000000000000000001.log");
    let mut bytes = std::fs::read(&file).unwrap();
    bytes[60] ^= 0x20;
    std::fs::write(&file, bytes).unwrap();
    let (journal, recovery) = Journal::open(&dir.path().join("log"), options()).unwrap();
    assert_eq!(recovery.durable, 5);
    let mut reader = journal.reader(0);
    match reader.next_batch(100, 1 << 20) {
        Err(ReadError::Damaged { file: named, offset: 40, first: 1, last: 1, .. }) => assert_eq!(named, file),
        other => panic!("{other:?}"),
    }
    assert_eq!(reader.skip(), Some((1, 1)));
    assert_eq!(read(&mut reader), deliveries()[1..]);
}

#[test]
fn a_segment_that_is_missing_or_shortened_is_reported_with_what_it_held() {
    let dir = copy();
    let log = dir.path().join("log");
    let mut segments: Vec<PathBuf> = files(&log).into_iter().map(|(path, _)| log.join(path)).collect();
    let second = segments.remove(1);
    let first_of = |path: &Path| path.file_stem().unwrap().to_str().unwrap().parse::<u64>().unwrap();
    let (start, next) = (first_of(&second), first_of(&segments[1]));
    std::fs::remove_file(&second).unwrap();
    let (journal, _) = Journal::open(&log, options()).unwrap();
    let mut reader = journal.reader(0);
    assert_eq!(read(&mut reader), deliveries()[..start as usize - 1]);
    assert!(reader.next_batch(100, 1 << 20).is_err());
    assert_eq!(reader.skip(), Some((start, next - 1)));
    assert_eq!(read(&mut reader), deliveries()[next as usize - 1..]);
    drop(journal);

    let dir = copy();
    let log = dir.path().join("log");
    let file = std::fs::OpenOptions::new().write(true).open(log.join("00000000000000000001.log")).unwrap();
    file.set_len(file.metadata().unwrap().len() - 1).unwrap();
    let (journal, _) = Journal::open(&log, options()).unwrap();
    let mut reader = journal.reader(0);
    assert_eq!(read(&mut reader), deliveries()[..start as usize - 2]);
    assert!(matches!(reader.next_batch(100, 1 << 20), Err(ReadError::Damaged { .. })));
    assert_eq!(reader.skip(), Some((start - 1, start - 1)));
    assert_eq!(read(&mut reader), deliveries()[start as usize - 1..]);
}
