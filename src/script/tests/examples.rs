//! Every example of the library is run: each line `a == b` must hold.

use super::*;
use crate::script::lib::{NAMESPACES, functions};

fn tree() -> Tree {
    Tree::new()
        .with("scripts/tables/countries.csv", "code,name\nDE,Germany\nFR,France\n")
        .with("scripts/tables/shops.csv", "shop,currency,zone\neu,EUR,Europe/Berlin\n")
}

/// `a == b` becomes a check, everything else stays a statement.
fn checked(line: &str) -> String {
    let is_statement =
        line.ends_with([';', '}']) && (line.starts_with("let ") || line.starts_with("if ") || line.ends_with(';'));
    if is_statement || !(line.contains(" == ") || line.contains(" != ")) {
        return format!("{};", line.trim_end_matches(';'));
    }
    format!("if !({line}) {{ throw \"does not hold\" }}")
}

#[test]
fn the_examples_hold() {
    let host = host(tree());
    let mut wrong = Vec::new();
    for fun in functions() {
        let text: Vec<_> = fun.example.lines().map(checked).collect();
        let mut warnings = Vec::new();
        match host.script(&unit("scripts/example.rhai", &text.join("\n")), &mut warnings) {
            Ok(script) => {
                if let Err(failure) = run(&script, "{}") {
                    wrong.push(format!("{}: {failure:?}\n{}", fun.name, text.join("\n")));
                }
            }
            Err(problems) => wrong.push(format!("{}: {problems:?}", fun.name)),
        }
        assert!(fun.example.contains(fun.short_name()), "the example of {} does not use it", fun.name);
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

#[test]
fn the_lessons_of_rhai_hold() {
    let host = host(tree());
    for lesson in crate::reference::MINUTE.lessons {
        let text: Vec<_> = lesson.example.lines().map(checked).collect();
        let script =
            compile(&host, &text.join("\n")).unwrap_or_else(|problems| panic!("{}: {problems:?}", lesson.name));
        if let Err(failure) = run(&script, "{}") {
            panic!("{}: {failure:?}\n{}", lesson.name, text.join("\n"));
        }
        assert!(text.iter().any(|line| line.contains("does not hold")), "{}", lesson.name);
    }
}

#[test]
fn the_lists_are_sorted_and_the_signatures_start_with_the_name() {
    assert!(NAMESPACES.is_sorted_by_key(|namespace| namespace.name));
    for namespace in NAMESPACES {
        assert!(namespace.funs.is_sorted_by_key(|fun| fun.name), "{}", namespace.name);
        for fun in namespace.funs {
            assert!(fun.signature.starts_with(fun.name), "{}", fun.signature);
            let prefix = fun.name.trim_end_matches(fun.short_name()).trim_end_matches([':', '.']);
            assert_eq!(prefix, namespace.name, "{}", fun.name);
        }
    }
}

#[test]
fn an_example_that_does_not_hold_is_noticed() {
    let text = checked("text::trim(\" a\") == \"b\"");
    assert!(eval(&text, "{}").is_err());
}
