//! Whole jobs, as a user runs them: `cartwire run` over a file, against a plain Node program doing the same, in one run.
//!
//! `cargo bench --bench jobs` prints events/s and ratios and checks that both programs wrote the same. Options: `-- rewrite`
//! or `-- order` for one job, `EVENTS=20000` for fewer events.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    missing_docs,
    reason = "a benchmark fails by panicking"
)]

use std::fmt::Write as _;
use std::fs;
use std::io::{BufRead, BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

/// Rounds per program; they alternate, so that a slow moment of the machine meets both.
const ROUNDS: usize = 3;

fn main() {
    let wanted: Vec<String> = std::env::args().skip(1).filter(|argument| !argument.starts_with('-')).collect();
    let wants = |name: &str| wanted.is_empty() || wanted.iter().any(|wanted| name.contains(wanted.as_str()));
    let dir = Path::new(env!("CARGO_MANIFEST_DIR"));
    let work = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("jobs");
    fs::create_dir_all(&work).unwrap();
    if wants("rewrite") {
        let events = count(200_000);
        let input = work.join("rewrite.ndjson");
        generate(&input, events, rewrite_event);
        measure("rewrite", dir, Some("rewrite"), &dir.join("benches/jobs/rewrite.mjs"), &input, &work, events);
    }
    if wants("order") {
        let events = count(50_000);
        let input = work.join("order.ndjson");
        generate(&input, events, order);
        measure(
            "order",
            &dir.join("benches/jobs/order"),
            None,
            &dir.join("benches/jobs/order.mjs"),
            &input,
            &work,
            events,
        );
    }
}

fn count(usual: usize) -> usize {
    std::env::var("EVENTS").ok().and_then(|text| text.parse().ok()).unwrap_or(usual)
}

fn measure(name: &str, project: &Path, pipeline: Option<&str>, node: &Path, input: &Path, work: &Path, events: usize) {
    let ours_out = work.join(format!("{name}.cartwire.ndjson"));
    let node_out = work.join(format!("{name}.node.ndjson"));
    let data_dir = work.join(format!("{name}.data"));
    let cartwire = || {
        let mut command = Command::new(env!("CARGO_BIN_EXE_cartwire"));
        command.arg("run").arg(project).args(["--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0"]);
        command.arg("--data-dir").arg(&data_dir);
        if let Some(pipeline) = pipeline {
            command.args(["--pipeline", pipeline]);
        }
        for (variable, path) in [("INPUT", input), ("OUTPUT", &ours_out)] {
            command.env(format!("CARTWIRE_{variable}"), path).env(format!("BENCH_{variable}"), path);
        }
        command
    };
    let node = || {
        let mut command = Command::new("node");
        command.arg(node).arg(input).arg(&node_out);
        command
    };
    let has_node = Command::new("node").arg("--version").output().is_ok();
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        ours.push(timed(cartwire()));
        if has_node {
            theirs.push(timed(node()));
        }
    }
    let rate = |seconds: &[f64]| events as f64 / median(seconds);
    println!("{name}: {events} events, medians of {ROUNDS}");
    println!("  cartwire {:>9.0} events/s", rate(&ours));
    if !has_node {
        println!("  node is not installed: nothing to compare with");
        return;
    }
    println!("  node     {:>9.0} events/s", rate(&theirs));
    println!("  ratio    {:>9.2}", rate(&ours) / rate(&theirs));
    same(&ours_out, &node_out);
}

fn timed(mut command: Command) -> f64 {
    let started = Instant::now();
    let output = command.output().expect("the program starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    started.elapsed().as_secs_f64()
}

fn median(seconds: &[f64]) -> f64 {
    let mut sorted = seconds.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted[sorted.len() / 2]
}

/// Line by line the same values; ids beyond 2^53, which Node rounds, are not in these jobs.
fn same(ours: &Path, theirs: &Path) {
    let open = |path: &Path| BufReader::new(fs::File::open(path).unwrap()).lines().map(Result::unwrap);
    let mut lines = 0;
    let (mut ours, mut theirs) = (open(ours), open(theirs));
    loop {
        let (one, other) = match (ours.next(), theirs.next()) {
            (Some(one), Some(other)) => (one, other),
            (None, None) => break,
            _ => panic!("the programs wrote different numbers of lines"),
        };
        lines += 1;
        let [one, other] = [one, other].map(|text| floats(serde_json::from_str(&text).unwrap()));
        assert_eq!(one, other, "line {lines} differs");
    }
    println!("  both wrote the same {lines} lines");
}

/// 54.90 and 54.9 are the same number.
fn floats(value: serde_json::Value) -> serde_json::Value {
    match value {
        serde_json::Value::Number(number) => serde_json::json!(number.as_f64().unwrap()),
        serde_json::Value::Array(items) => items.into_iter().map(floats).collect(),
        serde_json::Value::Object(members) => members.into_iter().map(|(key, value)| (key, floats(value))).collect(),
        other => other,
    }
}

fn generate(path: &Path, events: usize, event: fn(usize, &mut String)) {
    let mut out = BufWriter::new(fs::File::create(path).unwrap());
    let mut line = String::new();
    for number in 0..events {
        line.clear();
        event(number, &mut line);
        line.push('\n');
        out.write_all(line.as_bytes()).unwrap();
    }
    out.flush().unwrap();
}

/// A Segment track of about 1.5 KB.
fn rewrite_event(number: usize, line: &mut String) {
    let names = ["Completed Order", "Viewed Product", "Added Product", "Order Updated", "Started Order"];
    let name = names[number % names.len()];
    let internal = if number % 20 == 19 { "true" } else { "false" };
    write!(
        line,
        r#"{{"type":"track","event":"{name}","userId":"u-{user}","anonymousId":"3f2a9c1e-7b4d-4e2a-9f10-{number:012}","messageId":"bench-{number:08}-5d1f0e8a","timestamp":"2026-01-15T10:{minute:02}:{second:02}.{ms:03}Z","context":{{"ip":"203.0.113.{ip}","locale":"en-US","timezone":"Europe/Berlin","userAgent":"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36","page":{{"path":"/products/trail-mug","referrer":"https://mail.example.com/","search":"?utm_source=newsletter","title":"Trail Mug – Northway","url":"https://shop.example.com/products/trail-mug?utm_source=newsletter"}},"campaign":{{"source":"newsletter","medium":"email","name":"spring"}},"library":{{"name":"shop-backend","version":"7.1.0"}}}},"properties":{{"order_id":"{order}","email":" User{user}@Example.com ","currency":"EUR","coupon":"WELCOME10","affiliation":"web","internal":{internal},"debug":{{"trace":"t-{number}","host":"web-3"}},"products":["#,
        user = number % 5000,
        minute = number / 60 % 60,
        second = number % 60,
        ms = number % 1000,
        ip = number % 250,
        order = 6_100_000_000_000_u64 + number as u64,
    )
    .unwrap();
    for product in 0..3 {
        if product > 0 {
            line.push(',');
        }
        write!(
            line,
            r#"{{"product_id":"70010000{product:05}","sku":"SKU-{sku}","name":"Trail Mug {product}","brand":"Northway","category":"Kitchen","variant":"Blue","price":{price}.{cents:02},"quantity":{quantity},"position":{position}}}"#,
            sku = (number + product) % 400,
            price = 10 + (number + product) % 90,
            cents = (number * 7 + product) % 100,
            quantity = 1 + number % 3,
            position = product + 1,
        )
        .unwrap();
    }
    line.push_str("]}}");
}

/// A Shopify order of about 8.4 KB: the shape of API 2026-04 with two lines.
fn order(number: usize, line: &mut String) {
    let (price, quantity) = (1000 + number % 9000, 1 + number % 3);
    let (subtotal, tax) = (price * quantity + 2500, 439 + number % 200);
    let text = |cents: usize| format!("{}.{:02}", cents / 100, cents % 100);
    let set = |amount: &str| {
        format!(
            r#"{{"shop_money":{{"amount":"{amount}","currency_code":"USD"}},"presentment_money":{{"amount":"{amount}","currency_code":"USD"}}}}"#
        )
    };
    let address = r#"{"first_name":"Ada","last_name":"Example","company":null,"address1":"1 Example Street","address2":null,"phone":null,"city":"Springfield","zip":"12345","province":"Illinois","country":"United States","country_code":"US","province_code":"IL","latitude":41.1,"longitude":-88.2,"name":"Ada Example"}"#;
    let item = |index: usize, cents: usize, quantity: usize| {
        let amount = text(cents);
        format!(
            r#"{{"id":{id},"admin_graphql_api_id":"gid://shopify/LineItem/{id}","attributed_staffs":[],"current_quantity":{quantity},"fulfillable_quantity":{quantity},"fulfillment_service":"manual","fulfillment_status":null,"gift_card":false,"grams":350,"name":"Trail Mug - Blue","price":"{amount}","price_set":{set},"product_exists":true,"product_id":{product},"properties":[],"quantity":{quantity},"requires_shipping":true,"sku":"SKU-{index}","taxable":true,"title":"Trail Mug","total_discount":"0.00","total_discount_set":{zero},"variant_id":{variant},"variant_inventory_management":"shopify","variant_title":"Blue","vendor":"Northway","tax_lines":[{{"channel_liable":false,"price":"1.00","price_set":{one},"rate":0.08,"title":"State tax"}}],"duties":[],"discount_allocations":[{{"amount":"1.10","amount_set":{discount},"discount_application_index":0}}]}}"#,
            id = 16_000_000_000_001_usize + number * 2 + index,
            product = 7_001_000_000_000_usize + index,
            variant = 41_001_000_000_000_usize + index,
            set = set(&amount),
            zero = set("0.00"),
            one = set("1.00"),
            discount = set("1.10"),
        )
    };
    write!(
        line,
        r##"{{"id":{id},"admin_graphql_api_id":"gid://shopify/Order/{id}","app_id":580111,"browser_ip":"203.0.113.77","buyer_accepts_marketing":true,"cancel_reason":null,"cancelled_at":null,"cart_token":"hWN3ExampleCartToken{number:08}","checkout_token":"5c1f0e0b9a8d4c7e8f3a{number:012}","client_details":{{"accept_language":"en-US,en;q=0.9","browser_height":null,"browser_ip":"203.0.113.77","browser_width":null,"session_hash":null,"user_agent":"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36"}},"closed_at":null,"confirmation_number":"EXAMPLE{number}","confirmed":true,"contact_email":"ada{number}@example.com","created_at":"2026-05-04T09:05:30-05:00","currency":"USD","current_shipping_price_set":{ship},"current_subtotal_price":"{subtotal_text}","current_subtotal_price_set":{subtotal_set},"current_total_discounts":"2.20","current_total_discounts_set":{discounts},"current_total_price":"{total_text}","current_total_price_set":{total_set},"current_total_tax":"{tax_text}","current_total_tax_set":{tax_set},"customer_locale":"en-US","device_id":null,"discount_codes":[{{"code":"WELCOME10","amount":"2.20","type":"percentage"}}],"duties_included":false,"email":"Ada{number}@Example.com","estimated_taxes":false,"financial_status":"paid","fulfillment_status":null,"landing_site":"/?utm_source=newsletter&utm_medium=email&utm_campaign=spring","name":"#{short}","note":null,"note_attributes":[{{"name":"segment_anonymous_id","value":"0b5f4a3e-6c1d-4f2a-9b7e-{number:012}"}}],"number":{number},"order_number":{short},"order_status_url":"https://shop.example.com/57000000001/orders/d9f3751d3e2d28f0/authenticate?key=0000","payment_gateway_names":["shopify_payments"],"phone":null,"presentment_currency":"USD","processed_at":"2026-05-04T09:05:30-05:00","referring_site":"https://mail.example.com/","source_name":"web","subtotal_price":"{subtotal_text}","subtotal_price_set":{subtotal_set},"tags":"","tax_exempt":false,"tax_lines":[{{"channel_liable":false,"price":"{tax_text}","price_set":{tax_set},"rate":0.08,"title":"State tax"}}],"taxes_included":false,"test":{test},"total_discounts":"2.20","total_discounts_set":{discounts},"total_line_items_price":"{subtotal_text}","total_price":"{total_text}","total_price_set":{total_set},"total_tax":"{tax_text}","total_tax_set":{tax_set},"total_weight":1050,"updated_at":"2026-05-04T09:05:31-05:00","billing_address":{address},"customer":{{"id":{customer},"created_at":"2026-05-04T09:03:40-05:00","updated_at":"2026-05-04T09:05:30-05:00","first_name":"Ada","last_name":"Example","state":"disabled","note":null,"verified_email":true,"multipass_identifier":null,"tax_exempt":false,"email":"ada{number}@example.com","phone":null,"currency":"USD","tax_exemptions":[],"admin_graphql_api_id":"gid://shopify/Customer/{customer}","default_address":{address}}},"discount_applications":[{{"target_type":"line_item","type":"discount_code","value":"10.0","value_type":"percentage","allocation_method":"across","target_selection":"all","code":"WELCOME10"}}],"fulfillments":[],"line_items":[{first},{second}],"payment_terms":null,"refunds":[],"shipping_address":{address},"shipping_lines":[{{"id":5100000000001,"carrier_identifier":null,"code":"Standard","current_discounted_price_set":{ship},"discounted_price":"7.50","discounted_price_set":{ship},"is_removed":false,"phone":null,"price":"7.50","price_set":{ship},"requested_fulfillment_service_id":null,"source":"shopify","title":"Standard","tax_lines":[],"discount_allocations":[]}}]}}"##,
        id = 6_100_000_000_001_usize + number,
        ship = set("7.50"),
        discounts = set("2.20"),
        subtotal_text = text(subtotal),
        subtotal_set = set(&text(subtotal)),
        tax_text = text(tax),
        tax_set = set(&text(tax)),
        total_text = text(subtotal + tax + 750),
        total_set = set(&text(subtotal + tax + 750)),
        short = 1001 + number,
        customer = 8_100_000_000_001_usize + number % 7000,
        test = number % 50 == 49,
        first = item(0, price, quantity),
        second = item(1, 2500, 1),
    )
    .unwrap();
}
