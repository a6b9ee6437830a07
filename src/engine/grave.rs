//! Keeping dead letters: the store's blocking writes, off the runtime.

use std::io;
use std::sync::Arc;

use bytes::Bytes;

use super::transmit::now_ms;
use crate::event::{Delivery, Origin};
use crate::journal::{DeadLetter, DeadLetters, Journal};
use crate::step::LogLine;

/// The dead letters of all pipelines.
pub(super) struct Graveyard {
    store: Arc<DeadLetters>,
    journal: Arc<Journal>,
}

/// What is to be kept of one dead event.
#[derive(Clone)]
pub(super) struct Burial {
    pub(super) pipeline: Arc<str>,
    pub(super) revision: Arc<str>,
    /// The delivery whose run it died in; 0 if it stands in no journal.
    pub(super) run: u64,
    pub(super) origin: Origin,
    pub(super) part: String,
    pub(super) code: String,
    pub(super) reason: String,
    pub(super) place: Option<String>,
    pub(super) stack: Vec<String>,
    pub(super) logs: Vec<LogLine>,
    pub(super) message: Option<Bytes>,
    /// Taken from the journal when it is not at hand.
    pub(super) delivery: Option<Arc<Delivery>>,
}

impl Graveyard {
    pub(super) fn new(store: Arc<DeadLetters>, journal: Arc<Journal>) -> Self {
        Self { store, journal }
    }

    /// The store, for listing.
    pub(super) fn store(&self) -> &Arc<DeadLetters> {
        &self.store
    }

    /// Keeps dead letters durably. Returns after the fsync.
    pub(super) async fn bury(&self, burials: Vec<Burial>) -> io::Result<()> {
        if burials.is_empty() {
            return Ok(());
        }
        let store = Arc::clone(&self.store);
        let journal = Arc::clone(&self.journal);
        tokio::task::spawn_blocking(move || {
            let at_ms = now_ms();
            let letters: Vec<DeadLetter> = burials.into_iter().map(|burial| letter(burial, &journal, at_ms)).collect();
            store.append_all(&letters).map(|_| ()).map_err(io::Error::other)
        })
        .await
        .map_err(io::Error::other)?
    }

    /// Erases the letters of an event, which its erasure may have missed.
    pub(super) async fn erase(&self, pipeline: &Arc<str>, origin: Origin) {
        let (store, name) = (Arc::clone(&self.store), Arc::clone(pipeline));
        let of = move |letter: &DeadLetter| (letter.delivery_seq, letter.index) == (origin.delivery, origin.index);
        let erased = tokio::task::spawn_blocking(move || store.erase(&name, &mut { of })).await;
        if let Err(error) = erased.map_err(io::Error::other).and_then(|erased| erased) {
            tracing::error!(%pipeline, %error, "a dead letter that came while a person was erased could not be");
        }
    }
}

fn letter(burial: Burial, journal: &Journal, at_ms: i64) -> DeadLetter {
    let delivery = burial.delivery.or_else(|| fetch(journal, burial.origin.delivery));
    DeadLetter {
        id: 0,
        at_ms,
        pipeline: burial.pipeline,
        source: delivery.as_ref().map(|delivery| Arc::clone(&delivery.source)).unwrap_or_default(),
        delivery_seq: burial.origin.delivery,
        run_seq: burial.run,
        index: burial.origin.index,
        fork: burial.origin.fork,
        revision: burial.revision.to_string(),
        part: burial.part,
        code: burial.code,
        reason: burial.reason,
        place: burial.place,
        stack: burial.stack,
        logs: burial.logs.iter().map(|line| format!("{}: {}", line.level, line.text)).collect(),
        message: burial.message.map(|message| message.to_vec()),
        delivery: delivery.map(|delivery| (*delivery).clone()).unwrap_or_default(),
    }
}

fn fetch(journal: &Journal, seq: u64) -> Option<Arc<Delivery>> {
    let mut reader = journal.reader(seq.checked_sub(1)?);
    reader.next_batch(1, usize::MAX).ok()?.into_iter().find(|delivery| delivery.seq == seq)
}
