//! Scripts that want too much: each ends within its limits and the host goes on.

use std::fmt::Write as _;

use super::*;
use std::time::{Duration, Instant};

/// The code that a script ends with under the default limits, and that the host works afterwards.
fn ends_with(text: &str, limits: &Limits) -> String {
    let text = text.to_string();
    let limits = limits.clone();
    on_worker_stack(move || {
        let host = Host::new(&Arc::new(Tree::new()), limits);
        let script = compile(&host, &text).unwrap_or_else(|problems| panic!("{problems:?}"));
        let started = Instant::now();
        let outcome = run(&script, "{}");
        let took = started.elapsed();
        assert!(took < Duration::from_secs(20), "{text} took {took:?}");
        let after = compile(&host, "event.ok = true;").unwrap();
        assert_eq!(json_of(&run(&after, "{}").unwrap().event.unwrap()), r#"{"ok":true}"#);
        match outcome {
            Err(Failure::Error(error)) => error.code.to_string(),
            other => panic!("{text}: {other:?}"),
        }
    })
}

fn patient() -> Limits {
    // Memory is measured for the whole process, in which other tests run.
    Limits { operations: 100_000, time_ms: 60_000, memory_bytes: u64::MAX, ..Limits::default() }
}

#[test]
fn endless_loops() {
    for script in [
        "loop {}",
        "while true { event.x = 1; }",
        "fn f() { loop { } } f();",
        "try { loop {} } catch { }",
        "loop { try { loop {} } catch { } }",
    ] {
        assert_eq!(ends_with(script, &patient()), "script-limit-operations", "{script}");
    }
    let hasty = Limits { operations: u64::MAX / 2, time_ms: 50, ..patient() };
    assert_eq!(ends_with("loop {}", &hasty), "script-limit-time");
}

#[test]
fn an_endless_loop_names_its_place() {
    let error = error("event.a = 1;\nloop {\n  let b = 1;\n}");
    assert_eq!(error.code, "script-limit-operations");
    assert!(error.place.as_deref().is_some_and(|place| place.starts_with("scripts/main.rhai:")), "{error:?}");
}

#[test]
fn callbacks_cannot_hide_from_the_limits() {
    for script in [
        "let a = [3, 1, 2, 9, 4]; a.sort(|x, y| { loop {} 0 });",
        "let a = [3, 1, 2]; loop { a.sort(|x, y| { for i in 0..1000 {} x - y }); }",
        "let a = []; a.pad(1000, 1); loop { a.map(|x| x + 1); }",
        "let a = [1, 1]; a.dedup(|x, y| { loop {} true });",
    ] {
        assert_eq!(ends_with(script, &patient()), "script-limit-operations", "{script}");
    }
}

#[test]
fn deep_recursion() {
    assert_eq!(ends_with("fn f(n) { f(n + 1) } f(0);", &patient()), "script-limit-depth");
    assert_eq!(ends_with("let f = |f, n| f.call(f, n + 1); f.call(f, 0);", &patient()), "script-limit-depth");
}

#[test]
fn functions_that_multiply_are_bounded() {
    for script in [
        "let s = \"x\"; s.pad(1000000000000, \"ab\");",
        "let s = \"x\"; s.pad(1000000000000, 'a');",
        "let a = []; a.pad(1000000000000, 0);",
        "let b = blob(1000000000000);",
        "let b = blob(); b.pad(1000000000000, 1);",
        "let s = \"\"; s.pad(4000000, 'a'); s.replace(\"a\", \"aaaaaaaaaa\");",
        "let s = \"\"; s.pad(4000000, 'a'); s.replace('a', \"aaaaaaaaaa\");",
        "let s = \"\"; s.pad(4000000, 'a'); s.split(\"\");",
        "let s = \"\"; s.pad(4000000, 'a'); s.split('a');",
        "let s = \"\"; s.pad(4000000, 'a'); s.to_chars();",
        "let b = blob(4000000); b.to_array();",
        "let s = \"\"; s.pad(20000, 'a'); let t = \"\"; t.pad(600, \"$0\"); regex::replace(s, \"a\", t);",
    ] {
        assert_eq!(ends_with(script, &patient()), "script-limit-size", "{script}");
    }
    assert_eq!(ends_with("loop { track(#{}); }", &patient()), "script-limit-emitted");
}

#[test]
fn references_to_one_long_text_cannot_be_written_out() {
    let many = "let s = \"\"; s.pad(4000000, 'a'); let a = []; a.pad(10000, s); ";
    for end in [
        "a.to_string();",
        "`${a}`;",
        "event.x = \"\" + a;",
        "print(a);",
        "debug(#{ a: a });",
        "json::stringify(a);",
        "#{ a: a }.to_json();",
        "text::join(a, \",\");",
    ] {
        assert_eq!(ends_with(&format!("{many}{end}"), &patient()), "script-limit-size", "{end}");
    }
}

#[test]
fn comparing_and_sorting_long_lists_is_charged() {
    let two = "let s = \"\"; s.pad(4000000, 'a'); let t = \"\"; t.pad(4000000, 'a'); let a = []; a.pad(50000, s); let b = []; b.pad(50000, t); ";
    for end in [
        "event.x = a == b;",
        "event.x = #{ a: a } != #{ a: b };",
        "event.x = a.index_of(t + \"\");",
        "a.sort();",
        "a.push(t); a.dedup(); a.sort_desc(); a += b; a.sort();",
    ] {
        let script = if end.contains("index_of") {
            format!("{two}t.pad(4000001, 'b'); s.pad(4000001, 'c'); a = []; a.pad(50000, s); {end}")
        } else {
            format!("{two}{end}")
        };
        assert_eq!(ends_with(&script, &patient()), "script-limit-operations", "{end}");
    }
}

#[test]
fn memory_bombs_end_by_one_limit_or_another() {
    let memory = Limits { memory_bytes: 64 << 20, time_ms: 1000, ..patient() };
    for script in [
        "let s = \"0123456789\"; loop { s += s; }",
        "let a = [1, 2, 3, 4]; loop { a += a; }",
        "let a = [1]; loop { a.push(a); }",
        "let m = #{}; loop { m = #{ a: m, b: m }; }",
        "let a = [1, 2]; loop { a.splice(0, 0, a); }",
        "let m = #{}; loop { m = map::flatten(#{ a: m, b: m }); }",
        "let f = |a, b| a; loop { f = f.curry(\"a long text to keep\"); }",
        "let s = \"\"; s.pad(1000000, 'x'); let a = []; loop { a.push(s + a.len()); }",
        "let m = #{}; let i = 0; loop { m[`k${i}`] = [i, i, i]; i += 1; }",
    ] {
        let code = ends_with(script, &memory);
        assert!(
            ["script-limit-memory", "script-limit-operations", "script-limit-time"].contains(&code.as_str()),
            "{script}: {code}"
        );
    }
}

#[test]
fn many_variables() {
    let mut script = String::new();
    for i in 0..5000 {
        let _ = writeln!(script, "let _v{i} = {i};");
    }
    assert_eq!(ends_with(&script, &patient()), "script-limit-size");
}

#[test]
fn values_nested_deeply_do_not_overflow_the_stack() {
    let deep = "let box = [1]; for i in 0..5000 { box.push([box.remove(0)]); } ";
    for end in
        ["event.x = 1;", "event.x = box.len();", "print(box);", "box.to_string();", "if box == [1] { event.x = 2 }"]
    {
        let script = format!("{deep}{end}");
        on_worker_stack(move || {
            let outcome = eval(&script, "{}");
            assert!(outcome.is_ok() || matches!(outcome, Err(Failure::Error(_))), "{outcome:?}");
        });
    }
    let copies = format!("{deep}let copy = box; event.x = json::stringify(copy);");
    on_worker_stack(move || assert!(eval(&copies, "{}").is_err()));
}

#[test]
fn deeply_nested_text_is_refused_when_compiled() {
    let deep = format!("event.x = {}1{};", "(".repeat(5000), ")".repeat(5000));
    let deeper = format!("event.x = {}1{};", "[".repeat(5000), "]".repeat(5000));
    on_worker_stack(move || {
        for text in [deep, deeper] {
            assert_eq!(compile(&host(Tree::new()), &text).err().unwrap()[0].code, "script-syntax");
        }
    });
}

#[test]
fn what_waits_or_evaluates_is_not_there_under_any_name() {
    let host = host(Tree::new());
    for text in ["Fn(\"sleep\").call(60);", "let f = Fn(\"timestamp\"); f.call();"] {
        let script = compile(&host, text).unwrap();
        let started = Instant::now();
        assert!(matches!(run(&script, "{}"), Err(Failure::Error(_))), "{text}");
        assert!(started.elapsed() < Duration::from_secs(10));
    }
    assert!(compile(&host, "eval(\"1\")").is_err());
    if let Ok(script) = compile(&host, "let f = Fn(\"ev\" + \"al\"); f.call(\"event\");") {
        assert!(matches!(run(&script, "{}"), Err(Failure::Error(_))));
    }
}

#[test]
fn no_limit_can_be_caught() {
    let hasty = Limits { time_ms: 30, operations: u64::MAX / 2, ..patient() };
    for (greedy, limits, code) in [
        ("let i = 0;", &patient(), "script-limit-operations"),
        ("s.pad(5000000, 'x');", &patient(), "script-limit-size"),
        ("a.pad(100001, 1);", &patient(), "script-limit-size"),
        ("track(#{});", &patient(), "script-limit-emitted"),
        ("f(0);", &patient(), "script-limit-depth"),
        ("let i = 0;", &hasty, "script-limit-time"),
    ] {
        for around in ["loop { try { {} } catch { } }", "try { loop { try { {} } catch { } } } catch { loop { } }"] {
            let script =
                format!("fn f(n) {{ f(n + 1) }} let s = \"x\"; let a = []; {}", around.replacen("{}", greedy, 1));
            assert_eq!(ends_with(&script, limits), code, "{script}");
        }
    }
    let dropped = eval("loop { try { drop(\"x\"); } catch { } }", "{}");
    assert!(matches!(dropped, Err(Failure::Drop { .. })), "{dropped:?}");
}

#[test]
fn copies_of_what_is_padded_with_are_counted() {
    for script in ["let a = []; a.pad(1000, 1); a.pad(100000, a);", "let m = #{ x: [1, 2, 3] }; [].pad(50000, m);"] {
        assert_eq!(ends_with(script, &patient()), "script-limit-size", "{script}");
    }
    assert!(eval("let a = []; a.pad(100, [1, 2, 3]); event.x = a.len();", "{}").is_ok());
}

#[test]
fn a_value_is_logged_no_further_than_the_log_holds_it() {
    let log_bytes = Limits::default().log_bytes;
    let ran = eval("let s = \"\"; s.pad(4000000, 'a'); let a = []; a.pad(10000, s); log::info(a); log::info(a);", "{}")
        .unwrap();
    let texts: Vec<_> = ran.logs.iter().map(|line| line.text.len()).collect();
    assert_eq!(texts, [log_bytes]);
    let ran = eval("log::info([1, #{ a: \"é\", b: () }, blob(9, 255)]); log::info(\"é\");", "{}").unwrap();
    assert_eq!(ran.logs[0].text, r#"[1, #{"a": "é", "b": ()}, [ffffffffffffffff ff]]"#);
    assert_eq!(ran.logs[1].text, "é");
}

#[test]
fn reasons_are_cut() {
    let long = "let s = \"\"; s.pad(1000000, 'é'); ";
    for end in ["throw s;", "drop(s);", "reject(s);", "retry(s);", "path::get(event, `${s}[`);", "throw [s, s];"] {
        let reason = match eval(&format!("{long}{end}"), "{}") {
            Err(Failure::Drop { reason, .. } | Failure::Reject { reason, .. } | Failure::Retry { reason, .. }) => {
                reason
            }
            Err(Failure::Error(error)) => error.message,
            other => panic!("{other:?}"),
        };
        assert!((4000..5000).contains(&reason.len()), "{end}: {}", reason.len());
        assert!(reason.ends_with('…'), "{end}");
    }
    let text = format!("fn on_track(event) {{ {long} outcome::reject(s) }}");
    let Err(Failure::Reject { reason, .. }) = eval(&text, r#"{"type":"track"}"#) else { panic!("{text}") };
    assert!(reason.len() < 5000);
}

#[test]
fn documents_that_parsers_take_long_for_are_refused() {
    let attributes: String = (0..300).fold(String::new(), |mut all, n| {
        let _ = write!(all, " a{n}='x'");
        all
    });
    let namespaces: String = (0..300).fold(String::new(), |mut all, n| {
        let _ = write!(all, "<a xmlns:n{n}='x{n}'/>");
        all
    });
    for (text, part) in [(format!("<a{attributes}/>"), "attributes"), (format!("<r>{namespaces}</r>"), "namespaces")] {
        let event = format!("{{\"text\":\"{text}\"}}");
        let Err(Failure::Error(error)) = eval("xml::parse(event.text);", &event) else { panic!("{part}") };
        assert!(error.message.contains(part), "{error:?}");
    }
}

#[test]
fn what_a_closure_has_captured_leaves_the_run_whole() {
    let changed = r#"{"n":[1,2],"own":true}"#;
    assert_eq!(after("let add = |x| event.n.push(x); add.call(2); event.own = true;", r#"{"n":[1]}"#), changed);
    let handler = "fn on_track(event, settings) { let add = |x| event.n.push(x + settings.list[1]); add.call(0); event.own = true; event }";
    let event = r#"{"type":"track","n":[1]}"#;
    // Settings that were captured are there in the next run.
    let script = compile(&host(Tree::new()), handler).unwrap();
    for _ in 0..2 {
        let ran = run(&script, event).unwrap();
        assert_eq!(json_of(&ran.event.unwrap()), r#"{"n":[1,2],"own":true,"type":"track"}"#);
    }
    let more = "fn on_track(event) { let extra = #{ type: \"track\", n: 1 }; let f = || extra.n += 1; f.call(); track(extra); [event, extra] }";
    let ran = eval(more, event).unwrap();
    let all: Vec<_> = ran.emitted.iter().map(json_of).collect();
    assert_eq!(all, [r#"{"n":[1],"type":"track"}"#, r#"{"n":2,"type":"track"}"#, r#"{"n":2,"type":"track"}"#]);
}

#[test]
fn patterns_that_take_long_search_short_texts_only() {
    let text = "let s = \"\"; s.pad(200000, 'a'); ";
    for call in ["is_match", "captures", "find", "find_all", "captures_all", "split"] {
        let script = format!("{text} regex::{call}(s, \"(a|b)*a(a|b){{3000}}c\");");
        let error = error(&script);
        assert!(error.message.ends_with("searches texts of up to 10 KiB with this pattern"), "{error:?}");
    }
    assert!(eval(&format!("{text} regex::is_match(s, \"(a|b)*a(a|b){{10}}c\");"), "{}").is_ok());
    // Where each match looks at all of the rest, the run ends between two of them.
    let hasty = Limits { time_ms: 50, ..patient() };
    assert_eq!(ends_with(&format!("{text} regex::find_all(s, \".*[^a]|a\");"), &hasty), "script-limit-time");
    // Patterns made from data are charged for what compiling them takes.
    let compiling = "let i = 0; loop { i += 1; regex::is_match(\"a\", `a{${i % 500 + 1}}${i}`); }";
    assert_eq!(ends_with(compiling, &Limits { operations: 5000, ..patient() }), "script-limit-operations");
    let query = format!("{text} let v = [s, s, s, s]; path::query(v, \"$[?search(@, '(a|b)*a(a|b){{1000}}c')]\");");
    assert_eq!(ends_with(&query, &patient()), "script-limit-operations");
}
