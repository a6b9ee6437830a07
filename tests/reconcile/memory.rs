//! What is known of an order besides its own delivery: what the pipeline remembers, and where the journal begins.

use serde_json::{Value, json};

use crate::rest::{Platform, payload};
use crate::world::{World, both, callback, ids};

/// Orders from before the journal may have been sent long ago: nobody knows, so nothing is told unless it is asked for.
#[test]
fn what_is_older_than_the_journal_is_told_only_when_asked_for() {
    let world = World::start(Platform::Medusa2);
    world.order(1, 7200);
    let empty = both(&world.reconcile(&[]));
    assert!(empty.contains("the journal holds nothing of this pipeline"), "{empty}");
    world.deliver(&world.order(2, 0));
    world.completed(1);
    let output = world.reconcile(&[]);
    let text = both(&output);
    assert!(output.status.success(), "{text}");
    for expected in
        ["not compared      1  older than the journal", "missing           0", "journal begins at 20", "--backfill"]
    {
        assert!(text.contains(expected), "no {expected:?} in\n{text}");
    }
    let found = world.reconciled(&["--backfill"]);
    assert_eq!((&found["known"], &found["synthesised"]), (&1.into(), &1.into()), "{found:#}");
    assert_eq!(ids(&world.completed(2)), ["order_1", "order_2"]);
}

/// The journal has no webhook of it; the step `dedupe` knows that the pixel has told it.
#[test]
fn an_order_that_the_pixel_told_is_left_out() {
    let world = World::start_with(Platform::Shopify, |yaml| {
        yaml.replace("order_completed_from: webhook", "order_completed_from: both")
            .replace("money: shop", "money: presentment")
    });
    let pixel = payload("shopify/scenario/19-pixel_checkout_completed.json");
    let told = world.order(1, 30);
    world.rest.change(|orders| orders[0]["checkout_token"] = pixel["data"]["checkout"]["token"].clone());
    let reply = world
        .cartwire
        .post(
            "/shopify/shopify_pixel?shop=example-store.myshopify.com",
            &[("content-type", "text/plain"), ("origin", "null")],
            pixel.to_string().as_bytes(),
        )
        .unwrap();
    assert_eq!(reply.status, 204);
    world.completed(1);
    let found = world.reconciled(&["--backfill"]);
    assert_eq!(found["synthesised"], 0, "{found:#}");
    assert_eq!(
        found["left_out"],
        json!([{
            "id": told["id"].to_string(), "created_at": found["left_out"][0]["created_at"], "reason": "duplicate"
        }])
    );
}

/// The pipeline's own settings hold for what is told, too.
#[test]
fn what_the_pipeline_would_drop_is_left_out_with_its_reason() {
    let world = World::start(Platform::Shopify);
    for number in 1..=3 {
        world.order(number, 30);
    }
    world.rest.change(|orders| orders[1]["test"] = true.into());
    let text = both(&world.reconcile(&["--backfill"]));
    assert!(text.contains("left out          1  test order (include_test_orders)"), "{text}");
    assert!(text.contains("synthesised       2"), "{text}");
    world.completed(2);
    assert_eq!(world.settled()["deliveries"], 2, "what comes to nothing is not journaled");
}

/// With `order_completed_on: paid` an order is completed by another webhook, and only once it is paid.
#[test]
fn orders_can_be_completed_when_they_are_paid() {
    let world = World::start_with(Platform::Shopify, |yaml| {
        yaml.replace("order_completed_on: create", "order_completed_on: paid")
            .replace("{ shop: example-store,", "{ shop: example-store, completed_on: paid,")
    });
    for number in 1..=3 {
        world.order(number, 30);
    }
    world.rest.change(|orders| {
        orders[0]["financial_status"] = "pending".into();
        orders[1]["financial_status"] = "paid".into();
        orders[2]["financial_status"] = "partially_refunded".into();
    });
    // Its creation has come; that it was paid has not.
    let paid = world.rest_order(1);
    world.deliver(&paid);
    let found = world.reconciled(&["--backfill"]);
    assert_eq!((&found["listed"], &found["synthesised"]), (&2.into(), &2.into()), "{found:#}");
    world.completed(2);
    assert_eq!(world.reconciled(&["--backfill"])["known"], 2);
}

/// The source looks for the webhook that completes no order here. Its deliveries came, and nothing of them was sent.
#[test]
fn an_order_that_was_delivered_in_vain_is_not_known() {
    let world = World::start_with(Platform::Shopify, |yaml| {
        yaml.replace("order_completed_on: create", "order_completed_on: paid")
    });
    let order = world.order(1, 30);
    world.order(2, 30);
    world.deliver(&order);
    assert_eq!(world.settled()["dropped"], 1);
    let output = world.reconcile(&["--backfill", "--json"]);
    let text = both(&output);
    assert_eq!(output.status.code(), Some(1), "{text}");
    for expected in
        ["error[left-out]", "(order_completed_on)", "shopify.yaml:", "write `completed_on: paid` under `api`"]
    {
        assert!(text.contains(expected), "no {expected:?} in\n{text}");
    }
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let shop = &report["shops"][0];
    let counts = ["listed", "known", "synthesised"].map(|name| shop[name].as_u64().unwrap());
    assert_eq!((counts, shop["left_out"].as_array().unwrap().len()), ([2, 0, 0], 2), "{shop:#}");
}

/// What the journal knows is looked at, and never told again.
#[test]
fn what_came_of_a_delivery_decides_whether_its_order_is_known() {
    let world = World::start(Platform::Shopify);
    for number in 1..=3 {
        world.order(number, 30);
    }
    world.rest.change(|orders| orders[1]["test"] = true.into());
    for at in 0..3 {
        world.deliver(&world.rest_order(at));
    }
    world.completed(2);
    world.settled();
    let found = world.reconciled(&["--backfill"]);
    let counts = ["listed", "known", "synthesised"].map(|name| found[name].as_u64().unwrap());
    assert_eq!(counts, [3, 2, 0], "{found:#}");
    assert_eq!(found["left_out"][0]["reason"], "test order (include_test_orders)", "{found:#}");
    assert_eq!(world.settled()["deliveries"], 3);
}

/// Orders that the journal knows are many: to look at them asks nobody.
#[test]
fn a_look_at_what_is_known_asks_nobody() {
    let world = World::start_with(Platform::Shopify, |yaml| {
        let host = yaml.split("url: \"http://").nth(1).unwrap().split('"').next().unwrap().to_owned();
        let step = format!(
            "  - script:\n      inline: http::get(`http://{host}/${{event.messageId}}`);\n      http: {{ allow: [\"{host}\"] }}\n"
        );
        yaml.replace("  - id: once\n", &format!("{step}  - id: once\n"))
    });
    world.deliver(&world.order(1, 30));
    world.completed(1);
    world.settled();
    let asked = world.rest.asked().len();
    assert!(asked > 0, "the delivery asked");
    assert_eq!(world.reconciled(&["--backfill"])["known"], 1);
    assert_eq!(world.rest.asked().len(), asked + 1, "for the list");
}

/// BigCommerce tells of an order when its payment begins, and again when it is done. The second callback is lost.
#[test]
fn an_order_whose_payment_was_told_in_vain_is_missing() {
    let world = World::start(Platform::Bigcommerce);
    let order = world.order(7, 0);
    let status = |id: u64| world.rest.change(|orders| orders[0]["status_id"] = id.into());
    status(0);
    world.deliver(&order);
    assert_eq!(world.settled()["dropped"], 1, "the order is incomplete");
    assert_eq!(world.reconciled(&[])["listed"], 0, "an order of which only the payment was begun is none");
    status(11);
    let found = world.reconciled(&[]);
    assert_eq!((&found["known"], &found["synthesised"]), (&0.into(), &1.into()), "{found:#}");
    world.completed(1);
    // The callback comes after all.
    let changed = json!({"type": "order", "id": 7, "status": {"previous_status_id": 0, "new_status_id": 11}});
    post(&world, callback("store/order/statusUpdated", &changed));
    assert_eq!(world.settled()["dropped"], 2, "it was told before");
    let asked = world.rest.asked().len();
    assert_eq!(world.reconciled(&[])["known"], 1);
    assert_eq!(world.rest.asked().len(), asked + 1, "what surely was told needs no look at the order");
    world.completed(1);
}

/// Shopify tries for hours: a webhook may come after its order was told.
#[test]
fn a_webhook_that_comes_late_is_not_told_again() {
    let world = World::start(Platform::Shopify);
    let order = world.order(1, 30);
    assert_eq!(world.reconciled(&["--backfill"])["synthesised"], 1);
    world.completed(1);
    world.deliver(&order);
    assert_eq!(
        world.settled()["reasons"],
        json!([
            {"part": "changed", "reason": "identify: nothing has changed (step `changed`)", "count": 1},
            {"part": "once", "reason": "duplicate", "count": 1},
        ])
    );
    world.completed(1);
    let found = world.reconciled(&["--backfill"]);
    assert_eq!((&found["known"], &found["reconciled_before"]), (&1.into(), &0.into()), "{found:#}");
}

fn post(world: &World, (path, headers, body): (&str, Vec<(String, String)>, String)) {
    let headers: Vec<_> = headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    assert_eq!(world.cartwire.post(path, &headers, body.as_bytes()).unwrap().status, 200);
}

impl World {
    /// An order as the shop has it now.
    fn rest_order(&self, at: usize) -> Value {
        let mut found = Value::Null;
        self.rest.change(|orders| found = orders[at].clone());
        found
    }
}
