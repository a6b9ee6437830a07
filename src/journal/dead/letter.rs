//! The dead letter and its record: what failed, where, why, and the whole delivery, so that it survives the journal.

use std::sync::Arc;

use crate::event::Delivery;
use crate::journal::frame::PAYLOAD_BYTES_MAX;
use crate::journal::record::{self, Names};
use crate::journal::wire::{Take, put_bytes, put_optional};

const LETTER: u8 = 1;
const REMOVAL: u8 = 2;
/// A letter with the stack and the logs of a script. One without is written as [`LETTER`], as it was before there were any.
const LETTER_WITH_TRAIL: u8 = 3;
/// As that, of an event that had waited: also says which delivery woke it.
const LETTER_OF_WOKEN: u8 = 5;
/// What is left of a letter that was erased: nothing, in as many bytes.
const ERASED: u8 = 4;
/// Reasons come from scripts and servers: enough to read, not enough to fill a disk.
const TEXT_BYTES_MAX: usize = 16 << 10;
/// Lines of a stack or a log that are kept.
const LINES_MAX: usize = 200;

/// One event, or a whole delivery, that could not be processed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DeadLetter {
    /// Its number, from 1; 0 before it is kept.
    pub id: u64,
    /// When it died, in milliseconds since 1970 UTC.
    pub at_ms: i64,
    /// The pipeline.
    pub pipeline: Arc<str>,
    /// The id of the source.
    pub source: Arc<str>,
    /// The delivery's sequence number.
    pub delivery_seq: u64,
    /// The delivery whose run it died in: that one, or the one that woke an event which had waited. 0 if it stands in no journal.
    pub run_seq: u64,
    /// Position of the event among those that the source decoded from the delivery.
    pub index: u32,
    /// Which branch of which fork it is, 0 if no step multiplied the event.
    pub fork: u64,
    /// The revision of the pipeline that could not process it.
    pub revision: String,
    /// The id of the step or sink.
    pub part: String,
    /// A stable kebab-case name of the reason, as `script-error`.
    pub code: String,
    /// The reason in words; cut if very long.
    pub reason: String,
    /// Where in the user's files, as `scripts/a.rhai:3:7`.
    pub place: Option<String>,
    /// The script functions that were inside each other, innermost first, as `price (scripts/lib/money.rhai:3:7)`.
    pub stack: Vec<String>,
    /// What the script logged in the run that failed, as `warn: no currency`.
    pub logs: Vec<String>,
    /// The encoded message, if there was one already.
    pub message: Option<Vec<u8>>,
    /// The delivery as it came.
    pub delivery: Delivery,
}

/// What a record of the dead letters says.
#[derive(Debug)]
pub enum Entry {
    /// A letter.
    Letter(Box<DeadLetter>),
    /// The letter with this number is no more.
    Removal(u64),
    /// Here was a letter.
    Erased,
}

/// Appends a letter without its number and time, which stand in the frame's prefix.
pub fn encode(letter: &DeadLetter, out: &mut Vec<u8>) {
    let has_trail = !letter.stack.is_empty() || !letter.logs.is_empty();
    let woken = letter.run_seq != unsaid_run(letter);
    out.push(match (woken, has_trail) {
        (true, _) => LETTER_OF_WOKEN,
        (false, true) => LETTER_WITH_TRAIL,
        (false, false) => LETTER,
    });
    put_bytes(out, letter.pipeline.as_bytes());
    put_bytes(out, letter.source.as_bytes());
    out.extend_from_slice(&letter.delivery_seq.to_le_bytes());
    out.extend_from_slice(&letter.index.to_le_bytes());
    out.extend_from_slice(&letter.fork.to_le_bytes());
    put_bytes(out, capped(&letter.revision));
    put_bytes(out, capped(&letter.part));
    put_bytes(out, capped(&letter.code));
    put_bytes(out, capped(&letter.reason));
    put_optional(out, letter.place.as_deref().map(capped));
    // The message can be computed again from the delivery, which cannot.
    let message = letter.message.as_deref().filter(|message| message.len() <= PAYLOAD_BYTES_MAX / 4);
    put_optional(out, message);
    out.extend_from_slice(&letter.delivery.seq.to_le_bytes());
    out.extend_from_slice(&letter.delivery.received_ms.to_le_bytes());
    let mut delivery = Vec::with_capacity(record::frame_len(&letter.delivery));
    record::encode(&letter.delivery, &mut delivery);
    put_bytes(out, &delivery);
    if has_trail || woken {
        put_lines(out, &letter.stack);
        put_lines(out, &letter.logs);
    }
    if woken {
        out.extend_from_slice(&letter.run_seq.to_le_bytes());
    }
}

/// The run of a letter that does not say it: that of its delivery. Lines of files have numbers of their own, which mean nothing
/// to a journal.
fn unsaid_run(letter: &DeadLetter) -> u64 {
    if letter.delivery.method == "FILE" { 0 } else { letter.delivery_seq }
}

fn put_lines(out: &mut Vec<u8>, lines: &[String]) {
    let lines = &lines[..lines.len().min(LINES_MAX)];
    out.extend_from_slice(&(lines.len() as u32).to_le_bytes());
    for line in lines {
        put_bytes(out, capped(line));
    }
}

fn take_lines(take: &mut Take<'_>) -> Option<Vec<String>> {
    // Collecting into an option reserves nothing, so a wrong count costs nothing.
    (0..take.u32()?).map(|_| take.text().map(str::to_owned)).collect()
}

/// Appends the removal of a letter.
pub fn encode_removal(id: u64, out: &mut Vec<u8>) {
    out.push(REMOVAL);
    out.extend_from_slice(&id.to_le_bytes());
}

/// Appends what is left of a letter of so many bytes.
pub fn encode_erased(bytes: usize, out: &mut Vec<u8>) {
    let start = out.len();
    out.push(ERASED);
    out.resize(start + bytes, 0);
}

/// Reads a record back; `None` if the bytes are none.
pub fn decode(id: u64, at_ms: i64, content: &[u8], names: &mut Names) -> Option<Entry> {
    let mut take = Take::new(content);
    let kind = take.u8()?;
    match kind {
        LETTER | LETTER_WITH_TRAIL | LETTER_OF_WOKEN => {}
        REMOVAL => {
            let target = take.u64()?;
            return take.end().map(|()| Entry::Removal(target));
        }
        ERASED => return Some(Entry::Erased),
        _ => return None,
    }
    let mut letter = DeadLetter {
        id,
        at_ms,
        pipeline: names.intern(take.text()?),
        source: names.intern(take.text()?),
        delivery_seq: take.u64()?,
        index: take.u32()?,
        fork: take.u64()?,
        revision: take.text()?.to_owned(),
        part: take.text()?.to_owned(),
        code: take.text()?.to_owned(),
        reason: take.text()?.to_owned(),
        ..DeadLetter::default()
    };
    letter.place = match take.optional()? {
        Some(place) => Some(std::str::from_utf8(place).ok()?.to_owned()),
        None => None,
    };
    letter.message = take.optional()?.map(<[u8]>::to_vec);
    let (seq, received_ms) = (take.u64()?, take.i64()?);
    letter.delivery = record::decode(seq, received_ms, take.bytes()?, names)?;
    if kind != LETTER {
        letter.stack = take_lines(&mut take)?;
        letter.logs = take_lines(&mut take)?;
    }
    letter.run_seq = if kind == LETTER_OF_WOKEN { take.u64()? } else { unsaid_run(&letter) };
    take.end()?;
    Some(Entry::Letter(Box::new(letter)))
}

/// The text, shortened to a whole number of characters.
fn capped(text: &str) -> &[u8] {
    let mut end = text.len().min(TEXT_BYTES_MAX);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text.as_bytes()[..end]
}
