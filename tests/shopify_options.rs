//! The settings of the shipped Shopify mapping: each does what its comment in `pipelines/shopify.yaml` says.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, reason = "a test fails by panicking")]

#[path = "support/mapping.rs"]
#[allow(dead_code, unreachable_pub, reason = "each test uses its part")]
mod mapping;

use mapping::{map, map_file};
use serde_json::Value;

const ORDER: &str = "scenario/18-orders_create.json";

fn order(settings: &[(&str, &str)]) -> Value {
    map_file(settings, "orders/create", ORDER).only("Order Completed").clone()
}

#[test]
fn users_are_who_the_setting_says() {
    let user = |kind: &str| order(&[("user_id", kind)])["userId"].clone();
    assert_eq!(user("customer_id"), "6900000000001");
    assert_eq!(user("email"), "ada@example.com");
    assert_eq!(user("email_md5"), "3e3417d7ef77d5932a6734b916515ed5");
    assert_eq!(user("email_sha256"), "b5fc85e55755f9e0d030a10ab4429b6b2944855f9a0d60077fe832becbc41d72");
    assert_eq!(user("none"), Value::Null);
    // An order without e-mail is told by its cart alone.
    let nobody = map_file(&[("user_id", "email")], "orders/create", "scenario/32-orders_create.json");
    let message = nobody.only("Order Completed");
    assert_eq!(message["userId"], Value::Null);
    assert_eq!(message["anonymousId"].as_str().map(str::len), Some(32));
}

#[test]
fn anonymous_ids_come_from_the_attributes_that_are_listed() {
    let listed = order(&[]);
    assert_eq!(listed["anonymousId"], "0b5f4a3e-6c1d-4f2a-9b7e-1d2c3b4a5f60");
    let body = |value: &str| {
        let text = format!(
            r#"{{"id":1,"cart_token":"c1","note_attributes":[{{"name":"segment-clientID","value":{value}}}]}}"#
        );
        map(&[], &[("orders/create", text.into_bytes())]).remove(0).only("Order Completed")["anonymousId"].clone()
    };
    assert_eq!(body(r#""\"abc\"""#), "abc");
    let derived = body("null");
    assert_eq!(derived.as_str().map(str::len), Some(32));
    for nothing in [r#""""#, r#""null""#, r#""undefined""#, r#"" ""#] {
        assert_eq!(body(nothing), derived, "{nothing}");
    }
}

#[test]
fn a_cart_and_its_order_share_their_anonymous_id() {
    let token = br#"{"id":"c1","token":"c1","line_items":[{"quantity":1}],"updated_at":"2026-01-01T00:00:00Z"}"#;
    let order = br#"{"id":1,"cart_token":"c1"}"#;
    let mapped = map(&[], &[("carts/update", token.to_vec()), ("orders/create", order.to_vec())]);
    assert_eq!(mapped[0].only("Cart Updated")["anonymousId"], mapped[1].only("Order Completed")["anonymousId"]);
}

#[test]
fn an_order_without_cart_and_its_refund_share_theirs() {
    let webhooks =
        [("orders/create", br#"{"id":77}"#.to_vec()), ("refunds/create", br#"{"id":5,"order_id":77}"#.to_vec())];
    let mapped = map(&[], &webhooks);
    assert_eq!(mapped[0].only("Order Completed")["anonymousId"], mapped[1].only("Order Refunded")["anonymousId"]);
}

#[test]
fn orders_are_complete_when_the_setting_says() {
    let late = [("order_completed_on", "paid")];
    assert!(map_file(&late, "orders/create", ORDER).messages.is_empty());
    let paid = map_file(&late, "orders/paid", "scenario/21-orders_paid.json");
    // The same event, whichever topic tells it.
    assert_eq!(paid.only("Order Completed")["messageId"], order(&[])["messageId"]);
    assert!(map_file(&[], "orders/paid", "scenario/21-orders_paid.json").messages.is_empty());
    let both = map_file(&[("order_paid", "true")], "orders/paid", "scenario/21-orders_paid.json");
    assert_eq!(both.only("Order Paid")["properties"]["order_id"], "6100000000001");
}

#[test]
fn properties_follow_their_settings() {
    let property = |setting: &str, value: &str, name: &str| order(&[(setting, value)])["properties"][name].clone();
    assert_eq!(property("order_id", "id", "order_id"), "6100000000001");
    assert_eq!(property("order_id", "name", "order_id"), "#1101");
    assert_eq!(property("order_id", "order_number", "order_id"), "1101");
    assert_eq!(property("affiliation", "source_name", "affiliation"), "web");
    assert_eq!(property("affiliation", "shop", "affiliation"), "example-store.myshopify.com");
    assert_eq!(property("email_in_properties", "false", "email"), Value::Null);
    assert_eq!(property("email_in_properties", "true", "email"), "ada@example.com");
}

#[test]
fn addresses_are_names_or_codes() {
    let address = |kind: &str| {
        let mapped = map_file(&[("address", kind)], "customers/create", "scenario/15-customers_create.json");
        let address = &mapped.only("identify")["traits"]["address"];
        [address["state"].clone(), address["country"].clone()]
    };
    assert_eq!(address("names"), ["Texas", "United States"]);
    assert_eq!(address("codes"), ["TX", "US"]);
}

#[test]
fn what_is_off_stays_off_until_it_is_on() {
    let count =
        |setting: &str, value: &str, topic: &str, file: &str| map_file(&[(setting, value)], topic, file).messages.len();
    let cases = [
        ("identify", "orders/create", ORDER, 1, 2),
        (
            "include_test_orders",
            "orders/create",
            "captured/orders_create-gbp-littledata-segment-clientid-2021.json",
            0,
            2,
        ),
        ("customer_deleted", "customers/delete", "customers_delete.json", 0, 1),
        ("other_topics", "products/update", "products_update.json", 0, 1),
        ("other_topics", "draft_orders/create", "draft_orders_create.json", 0, 1),
    ];
    for (setting, topic, file, off, on) in cases {
        assert_eq!(count(setting, "false", topic, file), off, "{setting} off");
        assert_eq!(count(setting, "true", topic, file), on, "{setting} on");
    }
    let passed_on = map_file(&[("other_topics", "true")], "draft_orders/create", "draft_orders_create.json");
    assert_eq!(passed_on.messages[0]["event"], "Draft Order Created");
}

#[test]
fn customers_merge_by_customer_id_only() {
    let merge = br#"{"admin_graphql_api_customer_kept_id":"gid://shopify/Customer/1",
        "admin_graphql_api_customer_deleted_id":"gid://shopify/Customer/2","status":"completed"}"#;
    let merged = |settings: &[(&str, &str)]| map(settings, &[("customers/merge", merge.to_vec())]).remove(0).messages;
    let alias = merged(&[]);
    assert_eq!((&alias[0]["userId"], &alias[0]["previousId"]), (&Value::from("1"), &Value::from("2")));
    assert!(merged(&[("user_id", "email")]).is_empty());
    assert!(merged(&[("customer_merge", "false")]).is_empty());
}

#[test]
fn privacy_requests_are_never_events() {
    for topic in ["customers/redact", "customers/data_request", "shop/redact", "app/uninstalled"] {
        let mapped = map(&[("other_topics", "true")], &[(topic, br#"{"id":1,"email":"ada@example.com"}"#.to_vec())]);
        assert!(mapped[0].messages.is_empty() && mapped[0].failures.is_empty(), "{topic}");
    }
}

#[test]
fn no_topic_fails_on_a_body_with_nothing_in_it() {
    let topics = [
        "orders/create",
        "orders/paid",
        "orders/updated",
        "orders/cancelled",
        "orders/fulfilled",
        "orders/partially_fulfilled",
        "orders/edited",
        "refunds/create",
        "order_transactions/create",
        "checkouts/create",
        "checkouts/update",
        "carts/create",
        "carts/update",
        "customers/create",
        "customers/enable",
        "customers/update",
        "customers_email_marketing_consent/update",
        "customers_marketing_consent/update",
        "customers/purchasing_summary",
        "customer.tags_added",
        "customers/merge",
        "customers/delete",
        "fulfillments/create",
        "fulfillments/update",
        "fulfillment_events/create",
        "returns/request",
        "returns/update",
        "products/update",
        "anything",
    ];
    let webhooks: Vec<_> = topics.iter().map(|topic| (*topic, br#"{"id":5}"#.to_vec())).collect();
    for (topic, mapped) in topics.iter().zip(map(&[("other_topics", "true")], &webhooks)) {
        assert!(mapped.failures.is_empty(), "{topic}: {:?}", mapped.failures);
    }
}
