//! File sources: lines of files through the same workers and sinks, in order, ending when the files end.
//!
//! They do not pass the journal: the file itself is the durable copy, and the same line always gives the same message ids.

mod erase;

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::{mpsc, oneshot, watch};

use super::books::Books;
use super::deliver::{Deliverer, Parcel, SinkState};
use super::drive;
use super::holds::Holds;
use super::lane::{LaneStatus, Shared, due};
use super::lines::{Piece, pieces};
use super::transmit::{Transmitter, now_ms};
use super::worker::Done;
use crate::event::Delivery;
use crate::pipeline::Plan;
use crate::source::FileInput;
use crate::state::{Held, Memory, Store};

/// Lines in one job.
const JOB_LINES: usize = 256;
const JOBS_MAX: usize = 8;

/// How far a run has come, for the progress bar.
#[derive(Debug, Default)]
pub struct Progress {
    /// Bytes of all files; 0 while standard input is read.
    pub total_bytes: AtomicU64,
    /// Bytes read so far.
    pub read_bytes: AtomicU64,
    /// Lines processed so far.
    pub lines: AtomicU64,
    /// Set when everything has been sent.
    pub done: AtomicBool,
}

/// Runs one file source of a pipeline to its end, or until told to stop, and then for the time to drain at most.
pub(super) async fn run(
    pipeline: Arc<LaneStatus>,
    source: Arc<str>,
    input: FileInput,
    shared: Arc<Shared>,
    progress: Arc<Progress>,
    (mut stop, drain): (watch::Receiver<bool>, Duration),
) -> io::Result<()> {
    let paths = find(&shared.dir, &input.paths)?;
    let total = paths.iter().filter_map(|path| path.metadata().ok()).map(|meta| meta.len()).sum();
    progress.total_bytes.store(total, Ordering::Relaxed);
    let (batches, mut incoming) = mpsc::channel::<Vec<Arc<Delivery>>>(4);
    let reader = {
        let name = Arc::clone(&pipeline.plan().name);
        let progress = Arc::clone(&progress);
        let dir = shared.dir.clone();
        let (done, result) = oneshot::channel();
        // A thread that nobody waits for at the end: standard input may stay silent for ever.
        std::thread::Builder::new().name("reader".to_owned()).spawn(move || {
            let _ = done.send(read_all(&paths, &dir, &name, &source, &batches, &progress));
        })?;
        result
    };
    // A run of a file begins anew each time, and so does what it remembers.
    let store: Arc<dyn Store> = Arc::new(Memory::default());
    let mut out = Out::open(&pipeline, &shared, &store);
    let cut = out.cut_after(stop.clone(), drain);
    let mut jobs: VecDeque<FileJob> = VecDeque::new();
    let mut holds = Holds::default();
    let start = |jobs: &mut VecDeque<FileJob>, plan: Arc<Plan>, deliveries: Vec<Arc<Delivery>>| {
        let serial = drive::is_serial(&plan, &deliveries);
        let done = drive::start(&shared.workers, &shared.outside, &store, &plan, deliveries.clone());
        jobs.push_back(FileJob { plan, serial, deliveries, done });
    };
    let mut more = true;
    let mut told = false;
    while more || !jobs.is_empty() || (holds.len() > 0 && !told && !out.halted) {
        let room = jobs.len() < JOBS_MAX
            && !jobs.iter().any(|job| job.serial)
            && (jobs.is_empty() || !pipeline.plan().remembers);
        tokio::select! {
            biased;
            () = super::stopped(&mut stop), if !told => {
                (more, told) = (false, true);
                incoming.close();
            }
            () = due(holds.next_ms()), if jobs.is_empty() && !told => {
                let name = &pipeline.plan().name;
                let ids = holds.take_due(now_ms());
                let wake_ups = ids.iter().map(|id| Arc::new(Held::wake_up(name, id, now_ms()))).collect();
                start(&mut jobs, pipeline.plan(), wake_ups);
            }
            batch = incoming.recv(), if more && room => match batch {
                Some(deliveries) => start(&mut jobs, pipeline.plan(), deliveries),
                None => more = false,
            },
            done = next(&mut jobs), if !jobs.is_empty() => {
                let Some((FileJob { plan, mut deliveries, .. }, mut done)) = done else {
                    return Err(io::Error::other("a worker ended"));
                };
                // Behind a line that erases, the job goes on when that is done; being one after another, there is no other.
                let rest = deliveries.split_off(done.len());
                let lines = done.iter().filter(|done| done.outcome.woken.is_none()).count();
                progress.lines.fetch_add(lines as u64, Ordering::Relaxed);
                let released: Vec<_> = done.iter_mut().flat_map(|done| holds.take(&mut done.outcome)).collect();
                let changes: Vec<_> = done.iter().map(Done::change).collect();
                store.commit(&plan.name, &changes, u64::MAX).map_err(io::Error::other)?;
                store.release(&plan.name, &released).map_err(io::Error::other)?;
                pipeline.ledger.held(holds.len());
                let mut dead = Books::default().enter(&pipeline.ledger, &shared.metrics, &plan, &done);
                // The numbers of lines mean nothing to the journal.
                for burial in &mut dead {
                    burial.run = 0;
                }
                shared.graveyard.bury(dead).await?;
                erase::erase(&pipeline, &shared, &store, &plan, &done, &mut holds).await?;
                out.take(&pipeline, &plan, done).await?;
                if !rest.is_empty() {
                    start(&mut jobs, plan, rest);
                }
                if out.halted {
                    more = false;
                    incoming.close();
                }
            }
        }
    }
    let (unsent, why) = out.close().await?;
    cut.abort();
    let failed = |text: String| Err(io::Error::new(io::ErrorKind::Interrupted, text));
    if unsent > 0 {
        let why = why.unwrap_or_else(|| "told to stop".to_owned());
        return failed(format!("{why}; {unsent} messages were not sent"));
    }
    if told {
        return failed("told to stop before the end of the input".to_owned());
    }
    let read = reader.await.map_err(io::Error::other)?;
    progress.done.store(true, Ordering::SeqCst);
    read
}

/// A job under way.
struct FileJob {
    plan: Arc<Plan>,
    /// It must have ended before the next one begins.
    serial: bool,
    deliveries: Vec<Arc<Delivery>>,
    done: oneshot::Receiver<Vec<Done>>,
}

async fn next(jobs: &mut VecDeque<FileJob>) -> Option<(FileJob, Vec<Done>)> {
    let done = (&mut jobs.front_mut()?.done).await;
    let job = jobs.pop_front()?;
    done.ok().map(|done| (job, done))
}

/// The sinks of a file run: like a lane's, without cursors that outlive it.
struct Out {
    sinks: Vec<OutSink>,
    stop: watch::Sender<bool>,
    /// A sink takes nothing more.
    halted: bool,
}

struct OutSink {
    id: Arc<str>,
    queue: mpsc::Sender<Parcel>,
    state: Arc<SinkState>,
    task: tokio::task::JoinHandle<()>,
}

impl Out {
    fn open(pipeline: &Arc<LaneStatus>, shared: &Arc<Shared>, store: &Arc<dyn Store>) -> Self {
        let plan = pipeline.plan();
        let (stop, stopped) = watch::channel(false);
        let sinks = plan
            .sinks
            .iter()
            .map(|part| {
                let (queue, receiver) = mpsc::channel(8);
                let state = Arc::new(SinkState::at(0));
                let deliverer = Deliverer {
                    pipeline: Arc::clone(&plan.name),
                    part: part.clone(),
                    state: Arc::clone(&state),
                    journaled: false,
                    transmitter: Transmitter::open(part, shared, false),
                    graveyard: Arc::clone(&shared.graveyard),
                    store: Arc::clone(store),
                    ledger: Arc::clone(&pipeline.ledger),
                    metrics: Arc::clone(&shared.metrics),
                    stop: stopped.clone(),
                    nudge: Arc::clone(&pipeline.nudge),
                    // Lines of files have numbers of their own.
                    withheld: Arc::default(),
                };
                OutSink { id: Arc::clone(&part.id), queue, state, task: tokio::spawn(deliverer.run(receiver)) }
            })
            .collect();
        Self { sinks, stop, halted: false }
    }

    /// Ends the sinks some time after the order to stop: one that cannot send must not keep the process for ever.
    fn cut_after(&self, mut stop: watch::Receiver<bool>, drain: Duration) -> tokio::task::JoinHandle<()> {
        let cut = self.stop.clone();
        tokio::spawn(async move {
            super::stopped(&mut stop).await;
            tokio::time::sleep(drain).await;
            let _ = cut.send(true);
        })
    }

    async fn take(&mut self, pipeline: &LaneStatus, plan: &Arc<Plan>, done: Vec<Done>) -> io::Result<()> {
        let mut per_sink: Vec<Vec<_>> = vec![Vec::new(); plan.sinks.len()];
        for Done { outcome, .. } in done {
            for (number, messages) in outcome.messages.into_iter().enumerate() {
                per_sink[number].extend(messages.into_iter().map(|message| (message, Arc::clone(&plan.revision))));
            }
        }
        for (part, messages) in plan.sinks.iter().zip(per_sink) {
            pipeline.ledger.accepted(messages.len());
            match self.sinks.iter().find(|sink| sink.id == part.id) {
                Some(sink) => {
                    sink.state.pending.fetch_add(messages.len() as u64, Ordering::SeqCst);
                    // Waits while the sink is slow: that slows the reading down. What an ended sink does not take stays pending.
                    self.halted |= sink.queue.send(Parcel { messages, mark: 0 }).await.is_err();
                }
                // A sink that came with a later version takes part from the next run on.
                None => messages.iter().for_each(|_| pipeline.ledger.dropped(&part.id, "sink added during the run")),
            }
        }
        Ok(())
    }

    /// Lets the sinks send what they have. Gives the number of messages that were not sent, and a sink's reason.
    async fn close(self) -> io::Result<(u64, Option<String>)> {
        let (mut unsent, mut why) = (0, None);
        for sink in self.sinks {
            drop(sink.queue);
            sink.task.await.map_err(io::Error::other)?;
            unsent += sink.state.pending.load(Ordering::SeqCst);
            let trouble = sink.state.trouble.lock().unwrap_or_else(PoisonError::into_inner).take();
            why = why.or(trouble);
        }
        Ok((unsent, why))
    }
}

fn read_all(
    paths: &[PathBuf],
    dir: &Path,
    pipeline: &Arc<str>,
    source: &Arc<str>,
    batches: &mpsc::Sender<Vec<Arc<Delivery>>>,
    progress: &Progress,
) -> io::Result<()> {
    let received_ms = now_ms();
    for path in paths {
        let shown: Arc<str> = path.strip_prefix(dir).unwrap_or(path).to_string_lossy().into();
        let input: Box<dyn Read> = if path.as_os_str() == "-" {
            Box::new(io::stdin())
        } else {
            let file = File::open(path)
                .map_err(|error| io::Error::new(error.kind(), format!("{}: {error}", path.display())))?;
            Box::new(file)
        };
        let mut batch = Vec::with_capacity(JOB_LINES);
        for piece in pieces(BufReader::with_capacity(256 * 1024, input)) {
            let Piece { text, line, read } = match piece {
                Ok(piece) => piece,
                Err(error) => {
                    // What stands before the error is whole and goes on.
                    let _ = batches.blocking_send(batch);
                    return Err(io::Error::new(error.kind(), format!("{shown}: {error}")));
                }
            };
            progress.read_bytes.fetch_add(read, Ordering::Relaxed);
            if text.is_empty() {
                continue;
            }
            batch.push(Arc::new(delivery(pipeline, source, &shown, line, text, received_ms)));
            if batch.len() == JOB_LINES
                && batches.blocking_send(std::mem::replace(&mut batch, Vec::with_capacity(JOB_LINES))).is_err()
            {
                return Ok(());
            }
        }
        if !batch.is_empty() && batches.blocking_send(batch).is_err() {
            return Ok(());
        }
    }
    Ok(())
}

fn delivery(
    pipeline: &Arc<str>,
    source: &Arc<str>,
    path: &Arc<str>,
    line: u64,
    body: Bytes,
    received_ms: i64,
) -> Delivery {
    Delivery {
        seq: line,
        pipeline: Arc::clone(pipeline),
        source: Arc::clone(source),
        received_ms,
        method: "FILE".into(),
        path: Arc::clone(path),
        query: format!("line={line}"),
        peer: String::new(),
        headers: Vec::new(),
        body,
    }
}

/// The files that paths, folders and globs name, sorted; `-` stays.
fn find(dir: &Path, patterns: &[String]) -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for pattern in patterns {
        if pattern == "-" {
            found.push(PathBuf::from("-"));
            continue;
        }
        let path = dir.join(pattern);
        if path.is_file() {
            found.push(path);
        } else if path.is_dir() {
            let before = found.len();
            walk(&path, &mut |file| {
                let known = file
                    .extension()
                    .is_some_and(|ending| ["ndjson", "jsonl", "json"].iter().any(|known| ending == *known));
                if known {
                    found.push(file);
                }
            })?;
            found[before..].sort();
        } else {
            let before = found.len();
            glob(dir, pattern, &mut found)?;
            if found.len() == before {
                return Err(io::Error::new(io::ErrorKind::NotFound, format!("no file matches `{pattern}`")));
            }
            found[before..].sort();
        }
    }
    Ok(found)
}

fn glob(dir: &Path, pattern: &str, found: &mut Vec<PathBuf>) -> io::Result<()> {
    let matcher = globset::GlobBuilder::new(&dir.join(pattern).to_string_lossy())
        .literal_separator(true)
        .build()
        .map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error.to_string()))?
        .compile_matcher();
    // Walk only below the part without wild cards.
    let fixed: PathBuf =
        Path::new(pattern).iter().take_while(|part| !part.to_string_lossy().contains(['*', '?', '[', '{'])).collect();
    let start = dir.join(fixed);
    if start.is_dir() {
        walk(&start, &mut |file| {
            if matcher.is_match(&file) {
                found.push(file);
            }
        })?;
    }
    Ok(())
}

fn walk(dir: &Path, each: &mut dyn FnMut(PathBuf)) -> io::Result<()> {
    for entry in std::fs::read_dir(dir)? {
        let path = entry?.path();
        if path.is_dir() {
            walk(&path, each)?;
        } else {
            each(path);
        }
    }
    Ok(())
}
