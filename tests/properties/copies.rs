//! Messages that a script copies have ids of their own: Segment keeps one message of an id.

use std::collections::BTreeSet;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::runs::{NOW_MS, delivery, messages, scripted};

fn event(id: &str) -> Value {
    json!({ "type": "track", "event": "A", "userId": "u", "messageId": id, "timestamp": "2026-01-15T10:20:29Z" })
}

/// The ids of the messages that a script makes of events.
fn ids(script: &str, events: &Value) -> Vec<String> {
    let outcome = scripted(script).run(&delivery(1, events), NOW_MS);
    assert!(outcome.dead.is_empty(), "{:?}", outcome.dead);
    messages(&outcome).iter().map(|message| message["messageId"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn copies_are_numbered_behind_the_event_that_goes_on() {
    let one = event("m");
    for (script, expected) in [
        ("emit(event);", vec!["m", "m:1"]),
        ("emit(event); event.event = \"B\"; emit(event);", vec!["m", "m:1", "m:2"]),
        ("emit(event); event = ();", vec!["m"]),
        ("emit(event); emit(event); event = ();", vec!["m", "m:1"]),
        ("track(map::omit(event, [\"type\"]));", vec!["m", "m:1"]),
        ("emit(event); event.messageId = \"other\";", vec!["other", "m"]),
        ("let copy = event; copy.messageId = \"mine\"; emit(copy);", vec!["m", "mine"]),
        ("fn on_track(event) { [event, event, event] }", vec!["m", "m:1", "m:2"]),
        ("fn on_batch(events) { emit(events[0]); }", vec!["m", "m:1"]),
        ("fn on_batch(events) { [[events[0], events[0]]] }", vec!["m", "m:1"]),
    ] {
        assert_eq!(ids(script, &one), expected, "{script}");
    }
    // A number that a message has already is not given again, and what is longer than Segment takes is left to the sink.
    let derived = |id: &str| id.starts_with("cw-");
    let taken = ids("emit(event + #{ messageId: \"m:2\" }); emit(event);", &one);
    assert!(taken[..2] == ["m", "m:2"] && derived(&taken[2]), "{taken:?}");
    let long = "x".repeat(99);
    let ids_of_long = ids("emit(event);", &event(&long));
    assert!(ids_of_long[0] == long && derived(&ids_of_long[1]), "{ids_of_long:?}");
}

#[test]
fn events_that_came_with_one_id_keep_it() {
    let twice = json!([event("m"), event("m")]);
    assert_eq!(ids("event.event = \"B\";", &twice), ["m", "m"]);
    assert_eq!(ids("fn on_batch(events) { }", &twice), ["m", "m"]);
    assert_eq!(ids("fn on_batch(events) { emit(events[0]); }", &twice), ["m", "m", "m:1"]);
    let two = json!([event("m"), event("n")]);
    assert_eq!(ids("fn on_batch(events) { emit(events[0]); }", &two), ["m", "n", "m:1"]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn no_two_messages_of_an_event_have_one_id(
        statements in proptest::collection::vec(prop_oneof![
            Just("emit(event);"),
            Just("event.event = \"B\";"),
            Just("event.messageId = \"other\";"),
            Just("event.messageId = \"m:1\";"),
            Just("emit(event + #{ messageId: \"m\" });"),
            Just("emit(event + #{ messageId: \"m:2\" });"),
            Just("emit(event + #{ messageId: () });"),
            Just("track(#{ event: \"C\", userId: \"u\" });"),
        ], 0..12),
    ) {
        let script = statements.join("\n");
        let all = ids(&script, &event("m"));
        let different: BTreeSet<_> = all.iter().collect();
        prop_assert_eq!(different.len(), all.len(), "{:?}\n{}", all, script);
        prop_assert_eq!(&all, &ids(&script, &event("m")));
    }
}
