//! Ending the claims of events by how their messages ended.

use std::sync::Arc;

use crate::state::{End, Stake, Store, Then};

/// Notes that one message of each of these stakes has ended, and keeps or gives back what follows from it.
///
/// Before the cursor moves, so that a process which ends in between does it again.
pub(super) async fn end(
    store: &Arc<dyn Store>,
    pipeline: &Arc<str>,
    stakes: impl IntoIterator<Item = &Arc<Stake>>,
    end: End,
) {
    let (mut kept, mut released) = (Vec::new(), Vec::new());
    for stake in stakes {
        match stake.ended(end) {
            Then::Nothing => {}
            Then::Keep => kept.push(stake.claim.clone()),
            Then::Release => released.push(stake.claim.clone()),
        }
    }
    if kept.is_empty() && released.is_empty() {
        return;
    }
    let (store, name) = (Arc::clone(store), Arc::clone(pipeline));
    // Each is a transaction of its own, and seldom are there both.
    let work = move || {
        if !kept.is_empty() {
            store.keep(&name, &kept)?;
        }
        if released.is_empty() { Ok(()) } else { store.release(&name, &released) }
    };
    match tokio::task::spawn_blocking(work).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::warn!(%pipeline, %error, "a refused event still counts as seen"),
        Err(error) => tracing::warn!(%pipeline, %error, "a refused event still counts as seen"),
    }
}
