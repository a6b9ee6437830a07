//! Tests of the journal, by subject, and what they share.

mod append;
mod crash;
mod cursors;
mod damage;
mod dead;
mod records;
mod retention;
mod sim;

use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};

use bytes::Bytes;

use super::{AppendError, Journal, JournalOptions, ReadError, Reader};
use crate::event::Delivery;

/// A delivery whose body is this text.
fn delivery(body: &str, received_ms: i64) -> Delivery {
    Delivery {
        pipeline: "shop".into(),
        source: "shopify".into(),
        received_ms,
        method: "POST".into(),
        path: "/".into(),
        headers: vec![("x-shopify-topic".to_owned(), "orders/create".to_owned())],
        body: Bytes::copy_from_slice(body.as_bytes()),
        ..Delivery::default()
    }
}

/// Options under which everything happens soon.
fn small() -> JournalOptions {
    JournalOptions { segment_bytes: 600, ..JournalOptions::default() }
}

fn open(dir: &Path) -> Arc<Journal> {
    Journal::open(dir, small()).unwrap().0
}

/// Appends, and gives where the answer comes.
fn send(journal: &Journal, delivery: Delivery) -> Receiver<Result<u64, AppendError>> {
    let (sender, receiver) = channel();
    journal.append(delivery, move |result| sender.send(result).unwrap()).unwrap();
    receiver
}

/// Appends one after another, each with its own commit, with its number as its time.
fn fill(journal: &Journal, bodies: impl IntoIterator<Item = String>) -> Vec<u64> {
    let one = |body: String| send(journal, delivery(&body, journal.durable() as i64 + 1)).recv().unwrap().unwrap();
    bodies.into_iter().map(one).collect()
}

/// Sequence numbers and bodies that were read.
type Read = Vec<(u64, String)>;
/// First and last sequence numbers of what was reported as lost.
type Lost = Vec<(u64, u64)>;

/// Reads all that is left, past what is lost.
fn read_all(reader: &mut Reader) -> (Read, Lost) {
    let (mut read, mut lost) = (Read::new(), Lost::new());
    loop {
        match reader.next_batch(7, 400) {
            Ok(batch) if batch.is_empty() => return (read, lost),
            Ok(batch) => {
                read.extend(batch.iter().map(|one| (one.seq, String::from_utf8_lossy(&one.body).into_owned())));
            }
            Err(ReadError::Io { file, error }) => panic!("{}: {error}", file.display()),
            Err(ReadError::Removed { first, last } | ReadError::Damaged { first, last, .. }) => {
                assert!(first <= last);
                assert_eq!(reader.skip(), Some((first, last)));
                lost.push((first, last));
            }
        }
    }
}

fn seqs(read: &[(u64, String)]) -> Vec<u64> {
    read.iter().map(|(seq, _)| *seq).collect()
}
