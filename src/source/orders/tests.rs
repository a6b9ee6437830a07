//! Lists of orders as each platform pages them, without a socket.

use std::collections::BTreeMap;
use std::sync::Arc;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::source::Source;
use crate::source::testing::{build, problem};

const SHOPIFY: &str = "- shopify: { secrets: s, api: { shop: Example-Store.myshopify.com, token: \" shpat_1 \" } }\n";
const BIGCOMMERCE: &str = "- bigcommerce: { secrets: s, api: { store: abc123xyz, token: t } }\n";
const MEDUSA_1: &str =
    "- medusa: { secrets: s, api: { url: \"https://medusa.example.com/\", version: 1, token: t } }\n";
const MEDUSA_2: &str = "- medusa: { secrets: s, api: { url: https://medusa.example.com, version: 2, token: sk_1 } }\n";

/// 15 January 2026, 10:20:30 UTC, and the day before it.
const WINDOW: Window = Window { since_ms: 1_768_386_030_000, until_ms: 1_768_472_430_000 };

fn source(yaml: &str) -> Arc<dyn Source> {
    build(yaml).into()
}

fn shop(source: &Arc<dyn Source>) -> &dyn Orders {
    let Listing::Shops(shops) = source.orders() else { panic!("no shops") };
    &*shops[0]
}

fn query_of(lookup: &Lookup) -> BTreeMap<String, String> {
    let url = url::Url::parse(&lookup.url).unwrap();
    url.query_pairs().into_owned().collect()
}

fn ok(body: impl Into<Vec<u8>>) -> Answer {
    Answer { status: 200, body: body.into(), ..Answer::default() }
}

/// A server with so many orders that gives so many at once at most.
fn serve(platform: &str, orders: usize, page_max: usize, asked: &Lookup) -> Answer {
    let query = query_of(asked);
    let limit = query["limit"].parse::<usize>().unwrap().min(page_max);
    let ids = |from: usize| (from..orders).take(limit).map(|number| number + 1);
    match platform {
        SHOPIFY => {
            let from = query.get("page_info").map_or(0, |cursor| cursor.strip_prefix("at ").unwrap().parse().unwrap());
            let listed: Vec<_> =
                ids(from).map(|id| json!({"id": id, "created_at": "2026-01-15T01:00:00-05:00"})).collect();
            let mut answer = ok(json!({ "orders": listed }).to_string());
            let mut links = vec!["<https://x/?page_info=before>; rel=\"previous\"".to_owned()];
            if from + limit < orders {
                links.push(format!("<https://x/orders.json?limit=250&page_info=at+{}>; rel=\"next\"", from + limit));
            }
            answer.headers.push(("link".to_owned(), links.join(", ")));
            answer
        }
        BIGCOMMERCE => {
            let page: usize = query["page"].parse().unwrap();
            let date = "Thu, 15 Jan 2026 06:00:00 +0000";
            let listed: Vec<_> =
                ids((page - 1) * limit).map(|id| json!({"id": id, "date_created": date, "status_id": 11})).collect();
            if listed.is_empty() {
                Answer { status: 204, ..Answer::default() }
            } else {
                ok(Value::from(listed).to_string())
            }
        }
        _ => {
            let from: usize = query["offset"].parse().unwrap();
            let created = "2026-01-15T06:00:00.000Z";
            let listed: Vec<_> = ids(from).map(|id| json!({"id": id.to_string(), "created_at": created})).collect();
            ok(json!({"orders": listed, "count": orders, "offset": from, "limit": limit}).to_string())
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn every_order_is_listed_once_however_the_server_pages(orders in 0_usize..1200, page_max in 50_usize..300) {
        for platform in [SHOPIFY, BIGCOMMERCE, MEDUSA_1, MEDUSA_2] {
            // BigCommerce gives what it is asked for.
            let page_max = if platform == BIGCOMMERCE { 250 } else { page_max };
            let source = source(platform);
            let shop = shop(&source);
            let (mut listed, mut cursor, mut asked) = (Vec::new(), None::<String>, 0);
            loop {
                let answer = serve(platform, orders, page_max, &shop.request(&WINDOW, cursor.as_deref()));
                asked += 1;
                let page = shop.page(cursor.as_deref(), &answer).unwrap();
                listed.extend(page.orders.into_iter().map(|order| {
                    assert_eq!(order.created_ms, 1_768_456_800_000);
                    order.id
                }));
                cursor = page.next;
                if cursor.is_none() {
                    break;
                }
            }
            let expected: Vec<_> = (1..=orders).map(|id| id.to_string()).collect();
            prop_assert_eq!(&listed, &expected);
            prop_assert!(asked <= orders / page_max.min(100) + 2, "{} requests", asked);
        }
    }

    #[test]
    fn no_answer_panics(status in 200_u16..300, body in "\\PC{0,80}", link in "\\PC{0,40}") {
        for platform in [SHOPIFY, BIGCOMMERCE, MEDUSA_1, MEDUSA_2] {
            let source = source(platform);
            let headers = vec![("link".to_owned(), link.clone())];
            let _ = shop(&source).page(Some("x"), &Answer { status, headers, body: body.clone().into(), error: None });
        }
    }
}

#[test]
fn requests_are_as_documented() {
    let header = |lookup: &Lookup, name: &str| {
        lookup.headers.iter().find(|(have, _)| have == name).map(|(_, value)| value.clone()).unwrap()
    };
    let sources: Vec<_> = [SHOPIFY, BIGCOMMERCE, MEDUSA_1, MEDUSA_2].map(source).into();
    let (since, until) = ("2026-01-14T10%3A20%3A30.000Z", "2026-01-15T10%3A20%3A30.000Z");
    let first = shop(&sources[0]).request(&WINDOW, None);
    assert_eq!(
        first.url,
        format!(
            "https://example-store.myshopify.com/admin/api/2026-04/orders.json?status=any&limit=250&created_at_min={since}&created_at_max={until}"
        )
    );
    assert_eq!(header(&first, "x-shopify-access-token"), "shpat_1");
    assert_eq!(shop(&sources[0]).shop(), "example-store.myshopify.com");
    // A cursor stands alone, and leads nowhere but to the shop.
    let next = shop(&sources[0]).request(&WINDOW, Some("a&b=c"));
    assert!(
        next.url.ends_with(".myshopify.com/admin/api/2026-04/orders.json?limit=250&page_info=a%26b%3Dc"),
        "{}",
        next.url
    );

    let first = shop(&sources[1]).request(&WINDOW, None);
    assert_eq!(
        first.url,
        format!(
            "https://api.bigcommerce.com/stores/abc123xyz/v2/orders?min_date_created={since}&max_date_created={until}&sort=id%3Aasc&limit=250&page=1"
        )
    );
    assert_eq!((header(&first, "x-auth-token"), header(&first, "accept")), ("t".into(), "application/json".into()));

    let first = shop(&sources[2]).request(&WINDOW, Some("100"));
    assert!(
        first.url.starts_with("https://medusa.example.com/admin/orders?fields=id%2Ccreated_at&limit=100&offset=100&"),
        "{}",
        first.url
    );
    assert_eq!(query_of(&first)["created_at[gte]"], "2026-01-14T10:20:30.000Z");
    assert_eq!(header(&first, "x-medusa-access-token"), "t");
    let first = shop(&sources[3]).request(&WINDOW, None);
    assert_eq!(query_of(&first)["created_at[$lt]"], "2026-01-15T10:20:30.000Z");
    assert_eq!(header(&first, "authorization"), "Basic c2tfMTo=");
}

#[test]
fn orders_keep_every_digit_and_byte() {
    let source = source(SHOPIFY);
    let text = r#"{"id":820982911946154508,"total":"54.90","rate":0.10,"created_at":"2026-01-15T01:00:00-05:00"}"#;
    let page = shop(&source).page(None, &ok(format!("{{\"orders\":[{text}]}}"))).unwrap();
    let order = &page.orders[0];
    assert_eq!((order.id.as_str(), order.text.get()), ("820982911946154508", text));
    let made = delivery(shop(&source), order, "shop", "in", 7);
    assert_eq!(
        (&*made.body, made.received_ms, made.reconciled()),
        (text.as_bytes(), 7, Some("2026-01-15T06:00:00.000Z"))
    );
    assert_eq!(shop(&source).told(&made), Some(("820982911946154508".to_owned(), Told::Surely)));
    // The same delivery every time, whenever it is made.
    let again = Delivery { seq: 9, ..delivery(shop(&source), order, "shop", "in", 8) };
    assert_eq!(source.identity(&made), source.identity(&again));
    let event = source.decode(&made).remove(0).unwrap();
    let event = crate::json::to_json_value(&event.value).unwrap();
    assert_eq!((&event["event"], &event["timestamp"]), (&"orders/create".into(), &"2026-01-15T06:00:00.000Z".into()));
}

#[test]
fn each_platform_makes_the_same_delivery_every_time() {
    for (yaml, id) in [(BIGCOMMERCE, "250"), (MEDUSA_1, "order_1"), (MEDUSA_2, "order_1")] {
        let source = source(yaml);
        let order = Order { id: id.to_owned(), created_ms: 1_768_456_800_000, text: nothing() };
        let made = delivery(shop(&source), &order, "shop", "in", 7);
        let again = Delivery { seq: 9, ..delivery(shop(&source), &order, "shop", "in", 8) };
        assert_eq!(source.identity(&made), source.identity(&again), "{yaml}");
        assert_eq!(shop(&source).told(&made).unwrap().0, id);
        let event = crate::json::to_json_value(&source.decode(&made).remove(0).unwrap().value).unwrap();
        assert_eq!(event["timestamp"], "2026-01-15T06:00:00.000Z", "{yaml}: {event:#}");
    }
}

#[test]
fn a_shopify_order_is_told_by_the_topic_that_completes_it() {
    let create = source(SHOPIFY);
    let paid = source("- shopify: { secrets: s, api: { shop: example-store, token: t, completed_on: paid } }\n");
    let told = |source: &Arc<dyn Source>, topic: &str, domain: &str, body: &str| {
        let header = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let headers = vec![header("x-shopify-topic", topic), header("x-shopify-shop-domain", domain)];
        shop(source).told(&Delivery { headers, body: body.to_owned().into(), ..Delivery::default() }).map(|(id, _)| id)
    };
    let own = "EXAMPLE-store.myshopify.com";
    assert_eq!(told(&create, "orders/create", own, r#"{"id":1}"#).as_deref(), Some("1"));
    assert_eq!(
        told(&create, "orders/create", own, r#"{"admin_graphql_api_id":"gid://shopify/Order/2"}"#).as_deref(),
        Some("2")
    );
    assert_eq!(told(&create, "orders/paid", own, r#"{"id":1}"#), None);
    assert_eq!(told(&create, "orders/create", "other.myshopify.com", r#"{"id":1}"#), None);
    assert_eq!(told(&create, "orders/create", own, "[]"), None);
    assert_eq!(told(&paid, "orders/create", own, r#"{"id":1}"#), None);
    assert_eq!(told(&paid, "orders/paid", own, r#"{"id":1}"#).as_deref(), Some("1"));
    let order =
        |id: u64, status: &str| json!({"id": id, "created_at": "2026-01-15T06:00:00Z", "financial_status": status});
    let statuses = ["paid", "pending", "refunded", "authorized", "partially_refunded", "voided"];
    let list: Vec<_> = (1..).zip(statuses).map(|(id, status)| order(id, status)).collect();
    let page = shop(&paid).page(None, &ok(json!({ "orders": list }).to_string())).unwrap();
    assert_eq!(page.orders.iter().map(|order| order.id.as_str()).collect::<Vec<_>>(), ["1", "3", "5"]);
}

#[test]
fn a_bigcommerce_order_is_surely_told_when_it_left_incomplete() {
    let source = source(BIGCOMMERCE);
    let told = |scope: &str, data: Value| {
        let body = json!({"producer": "stores/abc123xyz", "scope": scope, "data": data}).to_string();
        shop(&source).told(&Delivery { body: body.into(), ..Delivery::default() })
    };
    let status =
        |before: i64, after: i64| json!({"id": 250, "status": {"previous_status_id": before, "new_status_id": after}});
    let sure = Some(("250".to_owned(), Told::Surely));
    assert_eq!(told("store/order/statusUpdated", status(0, 11)), sure);
    assert_eq!(told("store/channel/1/order/statusUpdated", status(0, 7)), sure);
    for (before, after) in [(11, 2), (0, 0), (0, 5), (0, 6), (1, 11), (0, 4)] {
        assert_eq!(told("store/order/statusUpdated", status(before, after)), None, "{before} {after}");
    }
    assert_eq!(told("store/order/created", json!({"id": 250})), Some(("250".to_owned(), Told::Perhaps)));
    assert_eq!(
        told("store/channel/2/order/created", json!({"order_id": "250"})),
        Some(("250".to_owned(), Told::Perhaps))
    );
    assert_eq!(told("store/order/updated", json!({"id": 250})), None);
    assert_eq!(told("store/channel/x/order/created", json!({"id": 250})), None);
    let elsewhere =
        json!({"producer": "stores/other", "scope": "store/order/created", "data": {"id": 250}}).to_string();
    assert_eq!(shop(&source).told(&Delivery { body: elsewhere.into(), ..Delivery::default() }), None);
    // Orders whose payment was only begun are not listed, deleted ones neither.
    let order = |id: u64, status: i64, deleted: bool| json!({"id": id, "date_created": "2026-01-15T06:00:00+00:00", "status_id": status, "is_deleted": deleted});
    let list = json!([order(1, 0, false), order(2, 11, true), order(3, 11, false)]);
    let page = shop(&source).page(None, &ok(list.to_string())).unwrap();
    assert_eq!(page.orders.iter().map(|order| order.id.as_str()).collect::<Vec<_>>(), ["3"]);
}

#[test]
fn a_medusa_order_is_completed_without_its_secrets() {
    let source = source(MEDUSA_1);
    let mut order = Order { id: "order_1".to_owned(), created_ms: 0, text: nothing() };
    let body = json!({"order": {
        "id": "order_1", "total": 51.996, "payments": [{"id": "pay_1", "data": {"client_secret": "x"}}],
        "gift_cards": [{"id": "gc_1", "code": "SPEND-ME"}], "customer": {"id": "c", "password_hash": "x"},
        "metadata": {"code": "kept", "data": 1},
    }});
    shop(&source).complete(&mut order, &ok(body.to_string())).unwrap();
    let expected = json!({
        "id": "order_1", "total": 51.996, "payments": [{"id": "pay_1"}], "gift_cards": [{"id": "gc_1"}],
        "customer": {"id": "c"}, "metadata": {"code": "kept", "data": 1},
    });
    assert_eq!(serde_json::from_str::<Value>(order.text.get()).unwrap(), expected);
    assert!(shop(&source).complete(&mut order, &ok(r#"{"order":{"id":"order_2"}}"#)).is_err());
    for (id, fine) in [("order_01H-x", true), ("../customers", false), ("a?b", false)] {
        let list = json!({"orders": [{"id": id, "created_at": "2026-01-15T06:00:00Z"}], "count": 1});
        assert_eq!(shop(&source).page(None, &ok(list.to_string())).is_ok(), fine, "{id}");
    }
}

/// The script asks the Admin API for the same order when a forwarder attached none.
#[test]
fn medusa_is_asked_as_the_script_asks() {
    let script = include_str!("../../../scripts/medusa/admin.rhai");
    for (yaml, name) in [(MEDUSA_1, "expand"), (MEDUSA_2, "fields")] {
        let source = source(yaml);
        let detail = shop(&source).detail(&Order { id: "order_1".to_owned(), created_ms: 0, text: nothing() }).unwrap();
        let asked = &query_of(&detail)[name];
        assert!(script.contains(&format!("{name}: \"{asked}\"")), "{asked}");
    }
}

#[test]
fn says_what_is_wrong_with_an_api() {
    let with = |kind: &str, api: &str| problem(&format!("- {kind}:\n    secrets: s\n    api: {api}\n"));
    assert!(with("shopify", "{ shop: https://shop.example.com, token: t }").contains("X-Shopify-Shop-Domain"));
    assert!(with("shopify", "{ shop: a, token: t, version: \"2026/04\" }").contains("2026-04"));
    assert!(with("shopify", "{ shop: a }").starts_with("missing-option"));
    assert!(with("shopify", "{ shop: a, token: \"\" }").starts_with("empty-secret"));
    assert!(with("shopify", "{ shop: a, tokn: t }").contains("did you mean `token`?"));
    assert!(with("shopify", "[ { shop: a, token: t }, { shop: a.myshopify.com, token: t } ]").starts_with("twice"));
    assert!(with("bigcommerce", "{ store: stores/abc, token: t }").contains("behind `stores/`"));
    assert!(
        with("medusa", "{ url: https://a.example/admin, version: 2, token: t }").contains("write https://a.example")
    );
    assert!(with("medusa", "{ url: https://a.example, version: 3, token: t }").starts_with("wrong-value"));
    let two = build("- shopify: { secrets: s, api: [ { shop: a, token: t }, { shop: b, token: t } ] }\n");
    assert!(matches!(two.orders(), Listing::Shops([_, _])));
    assert!(
        matches!(build("- shopify: { secrets: s }\n").orders(), Listing::Unset(hint) if hint.starts_with("api: {"))
    );
    assert!(matches!(build("- webhook: { verify: none }\n").orders(), Listing::Never));
    let kept = problem("- webhook: { verify: none, keep_headers: [ X-Cartwire-Reconciled ] }\n");
    assert!(kept.starts_with("own-header"), "{kept}");
}

/// What is told to users to add works.
#[test]
fn hints_are_right() {
    for kind in ["shopify", "bigcommerce", "medusa"] {
        let bare = build(&format!("- {kind}: {{ secrets: s }}\n"));
        let Listing::Unset(hint) = bare.orders() else { panic!("{kind}") };
        let full = build(&format!("- {kind}:\n    secrets: s\n    {hint}\n"));
        assert!(matches!(full.orders(), Listing::Shops([_])), "{kind}");
    }
}
