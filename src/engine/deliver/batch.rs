//! From parcels to batches within a sink's bounds, with the marks at which the cursor may move.

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;

use super::Parcel;
use crate::pipeline::Message;
use crate::sink::Batching;

/// Messages that go out together.
pub(super) struct Batch {
    pub(super) messages: Vec<(Message, Arc<str>)>,
    pub(super) bytes: usize,
    /// Position of the newest parcel that is wholly in this or earlier batches.
    pub(super) mark: Option<u64>,
}

pub(super) fn take(parcel: Parcel, waiting: &mut VecDeque<(Message, Arc<str>)>, marks: &mut VecDeque<(usize, u64)>) {
    waiting.extend(parcel.messages);
    match marks.back_mut() {
        // A mark without messages of its own replaces the one before.
        Some((before, mark)) if *before == waiting.len() => *mark = parcel.mark,
        _ => marks.push_back((waiting.len(), parcel.mark)),
    }
}

pub(super) fn full(waiting: &VecDeque<(Message, Arc<str>)>, batching: &Batching) -> bool {
    waiting.len() >= batching.events_max * batching.concurrency.max(1)
}

/// Cuts everything that waits into batches within the bounds. A message that is larger than a batch goes alone.
pub(super) fn cut(
    waiting: &mut VecDeque<(Message, Arc<str>)>,
    marks: &mut VecDeque<(usize, u64)>,
    batching: &Batching,
    key: impl Fn(&Bytes) -> u64,
) -> Vec<Batch> {
    let mut batches = Vec::new();
    let mut taken = 0;
    let mut last_key = 0;
    let mut batch = Batch { messages: Vec::new(), bytes: 0, mark: None };
    while let Some(message) = waiting.pop_front() {
        // One byte for the comma between messages.
        let size = message.0.bytes.len() + 1;
        let own_key = key(&message.0.bytes);
        let other_key = std::mem::replace(&mut last_key, own_key) != own_key;
        if !batch.messages.is_empty()
            && (other_key || batch.messages.len() >= batching.events_max || batch.bytes + size > batching.bytes_max)
        {
            batches.push(std::mem::replace(&mut batch, Batch { messages: Vec::new(), bytes: 0, mark: None }));
        }
        batch.bytes += size;
        batch.messages.push(message);
        taken += 1;
        while marks.front().is_some_and(|(before, _)| *before <= taken) {
            batch.mark = marks.pop_front().map(|(_, mark)| mark);
        }
    }
    if let Some((_, mark)) = marks.pop_back() {
        batch.mark = Some(mark);
    }
    marks.clear();
    batches.push(batch);
    batches
}

pub(super) fn chunks(batches: Vec<Batch>, size: usize) -> Vec<Vec<Batch>> {
    let mut groups: Vec<Vec<Batch>> = Vec::new();
    for batch in batches {
        match groups.last_mut() {
            Some(group) if group.len() < size => group.push(batch),
            _ => groups.push(vec![batch]),
        }
    }
    groups
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Origin;

    fn message(size: usize) -> (Message, Arc<str>) {
        (Message { origin: Origin::default(), bytes: Bytes::from(vec![b'x'; size]), stakes: Vec::new() }, "r".into())
    }

    fn batching(events_max: usize, bytes_max: usize) -> Batching {
        Batching { events_max, bytes_max, linger_ms: 0, concurrency: 1 }
    }

    #[test]
    fn batches_stay_within_their_bounds_and_marks_follow_their_messages() {
        let mut waiting = VecDeque::new();
        let mut marks = VecDeque::new();
        take(Parcel { messages: vec![message(40), message(40)], mark: 1 }, &mut waiting, &mut marks);
        take(Parcel { messages: vec![], mark: 2 }, &mut waiting, &mut marks);
        take(Parcel { messages: vec![message(40), message(200)], mark: 5 }, &mut waiting, &mut marks);
        let batches = cut(&mut waiting, &mut marks, &batching(10, 100), |_| 0);
        let shape: Vec<_> = batches.iter().map(|batch| (batch.messages.len(), batch.mark)).collect();
        assert_eq!(shape, [(2, Some(2)), (1, None), (1, Some(5))]);
    }

    #[test]
    fn a_mark_without_messages_is_kept() {
        let mut waiting = VecDeque::new();
        let mut marks = VecDeque::new();
        take(Parcel { messages: vec![], mark: 7 }, &mut waiting, &mut marks);
        let batches = cut(&mut waiting, &mut marks, &batching(10, 100), |_| 0);
        assert_eq!(batches.last().unwrap().mark, Some(7));
    }
}
