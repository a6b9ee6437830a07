//! Queries that match, that do not, and that are refused; and the fast way against the general one.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

fn simple(text: &str) -> bool {
    matches!(JsonPath::new(text).unwrap(), JsonPath::Simple(_))
}

fn matches(text: &str, value: &Value) -> bool {
    JsonPath::new(text).unwrap().matches(&json::from_json_value(value))
}

#[test]
fn queries_match_what_they_name() {
    let event = json!({
        "type": "track",
        "userId": null,
        "properties": {"products": [{"price": 50, "tags": ["a"]}, {"price": 150.5, "user-id": 1}], "min": 100, "a b": 1},
    });
    for (text, expected) in [
        ("$", true),
        ("$.type", true),
        ("$.userId", true),
        ("$.anonymousId", false),
        ("$['properties']['a b']", true),
        ("$.properties.products[1]", true),
        ("$.properties.products[-2].tags[0]", true),
        ("$.properties.products[2]", false),
        ("$.properties.products[?@.price > 100]", true),
        ("$.properties.products[?@.price > 200]", false),
        ("$.properties.products[?@.price >= $.properties.min]", true),
        ("$.properties.products[?@.tags].price", true),
        ("$.properties.products[?!@.tags && @.price < 100]", false),
        ("$.properties.products[?(@.price == 50 || @.price == 51) && @.tags[0] == 'a']", true),
        ("$.properties.products[*]['user-id']", true),
        ("$.properties[?@ == 100]", true),
        ("$['x', 'type']", true),
        ("$[?@.products[0].price != 50]", true),
        ("$..tags", true),
        ("$..[?@.price == 150.5]", true),
        ("$.properties.products[0:1].tags", true),
        ("$.properties.products[?length(@.tags) == 1]", true),
        ("$.properties.products[?search(@.tags[0], '^[ab]$')]", true),
        ("$[?@ == 'track']", true),
    ] {
        assert_eq!(matches(text, &event), expected, "{text}");
    }
}

#[test]
fn the_common_queries_need_no_conversion() {
    for text in ["$.a.b[0]", "$.a[?@.b > 1]", "$.a[*].b", "$['a','b']", "$.a[?@.b == $.c && !@.d]", "$..a", "$.a[1:2]"]
    {
        assert!(simple(text), "{text}");
    }
    for text in ["$.a[?length(@.b) > 1]", "$..a[?search(@, 'b')]"] {
        assert!(!simple(text), "{text}");
    }
}

#[test]
fn wrong_queries_have_a_place_and_advice() {
    for (text, offset, help) in [
        ("properties.x", 0, "write $.properties.x"),
        ("$.user-id", 6, "$['user-id']"),
        ("$.a.user-id.b", 8, "$.a['user-id'].b"),
        ("$.a b", 3, "['first name']"),
        ("$.a ", 3, "['first name']"),
        ("$. a", 2, "['first name']"),
    ] {
        let problem = JsonPath::new(text).err().unwrap_or_else(|| panic!("{text} is taken"));
        assert_eq!(problem.offset, offset, "{text}: {problem:?}");
        assert!(problem.help.as_ref().unwrap().contains(help), "{text}: {problem:?}");
    }
    for text in [
        "",
        "$.",
        "$[",
        "$.a[?",
        "$.a[?@.b >",
        "$.a[?@.b = 1]",
        "$['a",
        "$.a[?@.b in ['x']]",
        "$.a[?in(@.b, 'x')]",
        "$.a[?search(@.b, '[')]",
    ] {
        let problem = JsonPath::new(text).err().unwrap_or_else(|| panic!("{text} is taken"));
        assert!(problem.offset <= text.len());
    }
    // White space that the RFC allows.
    for text in ["$ .a", "$.a[ 'b' ]", "$.a[? @.b == 1 && @.c ]", "$['a b']", "$.a[?@.b == 'x  y']"] {
        assert!(JsonPath::new(text).is_ok(), "{text}");
    }
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (-2_i64..3).prop_map(Value::from),
        (-2_i64..3).prop_map(|number| Value::from(number as f64 / 2.0)),
        "[ab]{0,2}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 40, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            proptest::collection::btree_map("[abc]", inner, 0..4)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

fn singular() -> impl Strategy<Value = String> {
    proptest::collection::vec(prop_oneof!["\\.[abc]", Just("[0]".to_owned()), Just("[-1]".to_owned())], 0..3)
        .prop_map(|parts| parts.concat())
}

fn operand() -> impl Strategy<Value = String> {
    prop_oneof![
        singular().prop_map(|path| format!("@{path}")),
        singular().prop_map(|path| format!("${path}")),
        "[-]?[12]",
        Just("0.5".to_owned()),
        Just("'a'".to_owned()),
        Just("null".to_owned()),
        Just("true".to_owned()),
    ]
}

fn logical() -> impl Strategy<Value = String> {
    let atom = prop_oneof![
        (operand(), prop_oneof![Just("=="), Just("!="), Just("<"), Just("<="), Just(">"), Just(">=")], operand())
            .prop_map(|(left, operator, right)| format!("{left} {operator} {right}")),
        (any::<bool>(), singular()).prop_map(|(not, path)| format!("{}@{path}", if not { "!" } else { "" })),
    ];
    let joined = |parts: Vec<(String, &str)>| {
        let whole: String = parts.iter().flat_map(|(atom, joint)| [*joint, atom.as_str()]).collect();
        whole[parts[0].1.len()..].to_owned()
    };
    proptest::collection::vec((atom, prop_oneof![Just(" && "), Just(" || ")]), 1..4).prop_map(joined)
}

fn query() -> impl Strategy<Value = String> {
    let segment = prop_oneof![
        3 => "\\.[abc]", 1 => Just("[0]".to_owned()), 1 => Just("[*]".to_owned()), 1 => Just("['a','b']".to_owned()),
        1 => "\\[(0|-?[1-3])?:(0|-?[1-3])?(:(0|-?[12]))?\\]", 1 => "\\.\\.[abc]", 1 => Just("..*".to_owned()),
        2 => logical().prop_map(|test| format!("[?{test}]")),
    ];
    proptest::collection::vec(segment, 0..4).prop_map(|parts| format!("${}", parts.concat()))
}

#[test]
fn work_is_metered_and_can_be_stopped() {
    let value = json::from_json_value(&json!({"a": [[1, 2, 3], [1, 2, 3], [1, 2, 3]]}));
    for text in ["$..*", "$.a[?@ == $.a[0]]", "$.a[?length(@) == 3 && search(@[0], 'x')]"] {
        let query = JsonPath::new(text).unwrap();
        let mut spent = 0;
        query
            .each(
                &value,
                &mut |cost| {
                    spent += cost;
                    true
                },
                &mut |_| true,
            )
            .unwrap();
        assert!(spent > 9, "{text} took {spent}");
        let mut left = 3_usize;
        let mut found = 0;
        let meter = &mut |cost| {
            let enough = cost <= left;
            left = left.saturating_sub(cost);
            enough
        };
        query
            .each(&value, meter, &mut |_| {
                found += 1;
                true
            })
            .unwrap();
        assert!(found <= 3, "{text} found {found}");
    }
}

#[test]
fn patterns_come_from_the_query_alone() {
    for text in ["$.a[?search(@.b, @.c)]", "$.a[?match(@.b, '(')]", "$.a[?match(@.b, '(\\w{100}){100}')]"] {
        assert!(JsonPath::new(text).is_err(), "{text}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn the_fast_way_agrees_with_the_general_engine(text in query(), value in value()) {
        let query = parse_json_path(&text).unwrap();
        let expected: Vec<Value> =
            js_path_process(&query, &value).map(|found| found.into_iter().map(|one| one.val().clone()).collect()).unwrap();
        let JsonPath::Simple(fast) = JsonPath::new(&text).unwrap() else { panic!("{text} is not simple") };
        let value = json::from_json_value(&value);
        prop_assert_eq!(fast.matches(&value), !expected.is_empty(), "{} on {}", text, value);
        let mut found = Vec::new();
        fast.each(&value, &mut |_| true, &mut |one| {
            found.push(json::to_json_value(one).unwrap());
            true
        });
        // The general engine groups what several selectors find by selector; each value then counts.
        if text.contains(',') {
            let sorted = |mut all: Vec<Value>| { all.sort_by_key(Value::to_string); all };
            prop_assert_eq!(sorted(found), sorted(expected), "{} on {}", text, value);
        } else {
            prop_assert_eq!(found, expected, "{} on {}", text, value);
        }
    }

    #[test]
    fn any_text_is_a_query_or_has_a_place(text in "[$@.\\[\\]?a-c'\"\\-é 0-9:*=<>!&|()]{0,24}") {
        if let Err(problem) = JsonPath::new(&text) {
            prop_assert!(text.is_char_boundary(problem.offset));
        }
    }
}

#[test]
fn queries_that_the_parser_would_take_for_ever_over_are_refused() {
    let nested = |depth: usize| format!("$[?{}@.a{} == 1]", "count(@[?".repeat(depth), "])".repeat(depth));
    assert!(JsonPath::new(&nested(6)).is_ok());
    for depth in [9, 40, 300] {
        assert!(JsonPath::new(&nested(depth)).unwrap_err().message.contains("more than 8 deep"), "{depth}");
    }
    // What stands in quotes is no filter.
    assert!(JsonPath::new(&format!("$['{}']", "[?".repeat(20))).is_ok());
}
