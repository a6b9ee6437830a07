//! One task per sink: takes encoded messages in order, makes batches, sends, retries, splits what is refused, and moves the cursor.

mod batch;

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep_until, timeout_at};

use super::backoff::Backoff;
use super::grave::{Burial, Graveyard};
use super::ledger::Ledger;
use super::metrics::Metrics;
use super::stakes;
use super::stopped;
use super::transmit::{Sent, Transmitter};
use super::withheld::Withheld;
use crate::pipeline::{ERASED, Message, SinkPart};
use crate::sink::Judgement;
use crate::state::{End, Stake, Store};
use batch::{Batch, chunks, cut, full, take};

/// Messages of one or more deliveries, in order.
pub(super) struct Parcel {
    /// May be empty: then only the mark counts.
    pub(super) messages: Vec<(Message, Arc<str>)>,
    /// All deliveries up to this one are complete with this parcel.
    pub(super) mark: u64,
}

/// What a sink's task shares with the rest.
pub(super) struct SinkState {
    /// Every message of every delivery up to here has arrived or is a dead letter.
    pub(super) cursor: AtomicU64,
    /// Messages that were queued and have not come to an end.
    pub(super) pending: AtomicU64,
    /// Why nothing goes out at the moment, if so.
    pub(super) trouble: std::sync::Mutex<Option<String>>,
}

impl SinkState {
    pub(super) fn at(cursor: u64) -> Self {
        Self { cursor: AtomicU64::new(cursor), pending: AtomicU64::new(0), trouble: std::sync::Mutex::default() }
    }

    fn ended(&self, messages: usize) {
        let _ = self
            .pending
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |pending| Some(pending.saturating_sub(messages as u64)));
    }

    /// The task is no longer there; said once.
    pub(super) fn ended_early(&self, sink: &str) {
        let text = "an internal error ended it; what waits is sent after the next start";
        let mut trouble = self.trouble.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if trouble.replace(text.to_owned()).as_deref() != Some(text) {
            tracing::error!(sink, "a sink stopped: {text}");
        }
    }

    fn trouble(&self, text: Option<String>) {
        *self.trouble.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = text;
    }
}

/// Everything the task of a sink needs.
pub(super) struct Deliverer {
    pub(super) pipeline: Arc<str>,
    pub(super) part: SinkPart,
    pub(super) state: Arc<SinkState>,
    /// Whether its deliveries stand in the journal; lines of files do not, and their numbers mean something else there.
    pub(super) journaled: bool,
    pub(super) transmitter: Transmitter,
    pub(super) graveyard: Arc<Graveyard>,
    pub(super) store: Arc<dyn Store>,
    pub(super) ledger: Arc<Ledger>,
    pub(super) metrics: Arc<Metrics>,
    /// `true` ends the task after the request that is under way; what is queued is left to whoever comes next.
    pub(super) stop: watch::Receiver<bool>,
    /// Wakes a halted sink: the user asked to try again.
    pub(super) nudge: Arc<tokio::sync::Notify>,
    /// What must not be sent any more.
    pub(super) withheld: Arc<Withheld>,
}

/// How long a halted sink waits before it tries by itself.
const HALT_PAUSE: Duration = Duration::from_secs(60);

impl Deliverer {
    /// Runs until the queue closes (then everything has been sent) or `stop` says so.
    pub(super) async fn run(mut self, mut queue: mpsc::Receiver<Parcel>) {
        let batching = self.part.sink.batching();
        let mut waiting: VecDeque<(Message, Arc<str>)> = VecDeque::new();
        // Marks of parcels whose messages are still waiting: how many messages stand before each.
        let mut marks: VecDeque<(usize, u64)> = VecDeque::new();
        let mut open = true;
        loop {
            if waiting.is_empty() && marks.is_empty() {
                if !open {
                    break;
                }
                tokio::select! {
                    parcel = queue.recv() => match parcel {
                        Some(parcel) => take(parcel, &mut waiting, &mut marks),
                        None => open = false,
                    },
                    () = stopped(&mut self.stop) => break,
                }
            }
            // Everything that waits goes along; a batch that is not full may linger for more.
            let deadline = Instant::now() + Duration::from_millis(batching.linger_ms);
            while open && !full(&waiting, &batching) {
                match queue.try_recv() {
                    Ok(parcel) => take(parcel, &mut waiting, &mut marks),
                    Err(mpsc::error::TryRecvError::Disconnected) => open = false,
                    Err(mpsc::error::TryRecvError::Empty) => {
                        if waiting.is_empty() || batching.linger_ms == 0 {
                            break;
                        }
                        match timeout_at(deadline, queue.recv()).await {
                            Ok(Some(parcel)) => take(parcel, &mut waiting, &mut marks),
                            Ok(None) => open = false,
                            Err(_) => break,
                        }
                    }
                }
            }
            if *self.stop.borrow() {
                break;
            }
            let batches = cut(&mut waiting, &mut marks, &batching, |message| self.part.sink.batch_key(message));
            if !self.send_all(batches, batching.concurrency).await {
                break;
            }
        }
        self.transmitter.close().await;
    }

    /// Sends batches, several at once where the sink allows it; the cursor moves only over complete ones. `false`: stopped.
    async fn send_all(&mut self, batches: Vec<Batch>, concurrency: usize) -> bool {
        if concurrency <= 1 {
            for batch in batches {
                let mark = batch.mark;
                if !self.send(batch).await {
                    return false;
                }
                self.advance(mark);
            }
            return true;
        }
        for group in chunks(batches, concurrency) {
            let marks: Vec<_> = group.iter().map(|batch| batch.mark).collect();
            let futures: Vec<_> = group.into_iter().map(|batch| self.clone_for_batch().send_owned(batch)).collect();
            let done = super::join_all(futures).await;
            for (mark, done) in marks.into_iter().zip(done) {
                if done != Some(true) {
                    return false;
                }
                self.advance(mark);
            }
        }
        true
    }

    fn clone_for_batch(&self) -> Self {
        Self {
            pipeline: Arc::clone(&self.pipeline),
            part: self.part.clone(),
            state: Arc::clone(&self.state),
            journaled: self.journaled,
            transmitter: self.transmitter.share(),
            graveyard: Arc::clone(&self.graveyard),
            store: Arc::clone(&self.store),
            ledger: Arc::clone(&self.ledger),
            metrics: Arc::clone(&self.metrics),
            stop: self.stop.clone(),
            nudge: Arc::clone(&self.nudge),
            withheld: Arc::clone(&self.withheld),
        }
    }

    async fn send_owned(mut self, batch: Batch) -> bool {
        self.send(batch).await
    }

    fn advance(&self, mark: Option<u64>) {
        if let Some(mark) = mark {
            self.state.cursor.fetch_max(mark, Ordering::SeqCst);
        }
    }

    /// Brings every message of a batch to an end. `false`: stopped before that.
    async fn send(&mut self, batch: Batch) -> bool {
        let mut parts = VecDeque::from([batch.messages]);
        let mut backoff = Backoff::new();
        while let Some(part) = parts.pop_front() {
            let part = self.without_erased(part).await;
            if part.is_empty() {
                continue;
            }
            let bodies: Vec<Bytes> = part.iter().map(|(message, _)| message.bytes.clone()).collect();
            let Sent { judgement, .. } = self.transmitter.transmit(&self.part, &bodies, backoff.retries()).await;
            self.metrics.attempt(&self.pipeline, &self.part.id, &judgement);
            match judgement {
                Judgement::Delivered => {
                    backoff.reset();
                    self.state.trouble(None);
                    self.end(part.iter().flat_map(|(message, _)| &message.stakes), End::Arrived).await;
                    self.ledger.sent(part.len());
                    self.state.ended(part.len());
                    self.metrics.sent(&self.pipeline, &self.part.id, part.len());
                }
                Judgement::Reject { reason } if part.len() > 1 => {
                    // One message is to blame: halves find it without holding back the others.
                    tracing::debug!(pipeline = %self.pipeline, sink = %self.part.id, messages = part.len(), reason, "refused, splitting");
                    let mut first = part;
                    let second = first.split_off(first.len() / 2);
                    parts.push_front(second);
                    parts.push_front(first);
                    backoff.reset();
                }
                Judgement::Reject { reason } => {
                    backoff.reset();
                    let Some(message) = part.into_iter().next() else { continue };
                    if !self.bury(message, reason).await {
                        return false;
                    }
                }
                Judgement::Retry { after_ms, reason } => {
                    let pause = backoff.next(after_ms);
                    self.warn(&reason, pause, "sending failed, will try again");
                    parts.push_front(part);
                    if !self.pause(pause).await {
                        return false;
                    }
                }
                // The run of a file takes up no corrections: it ends, and says what it did not send.
                Judgement::Halt { reason } if !self.journaled => {
                    self.state.trouble(Some(reason));
                    return false;
                }
                Judgement::Halt { reason } => {
                    backoff.next(None);
                    self.warn(&reason, HALT_PAUSE, "sink halted: correct its configuration; nothing is lost");
                    parts.push_front(part);
                    if !self.pause(HALT_PAUSE).await {
                        return false;
                    }
                }
            }
        }
        true
    }

    /// Leaves out messages about persons who were erased while they waited.
    async fn without_erased(&self, part: Vec<(Message, Arc<str>)>) -> Vec<(Message, Arc<str>)> {
        if self.withheld.is_empty() {
            return part;
        }
        let (gone, part): (Vec<_>, Vec<_>) = part.into_iter().partition(|(message, _)| self.withheld.holds(message));
        self.end(gone.iter().flat_map(|(message, _)| &message.stakes), End::Gone).await;
        for _ in &gone {
            self.ledger.dropped(&self.part.id, ERASED);
            self.metrics.dropped(&self.pipeline, &self.part.id);
        }
        self.state.ended(gone.len());
        part
    }

    fn warn(&self, reason: &str, pause: Duration, text: &str) {
        self.state.trouble(Some(reason.to_owned()));
        tracing::warn!(pipeline = %self.pipeline, sink = %self.part.id, reason, retry_in_ms = pause.as_millis() as u64, "{text}");
    }

    /// Keeps a refused message. Tries until it is safe, for the cursor must not pass it before. `false`: stopped.
    async fn bury(&mut self, (message, revision): (Message, Arc<str>), reason: String) -> bool {
        // The person may have been erased while the request was under way.
        let left = self.without_erased(vec![(message, revision)]).await;
        let Some((message, revision)) = left.into_iter().next() else { return true };
        let (own, withheld) = (message.clone(), Arc::clone(&self.withheld));
        let burial = Burial {
            pipeline: Arc::clone(&self.pipeline),
            revision,
            run: if self.journaled { message.origin.delivery } else { 0 },
            origin: message.origin,
            part: self.part.id.to_string(),
            code: "rejected".to_owned(),
            reason,
            place: None,
            stack: Vec::new(),
            logs: Vec::new(),
            message: Some(message.bytes),
            delivery: (!self.journaled).then(Arc::default),
        };
        loop {
            match self.graveyard.bury(vec![burial.clone()]).await {
                Ok(()) => {
                    if withheld.holds(&own) {
                        self.graveyard.erase(&self.pipeline, own.origin).await;
                    }
                    self.end(&message.stakes, End::Refused).await;
                    tracing::warn!(pipeline = %self.pipeline, delivery = burial.origin.delivery, part = %self.part.id,
                        code = burial.code, "dead letter: {}", burial.reason);
                    self.ledger.dead(&self.part.id, "rejected");
                    self.state.ended(1);
                    self.metrics.dead(&self.pipeline, &self.part.id, "rejected", 1);
                    return true;
                }
                Err(error) => {
                    self.warn(
                        &error.to_string(),
                        Duration::from_secs(5),
                        "a dead letter cannot be kept, will try again",
                    );
                    if !self.pause(Duration::from_secs(5)).await {
                        return false;
                    }
                }
            }
        }
    }

    /// Notes that messages have ended: what their events had taken is kept, or given back.
    async fn end(&self, stakes: impl IntoIterator<Item = &Arc<Stake>>, end: End) {
        stakes::end(&self.store, &self.pipeline, stakes, end).await;
    }

    /// Waits, unless stopped (`false`) or nudged.
    async fn pause(&mut self, pause: Duration) -> bool {
        let nudge = Arc::clone(&self.nudge);
        tokio::select! {
            () = sleep_until(Instant::now() + pause) => true,
            () = nudge.notified() => true,
            () = stopped(&mut self.stop) => false,
        }
    }
}
