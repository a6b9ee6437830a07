//! Handlers: which one is called, with what, and what its answer means.

use super::*;
use crate::json::Tape;
use crate::script::{Answer, LogLine};

const TRACK: &str = r#"{"type":"track","n":1,"context":{"type":"x","a":1}}"#;

fn failure(text: &str, event: &str) -> super::super::ScriptError {
    match eval(text, event) {
        Err(Failure::Error(error)) => error,
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_a_handler_changes_counts_whether_it_gives_it_back_or_not() {
    let changed = r#"{"context":{"a":1,"type":"x"},"n":2,"type":"track"}"#;
    for body in [
        "event.n = 2;",
        "event.n = 2; event",
        "event.n = 2; return event;",
        "if event.n == 1 { event.n = 2; return; } event.n = 3;",
        "event.n = 2; let event = 7;",
        "event.n = 2; [1].map(|x| event.n + x);",
    ] {
        assert_eq!(after(&format!("fn on_track(event, settings) {{ {body} }}"), TRACK), changed, "{body}");
    }
}

#[test]
fn the_value_of_a_statement_is_not_given() {
    for body in ["event.remove(\"context\");", "if true { event.remove(\"context\"); }"] {
        assert_eq!(after(&format!("fn on_track(event) {{ {body} }}"), TRACK), r#"{"n":1,"type":"track"}"#, "{body}");
    }
}

#[test]
fn a_handler_can_give_another_event_or_several_or_none() {
    let text = "fn on_track(event) { return #{ type: \"page\", of: event.n }; }";
    assert_eq!(after(text, TRACK), r#"{"of":1,"type":"page"}"#);
    let ran =
        eval("fn on_track(event) { track(#{ n: 3 }); [#{ type: \"page\" }, event] }", r#"{"type":"track","n":1}"#)
            .unwrap();
    assert!(ran.event.is_none());
    let emitted: Vec<_> = ran.emitted.iter().map(json_of).collect();
    assert_eq!(emitted, [r#"{"type":"page"}"#, r#"{"n":1,"type":"track"}"#, r#"{"n":3,"type":"track"}"#]);
    let ran = eval("fn on_track(event) { event = (); track(#{}); }", TRACK).unwrap();
    assert_eq!((ran.event.is_none(), ran.emitted.len()), (true, 1));
}

#[test]
fn an_outcome_that_is_given_is_the_end() {
    let give = |what: &str| eval(&format!("fn on_track(event) {{ track(#{{}}); return outcome::{what}; }}"), TRACK);
    assert!(matches!(give("drop(\"a test\")"), Err(Failure::Drop { reason, .. }) if reason == "a test"));
    let Err(Failure::Reject { code, reason, place, .. }) = give("reject(\"ValidationError\", \"no id\")") else {
        panic!()
    };
    assert_eq!((code, reason.as_str(), place.as_deref()), ("validation-error", "no id", Some("scripts/main.rhai:1:4")));
    assert!(matches!(give("retry(\"later\")"), Err(Failure::Retry { .. })));
    assert!(give("pass()").unwrap().event.is_some());
}

#[test]
fn an_answer_that_means_nothing_is_an_error_with_the_handlers_place() {
    for (body, message) in [
        ("7", "`on_track` gave a number instead of an event"),
        ("return false;", "`on_track` gave true or false instead of an event"),
        ("#{ a: 1 }", "`on_track` gave a map without a `type`, which is no event"),
        ("[event, 7]", "`on_track` gave a number instead of an event"),
    ] {
        let error = failure(&format!("let a = 1;\nfn on_track(event) {{ {body} }}"), TRACK);
        assert_eq!(
            (error.message.as_str(), error.place.as_deref()),
            (message, Some("scripts/main.rhai:2:4")),
            "{body}"
        );
    }
}

#[test]
fn each_type_has_its_handler_and_the_others_are_not_handled() {
    let text = "fn on_track(event) { event.by = 1; }\nfn on_set(event, settings, delivery) { event.by = `${settings.shop} ${delivery.topic}`; }";
    let script = compile(&host(Tree::new()), text).unwrap();
    assert_eq!(json_of(&run(&script, r#"{"type":"track"}"#).unwrap().event.unwrap()), r#"{"by":1,"type":"track"}"#);
    assert_eq!(
        json_of(&run(&script, r#"{"type":"set"}"#).unwrap().event.unwrap()),
        r#"{"by":"north orders/create","type":"set"}"#
    );
    for (event, handled) in
        [(TRACK, true), (r#"{"type":"page"}"#, false), (r#"{"type":7}"#, false), ("{}", false), ("7", false)]
    {
        assert_eq!(script.handles(&value(event)), handled, "{event}");
    }
    assert!(compile(&host(Tree::new()), "event.a = 1;").unwrap().handles(&value("7")));
}

#[test]
fn statements_outside_run_first_and_their_imports_and_constants_are_seen() {
    let tree = Tree::new().with("scripts/lib/m.rhai", "fn twice(x) { x * 2 }");
    let text = "import \"lib/m\" as m;\nconst RATE = 3;\nlet local = 5;\nlog::info(\"first\");\n\
        fn rate() { global::RATE }\nfn on_track(event) { let n = event.n; event.n = m::twice(n) * rate(); }";
    let script = compile(&host(tree), text).unwrap();
    for _ in 0..2 {
        let ran = run(&script, TRACK).unwrap();
        assert_eq!(json_of(&ran.event.unwrap()), r#"{"context":{"a":1,"type":"x"},"n":6,"type":"track"}"#);
        assert_eq!(ran.logs, [LogLine { level: "info", text: "first".into() }]);
    }
    // The body and the handler see the same event, one after the other.
    assert!(after("event.n += 1;\nfn on_track(e) { e.n *= 10; }", TRACK).contains("\"n\":20"));
}

#[test]
fn a_handler_can_call_another_one() {
    let text =
        "fn on_track(event) { event.by = \"t\"; event }\nfn on_page(event) { event.name = \"p\"; on_track(event) }";
    assert_eq!(after(text, r#"{"type":"page"}"#), r#"{"by":"t","name":"p","type":"page"}"#);
}

#[test]
fn a_fault_in_a_handler_names_it() {
    let error = failure("fn price(p) {\n  p.x.y\n}\nfn on_track(event) {\n  price(event);\n}", TRACK);
    assert_eq!(error.stack, ["price (scripts/main.rhai:2:7)", "on_track (scripts/main.rhai:5:3)"]);
    let error = failure("fn on_track(event) {\n  event.n.a.b = 1;\n}", TRACK);
    assert_eq!(error.stack.len(), 1, "{:?}", error.stack);
    assert!(error.stack[0].starts_with("on_track (scripts/main.rhai:2:"));
}

#[test]
fn settings_cannot_be_changed_by_a_handler() {
    let error = failure("fn on_track(event, settings) { settings.list.push(1); }", TRACK);
    assert!(error.message.contains("constant"), "{}", error.message);
}

#[test]
fn on_request_decodes_the_delivery_and_numbers_stay_as_they_came() {
    let body = br#"{"items":[{"id":820982911946154508123,"price":199.00},{"price":1E3}]}"#;
    let delivery = Delivery { body: Bytes::from_static(body), ..delivery() };
    let script = compile(
        &host(Tree::new()),
        "fn on_request(delivery, settings) {\n  identify(#{ userId: settings.shop });\n  \
         delivery.json().items.map(|item| #{ type: \"track\", event: \"Item\", properties: item })\n}",
    )
    .unwrap();
    let settings = crate::script::constant(value(r#"{"shop":"north"}"#));
    let ran = script
        .run(Input {
            event: value("{}"),
            delivery: &delivery,
            identity: "x",
            origin: Origin::default(),
            settings: &settings,
            now_ms: NOW_MS,
        })
        .unwrap();
    assert!(ran.event.is_none());
    let tape = Tape::default();
    tape.lend(ran.tape.unwrap());
    let written: Vec<_> = ran.emitted.iter().map(|value| written(value, &tape)).collect();
    assert_eq!(
        written,
        [
            r#"{"type":"identify","userId":"north"}"#,
            r#"{"event":"Item","properties":{"id":820982911946154508123,"price":199.00},"type":"track"}"#,
            r#"{"event":"Item","properties":{"price":1E3},"type":"track"}"#
        ]
    );
}

fn written(value: &Dynamic, tape: &Tape) -> String {
    let mut out = Vec::new();
    json::encode(value, tape, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

#[test]
fn on_request_says_what_is_wrong_with_a_body() {
    let script = compile(&host(Tree::new()), "fn on_request(delivery) { delivery.json(); }").unwrap();
    let settings = crate::script::constant(value("{}"));
    let delivery = Delivery { body: Bytes::from_static(b"a=1"), ..delivery() };
    let input = |event| Input {
        event,
        delivery: &delivery,
        identity: "x",
        origin: Origin::default(),
        settings: &settings,
        now_ms: NOW_MS,
    };
    let Err(Failure::Error(error)) = script.run(input(value("{}"))) else { panic!() };
    assert!(error.message.starts_with("the body of the delivery is not JSON: "), "{}", error.message);
    let host = host(Tree::new());
    let caught = compile(&host, "fn on_request(d) { try { d.json() } catch { track(d.form()) } return; }").unwrap();
    let ran = caught.run(input(value("{}"))).unwrap();
    assert_eq!(json_of(&ran.emitted[0]), r#"{"a":"1","type":"track"}"#);
}

/// What `on_batch` answers for three events: a letter each, or the failure of all.
fn batch(body: &str) -> Result<Vec<String>, String> {
    let script = compile(&host(Tree::new()), &format!("fn on_batch(events, settings) {{ {body} }}")).unwrap();
    let events = r#"[{"type":"track","n":0},{"type":"page","n":1},{"type":"track","n":2}]"#;
    let settings = crate::script::constant(value("{}"));
    let input = Input {
        event: value(events),
        delivery: &delivery(),
        identity: "x",
        origin: Origin::default(),
        settings: &settings,
        now_ms: NOW_MS,
    };
    let short = |failure: Failure| match failure {
        Failure::Drop { reason, .. } => format!("drop {reason}"),
        Failure::Reject { code, reason, .. } => format!("{code} {reason}"),
        Failure::Retry { reason, .. } => format!("retry {reason}"),
        Failure::Need => "need".to_owned(),
        Failure::Error(error) => error.message,
    };
    let answers = script.run_batch(input).map_err(short)?.answers;
    let one = |answer| match answer {
        Ok(Answer::Event(event)) => json_of(&event),
        Ok(Answer::Events(events)) => events.iter().map(json_of).collect::<Vec<_>>().join(" + "),
        Err(failure) => short(failure),
    };
    Ok(answers.into_iter().map(one).collect())
}

#[test]
fn on_batch_answers_by_position() {
    let same = [r#"{"n":0,"type":"track"}"#, r#"{"n":1,"type":"page"}"#, r#"{"n":2,"type":"track"}"#];
    assert_eq!(batch("").unwrap(), same);
    assert_eq!(batch("events").unwrap(), same);
    assert_eq!(batch("return outcome::pass();").unwrap(), same);
    assert_eq!(batch("[(), outcome::pass(), ()]").unwrap(), same);
    assert_eq!(batch("for i in 0..events.len() { events[i].n = 7; }").unwrap()[1], r#"{"n":7,"type":"page"}"#);
    assert_eq!(
        batch("[outcome::drop(\"x\"), [events[1], events[0]], outcome::reject(\"ValidationError\", \"y\")]").unwrap(),
        ["drop x", r#"{"n":1,"type":"page"} + {"n":0,"type":"track"}"#, "validation-error y"]
    );
    assert_eq!(batch("events[1] = ();").unwrap()[1], "");
    assert_eq!(
        batch("[(), outcome::retry(\"busy\"), #{ type: \"x\" }]").unwrap()[1..],
        ["retry busy", r#"{"type":"x"}"#]
    );
}

#[test]
fn an_answer_of_on_batch_that_means_nothing_names_the_position() {
    let message = batch("events.pop(); events").unwrap_err();
    assert_eq!(message, "`on_batch` answered for 2 of 3 events: there is nothing for the one at position 2");
    assert!(batch("events + [()]").unwrap_err().contains("none stands at position 3"));
    assert_eq!(batch("7").unwrap_err(), "`on_batch` gave a number instead of an array");
    let some = batch("[(), 7, #{}]").unwrap();
    assert_eq!(some[0], r#"{"n":0,"type":"track"}"#, "what is well answered goes on");
    assert_eq!(some[1], "`on_batch` gave a number instead of an event, for the event at position 1");
    assert_eq!(some[2], "`on_batch` gave a map without a `type`, which is no event, for the event at position 2");
    let lost = batch("events.pop(); [(), #{ type: \"x\" }, ()]").unwrap();
    assert!(lost[2].contains("changed the number of `events`"), "{lost:?}");
    assert_eq!(batch("drop(\"all\")").unwrap_err(), "drop all");
    assert_eq!(batch("return outcome::reject(\"no\");").unwrap_err(), "rejected no");
    assert_eq!(batch("throw \"no\"").unwrap_err(), "no");
}
