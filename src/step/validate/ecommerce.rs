//! Segment's e-commerce spec V2 as a plan.
//!
//! The spec marks nothing as required. What is required here is what the event is of no use without: Segment's own destinations
//! refuse or ignore it.

use serde_json::{Map, Value, json};

use super::plan::Plan;
use super::rule::Rule;
use super::violation::Violation;
use crate::path::Segment;

/// Properties whose values are numbers, whatever the event.
const NUMBERS: [&str; 11] =
    ["price", "quantity", "position", "value", "revenue", "shipping", "tax", "discount", "total", "subtotal", "step"];
/// The fields of a product.
const PRODUCT: &str = "product_id sku category name brand variant price quantity coupon position url image_url";
/// Amounts that differ by more do not add up.
const AMOUNT_DIFFERENCE_MAX: f64 = 0.011;

/// An event: its name, those of the first version, its properties, and what it needs: all of some, or one of some.
struct Spec {
    name: &'static str,
    old: &'static [&'static str],
    properties: &'static str,
    /// Whether it has the fields of a product beside its own.
    is_product: bool,
    needs: &'static [&'static str],
    needs_one: &'static [&'static str],
}

const fn event(name: &'static str, old: &'static [&'static str], properties: &'static str) -> Spec {
    Spec { name, old, properties, is_product: false, needs: &[], needs_one: &[] }
}

impl Spec {
    const fn needs(self, needs: &'static [&'static str]) -> Self {
        Self { needs, ..self }
    }

    const fn needs_one(self, needs_one: &'static [&'static str]) -> Self {
        Self { needs_one, ..self }
    }

    /// About one product, which must be told by something.
    const fn product(self) -> Self {
        Self { is_product: true, needs_one: &["product_id", "sku", "name"], ..self }
    }
}

const ORDER: &str = "order_id affiliation total revenue shipping tax discount coupon currency products";
const STEP: &str = "checkout_id step shipping_method payment_method";
const COUPON: &[&str] = &["coupon_id", "coupon_name", "coupon"];

const SPECS: &[Spec] = &[
    event("Products Searched", &["Searched Products"], "query").needs(&["query"]),
    event("Product List Viewed", &["Viewed Product Category", "Product Category Viewed"], "list_id category products"),
    event("Product List Filtered", &[], "list_id category filters sorts products"),
    event("Promotion Viewed", &["Viewed Promotion"], "promotion_id creative name position")
        .needs_one(&["promotion_id", "name"]),
    event("Promotion Clicked", &["Clicked Promotion"], "promotion_id creative name position")
        .needs_one(&["promotion_id", "name"]),
    event("Product Clicked", &["Clicked Product"], "").product(),
    event("Product Viewed", &["Viewed Product"], "currency value").product(),
    event("Product Added", &["Added Product"], "cart_id currency value").product(),
    event("Product Removed", &["Removed Product"], "cart_id currency value").product(),
    event("Cart Viewed", &["Viewed Cart"], "cart_id products").needs(&["products"]),
    event(
        "Checkout Started",
        &["Started Order", "Started Checkout"],
        "order_id affiliation value revenue shipping tax discount coupon currency products",
    )
    .needs(&["products"]),
    event("Checkout Step Viewed", &["Viewed Checkout Step"], STEP).needs(&["step"]),
    event("Checkout Step Completed", &["Completed Checkout Step"], STEP).needs(&["step"]),
    event("Payment Info Entered", &[], "checkout_id order_id step shipping_method payment_method"),
    event("Order Updated", &["Updated Order"], ORDER).needs(&["order_id", "products"]),
    event(
        "Order Completed",
        &["Completed Order"],
        "checkout_id order_id affiliation subtotal total revenue shipping tax discount coupon currency products",
    )
    .needs(&["order_id", "currency", "products"]),
    event("Order Refunded", &["Refunded Order"], ORDER).needs(&["order_id"]),
    event("Order Cancelled", &["Cancelled Order", "Order Canceled", "Canceled Order"], ORDER).needs(&["order_id"]),
    event("Coupon Entered", &[], "order_id cart_id coupon_id").needs_one(COUPON),
    event("Coupon Applied", &[], "order_id cart_id coupon_id coupon_name discount").needs_one(COUPON),
    event("Coupon Denied", &[], "order_id cart_id coupon_id coupon_name coupon reason").needs_one(COUPON),
    event("Coupon Removed", &[], "order_id cart_id coupon_id coupon_name discount").needs_one(COUPON),
    event("Product Added to Wishlist", &["Product Added To Wishlist"], "wishlist_id wishlist_name").product(),
    event("Product Removed from Wishlist", &["Product Removed From Wishlist"], "wishlist_id wishlist_name").product(),
    event(
        "Wishlist Product Added to Cart",
        &["Product Added to Cart from Wishlist"],
        "wishlist_id wishlist_name cart_id",
    )
    .product(),
    event("Product Shared", &[], "share_via share_message recipient").product(),
    event("Cart Shared", &[], "share_via share_message recipient cart_id products").needs(&["products"]),
    event("Product Reviewed", &[], "product_id review_id review_body rating").needs(&["product_id"]),
];

/// The plan.
pub(super) fn plan() -> Plan {
    let mut plan = Plan::default();
    plan.lint = Some(lint);
    for spec in SPECS {
        // The schemas are ours: a test compiles each of them.
        if let Ok(rule) = Rule::new(1, &schema(spec)) {
            plan.add("TRACK", spec.name, rule);
        }
    }
    plan
}

fn schema(spec: &Spec) -> Value {
    let names = spec.properties.split_whitespace().chain(PRODUCT.split_whitespace().filter(|_| spec.is_product));
    let mut properties: Map<String, Value> = names.map(|name| (name.to_owned(), property(name))).collect();
    if spec.name.starts_with("Order ") || spec.name == "Checkout Started" {
        properties.insert("products".to_owned(), products(true));
    }
    let mut inner = json!({ "type": "object", "properties": properties, "required": spec.needs });
    if !spec.needs_one.is_empty() {
        inner["anyOf"] = spec.needs_one.iter().map(|name| json!({ "required": [name] })).collect();
    }
    // Without `properties`, what is needed is missing too.
    let required: &[&str] = if spec.needs.is_empty() && spec.needs_one.is_empty() { &[] } else { &["properties"] };
    json!({ "type": "object", "properties": { "properties": inner }, "required": required })
}

fn property(name: &str) -> Value {
    match name {
        "price" => json!({ "type": "number", "minimum": 0 }),
        "quantity" => json!({ "type": "number", "exclusiveMinimum": 0 }),
        "products" => products(false),
        "filters" | "sorts" => json!({ "type": "array", "items": { "type": "object" } }),
        "query" => json!({ "type": ["string", "object"] }),
        "currency" => json!({ "type": "string", "format": "currency" }),
        _ if NUMBERS.contains(&name) => json!({ "type": "number" }),
        _ => json!({ "type": "string" }),
    }
}

fn products(not_empty: bool) -> Value {
    let properties: Map<String, Value> =
        PRODUCT.split_whitespace().map(|name| (name.to_owned(), property(name))).collect();
    let told = ["product_id", "sku", "name"].map(|name| json!({ "required": [name] }));
    let item = json!({ "type": "object", "properties": properties, "anyOf": told });
    json!({ "type": "array", "items": item, "minItems": i32::from(not_empty) })
}

/// What no schema can say: names of the first version of the spec, and amounts that do not add up.
fn lint(event: &Value, has_rule: bool, violations: &mut Vec<Violation>) {
    if event["type"] != "track" {
        return;
    }
    let name = event["event"].as_str().unwrap_or_default();
    if !has_rule {
        let now = SPECS.iter().find(|spec| spec.old.iter().any(|old| same(old, name)) || same(spec.name, name));
        if let Some(spec) = now {
            let what = format!("the e-commerce spec calls it `{}`", spec.name);
            violations.push(Violation::new("Invalid Value", keys(&["event"]), &what));
        }
        return;
    }
    let properties = &event["properties"];
    for (old, now) in
        [("orderId", "order_id"), ("cartId", "cart_id"), ("checkoutId", "checkout_id"), ("productId", "product_id")]
    {
        if properties.get(old).is_some() {
            violations.push(Violation::new(
                "Invalid Value",
                keys(&["properties", old]),
                &format!("the e-commerce spec calls it `{now}`"),
            ));
        }
    }
    if let Some(items) = properties["products"].as_array() {
        for (index, _) in
            items.iter().enumerate().filter(|(_, item)| item.get("id").is_some() && item.get("product_id").is_none())
        {
            let mut path = keys(&["properties", "products"]);
            path.extend([Segment::Index(index as i64), Segment::Key("id".to_owned())]);
            violations.push(Violation::new("Invalid Value", path, "the e-commerce spec calls it `product_id`"));
        }
    }
    let amount = |name: &str| properties.get(name).and_then(Value::as_f64);
    if let (Some(total), Some(subtotal), Some(shipping), Some(tax)) =
        (amount("total"), amount("subtotal"), amount("shipping"), amount("tax"))
        && (total - subtotal - shipping - tax).abs() > AMOUNT_DIFFERENCE_MAX
    {
        violations.push(Violation::new(
            "Invalid Value",
            keys(&["properties", "total"]),
            "it is not subtotal + shipping + tax",
        ));
    }
    if amount("discount").is_some_and(|discount| discount < 0.0) {
        violations.push(Violation::new(
            "Invalid Value",
            keys(&["properties", "discount"]),
            "a discount is a positive amount",
        ));
    }
}

/// The same words, whatever their case and what stands between them.
fn same(one: &str, two: &str) -> bool {
    let letters = |text: &str| -> Vec<char> {
        text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
    };
    letters(one) == letters(two)
}

fn keys(keys: &[&str]) -> Vec<Segment> {
    keys.iter().map(|key| Segment::Key((*key).to_owned())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_schema_compiles() {
        for spec in SPECS {
            assert!(Rule::new(1, &schema(spec)).is_ok(), "{}", spec.name);
        }
    }
}
