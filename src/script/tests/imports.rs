//! Modules and tables: from `scripts/` only, compiled once, with errors in their own files.

use super::*;

fn fails(tree: Tree, text: &str) -> Vec<Diag> {
    compile(&host(tree), text).err().unwrap_or_else(|| panic!("compiles: {text}"))
}

#[test]
fn modules_are_shared_and_listed() {
    let tree = Tree::new()
        .with(
            "scripts/lib/money.rhai",
            "import \"lib/round\" as r;\nconst VAT = 19;\nfn vat(x) { r::half(x * global::VAT) }",
        )
        .with("scripts/lib/round.rhai", "fn half(x) { x / 2 }")
        .with("scripts/tables/a.csv", "k,v\n1,one\n")
        .with("scripts/unused.rhai", "this is not even a script");
    let host = host(tree);
    let script = compile(
        &host,
        "import \"lib/money\" as m;\nfn f(x) { m::vat(x) }\nevent.a = f(4); event.b = table::get(\"tables/a.csv\", 1);",
    )
    .unwrap();
    for _ in 0..3 {
        assert_eq!(json_of(&run(&script, "{}").unwrap().event.unwrap()), r#"{"a":38,"b":"one"}"#);
    }
    assert_eq!(
        host.files(),
        ["scripts/lib/money.rhai", "scripts/lib/round.rhai", "scripts/main.rhai", "scripts/tables/a.csv"]
    );
}

#[test]
fn a_table_with_a_computed_name_makes_all_tables_count() {
    let tree = Tree::new().with("scripts/t/a.json", r#"{"x":{"y":1}}"#).with("scripts/t/b.yaml", "x: 2\n");
    let host = host(tree);
    let script = compile(&host, "event.v = table::get(`t/${event.t}`, \"x\");").unwrap();
    assert_eq!(json_of(&run(&script, r#"{"t":"a.json"}"#).unwrap().event.unwrap()), r#"{"t":"a.json","v":{"y":1}}"#);
    assert_eq!(json_of(&run(&script, r#"{"t":"b.yaml"}"#).unwrap().event.unwrap()), r#"{"t":"b.yaml","v":2}"#);
    assert!(run(&script, r#"{"t":"../../pipelines/p.yaml"}"#).is_err());
    assert_eq!(host.files(), ["scripts/main.rhai", "scripts/t/a.json", "scripts/t/b.yaml"]);
}

#[test]
fn nothing_outside_the_folder_can_be_imported() {
    let tree = || Tree::new().with("secret.rhai", "fn f() { 1 }").with("scripts/a.rhai", "fn f() { 1 }");
    for path in ["../secret", "/etc/passwd", "a/../../secret", "./a", "a//b", ""] {
        let found = fails(tree(), &format!("import \"{path}\" as s; event.a = s::f();"));
        assert_eq!(found[0].code, "import-outside", "{path}");
    }
    for text in ["import `${event.p}` as s; event.a = 1;", "let p = \"a\"; import p as s;", "import \"a\" + \"\" as s;"]
    {
        assert_eq!(fails(tree(), text)[0].code, "import-computed", "{text}");
    }
    let missing = fails(tree(), "import \"b\" as s;");
    assert_eq!((missing[0].code, missing[0].help.as_deref()), ("import-missing", Some("did you mean `a`?")));
}

#[test]
fn a_cycle_is_told_with_its_chain() {
    let tree = Tree::new()
        .with("scripts/a.rhai", "import \"b\" as b; fn f() { b::g() }")
        .with("scripts/b.rhai", "import \"a\" as a;\nfn g() { a::f() }");
    let found = fails(tree, "import \"a\" as a; a::f();");
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(found[0].message, "imports go in a circle: scripts/a.rhai → scripts/b.rhai → scripts/a.rhai");
    assert_eq!(found[0].file.as_deref(), Some("scripts/b.rhai"));
    let own = Tree::new().with("scripts/main.rhai", "");
    assert_eq!(fails(own, "import \"main\" as m; m::f();")[0].code, "import-cycle");
}

#[test]
fn problems_of_a_module_are_in_its_file() {
    let text = "fn f(x) {\n    foo(x)\n}\nfn g() {}";
    let tree = Tree::new().with("scripts/a.rhai", text).with("scripts/b.rhai", "fn (");
    let found = fails(tree, "import \"a\" as a;\nimport \"b\" as b;\nevent.x = a::f(b::g());");
    let places: Vec<_> = found.iter().map(|diag| (diag.code, diag.file.as_deref().unwrap())).collect();
    assert_eq!(places, [("unknown-function", "scripts/a.rhai"), ("script-syntax", "scripts/b.rhai")]);
    assert_eq!(found[0].line_column(text), Some((2, 5)));
}

#[test]
fn calls_into_a_module_are_checked() {
    let tree = Tree::new().with("scripts/a.rhai", "fn price(x) { x }");
    let found = fails(tree, "import \"a\" as a;\nevent.x = a::prise(1);\nevent.y = a::price();");
    let told: Vec<_> = found.iter().map(|diag| (diag.code, diag.help.clone())).collect();
    assert_eq!(told, [("unknown-function", Some("did you mean `a::price`?".into())), ("wrong-arguments", None)]);
}

#[test]
fn methods_of_a_module_are_called_without_its_name() {
    let tree = || {
        Tree::new()
            .with("scripts/a.rhai", "import \"b\" as b;\nfn map.total(rate) { this.price.twice() * rate }")
            .with("scripts/b.rhai", "fn int.twice() { this * 2 }")
            .with("scripts/c.rhai", "fn map.other() { 1 }")
    };
    let text = "import \"a\" as a;\nevent.sum = event.total(3);";
    let script = compile(&host(tree()), text).unwrap();
    assert_eq!(json_of(&run(&script, r#"{"price":7}"#).unwrap().event.unwrap()), r#"{"price":7,"sum":42}"#);

    let text = "import \"a\" as a;\nimport \"c\" as c;\nevent.x = event.totl(1);\nevent.y = event.total();\ntotal(1);";
    let mut warnings = Vec::new();
    let host = host(tree());
    let unit = Unit { file: "scripts/main.rhai", text, node: None, file_text: text };
    let found = host.script(&unit, &mut warnings).err().unwrap();
    let told: Vec<_> = found.iter().map(|diag| (diag.code, diag.help.as_deref())).collect();
    let unknown = ("unknown-function", Some("did you mean `total`?"));
    assert_eq!(told[..2], [unknown, ("wrong-arguments", None)]);
    assert_eq!(told[2].0, "unknown-function");
    assert_eq!(warnings.iter().map(|diag| diag.message.as_str()).collect::<Vec<_>>(), ["the module `c` is never used"]);
}

#[test]
fn a_fault_inside_a_module_names_its_file() {
    let tree = Tree::new().with("scripts/a.rhai", "fn f(x) {\n    x.y.z\n}\nfn no(x) {\n\n  reject(\"no\")\n}");
    let host = host(tree);
    let script = compile(&host, "import \"a\" as a;\nevent.x = a::f(event);").unwrap();
    let Err(Failure::Error(fault)) = run(&script, "{}") else { panic!() };
    assert!(fault.place.as_deref().unwrap().starts_with("scripts/a.rhai:2:"), "{fault:?}");
    let script = compile(&host, "import \"a\" as a;\na::no(1);").unwrap();
    let Err(Failure::Reject { place, .. }) = run(&script, "{}") else { panic!() };
    assert_eq!(place.as_deref(), Some("scripts/a.rhai:6:3"));
}

#[test]
fn a_fault_names_every_function_on_the_way_in_its_own_file() {
    let tree = Tree::new()
        .with("scripts/a.rhai", "import \"lib/b\" as b;\nfn outer(x) {\n  b::inner(x)\n}")
        .with("scripts/lib/b.rhai", "fn inner(x) {\n  [x].map(|v| {\n    throw \"no\"\n  })\n}");
    let script = compile(&host(tree), "import \"a\" as a;\nevent.x = a::outer(event);").unwrap();
    let Err(Failure::Error(fault)) = run(&script, "{}") else { panic!() };
    assert_eq!(fault.place.as_deref(), Some("scripts/lib/b.rhai:3:5"));
    assert_eq!(
        fault.stack,
        [
            "a function without a name (scripts/lib/b.rhai:3:5)",
            "map (scripts/lib/b.rhai:2:7)",
            "inner (scripts/lib/b.rhai:2:7)",
            "outer (scripts/a.rhai:3:6)",
            "the script (scripts/main.rhai:2:14)"
        ]
    );
}

#[test]
fn a_module_that_fails_or_loops_while_loading_is_a_problem_not_a_hang() {
    for (text, message) in [
        ("throw \"no\";", "the module cannot be loaded: no"),
        ("loop {}", "the module cannot be loaded: "),
        ("drop(\"x\");", "the module cannot be loaded: "),
    ] {
        let found = fails(Tree::new().with("scripts/a.rhai", text), "import \"a\" as a; a::f();");
        assert_eq!(found[0].code, "module-failed");
        assert!(found[0].message.starts_with(message), "{}", found[0].message);
    }
}

#[test]
fn a_module_with_an_error_is_the_only_one_that_is_spoken_of() {
    let tree = || {
        Tree::new()
            .with("scripts/lib/line.rhai", "fn map.product() { #{ sku: this.sku, weight: line.grams } }")
            .with(
                "scripts/orders.rhai",
                "import \"lib/line\" as line;\nfn map.ordered() { [this.product(), this.left()] }",
            )
            .with("scripts/carts.rhai", "import \"lib/line\" as lines;\nfn in_cart(x) { x.product(1) }")
            .with("scripts/fine.rhai", "fn f(x) { x }")
    };
    let text = "import \"orders\" as orders;\nimport \"carts\" as carts;\nimport \"fine\" as fine;\nevent.a = event.ordered();\n\
                event.b = carts::in_cart(event) + carts::other(1);\nevent.c = fine::f(1);";
    let host = host(tree());
    let mut warnings = Vec::new();
    let found = host.script(&unit("scripts/main.rhai", text), &mut warnings).err().unwrap();
    assert_eq!(warnings, []);
    let places: Vec<_> = found.iter().map(|diag| (diag.code, diag.file.as_deref().unwrap())).collect();
    assert_eq!(places, [("unknown-variable", "scripts/lib/line.rhai")]);
    // The next script of the pipeline has nothing new to say, and does not run either.
    let again = host.script(&unit("scripts/second.rhai", text), &mut warnings).err().unwrap();
    assert_eq!((again, warnings), (Vec::new(), Vec::new()));
    // What has nothing to do with it is still told.
    let other = "import \"carts\" as carts;\nevent.a = money::ad(1, 2) + carts::in_cart(1);\nevent.b = gone(1);";
    let found = host.script(&unit("scripts/third.rhai", other), &mut Vec::new()).err().unwrap();
    assert_eq!(found.iter().map(|diag| diag.code).collect::<Vec<_>>(), ["unknown-function"; 2]);
}
