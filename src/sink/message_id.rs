//! The deterministic id of a message that came without one.

use super::EventId;

/// Longer ids are refused by Segment.
pub(super) const MESSAGE_ID_CHARS_MAX: usize = 100;

impl EventId<'_> {
    /// See [`Origin::message_id`](crate::event::Origin::message_id).
    pub fn message_id(&self) -> String {
        self.origin.message_id(self.identity)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::event::Origin;

    proptest! {
        #[test]
        fn the_same_event_has_the_same_id_and_another_has_another(
            identity in ".{0,300}", index in any::<u32>(), fork in any::<u64>(), delivery in any::<u64>(),
        ) {
            let id = |identity: &str, delivery, index| {
                EventId { identity, origin: Origin { delivery, index, fork } }.message_id()
            };
            let one = id(&identity, delivery, index);
            // Where the journal put the delivery does not matter: the sender's identity of it does.
            prop_assert_eq!(&one, &id(&identity, delivery.wrapping_add(1), index));
            prop_assert!(one.len() <= MESSAGE_ID_CHARS_MAX && one.is_ascii());
            prop_assert_ne!(&one, &id(&identity, delivery, index.wrapping_add(1)));
            prop_assert_ne!(&one, &id(&format!("{identity}x"), delivery, index));
        }
    }
}
