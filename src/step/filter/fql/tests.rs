//! Every operator and function, what is dropped, what is refused and where; and that any tree is read as it is written.

mod shown;

use proptest::prelude::*;
use rhai::Dynamic;
use serde_json::json;

use super::*;
use crate::json::from_json_value;
use shown::{shown, trees};

fn event() -> Dynamic {
    from_json_value(&json!({
        "type": "track", "event": "Button Clicked", "userId": null,
        "context": {"library": {"name": "analytics.js", "version": "1.0"}},
        "properties": {
            "price": 19.5, "count": 3, "text": "3", "enabled": true, "features": ["discounts", "dark-mode", 7, [1]], "empty": [],
            "product 1": {"price": "19.99"}, "a.b": {"c-d_e": 1}, "é": 2, "and": 5, "kana": "ア", "object": {"a": 1}, "name": "test big Shop",
        },
        "in": "a word", "7": "a number",
    }))
}

fn given(text: &str) -> Result<bool, String> {
    Fql::new(text).unwrap_or_else(|problem| panic!("{text}: {problem:?}")).holds(&event())
}

#[test]
fn statements_hold_or_not() {
    let truths = [
        "all",
        "true",
        "event = 'Button Clicked'",
        "event=\"Button Clicked\"",
        "type = 'identify' or type = 'track'",
        "event = 'Button Clicked' and type = 'track'",
        "match( context.library.version, '1.*' )",
        "type = 'track' and ( event = 'Click' or match( event, 'Button *' ) )",
        "'dark-mode' in properties.features",
        "!( type in ['page', 'identify'] )",
        "( type = 'track' or type = 'identify' ) and ( properties.enabled or match( traits.email, '*@company.com' ) )",
        // Paths.
        "properties.product\\ 1.price = '19.99'",
        "properties.a\\.b.c-d_e = 1",
        "properties.\\é = 2",
        "properties.and = 5",
        "\\in = 'a word'",
        "\\7 = 'a number'",
        "context.path.path = null",
        "missing.much.deeper = null and type.x = null",
        // Literals and `=`.
        "'it\\'s' = \"it's\"",
        "'a\\\\b' != 'a\\b\\b'",
        "1 = 1.0",
        "-1.5e3 = -1500",
        "properties.count = 3",
        "properties.count != properties.text",
        "null = null",
        "userId = null",
        "null != false",
        "'' != null",
        "true = true",
        "['a', 1, [null]] = [ 'a' , 1.0 , [ null ] ]",
        "[] = properties.empty",
        "['a'] != ['a', 'b']",
        "properties.object != properties.object",
        // The other comparisons.
        "properties.price > 10",
        "properties.price >= 19.5 and properties.price <= 19.5",
        "properties.price < 20 and 20 > properties.price",
        "1 in [1.0]",
        "null in [null]",
        "7 in properties.features",
        "true in [false, true]",
        // Precedence and short cuts.
        "true or false and false",
        "!false and true",
        "!!true",
        "false or null or true",
        "true or null > 1",
        "!(false and null > 1)",
        "(1 < 2) = true",
        // Functions.
        "contains( context.library.name, 'js' )",
        "length( 'ア' ) = 3 and length(properties.features) = 4 and length('') = 0",
        "length( userId ) = 0",
        "lowercase( 'ABC d' ) = 'abc d' and uppercase( 'abc D' ) = 'ABC D'",
        "snakecase('test string x') = 'test_string_x' and kebabcase('test string') = 'test-string'",
        "titlecase(properties.name) = 'Test Big Shop'",
        "lowercase(null) = null and uppercase(null) = null and snakecase(null) = null and kebabcase(null) = null and titlecase(null) = null",
        "typeof('a') = 'string' and typeof(1) = 'number' and typeof(1.5) = 'number' and typeof([]) = 'list' and typeof(true) = 'bool'",
        "typeof(null) = 'null' and typeof(missing) = 'null' and typeof(properties) = 'object'",
        "bool(1) and bool('a') and bool([0]) and bool(true)",
        "string(1) = '1' and string(1.5) = '1.5' and string(true) = 'true' and string('a') = 'a' and string(null) = ''",
        "string(['a\"', 1, null, []]) = '[\"a\\\\\"\",1,null,[]]'",
        "number('12.5') = 12.5 and number(' 7 ') = 7 and number(3) = 3",
        "number(properties.product\\ 1.price) > 19",
        "length(lowercase(event)) > 3",
        "match( '', '*' )",
        "match( 'abcd', 'a*d' ) and match( 'abcd', 'a??d' ) and match( 'abcd', '*d' ) and match( 'ab*d', 'ab\\*d' )",
        "match( 'abCd', 'ab[cC]d' ) and match( 'abcd', 'ab[a-z]d' ) and match('a-]', 'a[a-][\\]]')",
        "match( 'aXbXXb', 'a**b' ) and match('éa', '?a') and match('a]', 'a]')",
        "match( event, event )",
    ];
    for text in truths {
        assert_eq!(given(text), Ok(true), "{text}");
        assert_eq!(given(&format!("!({text})")), Ok(false), "!({text})");
    }
    let untruths = [
        "null",
        "false",
        "missing",
        "event = 'Screen Tapped'",
        "!contains( context.library.name, 'js' )",
        "match( context.library.version, '2.*' )",
        "'blink' in properties.features",
        "properties.count = properties.text",
        "contains( null, 'a' )",
        "match( null, '*' )",
        "match( 'abc', 'ab' )",
        "match( 'abc', '' )",
        "match( 'abcd', 'ab[A-Z]d' )",
        "match( 'ABC', 'abc' )",
        "match( 'a', '??' )",
        "match( 'abc', '*b' )",
        "bool(null) or bool(0) or bool(0.0) or bool('') or bool('0') or bool('false') or bool([])",
        "false and null > 1",
        "properties.price > 19.5 or properties.price < 19.5",
    ];
    for text in untruths {
        assert_eq!(given(text), Ok(false), "{text}");
    }
}

#[test]
fn wrong_types_are_errors() {
    for (text, error) in [
        ("missing > 1", "`>` needs numbers, not null"),
        ("1 <= 'a'", "`<=` needs numbers, not a string"),
        ("'a' < 'b'", "`<` needs numbers, not a string"),
        ("!missing", "`!` cannot take null"),
        ("type and all", "`and` cannot take a string"),
        ("properties or all", "`or` cannot take an object"),
        ("event", "the statement is a string, not true or false"),
        ("1 in type", "`in` needs a list, not a string"),
        ("1 in missing", "`in` needs a list, not null"),
        ("[1] in [[1]]", "`in` cannot take a list on its left"),
        ("contains(1, 'a')", "`contains` cannot take a number"),
        ("contains('a', null)", "`contains` cannot take null"),
        ("match(true, '*')", "`match` cannot take a bool"),
        ("match(event, lowercase('['))", "`match`: a `[` of the pattern has no `]`"),
        ("length(1) = 0", "`length` cannot take a number"),
        ("length(properties) = 0", "`length` cannot take an object"),
        ("lowercase(1) = 'a'", "`lowercase` cannot take a number"),
        ("titlecase([]) = 'a'", "`titlecase` cannot take a list"),
        ("number('a') = 1", "`number` of a string that is none"),
        ("number(null) = 1", "`number` cannot take null"),
        ("number(true) = 1", "`number` cannot take a bool"),
        ("string(properties) = ''", "`string` cannot take an object"),
        ("bool(properties)", "`bool` cannot take an object"),
    ] {
        assert_eq!(given(text), Err(error.to_owned()), "{text}");
    }
}

#[test]
fn mistakes_have_a_place_and_advice() {
    for (text, marked, message, help) in [
        ("", "", "empty", "`all`"),
        ("type == 'a'", "==", "no operator `==`", "write `=`"),
        ("a && b", "&&", "no operator", "write `and`"),
        ("a = 1 || b", "||", "no operator", "write `or`"),
        ("a <> 1", "<>", "no operator", "write `!=`"),
        ("a = 1 AND b", "AND", "cannot stand here", "write `and`"),
        ("not a", "a", "cannot stand here", "operator is missing"),
        ("all not a", "not", "cannot stand here", "write !( … )"),
        ("not(a)", "not", "no function", "write !( … )"),
        ("userId = oops\"", "\"", "no end", "close it"),
        ("'a\\", "'a\\", "no end", "close it"),
        ("(a = 1", "(", "never closed", "close it with `)`"),
        ("a in ['b'", "[", "never closed", "close it with `]`"),
        ("a in ['b',", "", "the list has no end", "`]`"),
        ("a in [b]", "b", "cannot stand in a list", "quotes"),
        ("a = 1)", ")", "cannot stand here", "one too many"),
        ("a =", "", "ends too early", "missing"),
        ("= 1", "=", "cannot stand here", "missing"),
        ("a = 1 = 2", "=", "cannot go on", "`and`"),
        ("!a = 1", "=", "`!` ends", "write !(… = …)"),
        ("a..b = 1", "a..b", "not a field path", "properties.price"),
        ("a. = 1", "a.", "not a field path", ""),
        ("a\\", "\\", "nothing stands behind", ""),
        ("a = $b", "$", "no meaning", "write \\$"),
        ("é = 1", "é", "no meaning", "write \\é"),
        ("contain(a, 'b')", "contain", "no function", "`contains`"),
        ("banana(a)", "banana", "no function", "there are contains"),
        ("contains(a)", "contains(a)", "two values, not 1", ""),
        ("length() > 1", "length()", "one value, not 0", ""),
        ("match(a, '[')", "'['", "no `]`", ""),
        ("match(a, '[]')", "'[]'", "empty", ""),
        ("match(a, '[z-a]')", "'[z-a]'", "backwards", ""),
        ("match(a, '\\\\')", "'\\\\'", "ends in", ""),
        ("'a'", "'a'", "never true or false", "compare"),
        ("all and length(a)", "length(a)", "never true or false", "compare"),
        ("!1", "1", "never true or false", "compare"),
    ] {
        let problem = Fql::new(text).map(|_| ()).expect_err(text);
        assert_eq!(&text[problem.span.clone()], marked, "{text}: {problem:?}");
        assert!(problem.message.contains(message), "{text}: {problem:?}");
        assert!(problem.help.unwrap_or_default().contains(help), "{text}");
    }
}

#[test]
fn depth_is_bounded() {
    for (open, close) in [("(", ")"), ("!", ""), ("length(", ")"), ("1 in [", "]")] {
        let text = format!("{}all{}", open.repeat(100_000), close.repeat(100_000));
        assert!(Fql::new(&text).is_err());
    }
    assert!(Fql::new(&format!("{}all{}", "(".repeat(60), ")".repeat(60))).is_ok());
    assert!(Fql::new(&vec!["a = 1"; 10_000].join(" or ")).is_ok());
}

proptest! {
    #[test]
    fn any_text_is_read_without_a_panic(text in any::<String>()) {
        let _ = Fql::new(&text);
    }

    #[test]
    fn any_tokens_are_read_and_evaluated_without_a_panic(
        words in proptest::collection::vec(proptest::sample::select(vec![
            "type", "properties.price", "'a'", "1", "-2.5", "null", "true", "all", "and", "or", "!", "=", "!=", ">", "<=", "in", "(", ")",
            "[", "]", ",", "contains(", "match(", "length(", "bool(", "string(", "number(", "\\", ".", "'", "é", "'[a-'",
        ]), 0..12),
    ) {
        let text = words.join(" ");
        match Fql::new(&text) {
            Ok(statement) => {
                let _ = statement.holds(&event());
            }
            Err(problem) => prop_assert!(text.get(problem.span.clone()).is_some(), "{text}: {problem:?}"),
        }
    }

    #[test]
    fn a_tree_is_read_as_it_is_written(tree in trees()) {
        let text = shown(&tree);
        let read = Fql::new(&text).map_err(|problem| TestCaseError::fail(format!("{text}: {problem:?}")))?;
        prop_assert_eq!(read.expr, tree, "{}", text);
    }

    #[test]
    fn a_pattern_matches_as_a_regular_expression(pattern in "[ab*?]{0,8}", text in "[ab]{0,10}") {
        let regex = regex::Regex::new(&format!("^{}$", pattern.replace('*', ".*").replace('?', "."))).unwrap();
        prop_assert_eq!(glob::Glob::new(&pattern).unwrap().matches(&text), regex.is_match(&text));
    }
}
