//! How many deliveries a second become durable, by group size, and how many are read back.
//!
//! `cargo bench --bench journal [-- DIRECTORY]`: the directory decides which disk is measured.

use std::error::Error;
use std::path::PathBuf;
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

use bytes::Bytes;
use cartwire::event::Delivery;
use cartwire::journal::{Done, Journal, JournalOptions};

const BODY_BYTES: usize = 1153;
const GROUPS: [usize; 3] = [1, 16, 256];
const ROUND: Duration = Duration::from_secs(2);

fn main() -> Result<(), Box<dyn Error>> {
    // Cargo adds `--bench`, and `cargo test` runs this with nothing: a bench that takes seconds has no place there.
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if !arguments.iter().any(|argument| argument == "--bench") {
        return Ok(());
    }
    let place = arguments
        .iter()
        .find(|argument| !argument.starts_with('-'))
        .map_or_else(|| PathBuf::from("target"), PathBuf::from);
    std::fs::create_dir_all(&place)?;
    println!("{BODY_BYTES} bytes a body, one sync a group, on {}", place.display());
    println!("{:>7} {:>12} {:>12} {:>14}", "group", "appended/s", "ms a group", "read back/s");
    for group in GROUPS {
        let dir = tempfile::tempdir_in(&place)?;
        let (journal, _) = Journal::open(dir.path(), JournalOptions::default())?;
        let start = Instant::now();
        let (mut sent, mut groups) = (0_usize, 0_u32);
        while start.elapsed() < ROUND {
            let (sender, answers) = channel();
            journal.append_batch((0..group).map(|_| {
                let sender = sender.clone();
                // A receiver that is gone means that the round has failed already.
                let done: Done = Box::new(move |result| drop(sender.send(result)));
                (delivery(), done)
            }));
            drop(sender);
            for answer in answers {
                answer?;
                sent += 1;
            }
            groups += 1;
        }
        let seconds = start.elapsed().as_secs_f64();
        let reading = Instant::now();
        let mut reader = journal.reader(0);
        let mut read = 0;
        while read < sent {
            read += reader.next_batch(1024, 1 << 20)?.len();
        }
        let read_seconds = reading.elapsed().as_secs_f64();
        let (per_second, ms) = (sent as f64 / seconds, seconds * 1000.0 / f64::from(groups));
        println!("{group:>7} {per_second:>12.0} {ms:>12.3} {:>14.0}", read as f64 / read_seconds);
    }
    Ok(())
}

fn delivery() -> Delivery {
    let header = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    Delivery {
        pipeline: "shop".into(),
        source: "shopify".into(),
        received_ms: 1_768_472_430_000,
        method: "POST".into(),
        path: "/".into(),
        headers: vec![header("x-shopify-topic", "orders/create"), header("content-type", "application/json")],
        body: Bytes::from_static(&[b'x'; BODY_BYTES]),
        ..Delivery::default()
    }
}
