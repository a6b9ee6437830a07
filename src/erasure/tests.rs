//! Names are found whole however they are written, and never inside somebody else's.

use proptest::prelude::*;

use super::*;

fn names(values: &[&str]) -> Names {
    Names::new(&[Erasure { values: values.iter().map(|value| (*value).to_owned()).collect(), ..Erasure::default() }])
}

fn finds(value: &str, text: &str) -> bool {
    names(&[value]).find(text.as_bytes()).is_some()
}

#[test]
fn a_value_is_found_where_it_stands_whole() {
    for (value, text) in [
        ("6900000000001", "6900000000001"),
        ("6900000000001", r#"{"customer":{"id":6900000000001}}"#),
        ("6900000000001", "gid://shopify/Customer/6900000000001"),
        ("6900000000001", "order_6900000000001"),
        ("jane@example.com", r#"{"email":"Jane@Example.COM","n":1}"#),
        ("Jane@Example.com", "mailto:jane@example.com?subject=x"),
        ("jane@example.com", "she wrote from jane@example.com."),
        ("jane@example.com", "“jane@example.com”"),
        ("jane@example.com", "'jane@example.com'"),
        ("jane@example.com", r"email\u003d\u006aane\u0040example.com"),
        ("jane@example.com", "email=jane%40example.com&x=1"),
        ("jane@example.com", r#"{"text":"{\"a\":\"x\\njane@example.com\"}"}"#),
        ("jane@example.com", "%7B%22email%22%3A%22jane%40example.com%22%7D"),
        ("+15551234567", r#"{"phone":"+15551234567"}"#),
        ("+15551234567", "phone=%2B15551234567"),
        ("+15551234567", "tel:15551234567"),
        ("store.myshopify.com", "https://Store.myshopify.com/cart"),
        ("store.myshopify.com", "the shop store.myshopify.com."),
        ("8f14e45f-ceea-467f-a0e6-1b2c3d4e5f60", "anon/8f14e45f-ceea-467f-a0e6-1b2c3d4e5f60"),
        ("jürgen@example.com", "\"jürgen@example.com\""),
        ("zoë-1", "zoë-1"),
    ] {
        assert!(finds(value, text), "{value} stands in {text}");
    }
}

#[test]
fn a_part_of_something_longer_is_somebody_else() {
    for (value, text) in [
        ("6900000000001", "16900000000001"),
        ("6900000000001", "69000000000012"),
        ("6900000000001", "a6900000000001"),
        ("6900000000001", "6900000000001é"),
        ("6900000000001", r"\u00e96900000000001"),
        ("jane@example.com", "mary.jane@example.com"),
        ("jane@example.com", "mary-jane@example.com"),
        ("jane@example.com", "mary+jane@example.com"),
        ("neil@example.com", "o'neil@example.com"),
        ("jane@example.com", "jane@example.com.au"),
        ("jane@example.com", "jane@example.company"),
        ("jane@example.com", "éjane@example.com"),
        ("jane@example.com", "mary.jane%40example.com"),
        ("store.myshopify.com", "my-store.myshopify.com"),
        ("store.myshopify.com", "eu.store.myshopify.com"),
        ("store.myshopify.com", "store.myshopify.com.example.org"),
        ("+15551234567", "+155512345678"),
        ("AbC123", "abc123"),
        ("abcdef", "xabcdef"),
    ] {
        assert!(!finds(value, text), "{value} is a part of something else in {text}");
    }
}

#[test]
fn what_stands_everywhere_names_nobody() {
    for value in ["7", "12345", "abc", "null", "Anonymous", "undefined", ""] {
        assert!(!is_searchable(value), "{value}");
        assert!(names(&[value]).is_empty());
        assert!(!finds(value, value));
    }
    for value in ["123456", "u-17", "jane", "a@b.c"] {
        assert!(is_searchable(value), "{value}");
    }
}

#[test]
fn it_tells_which_request_is_meant_and_looks_at_all_of_a_delivery() {
    let request = |value: &str| Erasure { values: vec![value.to_owned()], ..Erasure::default() };
    let names = Names::new(&[request("jane@example.com"), request("6900000000002")]);
    assert_eq!(names.find(b"6900000000002"), Some(1));
    assert_eq!(names.find(b"jane@example.com"), Some(0));
    let delivery = |query: &str, header: &str, body: &str| Delivery {
        query: query.to_owned(),
        headers: vec![("x-shop".to_owned(), header.to_owned())],
        body: body.as_bytes().to_vec().into(),
        ..Delivery::default()
    };
    assert_eq!(names.find_delivery(&delivery("", "", "{}")), None);
    assert_eq!(names.find_delivery(&delivery("e=jane%40example.com", "", "")), Some(0));
    assert_eq!(names.find_delivery(&delivery("", "6900000000002", "")), Some(1));
    assert_eq!(names.find_delivery(&delivery("", "", "[6900000000002]")), Some(1));
}

#[test]
fn a_request_is_put_in_order_and_comes_back_from_its_delivery() {
    let values = |values: &[&str]| values.iter().map(|value| (*value).to_owned()).collect::<Vec<_>>();
    let erasure = Erasure {
        values: values(&[" jane@example.com ", "", "jane@example.com", "6900000000001"]),
        why: "customers/redact\nof the shop".to_owned(),
        reference: "asked for by Jane@example.com".to_owned(),
        all_state: true,
    };
    let checked = erasure.checked().unwrap();
    assert_eq!(checked.values, ["jane@example.com", "6900000000001"]);
    assert_eq!(checked.why, "customers/redact of the shop");
    assert_eq!(checked.reference, "(left out: it names the person)");
    let delivery = checked.request("shop", 7);
    assert!(Erasure::is_request(&delivery));
    assert_eq!(Erasure::read(&delivery).unwrap(), checked);
    assert_eq!(Erasure { values: values(&["", " "]), ..Erasure::default() }.checked(), Err(Unfit::Nobody));
    let many = (0..1001).map(|number| format!("value-{number}")).collect();
    assert_eq!(Erasure { values: many, ..Erasure::default() }.checked(), Err(Unfit::Values));
    assert_eq!(Erasure { values: vec!["x".repeat(2000)], ..Erasure::default() }.checked(), Err(Unfit::Value));
}

/// What may stand beside a name without being a part of it.
fn marks() -> impl Strategy<Value = String> {
    proptest::sample::select(vec!["", "\"", " ", "/", ":", ",", "=", "&", "(", ">", "\n", "|"]).prop_map(str::to_owned)
}

/// JSON in which every letter is an escape.
fn escaped(text: &str) -> String {
    text.encode_utf16().map(|unit| format!("\\u{unit:04x}")).collect()
}

fn percent_encoded(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

proptest! {
    #[test]
    fn never_inside_a_longer_token(value in "[a-z0-9]{6,12}", before in "[a-zA-Z0-9é]{0,4}", after in "[a-zA-Z0-9é]{0,4}", left in marks(), right in marks()) {
        let text = format!("{left}{before}{value}{after}{right}");
        let whole = before.is_empty() && after.is_empty();
        // What is put beside it may hold the value itself, as `aaaaaaa` holds `aaaaaa` twice: still one longer token.
        prop_assert_eq!(finds(&value, &text), whole && is_searchable(&value), "{}", text);
        prop_assert_eq!(finds(&value, &escaped(&text)), whole && is_searchable(&value));
        prop_assert_eq!(finds(&value, &percent_encoded(&text)), whole && is_searchable(&value));
    }

    #[test]
    fn never_another_address(user in "[a-z][a-z0-9]{2,8}", before in "[a-z0-9]{1,3}[.+_-]?", after in "(\\.[a-z]{2}|[a-z])", left in marks(), right in marks()) {
        let email = format!("{user}@example.com");
        let whole = format!("{left}{}{right}", email.to_uppercase());
        let (longer_left, longer_right) = (format!("{left}{before}{email}{right}"), format!("{left}{email}{after}{right}"));
        prop_assert!(finds(&email, &whole), "{}", whole);
        prop_assert!(!finds(&email, &longer_left), "{}", longer_left);
        prop_assert!(!finds(&email, &longer_right), "{}", longer_right);
    }

    #[test]
    fn any_bytes_are_looked_through(value in "\\PC{0,12}", bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = names(&[&value]).find(&bytes);
        let _ = escapes::undo(&bytes);
    }
}
