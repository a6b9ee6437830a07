//! A delivery's record: everything of it behind the frame's prefix.

use std::borrow::Cow;
use std::sync::Arc;

use bytes::Bytes;

use super::frame::{FRAME_BYTES, PAYLOAD_BYTES_MAX, PREFIX_BYTES};
use super::wire::{Take, put_bytes};
use crate::event::Delivery;

/// Texts that repeat from record to record, so that reading a million deliveries does not allocate their pipeline's name a
/// million times. Bounded: the newest few are kept.
#[derive(Debug, Default)]
pub struct Names {
    recent: Vec<Arc<str>>,
}

impl Names {
    const KEPT: usize = 16;

    /// The shared text that equals this one.
    pub fn intern(&mut self, text: &str) -> Arc<str> {
        if let Some(known) = self.recent.iter().find(|known| ***known == *text) {
            return Arc::clone(known);
        }
        if self.recent.len() == Self::KEPT {
            self.recent.remove(0);
        }
        let name: Arc<str> = Arc::from(text);
        self.recent.push(Arc::clone(&name));
        name
    }
}

/// The largest frame of a delivery. Half of what a frame may have, so that a dead letter can always hold the delivery.
pub const DELIVERY_BYTES_MAX: usize = PAYLOAD_BYTES_MAX / 2;

/// Bytes that the delivery's frame takes in the file.
pub fn frame_len(delivery: &Delivery) -> usize {
    let texts = delivery.pipeline.len()
        + delivery.source.len()
        + delivery.method.len()
        + delivery.path.len()
        + delivery.query.len()
        + delivery.peer.len();
    let headers: usize = delivery.headers.iter().map(|(name, value)| 8 + name.len() + value.len()).sum();
    FRAME_BYTES + PREFIX_BYTES + 8 * 4 + texts + headers + delivery.body.len()
}

/// Appends the delivery without its sequence number and time, which stand in the frame's prefix.
pub fn encode(delivery: &Delivery, out: &mut Vec<u8>) {
    put_bytes(out, delivery.pipeline.as_bytes());
    put_bytes(out, delivery.source.as_bytes());
    put_bytes(out, delivery.method.as_bytes());
    put_bytes(out, delivery.path.as_bytes());
    put_bytes(out, delivery.query.as_bytes());
    put_bytes(out, delivery.peer.as_bytes());
    out.extend_from_slice(&(delivery.headers.len() as u32).to_le_bytes());
    for (name, value) in &delivery.headers {
        put_bytes(out, name.as_bytes());
        put_bytes(out, value.as_bytes());
    }
    put_bytes(out, &delivery.body);
}

/// Reads a delivery back; `None` if the bytes are not one.
pub fn decode(seq: u64, received_ms: i64, content: &[u8], names: &mut Names) -> Option<Delivery> {
    let mut take = Take::new(content);
    let pipeline = names.intern(take.text()?);
    let source = names.intern(take.text()?);
    let method = method(take.text()?);
    let path = names.intern(take.text()?);
    let query = take.text()?.to_owned();
    let peer = take.text()?.to_owned();
    let count = take.u32()? as usize;
    // A header takes eight bytes at least, so a count beyond that is no count.
    if count > take.left() / 8 {
        return None;
    }
    let mut headers = Vec::with_capacity(count);
    for _ in 0..count {
        headers.push((take.text()?.to_owned(), take.text()?.to_owned()));
    }
    let body = Bytes::copy_from_slice(take.bytes()?);
    take.end()?;
    Some(Delivery { seq, pipeline, source, received_ms, method, path, query, peer, headers, body })
}

/// The usual methods without an allocation.
fn method(name: &str) -> Cow<'static, str> {
    const KNOWN: [&str; 7] = ["POST", "GET", "PUT", "PATCH", "DELETE", "HEAD", "FILE"];
    match KNOWN.iter().find(|known| **known == name) {
        Some(known) => Cow::Borrowed(known),
        None => Cow::Owned(name.to_owned()),
    }
}
