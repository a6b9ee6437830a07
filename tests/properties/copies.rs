//! Messages that a script copies have ids of their own: Segment keeps one message of an id.

use std::collections::BTreeSet;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::runs::{NOW_MS, delivery, limits, load, messages, scripted, step, tree};

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

/// The ids of the messages that several steps, one after the other, make of events.
fn ids_behind(steps: &[&str], events: &Value) -> Vec<String> {
    let one = |text: &&str| if text.starts_with("  - ") { (*text).to_owned() } else { step(text, "") };
    let steps: String = steps.iter().map(one).collect();
    let pipeline = load(tree(&steps), &limits()).unwrap_or_else(|problems| panic!("{problems}\n{steps}"));
    let outcome = pipeline.run(&delivery(1, events), NOW_MS);
    assert!(outcome.dead.is_empty(), "{:?}", outcome.dead);
    messages(&outcome).iter().map(|message| message["messageId"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_step_that_copies_what_another_has_copied_gives_other_numbers() {
    const COPY: &str = "emit(event);";
    const SPLIT: &str = "  - split: { path: properties.products, keep_parent: true }\n";
    const BATCH: &str = "fn on_batch(events) { emit(events[0]); }";
    let mut one = event("m");
    one["properties"] = json!({ "products": [{ "s": 1 }, { "s": 2 }] });
    for (steps, expected) in [
        (&[COPY, COPY][..], &["m", "m:1.1", "m:1", "m:1:1.1"][..]),
        (&[COPY, "  - filter: event.messageId == \"m\"\n", COPY, COPY], &["m", "m:2.1", "m:1.1", "m:1.1:2.1"]),
        (&[SPLIT, COPY], &["m", "m:1.1", "m:0", "m:0:1.1", "m:1", "m:1:1.1"]),
        (&[SPLIT, SPLIT], &["m", "m:1.0", "m:1.1", "m:0", "m:1"]),
        (&[BATCH, COPY], &["m", "m:1.1", "m:1", "m:1:1.1"]),
        // What is no copy takes no number: a copy has the same id whether a step before has added something or not.
        (&["track(#{ event: \"New\", userId: \"u\", messageId: \"n\" });", COPY], &["m", "m:1", "n", "n:1"]),
        (&["emit(event); event.messageId = \"other\";", COPY], &["other", "other:1", "m", "m:1"]),
    ] {
        assert_eq!(ids_behind(steps, &one), expected, "{steps:?}");
    }
    // A copy leaves with the last event, and is numbered as the one that it is a copy of.
    let two = json!([event("m"), event("n")]);
    assert_eq!(ids_behind(&[BATCH, COPY], &two), ["m", "m:1.1", "n", "n:1", "m:1", "m:1:1"]);
    assert_eq!(ids_behind(&[COPY, BATCH], &two), ["m", "m:1", "n", "n:1", "m:1.1"]);
}

#[test]
fn no_number_of_steps_makes_two_messages_of_one_id() {
    let add = step("track(#{ event: \"X\", userId: \"u\" });", "");
    let add = format!("  - dedupe: \"{{event}}\"\n{}", add.repeat(9));
    let pipeline = load(tree(&add), &limits()).unwrap();
    let outcome = pipeline.run(&delivery(1, &event("m")), NOW_MS);
    let ids: BTreeSet<_> = messages(&outcome).iter().map(|message| message["messageId"].to_string()).collect();
    assert_eq!((messages(&outcome).len(), ids.len(), outcome.ends()), (512, 512, 512));
    // Each of them has the key of the event that all are of.
    assert!(outcome.messages[0].iter().all(|message| message.stakes.len() == 1));
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
