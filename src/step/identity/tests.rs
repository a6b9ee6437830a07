//! What the step makes of visits: events of browsers and shops in every order.

mod hands;
mod order;

use std::rc::Rc;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::event::{Delivery, Origin, Targets};
use crate::json;
use crate::lookup::Answers;
use crate::step::tests::{build_step, changed};

/// Time passes in seconds from here.
const START_MS: i64 = 1_767_225_600_000;

struct World {
    step: Box<dyn Step>,
    session: Rc<Session>,
}

impl World {
    fn new(options: &str) -> Self {
        Self { step: build_step(&format!("- identity: {options}")).unwrap(), session: Session::empty() }
    }

    /// What becomes of an event that happens at a second and comes at once.
    fn sees(&self, second: i64, event: &Value) -> Vec<Value> {
        self.gets(second, second, 0, event)
    }

    /// The same of one that happens and comes at different times; it has waited so many times.
    fn gets(&self, happens: i64, comes: i64, attempt: u32, event: &Value) -> Vec<Value> {
        let now_ms = START_MS + comes * 1000;
        self.session.begin(now_ms, Answers::default());
        let delivery = Delivery::default();
        let mut cx = Context::new(&delivery, "delivery", now_ms, &self.session);
        cx.part = "who".into();
        cx.attempt = attempt;
        let mut event = event.clone();
        let time = jiff::Timestamp::from_millisecond(START_MS + happens * 1000).unwrap();
        event["timestamp"] = time.to_string().into();
        let value = json::from_json_value(&event);
        let event = Event { value, tape: Rc::default(), origin: Origin::default(), targets: Targets::default() };
        let read = |event: &Event| {
            let mut value = json::to_json_value(&event.value).unwrap();
            value.as_object_mut().unwrap().remove("timestamp");
            value
        };
        match self.step.apply(event, &mut cx).unwrap() {
            Flow::Next(event) => vec![read(&event)],
            Flow::Fork(events) => events.iter().map(read).collect(),
            Flow::Hold(_, hold) => {
                vec![json!({"until": hold.until_ms - START_MS, "wake": hold.wake, "reason": hold.reason})]
            }
            other => panic!("{other:?}"),
        }
    }

    /// The ids that one event comes out with, and whether an identify message goes before it.
    fn ids(&self, second: i64, event: &Value) -> (Value, Value, bool) {
        let out = self.sees(second, event);
        let last = out.last().unwrap();
        (last["anonymousId"].clone(), last["userId"].clone(), out.len() == 2)
    }

    /// The words that wake what waits.
    fn woken(&self) -> Vec<String> {
        self.session.finish().1
    }
}

fn page(anonymous: &str) -> Value {
    json!({"type": "page", "anonymousId": anonymous, "context": {"page": {"url": "https://shop.example.com/"}}})
}

fn cart_page(anonymous: &str, cart: &str) -> Value {
    let context = json!({"page": {"url": "https://shop.example.com/cart"}, "cart_token": cart});
    json!({"type": "page", "anonymousId": anonymous, "context": context})
}

fn order(number: u32, cart: &str, user: Option<&str>) -> Value {
    let mut order = json!({
        "type": "track", "event": "Order Completed", "messageId": format!("o{number}"), "anonymousId": "cw-derived",
        "properties": {"order_id": number.to_string(), "cart_id": cart}
    });
    if let Some(user) = user {
        order["userId"] = user.into();
    }
    order
}

fn refund(number: u32) -> Value {
    let properties = json!({"order_id": number.to_string()});
    json!({"type": "track", "event": "Order Refunded", "messageId": "r", "anonymousId": "cw-other", "properties": properties})
}

fn identify(anonymous: &str, user: &str) -> Value {
    json!({"type": "identify", "anonymousId": anonymous, "userId": user, "traits": {}})
}

fn signed_out(anonymous: &str) -> Value {
    json!({"type": "track", "event": "Signed Out", "anonymousId": anonymous})
}

fn none() -> Value {
    Value::Null
}

#[test]
fn an_order_meets_the_browser_of_its_cart_and_segment_is_told_once() {
    let world = World::new("{}");
    assert_eq!(world.sees(0, &cart_page("B", "C")), [{ cart_page("B", "C") }]);
    let out = world.sees(60, &order(1, "C", Some("U")));
    let mut told = order(1, "C", Some("U"));
    told["anonymousId"] = "B".into();
    let context = json!({"library": {"name": "cartwire"}});
    assert_eq!(
        out,
        [
            json!({"type": "identify", "messageId": "o1:identify", "anonymousId": "B", "userId": "U", "traits": {}, "context": context}),
            told.clone(),
        ]
    );
    // A second delivery, and later events of both sides.
    assert_eq!(world.sees(61, &order(1, "C", Some("U"))), [told]);
    assert_eq!(world.ids(70, &page("B")), ("B".into(), "U".into(), false));
    assert_eq!(world.ids(80, &refund(1)), ("B".into(), "U".into(), false));
    assert_eq!(world.gets(90, 90, 1, &refund(2)), [refund(2)]);
}

#[test]
fn an_identify_ties_what_comes_later_and_is_not_repeated() {
    let world = World::new("{}");
    assert_eq!(world.ids(0, &page("B")), ("B".into(), none(), false));
    assert_eq!(world.sees(1, &identify("B", "U")), [identify("B", "U")]);
    assert_eq!(world.ids(2, &page("B")), ("B".into(), "U".into(), false));
    assert_eq!(world.ids(3, &cart_page("B", "C")), ("B".into(), "U".into(), false));
    // An order of a guest, as far as the shop knows.
    assert_eq!(world.ids(4, &order(1, "C", None)), ("B".into(), "U".into(), false));
}

/// What a browser tries to send again may come in any order; its library says identify itself.
#[test]
fn what_comes_late_from_a_library_is_as_it_was() {
    let from_library = |event: Value| {
        let mut event = event;
        event["context"]["library"] = json!({"name": "analytics.js"});
        event
    };
    let group = json!({"type": "group", "groupId": "G", "anonymousId": "B", "userId": "U"});
    let (page, identify) = (from_library(page("B")), from_library(identify("B", "U")));
    let world = World::new("{}");
    assert_eq!(world.sees(3, &from_library(group.clone())), [from_library(group.clone())]);
    assert_eq!(world.gets(1, 4, 0, &page), std::slice::from_ref(&page));
    assert_eq!(world.gets(2, 5, 0, &identify), std::slice::from_ref(&identify));
    // Of the same instant, what comes later is later.
    assert_eq!(world.gets(2, 6, 0, &page)[0]["userId"], "U");
    // A library that names no browser leaves it to us.
    let world = World::new("{}");
    world.sees(0, &cart_page("B", "C"));
    let mut bought = from_library(order(1, "C", Some("U")));
    bought.as_object_mut().unwrap().remove("anonymousId");
    assert_eq!(world.ids(1, &bought), ("B".into(), "U".into(), true));
    assert_eq!(World::new("{}").sees(1, &group).len(), 2);
}

#[test]
fn an_event_without_an_id_keeps_the_one_that_it_would_have_had() {
    let world = World::new("{ hold: 0s }");
    world.sees(0, &cart_page("B", "C"));
    let mut event = order(1, "C", Some("U"));
    event.as_object_mut().unwrap().remove("messageId");
    let first = world.sees(1, &event);
    let own = Origin::default().message_id("delivery");
    assert_eq!(first[0]["messageId"], format!("{own}:identify"));
    assert_eq!(first[1]["messageId"], own);
    assert_eq!(world.sees(2, &event)[0].get("messageId"), None);
}

#[test]
fn persons_are_known_by_their_address() {
    let world = World::new("{}");
    let mail = |address: &str| json!({"type": "track", "event": "Fulfillment Created", "anonymousId": "cw-f", "context": {"traits": {"email": address}}});
    assert_eq!(world.ids(0, &mail("Ada@Example.com")).1, none());
    let mut known = identify("B", "U");
    known["traits"]["email"] = "ada@example.com".into();
    world.sees(1, &known);
    assert_eq!(world.ids(2, &mail("ADA@example.com")), ("cw-f".into(), "U".into(), false));
    // Somebody else at the browser of the user.
    let mut other = mail("bob@example.com");
    other["anonymousId"] = "B".into();
    assert_eq!(world.ids(3, &other), ("B".into(), none(), false));
    assert_eq!(world.ids(4, &page("B")).1, "U");
}

#[test]
fn the_number_of_a_customer_is_not_that_of_an_order() {
    let world = World::new("{ hold: 0s, persons: { customer: [\"context.externalIds[0].id\"] } }");
    let of = |customer: &str, number: u32| {
        let mut order = order(number, &format!("cart-{number}"), Some(customer));
        order["context"] = json!({"externalIds": [{"id": customer}]});
        order
    };
    world.sees(0, &of("7", 142));
    world.sees(1, &of("142", 8));
    let mut related = world.step.related("who", &["142".to_owned()], &world.session).unwrap();
    related.sort();
    assert_eq!(related, ["8", "cart-8", "cart:cart-8", "customer:142", "cw-derived", "order:8"]);
}

#[test]
fn placeholders_are_no_ids() {
    for id in [
        json!("null"),
        json!("Anonymous"),
        json!(" "),
        json!("0"),
        json!(0),
        json!("00000000-0000-0000-0000-000000000000"),
    ] {
        let event =
            json!({"type": "track", "event": "E", "anonymousId": id, "userId": id, "context": {"cart_token": id}});
        let after = changed("- identity: {}", &event);
        assert_eq!((after.get("anonymousId"), after.get("userId")), (None, None), "{id}");
    }
    let world = World::new("{}");
    world.sees(0, &cart_page("B", "null"));
    assert_eq!(world.ids(1, &order(1, "null", Some("U"))).0, "cw-derived");
    // An alias stays as it is, and what is no message passes.
    for other in
        [json!({"type": "alias", "previousId": "null", "userId": "null"}), json!({"userId": "null"}), json!([1])]
    {
        assert_eq!(changed("- identity: {}", &other), other);
    }
}

#[test]
fn links_are_forgotten_unless_they_are_used() {
    let world = World::new("{ ttl: 100s, hold: 0s }");
    world.sees(0, &cart_page("B", "C"));
    world.sees(0, &cart_page("B2", "D"));
    world.sees(60, &cart_page("B", "C"));
    assert_eq!(world.ids(120, &order(1, "C", None)).0, "B");
    assert_eq!(world.ids(120, &order(2, "D", None)).0, "cw-derived");
}

#[test]
fn mistakes_in_options_are_told_where_they_stand() {
    for (options, word) in [
        ("{ hold: { for: [basket] } }", "basket"),
        ("{ sessions: { anon: [context.x] } }", "anon"),
        ("{ sessions: { email: [context.x] } }", "email"),
        ("{ sessions: { cart: [\"context..x\"] } }", "context..x"),
        ("{ ttl: 0s }", "ttl"),
    ] {
        let problems = build_step(&format!("- identity: {options}")).map(|_| ()).unwrap_err();
        assert!(problems[0].message.contains(word), "{problems:?}");
    }
    // The default of `for` does not bind who has sessions of another kind.
    assert!(build_step("- identity: { sessions: { basket: [context.basket] } }").is_ok());
}

#[test]
fn what_else_stands_for_a_person_is_found_and_what_is_anothers_is_not() {
    let world = World::new("{ hold: 0s }");
    world.sees(0, &cart_page("B", "C"));
    world.sees(1, &order(1, "C", Some("U")));
    let mut known = identify("B", "U");
    known["traits"]["email"] = "ada@example.com".into();
    world.sees(2, &known);
    // The device goes to another, with another cart.
    world.sees(3, &identify("B", "V"));
    world.sees(4, &cart_page("B", "D"));
    world.sees(5, &cart_page("B5", "E"));
    world.sees(6, &order(5, "E", Some("U")));
    let related = |value: &str| {
        // Their keys, for what is too short to be searched for.
        let mut names = world.step.related("who", &[value.to_owned()], &world.session).unwrap();
        names.retain(|name| !name.contains(':'));
        names.sort();
        names
    };
    assert_eq!(related("U"), ["1", "5", "B5", "C", "E", "ada@example.com"]);
    assert_eq!(related("Ada@example.com"), ["1", "5", "B5", "C", "E", "U"]);
    assert_eq!(related("5"), Vec::<String>::new(), "a short number is no order's");
    assert_eq!(related("V"), ["B", "D"]);
    assert_eq!(related("nobody"), Vec::<String>::new());
}

/// A visit: what the browser and the shop tell of it.
fn visit() -> Vec<(i64, Value)> {
    let mut login = identify("B", "U");
    login["context"] = json!({"cart_token": "C"});
    vec![
        (0, cart_page("B", "C")),
        (10, login),
        (20, order(1, "C", Some("U"))),
        (30, order(1, "C", Some("U"))),
        (40, refund(1)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    /// Whatever the order in which the events of a visit come, and however often, the links are the same in the end.
    #[test]
    fn the_end_does_not_depend_on_the_order(order in Just((0..5).chain(0..5).collect::<Vec<usize>>()).prop_shuffle()) {
        let world = World::new("{ hold: 0s }");
        let events = visit();
        let mut told = 0;
        for (place, at) in order.iter().enumerate() {
            let (happens, event) = &events[*at];
            let out = world.gets(*happens, 100 + place as i64, 0, event);
            told += out.iter().filter(|event| event["messageId"].as_str().is_some_and(|id| id.ends_with(":identify"))).count();
        }
        prop_assert!(told <= 1, "told {told} times");
        prop_assert_eq!(world.ids(200, &page("B")), ("B".into(), "U".into(), false));
        prop_assert_eq!(world.ids(201, &refund(1)), ("B".into(), "U".into(), false));
        prop_assert_eq!(world.ids(202, &cart_page("B", "C")), ("B".into(), "U".into(), false));
    }

    /// Applied to the same event with the same links it does the same, and applied to what it gave it changes nothing more.
    #[test]
    fn once_filled_in_stays_filled_in(at in 0..5_usize, second in 0..100_i64) {
        let world = World::new("{ hold: 0s }");
        for (happens, event) in visit() {
            world.sees(happens, &event);
        }
        let out = world.sees(100 + second, &visit()[at].1);
        prop_assert_eq!(world.sees(300, out.last().unwrap()), [out.last().unwrap().clone()]);
    }
}
