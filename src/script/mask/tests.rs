//! Scripts and what they read.

use std::sync::Arc;

use crate::script::{Host, Limits, Unit};
use crate::tree::Tree;

const MODULE: &str = r#"
    fn map.amount(name, set) { if set { this[name + "_set"].amount } else { this[name] } }
    fn title(item) { item.names.title }
    fn deep(item) { if item.next == () { item.here.value } else { deep(item.next) } }
    fn pass(item) { item }
"#;

fn reads(text: &str) -> String {
    let tree = Arc::new(Tree::new().with("scripts/lib/m.rhai", MODULE));
    let host = Host::new(&tree, Limits::default());
    let text = &format!("import \"lib/m\" as m;\n{text}");
    let unit = Unit { file: "s.rhai", text, node: None, file_text: text };
    let script = host.script(&unit, &mut Vec::new()).unwrap_or_else(|problems| panic!("{text}: {problems:?}"));
    script.reads().to_string()
}

#[test]
fn a_mask_has_what_is_read_and_no_more() {
    let cases = [
        ("", "{}"),
        ("event.a = 1;", "{}"),
        ("event.a.b = 1;", "{a{}}"),
        ("event.a.b += 1;", "{a{b*}}"),
        ("let x = event.a.b; print(x);", "{a{b*}}"),
        ("let x = event.a; let _y = x.b.c;", "{a{b{}}}"),
        ("let x = event.a.trim();", "{a*}"),
        ("if event.a == () { event.b = 1; }", "{}"),
        ("if event.a == event.b { event.c = 1; }", "{a*, b*}"),
        ("if event.a.b == \"x\" { drop(\"x\"); }", "{a{b*}}"),
        ("let x = event?.a?.b ?? event.c; print(x.d);", "{a{b{d*}}, c{d*}}"),
        ("for p in event.list { print(p.price); p.tax = 1; }", "{list{[{price*}]}}"),
        ("for (p, i) in event.list { print(event.list[i].a[0].b); }", "{list{[{a{[{b*}]}}]}}"),
        ("for i in 0..2 { print(event.list[i].a); }", "{list{[{a*}]}}"),
        ("print(event[\"a\"].b);", "{a{b*}}"),
        ("let k = \"a\"; print(event[k].b);", "{a{b*}}"),
        ("let k = settings.key; print(event.a[k]);", "{a*}"),
        ("event.x = event.a;", "{a*}"),
        ("let a = event.a; a.x = 1; event.a = a;", "{a{}}"),
        ("let a = event.a; a.x = 1; event.b = a;", "{a*}"),
        ("event = event.a;", "{a*}"),
        ("let event = event.a; print(event.b);", "{a*, b*}"),
        ("event = #{ a: event.a.b, c: [event.d.e] };", "{a{b*}, d{e*}}"),
        ("track(#{ event: event.a, properties: event.b });", "{a*, b*}"),
        ("emit(event);", "*"),
        ("print(event);", "*"),
        ("for k in event.keys() { print(k); }", "{}"),
        ("print(event.a.keys()); print(event.b.len); print(event.c.is_empty());", "{a{}, b{len*}, c{}}"),
        ("print(\"x\" in event.a); print(event.c in event.b);", "{a{}, b*, c*}"),
        ("event.remove(\"a\"); event.b.remove(\"c\");", "{b{}}"),
        ("let a = event.remove(\"a\"); print(a.b);", "{a{b*}}"),
        ("let a = path::get(event, \"a.b[0].c\"); print(a.d); path::set(event, \"e.f\", 1);", "{a{b{[{c{d*}}]}}, e{}}"),
        ("print(path::get(event, settings.way));", "*"),
        ("print(event.a.filter(|x| x.b));", "{a*}"),
        ("let f = |x| x.b; print(f.call(event.a));", "{a*}"),
        ("let a = event.a; let f = || a.b; print(f.call());", "{a*}"),
        ("print(event.a.amount(\"total\", true));", "{a{total*, total_set{amount*}}}"),
        ("print(event.amount(settings.name, false));", "*"),
        ("print(m::title(event.a)); print(m::pass(event.b).c);", "{a{names{title*}}, b{c*}}"),
        ("fn own(x) { return x.a; } print(own(event.b).c); print(own(event.d));", "{b{a{c*}}, d{a*}}"),
        ("fn own() { this.a.b } print(event.c.own());", "{c{a{b*}}}"),
        ("let x = switch event.t { \"a\" => event.a, _ => event.b }; print(x.c);", "{a{c*}, b{c*}, t*}"),
        ("let x = if event.t { event.a } else { event.b }; print(x.c);", "{a{c*}, b{c*}, t*}"),
        ("print(type_of(event.a)); if type_of(event.b.c) == \"map\" { event.d = 1; }", "{a{}, b{c{}}}"),
        ("print(`${event.a.b}`);", "{a{b*}}"),
        ("event.a.push(event.b); print(event.c.pop().d);", "{a{}, b*, c{[{d*}]}}"),
        ("while event.a.b > 1 { event.a.b -= 1; }", "{a{b*}}"),
        ("try { print(event.a.b); } catch { print(1); }", "*"),
        ("print(event.a.tag);", "*"),
        ("let m = #{ f: || this.secret }; m.f();", "*"),
        ("event.f = |x| x; event.f(event.a);", "*"),
        ("let f = Fn(\"print\"); f.call(event.a);", "*"),
        ("fn on_track(event, settings) { print(event.a.b); event.c }", "{a{b*}, c*}"),
        ("fn on_request(delivery) { [] }", "*"),
    ];
    let wrong: Vec<String> = cases
        .iter()
        .filter(|(script, expected)| reads(script) != *expected)
        .map(|(script, expected)| format!("{script}\n  reads {}\n  not   {expected}", reads(script)))
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_function_that_goes_down_by_itself_ends_the_walk() {
    let reads = reads("print(m::deep(event.a));");
    assert!(reads.starts_with("{a{here{value*}, next{here{value*}, next{"), "{reads}");
}
