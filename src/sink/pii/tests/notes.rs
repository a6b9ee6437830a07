//! Card numbers within texts, and the many other numbers that stand in notes.

use super::*;

/// A text as it leaves.
fn sent(key: &str, text: &str) -> String {
    let (after, note) = left(&guard(Action::Remove, &[]), &json!({"properties": {key: text, "list": [text]}}));
    let leaves = after["properties"][key].as_str().unwrap().to_owned();
    assert_eq!(after["properties"]["list"][0], *leaves);
    assert_eq!(note.is_some(), leaves != text, "{note:?}");
    assert!(note.is_none_or(|note| note.contains(key) && !note.contains("4111")));
    leaves
}

#[test]
fn the_number_is_cut_out() {
    for (text, want) in [
        ("my card is 4111 1111 1111 1111 ok", "my card is  ok"),
        ("my card is 4111-1111-1111-1111.", "my card is ."),
        ("card:4111111111111111, thanks", "card: thanks"),
        ("4111111111111111,thanks", "thanks"),
        ("5555555555554444,4242424242424242;x", ";x"),
        ("(5555555555554444)", "()"),
        ("4111111111111111 ", " "),
        ("amex 3782 822463 10005 exp 12/27", "amex  exp 12/27"),
        ("378282246310005 or 3056 930902 5904", " or "),
        ("6304 0000 0000 0000 000: maestro", ": maestro"),
        ("4111 1111 1111 1111 12 27 123", " 12 27 123"),
        ("2 x card 4242 4242 4242 4242", "2 x card "),
        ("pay my order with 4111 1111 1111 1111", "pay my order with "),
        ("order number 1001, card number 4111 1111 1111 1111", "order number 1001, card number "),
        ("first line\n4111 1111 1111 1111\tsecond \"line\"", "first line\n\tsecond \"line\""),
        ("カード4111111111111111です", "カードです"),
        ("password=4111 1111 1111 1111", "password="),
        ("[note] 4111 1111 1111 1111", "[note] "),
    ] {
        assert_eq!(sent("order_note", text), want, "{text}");
    }
    let mut json = br#"{"properties":{"a":"x\u00204111 1111 1111 1111\n4111111111111111\/ y","b":1}}"#.to_vec();
    guard(Action::Remove, &[]).apply(&mut json, 0).unwrap();
    assert_eq!(String::from_utf8_lossy(&json), r#"{"properties":{"a":"x\u0020\n\/ y","b":1}}"#);
    let refused = guard(Action::DeadLetter, &[])
        .apply(&mut br#"{"properties":{"note":"card 4111 1111 1111 1111"}}"#.to_vec(), 0)
        .unwrap_err();
    assert!(refused.reason.contains("properties.note (a card number)"), "{}", refused.reason);
    assert!(!leaves("payload", &json!(r#"{"note":"card 4111 1111 1111 1111"}"#)), "within JSON text");
}

/// All of them have the check digit of a card and begin as one, unless said otherwise.
#[test]
fn other_numbers_stay() {
    for text in [
        "order 4111111111111111 has come",
        "Order No. 4111 1111 1111 1111",
        "tracking number: 4111 1111 1111 1111",
        "Bestellnummer 4111111111111111",
        "#4111111111111111",
        "call +4111111111111111",
        "call 0041 11 111 11 11 11",
        "parcel 1234 4111 1111 1111 1111",
        "gid://shopify/Order/4111111111111111",
        "https://a.example/products/4111111111111111?variant=30569309025904&id=4111111111111111#x",
        "/collections/4111111111111111",
        "variant 30569309025904",
        "x 4111 11111111 1111",
        "x 4111 1111-1111 1111",
        "sku-4111111111111111, 4111111111111111-blue, img_4111111111111111.png",
        "4111111111111111.50 0.4111111111111111 1,4111111111111111 $4111111111111111 x 4111111111111111,50",
        "4111111111111111@shop.example",
        "4111-1111-1111-1111-1111",
        "41111111-1111-1111-1111-111111111111",
        "2026-01-15T10:20:30.000Z 20260115102030",
        "my card is 4111 1111 1111 1112",
        "9999 9999 9999 9995",
        "GA1.2.411111111.1111111111",
        r#"{"order_id":"4111111111111111","n":1}"#,
        "",
        "-",
        "4",
    ] {
        assert_eq!(sent("order_note", text), text);
    }
    assert!(leaves("external_id", &json!("x 4111 1111 1111 1111")));
}

/// Each byte is looked at and moved a few times, however many numbers there are.
#[test]
fn very_many_numbers_take_no_time() {
    let note = "4111111111111111,".repeat(60_000);
    let began = std::time::Instant::now();
    let (after, _) = left(
        &guard(Action::Remove, &[]),
        &json!({"properties": {"note": note, "list": vec!["4111111111111111"; 60_000]}}),
    );
    assert_eq!(after["properties"]["list"], json!([]));
    assert!(began.elapsed() < std::time::Duration::from_secs(20), "{:?}", began.elapsed());
}

proptest! {
    #[test]
    fn whatever_stands_around_it_the_text_stays_a_text(text in "[0-9 \\-a,./\\\\\"é]{0,60}", at in 0_usize..60) {
        let at = text.char_indices().map(|(at, _)| at).nth(at).unwrap_or(text.len());
        let text = format!("{}4111 1111 1111 1111{}", &text[..at], &text[at..]);
        let (after, _) = left(&guard(Action::Remove, &[]), &json!({"properties": {"note": text, "z": "é"}}));
        prop_assert_eq!(&after["properties"]["z"], "é");
    }
}
