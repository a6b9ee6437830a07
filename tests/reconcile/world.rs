//! A shop, its API, Cartwire and Segment: deliver some orders, lose some, reconcile.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use cartwire::source::verify::{Algorithm, mac};
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::rest::{Platform, Rest, TOKEN, payload};
use crate::support::{Cartwire, FakeSegment, Project};

const SECRET: &str = "example-app-client-secret";
const WAIT: Duration = Duration::from_secs(30);

pub(crate) struct World {
    pub(crate) platform: Platform,
    pub(crate) rest: Rest,
    pub(crate) segment: FakeSegment,
    pub(crate) project: Project,
    pub(crate) cartwire: Cartwire,
}

impl World {
    /// The shipped pipeline with an `api`, running.
    pub(crate) fn start(platform: Platform) -> Self {
        Self::start_with(platform, |yaml| yaml)
    }

    pub(crate) fn start_with(platform: Platform, change: fn(String) -> String) -> Self {
        let (rest, segment) = (Rest::start(platform), FakeSegment::start());
        let project = project(platform, &rest.host(), &segment.url(), change);
        let cartwire = Cartwire::start_with(&project, &[], &ENVIRONMENT);
        Self { platform, rest, segment, project, cartwire }
    }

    pub(crate) fn pipeline(&self) -> &'static str {
        name(self.platform)
    }

    /// Makes an order of the shop, created so many seconds ago.
    pub(crate) fn order(&self, number: u64, seconds_ago: i64) -> Value {
        let order = order(self.platform, number, seconds_ago);
        self.rest.put(order.clone());
        order
    }

    /// Delivers the webhook of an order, as the platform does.
    pub(crate) fn deliver(&self, order: &Value) {
        let (path, headers, body) = webhook(self.platform, order);
        let headers: Vec<_> = headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let reply = self.cartwire.post(path, &headers, body.as_bytes()).unwrap();
        assert_eq!(reply.status, 200, "{}", reply.text());
    }

    /// `cartwire reconcile` from a day ago until now.
    pub(crate) fn reconcile(&self, more: &[&str]) -> Output {
        self.run(&[&["--since", "1d", "--until", "now"], more].concat())
    }

    /// The same, as JSON; it must have succeeded. Gives the only shop's part.
    pub(crate) fn reconciled(&self, more: &[&str]) -> Value {
        let output = self.reconcile(&[&["--json"], more].concat());
        assert!(output.status.success(), "{}", both(&output));
        let report: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(report["shops"].as_array().unwrap().len(), 1, "{report:#}");
        report["shops"][0].clone()
    }

    pub(crate) fn run(&self, args: &[&str]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_cartwire"))
            .args(["reconcile", self.pipeline()])
            .arg(self.project.dir())
            .arg("--data-dir")
            .arg(self.cartwire.data_dir())
            .args(args)
            .env_remove("CARTWIRE_ADMIN")
            .envs(ENVIRONMENT)
            .output()
            .unwrap()
    }

    /// Waits until so many orders have arrived at Segment, and gives their Order Completed.
    pub(crate) fn completed(&self, count: usize) -> Vec<Value> {
        let is_order = |message: &Value| message["event"] == "Order Completed";
        let found = self.segment.wait_until(WAIT, "orders", |stored| {
            stored.iter().filter(|stored| is_order(&stored.message)).count() >= count
        });
        let orders: Vec<Value> = found.into_iter().map(|stored| stored.message).filter(is_order).collect();
        assert_eq!(orders.len(), count);
        orders
    }

    /// Waits until the running pipeline has nothing left to do, and gives its books.
    pub(crate) fn settled(&self) -> Value {
        let deadline = Instant::now() + WAIT;
        loop {
            let books = self.cartwire.admin("/status").json()["pipelines"][0]["ledger"].clone();
            let count = |name: &str| books[name].as_u64().unwrap();
            if count("processed") >= count("deliveries") && count("pending") == 0 && count("held") == 0 {
                return books;
            }
            assert!(Instant::now() < deadline, "{books}\n{}", self.cartwire.stderr());
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

/// Ids of orders in Segment's messages, sorted.
pub(crate) fn ids(orders: &[Value]) -> Vec<String> {
    let mut ids: Vec<_> =
        orders.iter().map(|order| order["properties"]["order_id"].as_str().unwrap().to_owned()).collect();
    ids.sort();
    ids
}

pub(crate) fn both(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

const ENVIRONMENT: [(&str, &str); 8] = [
    ("SHOPIFY_WEBHOOK_SECRET", SECRET),
    ("BIGCOMMERCE_CLIENT_SECRET", SECRET),
    ("BIGCOMMERCE_STORE_HASH", "abc123xyz"),
    ("BIGCOMMERCE_ACCESS_TOKEN", TOKEN),
    ("MEDUSA_WEBHOOK_SECRET", SECRET),
    ("SEGMENT_WRITE_KEY", "test-write-key"),
    ("API_TOKEN", TOKEN),
    ("NO_COLOR", "1"),
];

fn name(platform: Platform) -> &'static str {
    match platform {
        Platform::Shopify => "shopify",
        Platform::Bigcommerce => "bigcommerce",
        Platform::Medusa1 | Platform::Medusa2 => "medusa",
    }
}

/// The shipped project, asking the fakes.
fn project(platform: Platform, rest: &str, segment: &str, change: fn(String) -> String) -> Project {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut project = Project::new();
    for folder in ["scripts", "scripts/lib", "scripts/tables", &format!("scripts/{}", name(platform))] {
        for entry in fs::read_dir(root.join(folder)).unwrap() {
            let path = entry.unwrap().path();
            if path.is_file() {
                let inside = path.strip_prefix(root).unwrap().to_str().unwrap().to_owned();
                project = project.file(&inside, &fs::read_to_string(&path).unwrap());
            }
        }
    }
    let (secrets, api) = match platform {
        Platform::Shopify => (
            "SHOPIFY_WEBHOOK_SECRET",
            format!("{{ shop: example-store, token: \"${{API_TOKEN}}\", url: \"http://{rest}\" }}"),
        ),
        Platform::Bigcommerce => (
            "BIGCOMMERCE_CLIENT_SECRET",
            format!("{{ store: abc123xyz, token: \"${{API_TOKEN}}\", url: \"http://{rest}\" }}"),
        ),
        Platform::Medusa1 => {
            ("MEDUSA_WEBHOOK_SECRET", format!("{{ url: \"http://{rest}\", version: 1, token: \"${{API_TOKEN}}\" }}"))
        }
        Platform::Medusa2 => {
            ("MEDUSA_WEBHOOK_SECRET", format!("{{ url: \"http://{rest}\", version: 2, token: \"${{API_TOKEN}}\" }}"))
        }
    };
    let mut yaml = fs::read_to_string(root.join(format!("pipelines/{}.yaml", name(platform)))).unwrap();
    let own = format!("secrets: [\"${{{secrets}}}\"]");
    let mut changes = vec![
        (own.clone(), format!("{own}\n      api: {api}")),
        (
            "write_key: ${SEGMENT_WRITE_KEY}\n".to_owned(),
            format!("write_key: ${{SEGMENT_WRITE_KEY}}\n      endpoint: {segment}\n"),
        ),
    ];
    if platform == Platform::Bigcommerce {
        changes.extend([
            (
                "allow: [api.bigcommerce.com], per_second: 5".to_owned(),
                format!("allow: [\"{rest}\"], per_second: 1000"),
            ),
            ("times: 8, wait: 15s".to_owned(), "times: 8, wait: 50ms".to_owned()),
            ("api: https://api.bigcommerce.com".to_owned(), format!("api: http://{rest}")),
            ("cache: 2s".to_owned(), "cache: 0s".to_owned()),
        ]);
    }
    for (from, to) in changes {
        assert_eq!(yaml.matches(&from).count(), 1, "{from}");
        yaml = yaml.replace(&from, &to);
    }
    project.pipeline(name(platform), &change(yaml))
}

/// An order as the API tells it: the recorded one under another number and time.
fn order(platform: Platform, number: u64, seconds_ago: i64) -> Value {
    let at = Timestamp::from_second(Timestamp::now().as_second() - seconds_ago).unwrap();
    match platform {
        Platform::Shopify => {
            let mut order = payload("shopify/scenario/18-orders_create.json");
            // Beyond what a float holds.
            order["id"] = (820_982_911_946_000_000 + number).into();
            order["admin_graphql_api_id"] = format!("gid://shopify/Order/{}", order["id"]).into();
            order["checkout_token"] = format!("checkout-{number}").into();
            order["cart_token"] = format!("cart-{number}").into();
            order["created_at"] = at.to_string().into();
            order["updated_at"] = order["created_at"].clone();
            order["processed_at"] = order["created_at"].clone();
            order
        }
        Platform::Bigcommerce => {
            let mut order = payload("bigcommerce/scenario/api/stores/abc123xyz/v2/orders/250.json");
            order["id"] = number.into();
            order["cart_id"] = format!("cart-{number}").into();
            order["date_created"] = at.strftime("%a, %d %b %Y %H:%M:%S +0000").to_string().into();
            order["date_modified"] = order["date_created"].clone();
            order
        }
        Platform::Medusa1 => {
            let mut order = payload("medusa/v1/order.placed.order.json");
            order["id"] = format!("order_{number}").into();
            order["created_at"] = at.to_string().into();
            order["payments"][0]["data"] = json!({"client_secret": "pi_secret"});
            order
        }
        Platform::Medusa2 => {
            let mut order = payload("medusa/v2/order.placed.admin-order.json");
            order["id"] = format!("order_{number}").into();
            order["created_at"] = at.to_string().into();
            order
        }
    }
}

/// The webhook that the platform sends of an order: path, headers, body.
fn webhook(platform: Platform, order: &Value) -> (&'static str, Vec<(String, String)>, String) {
    use base64::Engine as _;
    let header = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let sign = |body: &str| mac(Algorithm::Sha256, SECRET.as_bytes(), &[body.as_bytes()]);
    let base64 = |bytes: &[u8]| base64::engine::general_purpose::STANDARD.encode(bytes);
    match platform {
        Platform::Shopify => {
            let body = order.to_string();
            let headers = vec![
                header("x-shopify-topic", "orders/create"),
                header("x-shopify-shop-domain", "example-store.myshopify.com"),
                header("x-shopify-api-version", "2026-04"),
                header("x-shopify-webhook-id", &format!("webhook-{}", order["id"])),
                // A little after the order, as webhooks are.
                header("x-shopify-triggered-at", &Timestamp::now().to_string()),
                header("x-shopify-hmac-sha256", &base64(&sign(&body))),
            ];
            ("/shopify/shopify", headers, body)
        }
        Platform::Bigcommerce => callback("store/order/created", &json!({"type": "order", "id": order["id"]})),
        Platform::Medusa1 | Platform::Medusa2 => {
            let mut body = json!({"name": "order.placed", "data": {"id": order["id"]}, "order": order});
            if platform == Platform::Medusa2 {
                body["metadata"] =
                    json!({"created_at": Timestamp::now().to_string(), "eventGroupId": "01M8303FK1A26G0SMYG93XZ12Q"});
            } else {
                body["data"]["no_notification"] = Value::Null;
            }
            let body = body.to_string();
            ("/medusa/medusa", vec![header("x-signature", &hex::encode(sign(&body)))], body)
        }
    }
}

/// A signed callback of BigCommerce.
pub(crate) fn callback(scope: &str, data: &Value) -> (&'static str, Vec<(String, String)>, String) {
    use base64::Engine as _;
    let now = Timestamp::now().as_second();
    let body = json!({
        "producer": "stores/abc123xyz", "store_id": "1025646", "scope": scope, "data": data, "created_at": now,
        "hash": format!("{scope}/{data}"),
    })
    .to_string();
    let id = format!("msg-{scope}-{data}");
    let signed = mac(Algorithm::Sha256, SECRET.as_bytes(), &[format!("{id}.{now}.{body}").as_bytes()]);
    let signature = format!("v1,{}", base64::engine::general_purpose::STANDARD.encode(signed));
    let headers = [("webhook-id", id), ("webhook-timestamp", now.to_string()), ("webhook-signature", signature)];
    let headers = headers.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    ("/bigcommerce/bigcommerce", headers, body)
}
