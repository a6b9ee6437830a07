//! The engine's housekeeping: takes up changes of files, writes cursors, removes old segments, and ends the lanes.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;

use super::keeper::Keeper;
use super::secrets::{LOOK, SecretFiles};
use super::status::Board;
use super::transmit::now_ms;
use super::watch::Watch;
use crate::journal::{Cursors, Journal};
use crate::pipeline::Plan;
use crate::state::{HELD_SPACE, Store};

/// How often cursors are written, how often they are made to survive a power loss, and how often old segments are removed.
const TIDY: Duration = Duration::from_millis(200);
const SYNC: Duration = Duration::from_secs(1);
const SWEEP: Duration = Duration::from_secs(30);

/// The keeper's task: reloads, tidies, and ends the lanes.
pub(super) async fn tend(
    mut keeper: Keeper,
    watch: Watch,
    mut reloads: mpsc::UnboundedReceiver<()>,
    mut stop: watch::Receiver<bool>,
    drain: Duration,
    cursors: Arc<Cursors>,
) {
    let board = Arc::clone(&keeper.board);
    let journal = Arc::clone(&keeper.shared.journal);
    let mut tidy = tokio::time::interval(TIDY);
    let mut swept = tokio::time::Instant::now();
    let mut looked = swept;
    let mut syncs = Syncs { cursors: Arc::clone(&cursors), begun: swept, running: None };
    let mut secrets = SecretFiles::default();
    // Once at the start: an edit may have come between reading the files and watching them.
    let mut again = Some(tokio::time::Instant::now());
    let mut changes = watch.start();
    loop {
        tokio::select! {
            Some(()) = changes.recv() => again = keeper.reload(false).await.again.map(|after| tokio::time::Instant::now() + after),
            () = async { if let Some(at) = again { tokio::time::sleep_until(at).await } else { std::future::pending().await } } => {
                again = keeper.reload(false).await.again.map(|after| tokio::time::Instant::now() + after);
            }
            Some(()) = reloads.recv() => {
                again = keeper.reload(true).await.again.map(|after| tokio::time::Instant::now() + after);
                keeper.nudge();
            }
            _ = tidy.tick() => {
                save_cursors(&board, &journal, &cursors);
                syncs.begin();
                keeper.tidy();
                if looked.elapsed() >= LOOK {
                    looked = tokio::time::Instant::now();
                    if secrets.changed(keeper.plans(), Arc::clone(&keeper.env)).await {
                        again = keeper.reload(true).await.again.map(|after| tokio::time::Instant::now() + after);
                    }
                }
                if swept.elapsed() >= SWEEP || journal.is_tight() {
                    swept = tokio::time::Instant::now();
                    let journal = Arc::clone(&journal);
                    let dead = Arc::clone(keeper.shared.graveyard.store());
                    tokio::task::spawn_blocking(move || {
                        if let Err(error) = journal.sweep(now_ms()).map(|_| ()).and(dead.sweep(now_ms()).map(|_| ())) {
                            tracing::warn!(%error, "old segments could not be removed");
                        }
                    });
                }
            }
            () = super::stopped(&mut stop) => break,
        }
    }
    keeper.close(drain).await;
    save_cursors(&board, &journal, &cursors);
    let _ = tokio::task::spawn_blocking(move || sync(&cursors)).await;
}

/// Makes cursors survive a power loss now and then: what a pipeline remembers is durable at once, and for how many deliveries it can
/// be taken back depends on how far back a cursor may stand.
struct Syncs {
    cursors: Arc<Cursors>,
    begun: tokio::time::Instant,
    running: Option<JoinHandle<()>>,
}

impl Syncs {
    /// Begins a sync in the background if it is time and none is under way.
    fn begin(&mut self) {
        if self.begun.elapsed() >= SYNC && self.running.as_ref().is_none_or(JoinHandle::is_finished) {
            self.begun = tokio::time::Instant::now();
            let cursors = Arc::clone(&self.cursors);
            self.running = Some(tokio::task::spawn_blocking(move || sync(&cursors)));
        }
    }
}

fn sync(cursors: &Cursors) {
    if let Err(error) = cursors.sync() {
        tracing::warn!(%error, "cursors could not be made safe; after a power loss some messages will be sent again, with the same ids");
    }
}

fn save_cursors(board: &Board, journal: &Journal, cursors: &Cursors) {
    for (pipeline, sink, cursor) in board.cursors() {
        if cursors.get(&pipeline, &sink) == Some(cursor) {
            continue;
        }
        if let Err(error) = cursors.set(&pipeline, &sink, cursor) {
            tracing::warn!(%error, "a cursor could not be written");
            return;
        }
    }
    if let Some(floor) = board.floor() {
        journal.set_floor(floor);
    }
}

/// Deliveries of pipelines that are gone stay in the journal until it is tidied, and their events go on waiting: the user should
/// know.
pub(super) fn warn_of_orphans(cursors: &Cursors, journal: &Journal, state: &dyn Store, plans: &[Arc<Plan>]) {
    let known: BTreeSet<String> = cursors.list().into_iter().map(|(pipeline, ..)| pipeline).collect();
    for pipeline in known.iter().filter(|name| !plans.iter().any(|plan| *plan.name == ***name)) {
        let held = state.list(pipeline, HELD_SPACE).map_or(0, |held| held.len());
        if held > 0 {
            tracing::warn!(
                pipeline,
                held,
                "this pipeline is not loaded; its events that wait go on when it comes back"
            );
        }
    }
    for (pipeline, sink, cursor) in cursors.list() {
        if cursor < journal.durable() && !plans.iter().any(|plan| *plan.name == *pipeline) {
            tracing::warn!(
                pipeline,
                sink,
                "this pipeline is not loaded; what it had accepted is sent when it comes back"
            );
        }
    }
}
