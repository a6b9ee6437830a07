//! Lint against the e-commerce spec V2: names, property types, what order events need, and sums that must add up.

use serde_json::{Map, Value};

use super::validate::{Finding, Severity};

/// The events of the spec, each with the name of version 1 or the spelling that is taken for it.
const EVENTS: [(&str, &str); 28] = [
    ("Products Searched", ""),
    ("Product List Viewed", "Viewed Product Category"),
    ("Product List Filtered", ""),
    ("Promotion Viewed", "Viewed Promotion"),
    ("Promotion Clicked", "Clicked Promotion"),
    ("Product Clicked", "Clicked Product"),
    ("Product Viewed", "Viewed Product"),
    ("Product Added", "Added Product"),
    ("Product Removed", "Removed Product"),
    ("Cart Viewed", ""),
    ("Checkout Started", "Started Order"),
    ("Checkout Step Viewed", "Viewed Checkout Step"),
    ("Checkout Step Completed", "Completed Checkout Step"),
    ("Payment Info Entered", ""),
    ("Order Updated", "Updated Order"),
    ("Order Completed", "Completed Order"),
    ("Order Refunded", ""),
    ("Order Cancelled", "Order Canceled"),
    ("Coupon Entered", ""),
    ("Coupon Applied", ""),
    ("Coupon Denied", ""),
    ("Coupon Removed", ""),
    ("Product Added to Wishlist", ""),
    ("Product Removed from Wishlist", ""),
    ("Wishlist Product Added to Cart", ""),
    ("Product Shared", ""),
    ("Cart Shared", ""),
    ("Product Reviewed", ""),
];

const NUMBERS: [&str; 10] =
    ["price", "quantity", "value", "revenue", "total", "subtotal", "shipping", "tax", "discount", "step"];

const STRINGS: [&str; 22] = [
    "product_id",
    "sku",
    "category",
    "name",
    "brand",
    "variant",
    "coupon",
    "url",
    "image_url",
    "order_id",
    "checkout_id",
    "cart_id",
    "affiliation",
    "currency",
    "list_id",
    "promotion_id",
    "wishlist_id",
    "coupon_id",
    "coupon_name",
    "shipping_method",
    "payment_method",
    "review_id",
];

/// How seriously the lint is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lint {
    /// Not at all.
    Off,
    /// As warnings.
    Warn,
    /// As reasons to drop the message.
    Drop,
}

/// Lints a track call.
pub fn lint(message: &Value, lint: Lint, found: &mut Vec<Finding>) {
    let severity = match lint {
        Lint::Off => return,
        Lint::Warn => Severity::Warn,
        Lint::Drop => Severity::Drop,
    };
    let (Some("track"), Some(event)) = (message["type"].as_str(), message["event"].as_str()) else {
        return;
    };
    let mut say = |code, detail: String| {
        found.push(Finding { severity, code, detail });
    };
    let Some(name) = spelled(event, &mut say) else {
        return;
    };
    let none = Map::new();
    let properties = message["properties"].as_object().unwrap_or(&none);
    types(properties, &mut say);
    for old in ["orderId", "id"].iter().filter(|&&old| properties.contains_key(old)) {
        say("ecommerce_v1_property", format!("{old} is of version 1: order_id, product_id"));
    }
    if let Some(currency) = properties.get("currency").and_then(Value::as_str) {
        let known =
            currency.bytes().all(|b| b.is_ascii_uppercase()) && iso_currency::Currency::from_code(currency).is_some();
        if !known {
            say("ecommerce_currency", format!("{currency} is not an ISO 4217 code"));
        }
    }
    if name.starts_with("Order ") {
        let needs_products = name != "Order Refunded" && !properties.contains_key("products");
        if !properties.contains_key("order_id") || needs_products {
            say("ecommerce_order_incomplete", format!("{name} needs order_id and products"));
        }
    }
    if let Some(list) = properties.get("products") {
        products(list, &mut say);
    }
    if name == "Order Completed" {
        money(properties, &mut say);
    }
}

/// The event's name if the spec has it; says so when it is only nearly that name.
fn spelled(event: &str, say: &mut impl FnMut(&'static str, String)) -> Option<&'static str> {
    let plain =
        |text: &str| text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect::<String>();
    for (name, old) in EVENTS {
        if event == name {
            return Some(name);
        }
        if !old.is_empty() && plain(event) == plain(old) {
            say("ecommerce_v1_event", format!("{event} is called {name} in version 2"));
            return None;
        }
        if plain(event) == plain(name) {
            say("ecommerce_event_name", format!("{event} is spelled {name}"));
            return None;
        }
    }
    None
}

fn types(properties: &Map<String, Value>, say: &mut impl FnMut(&'static str, String)) {
    for (name, value) in properties {
        let wrong = (NUMBERS.contains(&name.as_str()) && !value.is_number())
            || (STRINGS.contains(&name.as_str()) && !value.is_string());
        if wrong && !value.is_null() {
            say("ecommerce_property_type", format!("{name} {value}"));
        }
    }
}

fn products(list: &Value, say: &mut impl FnMut(&'static str, String)) {
    let Some(list) = list.as_array() else {
        say("ecommerce_products", format!("products {list} is not an array"));
        return;
    };
    for (index, product) in list.iter().enumerate() {
        let Some(product) = product.as_object() else {
            say("ecommerce_products", format!("products[{index}] {product} is not an object"));
            continue;
        };
        types(product, say);
        if !["product_id", "sku", "name"].iter().any(|key| product.contains_key(*key)) {
            say("ecommerce_products", format!("products[{index}] has no product_id, sku or name"));
        }
        if product.get("quantity").is_some_and(|quantity| quantity.as_f64().is_some_and(|n| n <= 0.0)) {
            say("ecommerce_products", format!("products[{index}].quantity is not positive"));
        }
        for old in ["id", "orderId"].iter().filter(|&&old| product.contains_key(old)) {
            say("ecommerce_v1_property", format!("products[{index}].{old} is of version 1"));
        }
    }
}

/// total = subtotal + shipping + tax, and the lines less the discount are the subtotal (with the tax, where prices include it).
fn money(properties: &Map<String, Value>, say: &mut impl FnMut(&'static str, String)) {
    let number = |key: &str| properties.get(key).and_then(Value::as_f64);
    let or_zero = |key: &str| number(key).unwrap_or(0.0);
    let near = |a: f64, b: f64| (a - b).abs() < 0.0101;
    let subtotal = number("subtotal").or_else(|| number("revenue"));
    let (Some(subtotal), Some(total)) = (subtotal, number("total")) else {
        return;
    };
    let sum = subtotal + or_zero("shipping") + or_zero("tax");
    if !near(total, sum) {
        say("ecommerce_money", format!("total {total} is not subtotal + shipping + tax = {sum:.2}"));
    }
    if number("revenue").is_some_and(|revenue| !near(revenue, subtotal)) {
        say("ecommerce_money", format!("revenue {} is not the subtotal {subtotal}", or_zero("revenue")));
    }
    let line = |product: &Value| Some(product.get("price")?.as_f64()? * product.get("quantity")?.as_f64()?);
    let lines = properties
        .get("products")
        .and_then(Value::as_array)
        .and_then(|list| list.iter().map(line).sum::<Option<f64>>());
    if let Some(lines) = lines {
        let paid = lines - or_zero("discount");
        if !near(paid, subtotal) && !near(paid, subtotal + or_zero("tax")) {
            say("ecommerce_money", format!("lines − discount = {paid:.2} is not the subtotal {subtotal}"));
        }
    }
}
