//! The settings of the shipped mapping: each does what its comment in `pipelines/bigcommerce.yaml` says.

use serde_json::{Value, json};

use crate::cases::{case, load, map, map_one};

const ORDER: &str = "scenario-09-order-created";

fn order(settings: &[(&str, &str)]) -> Value {
    map_one(settings, ORDER).only("Order Completed").clone()
}

#[test]
fn users_are_who_the_setting_says() {
    let user = |kind: &str| order(&[("user_id", kind)])["userId"].clone();
    assert_eq!(user("customer_id"), "32");
    assert_eq!(user("store_customer_id"), "abc123xyz/32");
    assert_eq!(user("email"), "ada@example.com");
    assert_eq!(user("email_md5"), "3e3417d7ef77d5932a6734b916515ed5");
    assert_eq!(user("email_sha256"), "b5fc85e55755f9e0d030a10ab4429b6b2944855f9a0d60077fe832becbc41d72");
    assert_eq!(user("none"), Value::Null);
    assert_eq!(map_one(&[], "edge-guest").only("Order Completed")["userId"], Value::Null);
    assert_eq!(map_one(&[("user_id", "email")], "edge-guest").only("Order Completed")["userId"], "guest@example.com");
    assert_eq!(
        map_one(&[("user_id", "email")], "scenario-08-subscriber-created").only("identify")["userId"],
        "ada@example.com"
    );
}

/// Each store counts its customers from one.
#[test]
fn a_number_stands_for_a_customer_of_its_store() {
    let told = case("scenario-15-customer-updated");
    let deleted_in = |store: &str| {
        let mut both = told.clone();
        let mut deleted = case("scope-customer-deleted").given.remove(0);
        let mut body: Value = serde_json::from_slice(&deleted.body).unwrap();
        body["producer"] = format!("stores/{store}").into();
        deleted.body = body.to_string().into_bytes();
        both.given.push(deleted);
        let mapped = map(&[("user_id", "email"), ("customer_deleted", "true")], vec![both]).remove(0);
        let message = mapped.only("Customer Deleted").clone();
        assert_eq!(message["context"]["keys"], Value::Null, "what only the step needs stays here");
        message["userId"].clone()
    };
    assert_eq!(deleted_in("abc123xyz"), "ada@example.com");
    assert_eq!(deleted_in("zzz999"), Value::Null);
}

#[test]
fn one_of_the_two_tells_an_order() {
    let (callback, storefront) = (ORDER, "storefront-order-purchased");
    let told = |from: &str, name: &str| !map_one(&[("orders_from", from)], name).messages.is_empty();
    for (from, expected) in [("callbacks", [true, false]), ("storefront", [false, true]), ("both", [true, true])] {
        assert_eq!([told(from, callback), told(from, storefront)], expected, "{from}");
    }
    let both = |first: &str, second: &str| {
        let mut journey = case(first);
        let second = case(second);
        journey.given.extend(second.given);
        journey.http.extend(second.http);
        let mapped = map(&[("orders_from", "both")], vec![journey]).remove(0);
        mapped.only("Order Completed")["messageId"].clone()
    };
    assert_eq!(both(callback, storefront), both(storefront, callback), "whichever comes first, it is one event");
}

#[test]
fn one_of_the_two_tells_what_is_in_a_cart() {
    let names = |from: &str, name: &str| -> Vec<Value> {
        let mapped = map_one(&[("carts_from", from)], name);
        mapped.messages.iter().map(|message| message["event"].clone()).collect()
    };
    let (callback, added, removed) =
        ("scenario-02-cart-line-item-created", "storefront-cart-product-added", "storefront-cart-product-removed");
    assert_eq!(names("callbacks", callback), ["Product Added", "Product Added"]);
    assert_eq!(names("callbacks", added), Vec::<Value>::new());
    assert_eq!(names("storefront", callback), Vec::<Value>::new());
    assert_eq!(names("storefront", added), ["Product Added"]);
    assert_eq!(names("storefront", removed), ["Product Removed"]);
    let mapped = map_one(&[("carts_from", "storefront")], added);
    assert_eq!(
        mapped.only("Product Added")["properties"],
        json!({
            "product_id": "77", "variant_id": "301", "sku": "MUG-BLU", "name": "Trail Mug", "brand": "Northway", "category": "Gifts",
            "price": 18.0, "quantity": 2, "discount": 3.6, "currency": "USD", "cart_id": "d30016e2-23c0-4a90-884f-2e92ac135476"
        })
    );
}

#[test]
fn properties_follow_their_settings() {
    let property = |setting: &str, value: &str, name: &str| order(&[(setting, value)])["properties"][name].clone();
    assert_eq!(property("affiliation", "order_source", "affiliation"), "www");
    assert_eq!(property("affiliation", "channel", "affiliation"), "1");
    assert_eq!(property("affiliation", "store", "affiliation"), "abc123xyz");
    assert_eq!(property("email_in_properties", "false", "email"), Value::Null);
    assert_eq!(property("email_in_properties", "true", "email"), "ada@example.com");
    assert_eq!(property("prices", "ex_tax", "products")[0]["price"].as_f64(), Some(18.0));
    assert_eq!(property("prices", "inc_tax", "products")[0]["price"].as_f64(), Some(19.30));
    let country =
        |kind: &str| map_one(&[("address", kind)], ORDER).only("identify")["traits"]["address"]["country"].clone();
    assert_eq!((country("names"), country("codes")), (json!("United States"), json!("US")));
    let customer = |kind: &str| {
        map_one(&[("address", kind)], "scenario-15-customer-updated").only("identify")["traits"]["address"]["country"]
            .clone()
    };
    assert_eq!((customer("names"), customer("codes")), (json!("United States"), json!("US")));
}

#[test]
fn what_is_off_stays_off_until_it_is_on() {
    let count = |setting: &str, value: &str, name: &str| map_one(&[(setting, value)], name).messages.len();
    for (setting, name, off, on) in [
        ("identify", ORDER, 1, 2),
        ("identify", "scenario-03-cart-updated", 0, 1),
        ("customer_deleted", "scenario-23-customer-deleted", 0, 1),
        ("other_scopes", "scope-product-updated", 0, 1),
        ("other_scopes", "storefront-unknown-event", 0, 1),
        ("other_scopes", "scenario-24-app-uninstalled", 0, 0),
    ] {
        assert_eq!(count(setting, "false", name), off, "{setting} off, {name}");
        assert_eq!(count(setting, "true", name), on, "{setting} on, {name}");
    }
    let passed_on = map_one(&[("other_scopes", "true")], "scope-product-inventory-updated");
    assert_eq!(passed_on.messages[0]["event"], "Product Inventory Updated");
    assert_eq!(passed_on.messages[0]["properties"]["inventory"]["value"], 100_000_000);
}

/// A browser that showed a cart is told of with the order that the cart became, and with the parcel.
#[test]
fn an_order_meets_its_browser() {
    let mapped = map_one(&[], "storefront-then-order");
    for message in &mapped.messages {
        assert_eq!(message["anonymousId"], "0b5f4a3e-6c1d-4f2a-9b7e-1d2c3b4a5f60", "{message:#}");
    }
    let alone = order(&[]);
    let derived = alone["anonymousId"].as_str().unwrap();
    assert!(derived.starts_with("cw-"), "without a browser, one that is derived from the cart: {derived}");
    let cart = map_one(&[], "scenario-06-cart-coupon-applied");
    assert_eq!(cart.only("Coupon Applied")["anonymousId"], alone["anonymousId"]);
}

#[test]
fn no_scope_fails_on_a_callback_with_nothing_in_it() {
    let mut scopes: Vec<_> = load("bigcommerce")
        .iter()
        .flat_map(|case| case.given.clone())
        .filter_map(|given| serde_json::from_slice::<Value>(&given.body).ok()?["scope"].as_str().map(str::to_owned))
        .collect();
    scopes.sort();
    scopes.dedup();
    assert!(scopes.len() >= 40, "{scopes:?}");
    let bare = case("scope-product-created");
    let cases = scopes.iter().map(|scope| {
        let mut one = bare.clone();
        one.given[0].body =
            json!({ "scope": scope, "data": {}, "producer": "stores/abc123xyz" }).to_string().into_bytes();
        one
    });
    for (scope, mapped) in scopes.iter().zip(map(&[], cases.collect())) {
        // Nothing can be asked for without an id; that there is no answer is all that may be wrong.
        let wrong: Vec<_> = mapped.failures.iter().filter(|failure| !failure.contains("answer")).collect();
        assert!(wrong.is_empty(), "{scope}: {wrong:?}");
    }
}

/// Segment takes 32,000 bytes in a message: what an order was worth is told though its lines are too many for that.
#[test]
fn a_large_order_is_told_with_the_lines_that_fit() {
    let mut large = case(ORDER);
    let lines = large.http.iter_mut().find(|canned| canned.url.contains("/products?")).unwrap();
    let mut answer: Vec<Value> = serde_json::from_slice(&lines.answer.body).unwrap();
    answer[0]["name"] = "A long name of a product, ".repeat(12).into();
    lines.answer.body = serde_json::to_vec(&vec![answer[0].clone(); 80]).unwrap();
    for (max, expected) in [("500", None), ("10", Some(10)), ("0", Some(0))] {
        let mapped = map(&[("products_max", max)], vec![large.clone()]).remove(0);
        assert!(mapped.failures.is_empty(), "{:?}", mapped.failures);
        let message = mapped.only("Order Completed");
        let bytes = message.to_string().len();
        assert!(bytes < 32_000, "{bytes} bytes");
        let products = message["properties"]["products"].as_array().unwrap().len();
        assert!(expected.map_or((30..80).contains(&products), |expected| products == expected), "{products} of {max}");
        assert_eq!(message["properties"]["products_count"], 80);
        assert_eq!(message["properties"]["revenue"], order(&[])["properties"]["revenue"]);
    }
    assert_eq!(order(&[])["properties"]["products_count"], Value::Null, "nothing is left out of a small one");
}
