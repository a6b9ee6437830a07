//! Shopify subscriptions may leave fields out of the bodies, and Shopify writes nothing in many ways: whatever is missing, no
//! delivery is lost, none passes for another, and no amount is wrong.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, reason = "a test fails by panicking")]

#[path = "support/mapping.rs"]
#[allow(dead_code, unreachable_pub, reason = "each test uses its part")]
mod mapping;

#[path = "shopify_reduced/mutate.rs"]
mod mutate;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use cartwire::check;
use cartwire::tree::Tree;
use mapping::{PIXEL, Told, explore_journeys, explore_quickly};
use serde_json::{Value, json};

/// For each topic a body as small as a subscription may make it: neither id nor time.
fn reduced() -> Vec<(&'static str, Value)> {
    let order = json!({"email": "ada@example.com", "total_price": "10.00", "currency": "USD"});
    let mut bodies: Vec<_> = ["create", "updated", "cancelled", "fulfilled", "partially_fulfilled"]
        .map(|action| format!("orders/{action}"))
        .into_iter()
        .map(|topic| (&*topic.leak(), order.clone()))
        .collect();
    bodies.extend([
        ("orders/edited", json!({"order_edit": {"staff_note": "n"}})),
        ("refunds/create", json!({"note": "n"})),
        ("order_transactions/create", json!({"status": "failure", "amount": "10.00", "currency": "USD"})),
        ("checkouts/create", json!({"total_price": "10.00", "currency": "USD"})),
        ("checkouts/update", json!({"total_price": "10.00", "currency": "USD"})),
        ("carts/create", json!({"line_items": [{"quantity": 1}]})),
        ("carts/update", json!({"line_items": [{"quantity": 1}]})),
        ("customers/create", json!({"first_name": "Ada"})),
        ("customers/update", json!({"first_name": "Ada"})),
        ("customers/enable", json!({"first_name": "Ada"})),
        ("customers/disable", json!({"first_name": "Ada"})),
        ("customers_email_marketing_consent/update", json!({"email_marketing_consent": {"state": "subscribed"}})),
        ("customers_marketing_consent/update", json!({"sms_marketing_consent": {"state": "subscribed"}})),
        ("fulfillments/create", json!({"status": "success"})),
        ("fulfillments/update", json!({"status": "success", "shipment_status": "delivered"})),
        ("fulfillment_events/create", json!({"status": "in_transit"})),
        ("returns/request", json!({"status": "REQUESTED"})),
        ("returns/update", json!({"status": "OPEN"})),
    ]);
    bodies
}

#[test]
fn two_reduced_bodies_are_two_events_and_two_persons() {
    explore_journeys(&[], |run| {
        for (topic, body) in reduced() {
            let mut other = body.clone();
            other["other_field"] = 1.into();
            let bodies = [&body, &other].map(|body| (topic, body.to_string().into_bytes()));
            let (both, one) = (run(&bodies), run(&bodies[..1]));
            assert!(both.failures.is_empty(), "{topic}: {:?}", both.failures);
            assert!(!one.messages.is_empty(), "{topic}: {:?}", one.ends);
            assert_eq!(both.messages.len(), 2 * one.messages.len(), "{topic}: {:?}", both.ends);
            let ids: BTreeSet<_> = both.messages.iter().map(|message| message["messageId"].to_string()).collect();
            assert_eq!(ids.len(), both.messages.len(), "{topic}");
            let persons: BTreeSet<_> = both.messages.iter().map(|message| message["anonymousId"].to_string()).collect();
            assert_eq!(persons.len(), 2, "{topic}: {persons:?}");
        }
    });
}

#[test]
fn an_id_that_is_told_by_its_gid_only_is_the_same_id() {
    let topics = [
        ("orders/create", "Order", "order_id"),
        ("refunds/create", "Refund", "refund_id"),
        ("fulfillments/create", "Fulfillment", "fulfillment_id"),
        ("customers/create", "Customer", "customer_id"),
        ("returns/request", "Return", "return_id"),
    ];
    explore_journeys(&[], |run| {
        for (topic, kind, property) in topics {
            let gid = format!("gid://shopify/{kind}/820982911946154508");
            let bodies = [("id", json!(820_982_911_946_154_508_u64)), ("admin_graphql_api_id", json!(gid))];
            let [by_id, from_gid] = bodies.map(|(name, id)| {
                let body = json!({name: id, "order_id": 1});
                run(&[(topic, body.to_string().into_bytes())]).messages
            });
            assert_eq!(by_id, from_gid, "{topic}");
            let track = by_id.iter().find(|message| message["type"] == "track").unwrap();
            assert_eq!(track["properties"][property], "820982911946154508", "{topic}");
        }
    });
}

/// What is told by default, and what is left out there.
const SETTINGS: [(&str, &str); 4] = [
    ("include_test_orders", "true"),
    ("order_paid", "true"),
    ("order_updated_after", "0"),
    ("customer_deleted", "true"),
];

/// The money of an event. Products have `price` and `discount` too.
const MONEY: [&str; 13] = [
    "adjustment",
    "amount",
    "discount",
    "duties",
    "fees",
    "price",
    "revenue",
    "shipping",
    "subtotal",
    "tax",
    "tip",
    "total",
    "value",
];

/// The parts that a total is made of.
const PARTS: [&str; 6] = ["revenue", "shipping", "tax", "tip", "duties", "fees"];

/// What is no event at all without this, so that the source refuses the post: a pixel's own envelope, its name and its id.
const POSTED: [&str; 6] = ["/event", "/event/id", "/event/name", "/id", "/name", "/shop"];

/// Lists that tell something by being empty: that there is no shipping, or no discount. What is told is believed.
const TOLD_BY_EMPTY: [&str; 8] = [
    "applied_discounts",
    "discountAllocations",
    "discount_allocations",
    "line_items",
    "order_adjustments",
    "refund_line_items",
    "refund_shipping_lines",
    "shipping_lines",
];

/// Whether this may change what is told, or lose it.
fn excepted(topic: &str, place: &str, nothing: Option<&Value>) -> bool {
    if topic == PIXEL && POSTED.contains(&place) {
        return true;
    }
    let name = place.rsplit('/').next().unwrap();
    let told = nothing == Some(&json!([]));
    // An adjustment of no kind is an adjustment, though it was the shipping.
    (told && (TOLD_BY_EMPTY.contains(&name) || place.ends_with("/shipping_line/tax_lines")))
        || place.ends_with("/order_adjustments/0/kind")
}

/// A body of a shipped fixture.
struct Body {
    fixture: String,
    topic: String,
    #[allow(clippy::struct_field_names, reason = "what a case mutates")]
    body: Value,
}

fn shipped() -> Vec<Body> {
    let (cases, problems) = check::load(Path::new(env!("CARGO_MANIFEST_DIR")), &mut Tree::new());
    assert!(problems.is_empty(), "{problems:?}");
    let mut found: Vec<Body> = Vec::new();
    for case in cases.into_iter().filter(|case| case.pipeline == "shopify") {
        for given in &case.given {
            let Ok(body) = serde_json::from_slice::<Value>(&given.body) else { continue };
            let topic = given.headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("x-shopify-topic"));
            let by_pixel = given.source.as_deref() == Some("shopify_pixel");
            let Some(topic) = topic.map(|(_, topic)| topic.clone()).or(by_pixel.then(|| PIXEL.to_owned())) else {
                continue;
            };
            if body.is_object() && !found.iter().any(|other| other.topic == topic && other.body == body) {
                found.push(Body { fixture: case.name.clone(), topic, body });
            }
        }
    }
    found
}

#[test]
fn whatever_is_missing_nothing_is_lost_and_no_amount_is_wrong() {
    let bodies = shipped();
    assert!(bodies.len() > 90, "{}", bodies.len());
    // Two halves, for two cores.
    let (orders, others): (Vec<_>, Vec<_>) = bodies.into_iter().partition(|body| body.topic.starts_with("orders/"));
    let (runs, problems) = std::thread::scope(|scope| {
        // The pixel tells orders too.
        let halves = [("webhook", orders), ("pixel", others)].map(|(from, half)| {
            scope.spawn(move || {
                let settings = [&SETTINGS[..], &[("order_completed_from", from)]].concat();
                let (runs, mut problems) = explore_quickly(&settings, |run| reduce(run, &half, false));
                let settings = [&settings[..], &[("money", "presentment")]].concat();
                let (more, others) = explore_quickly(&settings, |run| reduce(run, &half, true));
                problems.extend(others);
                (runs + more, problems)
            })
        });
        let mut all = (0, Vec::new());
        for half in halves {
            let (runs, problems) = half.join().unwrap();
            all.0 += runs;
            all.1.extend(problems);
        }
        all
    });
    assert!(problems.is_empty(), "{} of {runs}:\n{}", problems.len(), problems.join("\n"));
    assert!(runs > 5_000, "{runs}");
}

/// `buyer`: the amounts that the buyer paid, of orders and refunds; a field that is empty is then as good as missing.
fn reduce(run: &dyn Fn(&str, Vec<u8>) -> Told, bodies: &[Body], buyer: bool) -> (usize, Vec<String>) {
    let mut runs = 0;
    let mut problems = Vec::new();
    let mut seen = BTreeSet::new();
    for Body { fixture, topic, body } in bodies {
        if buyer && !topic.starts_with("orders/") && !topic.starts_with("refunds/") {
            continue;
        }
        let whole = run(topic, body.to_string().into_bytes());
        // What is refused as it is, is refused.
        if !whole.1.is_empty() {
            continue;
        }
        // The money of an order, a checkout and a refund differs from body to body; all else is tried once for each topic.
        let invented = fixture.starts_with("sample-");
        let each = !invented && ["orders/", "checkouts/", "refunds/"].iter().any(|start| topic.starts_with(start));
        mutate::reduce(body, &mut |place, nothing| {
            let again =
                !seen.insert((topic.split('/').next(), place.to_owned(), nothing.as_ref().map(Value::to_string)));
            if (again && !each) || (nothing.is_some() && (again || buyer)) {
                // As before: look at what is in it, which may be more.
                return nothing.is_none();
            }
            runs += 1;
            let told = run(topic, mutate::with(body, place, nothing.as_ref()).to_string().into_bytes());
            let found = problem(&whole, &told, invented).filter(|_| !excepted(topic, place, nothing.as_ref()));
            problems.extend(found.map(|found| {
                let what = nothing.map_or("missing".to_owned(), |nothing| format!("as {nothing}"));
                format!("{fixture} ({topic}): {place} {what}: {found}")
            }));
            told != whole
        });
    }
    (runs, problems)
}

/// What is wrong with the messages of a reduced body. The sums of Shopify's own samples are invented.
fn problem((whole, _): &Told, (reduced, dead): &Told, invented: bool) -> Option<String> {
    if !dead.is_empty() {
        return Some(format!("lost: {dead:?}"));
    }
    for message in reduced {
        let properties = &message["properties"];
        let parts = PARTS.map(|part| mills(properties, part));
        if let (Some(total), [Some(_), Some(_), Some(_), ..]) = (mills(properties, "total"), parts) {
            let sum: i64 = parts.into_iter().flatten().sum();
            let beside = [mills(properties, "tip"), mills(properties, "duties"), mills(properties, "fees")];
            let told = whole.iter().find(|other| other["event"] == message["event"]);
            let lost = told.is_some_and(|told| {
                ["tip", "duties", "fees"].iter().zip(beside).any(|(part, now)| mills(&told["properties"], part) != now)
            });
            if !invented && !lost && sum != total {
                return Some(format!("the parts are {sum}, the total is {total}"));
            }
        }
        if invented {
            continue;
        }
        let now = amounts(message);
        let Some(before) =
            whole.iter().find(|other| other["event"] == message["event"] && other["type"] == message["type"])
        else {
            continue;
        };
        let before = amounts(before);
        for (place, amount) in now {
            if before.get(&place) != Some(&amount) {
                return Some(format!("{place} is {amount} and not {:?}", before.get(&place)));
            }
        }
    }
    None
}

/// All amounts of a message, in thousandths, by their places.
fn amounts(message: &Value) -> BTreeMap<String, i64> {
    let properties = &message["properties"];
    let mut found = BTreeMap::new();
    let mut add = |at: String, holder: &Value| {
        for name in MONEY {
            if let Some(amount) = mills(holder, name) {
                found.insert(format!("{at}{name}"), amount);
            }
        }
    };
    add(String::new(), properties);
    for product in properties["products"].as_array().into_iter().flatten() {
        add(format!("product {} ", product["position"]), product);
    }
    found
}

fn mills(holder: &Value, name: &str) -> Option<i64> {
    holder[name].as_f64().map(|amount| (amount * 1000.0).round() as i64)
}
