//! Parsing, walking and changing.

use proptest::prelude::*;
use rhai::Dynamic;
use serde_json::{Value, json};

use super::*;

fn path(text: &str) -> Path {
    Path::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn data(value: &Value) -> Dynamic {
    crate::json::from_json_value(value)
}

fn plain(value: &Dynamic) -> Value {
    crate::json::to_json_value(value).unwrap()
}

fn order() -> Dynamic {
    data(&json!({
        "a": {"b": [{"c": 1}, {"c": 2, "d": null}], "x y": "quoted", "p.q": true},
        "list": [1, 2, 3],
        "user-id": 7,
    }))
}

#[test]
fn parses_keys_quotes_escapes_and_positions() {
    let key = |text: &str| Segment::Key(text.into());
    for (text, expected) in [
        ("a", vec![key("a")]),
        ("a.b[0].c", vec![key("a"), key("b"), Segment::Index(0), key("c")]),
        ("user-id.größe", vec![key("user-id"), key("größe")]),
        ("a['x y']", vec![key("a"), key("x y")]),
        ("['a'][\"b\"]", vec![key("a"), key("b")]),
        ("a\\.b.c\\*", vec![key("a.b"), key("c*")]),
        ("a\\*", vec![key("a*")]),
        ("\\*", vec![key("*")]),
        ("a['it\\'s']", vec![key("a"), key("it's")]),
        ("a.*.b[*]", vec![key("a"), Segment::Any, key("b"), Segment::Any]),
        ("a[].b", vec![key("a"), Segment::Any, key("b")]),
        ("a[-1]", vec![key("a"), Segment::Index(-1)]),
        ("['']", vec![key("")]),
    ] {
        assert_eq!(path(text).segments(), expected, "{text}");
    }
}

#[test]
fn errors_have_a_place_and_advice() {
    for (text, offset, message) in [
        ("", 0, "empty"),
        (" a", 0, "white space"),
        ("$.a", 0, "no `$`"),
        ("a..b", 2, "key is missing"),
        (".a", 0, "key is missing"),
        ("a.", 2, "key is missing"),
        ("a[", 2, "not a position"),
        ("a[0", 1, "without `]`"),
        ("a[x]", 2, "not a position"),
        ("a['x", 2, "not closed"),
        ("a['x'", 1, "without `]`"),
        ("a]", 1, "without `[`"),
        ("a[0]b", 4, "expected"),
        ("a\\", 0, "ends in"),
    ] {
        let error = Path::parse(text).err().unwrap_or_else(|| panic!("{text:?} is a path"));
        assert!(error.message.contains(message), "{text:?}: {error}");
        assert_eq!(error.offset, offset, "{text:?}");
    }
    assert_eq!(Path::parse("$.a.b").unwrap_err().help.unwrap(), "a field path begins with its first field: a.b");
}

#[test]
fn walks_to_the_value() {
    for (text, expected) in [
        ("a.b[0].c", Some(json!(1))),
        ("a.b[-1].c", Some(json!(2))),
        ("a.b[1].d", Some(json!(null))),
        ("a.b[2]", None),
        ("a.b[-3]", None),
        ("a.b.c", None),
        ("a['x y']", Some(json!("quoted"))),
        ("a.p\\.q", Some(json!(true))),
        ("user-id", Some(json!(7))),
        ("user-id.x", None),
        ("a.b[*].d", Some(json!(null))),
        ("list.*", Some(json!(1))),
    ] {
        assert_eq!(path(text).get(&order()).as_ref().map(plain), expected, "{text}");
    }
    assert!(path("a.b[*].c").any(&order(), |value| value.as_int() == Ok(2)));
    assert!(!path("a.b[*].c").any(&order(), |value| value.as_int() == Ok(3)));
}

#[test]
fn reads_values_that_a_closure_shares() {
    let mut root = order();
    let shared = path("a").remove(&mut root).unwrap().into_shared();
    root.as_map_mut().unwrap().insert("a".into(), shared.clone());
    assert_eq!(path("a.b[0].c").get(&root).unwrap().as_int(), Ok(1));
    path("a.b[0].c").set(&mut root, 5.into()).unwrap();
    assert_eq!(path("b[0].c").get(&shared).unwrap().as_int(), Ok(5));
}

#[test]
fn setting_makes_what_is_missing_and_refuses_what_is_in_the_way() {
    for (before, text, after) in [
        (json!({}), "a.b.c", json!({"a": {"b": {"c": 9}}})),
        (json!({"a": null}), "a.b", json!({"a": {"b": 9}})),
        (json!({"a": [1]}), "a[0]", json!({"a": [9]})),
        (json!({"a": [1]}), "a[1]", json!({"a": [1, 9]})),
        (json!({}), "a[0].b", json!({"a": [{"b": 9}]})),
        (json!({"a": [{}, {}]}), "a[*].b", json!({"a": [{"b": 9}, {"b": 9}]})),
        (json!({"a": {"x": 1}}), "a.*", json!({"a": {"x": 9}})),
        (json!({}), "a[*].b", json!({"a": null})),
    ] {
        let mut value = data(&before);
        path(text).set(&mut value, 9.into()).unwrap();
        assert_eq!(plain(&value), after, "{text}");
    }
    for (before, text, message) in [
        (json!({"a": "x"}), "a.b.c", "a is a text, not a map"),
        (json!({"a": {"b": 1}}), "a.b[0]", "a.b is a number, not a list"),
        (json!({"a": [1]}), "a[3]", "a is a list of 1, not long enough"),
        (json!([]), "a", "the event is a list, not a map"),
        (json!({"a": []}), "a[-1]", "a is a list of 0, not long enough"),
    ] {
        let mut value = data(&before);
        assert_eq!(path(text).set(&mut value, 9.into()).unwrap_err().to_string(), message);
        assert_eq!(plain(&value), before, "nothing changes on failure");
    }
}

#[test]
fn removes_one_or_every_match() {
    for (text, after, removed) in [
        ("a.b", json!({"a": {"c": 1}}), Some(json!([{"k": 1, "l": 2}, {"k": 3}]))),
        ("a.b[0]", json!({"a": {"b": [{"k": 3}], "c": 1}}), Some(json!({"k": 1, "l": 2}))),
        ("a.b[*].k", json!({"a": {"b": [{"l": 2}, {}], "c": 1}}), Some(json!(3))),
        ("a.b[*]", json!({"a": {"b": [], "c": 1}}), Some(json!({"k": 3}))),
        ("a.*", json!({"a": {}}), Some(json!(1))),
        ("a.x.y", json!({"a": {"b": [{"k": 1, "l": 2}, {"k": 3}], "c": 1}}), None),
    ] {
        let mut value = data(&json!({"a": {"b": [{"k": 1, "l": 2}, {"k": 3}], "c": 1}}));
        assert_eq!(path(text).remove(&mut value).as_ref().map(plain), removed, "{text}");
        assert_eq!(plain(&value), after, "{text}");
    }
}

#[test]
fn keeps_only_what_is_named() {
    let before = json!({"type": "t", "a": {"b": [{"k": 1, "l": 2}, {"k": 3}], "c": 1}, "d": 1});
    for (texts, after) in [
        (vec!["type"], json!({"type": "t"})),
        (vec!["type", "a.b[*].k"], json!({"type": "t", "a": {"b": [{"k": 1}, {"k": 3}]}})),
        (vec!["a.b[-1]"], json!({"a": {"b": [{"k": 3}]}})),
        (vec!["a.b[0].l", "a.b[*].k"], json!({"a": {"b": [{"k": 1, "l": 2}, {"k": 3}]}})),
        (vec!["a", "a.c"], json!({"a": {"b": [{"k": 1, "l": 2}, {"k": 3}], "c": 1}})),
        (vec!["*.c", "d.x"], json!({"a": {"c": 1}})),
        (vec!["a.b.c", "a.c.x"], json!({"a": {"b": []}})),
    ] {
        let paths: Vec<_> = texts.iter().map(|text| path(text)).collect();
        let mut value = data(&before);
        Kept::new(&paths).prune(&mut value);
        assert_eq!(plain(&value), after, "{texts:?}");
    }
}

#[test]
fn visits_what_is_there_and_makes_nothing() {
    let mut root = data(&json!({"a": [{"b": 1}, {"c": 2}, 3], "d": null}));
    for text in ["a[].b", "a[].c", "d.x", "x.y", "a[7]", "a[2]"] {
        path(text).each_mut(&mut root, &mut |value| *value = Dynamic::from_int(value.as_int().unwrap() * 10));
    }
    assert_eq!(plain(&root), json!({"a": [{"b": 10}, {"c": 20}, 30], "d": null}));
}

fn segment() -> impl Strategy<Value = Segment> {
    prop_oneof![".{0,5}".prop_map(Segment::Key), any::<i64>().prop_map(Segment::Index), Just(Segment::Any)]
}

proptest! {
    #[test]
    fn what_is_written_parses_again(segments in proptest::collection::vec(segment(), 1..6)) {
        let path = Path::new(segments).unwrap();
        prop_assert_eq!(Path::parse(&path.to_string()), Ok(path));
    }

    #[test]
    fn any_text_parses_or_has_a_place_in_it(text in ".{0,20}") {
        if let Err(error) = Path::parse(&text) {
            prop_assert!(error.offset <= text.len());
        }
    }

    #[test]
    fn what_was_set_is_found_and_what_was_removed_is_not(keys in proptest::collection::vec("[a-c]", 1..5)) {
        let path = Path::new(keys.into_iter().map(Segment::Key).collect()).unwrap();
        let mut value = data(&json!({"a": {"b": {}}, "c": {}}));
        path.set(&mut value, 42.into()).unwrap();
        prop_assert_eq!(path.get(&value).unwrap().as_int(), Ok(42));
        prop_assert_eq!(path.remove(&mut value).unwrap().as_int(), Ok(42));
        prop_assert!(path.get(&value).is_none());
    }
}
