//! What the loader reads, and what it says of bad texts.

use super::*;

fn ok(text: &str) -> Node {
    let (node, problems) = parse("f.yaml", text);
    assert!(problems.is_empty(), "{problems:?}");
    node.unwrap()
}

fn first_problem(text: &str) -> crate::diag::Diag {
    parse("f.yaml", text).1.into_iter().next().unwrap()
}

#[test]
fn scalars_follow_the_core_schema() {
    let node = ok("a: 1.10\nb: no\nc: \"true\"\nd: ~\ne: 2026-01-15\nf: -3\ng: 0x1F\nh: 1.2.3\n");
    assert_eq!(node.get("a").unwrap().value, Value::Number("1.10".into()));
    assert_eq!(node.get("b").unwrap().as_text(), Some("no"));
    assert_eq!(node.get("c").unwrap().as_text(), Some("true"));
    assert_eq!(node.get("d").unwrap().value, Value::Null);
    assert_eq!(node.get("e").unwrap().as_text(), Some("2026-01-15"));
    assert_eq!(node.get("f").unwrap().to_json(), serde_json::json!(-3));
    assert_eq!(node.get("g").unwrap().to_json(), serde_json::json!(31));
    assert_eq!(node.get("h").unwrap().as_text(), Some("1.2.3"));
}

#[test]
fn spans_are_bytes_also_after_other_characters() {
    let text = "naïve: ü\nkey: [é, value]\n";
    let node = ok(text);
    let list = node.get("key").unwrap().as_list().unwrap();
    assert_eq!(&text[list[1].span.clone()], "value");
    assert_eq!(&text[node.as_map().unwrap()[1].key_span.clone()], "key");
}

#[test]
fn duplicate_keys_are_all_reported() {
    let (_, problems) = parse("f.yaml", "a: 1\nb: {c: 1, c: 2}\na: 2\n");
    assert_eq!(problems.len(), 2);
    assert!(problems[1].help.as_ref().unwrap().contains("line 1"));
}

#[test]
fn tabs_and_broken_texts_have_a_place() {
    let diag = first_problem("a:\n\tb: 1\n");
    assert!(diag.span.is_some());
    assert!(diag.help.unwrap().contains("tabs"));
    assert!(first_problem("a: [1, 2\nb: 3\n").span.is_some());
    assert!(first_problem("a: 1\n---\nb: 2\n").message.contains("one YAML document"));
}

#[test]
fn alias_bombs_stop_at_once() {
    let mut text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..10 {
        let items = vec![format!("*a{}", level - 1); 10].join(", ");
        text = format!("{text}a{level}: &a{level} [{items}]\n");
    }
    assert_eq!(first_problem(&text).code, "yaml-size");
    assert_eq!(first_problem(&"[".repeat(200)).code, "yaml-depth");
}

#[test]
fn merge_keys_bring_what_is_not_there() {
    let node = ok("base: &base {a: 1, b: 2}\nuse:\n  <<: *base\n  b: 3\n");
    assert_eq!(node.get("use").unwrap().to_json(), serde_json::json!({"a": 1, "b": 3}));
}

#[test]
fn a_position_in_a_block_maps_to_the_file() {
    for (text, line, column) in [
        ("x:\n  inline: |\n    let a = 1;\n    bad here\n", 2, 5),
        ("x:\n  inline: |-  # why\n\n    let a = 1;\n    bad here\n", 3, 5),
        ("x:\r\n  inline: |\r\n    let a = 1;\r\n    bad here\r\n", 2, 5),
        ("x:\n  inline: |2\n    indented\n    bad here\n", 2, 5),
    ] {
        let node = ok(text);
        let script = node.get("x").unwrap().get("inline").unwrap();
        let at = script.position_in_file(text, line, column).unwrap();
        assert_eq!(&text[at..at + 4], "here", "{text:?}");
    }
    let text = "when: event.type == \"x\"\n";
    let node = ok(text);
    assert_eq!(node.get("when").unwrap().position_in_file(text, 1, 7), Some(12));
}

#[test]
fn empty_texts_are_nothing() {
    assert_eq!(parse("f.yaml", "").0, None);
    assert_eq!(parse("f.yaml", "# only a comment\n").0, None);
}
