//! The tables of `scripts/bigcommerce/README.md` against what the scripts make of all fixtures.

use std::collections::{BTreeMap, BTreeSet};

use cartwire::check::Case;
use serde_json::Value;

use crate::cases::{load, map};

const README: &str = include_str!("../../scripts/bigcommerce/README.md");

/// Events whose properties are those of one product.
const OF_A_PRODUCT: [&str; 3] = ["Product Added", "Product Removed", "Product Viewed"];

/// The rows of one table: what it is of and a field, to where that comes from.
type Table = BTreeMap<(String, String), String>;

/// The table below a heading. An empty first cell repeats the one above; a first cell may name several.
fn table(heading: &str) -> Table {
    let (_, rest) = README.split_once(&format!("\n## {heading}\n")).unwrap_or_else(|| panic!("no {heading}"));
    let mut found = Table::new();
    let mut of = Vec::new();
    let rows = rest.lines().skip_while(|line| !line.starts_with("|---")).skip(1);
    for line in rows.take_while(|line| line.starts_with('|')) {
        let cells: Vec<_> = line.trim_matches('|').split(" | ").map(str::trim).collect();
        let [first, field, from] = cells[..] else { panic!("{line}") };
        if !first.is_empty() {
            of = first.split(',').map(|name| name.trim().to_owned()).collect();
        }
        for name in &of {
            let before = found.insert((name.clone(), field.to_owned()), from.to_owned());
            assert_eq!(before, None, "{name} {field} stands there twice");
        }
    }
    assert!(!found.is_empty(), "{heading} is empty");
    found
}

/// What a case went by, under the names of the tables.
fn documents(case: &Case) -> BTreeMap<&'static str, Value> {
    let mut found = BTreeMap::new();
    let body: Value = serde_json::from_slice(&case.given[0].body).unwrap_or_default();
    found.insert("callback", body["data"].clone());
    found.insert("payload", body["payload"].clone());
    for canned in case.http.iter().filter(|canned| canned.answer.status == 200) {
        // One case is answered with a page.
        let Ok(answer) = serde_json::from_slice::<Value>(&canned.answer.body) else { continue };
        let path = canned.url.split(['?', '#']).next().unwrap();
        let (parent, last) = path.rsplit_once('/').unwrap();
        let (name, value) = match (parent.rsplit('/').next().unwrap(), last) {
            ("orders", _) => ("order", answer),
            ("shipments", _) => ("shipment", answer),
            ("refunds", _) => ("refund", answer["data"].clone()),
            ("carts", _) => ("cart", answer["data"].clone()),
            ("subscribers", _) => ("subscriber", answer["data"].clone()),
            (_, "customers") => ("customer", answer["data"][0].clone()),
            (_, "products") => ("products", answer),
            _ => continue,
        };
        found.entry(name).or_insert(value);
    }
    found.insert("context", body);
    found
}

/// A value at a path, as `order.billing_address.phone` or `customer.addresses[0].city`.
fn at<'v>(documents: &'v BTreeMap<&'static str, Value>, path: &str) -> Option<&'v Value> {
    let (name, rest) = path.split_once('.')?;
    rest.split(['.', '[']).try_fold(documents.get(name)?, |value, step| match step.strip_suffix(']') {
        Some(index) => value.get(index.parse::<usize>().unwrap()),
        None => value.get(step),
    })
}

fn number(value: &Value) -> Option<f64> {
    value.as_f64().or_else(|| value.as_str()?.parse().ok())
}

/// Compares a field with what the table says it comes from, if it says so in paths. Words are for people.
fn check(what: &str, from: &str, got: Option<&Value>, documents: &BTreeMap<&'static str, Value>) {
    let condition = from.contains(", ");
    let said = from.split(", ").next().unwrap();
    if !said.starts_with('`') {
        return;
    }
    let mut sum = 0.0;
    let mut paths = 0;
    let mut sign = 1.0;
    for part in said.split('`').map(str::trim).filter(|part| !part.is_empty()) {
        match part {
            "+" => sign = 1.0,
            "-" => sign = -1.0,
            path => {
                paths += 1;
                let value = at(documents, path).unwrap_or(&Value::Null);
                if said.matches('`').count() == 2 {
                    return same(what, value, got, condition);
                }
                sum += sign * number(value).unwrap_or(0.0);
            }
        }
    }
    assert!(paths > 1, "{what}: {said}");
    let got = got.and_then(Value::as_f64).unwrap_or_else(|| panic!("{what} is missing"));
    // Each amount may have been rounded by half a cent.
    assert!((sum - got).abs() < 0.006 * f64::from(paths), "{what} is {got}, not {sum}");
}

fn same(what: &str, want: &Value, got: Option<&Value>, condition: bool) {
    let nothing = want.is_null() || *want == "" || *want == Value::Object(serde_json::Map::new());
    let Some(got) = got else {
        let zero = number(want) == Some(0.0);
        return assert!(nothing || condition || zero, "{what} is missing, and should be {want}");
    };
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let close = number(want).zip(number(got)).is_some_and(|(want, got)| (want - got).abs() < 0.006);
    assert!(close || text(want) == text(got) || nothing && condition, "{what} is {got}, not {want}");
}

#[test]
fn every_field_is_in_the_tables_and_comes_from_where_they_say() {
    let (properties, products, traits) = (table("Properties"), table("Products"), table("Traits"));
    let mut seen = BTreeSet::new();
    // Some events come of other settings only.
    for settings in [&[][..], &[("carts_from", "storefront")]] {
        // The answers of a journey are those of several things.
        let cases: Vec<_> = load("bigcommerce").into_iter().filter(|case| case.given.len() == 1).collect();
        let mapped = map(settings, cases.clone());
        for (case, mapped) in cases.iter().zip(&mapped) {
            let mut documents = documents(case);
            let scope = serde_json::from_slice::<Value>(&case.given[0].body).unwrap_or_default()["scope"].clone();
            let scope = scope.as_str().unwrap_or_default().trim_start_matches("store/").to_owned();
            let lines = if scope.starts_with("cart") || scope.starts_with("channel") {
                ("carts", documents.get("cart").map(|cart| cart["line_items"]["physical_items"][0].clone()))
            } else if scope.is_empty() {
                ("the storefront", documents.get("payload").map(|payload| payload["line_items"][0].clone()))
            } else {
                ("orders", documents.get("products").map(|products| products[0].clone()))
            };
            documents.insert("line", lines.1.unwrap_or_default());
            let mut told = BTreeSet::new();
            for message in &mapped.messages {
                let name = message["event"].as_str().or_else(|| message["type"].as_str()).unwrap();
                let first_of_its_name = told.insert(name.to_owned());
                let (table, of, fields) = match name {
                    "identify" => (&traits, scope.split('/').next().unwrap(), &message["traits"]),
                    _ => (&properties, name, &message["properties"]),
                };
                let fields = fields.as_object().unwrap();
                for field in fields.keys() {
                    let row = (of.to_owned(), field.clone());
                    let product_row = (lines.0.to_owned(), field.clone());
                    let known = table.contains_key(&row);
                    let of_product = OF_A_PRODUCT.contains(&name) && products.contains_key(&product_row);
                    assert!(known || of_product, "{}: {of} has {field}, which the tables do not know", case.name);
                    seen.insert(if known { row } else { product_row });
                }
                for ((row_of, field), from) in table.iter().filter(|((row_of, _), _)| row_of == of) {
                    check(&format!("{}: {row_of} {field}", case.name), from, fields.get(field), &documents);
                }
                let product = if OF_A_PRODUCT.contains(&name) {
                    first_of_its_name.then(|| message["properties"].clone())
                } else {
                    fields.get("products").and_then(|products| products.get(0)).cloned()
                };
                let Some(product) = product.filter(|_| !documents["line"].is_null()) else { continue };
                for field in product.as_object().unwrap().keys().filter(|_| !OF_A_PRODUCT.contains(&name)) {
                    let row = (lines.0.to_owned(), field.clone());
                    assert!(products.contains_key(&row), "{}: a product has {field}", case.name);
                    seen.insert(row);
                }
                for ((_, field), from) in products.iter().filter(|((row_of, _), _)| row_of == lines.0) {
                    if product.get(field).is_some() || !OF_A_PRODUCT.contains(&name) {
                        check(&format!("{}: product {field}", case.name), from, product.get(field), &documents);
                    }
                }
            }
        }
    }
    let unseen: Vec<_> = [&properties, &products, &traits]
        .into_iter()
        .flat_map(BTreeMap::keys)
        .filter(|(of, field)| {
            // Told of an order that has it; which of the events it is makes no difference.
            let orders = of.starts_with("Order ")
                && seen.iter().any(|(other, name)| other.starts_with("Order ") && name == field);
            !orders && !seen.contains(&(of.clone(), field.clone()))
        })
        .collect();
    assert!(unseen.is_empty(), "no fixture shows these rows: {unseen:?}");
}

/// Each scope and event of the first two tables gives what stands there, and nothing else is told of any.
#[test]
fn every_event_stands_in_the_tables_of_scopes() {
    let rows: Vec<(Vec<String>, String)> = README
        .lines()
        .filter(|line| line.starts_with("| `"))
        .map(|line| {
            let cells: Vec<_> = line.trim_matches('|').split(" | ").collect();
            let names = cells[0].split('`').skip(1).step_by(2).map(str::to_owned).collect();
            (names, (*cells.last().unwrap()).to_owned())
        })
        .collect();
    let cases = load("bigcommerce");
    let mut shown = BTreeSet::new();
    let others = [("carts_from", "storefront"), ("orders_from", "both"), ("customer_deleted", "true")];
    for settings in [&[][..], &others] {
        for (case, mapped) in cases.iter().zip(map(settings, cases.clone())) {
            let scopes: Vec<_> = case.given.iter().map(|given| scope_of(&given.body)).collect();
            for message in &mapped.messages {
                let name = message["event"].as_str().or_else(|| message["type"].as_str()).unwrap();
                // An identify message goes beside the events of orders, and one before what reveals whose a browser is.
                let reveals = message["messageId"].as_str().is_some_and(|id| id.ends_with(":identify"));
                let beside = name == "identify" && (reveals || scopes.iter().any(|scope| scope.starts_with("order/")));
                let tells = |scope: &str| {
                    let row = rows.iter().find(|(names, _)| names.iter().any(|name| name == scope));
                    row.is_some_and(|(_, becomes)| becomes.contains(&format!("`{name}`")))
                };
                let told: Vec<_> = scopes.iter().filter(|scope| tells(scope)).collect();
                assert!(beside || !told.is_empty(), "{}: {scopes:?} gives {name}", case.name);
                shown.extend(told.into_iter().map(|scope| (scope.clone(), name.to_owned())));
            }
        }
    }
    for (names, becomes) in &rows {
        for event in becomes
            .split('`')
            .skip(1)
            .step_by(2)
            .filter(|word| word.starts_with(char::is_uppercase) || *word == "identify")
        {
            let told = names.iter().any(|scope| shown.contains(&(scope.clone(), event.to_owned())));
            assert!(told, "no fixture of {names:?} gives {event}");
        }
    }
}

/// The scope as the tables name it, or the name of a storefront event.
fn scope_of(body: &[u8]) -> String {
    let body: Value = serde_json::from_slice(body).unwrap_or_default();
    let scope = body["scope"].as_str().or_else(|| body["event"].as_str()).unwrap_or_default();
    scope.trim_start_matches("store/").trim_start_matches("channel/1/").replace("lineItems", "lineItem")
}
