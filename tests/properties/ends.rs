//! Whatever steps do with the events of a delivery: each ends once, whether it waits on the way or not, and Segment gets no two messages
//! of one id, of which it would keep one.

use std::collections::BTreeSet;
use std::sync::Arc;

use cartwire::event::{Delivery, Origin};
use cartwire::pipeline::Outcome;
use cartwire::state::{Held, Memory, Store};
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Value, json};

use super::runs::{NOW_MS, delivery, hold, limits, load, messages, on_worker_stack, run_over, step, told, tree};

/// What scripts do to the events that they make.
const SCRIPTS: &[&str] = &[
    "emit(event);",
    "emit(event); event.event = \"B\"; emit(event);",
    "emit(event); event = ();",
    "track(#{ event: \"X\", userId: \"u\" });",
    "if event.event != \"X\" { track(#{ event: \"X\", userId: \"u\" }); }",
    "event.context = #{ copy: delivery.json()[0].messageId }; emit(event);",
    "if event.event == \"B\" { drop(\"b\"); }",
    "if event.event == \"X\" { throw \"x\"; } emit(event);",
    "fn on_track(event) { [event, event] }",
    "fn on_track(event) { [] }",
    "fn on_batch(events) { emit(events[0]); }",
    "fn on_batch(events) { emit(events[0]); emit(events[events.len() - 1]); events }",
    "fn on_batch(events) { emit(events[0]); emit(events[0]); events.map(|e| outcome::drop(\"all\")) }",
    "fn on_batch(events) {
        emit(events[0]);
        let at = -1;
        events.map(|e| { at += 1; switch at % 4 {
            1 => outcome::drop(\"d\"), 2 => [e, e], 3 => outcome::retry(\"later\"), _ => (),
        } })
    }",
    "let key = event.messageId ?? \"\"; if cache::get(key) == () { cache::set(key, 1, \"1h\"); retry(\"once\", \"3s\"); }",
];

const STEPS: &[&str] = &[
    "  - split: { path: properties.products, keep_parent: true }\n",
    "  - split: { path: properties.products }\n",
    "  - split: { path: properties.products, keep_parent: true, without: drop }\n",
    "  - filter: event.event != \"B\"\n",
    "  - sample: 70%\n",
    "  - throttle: { limit: 2, per: 5s, over: hold }\n",
    "  - dedupe\n",
];

/// A request is taken up as a whole: here before anything can hold back a part of it.
const REQUESTS: &[&str] = &[
    "",
    "",
    "fn on_request(delivery) { for event in delivery.json() { emit(event); } }",
    "fn on_request(delivery) { let all = delivery.json(); all.push(all[0]); all }",
];

fn pipeline() -> impl Strategy<Value = String> {
    let errors = select(vec!["", "    on_error: pass\n", "    on_error: drop\n"]);
    let one = prop_oneof![
        3 => (select(SCRIPTS), errors).prop_map(|(script, beside)| step(script, beside)),
        2 => select(STEPS).prop_map(str::to_owned),
    ];
    (select(REQUESTS), prop::collection::vec(one, 1..5)).prop_map(|(request, steps)| {
        let first = if request.is_empty() { String::new() } else { step(request, "") };
        format!("{first}{}", steps.concat())
    })
}

/// Events of different ids, or without one.
fn batch() -> impl Strategy<Value = Value> {
    let event = (any::<bool>(), 0..3_u8);
    prop::collection::vec(event, 1..4).prop_map(|events| {
        let events = events.iter().enumerate().map(|(at, (has_id, products))| {
            let products: Vec<Value> = (0..*products).map(|sku| json!({ "sku": sku })).collect();
            let mut event = json!({
                "type": "track", "event": "A", "userId": "u", "timestamp": "2026-01-15T10:20:29Z",
                "properties": { "products": products },
            });
            if *has_id {
                event["messageId"] = format!("m{at}").into();
            }
            event
        });
        events.collect()
    })
}

/// Runs a delivery, and what waits of it until nothing does.
fn runs(steps: &str, body: &Value) -> Vec<Outcome> {
    let store: Arc<dyn Store> = Arc::new(Memory::default());
    let pipeline = load(tree(steps), &limits()).unwrap_or_else(|problems| panic!("{problems}\n{steps}"));
    let mut runs = vec![run_over(&store, &pipeline, &delivery(1, body))];
    let mut waiting: BTreeSet<(i64, String)> = BTreeSet::new();
    let mut now_ms = NOW_MS;
    loop {
        for held in &runs[runs.len() - 1].held {
            assert!(waiting.insert((held.until_ms, held.id.clone())), "{} waits twice\n{steps}", held.id);
        }
        let Some((until_ms, id)) = waiting.pop_first() else { return runs };
        now_ms = now_ms.max(until_ms);
        let wake_up = Delivery { seq: runs.len() as u64 + 1, ..Held::wake_up("p", &id, now_ms) };
        runs.push(run_over(&store, &pipeline, &wake_up));
        assert!(runs[runs.len() - 1].woken.is_some(), "{id} is gone\n{steps}");
        assert!(runs.len() < 2000, "it never ends\n{steps}");
    }
}

/// Where events ended for good.
fn ends(outcome: &Outcome) -> Vec<Origin> {
    let sent = outcome.messages.iter().flatten().map(|message| message.origin);
    let dropped = outcome.dropped.iter().map(|dropped| dropped.origin);
    sent.chain(dropped).chain(outcome.dead.iter().map(|dead| dead.origin)).collect()
}

#[test]
fn every_event_ends_once_and_every_message_has_an_id_of_its_own() {
    on_worker_stack(|| {
        hold(150, &(pipeline(), batch()), |(steps, body)| {
            let runs = runs(&steps, &body);
            let ends: Vec<Origin> = runs.iter().flat_map(ends).collect();
            let different: BTreeSet<Origin> = ends.iter().copied().collect();
            assert_eq!(different.len(), ends.len(), "one event ended twice\n{steps}\n{body}");
            for end in &ends {
                let mut before = std::iter::successors(end.parent(), |origin| origin.parent());
                assert!(
                    !before.any(|origin| different.contains(&origin)),
                    "{end} is of one that has ended\n{steps}\n{body}"
                );
            }
            let came = body.as_array().map_or(0, Vec::len) as u32;
            assert!(
                (0..came).all(|index| ends.iter().any(|end| end.index == index)),
                "one did not end\n{steps}\n{body}"
            );
            // Each that waited was woken, and each was one of those that there were.
            let held: usize = runs.iter().map(|outcome| outcome.held.len()).sum();
            assert_eq!(held + 1, runs.len(), "{steps}\n{body}");

            let all: Vec<String> = runs
                .iter()
                .flat_map(messages)
                .map(|message| message["messageId"].as_str().unwrap().to_owned())
                .collect();
            let ids: BTreeSet<&String> = all.iter().collect();
            assert_eq!(ids.len(), all.len(), "{all:?}\n{steps}\n{body}");
            let dropped = runs.iter().flat_map(|outcome| &outcome.dropped);
            assert!(dropped.clone().all(|dropped| dropped.reason != "duplicate"), "{steps}\n{body}");

            let again: Vec<String> = self::runs(&steps, &body).iter().map(told).collect();
            assert_eq!(again, runs.iter().map(told).collect::<Vec<_>>(), "{steps}\n{body}");
        });
    });
}
