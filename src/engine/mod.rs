//! The only asynchronous part: listener, journal, workers, delivery, reload. Everything below it is pure.
//!
//! The way of a delivery: `intake` verifies and journals it, the `lane` of its pipeline reads it back, a `worker` runs it through
//! the steps, `deliver` sends what came out. The `keeper` swaps versions.

mod admin;
mod admin_erase;
mod audit;
mod backoff;
mod body;
mod books;
mod control;
mod deliver;
mod drive;
mod erase;
mod erase_now;
mod file_writer;
mod files;
mod grave;
mod holds;
mod host;
mod idle;
mod intake;
mod keeper;
mod lane;
mod ledger;
mod lines;
mod listing;
mod loops;
mod metrics;
mod outside;
mod project;
mod reconcile;
mod resolve;
mod routes;
mod secrets;
mod server;
mod sink_lane;
mod stakes;
mod start;
mod status;
mod stores;
mod tend;
mod transmit;
mod turns;
mod watch;
mod withheld;
mod worker;

pub use admin::{dead_json, dead_json_whole};
pub use audit::list as erasures;
pub use control::Control;
pub use erase::Tally;
pub use erase_now::erase_in;
pub use files::Progress;
pub use keeper::{SharedEnvironment, load_all};
pub use ledger::{Balance, Ledger};
pub use listing::{Lister, Unanswered};
pub use project::read_tree;
pub use reconcile::{Desk, Fate, How, Known, KnownAsked, SettleAsked, Verdict};
pub use start::{Engine, Settings, StartError};
pub use status::{diag_json, text_of};
pub use transmit::Output;

/// Waits for all futures at once. `None` stands in the place of one that panicked.
async fn join_all<T: Send + 'static>(futures: Vec<impl Future<Output = T> + Send + 'static>) -> Vec<Option<T>> {
    let tasks: Vec<_> = futures.into_iter().map(tokio::spawn).collect();
    let mut results = Vec::with_capacity(tasks.len());
    for task in tasks {
        results.push(task.await.ok());
    }
    results
}

/// Resolves when the flag is up, or its owner is gone.
async fn stopped(stop: &mut tokio::sync::watch::Receiver<bool>) {
    let _ = stop.wait_for(|stop| *stop).await;
}
