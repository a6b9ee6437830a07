//! No script uses more operations, time or memory than its limits allow, however it is put together. Memory is measured for the
//! whole process, so these tests have one of their own and run one after another.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

#[path = "properties/runs.rs"]
mod runs;

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use cartwire::script::Limits;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use runs::{NOW_MS, delivery, load, messages, on_worker_stack, step, tree};
use serde_json::json;

// The program's own: what a script can make the process grow by depends on how memory is given out and taken back.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// What the process may grow beyond the limit before anybody looks: memory is sampled, and machines that test are busy.
const UNSEEN_BYTES: u64 = 96 << 20;

static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

/// What every script begins with. It looks at the whole event, so that all of it is decoded and nothing is run twice.
const BEGIN: &str = "let whole = event; let s = \"0123456789\"; let a = [1, 2]; let m = #{}; let b = blob(16); let f = |x, y| x; \
    let n = 1; let box = [1];";

/// What grows or goes on when it is repeated.
const GREEDY: &[&str] = &[
    "s += s;",
    "s += \"0123456789\";",
    "a += a;",
    "a.push(a);",
    "a.push(s + a.len());",
    "a.insert(0, s);",
    "a.pad(100000, s);",
    "a.pad(10000, a);",
    "a.splice(0, 0, a);",
    "s.pad(100000, 'x');",
    "b.pad(1000000, 7);",
    "b += b;",
    "m = #{ a: m, b: m };",
    "m[`k${m.len()}`] = s;",
    "m = map::deep_merge(m, #{ x: m });",
    "m = map::flatten(#{ a: m, b: m });",
    "m = map::pick(#{ a: m, b: m }, [\"a\", \"a\", \"b\"]);",
    "a = a.map(|x| [x, x]);",
    "a.sort(|x, y| { for i in 0..100 { } 0 });",
    "a = list::flatten(a + [a]);",
    "a = list::unique(a + [s]);",
    "s = text::join(a, s);",
    "s = json::stringify(a);",
    "s = a.to_string() + s;",
    "s = s.to_debug();",
    "s = b.to_string();",
    "s = s.to_upper() + s;",
    "s = regex::replace(s, \"[0-9]\", \"$0$0\");",
    "s = base64::encode(s);",
    "s = url::encode(s);",
    "a = s.split(\"\");",
    "a = s.to_chars();",
    "f = f.curry(s);",
    "f = |x, y| f;",
    "n = n * 3 + 1;",
    "box.push([box.remove(0)]);",
    "path::set(m, \"x[900].x[900]\", s);",
    "event.context.x = m;",
    "event.context.y = a;",
    "track(#{ event: \"B\", userId: \"u\", properties: #{ s: s } });",
    "state::set(`k${n}`, s); n += 1;",
    "log::info(a);",
    "print(m);",
    "let t = s == s + \"\";",
    "let u = a == a + [1];",
    "throw a;",
];

/// What repeats it.
const LOOPS: &[&str] = &[
    "loop { {} }",
    "for i in 0..1000000 { {} }",
    "while n != -1 { {} }",
    "try { loop { {} } } catch { }",
    "loop { try { {} } catch { } }",
    "for i in 0..30 { for k in 0..30 { {} } }",
    "[1, 2, 3].for_each(|x| { loop { break; } });\n{}",
    "{}",
];

/// Scripts at random, the same ones in every run of the tests.
fn scripts(count: usize) -> Vec<String> {
    let greedy = prop::collection::vec(select(GREEDY), 1..5);
    let parts = prop::collection::vec((greedy, select(LOOPS)), 1..3);
    let script = parts.prop_map(|parts| {
        let repeat = |(greedy, around): &(Vec<&str>, &str)| around.replace("{}", &greedy.join(" "));
        parts.iter().map(repeat).collect::<Vec<_>>().join("\n")
    });
    let mut runner = TestRunner::deterministic();
    (0..count).map(|_| script.new_tree(&mut runner).unwrap().current()).collect()
}

/// The memory that the process has (`VmRSS`) or has had at most (`VmHWM`); nothing where the system does not tell.
fn memory_of(name: &str) -> Option<u64> {
    let text = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = text.lines().find(|line| line.starts_with(name))?;
    Some(line.split_whitespace().nth(1)?.parse::<u64>().ok()? << 10)
}

/// Runs something, and gives the most memory that the process had meanwhile beyond what it had before.
fn growth(work: impl FnOnce()) -> u64 {
    // This makes the system forget what the process has had.
    let _ = std::fs::write("/proc/self/clear_refs", "5");
    let before = memory_of("VmHWM").unwrap_or(0);
    work();
    memory_of("VmHWM").unwrap_or(0).saturating_sub(before)
}

/// Runs a script, which must stay within its limits and leave the next one as well as ever. Gives the code that it ended with.
fn run(script: &str, limits: &Limits) -> Option<String> {
    let script = format!("{BEGIN}\n{script}\n");
    let event =
        json!({"type": "track", "event": "A", "userId": "u", "context": {}, "timestamp": "2026-01-15T10:20:29Z"});
    let pipeline = load(tree(&step(&script, "")), limits).unwrap_or_else(|problems| panic!("{problems}\n{script}"));
    let began = Instant::now();
    let mut outcome = None;
    let grown = growth(|| outcome = Some(pipeline.run(&delivery(1, &event), NOW_MS)));
    let (took, outcome) = (began.elapsed(), outcome.unwrap());
    // Limits are looked at between operations. The longest single one is bounded by its sizes, and slow without optimisation.
    assert!(took < Duration::from_secs(8), "{took:?}\n{script}");
    // Also where the last operation doubles what there is: a run ends before one that could pass the limit.
    assert!(grown < limits.memory_bytes + UNSEEN_BYTES, "{} MiB\n{script}", grown >> 20);
    let dead = outcome.dead.first().map(|dead| dead.code.clone());
    let told = ["script-", "too-large", "not-data", "too-deep"];
    assert!(dead.iter().all(|code| told.iter().any(|start| code.starts_with(start))), "{dead:?}\n{script}");
    if dead.as_ref().is_some_and(|code| code.starts_with("script-")) {
        assert!(outcome.messages.iter().all(Vec::is_empty), "{script}\n{outcome:?}");
    }
    let next = load(tree(&step("event.event = \"Next\";", "")), limits).unwrap();
    assert_eq!(messages(&next.run(&delivery(2, &event), NOW_MS))[0]["event"], "Next");
    dead
}

/// Runs every greedy line for ever, then some scripts at random, and gives how often each code came out.
fn hold(limits: Limits, random: usize) -> BTreeMap<String, usize> {
    let _guard = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    let (sender, receiver) = std::sync::mpsc::channel();
    on_worker_stack(move || {
        for line in GREEDY {
            // Whatever it catches, it ends by a limit.
            let script = format!("loop {{ try {{ {line} }} catch {{ }} }}");
            let code = run(&script, &limits).unwrap_or_default();
            assert!(code.starts_with("script-limit-"), "{code}: {script}");
            sender.send(code).unwrap();
        }
        scripts(random).iter().filter_map(|script| run(script, &limits)).for_each(|code| sender.send(code).unwrap());
    });
    let mut codes = BTreeMap::new();
    for code in receiver {
        *codes.entry(code).or_default() += 1;
    }
    codes
}

/// Limits of which one is small.
fn limits(operations: u64, time_ms: u64, memory_bytes: u64) -> Limits {
    Limits { operations, time_ms, memory_bytes, ..Limits::default() }
}

#[test]
fn operations() {
    let codes = hold(limits(2000, 10_000, 24 << 20), 15);
    assert!(codes.contains_key("script-limit-operations"), "{codes:?}");
}

#[test]
fn time() {
    let codes = hold(limits(u64::MAX / 2, 25, 64 << 20), 15);
    assert!(codes.contains_key("script-limit-time"), "{codes:?}");
}

#[test]
fn memory() {
    let codes = hold(limits(u64::MAX / 2, 120, 16 << 20), 15);
    assert!(codes.contains_key("script-limit-memory"), "{codes:?}");
}

/// What a run has captured is given back when it is over, also where a closure stands in a variable that it has captured.
#[test]
fn closures_that_hold_themselves() {
    let _guard = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    let script = "let own = #{}; let hold = || own.len(); own.large = \"\"; own.large.pad(1000000, 'x'); own.hold = hold;\n\
        fn on_track(event) { let own = [0]; let hold = || own; own[0] = hold; event.large = \"\"; event.hold = || event; }";
    on_worker_stack(move || {
        let pipeline = load(tree(&step(script, "")), &runs::limits()).unwrap();
        let event = json!({"type": "track", "event": "A", "userId": "u"});
        let run = |seq| assert_eq!(pipeline.run(&delivery(seq, &event), NOW_MS).dead[0].code, "not-data");
        (0..3).for_each(run);
        let grown = growth(|| (3..40).for_each(run));
        assert!(grown < 20 << 20, "{} MiB", grown >> 20);
    });
}

/// A script that is stopped with every event does not make the process grow from each to the next: what it took is given back.
#[test]
fn one_after_another() {
    let _guard = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    let limits = limits(u64::MAX / 2, 2000, 64 << 20);
    on_worker_stack(move || {
        for greedy in ["s += s;", "b += b;", "a.push(s + a.len()); a += a;"] {
            let script = format!("{BEGIN}\nloop {{ {greedy} }}\n");
            let pipeline = load(tree(&step(&script, "")), &limits).unwrap();
            let event = json!({"type": "track", "event": "A", "userId": "u"});
            let run =
                |seq| assert_eq!(pipeline.run(&delivery(seq, &event), NOW_MS).dead[0].code, "script-limit-memory");
            let grown = growth(|| (0..5).for_each(run));
            assert!(grown < limits.memory_bytes + UNSEEN_BYTES, "{} MiB: {greedy}", grown >> 20);
        }
    });
}
