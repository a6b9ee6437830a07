//! What a handler's answer means for an event.

use rhai::{Array, Dynamic, Map};

use super::lib::arg;
use super::lib::outcome::Verdict;

/// What becomes of an event that goes on.
#[derive(Debug)]
pub enum Answer {
    /// It goes on as this.
    Event(Dynamic),
    /// These go on in its place.
    Events(Vec<Dynamic>),
}

/// Why an event does not go on.
#[derive(Debug, Clone)]
pub enum Refusal {
    /// It ends here on purpose.
    Drop(String),
    /// It becomes a dead letter.
    Reject {
        /// The kind.
        code: &'static str,
        /// Why.
        reason: String,
    },
    /// It cannot be handled now.
    Retry(String),
    /// The handler gave something that means nothing: the rest of a sentence that begins with the handler's name.
    Meaningless(String),
}

/// Reads what a handler gave for an event. `left` is the event as the handler left it, which goes on if it gave nothing.
pub fn of(given: Dynamic, left: Dynamic) -> Result<Answer, Refusal> {
    let Some(given) = given_otherwise(given)? else {
        return Ok(if left.is_unit() { Answer::Events(Vec::new()) } else { Answer::Event(left) });
    };
    if given.is_array() { events(given).map(Answer::Events) } else { event(given).map(Answer::Event) }
}

/// Reads what a handler gave that adds events and changes none.
pub fn added(given: Dynamic) -> Result<Answer, Refusal> {
    of(given, Dynamic::UNIT).map(|answer| match answer {
        Answer::Event(event) => Answer::Events(vec![event]),
        Answer::Events(events) => Answer::Events(events),
    })
}

/// Reads what `on_batch` gave: an array with an answer for each of `count` events, or nothing, or one verdict on all of them.
/// `left` is the array of events as the handler left it. A refusal of one answer concerns that event only.
pub fn of_batch(given: Dynamic, left: Dynamic, count: usize) -> Result<Vec<Result<Answer, Refusal>>, Refusal> {
    let meaningless = |problem: String| Refusal::Meaningless(problem);
    let mut left = left.flatten().try_cast::<Array>().filter(|left| left.len() == count);
    let given = match given_otherwise(given)? {
        Some(given) if given.is_array() => given.flatten().try_cast::<Array>().unwrap_or_default(),
        Some(given) => return Err(meaningless(format!("gave {} instead of an array", arg::kind(&given)))),
        None => vec![Dynamic::UNIT; count],
    };
    let have = given.len();
    if have < count {
        let problem = format!("answered for {have} of {count} events: there is nothing for the one at position {have}");
        return Err(meaningless(problem));
    }
    if have > count {
        return Err(meaningless(format!("gave {have} answers for {count} events: none stands at position {count}")));
    }
    let one = |(position, given): (usize, Dynamic)| {
        let left = left.as_mut().and_then(|left| left.get_mut(position)).map(std::mem::take);
        let here = |problem| format!("{problem}, for the event at position {position}");
        let (given, left) = match (given_otherwise(given)?, left) {
            (None, None) => {
                return Err(meaningless(here("changed the number of `events` and gave nothing".to_owned())));
            }
            (given, left) => (given.unwrap_or_default(), left.unwrap_or_default()),
        };
        of(given, left).map_err(|refusal| match refusal {
            Refusal::Meaningless(problem) => meaningless(here(problem)),
            other => other,
        })
    };
    Ok(given.into_iter().enumerate().map(one).collect())
}

/// What was given, unless it is nothing or says that the event goes on.
fn given_otherwise(given: Dynamic) -> Result<Option<Dynamic>, Refusal> {
    match given.read_lock::<Verdict>().as_deref() {
        Some(Verdict::Pass) => return Ok(None),
        Some(Verdict::Drop(reason)) => return Err(Refusal::Drop(reason.clone())),
        Some(Verdict::Reject { code, reason }) => return Err(Refusal::Reject { code, reason: reason.clone() }),
        Some(Verdict::Retry(reason)) => return Err(Refusal::Retry(reason.clone())),
        None => {}
    }
    Ok((!given.is_unit()).then_some(given))
}

fn events(given: Dynamic) -> Result<Vec<Dynamic>, Refusal> {
    given.flatten().try_cast::<Array>().unwrap_or_default().into_iter().map(event).collect()
}

fn event(given: Dynamic) -> Result<Dynamic, Refusal> {
    match given.read_lock::<Map>() {
        Some(map) if !map.get("type").is_some_and(Dynamic::is_string) => {
            return Err(Refusal::Meaningless("gave a map without a `type`, which is no event".to_owned()));
        }
        Some(_) => {}
        None => return Err(Refusal::Meaningless(format!("gave {} instead of an event", arg::kind(&given)))),
    }
    Ok(given.flatten())
}
