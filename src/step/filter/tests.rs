//! What filters let through, and what wrong ones say.

use serde_json::{Value, json};

use crate::diag::Diag;
use crate::step::Flow;
use crate::step::tests::{apply, build_step};

fn passes(filter: &str, event: &Value) -> bool {
    match apply(&format!("- filter: {filter}"), event).unwrap() {
        Flow::Next(left) => {
            assert_eq!(&crate::json::to_json_value(&left.value).unwrap(), event, "a filter changes nothing");
            true
        }
        Flow::Drop(reason) => {
            assert!(!reason.is_empty());
            false
        }
        other => panic!("a filter never {other:?}"),
    }
}

fn problems(filter: &str) -> Vec<(Diag, String)> {
    let text = format!("- filter: {filter}");
    let found = build_step(&text).err().unwrap_or_else(|| panic!("{filter} is taken"));
    found
        .into_iter()
        .map(|diag| {
            let marked = text[diag.span.clone().unwrap()].trim_end().to_owned();
            (diag, marked)
        })
        .collect()
}

fn order() -> Value {
    json!({
        "type": "track", "event": "Order Completed", "userId": null,
        "properties": {"total": 54.9, "count": 3, "email": "a@example.com", "tags": ["new", 7], "products": [{"sku": "A", "price": 5}, {"sku": "B"}]},
    })
}

#[test]
fn all_forms_decide() {
    for (filter, expected) in [
        ("event.type == \"track\"", true),
        ("event.type != \"track\"", false),
        ("{ expression: 'event.properties.count > 2' }", true),
        ("{ path: \"$.properties.products[?@.price > 4]\" }", true),
        ("{ path: \"$.properties.products[?@.price > 5]\" }", false),
        ("{ path: \"$..sku\" }", true),
        ("{ field: type, is: track }", true),
        ("{ field: type, eq: page }", false),
        ("{ field: type, not: page }", true),
        ("{ field: event, in: [Order Completed, Order Refunded] }", true),
        ("{ field: event, in: [] }", false),
        ("{ field: userId, exists: true }", false),
        ("{ field: userId, is: null }", true),
        ("{ field: anonymousId, exists: false }", true),
        ("{ field: anonymousId, is: null }", true),
        ("{ field: anonymousId, not: x }", true),
        ("{ field: properties.total, gt: 54.89, lt: 55 }", true),
        ("{ field: properties.total, gt: 54.9 }", false),
        ("{ field: properties.total, gte: 54.9, lte: 54.9 }", true),
        ("{ field: properties.total, gt: \"5\" }", false),
        ("{ field: missing, lt: 5 }", false),
        ("{ field: event, contains: Comp }", true),
        ("{ field: properties.tags, contains: 7 }", true),
        ("{ field: properties.tags, contains: old }", false),
        ("{ field: event, starts_with: Order, ends_with: Completed }", true),
        ("{ field: properties.count, starts_with: \"3\" }", false),
        ("{ field: properties.email, matches: '^[^@]+@example\\.com$' }", true),
        ("{ field: \"properties.products[*].sku\", is: B }", true),
        ("{ field: \"properties.products[*].sku\", is: C }", false),
        ("{ field: \"properties.products[*].missing\", exists: false }", true),
        ("{ field: \"properties['products'][0].price\", is: 5.0 }", true),
        ("{ any: [ { field: type, is: page }, event.properties.count == 3 ] }", true),
        ("{ all: [ { field: type, is: page }, event.properties.count == 3 ] }", false),
        ("{ not: { field: type, is: page } }", true),
        ("{ not: { any: [ { path: $.type }, { field: type, is: page } ] } }", false),
        ("{ fql: 'type = \"track\" and properties.total > 10' }", true),
        ("{ fql: type = 'page' }", false),
        ("{ any: [ { fql: \"type = 'page'\" }, { fql: all } ] }", true),
        ("true", true),
        ("false", false),
    ] {
        assert_eq!(passes(filter, &order()), expected, "{filter}");
    }
    assert!(!passes("{ field: a.b, is: 1 }", &json!([1])));
}

#[test]
fn the_reason_is_given_or_the_text_of_the_condition() {
    let long = format!("event.type == \"{}\"", "x".repeat(200));
    for (filter, expected) in [
        ("event.type == \"page\"", "filter: event.type == \"page\"".to_owned()),
        ("{ path: $.page }", "filter: $.page".to_owned()),
        ("{ fql: type = 'page' }", "filter: type = 'page'".to_owned()),
        ("{ fql: userId > 1, reason: given }", "fql: `>` needs numbers, not null".to_owned()),
        // What cannot be decided is dropped, however it is combined.
        ("{ not: { fql: userId > 1 } }", "fql: `>` needs numbers, not null".to_owned()),
        ("{ any: [ { fql: userId > 1 }, { fql: all } ] }", "fql: `>` needs numbers, not null".to_owned()),
        ("{ field: type, is: page }", "filter: { field: type, is: page }".to_owned()),
        ("{ field: type, is: page, reason: no page }", "no page".to_owned()),
        ("|\n    event.type\n      == \"page\"\n", "filter: event.type == \"page\"".to_owned()),
        (long.as_str(), format!("filter: event.type == \"{}…", "x".repeat(100 - 15))),
    ] {
        let Flow::Drop(reason) = apply(&format!("- filter: {filter}"), &order()).unwrap() else {
            panic!("{filter} passed")
        };
        assert_eq!(reason, expected);
    }
}

#[test]
fn an_expression_that_fails_is_an_error_of_the_step() {
    assert!(apply("- filter: event.properties.count", &order()).is_err());
}

#[test]
fn wrong_conditions_have_a_place_and_advice() {
    for (filter, code, marked, help) in [
        ("{ field: a, is_not: 1 }", "unknown-key", "is_not", "there are"),
        ("{ field: a, start_with: b }", "unknown-key", "start_with", "`starts_with`"),
        ("{ fields: a, is: b }", "unknown-key", "fields", "did you mean `field`?"),
        ("{ feild: a }", "unknown-key", "feild", "`field`"),
        ("{ gt: 5 }", "unknown-key", "gt", "field"),
        ("{ field: a }", "bad-condition", "field", "add one of"),
        ("{ field: a, path: $.b }", "unknown-key", "path", "`all` or `any`"),
        ("{ any: { field: a, is: 1 } }", "wrong-type", "{ field: a, is: 1 }", ""),
        ("{ any: [] }", "bad-condition", "[]", ""),
        ("[ 1 ]", "wrong-type", "[ 1 ]", "begin it with"),
        ("{ field: a..b, is: 1 }", "bad-path", ".b", ""),
        ("{ field: $.a, is: 1 }", "bad-path", "$.a", "begins with its first field: a"),
        ("{ field: a, in: b }", "wrong-type", "b", ""),
        ("{ field: a, exists: maybe }", "wrong-type", "maybe", ""),
        ("{ field: a, gt: [1] }", "wrong-type", "[1]", ""),
        ("{ field: a, matches: '(' }", "bad-pattern", "'('", ""),
        ("{ path: '$.user-id' }", "bad-jsonpath", "-", "$['user-id']"),
        ("{ path: 7 }", "wrong-type", "7", ""),
        ("{ fql: 7 }", "wrong-type", "7", ""),
        ("{ fql: 'type == \"track\"' }", "bad-fql", "==", "write `=`"),
        ("{ fql: type = \"x\" andd all }", "bad-fql", "andd", ""),
        ("{ fql: 'contain(a, \"b\")' }", "bad-fql", "contain", "`contains`"),
        ("{ fql: 'it''s' }", "bad-fql", "'it''s'", ""),
        ("{ expression: 7 }", "wrong-type", "7", ""),
        ("{ path: $.a, reason: [1] }", "wrong-type", "[1]", ""),
    ] {
        let found = problems(filter);
        assert_eq!(found.len(), 1, "{filter}: {found:?}");
        let (diag, text) = &found[0];
        assert_eq!((diag.code, text.as_str()), (code, marked), "{filter}: {diag:?}");
        assert!(diag.help.as_deref().unwrap_or_default().contains(help), "{filter}: {diag:?}");
    }
}

#[test]
fn every_problem_is_reported() {
    let found = problems("{ any: [ { field: a, gr: 1 }, { path: \"$.a b\" }, { field: \"\", is: 1 } ] }");
    let codes: Vec<_> = found.iter().map(|(diag, _)| diag.code).collect();
    assert_eq!(codes, ["unknown-key", "bad-jsonpath", "bad-path"]);
}
