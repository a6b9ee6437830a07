//! Functions of the same name in different files, and methods that are called inside their module and outside in one run.

use super::*;

fn given(tree: Tree, text: &str) -> String {
    let script = compile(&host(tree), text).unwrap_or_else(|problems| panic!("{problems:?}"));
    json_of(&run(&script, "{}").unwrap().event.unwrap())
}

#[test]
fn a_method_has_its_imports_and_functions_wherever_it_was_called_before() {
    let tree = Tree::new().with("scripts/n.rhai", "fn g(x) { x + 1 }").with(
        "scripts/m.rhai",
        "import \"n\" as n;\nconst ADD = 5;\nprivate fn two() { 2 }\nfn map.f() { n::g(two()) + global::ADD }\n\
             fn thrice(x) { [x.f(), x?.f(), x.f()] }",
    );
    let text = "import \"m\" as m;\nlet x = #{};\nevent.inside = m::thrice(x);\nevent.outside = [x.f(), x.f(), x.f()];";
    assert_eq!(given(tree, text), r#"{"inside":[8,8,8],"outside":[8,8,8]}"#);
}

#[test]
fn each_file_calls_its_own_function_of_a_name() {
    let tree = Tree::new()
        .with("scripts/a.rhai", "fn name(x) { `a${x}` }\nfn all(x) { [name(x), name(x), `${name(x)}`] }")
        .with("scripts/b.rhai", "private fn name(x) { `b${x}` }\nfn all(x) { [1, 2, 3].map(|v| name(v)) + [name(x), name(x)] }")
        .with("scripts/c.rhai", "import \"a\" as a;\nfn name(x) { a::all(x)[0] + \"c\" }\nfn all(x) { [name(x), name(x), x.name(1)] }\nfn int.name(y) { `int${this}` }");
    let text = "import \"a\" as a;\nimport \"b\" as b;\nimport \"c\" as c;\nfn name(x) { `main${x}` }\n\
                event.a = a::all(1);\nevent.b = b::all(1);\nevent.c = c::all(1);\nevent.main = [name(1), name(1)];\n\
                event.again = [a::all(2), b::all(2), a::name(3), c::name(3)];\nevent.by_name = [[1].map(Fn(\"name\")), [1].map(name)];";
    let expected = concat!(
        r#"{"a":["a1","a1","a1"],"again":[["a2","a2","a2"],["b1","b2","b3","b2","b2"],"a3","a3c"],"#,
        r#""b":["b1","b2","b3","b1","b1"],"by_name":[["main1"],["main1"]],"c":["a1c","a1c","int1"],"main":["main1","main1"]}"#
    );
    assert_eq!(given(tree, text), expected);
}

#[test]
fn a_variable_may_be_named_like_a_function() {
    let tree = Tree::new().with(
        "scripts/a.rhai",
        "fn total(x) { x * 2 }\nfn f(total) { let name = total; for total in [1] { name += total; } total(name) + total }\n\
         fn name() { [5].map(total) }\nfn g() { #{ total: [|total| total + 1, total].map(|f| f.call(4)), name: name() } }",
    );
    assert_eq!(
        given(tree, "import \"a\" as a;\nlet total = 1;\nevent.f = a::f(3) + total;\nevent.g = a::g();"),
        r#"{"f":12,"g":{"name":[10],"total":[5,8]}}"#
    );
}

#[test]
fn a_function_that_is_handed_on_is_the_one_of_the_file() {
    let tree = Tree::new().with("scripts/n.rhai", "fn name(x) { `n${x}` }\nfn apply(f) { [f.call(1), f.call(1), name(2)] }").with(
        "scripts/a.rhai",
        "import \"n\" as n;\nfn name(x) { `a${x}` }\nfn all() { [[5].map(name), n::apply(name), n::apply(|x| name(x))] }\n\
         fn made() { let f = Fn(\"name\"); [f.call(1), f.call(2), [3].map(f)] }",
    );
    let text = "import \"a\" as a;\nfn name(x) { `main${x}` }\nevent.all = a::all();\nevent.made = a::made();\n\
                event.main = [name(1), [2].map(name), [3].map(Fn(\"name\"))];";
    let expected = concat!(
        r#"{"all":[["a5"],["a1","a1","n2"],["a1","a1","n2"]],"made":["a1","a2",["a3"]],"#,
        r#""main":["main1",["main2"],["main3"]]}"#
    );
    assert_eq!(given(tree, text), expected);
}

#[test]
fn handlers_call_the_functions_of_their_own_script() {
    let tree = Tree::new().with("scripts/a.rhai", "fn name(x) { 1 }\nfn all(x) { [name(x), name(x), name(x)] }");
    let text =
        "import \"a\" as a;\nfn name(x) { 2 }\nfn on_track(event) { event.a = a::all(1); event.own = name(1); event }";
    let script = compile(&host(tree), text).unwrap();
    let ran = run(&script, r#"{"type":"track"}"#).unwrap();
    assert_eq!(json_of(&ran.event.unwrap()), r#"{"a":[1,1,1],"own":2,"type":"track"}"#);
}

#[test]
fn faults_name_functions_and_places_as_they_are_written() {
    let tree = Tree::new().with(
        "scripts/a.rhai",
        "fn map.inner() {\n  throw \"no\"\n}\nfn outer(x) {\n  x.inner()\n}\nfn wrong(x) { x.inner() }",
    );
    let host = host(tree);
    let script = compile(&host, "import \"a\" as a;\na::outer(event);").unwrap();
    let Err(Failure::Error(fault)) = run(&script, "{}") else { panic!() };
    assert_eq!(fault.place.as_deref(), Some("scripts/a.rhai:2:3"));
    assert_eq!(fault.stack[..2], ["inner (scripts/a.rhai:2:3)", "outer (scripts/a.rhai:5:5)"]);
    let script = compile(&host, "import \"a\" as a;\na::wrong(1);").unwrap();
    let Err(Failure::Error(fault)) = run(&script, "{}") else { panic!() };
    assert_eq!(fault.message, "`inner` cannot be called with a number");
    let suggested = compile(&host, "import \"a\" as a;\na::innr(1);\nevent.inne();").err().unwrap();
    assert!(suggested.iter().all(|diag| !format!("{diag:?}").contains("__own")), "{suggested:?}");
}

#[test]
fn a_method_that_a_module_calls_has_a_name_of_its_own() {
    let tree = || {
        Tree::new()
            .with("scripts/a.rhai", "fn map.trim() { this.x }\nfn f(x) { x.trim() }")
            .with("scripts/b.rhai", "fn map.trim() { this.x }\nfn array.other() { 1 }")
            .with("scripts/c.rhai", "import \"b\" as b;\nfn map.other() { 2 }\nfn f(x) { x.other() }")
    };
    let fails = |text| compile(&host(tree()), text).err().map(|found| (found[0].code, found[0].file.clone()));
    let told = |file: &str| Some(("ambiguous-method", Some(file.to_owned())));
    assert_eq!(fails("import \"a\" as a;\na::f(\"\");"), told("scripts/a.rhai"));
    assert_eq!(fails("import \"c\" as c;\nc::f(event);"), told("scripts/c.rhai"));
    assert_eq!(fails("import \"b\" as b;\nevent.trim();"), None);
}

#[test]
fn a_name_that_could_be_that_of_another_file_is_told() {
    let tree = || {
        Tree::new()
            .with("scripts/a.rhai", "fn map.total() { 1 }")
            .with("scripts/b.rhai", "fn map.total() { 2 }\nfn f(x) { x.total() }")
            .with("scripts/c.rhai", "import \"b\" as b;\nfn f(x) { x.total() }")
            .with(
                "scripts/d.rhai",
                "import \"trims\" as trims;\nfn trim(x, y) { x }\nfn map.keys() { [] }\nfn f(x) { trims::f(x) }",
            )
            .with("scripts/round.rhai", "import \"trims\" as trims;\nfn round(x) { x }\nfn f(x) { trims::f(x) }")
            .with("scripts/trims.rhai", "fn f(x) { round(x) }")
            .with("scripts/keys.rhai", "fn f(x) { x.keys() }")
    };
    let told = |text: &str| {
        let found = compile(&host(tree()), text).err().unwrap_or_default();
        found.iter().map(|diag| (diag.code, diag.message.clone())).collect::<Vec<_>>()
    };
    let clash = |name: &str, caller: &str, definer: &str| {
        vec![(
            "ambiguous-call",
            format!("the `{name}` that scripts/{caller}.rhai calls could be that of scripts/{definer}.rhai"),
        )]
    };
    let both = "import \"a\" as a;\nimport \"b\" as b;\n";
    assert_eq!(told(&format!("{both}event.x = event.total();")), clash("total", "main", "b"));
    // Where nobody else calls it, or all mean the same, there is no doubt.
    assert_eq!(told(&format!("{both}event.x = b::f(event);")), []);
    assert_eq!(
        told("import \"b\" as b;\nimport \"c\" as c;\nevent.x = c::f(event) + event.total() + b::f(event);"),
        []
    );
    assert_eq!(told("import \"a\" as a;\nimport \"c\" as c;\nevent.x = c::f(event);"), []);
    assert_eq!(told("import \"round\" as r;\nevent.x = r::f(1.5);"), clash("round", "trims", "round"));
    assert_eq!(
        told("import \"trims\" as t;\nfn round(x) { x }\nevent.x = t::f(1.5) + round(1);"),
        clash("round", "trims", "main")
    );
    assert_eq!(
        told("import \"d\" as d;\nimport \"keys\" as k;\nevent.x = k::f(event) + event.keys();"),
        clash("keys", "keys", "d")
    );
    assert_eq!(told("import \"d\" as d;\nimport \"keys\" as k;\nevent.x = k::f(event) + d::f(event);"), []);
}

#[test]
fn a_module_with_methods_does_not_call_what_it_is_handed() {
    let tree = || {
        Tree::new()
            .with("scripts/n.rhai", "fn g(x) { x + 1 }")
            .with(
                "scripts/m.rhai",
                "import \"n\" as n;\nfn map.f() { n::g(1) }\nfn all(x, f) { [f.call(x), f.call(x), f.call(x)] }",
            )
            .with("scripts/methods.rhai", "import \"n\" as n;\nfn map.f() { n::g(1) }")
            .with("scripts/each.rhai", "fn all(x, f) { [f.call(x), f.call(x), f.call(x)] }")
    };
    let text = "import \"m\" as m;\nlet x = #{};\nm::all(x, |x| x.f());\nevent.x = x.f();";
    let found = compile(&host(tree()), text).err().unwrap();
    assert_eq!(found.iter().map(|diag| diag.code).collect::<Vec<_>>(), ["ambiguous-call"]);
    let text = "import \"methods\" as m;\nimport \"each\" as each;\nlet x = #{};\nevent.all = each::all(x, |x| x.f());\nevent.x = x.f();";
    assert_eq!(given(tree(), text), r#"{"all":[2,2,2],"x":2}"#);
}

#[test]
fn a_function_that_is_called_like_a_method_stays_in_its_file() {
    let tree = Tree::new()
        .with("scripts/a.rhai", "fn contains(x) { `a${x}` }\nfn f(x) { [x.contains(1), x.contains(1), x.contains(1)] }")
        .with("scripts/b.rhai", "fn f(x) { x.contains(1) }");
    assert_eq!(
        given(tree, "import \"a\" as a;\nimport \"b\" as b;\nevent.a = a::f([1]);\nevent.b = b::f([1]);"),
        r#"{"a":["a1","a1","a1"],"b":true}"#
    );
}

#[test]
fn what_a_script_reads_is_known_all_the_same() {
    let text = "fn name(x) { x + 1 }\nfn on_track(event) { event.b = name(event.a); event }";
    let script = compile(&host(Tree::new()), text).unwrap();
    assert_eq!(format!("{:?}", script.reads()), "{a*}");
}
