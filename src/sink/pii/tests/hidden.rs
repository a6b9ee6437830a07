//! Secrets that stand in longer names, in links and in JSON text.

use super::*;

#[test]
fn endings_of_names() {
    for key in [
        "user_password",
        "customer_password",
        "userPassword",
        "user.password",
        "password_2",
        "db-passwd",
        "smtp_pwd",
        "admin_passcode",
        "user_password_hash",
        "customer[password_confirmation]",
        "pass",
        "smtp_pass",
        "login_otp",
        "reset_password_url",
        "customerAccessToken",
        "secret_access_token",
        "card_token",
        "payment_token",
        "storefront_api_token",
        "remember_token_hash",
        "totp_secret",
        "aws_secret_access_key",
        "google_api_key",
        "cvv_code",
        "card_cvv2",
        "billing_credit_card_number",
        "card_security_code",
        "a_name_that_is_longer_than_sixty_four_letters_and_still_ends_in_a_password",
    ] {
        assert!(!leaves(key, &json!("x")), "{key}");
        assert!(leaves(key, &json!("")) && leaves(key, &json!(true)), "{key}: no secret");
    }
    assert!(!leaves("user_password", &json!(1234)) && !leaves("card_cvv", &json!(123)));
    for key in [
        "password_reset_requested",
        "password_changed_at",
        "has_password",
        "customer_has_password",
        "is_password",
        "season_pass",
        "compass",
        "card_brand",
        "card_last4",
        "loyalty_card_number",
        "gift_card_code",
        "token_count",
        "price_per_token",
        "has_token",
        "abandoned_checkout_token",
        "cartToken",
        "carttoken",
        "next_page_token",
        "push_token",
        "visitor_token",
        "access_key_id",
        "publishable_api_key",
        "public_key",
        "monkey",
        "cvv_result_code",
        "postal_code",
        "laptop",
        "secretary",
    ] {
        assert!(leaves(key, &json!("x")), "{key}");
    }
    assert!(leaves("cost_of_a_token", &json!(0.02)) && leaves("pass", &json!(3)), "numbers of such things");
    assert!(!leaves("chris_password", &json!("x")), "`is` is no word here");
}

#[test]
fn links_leave_without_their_secrets() {
    let sent = |text: &str| {
        let (after, note) =
            left(&guard(Action::Remove, &[]), &json!({"context": {"page": {"url": text}}, "z": [text]}));
        assert_eq!(after["z"][0], after["context"]["page"]["url"]);
        assert_eq!(note.is_some(), after["z"][0] != text);
        after["z"][0].as_str().unwrap().to_owned()
    };
    for (link, want) in [
        ("https://a.example/?access_token=abc&utm_source=x#top", "https://a.example/?access_token=&utm_source=x#top"),
        ("https://a.example/?a=1&token=abc", "https://a.example/?a=1&token="),
        ("https://a.example/cb#id=7&access_token=abc,def", "https://a.example/cb#id=7&access_token="),
        ("?password=a%26b&x=1", "?password=&x=1"),
        ("password=hunter2&user=jane", "password=&user=jane"),
        (
            "/in?to=https%3A%2F%2Fb.example%2F%3Ftoken%3Dabc%26x%3D1&y=2",
            "/in?to=https%3A%2F%2Fb.example%2F%3Ftoken%3D%26x%3D1&y=2",
        ),
        ("see https://a.example/?token=abc today", "see https://a.example/?token= today"),
    ] {
        assert_eq!(sent(link), want);
    }
    for link in [
        "https://a.example/cart?cart_token=abc&key=1&code=SUMMER",
        "https://a.example/?token=&token_type=x",
        "a token = 5",
        "https://a.example/%zz?a=%",
        "=",
        "?=&=#",
    ] {
        assert_eq!(sent(link), link);
    }
    // As written by programs that escape `&` or `/`.
    let mut json =
        br#"{"a":{"url":"https:\/\/a.example\/?x=1\u0026\u0074oken=ab\/c\u0026y=2","l":"?token=a\"b"}}"#.to_vec();
    guard(Action::Remove, &[]).apply(&mut json, 0).unwrap();
    let want = br#"{"a":{"url":"https:\/\/a.example\/?x=1\u0026\u0074oken=\u0026y=2","l":"?token=\"b"}}"#;
    assert_eq!(String::from_utf8_lossy(&json), String::from_utf8_lossy(want));
    let allowed = json!({"properties": {"url": "?token=a"}});
    assert_eq!(left(&guard(Action::Remove, &["properties.url"]), &allowed), (allowed, None));
}

#[test]
fn json_text_hides_nothing() {
    for text in [
        r#"{"user": "jane", "password": "hunter2"}"#,
        r#" [ { "card": "4111111111111111" } ]"#,
        r#"{"inner":"{\"access_token\":\"x\"}"}"#,
        r#"{"back":"https://a.example/?token=x"}"#,
    ] {
        assert!(!leaves("payload", &json!(text)), "{text}");
    }
    for text in [r#"{"user": "jane", "password": ""}"#, "{password: hunter2}", "[]", "{", "[note] password"] {
        assert!(leaves("payload", &json!(text)), "{text}");
    }
}
