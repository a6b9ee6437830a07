//! Sorting and leaving out doubles with a function: any number counts by its sign, and every error is told.

use super::*;

/// A list, after a script that has it as `a`.
fn sorted(script: &str, list: &str) -> String {
    after(&format!("let a = event.remove(\"a\"); {script} event.a = a;"), &format!(r#"{{"a":{list}}}"#))
}

#[test]
fn numbers_of_every_kind_count_by_their_sign() {
    for script in [
        "a.sort(|x, y| x - y);",
        "a.sort_by(|x, y| x - y);",
        "a = a.order(|x, y| x - y);",
        "a = a.order_by(|x, y| x - y);",
        "a.sort(|x, y| money::parse(x) - money::parse(y));",
        "fn cmp(x, y) { if x < y { -1 } else { 1 } } a.sort(Fn(\"cmp\"));",
    ] {
        assert_eq!(sorted(script, "[9.5,10.1,1.25,10]"), r#"{"a":[1.25,9.5,10,10.1]}"#, "{script}");
    }
    assert_eq!(sorted("a.order(|x, y| 1);", "[2,1]"), r#"{"a":[2,1]}"#, "the list itself stays");
    for (list, kept) in [("[]", "[]"), ("[7]", "[7]")] {
        assert_eq!(sorted("a.sort(|x, y| throw 1);", list), format!(r#"{{"a":{kept}}}"#));
    }
}

#[test]
fn equal_items_stay_in_their_order_and_a_function_may_contradict_itself() {
    let list: Vec<String> = (0..200).map(|n| format!(r#"{{"k":{},"n":{n}}}"#, n * 7 % 5)).collect();
    let mut wanted = list.clone();
    wanted.sort_by_key(|item| item.as_bytes()[5]);
    let list = format!("[{}]", list.join(","));
    assert_eq!(sorted("a.sort(|x, y| x.k - y.k);", &list), format!(r#"{{"a":[{}]}}"#, wanted.join(",")));
    assert_eq!(sorted("a.sort(|x, y| -1); a = a.len();", &list), r#"{"a":200}"#);
    assert_eq!(sorted("a.sort(|x, y| 1); a = a.len();", &list), r#"{"a":200}"#);
}

#[test]
fn errors_end_the_script_and_leave_the_list() {
    let list = "let a = [#{ p: \"9.5\" }, #{ p: \"10\" }, #{ p: \"1\" }];";
    for call in ["a.sort(|x, y| x.p / y.p);", "a.sort_by(|x, y| x.p / y.p);", "a.order(|x, y| x.p / y.p);"] {
        assert!(error(&format!("{list} {call}")).message.contains("`/`"), "{call}");
    }
    assert!(error(&format!("{list} a.sort(|x, y| throw \"no\");")).message.contains("no"));
    assert!(error(&format!("{list} a.dedup(|x, y| x.p.nothing.here == 1);")).message.contains("nothing"));
    for (call, found) in [
        ("a.sort(|x, y| x.p > y.p)", "true or false"),
        ("a.order(|x, y| ())", "nothing"),
        ("a.sort(|x, y| \"1\")", "a text"),
        ("a.sort(|x, y| 0.0 / 0.0)", "NaN"),
        ("a.dedup(|x, y| 0)", "a number"),
    ] {
        let message = error(&format!("{list} {call};")).message;
        assert!(message.contains("gives") && message.contains(found), "{call}: {message}");
    }
    let caught = "let a = [2, 1]; try { a.sort(|x, y| throw 1); } catch { } event.a = a;";
    assert_eq!(after(caught, "{}"), r#"{"a":[2,1]}"#);
}

#[test]
fn doubles_are_told_by_a_function() {
    assert_eq!(
        sorted("a.dedup(|x, y| x.k == y.k);", r#"[{"k":1,"n":1},{"k":1,"n":2},{"k":2}]"#),
        r#"{"a":[{"k":1,"n":1},{"k":2}]}"#
    );
}
