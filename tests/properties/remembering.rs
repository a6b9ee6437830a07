//! With state: deliveries that are run again after the state went back to before them give the same messages.

use std::sync::Arc;

use cartwire::event::Delivery;
use cartwire::pipeline::Pipeline;
use cartwire::state::{Disk, Held, Memory, Store};
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::Value;

use super::events;
use super::runs::{NOW_MS, delivery, hold, limits, load, messages, on_worker_stack, run_over, step, told, tree};

/// What a script does with what it remembers.
const STATEMENTS: &[&str] = &[
    "event.context.count = state::add(\"count\", 1);",
    "event.context.of_user = state::add(event.userId, 1, \"10s\");",
    "event.context.before = state::get(\"last\"); state::set(\"last\", event.userId);",
    "if state::get(\"last\") == event.userId { state::remove(\"last\"); }",
    "state::set(\"list\", (state::get(\"list\") ?? []) + [event.userId], \"20s\"); event.context.list = state::get(\"list\");",
    "event.context.seen = cache::get(event.userId) ?? \"new\"; cache::set(event.userId, event.type, \"15s\");",
    "if state::add(\"tries\", 1) % 3 == 0 { throw \"every third\"; }",
    "if cache::get(event.type) == () { cache::set(event.type, 1); retry(\"first of its type\", \"3s\"); }",
    "if state::get(\"last\") == () { drop(\"nothing to compare with\"); }",
    "emit(event); state::add(\"emitted\", 1);",
];

/// Steps that remember, around a script of such statements.
fn steps() -> impl Strategy<Value = String> {
    let around = select(vec![
        "  - dedupe: \"{userId}/{type}\"\n",
        "  - dedupe: { key: \"{userId}\", window: 8s }\n",
        "  - throttle: { limit: 2, per: 5s, key: \"{userId}\" }\n",
        "",
    ]);
    (around, prop::collection::vec(select(STATEMENTS), 1..5)).prop_map(|(before, statements)| {
        let script = format!("event.context = event.context ?? #{{}};\n{}", statements.join("\n"));
        format!("{before}{}", step(&script, "    id: script\n"))
    })
}

/// Runs deliveries and the wake-ups that they cause, and gives all of them as they were journaled, with what became of each.
fn journal(store: &Arc<dyn Store>, pipeline: &Pipeline, bodies: &[Value]) -> Vec<(Delivery, String, usize)> {
    let mut journal: Vec<(Delivery, String, usize)> = Vec::new();
    let mut waiting: Vec<(i64, String)> = Vec::new();
    let mut now_ms = NOW_MS;
    let mut bodies = bodies.iter();
    loop {
        waiting.sort();
        let seq = journal.len() as u64 + 1;
        let next = match waiting.first() {
            Some((at_ms, id)) if *at_ms <= now_ms || bodies.len() == 0 => {
                now_ms = now_ms.max(*at_ms);
                let wake_up = Held::wake_up(&pipeline.plan().name, id, now_ms);
                waiting.remove(0);
                Delivery { seq, ..wake_up }
            }
            _ => match bodies.next() {
                Some(body) => {
                    now_ms += 2000;
                    Delivery { received_ms: now_ms, ..delivery(seq, body) }
                }
                None => return journal,
            },
        };
        let outcome = run_over(store, pipeline, &next);
        waiting.extend(outcome.held.iter().map(|held| (held.until_ms, held.id.clone())));
        journal.push((next, told(&outcome), messages(&outcome).len()));
        assert!(journal.len() < 500, "it never ends");
    }
}

/// Takes the state back by some of the deliveries and runs them again.
fn again(store: &Arc<dyn Store>, steps: &str, bodies: &[Value], back: &[usize]) -> usize {
    let compiled = || load(tree(steps), &limits()).unwrap_or_else(|problems| panic!("{problems}\n{steps}"));
    let journal = journal(store, &compiled(), bodies);
    for back in back {
        let floor = journal.len().saturating_sub(*back);
        // As after a crash: another process, so another compiled pipeline.
        let pipeline = compiled();
        store.rollback("p", floor as u64).unwrap();
        for (delivery, expected, _) in &journal[floor..] {
            assert_eq!(&told(&run_over(store, &pipeline, delivery)), expected, "delivery {}\n{steps}", delivery.seq);
        }
    }
    journal.iter().map(|(.., messages)| messages).sum()
}

fn deliveries() -> impl Strategy<Value = (String, Vec<Value>, Vec<usize>)> {
    let bodies = prop::collection::vec(
        prop_oneof![3 => events::event(), 1 => prop::collection::vec(events::event(), 1..4).prop_map(Value::from)],
        2..10,
    );
    (steps(), bodies, prop::collection::vec(1..12_usize, 1..4))
}

#[test]
fn what_is_run_again_after_a_rollback_gives_the_same() {
    on_worker_stack(|| {
        hold(80, &deliveries(), |(steps, bodies, back)| {
            let store: Arc<dyn Store> = Arc::new(Memory::default());
            again(&store, &steps, &bodies, &back);
        });
    });
}

#[test]
fn on_disk_too() {
    on_worker_stack(|| {
        hold(4, &deliveries(), |(steps, bodies, back)| {
            let dir = tempfile::tempdir().unwrap();
            let disk: Arc<dyn Store> = Arc::new(Disk::open(&dir.path().join("state")).unwrap());
            let memory: Arc<dyn Store> = Arc::new(Memory::default());
            assert_eq!(again(&disk, &steps, &bodies, &back), again(&memory, &steps, &bodies, &back));
        });
    });
}
