//! Records and frames: what is written is read, and nothing hostile is believed.

use std::io::Write;

use bytes::Bytes;
use proptest::prelude::*;

use super::delivery;
use crate::event::Delivery;
use crate::journal::frame::{FRAME_BYTES, FrameError, Frames, PREFIX_BYTES, Resume, put_frame};
use crate::journal::record::{Names, decode, encode, frame_len};

fn any_delivery() -> impl Strategy<Value = Delivery> {
    let texts = ("[a-z]{0,9}", "\\PC{0,9}", "[A-Z]{0,7}", "\\PC{0,30}", "\\PC{0,30}", "\\PC{0,12}");
    let headers = prop::collection::vec(("[a-z-]{1,20}", "\\PC{0,30}"), 0..5);
    let body = prop::collection::vec(any::<u8>(), 0..300);
    (texts, headers, body, any::<u64>(), any::<i64>()).prop_map(|(texts, headers, body, seq, received_ms)| Delivery {
        seq,
        pipeline: texts.0.into(),
        source: texts.1.into(),
        received_ms,
        method: texts.2.into(),
        path: texts.3.into(),
        query: texts.4,
        peer: texts.5,
        headers,
        body: Bytes::from(body),
    })
}

fn content(delivery: &Delivery) -> Vec<u8> {
    let mut out = Vec::new();
    encode(delivery, &mut out);
    out
}

proptest! {
    #[test]
    fn a_delivery_comes_back_as_it_was(delivery in any_delivery()) {
        let content = content(&delivery);
        prop_assert_eq!(content.len() + FRAME_BYTES + PREFIX_BYTES, frame_len(&delivery));
        let back = decode(delivery.seq, delivery.received_ms, &content, &mut Names::default());
        prop_assert_eq!(back, Some(delivery));
    }

    #[test]
    fn mutated_records_are_refused_or_are_deliveries_of_the_same_bytes(
        delivery in any_delivery(),
        edits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        cut in any::<Option<prop::sample::Index>>(),
    ) {
        let mut content = content(&delivery);
        for (index, byte) in edits {
            let at = index.index(content.len());
            content[at] = byte;
        }
        if let Some(cut) = cut {
            content.truncate(cut.index(content.len()));
        }
        if let Some(back) = decode(1, 0, &content, &mut Names::default()) {
            prop_assert_eq!(self::content(&back), content);
        }
    }

    #[test]
    fn random_bytes_are_no_frames(bytes in prop::collection::vec(any::<u8>(), 0..2000)) {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(&bytes).unwrap();
        let mut frames = Frames::open(file.path(), 0, 1).unwrap();
        let until = bytes.len() as u64;
        prop_assert_eq!(matches!(frames.next(until), Ok(None)), bytes.is_empty());
        prop_assert_eq!(frames.resync(until, u64::MAX).unwrap(), None);
    }
}

#[test]
fn a_count_of_headers_beyond_the_bytes_allocates_nothing() {
    let mut bytes = content(&delivery("x", 1));
    let at = bytes.len() - 5 - (8 + "x-shopify-topic".len() + "orders/create".len()) - 4;
    assert_eq!(bytes[at..at + 4], [1, 0, 0, 0]);
    bytes[at..at + 4].copy_from_slice(&u32::MAX.to_le_bytes());
    assert_eq!(decode(1, 0, &bytes, &mut Names::default()), None);
}

#[test]
fn frames_larger_than_the_buffer_are_read_among_small_ones() {
    let mut bytes = Vec::new();
    let sizes = [1, 700_000, 0, 300_000, 5];
    for (seq, size) in (1..).zip(sizes) {
        put_frame(&mut bytes, seq, -7, |out| out.extend(std::iter::repeat_n(seq as u8, size)));
    }
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(&bytes).unwrap();
    let mut frames = Frames::open(file.path(), 0, 1).unwrap();
    for (seq, size) in (1..).zip(sizes) {
        let frame = frames.next(bytes.len() as u64).unwrap().unwrap();
        assert_eq!((frame.seq, frame.at_ms, frame.content.len()), (seq, -7, size));
        assert!(frame.content.iter().all(|byte| *byte == seq as u8));
    }
    assert!(frames.next(bytes.len() as u64).unwrap().is_none());
}

#[test]
fn resync_finds_the_next_intact_frame_and_only_a_later_one() {
    let mut bytes = Vec::new();
    let mut offsets = Vec::new();
    for seq in 1..=4 {
        offsets.push(bytes.len());
        put_frame(&mut bytes, seq, 0, |out| out.extend_from_slice(b"content"));
    }
    bytes[offsets[1]] ^= 0x40;
    bytes[offsets[2] + FRAME_BYTES + PREFIX_BYTES] ^= 1;
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(&bytes).unwrap();
    let until = bytes.len() as u64;
    let mut frames = Frames::open(file.path(), 0, 1).unwrap();
    assert_eq!(frames.next(until).unwrap().unwrap().seq, 1);
    let bad = frames.next(until);
    assert!(matches!(bad, Err(FrameError::Bad { offset, .. }) if offset == offsets[1] as u64), "{bad:?}");
    let resume = Resume { offset: offsets[3] as u64, seq: 4 };
    assert_eq!(frames.resync(until, 3).unwrap(), None);
    assert_eq!(frames.resync(until, 4).unwrap(), Some(resume));
    assert_eq!(frames.next(until).unwrap().unwrap().seq, 4);
}
