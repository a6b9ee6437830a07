//! The money of the shipped Shopify mapping: what is told of an order adds up to its total, to the last digit.
#![allow(clippy::type_complexity, reason = "tables of cases")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, reason = "a test fails by panicking")]

#[path = "support/mapping.rs"]
#[allow(dead_code, unreachable_pub, reason = "each test uses its part")]
mod mapping;

use std::fs;

use mapping::{Mapped, PIXEL, journey, map, map_file, payloads};
use serde_json::{Value, json};

/// An amount in thousandths: exact for every amount that a shop can have.
fn mills(properties: &Value, name: &str) -> i64 {
    let value = &properties[name];
    if value.is_null() {
        return 0;
    }
    let amount = value.as_f64().unwrap_or_else(|| panic!("{name} is {value}, not a number"));
    assert!(amount != 0.0 || amount.is_sign_positive(), "{name} is {value}: less than nothing");
    (amount * 1000.0).round() as i64
}

/// All orders of the scenario and all that real shops sent. Shopify's samples are not among them: their sums are invented.
fn orders() -> Vec<(String, String, Vec<u8>)> {
    let mut found = Vec::new();
    for folder in ["scenario", "captured"] {
        for entry in fs::read_dir(payloads().join(folder)).unwrap() {
            let name = entry.as_ref().unwrap().file_name().into_string().unwrap();
            let Some(at) = name.find("orders_") else { continue };
            if name.ends_with(".headers.json") {
                continue;
            }
            let action = name[at + "orders_".len()..].split(['-', '.']).next().unwrap();
            // Under this topic the order is told as it was bought, which is what `orders/paid` repeats.
            let topic = if action == "paid" { "orders/create".to_owned() } else { format!("orders/{action}") };
            found.push((format!("{folder}/{name}"), topic, fs::read(entry.unwrap().path()).unwrap()));
        }
    }
    found.sort();
    found
}

fn track(mapped: &Mapped) -> &Value {
    mapped.messages.iter().find(|message| message["type"] == "track").expect("an event")
}

#[test]
fn the_parts_of_every_order_are_its_total() {
    let orders = orders();
    assert!(orders.len() >= 11, "only {} orders found", orders.len());
    let webhooks: Vec<_> = orders.iter().map(|(_, topic, body)| (topic.as_str(), body.clone())).collect();
    for money in ["shop", "presentment"] {
        let mapped = map(&[("money", money), ("include_test_orders", "true"), ("order_updated_after", "0")], &webhooks);
        for ((name, topic, _), mapped) in orders.iter().zip(&mapped) {
            assert!(mapped.failures.is_empty(), "{name}: {:?}", mapped.failures);
            assert!(mapped.logs.is_empty(), "{name}: {:?}", mapped.logs);
            let properties = &track(mapped)["properties"];
            let parts = ["revenue", "shipping", "tax", "tip", "duties", "fees"].map(|part| mills(properties, part));
            assert_eq!(
                parts.iter().sum::<i64>(),
                mills(properties, "total"),
                "{name} in {money} money: {properties:#}"
            );
            assert_eq!(mills(properties, "revenue"), mills(properties, "subtotal"), "{name}");
            for part in ["currency", "revenue", "shipping", "tax", "discount", "total"] {
                assert!(!properties[part].is_null(), "{name} has no {part}");
            }
            if topic != "orders/updated" {
                lines_add_up(name, properties);
            }
        }
    }
}

/// Lines at their prices, less their discounts, are the revenue, or the revenue with its tax where prices include it.
fn lines_add_up(name: &str, properties: &Value) {
    let products = properties["products"].as_array().unwrap();
    let lines: i64 = products
        .iter()
        .map(|product| mills(product, "price") * product["quantity"].as_i64().unwrap() - mills(product, "discount"))
        .sum();
    let revenue = mills(properties, "revenue");
    let either = [revenue, revenue + mills(properties, "tax")];
    assert!(either.contains(&lines), "{name}: lines {lines}, revenue {revenue}");
}

#[test]
fn orders_with_known_answers() {
    // revenue, shipping, tax, discount, total in thousandths
    let answers: [(&str, &str, &str, &str, [i64; 5]); 6] = [
        ("shop", "orders/create", "scenario/18-orders_create.json", "USD", [54_900, 7_500, 4_390, 6_100, 66_790]),
        ("shop", "orders/updated", "scenario/31-orders_updated.json", "USD", [38_700, 5_000, 3_090, 4_300, 46_790]),
        ("shop", "orders/create", "scenario/32-orders_create.json", "USD", [29_170, 0, 5_830, 15_000, 35_000]),
        ("presentment", "orders/create", "scenario/32-orders_create.json", "EUR", [26_250, 0, 5_250, 13_500, 31_500]),
        (
            "presentment",
            "orders/cancelled",
            "scenario/34-orders_cancelled.json",
            "EUR",
            [26_250, 0, 5_250, 13_500, 31_500],
        ),
        (
            "shop",
            "orders/create",
            "captured/orders_create-hkd-percent-code-plus-auto-line-discount.json",
            "HKD",
            [164_900, 22_000, 0, 34_100, 186_900],
        ),
    ];
    for (money, topic, file, currency, answer) in answers {
        let mapped = map_file(&[("money", money)], topic, file);
        let properties = &track(&mapped)["properties"];
        assert_eq!(properties["currency"], currency, "{file}");
        let got = ["revenue", "shipping", "tax", "discount", "total"].map(|part| mills(properties, part));
        assert_eq!(got, answer, "{file} in {money} money");
    }
    let coupon = |file: &str| track(&map_file(&[], "orders/create", file))["properties"]["coupon"].clone();
    assert_eq!(coupon("scenario/18-orders_create.json"), "WELCOME10");
    assert_eq!(coupon("captured/orders_create-hkd-percent-code-plus-auto-line-discount.json"), "0124D");
}

#[test]
fn refunds_are_what_the_buyer_got_back() {
    // subtotal, tax, shipping, total in thousandths
    let answers: [(&str, &str, &str, [i64; 4]); 4] = [
        ("shop", "scenario/30-refunds_create.json", "USD", [16_200, 1_300, 2_500, 20_000]),
        ("shop", "scenario/33-refunds_create.json", "USD", [29_170, 5_830, 0, 35_000]),
        ("presentment", "scenario/33-refunds_create.json", "EUR", [26_250, 5_250, 0, 31_500]),
        ("shop", "captured/refunds_create-usd-full-refund-after-auto-discount.json", "USD", [57_230, 0, 0, 57_230]),
    ];
    for (money, file, currency, answer) in answers {
        let mapped = map_file(&[("money", money), ("include_test_orders", "true")], "refunds/create", file);
        let properties = &mapped.only("Order Refunded")["properties"];
        assert_eq!(properties["currency"], currency, "{file}");
        let got = ["subtotal", "tax", "shipping", "total"].map(|part| mills(properties, part));
        assert_eq!(got, answer, "{file} in {money} money");
        let body: Value = serde_json::from_slice(&fs::read(payloads().join(file)).unwrap()).unwrap();
        let paid = &body["transactions"][0];
        if paid["currency"] == currency {
            let amount: f64 = paid["amount"].as_str().unwrap().parse().unwrap();
            assert_eq!((amount * 1000.0).round() as i64, mills(properties, "total"), "{file}");
        }
    }
}

const BY_PIXEL: [(&str, &str); 1] = [("order_completed_from", "pixel")];

#[test]
fn a_pixels_checkout_adds_up_too() {
    let money = |amount: &str| format!(r#"{{"amount":{amount},"currencyCode":"EUR"}}"#);
    // subtotal, tax, shipping before and after its discount, total; revenue, shipping, tax, fees in thousandths
    let cases = [
        // Tax on top, tax inside, tax inside with shipping (of 19 % in both), a tip on top.
        (["54.9", "4.39", "7.5", "7.5", "66.79"], [54_900, 7_500, 4_390, 0]),
        (["31.5", "5.25", "4.5", "0", "31.5"], [26_250, 0, 5_250, 0]),
        (["119", "20.9", "11.9", "11.9", "130.9"], [100_000, 10_000, 20_900, 0]),
        (["10", "0.8", "0", "0", "13.3"], [10_000, 0, 800, 2_500]),
    ];
    for ([subtotal, tax, before, after, total], parts) in cases {
        let [subtotal, tax, before, after, total_money] = [subtotal, tax, before, after, total].map(money);
        let body = format!(
            r#"{{"id":"e","name":"checkout_completed","clientId":"b","data":{{"checkout":{{"token":"t","order":{{"id":"1"}},
            "currencyCode":"EUR","subtotalPrice":{subtotal},"totalTax":{tax},"totalPrice":{total_money},
            "shippingLine":{{"price":{before}}},
            "delivery":{{"selectedDeliveryOptions":[{{"cost":{before},"costAfterDiscounts":{after}}}]}}}}}}}}"#
        );
        let mapped = map(&BY_PIXEL, &[(PIXEL, body.into_bytes())]).remove(0);
        let properties = &mapped.only("Order Completed")["properties"];
        assert_eq!(["revenue", "shipping", "tax", "fees"].map(|part| mills(properties, part)), parts, "{properties:#}");
        let sum: i64 = parts.iter().sum();
        assert_eq!(sum, mills(properties, "total"), "{properties:#}");
        assert_eq!(mills(properties, "subtotal"), mills(properties, "revenue"));
    }
}

#[test]
fn a_pixel_and_a_webhook_tell_the_same_money() {
    let by_pixel = map_file(&BY_PIXEL, PIXEL, "scenario/19-pixel_checkout_completed.json");
    let by_webhook = map_file(&[], "orders/create", "scenario/18-orders_create.json");
    let (by_pixel, by_webhook) = (by_pixel.only("Order Completed"), by_webhook.only("Order Completed"));
    for part in ["revenue", "subtotal", "shipping", "tax", "discount", "total"] {
        assert_eq!(mills(&by_pixel["properties"], part), mills(&by_webhook["properties"], part), "{part}");
    }
    for part in ["order_id", "checkout_id", "currency", "coupon", "payment_method", "shipping_method", "affiliation"] {
        assert_eq!(by_pixel["properties"][part], by_webhook["properties"][part], "{part}");
    }
    for part in ["messageId", "userId", "anonymousId"] {
        assert_eq!(by_pixel[part], by_webhook[part], "{part}");
    }
    for (one, other) in products(by_pixel).iter().zip(products(by_webhook)) {
        for part in ["product_id", "variant_id", "sku", "name", "variant", "brand", "coupon", "quantity", "position"] {
            assert_eq!(one[part], other[part], "{part} of a product");
        }
        assert_eq!(mills(one, "price"), mills(other, "price"));
        assert_eq!(mills(one, "discount"), mills(other, "discount"));
    }
}

/// An order of 50.00 and 7.00 of shipping, 9.50 of tax in both, as webhook and as pixel tell it.
fn tax_included() -> [(&'static str, Vec<u8>); 2] {
    let read = |file: &str| -> Value { serde_json::from_slice(&fs::read(payloads().join(file)).unwrap()).unwrap() };
    let tax = |amount: &str| json!([{"title": "VAT", "rate": 0.2, "price": amount}]);
    let mut order = read("scenario/18-orders_create.json");
    for (name, value) in [
        ("currency", json!("EUR")),
        ("presentment_currency", json!("EUR")),
        ("taxes_included", json!(true)),
        ("total_price", json!("57.00")),
        ("subtotal_price", json!("50.00")),
        ("total_tax", json!("9.50")),
        ("total_discounts", json!("0.00")),
        ("discount_codes", json!([])),
        ("discount_applications", json!([])),
        ("tax_lines", tax("9.50")),
        (
            "line_items",
            json!([{"price": "50.00", "quantity": 1, "discount_allocations": [], "tax_lines": tax("8.33")}]),
        ),
        ("shipping_lines", json!([{"price": "7.00", "discount_allocations": [], "tax_lines": tax("1.17")}])),
    ] {
        order[name] = value;
        order.as_object_mut().unwrap().remove(&format!("{name}_set"));
    }
    let money = |amount: f64| json!({"amount": amount, "currencyCode": "EUR"});
    let mut event = read("scenario/19-pixel_checkout_completed.json");
    let checkout = &mut event["data"]["checkout"];
    for (name, value) in [
        ("currencyCode", json!("EUR")),
        ("subtotalPrice", money(50.0)),
        ("totalTax", money(9.5)),
        ("totalPrice", money(57.0)),
        ("discountsAmount", money(0.0)),
        ("shippingLine", json!({"price": money(7.0)})),
        ("delivery", json!({"selectedDeliveryOptions": [{"cost": money(7.0), "costAfterDiscounts": money(7.0)}]})),
    ] {
        checkout[name] = value;
    }
    [("orders/create", order.to_string().into_bytes()), (PIXEL, event.to_string().into_bytes())]
}

#[test]
fn an_order_has_the_webhooks_money_whoever_tells_it_first() {
    let [webhook, pixel] = tax_included();
    for from in ["webhook", "both"] {
        for money in ["shop", "presentment"] {
            for bodies in [[webhook.clone(), pixel.clone()], [pixel.clone(), webhook.clone()]] {
                let mapped = journey(&[("order_completed_from", from), ("money", money)], &bodies);
                let properties = &mapped.only("Order Completed")["properties"];
                let got = ["revenue", "shipping", "tax", "total"].map(|part| mills(properties, part));
                assert_eq!(got, [41_670, 5_830, 9_500, 57_000], "{from}, {money}, {} first", bodies[0].0);
            }
        }
    }
}

fn products(message: &Value) -> &Vec<Value> {
    message["properties"]["products"].as_array().unwrap()
}

#[test]
fn a_total_that_is_off_is_told_in_the_log() {
    let body = br#"{"id":1,"currency":"USD","subtotal_price":"10.00","total_tax":"0.80","total_price":"11.00","taxes_included":false,
        "line_items":[],"shipping_lines":[]}"#;
    let mapped = map(&[], &[("orders/create", body.to_vec())]).remove(0);
    assert_eq!(mapped.logs, ["warn: order 1: its total is off by 0.20 USD from its parts"]);
}

/// Amounts in thousandths, None for one that is left out.
type Answer<const N: usize> = [Option<i64>; N];

/// A recorded body without some of its fields, by their pointers.
fn without(file: &str, places: &[&str]) -> Vec<u8> {
    let mut body: Value = serde_json::from_slice(&fs::read(payloads().join(file)).unwrap()).unwrap();
    for place in places {
        let (holder, key) = place.rsplit_once('/').unwrap();
        let gone = body.pointer_mut(holder).unwrap().as_object_mut().unwrap().remove(key);
        assert!(gone.is_some(), "{file} has no {place}");
    }
    body.to_string().into_bytes()
}

#[test]
fn what_a_reduced_order_lacks_is_found_or_left_out() {
    let parts = ["revenue", "shipping", "tax", "discount", "total"];
    let (bought, now, inclusive) =
        ("scenario/18-orders_create.json", "scenario/31-orders_updated.json", "scenario/32-orders_create.json");
    // The same parts in thousandths, of which None is left out.
    let cases: [(&str, &str, &[&str], Answer<5>); 9] = [
        (
            "orders/create",
            inclusive,
            &["/taxes_included"],
            [Some(29_170), Some(0), Some(5_830), Some(15_000), Some(35_000)],
        ),
        // The rates of the lines tell it where the sum does not.
        (
            "orders/create",
            inclusive,
            &["/taxes_included", "/total_price", "/total_price_set"],
            [Some(29_170), Some(0), Some(5_830), Some(15_000), Some(35_000)],
        ),
        (
            "orders/create",
            inclusive,
            &["/taxes_included", "/shipping_lines", "/line_items"],
            [None, None, Some(5_830), Some(15_000), Some(35_000)],
        ),
        (
            "orders/create",
            bought,
            &["/shipping_lines"],
            [Some(54_900), Some(7_500), Some(4_390), Some(6_100), Some(66_790)],
        ),
        (
            "orders/create",
            bought,
            &["/shipping_lines", "/taxes_included", "/line_items"],
            [None, None, Some(4_390), Some(6_100), Some(66_790)],
        ),
        (
            "orders/create",
            bought,
            &["/subtotal_price", "/subtotal_price_set"],
            [Some(54_900), Some(7_500), Some(4_390), Some(6_100), Some(66_790)],
        ),
        (
            "orders/create",
            bought,
            &["/subtotal_price", "/subtotal_price_set", "/shipping_lines"],
            [None, None, Some(4_390), Some(6_100), Some(66_790)],
        ),
        (
            "orders/updated",
            now,
            &["/current_shipping_price_set"],
            [Some(38_700), Some(5_000), Some(3_090), Some(4_300), Some(46_790)],
        ),
        // Not the total that it had once.
        (
            "orders/updated",
            now,
            &["/current_total_price", "/current_total_price_set", "/current_total_tax", "/current_total_tax_set"],
            [Some(38_700), Some(5_000), None, Some(4_300), None],
        ),
    ];
    let webhooks: Vec<_> = cases.iter().map(|(topic, file, places, _)| (*topic, without(file, places))).collect();
    let mapped = map(&[("order_updated_after", "0")], &webhooks);
    for ((_, file, places, answer), mapped) in cases.into_iter().zip(mapped) {
        let properties = &track(&mapped)["properties"];
        let got = parts.map(|part| (!properties[part].is_null()).then(|| mills(properties, part)));
        assert_eq!(got, answer, "{file} without {places:?}: {properties:#}");
        assert!(mapped.logs.is_empty(), "{:?}", mapped.logs);
    }
}

#[test]
fn two_currencies_are_never_mixed() {
    let file = "scenario/32-orders_create.json";
    // The total in the shop's currency is none in the buyer's: the parts make it.
    let places = ["/total_price_set", "/total_discounts_set", "/presentment_currency"];
    let webhooks = places.map(|place| ("orders/create", without(file, &[place])));
    for (place, mapped) in places.iter().zip(map(&[("money", "presentment")], &webhooks)) {
        let properties = &track(&mapped)["properties"];
        let told = (&properties["currency"], mills(properties, "total"));
        assert_eq!(told, (&Value::from("EUR"), 31_500), "without {place}");
        assert_eq!(properties["discount"].is_null(), *place == "/total_discounts_set", "{properties:#}");
    }
}

#[test]
fn what_a_reduced_refund_lacks_is_the_money_that_moved() {
    let parts = ["subtotal", "tax", "shipping", "total"];
    let (on_top, inclusive) = ("scenario/30-refunds_create.json", "scenario/33-refunds_create.json");
    let captured = "captured/refunds_create-usd-full-refund-after-auto-discount.json";
    let cases: [(&str, &[&str], Answer<4>); 6] = [
        (inclusive, &["/refund_line_items/0/line_item/tax_lines"], [Some(29_170), Some(5_830), Some(0), Some(35_000)]),
        (inclusive, &["/transactions"], [Some(29_170), Some(5_830), Some(0), Some(35_000)]),
        (inclusive, &["/transactions", "/refund_line_items/0/line_item"], [None, Some(5_830), Some(0), None]),
        // Nor does this body of an older version have the list of refunded shipping.
        (captured, &["/refund_line_items"], [None, None, None, Some(57_230)]),
        (on_top, &["/order_adjustments"], [Some(16_200), None, Some(2_500), Some(20_000)]),
        (
            on_top,
            &["/refund_line_items/0/subtotal", "/refund_line_items/0/subtotal_set"],
            [Some(16_200), Some(1_300), Some(2_500), Some(20_000)],
        ),
    ];
    let webhooks: Vec<_> = cases.iter().map(|(file, places, _)| ("refunds/create", without(file, places))).collect();
    let mapped = map(&[("include_test_orders", "true")], &webhooks);
    for ((file, places, answer), mapped) in cases.into_iter().zip(mapped) {
        let properties = &mapped.only("Order Refunded")["properties"];
        let got = parts.map(|part| (!properties[part].is_null()).then(|| mills(properties, part)));
        assert_eq!(got, answer, "{file} without {places:?}: {properties:#}");
    }
}

/// The recorded partial refund (16.20, 1.30 of tax, 2.50 of shipping) with other fields.
fn refund(fields: &Value) -> Vec<u8> {
    let file = fs::read(payloads().join("scenario/30-refunds_create.json")).unwrap();
    let mut body: Value = serde_json::from_slice(&file).unwrap();
    for (name, value) in fields.as_object().unwrap() {
        match value {
            Value::Null => drop(body.as_object_mut().unwrap().remove(name)),
            value => body[name] = value.clone(),
        }
    }
    body.to_string().into_bytes()
}

fn moved(amount: &str) -> Value {
    json!([{"kind": "refund", "status": "success", "amount": amount, "currency": "USD"}])
}

#[test]
fn refunded_shipping_is_told_once_by_whichever_list_has_it() {
    // API versions since 2024-10 have a list of refunded shipping, older ones an adjustment, and some bodies both.
    let cases = [
        (json!({}), [Some(2_500), Some(1_300), Some(20_000)]),
        (json!({"order_adjustments": []}), [Some(2_500), Some(1_300), Some(20_000)]),
        (json!({"refund_shipping_lines": []}), [Some(2_500), Some(1_300), Some(20_000)]),
        (json!({"refund_shipping_lines": null}), [Some(2_500), Some(1_300), Some(20_000)]),
        (
            json!({"order_adjustments": [], "refund_line_items": [], "transactions": moved("2.50")}),
            [Some(2_500), Some(0), Some(2_500)],
        ),
        // Without the list there is no telling, unless the money that moved leaves nothing to it.
        (json!({"order_adjustments": [], "refund_shipping_lines": null}), [None, None, Some(20_000)]),
        (json!({"order_adjustments": [], "refund_shipping_lines": null, "transactions": []}), [None, None, None]),
        (
            json!({"order_adjustments": [], "refund_shipping_lines": null, "transactions": moved("17.50")}),
            [Some(0), Some(1_300), Some(17_500)],
        ),
    ];
    let webhooks: Vec<_> = cases.iter().map(|(fields, _)| ("refunds/create", refund(fields))).collect();
    for ((fields, answer), mapped) in cases.iter().zip(map(&[], &webhooks)) {
        let properties = &mapped.only("Order Refunded")["properties"];
        let got =
            ["shipping", "tax", "total"].map(|part| (!properties[part].is_null()).then(|| mills(properties, part)));
        assert_eq!(got, *answer, "{fields}: {properties:#}");
        assert!(mapped.logs.is_empty(), "{fields}: {:?}", mapped.logs);
    }
}

#[test]
fn the_tax_of_refunded_shipping_is_its_share_or_what_moved_beside_the_rest() {
    let set = |amount: &str| json!({"shop_money": {"amount": amount, "currency_code": "USD"}});
    let shipping = |line: Value| json!([{"subtotal_amount_set": set("2.50"), "shipping_line": line}]);
    let line = |tax: &str| json!({"price": "7.50", "discount_allocations": [{"amount": "2.50"}], "tax_lines": [{"price": tax, "rate": 0.08}]});
    // Half of the shipping, so half of its tax; the money that moved; shipping, tax, total.
    let cases = [
        (line("0.40"), "20.20", [Some(2_500), Some(1_500), Some(20_200)]),
        // Not yet, or as store credit.
        (line("0.40"), "10.00", [Some(2_500), Some(1_500), Some(20_200)]),
        (Value::Null, "20.17", [Some(2_500), Some(1_470), Some(20_170)]),
        (Value::Null, "20.00", [Some(2_500), Some(1_300), Some(20_000)]),
        (Value::Null, "10.00", [Some(2_500), None, Some(10_000)]),
    ];
    let body = |line: &Value, paid: &str| {
        refund(
            &json!({"order_adjustments": [], "refund_shipping_lines": shipping(line.clone()), "transactions": moved(paid)}),
        )
    };
    let webhooks: Vec<_> = cases.iter().map(|(line, paid, _)| ("refunds/create", body(line, paid))).collect();
    for ((line, paid, answer), mapped) in cases.iter().zip(map(&[], &webhooks)) {
        let properties = &mapped.only("Order Refunded")["properties"];
        let got =
            ["shipping", "tax", "total"].map(|part| (!properties[part].is_null()).then(|| mills(properties, part)));
        assert_eq!(got, *answer, "{line} {paid}: {properties:#}");
    }
}

#[test]
fn money_that_moved_beside_the_parts_is_told_in_the_log() {
    let logs = |amount: &str| {
        let mapped = map(&[], &[("refunds/create", refund(&json!({"transactions": moved(amount)})))]).remove(0);
        assert_eq!(mills(&mapped.only("Order Refunded")["properties"], "total"), 20_000, "what the goods are worth");
        mapped.logs
    };
    assert!(logs("20.00").is_empty());
    assert_eq!(logs("23.00"), ["warn: refund 8900000000001: 20.00 USD by its parts, and 23.00 USD moved"]);
    let less = "info: refund 8900000000001: 20.00 USD by its parts, and 5.00 USD moved: the rest is store credit or still under way";
    assert_eq!(logs("5.00"), [less]);
}
