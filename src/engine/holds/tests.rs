//! What finds room to wait, and what does not.

use super::*;
use crate::event::{Delivery, Origin};
use crate::state::{Entry, Key, Write};

/// What a run leaves that holds events of these names, each of 100 bytes and more.
fn holding(names: &[&str]) -> Outcome {
    let mut outcome = Outcome::new(1);
    for name in names {
        let claim =
            Claim { key: Key { space: "dedupe".into(), name: (*name).into() }, holder: b"1".to_vec(), shared: false };
        let held = Held {
            id: (*name).into(),
            until_ms: 5,
            wake: Vec::new(),
            reason: "later".into(),
            part: "wait".into(),
            mark: None,
            attempt: 1,
            origin: Origin::default(),
            identity: "i".into(),
            event: "{}".into(),
            targets: None,
            claims: vec![claim],
            copies: 0,
            delivery: Delivery::default(),
        };
        let key = Key { space: HELD_SPACE.into(), name: held.id.clone() };
        let entry = Some(Entry { value: held.encode(), expires_ms: i64::MAX });
        let Held { id, origin, part, reason, until_ms, wake, .. } = held;
        let bytes = entry.as_ref().unwrap().value.len();
        outcome.writes.push(Write { key, entry });
        outcome.held.push(HeldEvent { id, origin, part, reason, until_ms, wake, bytes });
    }
    outcome
}

fn woken(name: &str) -> Outcome {
    Outcome { woken: Some((name.into(), std::sync::Arc::default())), ..Outcome::new(1) }
}

/// Takes outcomes in turn; gives the names that were refused.
fn refused(holds: &mut Holds, outcomes: Vec<Outcome>) -> Vec<String> {
    let mut names = Vec::new();
    for mut outcome in outcomes {
        let claims = holds.take(&mut outcome);
        assert_eq!(outcome.writes.len(), outcome.held.len(), "what is refused is not stored");
        assert_eq!(claims.len(), outcome.dead.len());
        assert!(outcome.dead.iter().all(|dead| dead.code == "too-many-held"));
        names.extend(claims.into_iter().map(|claim| claim.key.name));
    }
    names
}

#[test]
fn what_finds_no_room_is_a_dead_letter_and_keeps_no_key() {
    let mut holds = Holds { events_max: 2, ..Holds::default() };
    assert_eq!(refused(&mut holds, vec![holding(&["a"]), holding(&["b", "c"]), holding(&["d"])]), ["c", "d"]);
    assert_eq!(holds.len(), 2);
    // One that goes on makes room, also for itself.
    let again = Outcome { woken: woken("a").woken, ..holding(&["a2"]) };
    assert_eq!(refused(&mut holds, vec![again, holding(&["e"]), woken("b"), holding(&["f", "g"])]), ["e", "g"]);
    assert_eq!(holds.take_due(5), ["a2", "f"]);
}

#[test]
fn bytes_are_bounded_too_and_are_those_of_the_state() {
    let bytes = holding(&["a"]).held[0].bytes;
    let mut holds = Holds { bytes_max: 2 * bytes, ..Holds::default() };
    assert_eq!(refused(&mut holds, vec![holding(&["a", "b", "c"]), woken("a"), holding(&["d", "e"])]), ["c", "e"]);
    let store = crate::state::Memory::default();
    let writes = holding(&["b", "d"]).writes;
    store.commit("p", &[crate::state::Change { seq: 1, now_ms: 0, writes }], 0).unwrap();
    let loaded = Holds::load(&store, "p").unwrap();
    assert_eq!((loaded.len(), loaded.bytes), (holds.len(), holds.bytes));
    assert_eq!(loaded.bytes, 2 * bytes);
}

#[test]
fn of_the_same_time_who_came_first_goes_on_first() {
    let mut holds = Holds::default();
    let mut outcome = holding(&["a/10", "b/9", "c/8"]);
    for (held, delivery) in outcome.held.iter_mut().zip([3, 1, 2]) {
        held.origin.delivery = delivery;
    }
    holds.take(&mut outcome);
    assert_eq!(holds.take_due(5), ["b/9", "c/8", "a/10"]);
}
