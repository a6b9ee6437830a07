//! The settings of the shipped Shopify mapping: each does what its comment in `pipelines/shopify.yaml` says.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, reason = "a test fails by panicking")]

#[path = "support/mapping.rs"]
#[allow(dead_code, unreachable_pub, reason = "each test uses its part")]
mod mapping;

use mapping::{PIXEL, journey, map, map_file};
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
    assert!(message["anonymousId"].as_str().unwrap().starts_with("cw-"), "{message:#}");
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
    assert!(derived.as_str().unwrap().starts_with("cw-"), "{derived}");
    for nothing in
        [r#""""#, r#""null""#, r#""undefined""#, r#"" ""#, r#""{}""#, r#""{oops""#, r#""{\"user_id\":null}""#]
    {
        assert_eq!(body(nothing), derived, "{nothing}");
    }
    // JSON, its quotes escaped or not.
    for info in [r#""{\"user_id\":\"abc\",\"session_id\":\"1\"}""#, r#""{&quot;user_id&quot;:&quot;abc&quot;}""#] {
        assert_eq!(body(info), "abc", "{info}");
    }
    // The best of several comes first in the list of names, wherever it stands in the body.
    let several = br#"{"id":1,"note_attributes":[{"name":"_elevar_visitor_info","value":"{\"user_id\":\"later\"}"},
        {"name":"segment-clientID","value":"first"}]}"#;
    let mapped = map(&[], &[("orders/create", several.to_vec())]).remove(0);
    assert_eq!(mapped.only("Order Completed")["anonymousId"], "first");
}

#[test]
fn a_cart_and_its_order_share_their_anonymous_id() {
    let token = br#"{"id":"c1","token":"c1","line_items":[{"quantity":1}],"updated_at":"2026-01-01T00:00:00Z"}"#;
    let order = br#"{"id":1,"cart_token":"c1"}"#;
    let mapped = map(&[], &[("carts/update", token.to_vec()), ("orders/create", order.to_vec())]);
    assert_eq!(mapped[0].only("Cart Updated")["anonymousId"], mapped[1].only("Order Completed")["anonymousId"]);
}

#[test]
fn a_cart_is_one_event_or_what_has_changed_in_it() {
    let cart = |second: u32, lines: &[(u64, u32)]| {
        let lines: Vec<_> = lines
            .iter()
            .map(|(variant, quantity)| {
                let price =
                    format!(r#""price":"9.50","original_price":"9.50","variant_id":{variant},"title":"V{variant}""#);
                format!(r#"{{"id":{variant},"quantity":{quantity},{price}}}"#)
            })
            .collect();
        let body = format!(
            r#"{{"id":"c1","token":"c1","updated_at":"2026-05-04T14:00:{second:02}Z","line_items":[{}]}}"#,
            lines.join(",")
        );
        ("carts/update", body.into_bytes())
    };
    let carts = [
        cart(1, &[(7, 2)]),
        cart(2, &[(7, 2), (8, 1)]),
        cart(2, &[(7, 2), (8, 1)]),
        // Older than what is known: left out.
        cart(1, &[(7, 2)]),
        cart(3, &[(7, 1), (8, 1)]),
        cart(4, &[]),
    ];
    let told = |kind: &str| {
        let mapped = journey(&[("carts", kind)], &carts);
        assert!(mapped.failures.is_empty(), "{:?}", mapped.failures);
        let of = |message: &Value| {
            let properties = &message["properties"];
            (message["event"].as_str().unwrap().to_owned(), properties["name"].clone(), properties["quantity"].as_i64())
        };
        (mapped.messages.iter().map(of).collect::<Vec<_>>(), mapped.messages)
    };
    let (changes, messages) = told("products");
    let change = |event: &str, name: &str, quantity: i64| (event.to_owned(), Value::from(name), Some(quantity));
    let expected = [
        change("Product Added", "V7", 2),
        change("Product Added", "V8", 1),
        change("Product Removed", "V7", 1),
        change("Product Removed", "V7", 1),
        change("Product Removed", "V8", 1),
    ];
    assert_eq!(changes, expected);
    for message in &messages {
        let properties = &message["properties"];
        assert_eq!(
            (properties["price"].as_f64(), &properties["cart_id"]),
            (Some(9.5), &Value::from("c1")),
            "{message}"
        );
        assert!(properties["variant_id"].is_string(), "{message}");
    }
    let ids: std::collections::BTreeSet<_> = messages.iter().map(|message| message["messageId"].as_str()).collect();
    assert_eq!(ids.len(), messages.len());
    assert!(told("updated").0.iter().all(|(event, ..)| event == "Cart Updated"));
    assert!(told("off").0.is_empty());
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
    // The step `identity` tells by a message of its own whose a browser is.
    let own = |message: &&Value| !message["messageId"].as_str().is_some_and(|id| id.ends_with(":identify"));
    let count = |setting: &str, value: &str, topic: &str, file: &str| {
        map_file(&[(setting, value)], topic, file).messages.iter().filter(own).count()
    };
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
        ("other_topics", "subscription_contracts/update", "subscription_contracts_update.json", 0, 1),
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
fn an_order_is_one_event_by_checkout_or_by_id() {
    const COMPLETED: &str = "scenario/19-pixel_checkout_completed.json";
    let id = |kind: &str, topic: &str, file: &str| {
        let from = if topic == PIXEL { "pixel" } else { "webhook" };
        let settings = [("order_message_id", kind), ("order_completed_from", from)];
        map_file(&settings, topic, file).only("Order Completed")["messageId"].clone()
    };
    for kind in ["checkout", "order"] {
        assert_eq!(id(kind, "orders/create", ORDER), id(kind, PIXEL, COMPLETED), "{kind}");
        assert_eq!(id(kind, "orders/create", ORDER), id(kind, "orders/create", ORDER), "{kind}");
    }
    assert_ne!(id("checkout", PIXEL, COMPLETED), id("order", PIXEL, COMPLETED));
}

#[test]
fn orders_are_told_by_whom_the_setting_says() {
    let count = |from: &str, topic: &str, file: &str| {
        let mapped = map_file(&[("order_completed_from", from)], topic, file);
        mapped.messages.iter().filter(|message| message["event"] == "Order Completed").count()
    };
    let pixel = "scenario/19-pixel_checkout_completed.json";
    // In the shop's money the pixel's is left out of both: it has the buyer's.
    for (from, by_pixel, by_webhook) in [("both", 0, 1), ("webhook", 0, 1), ("pixel", 1, 0)] {
        assert_eq!(count(from, PIXEL, pixel), by_pixel, "{from}");
        assert_eq!(count(from, "orders/create", ORDER), by_webhook, "{from}");
    }
    let in_a_store = br#"{"id":1,"source_name":"pos"}"#.to_vec();
    let mapped = map(&[("order_completed_from", "pixel")], &[("orders/create", in_a_store)]).remove(0);
    mapped.only("Order Completed");

    // A copy that knows less than the webhook's must not be the first.
    let count = |settings: &[(&str, &str)], body: &str| {
        map(settings, &[(PIXEL, body.as_bytes().to_vec())]).remove(0).messages.len()
    };
    let money = r#"{"amount":5,"currencyCode":"USD"}"#;
    let nothing = r#"{"amount":0,"currencyCode":"USD"}"#;
    let paid =
        format!(r#""subtotalPrice":{money},"totalTax":{nothing},"shippingLine":{{"price":{nothing}}},"totalPrice""#);
    let known = format!(
        r#"{{"id":"e","name":"checkout_completed","data":{{"checkout":{{"token":"t","order":{{"id":"1"}},{paid}:{money}}}}}}}"#
    );
    let tipped = known.replace(r#""totalPrice":{"amount":5"#, r#""totalPrice":{"amount":6"#);
    assert_ne!(tipped, known);
    let known = known.as_str();
    let unknown = r#"{"id":"e","name":"checkout_completed","data":{"checkout":{"token":"t","order":null}}}"#;
    let both = [("order_completed_from", "both"), ("money", "presentment")];
    let both_and = |setting: (&'static str, &'static str)| [both[0], both[1], setting];
    assert_eq!(count(&both, known), 1);
    assert_eq!(count(&both, unknown), 0);
    assert_eq!(count(&both, &tipped), 0, "a tip, or a fee");
    assert_eq!(count(&[("order_completed_from", "pixel")], unknown), 1);
    assert_eq!(count(&both_and(("order_id", "name")), known), 0);
    assert_eq!(count(&both_and(("order_completed_on", "paid")), known), 0);
}

#[test]
fn checkouts_are_told_by_whom_the_setting_says() {
    let told = |from: &str, topic: &str, file: &str| -> Vec<Value> {
        let mapped = map_file(&[("checkouts_from", from)], topic, file);
        assert!(mapped.failures.is_empty(), "{:?}", mapped.failures);
        mapped.messages.iter().map(|message| message["event"].clone()).filter(Value::is_string).collect()
    };
    let started =
        [("checkouts/create", "scenario/11-checkouts_create.json"), (PIXEL, "scenario/10-pixel_checkout_started.json")];
    let steps = [
        ("checkouts/update", "scenario/16-checkouts_update.json"),
        (PIXEL, "scenario/14-pixel_checkout_shipping_info_submitted.json"),
    ];
    for (from, by_webhook, by_pixel) in [("both", 1, 1), ("webhook", 1, 0), ("pixel", 0, 1)] {
        for ((topic, file), count) in started.iter().zip([by_webhook, by_pixel]) {
            assert_eq!(told(from, topic, file), vec!["Checkout Started"; count], "{from} {topic}");
        }
        for ((topic, file), count) in steps.iter().zip([by_webhook, by_pixel]) {
            let found = told(from, topic, file).iter().filter(|event| *event == "Checkout Step Completed").count();
            assert_eq!(found.min(1), count, "{from} {topic}");
        }
    }
    // What only webhooks tell stays.
    assert!(told("pixel", "checkouts/update", steps[0].1).contains(&"Coupon Applied".into()));
}

/// Who is left to the webhooks still says whose the browser is.
#[test]
fn a_pixel_that_webhooks_speak_for_ties_the_browser_all_the_same() {
    let started = (
        PIXEL,
        br#"{"id":"e","clientId":"browser-1","name":"checkout_started","data":{"checkout":{"token":"t"}}}"#.to_vec(),
    );
    let order = ("orders/create", br#"{"id":1,"checkout_token":"t"}"#.to_vec());
    for settings in [("checkouts_from", "webhook"), ("checkouts_from", "both")] {
        let mapped = journey(&[settings], &[started.clone(), order.clone()]);
        assert_eq!(mapped.only("Order Completed")["anonymousId"], "browser-1", "{settings:?}");
    }
}

#[test]
fn the_steps_of_a_checkout_are_the_same_from_pixel_and_webhook() {
    let paid = br#"{"token":"5c1f0e0b9a8d4c7e8f3a2b1c0d9e8f7a","gateway":"shopify_payments"}"#.to_vec();
    let webhooks = [
        map(&[], &[("checkouts/update", paid)]).remove(0),
        map_file(&[], "checkouts/create", "scenario/11-checkouts_create.json"),
        map_file(&[], "checkouts/update", "scenario/16-checkouts_update.json"),
    ];
    let by_webhook: Vec<_> =
        webhooks.iter().flat_map(|mapped| &mapped.messages).map(|message| &message["messageId"]).collect();
    let steps = [
        ("Checkout Started", "scenario/10-pixel_checkout_started.json"),
        ("Checkout Step Completed", "scenario/12-pixel_checkout_contact_info_submitted.json"),
        ("Checkout Step Completed", "scenario/13-pixel_checkout_address_info_submitted.json"),
        ("Checkout Step Completed", "scenario/14-pixel_checkout_shipping_info_submitted.json"),
        ("Payment Info Entered", "scenario/17-pixel_payment_info_submitted.json"),
    ];
    for (name, file) in steps {
        let mapped = map_file(&[], PIXEL, file);
        assert!(by_webhook.contains(&&mapped.only(name)["messageId"]), "{file}: {by_webhook:?}");
    }
}

#[test]
fn updates_right_after_the_order_are_left_out() {
    let count = |seconds: &str, body: &str| {
        map(&[("order_updated_after", seconds)], &[("orders/updated", body.as_bytes().to_vec())])
            .remove(0)
            .messages
            .len()
    };
    let order = |updated: &str, more: &str| {
        format!(
            r#"{{"id":1,"created_at":"2026-05-04T09:05:30-05:00","updated_at":"{updated}","total_price":"9.00"{more}}}"#
        )
    };
    let soon = order("2026-05-04T14:05:40Z", "");
    assert_eq!((count("10", &soon), count("9", &soon), count("0", &soon)), (0, 1, 1));
    for change in [
        r#","current_total_price":"8.00""#,
        r#","fulfillment_status":"partial""#,
        r#","cancelled_at":"2026-05-04T14:05:40Z""#,
        r#","refunds":[{"id":1}]"#,
    ] {
        assert_eq!(count("10", &order("2026-05-04T14:05:33Z", change)), 1, "{change}");
    }
    assert_eq!(count("10", r#"{"id":1}"#), 1);
}

#[test]
fn a_pixels_events_follow_their_settings() {
    let one =
        |settings: &[(&str, &str)], body: &str| map(settings, &[(PIXEL, body.as_bytes().to_vec())]).remove(0).messages;
    let custom = r#"{"id":"e","name":"wishlist_opened","type":"custom","customData":{"items":3}}"#;
    assert_eq!(one(&[], custom)[0]["event"], "wishlist_opened");
    assert_eq!(one(&[("custom_event_names", "title")], custom)[0]["event"], "Wishlist Opened");
    let alert = r#"{"id":"e","name":"alert_displayed","data":{"alert":{"message":"No"}}}"#;
    let failure = r#"{"id":"e","name":"ui_extension_errored","data":{"error":{"message":"No"}}}"#;
    assert_eq!((one(&[], alert).len(), one(&[], failure).len()), (1, 1));
    let off = [("alerts", "false")];
    assert_eq!((one(&off, alert).len(), one(&off, failure).len()), (0, 0));
    let variants = vec![r#"{"id":"1"}"#; 200].join(",");
    let list = format!(
        r#"{{"id":"e","name":"collection_viewed","data":{{"collection":{{"id":"7","productVariants":[{variants}]}}}}}}"#
    );
    let shown =
        |most: &str| one(&[("list_products_max", most)], &list)[0]["properties"]["products"].as_array().unwrap().len();
    assert_eq!((shown("50"), shown("3")), (50, 3));
    let page = r#"{"id":"e","name":"page_viewed","context":{"document":{"location":{"href":"https://a.example/?key=1&x=2"}}}}"#;
    let url = |names: &str| one(&[("private_parameters", names)], page)[0]["context"]["page"]["url"].clone();
    assert_eq!(url("[key]"), "https://a.example/?x=2");
    assert_eq!(url("[x, y]"), "https://a.example/?key=1");
    let user = r#"{"id":"e","name":"checkout_contact_info_submitted","data":{"checkout":{"token":"t","email":"A@Example.com"}}}"#;
    assert_eq!(one(&[("user_id", "email")], user)[1]["userId"], "a@example.com");
    assert_eq!(one(&[("identify", "false")], user).len(), 1);
    assert_eq!(one(&[("email_in_properties", "true")], user)[1]["properties"]["email"], "a@example.com");
}

/// Whatever a pixel leaves out, and whatever stands where something else should: no event fails.
#[test]
fn no_event_of_a_pixel_fails_on_a_body_with_nothing_in_it() {
    let names = [
        "page_viewed",
        "search_submitted",
        "collection_viewed",
        "product_viewed",
        "product_added_to_cart",
        "product_removed_from_cart",
        "cart_viewed",
        "checkout_started",
        "checkout_contact_info_submitted",
        "checkout_address_info_submitted",
        "checkout_shipping_info_submitted",
        "payment_info_submitted",
        "checkout_completed",
        "alert_displayed",
        "ui_extension_errored",
        "anything",
    ];
    let empty = r#"{"productVariant":{},"cartLine":{"merchandise":{}},"cart":{},"collection":{},"searchResult":{},
        "checkout":{"token":"t","order":{},"lineItems":[{}],"transactions":[{}],"discountApplications":[{}],
        "delivery":{"selectedDeliveryOptions":[{}]},"shippingAddress":{}},"alert":{},"error":{}}"#;
    let null =
        r#"{"productVariant":null,"cartLine":null,"cart":null,"collection":null,"searchResult":null,"checkout":null}"#;
    for data in ["{}", "null", empty, null] {
        let events: Vec<_> = names
            .iter()
            .map(|name| (PIXEL, format!(r#"{{"name":"{name}","context":{{}},"data":{data}}}"#).into_bytes()))
            .collect();
        for (name, mapped) in names.iter().zip(map(&[("order_completed_from", "pixel")], &events)) {
            assert!(mapped.failures.is_empty(), "{name} with {data}: {:?}", mapped.failures);
        }
    }
}

#[test]
fn privacy_requests_leave_a_line_in_the_log_and_nothing_personal() {
    let body = br#"{"shop_id":1,"shop_domain":"example-store.myshopify.com","orders_to_redact":[7,8],
        "customer":{"id":6900000000001,"email":"ada@example.com","phone":"+15555550110"}}"#;
    let mapped = map(&[], &[("customers/redact", body.to_vec())]).remove(0);
    assert_eq!(mapped.logs, ["info: privacy request customers/redact: shop example-store.myshopify.com, orders: 2"]);
    let ask = br#"{"shop_domain":"example-store.myshopify.com","customer":{"id":5,"email":"a@b.example"},"data_request":{"id":99}}"#;
    let mapped = map(&[], &[("customers/data_request", ask.to_vec())]).remove(0);
    assert_eq!(
        mapped.logs,
        [
            "info: privacy request customers/data_request: shop example-store.myshopify.com, request 99",
            "info: what is kept of a customer is counted by `cartwire erase <pipeline> <customer id> <e-mail> --dry-run`",
        ]
    );
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
        "customer.joined_segment",
        "customers/redact",
        "app/uninstalled",
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

/// A body with that many lines, each as long as a line can well be: `letters` to its title.
fn long(topic: &str, count: usize, letters: usize) -> Vec<u8> {
    let line = |number: usize| {
        let title = "é".repeat(letters);
        serde_json::json!({
            "id": number, "product_id": 7_001_000_000_003_u64, "variant_id": 41_001_000_000_003_u64, "sku": format!("SKU-{number}"),
            "title": title, "vendor": "Northway", "price": "1.00", "original_price": "1.00", "line_price": "1.00", "quantity": 1,
            "discount_allocations": [], "total_discount": "0.00",
        })
    };
    let lines: Vec<_> = (0..count).map(line).collect();
    let total = format!("{count}.00");
    let body = match topic {
        "refunds/create" => {
            let refunded = lines
                .iter()
                .map(|line| serde_json::json!({"quantity": 1, "subtotal": 1.0, "total_tax": 0.0, "line_item": line}));
            serde_json::json!({"id": 1, "order_id": 2, "order_adjustments": [], "refund_shipping_lines": [], "refund_line_items": refunded.collect::<Vec<_>>()})
        }
        _ => serde_json::json!({
            "id": "1", "token": "1", "currency": "USD", "taxes_included": false, "subtotal_price": total, "total_tax": "0.00",
            "total_price": total, "shipping_lines": [], "line_items": lines, "updated_at": "2026-05-04T09:05:30Z",
        }),
    };
    body.to_string().into_bytes()
}

#[test]
fn however_many_lines_there_are_the_money_is_told() {
    let topics = [
        ("orders/create", "Order Completed", "revenue"),
        ("orders/cancelled", "Order Cancelled", "revenue"),
        ("checkouts/create", "Checkout Started", "revenue"),
        ("carts/update", "Cart Updated", "value"),
        ("refunds/create", "Order Refunded", "total"),
        ("fulfillments/create", "Fulfillment Created", ""),
    ];
    let sizes = [(90, 8), (400, 8), (400, 250)];
    let bodies: Vec<_> = topics
        .iter()
        .flat_map(|(topic, ..)| sizes.map(|(count, letters)| (*topic, long(topic, count, letters))))
        .collect();
    let mapped = map(&[], &bodies);
    for ((_, event, money), mapped) in topics.iter().zip(mapped.chunks(sizes.len())) {
        for ((count, letters), mapped) in sizes.iter().zip(mapped) {
            assert!(mapped.failures.is_empty(), "{event}: {:?}", mapped.failures);
            let message = mapped.only(event);
            let properties = &message["properties"];
            let told = properties["products"].as_array().unwrap().len();
            assert!(message.to_string().len() < 32_000, "{event} {count}");
            if !money.is_empty() {
                assert_eq!(properties[money].as_f64(), Some(*count as f64), "{event}");
            }
            if *count == 90 {
                assert_eq!((told, &properties["products_count"]), (90, &Value::Null), "{event}");
            } else {
                assert!(told > if *letters == 8 { 90 } else { 30 } && told < 151, "{event} {told}");
                assert_eq!(properties["products_count"], 400, "{event}");
            }
        }
    }
    let few = map(&[("products_max", "3")], &bodies[..1]).remove(0);
    let properties = &few.only("Order Completed")["properties"];
    assert_eq!(
        (properties["products"].as_array().unwrap().len(), &properties["products_count"]),
        (3, &Value::from(90))
    );
}
