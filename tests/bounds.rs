//! No script uses more operations, time or memory than its limits allow, however it is put together. Memory is measured for the
//! whole process, so these tests have one of their own and run one after another.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

#[path = "properties/runs.rs"]
mod runs;

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use cartwire::script::Limits;
use proptest::prelude::*;
use proptest::sample::select;
use runs::{NOW_MS, delivery, hold, load, messages, on_worker_stack, step, tree};
use serde_json::json;

static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

/// What grows or goes on when it is repeated.
const GREEDY: &[&str] = &[
    "s += s;",
    "s += \"0123456789\";",
    "a += a;",
    "a.push(a);",
    "a.push(s + a.len());",
    "a.insert(0, s);",
    "a.pad(100000, s);",
    "s.pad(1000000, 'x');",
    "b.pad(1000000, 7);",
    "b += b;",
    "m = #{ a: m, b: m };",
    "m[`k${m.len()}`] = s;",
    "m = map::deep_merge(m, #{ x: m });",
    "a = a.map(|x| [x, x]);",
    "a.sort(|x, y| { for i in 0..100 { } 0 });",
    "a = list::flatten(a + [a]);",
    "s = text::join(a, s);",
    "s = json::stringify(a);",
    "s = s.to_upper() + s;",
    "s = regex::replace(s, \"[0-9]\", \"$0$0\");",
    "s = base64::encode(s);",
    "a = s.split(\"\");",
    "a = s.to_chars();",
    "f = f.curry(s);",
    "n = n * 3 + 1;",
    "box.push([box.remove(0)]);",
    "event.context.x = m;",
    "event.context.y = a;",
    "track(#{ event: \"B\", userId: \"u\", properties: #{ s: s } });",
    "state::set(\"s\", s);",
    "log::info(a);",
    "let t = s == s + \"\";",
    "let u = a == a + [1];",
];

/// What repeats it.
const LOOPS: &[&str] = &[
    "loop { {} }",
    "for i in 0..1000000 { {} }",
    "while n != -1 { {} }",
    "try { loop { {} } } catch { }",
    "loop { try { {} } catch { } }",
    "for i in 0..30 { for k in 0..30 { {} } }",
    "[1, 2, 3].for_each(|| { loop { break; } });\n{}",
    "{}",
];

fn scripts() -> impl Strategy<Value = String> {
    let greedy = prop::collection::vec(select(GREEDY), 1..5);
    prop::collection::vec((greedy, select(LOOPS)), 1..3).prop_map(|parts| {
        let parts: Vec<_> = parts.iter().map(|(greedy, around)| around.replace("{}", &greedy.join(" "))).collect();
        format!(
            "let s = \"0123456789\"; let a = [1, 2]; let m = #{{}}; let b = blob(16); let f = |x, y| x; let n = 1; let box = [1];\n{}\n",
            parts.join("\n")
        )
    })
}

/// The memory that the process has, in bytes; none where the system does not tell.
fn resident() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/self/statm").ok()?;
    let pages: u64 = text.split_whitespace().nth(1)?.parse().ok()?;
    Some(pages * 4096)
}

/// Runs something, and gives the most memory that the process had meanwhile beyond what it had before.
fn growth(work: impl FnOnce()) -> u64 {
    let Some(before) = resident() else {
        work();
        return 0;
    };
    let (stop, most) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
    let watching = {
        let (stop, most) = (Arc::clone(&stop), Arc::clone(&most));
        std::thread::spawn(move || {
            while !stop.load(Ordering::Relaxed) {
                most.fetch_max(resident().unwrap_or(0), Ordering::Relaxed);
                std::thread::sleep(Duration::from_millis(1));
            }
        })
    };
    work();
    stop.store(true, Ordering::Relaxed);
    watching.join().unwrap();
    most.load(Ordering::Relaxed).saturating_sub(before)
}

/// Runs random scripts under limits and gives the codes that they ended with.
fn codes(cases: u32, limits: Limits, longest: Duration) -> BTreeSet<String> {
    let _guard = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    let found = Arc::new(Mutex::new(BTreeSet::new()));
    let seen = Arc::clone(&found);
    on_worker_stack(move || {
        let codes = RefCell::new(BTreeSet::new());
        let event =
            json!({"type": "track", "event": "A", "userId": "u", "context": {}, "timestamp": "2026-01-15T10:20:29Z"});
        hold(cases, &scripts(), |script| {
            let pipeline =
                load(tree(&step(&script, "")), &limits).unwrap_or_else(|problems| panic!("{problems}\n{script}"));
            let began = Instant::now();
            let outcome = pipeline.run(&delivery(1, &event), NOW_MS);
            let took = began.elapsed();
            assert!(took < longest, "{took:?}\n{script}");
            assert!(outcome.dead.is_empty() || outcome.messages.iter().all(Vec::is_empty), "{script}\n{outcome:?}");
            for dead in &outcome.dead {
                codes.borrow_mut().insert(dead.code.clone());
            }
            // The next one is as well as ever.
            let next = load(tree(&step("event.event = \"Next\";", "")), &limits).unwrap();
            assert_eq!(messages(&next.run(&delivery(2, &event), NOW_MS))[0]["event"], "Next");
        });
        seen.lock().unwrap().extend(codes.into_inner());
    });
    let codes = found.lock().unwrap().clone();
    assert!(
        codes.iter().all(|code| code.starts_with("script-") || code == "event-too-large" || code == "too-large"),
        "{codes:?}"
    );
    codes
}

#[test]
fn operations() {
    let limits = Limits { operations: 10_000, time_ms: 60_000, memory_bytes: 256 << 20, ..Limits::default() };
    // Operations are charged by what they cost, so that few of them take long.
    let codes = codes(60, limits, Duration::from_secs(5));
    assert!(codes.contains("script-limit-operations"), "{codes:?}");
}

#[test]
fn time() {
    let limits = Limits { operations: u64::MAX / 2, time_ms: 30, memory_bytes: 256 << 20, ..Limits::default() };
    // Checked between operations: the longest single one is bounded by its sizes, and slow without optimisation.
    let codes = codes(40, limits, Duration::from_secs(5));
    assert!(codes.contains("script-limit-time"), "{codes:?}");
}

#[test]
fn memory() {
    const MEMORY: u64 = 32 << 20;
    let limits = Limits { operations: u64::MAX / 2, time_ms: 400, memory_bytes: MEMORY, ..Limits::default() };
    let mut found = BTreeSet::new();
    let most = growth(|| found = codes(40, limits, Duration::from_secs(10)));
    assert!(found.contains("script-limit-memory"), "{found:?}");
    // It is sampled, and what one operation makes is bounded by sizes of its own.
    assert!(most < MEMORY + (256 << 20), "the process grew by {} MiB", most >> 20);
}
