//! What a run does to the event, and how it ends.

use super::*;
use crate::event::Origin;
use crate::script::{LogLine, ScriptError};

#[test]
fn the_event_is_rewritten_in_place() {
    let script = "event.properties.revenue = 0.0;\nfor p in event.properties.products { event.properties.revenue += p.price; }\nevent.remove(\"x\")";
    let out = after(script, r#"{"properties":{"products":[{"price":1.5},{"price":2.5}]},"x":1}"#);
    assert_eq!(out, r#"{"properties":{"products":[{"price":1.5},{"price":2.5}],"revenue":4.0}}"#);
}

#[test]
fn missing_fields_are_unit_and_can_be_chained_past() {
    assert_eq!(after("event.b = event.a?.x ?? 7; if event.c == () { event.d = 1 }", "{}"), r#"{"b":7,"d":1}"#);
}

#[test]
fn a_return_passes_the_event_on() {
    assert_eq!(after("if event.a == 1 { return; } event.b = 2", r#"{"a":1}"#), r#"{"a":1}"#);
}

#[test]
fn emitted_events_follow_the_event_and_carry_their_type() {
    let ran = eval(
        "fn more(id) { identify(#{ userId: id }) }\nmore(event.id); track(#{ event: \"A\" }); emit(#{ type: \"x\" });",
        r#"{"id":"u"}"#,
    )
    .unwrap();
    let emitted: Vec<_> = ran.emitted.iter().map(json_of).collect();
    assert_eq!(emitted, [r#"{"type":"identify","userId":"u"}"#, r#"{"event":"A","type":"track"}"#, r#"{"type":"x"}"#]);
    assert!(ran.event.is_some());
}

#[test]
fn an_event_set_to_unit_leaves_only_what_was_emitted() {
    let ran = eval("track(#{ event: \"A\" }); event = ();", "{}").unwrap();
    assert!(ran.event.is_none());
    assert_eq!(ran.emitted.len(), 1);
}

#[test]
fn object_records_have_both_forms() {
    let ran = eval(
        "set_object(\"orders\", 7, #{ a: 1 }); set_object(#{ collection: \"c\", id: \"1\", properties: #{} });",
        "{}",
    )
    .unwrap();
    assert_eq!(json_of(&ran.emitted[0]), r#"{"collection":"orders","id":"7","properties":{"a":1},"type":"set"}"#);
    assert_eq!(json_of(&ran.emitted[1]), r#"{"collection":"c","id":"1","properties":{},"type":"set"}"#);
    assert!(error("set_object(#{ id: \"1\" })").message.contains("collection"));
}

#[test]
fn a_drop_cannot_be_caught_and_emits_nothing() {
    for script in [
        "track(#{}); drop(\"a test order\"); event.x = 1;",
        "track(#{}); try { drop(\"a test order\"); } catch { event.x = 1; } event.y = 2;",
        "fn f() { drop(\"a test order\") } try { f() } catch (e) { log::info(e) }",
        "[3, 1, 2].sort(|a, b| { drop(\"a test order\"); 0 });",
        "[3, 1, 2].sort(|a, b| { drop(\"a test order\"); 0 }); loop { event.x = 1; }",
    ] {
        let failure = eval(script, "{}").unwrap_err();
        assert_eq!(failure, Failure::Drop { reason: "a test order".into(), logs: vec![] }, "{script}");
    }
}

#[test]
fn a_reject_has_its_kind_and_its_place() {
    let failure = eval("let a = 1;\n  reject(\"ValidationError\", `no id ${a}`);", "{}").unwrap_err();
    let Failure::Reject { code, reason, place, .. } = failure else { panic!("{failure:?}") };
    assert_eq!(
        (code, reason.as_str(), place.as_deref()),
        ("validation-error", "no id 1", Some("scripts/main.rhai:2:3"))
    );
    let Err(Failure::Reject { code, reason, .. }) = eval("reject(\"odd\", \"why\")", "{}") else { panic!() };
    assert_eq!((code, reason.as_str()), ("rejected", "odd: why"));
}

#[test]
fn a_failing_script_emits_nothing_and_names_the_innermost_place() {
    let failure = eval(
        "fn price(p) {\n    p.price * 2\n}\ntrack(#{});\nlog::warn(\"before\");\nevent.x = price(event.p);",
        r#"{"p":{"price":"a"}}"#,
    );
    let Err(Failure::Error(ScriptError { code, message, place, stack, logs })) = failure else { panic!("{failure:?}") };
    assert_eq!(code, "script-error");
    assert_eq!(message, "`*` does not work between a text and a number");
    assert_eq!(place.as_deref(), Some("scripts/main.rhai:2:13"));
    assert_eq!(stack, ["price (scripts/main.rhai:2:13)", "the script (scripts/main.rhai:6:11)"]);
    assert_eq!(logs, [LogLine { level: "warn", text: "before".into() }]);
    // The next run starts clean.
    assert_eq!(eval("event.a = 1", "{}").unwrap().emitted.len(), 0);
}

#[test]
fn thrown_values_are_the_message() {
    assert_eq!(error("throw \"no currency\"").message, "no currency");
    assert_eq!(error("throw #{ a: 1 }").message, r#"{"a":1}"#);
    assert_eq!(after("try { throw \"x\" } catch (e) { event.e = e }", "{}"), r#"{"e":"x"}"#);
}

#[test]
fn settings_are_read_only_and_stay_as_they_are() {
    assert_eq!(
        after("event.shop = settings.shop; let list = settings.list; list.push(3); event.n = list.len;", "{}"),
        r#"{"n":3,"shop":"north"}"#
    );
    let host = host(Tree::new());
    for script in ["let s = \"shop\"; settings.clear();", "settings.remove(\"shop\");", "settings.list.push(1);"] {
        let script = compile(&host, script).unwrap();
        assert!(matches!(run(&script, "{}"), Err(Failure::Error(_))));
    }
    let copy = compile(&host, "let s = settings; s.shop = \"x\"; fn f(s) { s.shop = \"y\"; s } event.f = f(settings).shop; event.a = settings.shop;").unwrap();
    for _ in 0..2 {
        assert_eq!(json_of(&run(&copy, "{}").unwrap().event.unwrap()), r#"{"a":"north","f":"y"}"#);
    }
}

#[test]
fn logs_are_collected_and_cut() {
    let ran = eval("print(\"a\"); debug(1); log::error([1, \"x\", #{ a: () }]);", "{}").unwrap();
    let lines: Vec<_> = ran.logs.iter().map(|line| (line.level, line.text.as_str())).collect();
    assert_eq!(lines, [("info", "a"), ("debug", "1"), ("error", "[1, \"x\", #{\"a\": ()}]")]);
    let ran = eval("for i in 0..10000 { log::info(\"0123456789\"); }", "{}").unwrap();
    assert_eq!(ran.logs.iter().map(|line| line.text.len()).sum::<usize>(), Limits::default().log_bytes);
    let ran = eval("for i in 0..10000 { print(\"\"); }", "{}").unwrap();
    assert!(ran.logs.len() <= Limits::default().log_bytes);
}

#[test]
fn decimals_mix_with_the_other_numbers_and_leave_as_exact_text() {
    assert_eq!(
        after(
            "event.a = money::parse(\"54.90\") * 2 - 1; event.b = money::parse(\"0.10\") + money::parse(\"0.20\");",
            "{}"
        ),
        r#"{"a":108.80,"b":0.30}"#
    );
    assert_eq!(
        after(
            "event.a = money::parse(\"1.5\") > 1 && money::parse(\"1.5\") == 1.5 && 2 > money::parse(\"1.5\");",
            "{}"
        ),
        r#"{"a":true}"#
    );
    assert_eq!(after("event.a = money::round(money::parse(\"19.99\") * 1.5, \"USD\");", "{}"), r#"{"a":29.99}"#);
}

#[test]
fn random_looking_ids_repeat_with_the_run_and_differ_between_events() {
    let script = compile(&host(Tree::new()), "event.a = uuid::v4(); event.b = uuid::v4();").unwrap();
    let once = json_of(&run(&script, "{}").unwrap().event.unwrap());
    assert_eq!(json_of(&run(&script, "{}").unwrap().event.unwrap()), once);
    let other = Input {
        event: value("{}"),
        delivery: &delivery(),
        identity: "example-1",
        origin: Origin { index: 1, ..Origin::default() },
        settings: &Dynamic::UNIT,
        now_ms: NOW_MS,
    };
    assert_ne!(json_of(&script.run(other).unwrap().event.unwrap()), once);
}

#[test]
fn a_value_keeps_its_source_text_wherever_the_script_moves_it() {
    let (event, tape) =
        json::decode(br#"{"price":199.00,"id":18446744073709551615,"gone":1}"#, &json::Limits::default()).unwrap();
    let script = compile(
        &host(Tree::new()),
        "event.value = event.price; event.remove(\"price\"); track(#{ p: #{ id: event.take(\"id\") } });",
    )
    .unwrap();
    let input = Input {
        event,
        delivery: &delivery(),
        identity: "",
        origin: Origin::default(),
        settings: &Dynamic::UNIT,
        now_ms: 0,
    };
    let ran = script.run(input).unwrap();
    let mut out = Vec::new();
    json::encode(&ran.event.unwrap(), &tape, &mut out).unwrap();
    json::encode(&ran.emitted[0], &tape, &mut out).unwrap();
    assert_eq!(
        String::from_utf8(out).unwrap(),
        r#"{"gone":1,"value":199.00}{"p":{"id":18446744073709551615},"type":"track"}"#
    );
}

#[test]
fn conditions_lend_the_event_and_must_be_boolean() {
    let host = host(Tree::new());
    let unit_of = |text: &str| host.expression(&unit("pipelines/a.yaml", text), &mut Vec::new());
    let mut event = value(r#"{"type":"track","n":3}"#);
    let settings = value(r#"{"most":5}"#);
    let mut test = |text: &str| unit_of(text).unwrap().test(&mut event, &delivery(), &settings, NOW_MS);
    assert_eq!(test("event.type != \"page\" && event.n < settings.most"), Ok(true));
    assert_eq!(test("delivery.topic == \"orders/update\""), Ok(false));
    assert!(matches!(test("event.n"), Err(Failure::Error(ScriptError { code: "script-error", .. }))));
    assert!(test("event.n.nothing.at.all").is_err());
    assert_eq!(json_of(&event), r#"{"n":3,"type":"track"}"#);
    assert!(unit_of("let a = 1; a == 1").is_err());
}

#[test]
fn a_body_that_is_no_utf_8_has_its_bytes() {
    let body = b"name=Zo\xeb";
    let script = compile(
        &host(Tree::new()),
        "event.b = hex::encode(delivery.bytes); event.s = hmac::sha256(\"key\", delivery.bytes);",
    )
    .unwrap_or_else(|problems| panic!("{problems:?}"));
    let input = Input {
        event: value("{}"),
        delivery: &Delivery { body: Bytes::from_static(body), ..delivery() },
        identity: "example-1",
        origin: Origin::default(),
        settings: &Dynamic::UNIT,
        now_ms: NOW_MS,
    };
    let event = script.run(input).unwrap().event.unwrap();
    let expected =
        eval(&format!("event.s = hmac::sha256(\"key\", hex::bytes(\"{}\"));", hex::encode(body)), "{}").unwrap();
    let wanted = format!(r#"{{"b":"{}",{}"#, hex::encode(body), &json_of(&expected.event.unwrap())[1..]);
    assert_eq!(json_of(&event), wanted);
}

#[test]
fn what_is_remembered_adds_up_exactly() {
    let script = "event.a = state::add(\"n\", 2); event.b = state::add(\"n\", 0.1); event.c = state::add(\"n\", money::parse(\"0.20\")); \
                  event.d = state::add(\"n\", 0.7) == 3; event.e = state::get(\"n\");";
    assert_eq!(after(script, "{}"), r#"{"a":2,"b":2.1,"c":2.30,"d":true,"e":3.0}"#);
    for (script, message) in [
        ("state::add(\"n\", \"12.50\");", "add takes a number, not a text (`money::parse` reads one)"),
        ("state::set(\"n\", \"x\"); state::add(\"n\", 1);", "what is remembered under `n` is no number"),
        ("state::set(\"n\", 9223372036854775807); state::add(\"n\", 1);", "the sum is too large"),
    ] {
        assert_eq!(error(script).message, message);
    }
}

#[test]
fn lists_are_searched_compared_and_sorted_by_value() {
    assert_eq!(
        after(
            "let a = [\"b\", 2, #{ k: [1.0] }, ()]; event.i = a.index_of(\"b\"); event.j = a.index_of(2.0); event.k = a.index_of(#{ k: [1] }); \
             event.l = a.index_of(\"b\", 1); event.m = () in a; event.n = a.index_of(2, -3); event.o = a == a; event.p = a != [\"b\"];",
            "{}"
        ),
        r#"{"i":0,"j":1,"k":2,"l":-1,"m":true,"n":1,"o":true,"p":true}"#
    );
    assert_eq!(
        after(
            "event.a.sort(); event.b.sort_desc(); event.c.dedup(); event.d = [3, 1].order();",
            r#"{"a":["b","a"],"b":[1,3,2],"c":[1,1,2,1]}"#
        ),
        r#"{"a":["a","b"],"b":[3,2,1],"c":[1,2,1],"d":[1,3]}"#
    );
    assert!(error("[1, \"a\"].sort()").message.contains("one kind"));
}

#[test]
fn a_field_of_a_map_that_is_not_there_has_advice() {
    let message = error("event.context.plan = 1;").message;
    assert!(message.contains("`plan` cannot be set on nothing") && message.contains("path::set(event"), "{message}");
    for read in ["event.b = event.properties.a.b.c;", "event.properties.a.b.c = 1;", "event.properties.a.b += 1;"] {
        let message = error(&format!("event.properties = #{{}}; {read}")).message;
        assert!(message.contains("`b` cannot be read of nothing") && message.contains("?.b"), "{read}: {message}");
    }
}
