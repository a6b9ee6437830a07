//! Misbehaviour on demand: what the fake does to a request instead of answering 200.

use std::time::Duration;

/// One kind of trouble, and how often and for which requests it happens.
#[derive(Debug, Clone)]
pub struct Fault {
    pub(super) action: Action,
    applies: Applies,
    times: u32,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Action {
    /// Answer this without looking at the messages.
    Refuse { status: u16, retry_after_s: Option<u64>, location: Option<String> },
    /// Take the messages, answer late.
    Slow(Duration),
    /// Take the messages, send the header at once and the body late.
    DelayedBody(Duration),
    /// Take the messages, send half of the answer and then nothing more.
    StalledBody,
    /// Take nothing and close the connection.
    CloseBeforeReply,
    /// Take the messages and close the connection: the client cannot know, and must not lose or double them.
    ProcessThenClose,
}

#[derive(Debug, Clone)]
enum Applies {
    Always,
    Message(String),
    BodyAbove(usize),
}

impl Fault {
    /// Answers this status once.
    pub fn status(status: u16) -> Self {
        Self::once(Action::Refuse { status, retry_after_s: None, location: None })
    }

    /// Answers 429 with `Retry-After` once; requests before that time has passed are warned about.
    pub fn too_many(retry_after_s: u64) -> Self {
        Self::once(Action::Refuse { status: 429, retry_after_s: Some(retry_after_s), location: None })
    }

    /// Answers 302 once.
    pub fn redirect(location: &str) -> Self {
        Self::once(Action::Refuse { status: 302, retry_after_s: None, location: Some(location.to_owned()) })
    }

    /// Takes the messages and answers this much later, once.
    pub fn slow(delay: Duration) -> Self {
        Self::once(Action::Slow(delay))
    }

    /// Takes the messages, answers 200 at once and sends the body this much later, once.
    pub fn delayed_body(delay: Duration) -> Self {
        Self::once(Action::DelayedBody(delay))
    }

    /// Takes the messages and never finishes the answer, once.
    pub fn stalled_body() -> Self {
        Self::once(Action::StalledBody)
    }

    /// Closes the connection without taking anything, once.
    pub fn close_before_reply() -> Self {
        Self::once(Action::CloseBeforeReply)
    }

    /// Takes the messages and closes the connection, once.
    pub fn process_then_close() -> Self {
        Self::once(Action::ProcessThenClose)
    }

    /// Refuses with 400, for ever, every request that holds a message with this `messageId` or `event`.
    pub fn poison(marker: &str) -> Self {
        Self { applies: Applies::Message(marker.to_owned()), ..Self::status(400).for_ever() }
    }

    /// Refuses with 413, for ever, every body above this many bytes (after decoding).
    pub fn body_above(bytes: usize) -> Self {
        Self { applies: Applies::BodyAbove(bytes), ..Self::status(413).for_ever() }
    }

    /// The same, that many times.
    #[must_use]
    pub fn times(self, times: u32) -> Self {
        Self { times, ..self }
    }

    /// The same, until `reset` or other faults are set.
    #[must_use]
    pub fn for_ever(self) -> Self {
        self.times(u32::MAX)
    }

    fn once(action: Action) -> Self {
        Self { action, applies: Applies::Always, times: 1 }
    }
}

/// The first fault that applies to a request; it is used up by that.
pub(super) fn next(faults: &mut [Fault], body_bytes: usize, has_message: impl Fn(&str) -> bool) -> Option<Action> {
    let fault = faults.iter_mut().find(|fault| {
        fault.times > 0
            && match &fault.applies {
                Applies::Always => true,
                Applies::Message(marker) => has_message(marker),
                Applies::BodyAbove(bytes) => body_bytes > *bytes,
            }
    })?;
    fault.times = fault.times.saturating_sub(u32::from(fault.times != u32::MAX));
    Some(fault.action.clone())
}
