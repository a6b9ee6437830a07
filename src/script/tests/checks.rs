//! What is found without running a script, and where it is shown.

use super::*;
use crate::yaml;

/// All problems of a script: code, `line:column`, help.
pub(super) fn problems(text: &str) -> Vec<(String, String, String)> {
    problems_in(Tree::new(), text)
}

fn problems_in(tree: Tree, text: &str) -> Vec<(String, String, String)> {
    let mut found = Vec::new();
    if let Err(errors) = host(tree).script(&unit("scripts/main.rhai", text), &mut found) {
        found.extend(errors);
    }
    let place =
        |diag: &Diag| diag.line_column(text).map(|(line, column)| format!("{line}:{column}")).unwrap_or_default();
    found.iter().map(|diag| (diag.code.to_string(), place(diag), diag.help.clone().unwrap_or_default())).collect()
}

fn one(text: &str) -> (String, String, String) {
    let found = problems(text);
    assert_eq!(found.len(), 1, "{text}: {found:?}");
    found.into_iter().next().unwrap()
}

pub(super) fn expect(text: &str, code: &str, place: &str, help: &str) {
    let (have_code, have_place, have_help) = one(text);
    assert_eq!((have_code.as_str(), have_place.as_str()), (code, place), "{text}");
    assert!(have_help.contains(help), "{text}: {have_help}");
}

#[test]
fn one_mistake_does_not_hide_the_others() {
    let text = "event.a = evnt.b;\nfn f(a) { a + gone }\nevent.b = f(1) + foo(2);\nevent.c = money::ad(1, 2) + evnt.c + other;";
    let found: Vec<_> = problems(text).into_iter().map(|(code, place, _)| format!("{code} {place}")).collect();
    let expected = [
        "unknown-variable 2:15",
        "unknown-variable 1:11",
        "unknown-variable 4:38",
        "unknown-function 3:18",
        "unknown-function 4:18",
    ];
    for expected in expected {
        assert!(found.iter().any(|found| found == expected), "{expected}: {found:?}");
    }
    assert_eq!(found.len(), expected.len(), "{found:?}");
    let unknown = "a + b + c + a";
    let Err(problems) = host(Tree::new()).expression(&unit("pipelines/x.yaml", unknown), &mut Vec::new()) else {
        panic!("compiled")
    };
    assert_eq!(problems.len(), 3, "{problems:?}");
}

#[test]
fn mistakes_are_named_with_their_place_and_a_suggestion() {
    expect("let a = ;\nevent.a = a;", "script-syntax", "1:9", "");
    expect("event.a = evnt.b;", "unknown-variable", "1:11", "did you mean `event`?");
    expect("let total = 1;\nevent.a = totl + total;", "unknown-variable", "2:11", "did you mean `total`?");
    expect("fn f() { event.a }\nf();", "unknown-variable", "1:10", "as an argument");
    expect("event.a = hsh::sha256(\"x\");", "unknown-namespace", "1:11", "did you mean `hash`?");
    expect("event.a = hash::sha265(\"x\");", "unknown-function", "1:17", "did you mean `hash::sha256`?");
    expect("event.a = sha256(\"x\");", "unknown-function", "1:11", "did you mean `hash::sha256`?");
    expect("event.a = event.b.to_uper();", "unknown-function", "1:19", "did you mean `to_upper`?");
    expect("fn price(p) { p }\nevent.a = prise(1);", "unknown-function", "2:11", "did you mean `price`?");
    expect("fn price(p) { p }\nevent.a = price(1, 2);", "wrong-arguments", "2:11", "");
    expect("event.a = hash::sha256();", "wrong-arguments", "1:17", "hash::sha256(text) -> text");
    expect("event.a = event.b.replace(\"x\");", "wrong-arguments", "1:19", "");
    expect("settings.a = 1;", "constant-assigned", "1:1", "copy it first");
    expect("sleep(1);", "unknown-function", "1:1", "cannot wait");
    expect("event.a = timestamp();", "unknown-function", "1:11", "time::now()");
    expect("eval(\"1\");", "script-syntax", "1:1", "");
    expect("event.a = table::get(\"tables/none.csv\", 1);", "table", "1:18", "");
    expect("event.a = regex::is_match(event.b, `(`);", "bad-regex", "1:18", "");
    expect("path::set(event.properties, \"a\", 1);", "changes-a-copy", "1:7", "variable");
}

#[test]
fn who_writes_javascript_is_told_what_it_is_here() {
    expect("event.a = null;", "script-syntax", "1:11", "()");
    expect("event.a = event.b ? 1 : 2;", "script-syntax", "1:19", "choose with if");
    expect("event.a = 'abc';", "script-syntax", "1:11", "double quotes");
    expect("if event.a === 1 { }", "script-syntax", "1:12", "compare with ==");
    expect("if (event.a == 1) event.b = 2;", "script-syntax", "1:19", "braces");
    expect("event.a = 1\nevent.b = 2;", "script-syntax", "2:1", "`;`");
    expect("event.a = undefined;", "unknown-variable", "1:11", "()");
    expect("event.a = [...event.b];", "script-syntax", "1:12", "with +");
    expect("event.a = #{ ...event.b };", "script-syntax", "1:14", "with +");
    expect("event.a = event.b.includes(1);", "unknown-function", "1:19", "contains(x)");
    expect("event.a = event.b.toLowerCase();", "unknown-function", "1:19", "to_lower()");
    // The method of a name that nothing has is not spoken of beside it.
    expect("Segment.track(#{ event: \"a\" });", "unknown-variable", "1:1", "track(#{");
    expect("event.a = Object.keys(event);", "unknown-variable", "1:11", "map.keys()");
    expect("event.a = Math.round(1.5);", "unknown-variable", "1:11", "x.round()");
    for (text, help) in [("delete event.a;", "remove("), ("if event.a == 1 { } elif event.b { }", "else if")] {
        let found = problems(text);
        assert!(found[0].2.contains(help), "{text}: {found:?}");
    }
    expect(
        "fn f(a) { let line = a; line }\nfn g(a) { a + line }\nevent.a = f(1) + g(2);",
        "unknown-variable",
        "2:15",
        "`this`",
    );
}

#[test]
fn several_mistakes_are_told_at_once() {
    let found = problems("event.a = foo(1);\nevent.b = hash::md6(\"x\");\nlet unused = 1;\n");
    let codes: Vec<_> = found.iter().map(|(code, ..)| code.as_str()).collect();
    assert_eq!(codes, ["unused-variable", "unknown-function", "unknown-function"]);
}

#[test]
fn things_that_are_fine_are_not_complained_about() {
    for script in [
        "let f = |x| x + 1; event.a = f.call(1); let g = f; event.b = g.call(2);",
        "let m = #{ double: |x| x * 2 }; event.a = m.double(4);",
        "fn f(x) { x } event.a = f(1); event.b = [1, 2].map(|v| f(v)).filter(|v| v > 1);",
        "fn inc() { this + 1 } event.a = event.n.inc();",
        "const RATE = 2; event.a = event.n * RATE;",
        "let _unused = 1;",
        "event.a = delivery.header(\"x\"); event.b = delivery.query(\"y\"); event.c = delivery.queries(\"z\");",
        "event.a = event.n.to_string().len(); event.b = type_of(event); event.c = is_def_fn(\"f\", 1);",
        "if \"a\" in event { event.b = event.a; }",
        "switch event.n { 1 => event.a = 1, _ => event.a = 2 }",
        "let f = Fn(\"abs\"); event.a = f.call(-1);",
        "for (p, i) in [1, 2] { event[`k${i}`] = p; }",
        "let n = 1; let f = |x| x + n; event.a = f.call(1);",
        "event.take(\"n\"); take(event, \"m\"); event.tags = text::split(event.tags, \",\");",
    ] {
        assert_eq!(problems(script), [], "{script}");
    }
}

#[test]
fn warnings_do_not_keep_a_script_from_running() {
    let mut warnings = Vec::new();
    let host = host(Tree::new());
    let text = "let event = #{ a: 1 }; let b = 2;";
    let script = host.script(&unit("scripts/main.rhai", text), &mut warnings).unwrap();
    let codes: Vec<_> = warnings.iter().map(|diag| diag.code).collect();
    assert_eq!(codes, ["unused-variable", "shadowed-name"]);
    assert_eq!(json_of(&run(&script, "{}").unwrap().event.unwrap()), r#"{"a":1}"#);
}

#[test]
fn an_inline_script_is_shown_in_its_yaml_file() {
    let file = "steps:\n  - script:\n      inline: |\n        event.a = 1;\n        event.b = evnt.c;\n";
    let node = yaml::parse("pipelines/a.yaml", file).0.unwrap();
    let inline = node.get("steps").unwrap().as_list().unwrap()[0].get("script").unwrap().get("inline").unwrap();
    let host = host(Tree::new());
    let unit = Unit { file: "pipelines/a.yaml", text: inline.as_text().unwrap(), node: Some(inline), file_text: file };
    let problems = host.script(&unit, &mut Vec::new()).err().unwrap();
    assert_eq!(problems[0].line_column(file), Some((5, 19)));
    assert_eq!(&file[problems[0].span.clone().unwrap()], "evnt");
    // And so is a fault while it runs.
    let file = file.replace("evnt.c", "event.c.d");
    let node = yaml::parse("pipelines/a.yaml", &file).0.unwrap();
    let inline = node.get("steps").unwrap().as_list().unwrap()[0].get("script").unwrap().get("inline").unwrap();
    let unit = Unit { file: "pipelines/a.yaml", text: inline.as_text().unwrap(), node: Some(inline), file_text: &file };
    let script = host.script(&unit, &mut Vec::new()).unwrap_or_else(|problems| panic!("{problems:?}"));
    let Err(Failure::Error(fault)) = run(&script, "{}") else { panic!() };
    assert!(fault.place.as_deref().unwrap().starts_with("pipelines/a.yaml:5:"), "{fault:?}");
    assert!(host.files().is_empty(), "an inline script is no file of its own");
}

#[test]
fn the_table_of_builtins_is_for_the_rhai_that_is_locked() {
    // When this fails, make the table in builtins.rs again as its first lines say.
    let lock = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.lock"));
    assert!(lock.contains("name = \"rhai\"\nversion = \"1.27."), "Rhai has changed");
    assert!(crate::script::builtins::BUILTINS.is_sorted_by_key(|(name, _)| *name));
}

#[test]
fn handlers_that_would_never_be_called_as_meant_are_told() {
    expect("fn on_trak(event) { event.a = 1; }", "unknown-handler", "1:4", "did you mean `on_track`?");
    expect("fn onIdentify(event) {}", "unknown-handler", "1:4", "did you mean `on_identify`?");
    expect("let a = 1; fn\n  on_indentify(event) {}\nevent.a = a;", "unknown-handler", "2:3", "on_identify");
    expect("fn on_track() {}", "wrong-parameters", "1:4", "write fn on_track(event, settings, delivery)");
    expect("fn on_track(a, b, c, d) {}", "wrong-parameters", "1:4", "last ones can be left out");
    expect("fn on_track(event, delivery) {}", "wrong-parameters", "1:20", "(event, settings, delivery)");
    expect("fn on_request(event) {}", "wrong-parameters", "1:15", "(delivery, settings)");
    expect("fn on_batch(event) {}", "wrong-parameters", "1:13", "(events, settings, delivery)");
    expect("fn on_track(e) {}\nfn on_track(e, s) {}", "handler-twice", "2:4", "keep the one");
    expect("fn on_request(d) {}\nfn on_track(e) {}", "handler-alone", "2:4", "later step");
    expect("event.a = 1;\nfn on_track(event) {}", "body-and-handlers", "1:1", "move what concerns");
}

#[test]
fn handlers_as_they_are_meant_are_fine() {
    for text in [
        "import \"lib/m\" as m;\nconst A = 1;\nfn on_track(e, s, d) { e.a = m::f(d.topic) + s.b + global::A; }\nfn on_page(event) {}",
        "fn on_batch(events, settings, delivery) { events }\nfn on_track(event, settings) { event }",
        "fn on_request(delivery, settings) { track(delivery.json()) }",
        "private fn on_track(event) { event.a = 1; }",
        // Called, or nothing like a handler.
        "fn on_trak(event) { event }\nevent = on_trak(event);",
        "fn one(x) { x }\nfn f(event) { one(event) }\nevent.a = f(event);",
    ] {
        let tree = Tree::new().with("scripts/lib/m.rhai", "fn f(x) { x }");
        assert_eq!(problems_in(tree, text), [], "{text}");
    }
}

#[test]
fn a_function_with_a_parameter_of_the_name_of_a_given_variable_does_not_vouch_for_others() {
    let text = "fn a(event) { event.x }\nfn b(x) { event.x + x }\nfn c(event) { event.y }\nevent.z = a(event) + b(1) + c(event);";
    expect(text, "unknown-variable", "2:11", "as an argument");
}

#[test]
fn names_that_nothing_uses_are_told_function_by_function() {
    expect(
        "fn f(a) { let x = a; x }\nfn g(a) { let x = a; a }\nevent.a = f(1) + g(2);",
        "unused-variable",
        "2:15",
        "`_x`",
    );
    expect("if event.a { let x = 1; }\nlet x = 2; event.b = x;", "unused-variable", "1:18", "");
    expect("try { event.a = 1; } catch { let x = 1; }", "unused-variable", "1:34", "");
    expect("switch event.a { 1 => { let x = 1; }, _ => () }", "unused-variable", "1:29", "");
    expect("event.a = if event.b { let x = 1; 2 } else { 3 };", "unused-variable", "1:28", "");
    expect("[1].for_each(|i| { let x = i; });", "unused-variable", "1:24", "");
    expect("fn help(a) { a }\nevent.a = 1;", "unused-function", "1:4", "remove it");
    expect("fn map.help() { this.a }\nevent.a = 1;", "unused-function", "1:8", "remove it");
    let module = |text: &str| {
        let tree = Tree::new().with("scripts/m.rhai", text);
        problems_in(tree, "import \"m\" as m;\nevent.a = m::f(1);")
            .into_iter()
            .map(|(code, ..)| code)
            .collect::<Vec<_>>()
    };
    assert_eq!(module("import \"m2\" as m2;\nfn f(x) { x }"), ["unused-import", "import-missing"]);
    assert_eq!(
        module("private fn g(x) { x }\nfn f(x) { let y = x; x }\nfn h(x) { x }"),
        ["unused-variable", "unused-function"]
    );
    assert_eq!(module("const A = 1; const B = 2;\nfn f(x) { global::A + x }"), ["unused-variable"]);
    assert_eq!(module("private fn g(x) { x }\nexport const C = 1;\nfn f(x) { [x].map(g) }"), [""; 0]);
}

#[test]
fn a_variable_that_hides_another_is_told() {
    expect(
        "let x = 1;\nif event.a { let x = 2; event.b = x; }\nevent.c = x;",
        "shadowed-variable",
        "2:18",
        "write `x = …`",
    );
    expect(
        "fn f(x) { for i in 0..2 { let x = i; event_of(x); } x }\nfn event_of(y) { y }\nevent.a = f(1);",
        "shadowed-variable",
        "1:31",
        "",
    );
    expect("let event = #{};\nevent.a = 1;", "shadowed-name", "1:5", "");
    expect("fn on_track(event) { let event = #{}; event.a = 1; }", "shadowed-name", "1:26", "");
    for fine in [
        "let x = event.a; let x = text::trim(x); event.b = x;",
        "fn f(x) { let x = text::trim(x); x }\nevent.a = f(event.b);",
        "if event.a { let x = 1; event.b = x; } else { let x = 2; event.b = x; }\nlet x = 3; event.c = x;",
        "let x = 1;\nif event.a { let _x = 2; }\nevent.c = x;",
        "fn f() { let event = #{ a: 1 }; event.a }\nevent.a = f();",
    ] {
        assert_eq!(problems(fine), [], "{fine}");
    }
}

#[test]
fn fields_that_a_message_does_not_have_are_told() {
    expect("identify(#{ userId: \"u\", properties: #{} });", "unknown-field", "1:26", "did you mean `traits`?");
    expect(
        "track(map::compact(#{ event: \"a\", user_id: \"u\" }));",
        "unknown-field",
        "1:35",
        "did you mean `userId`?",
    );
    expect("let a = #{ userId: \"u\" };\npage(a + #{ title: \"x\" });", "unknown-field", "2:13", "name, category");
    expect("set_object(#{ collection: \"a\", id: 1, traits: #{} });", "unknown-field", "1:39", "`properties`?");
    for fine in [
        "group(#{ groupId: \"g\", userId: \"u\", traits: #{ properties: 1 }, context: #{ x: 1 } });",
        "emit(#{ type: \"own\", anything: 1 });",
        "fn track(message) { message.a }\nevent.x = track(#{ a: 1 });",
        "set_object(\"a\", 1, #{ traits: 1 });",
    ] {
        assert_eq!(problems(fine), [], "{fine}");
    }
}

#[test]
fn misspelt_fields_and_headers_are_told() {
    expect("event.proprties.a = 1;", "unknown-field", "1:7", "did you mean `properties`?");
    expect("event.user_id = \"u\";", "unknown-field", "1:7", "did you mean `userId`?");
    expect("event.ID = \"u\";", "unknown-field", "1:7", "did you mean `id`?");
    expect("fn on_identify(event) { event.trait.email = (); }", "unknown-field", "1:31", "did you mean `traits`?");
    expect("event.a = event[\"contxt\"].ip;", "unknown-field", "1:17", "did you mean `context`?");
    expect("event.a = delivery.headers[\"X-Topic\"];", "header-case", "1:28", "delivery.header(\"X-Topic\")");
    expect(
        "fn on_track(event) { event.a = settings.b; }",
        "unknown-variable",
        "1:32",
        "fn on_track(event, settings, delivery)",
    );
    assert_eq!(
        problems(
            "event.shop = event.order; event.d = event.idx; event.rd = 1; event.a = event.properties.proprties; event.b = delivery.headers[\"x-a\"];"
        ),
        []
    );
    let mut found = Vec::new();
    host(Tree::new()).expression(&unit("pipelines/x.yaml", "event.evnt == 1"), &mut found).ok().unwrap();
    assert_eq!(found[0].help.as_deref(), Some("did you mean `event`?"));
}

#[test]
fn an_open_text_is_shown_where_it_begins() {
    expect("event.a = \"x;\nevent.b = 1;", "script-syntax", "1:11", "ends with the sign");
    expect("event.a = `x ${event.b}\n y;", "script-syntax", "1:11", "ends with the sign");
    expect("event.a = 'x;", "script-syntax", "1:11", "");
    let text =
        "steps:\n  - script:\n      inline: |\n        event.a = 1;\n        event.b = \"x;\n        event.c = 2;\n";
    let (node, _) = yaml::parse("p.yaml", text);
    let inline = node.unwrap();
    let step = inline.get("steps").unwrap().as_list().unwrap()[0].get("script").unwrap().get("inline").unwrap();
    let unit = Unit { file: "p.yaml", text: step.as_text().unwrap(), node: Some(step), file_text: text };
    let found = host(Tree::new()).script(&unit, &mut Vec::new()).err().unwrap();
    let span = found[0].span.clone().unwrap();
    assert_eq!(&text[span], "\"x;", "the caret stays in the line of the text");
}

#[test]
fn a_brace_that_is_never_closed_is_shown() {
    for (text, place) in [
        ("if event.a { event.b = 2;\nevent.c = 1;", "1:12"),
        ("fn f(a) {\n  if a { 1 }\nevent.b = f(true);", "1:9"),
        ("event.a = \"}\"; // }\nfor x in [1] { event.b = `}`;", "2:14"),
        ("event.a = #{ b: 1, c: 2", "1:12"),
    ] {
        let (code, at, help) = one(text);
        assert_eq!((code.as_str(), at.as_str()), ("script-syntax", place), "{text}");
        assert!(help.contains("`}`"), "{text}: {help}");
    }
    expect("let a = 1 event.b = a;", "script-syntax", "1:11", "needs a `;`");
}

#[test]
fn kinds_of_rejections_that_there_are_not_are_told() {
    expect("reject(\"EventNotSuported\", \"x\");", "unknown-kind", "1:1", "did you mean `EventNotSupported`?");
    expect("fn on_track(e) { outcome::reject(\"stock\", \"none\") }", "unknown-kind", "1:27", "kinds are");
    for fine in [
        "reject(\"no stock\");",
        "reject(\"validation-error\", \"x\");",
        "reject(event.kind, \"x\");",
        "fn reject(a, b) { drop(a + b); }\nreject(\"stock\", \"none\");",
    ] {
        assert_eq!(problems(fine), [], "{fine}");
    }
}
