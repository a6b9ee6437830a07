//! What quietly does something else than in JavaScript is told, and what is meant is not.

use super::checks::{expect, problems};
use super::*;

#[test]
fn a_value_that_there_is_none_of_is_told() {
    expect("event.a = event.b.trim();", "gives-nothing", "1:19", "text::trim(value)");
    expect("let a = event.b.replace(\"x\", \"y\"); event.a = a;", "gives-nothing", "1:17", "regex::replace");
    expect("event.a = event.b.sort();", "gives-nothing", "1:19", "other.sort()");
    expect("let list = []; event.a = list.push(1);", "gives-nothing", "1:31", "one + [two]");
    expect("event.a = [event.b.make_lower()];", "gives-nothing", "1:20", "to_lower()");
    expect("event.a = event.b.trim().to_upper();", "gives-nothing", "1:19", "");
    expect("event.a = event.b[event.c.trim()];", "gives-nothing", "1:27", "");
    expect("fn f(x) { return x.trim(); }\nevent.a = f(event.b);", "gives-nothing", "1:20", "");
    for fine in [
        "event.b.trim(); event.c.sort(); event.l[0].name.trim(); event.l[event.n].name.trim();",
        "event.c.for_each(|| this.a = 1); if event.a { event.b.trim(); }",
        "fn map.clean() { this.name.trim(); }\nevent.clean();",
        "switch event.a { 1 => event.b.trim(), _ => () }",
        "fn string.replace(a, b) { a + b }\nevent.a = event.b.replace(1, 2);",
        "event.a = event.b.splice(1); let removed = event.l.retain(|x| x > 1); event.r = removed; event.m.remove(\"a\");",
    ] {
        assert!(problems(fine).iter().all(|(code, ..)| code != "gives-nothing"), "{fine}: {:?}", problems(fine));
    }
    // The trap is one.
    assert_eq!(after("event.a = event.b.trim();", r#"{"b":" x "}"#), r#"{"a":null,"b":"x"}"#);
}

#[test]
fn a_change_of_a_copy_is_told() {
    expect("fn add(e) { e.properties.x = 1; }\nadd(event);", "changes-a-copy", "1:13", "value = add(value)");
    expect("fn add(e) { if e.a { e[\"x\"] = e.a + e.b; } }\nadd(event);", "changes-a-copy", "1:22", "fn map.add()");
    expect("fn add(e) { path::set(e, \"a.b\", 1); }\nadd(event);", "changes-a-copy", "1:23", "");
    expect("fn clean(t) { t.trim() }\nevent.a = clean(event.b);", "changes-a-copy", "1:15", "text::trim(value)");
    expect("for line in event.l { line.sku = \"C\"; }", "changes-a-copy", "1:23", "list[number]");
    expect("for (line, i) in event.l { line.sum = line.price * i; }", "changes-a-copy", "1:28", "for_each(|| this");
    expect("event.n = event.l.map(|x| x.trim());", "changes-a-copy", "1:27", "text::trim(value)");
    expect("event.n = event.l.map(|x| { x.a = 1; });", "changes-a-copy", "1:29", "{ …; x }");
    for fine in [
        "fn add(e) { e.x = 1; e }\nevent = add(event);",
        "fn add(e) { if e.a { e.x = 1; } return e; }\nevent = add(event);",
        "fn add(e) { e.x = 1; track(e); }\nadd(event);",
        "fn add(e) { e.x = 1; let f = || e.x; f.call() }\nevent.a = add(event);",
        "fn add(e) { while e.n < 3 { e.n += 1; } }\nadd(event);",
        "fn add(e) { for x in 0..3 { if e.a == x { throw \"a\"; } e.a = x; } }\nadd(event);",
        "fn add(e) { let e = #{}; e.x = 1; }\nadd(event);",
        "fn map.add() { this.x = 1; }\nevent.add();",
        "fn on_track(event) { event.x = 1; }",
        "fn on_batch(events) { events[0].x = 1; }",
        "let out = []; for line in event.l { line.x = 1; out.push(line); } event.l = out;",
        "for (line, i) in event.l { event.l[i].x = line.y; }",
        "let out = []; event.l.map(|x| out.push(x)); event.o = out;",
        "let sum = 0; for line in event.l { sum += line.p; } event.sum = sum;",
        "fn f(n) { n += 1; n }\nevent.a = f(1);",
    ] {
        assert!(problems(fine).iter().all(|(code, ..)| code != "changes-a-copy"), "{fine}: {:?}", problems(fine));
    }
    let trap = "fn add(e) { e.x = 1; }\nadd(event);\nfor line in event.l { line.sku = 2; }";
    assert_eq!(after(trap, r#"{"l":[{"sku":1}]}"#), r#"{"l":[{"sku":1}]}"#);
}

#[test]
fn a_value_that_nothing_takes_is_told() {
    expect("event.b.to_upper();", "unused-value", "1:9", "event.properties.name = …");
    expect("text::trim(event.b);", "unused-value", "1:7", "");
    expect("event.l.map(|x| { x.a = 1; x });\nevent.b = 1;", "unused-value", "1:9", "");
    expect("fn on_track(event) { event.l.filter(|x| x > 1); event.b = 1; }", "unused-value", "1:30", "");
    for fine in [
        "fn f(x) { x.to_upper() }\nevent.a = f(event.b);",
        "fn f(x) { if x.a { x.b.to_upper() } else { text::trim(x.c) } }\nevent.a = f(event);",
        "event.a = { text::trim(event.b) };",
        "event.l.map(|x| track(#{ event: \"a\", userId: x }));",
        "event.l.filter(|x| { log::info(x); true });",
        "event.l.map(|x| event.b.push(x));",
        "text::trim(event.b.remove(\"c\")); event.l.pop().to_upper(); event.b.extract(event.l.remove(0));",
        "fn map.keys() { this.a = 1; }\nevent.keys();",
        "switch event.a { 1 => event.b.to_upper(), _ => () }",
    ] {
        assert!(problems(fine).iter().all(|(code, ..)| code != "unused-value"), "{fine}: {:?}", problems(fine));
    }
}

#[test]
fn a_division_that_loses_cents_is_told() {
    expect("event.a = event.b / 100;", "whole-division", "1:19", "money::minor(currency, amount)");
    expect("fn f(total, rate) { total * rate / 100 }\nevent.a = f(1, 2);", "whole-division", "1:34", "/ 100.0");
    for fine in [
        "event.a = event.b / 100.0; event.c = event.b / 3; event.d = (event.b / 100).to_int();",
        "event.a = money::parse(event.b) / 100; let m = money::sum(event.l); let n = m * 2; event.c = n / 100;",
        "event.a = time::now() / 1000; event.b = event.c / 1000; event.d = event.e / 100 * 100;",
        "event.a = event.b.to_float() / 100; event.c = 1.0 * event.d / 100;",
    ] {
        assert_eq!(problems(fine), [], "{fine}");
    }
    assert_eq!(after("event.a = event.b / 100;", r#"{"b":5490}"#), r#"{"a":54,"b":5490}"#);
}

#[test]
fn an_argument_that_a_function_never_takes_is_told() {
    for (call, said) in [
        ("time::start_of(0, \"fortnight\")", "no unit"),
        ("time::to_zone(0, \"Europe/Berln\")", "no time zone"),
        ("money::round(1, \"USDD\")", "no currency"),
        ("uuid::v5(\"dsn\", \"x\")", "namespace"),
        ("path::get(event, \"a..b\")", "not a path"),
        ("path::query(event, \"$.a[\")", "JSONPath"),
        ("list::sort_by([], \"a\", \"down\")", "direction"),
        ("state::get(state::set(\"x\", 1, \"10 fortnights\"))", "no duration"),
        ("retry(\"x\", \"soon\")", "no duration"),
    ] {
        let text = format!("event.a = {call};");
        let mut found = Vec::new();
        let errors = host(Tree::new()).script(&unit("scripts/main.rhai", &text), &mut found).err().unwrap();
        assert_eq!(errors.iter().map(|diag| diag.code).collect::<Vec<_>>(), ["wrong-argument"], "{text}");
        assert!(errors[0].message.contains(said), "{text}: {}", errors[0].message);
    }
    for fine in [
        "event.a = time::start_of(event.t, \"day\", \"Europe/Berlin\"); state::set(\"x\", 1, \"10d\"); state::set(\"x\", 1, 5);",
        "event.a = money::round(event.b, event.c); event.d = path::get(event, event.e); event.f = path::get(event, `a.${event.g}`);",
        "fn retry(a, b) { a + b }\nevent.a = retry(\"x\", \"soon\");",
    ] {
        assert_eq!(problems(fine), [], "{fine}");
    }
}

/// What each probe takes.
const RIGHT: &[(&str, usize, &str)] = &[
    ("list::sort_by", 2, "desc"),
    ("money::exponent", 0, "EUR"),
    ("money::format", 1, "EUR"),
    ("money::minor", 0, "JPY"),
    ("money::number", 1, "EUR"),
    ("money::round", 1, "KWD"),
    ("money::round", 2, "half_even"),
    ("money::to_minor", 1, "usd"),
    ("path::first", 1, "$.a[?@.b > 1].c"),
    ("path::get", 1, "a.b[0].c"),
    ("path::has", 1, "a"),
    ("path::query", 1, "$..a"),
    ("path::remove", 1, "a.b"),
    ("path::set", 1, "a.b.c"),
    ("phone::e164", 1, "DE"),
    ("time::add", 2, "days"),
    ("time::add", 3, "Asia/Tokyo"),
    ("time::diff", 2, "hours"),
    ("time::format", 1, "%d.%m.%Y %H:%M"),
    ("time::format", 2, "Europe/Berlin"),
    ("time::parse_as", 2, "Europe/Berlin"),
    ("time::parts", 1, "America/New_York"),
    ("time::start_of", 1, "week"),
    ("time::start_of", 2, "UTC"),
    ("time::to_zone", 1, "Europe/Berlin"),
    ("uuid::v5", 0, "6ba7b810-9dad-11d1-80b4-00c04fd430c8"),
];

#[test]
fn what_a_function_takes_is_no_trouble() {
    let host = host(Tree::new());
    for (name, at, probe) in crate::script::check::literals::PROBES {
        let right = RIGHT.iter().find(|(known, place, _)| known == name && place == at);
        let (_, _, right) = right.unwrap_or_else(|| panic!("say here what {name} takes at {at}"));
        assert_eq!(host.probe(probe, right), None, "{name}");
    }
}

#[test]
fn a_message_made_by_a_function_is_no_trouble() {
    assert_eq!(
        problems("fn made(x) { #{ event: x } }\ntrack(made(\"a\"));\nidentify(#{ userId: \"u\" } + made(1));"),
        []
    );
}
