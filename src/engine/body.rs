//! Reading a request's body within its bounds: its own size, the time it may take, and the room of all bodies together.

use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;
use hyper::body::{Body, Incoming};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// A body must be complete within this time: a slow sender may not hold a place for ever.
const TIMEOUT: Duration = Duration::from_secs(30);

/// So much of a body that is too large is read to the end before the answer; beyond it the connection is closed.
const POUR_BYTES_MAX: usize = 64 * 1024 * 1024;

/// Bodies under way take so much memory at most, in KiB.
pub(super) const ROOM_KIB: usize = 256 * 1024;

/// Why a body was not read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unread {
    /// It is larger than the source allows.
    TooLarge,
    /// It did not arrive in time.
    Slow,
    /// It broke off.
    Broken,
    /// Other bodies take all the room there is.
    NoRoom,
}

/// A body, and its part of the room until it is dropped.
pub(super) struct Held {
    pub(super) bytes: Bytes,
    _room: Option<OwnedSemaphorePermit>,
}

/// Reads a body. Room is taken for what arrives, not for what is announced: who announces much and sends nothing must not keep
/// others out.
///
/// `patient`: the client waits for a sign before it sends the body, and reads the answer without one.
pub(super) async fn read(
    mut body: Incoming,
    limit: usize,
    patient: bool,
    room: &Arc<Semaphore>,
) -> Result<Held, Unread> {
    let announced = body.size_hint().lower() > limit as u64;
    if announced && patient {
        return Err(Unread::TooLarge);
    }
    let read = async {
        let read = if announced { Err(Unread::TooLarge) } else { collect(&mut body, limit, room).await };
        if matches!(read, Err(Unread::TooLarge)) {
            pour_away(&mut body).await;
        }
        read
    };
    tokio::time::timeout(TIMEOUT, read).await.unwrap_or(Err(if announced { Unread::TooLarge } else { Unread::Slow }))
}

/// Reads what is left of a body that is refused. Most clients read no answer before they have sent everything: a connection that is
/// closed on them looks like a network failure, after which they would send the same again and again.
async fn pour_away(body: &mut Incoming) {
    let mut bytes = 0;
    while let Some(Ok(frame)) = body.frame().await {
        bytes += frame.data_ref().map_or(0, Bytes::len);
        if bytes > POUR_BYTES_MAX {
            break;
        }
    }
}

async fn collect(body: &mut Incoming, limit: usize, room: &Arc<Semaphore>) -> Result<Held, Unread> {
    let mut held: Option<OwnedSemaphorePermit> = None;
    let mut first = Bytes::new();
    let mut rest = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.map_err(|_| Unread::Broken)?.into_data() else { continue };
        let bytes = first.len() + rest.len() + data.len();
        if bytes > limit {
            return Err(Unread::TooLarge);
        }
        let missing = (bytes / 1024 + 1).saturating_sub(held.as_ref().map_or(0, OwnedSemaphorePermit::num_permits));
        let more = Arc::clone(room).try_acquire_many_owned(missing as u32).map_err(|_| Unread::NoRoom)?;
        match &mut held {
            Some(held) => held.merge(more),
            None => held = Some(more),
        }
        // Most bodies come in one piece, which is kept as it is.
        if first.is_empty() {
            first = data;
        } else {
            rest.extend_from_slice(&data);
        }
    }
    let bytes = if rest.is_empty() { first } else { [first, rest.freeze()].concat().into() };
    Ok(Held { bytes, _room: held })
}
