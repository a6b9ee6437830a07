//! From a request to its events.

use std::rc::Rc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use rhai::{Array, Dynamic, Map};

use super::check;
use super::repair::{Envelope, repair};
use super::route::{Call, call};
use crate::event::{Delivery, Event, Origin, Targets};
use crate::json::{self, Mask, Tape};
use crate::source::{Refused, form, kind};

/// More messages in one request than any library sends, and four times what Segment takes.
const MESSAGES_MAX: usize = 10_000;

/// What the envelope adds to all messages together, in bytes: it is copied into each, so that a small request could fill the memory.
const MERGED_BYTES_MAX: usize = 64 * 1024 * 1024;

/// All events of a delivery, bad ones in their places.
pub(super) fn events(delivery: &Delivery, identity: &str, mask: &Mask) -> Vec<Result<Event, Refused>> {
    let of_message = of_message(mask);
    let envelope = Envelope::new(delivery, identity);
    match call(&delivery.path) {
        Some(Call::Pixel(name)) => vec![pixel(delivery, &envelope.of_type(name).by_browser())],
        Some(Call::Message(name)) => {
            vec![
                decoded(delivery.body.clone(), &of_message)
                    .and_then(|(item, tape)| event(item, tape, 0, &envelope.of_type(name))),
            ]
        }
        _ => match decoded(delivery.body.clone(), &of_envelope(of_message)) {
            Ok((root, tape)) => batch(root, &tape, envelope),
            Err(refused) => vec![Err(refused)],
        },
    }
}

fn batch(mut root: Dynamic, tape: &Rc<Tape>, envelope: Envelope<'_>) -> Vec<Result<Event, Refused>> {
    let Some(mut map) = root.write_lock::<Map>() else {
        return vec![Err(Refused { code: "bad_request", reason: "the body is not a JSON object".to_owned() })];
    };
    let items = map.remove("batch").and_then(Dynamic::try_cast::<Array>).unwrap_or_default();
    let envelope = envelope.around(&map);
    if items.len() > MESSAGES_MAX || items.len().saturating_mul(envelope.merged_bytes(tape)) > MERGED_BYTES_MAX {
        let reason = format!("a batch of {} messages with this envelope is too large", items.len());
        return vec![Err(Refused { code: "too-large", reason })];
    }
    items.into_iter().enumerate().map(|(index, item)| event(item, Rc::clone(tape), index, &envelope)).collect()
}

fn pixel(delivery: &Delivery, envelope: &Envelope<'_>) -> Result<Event, Refused> {
    match pixel_data(&delivery.query) {
        Some(data) => decoded(data.into(), &Mask::Whole).and_then(|(item, tape)| event(item, tape, 0, envelope)),
        None => event(Dynamic::from_map(form::nested(&delivery.query)), Rc::default(), 0, envelope),
    }
}

fn event(mut item: Dynamic, tape: Rc<Tape>, index: usize, envelope: &Envelope<'_>) -> Result<Event, Refused> {
    let found = kind(&item);
    // Edited where it stands: taken out of its value, the map would lose the mark by which the writer finds its source text.
    match item.write_lock::<Map>() {
        Some(mut map) => {
            repair(&mut map, &tape, index, envelope)?;
            check::message(&map)?;
        }
        None => return Err(Refused { code: "bad_request", reason: format!("a message is an object, not {found}") }),
    }
    Ok(Event { value: item, tape, origin: Origin::default(), targets: Targets::default() })
}

/// The JSON in a pixel's `data`, if it has one. Both alphabets are taken, padded or not, and a `+` that became a space.
pub(super) fn pixel_data(query: &str) -> Option<Vec<u8>> {
    let data = form::value(query, "data")?;
    let text: String = data
        .chars()
        .map(|c| match c {
            '+' | ' ' => '-',
            '/' => '_',
            c => c,
        })
        .collect();
    // What is no base64 is kept as it is: it is refused as JSON later, with a reason.
    Some(URL_SAFE_NO_PAD.decode(text.trim_end_matches('=')).unwrap_or_else(|_| data.into_bytes()))
}

/// What is needed of a message: beside what the pipeline reads, what [`repair`] merges and [`check`] asks about.
fn of_message(mask: &Mask) -> Mask {
    let mut mask = mask.clone();
    for key in ["context", "integrations"] {
        mask.key(key).take_whole();
    }
    for key in ["properties", "traits"] {
        mask.key(key);
    }
    mask
}

fn of_envelope(of_message: Mask) -> Mask {
    let mut mask = Mask::opened();
    for key in ["context", "integrations"] {
        mask.key(key).take_whole();
    }
    *mask.key("batch").items() = of_message;
    mask
}

fn decoded(text: Bytes, mask: &Mask) -> Result<(Dynamic, Rc<Tape>), Refused> {
    json::decode_masked(text, &json::Limits::default(), mask)
        .map_err(|error| Refused { code: "bad-json", reason: error.to_string() })
}
