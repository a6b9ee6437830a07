//! The REST APIs of the three platforms on loopback, as far as listing orders goes: filters, pages, quotas, refusals.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::support::api::{Answer, Asked, FakeApi};

/// Which API it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Platform {
    Shopify,
    Bigcommerce,
    Medusa1,
    Medusa2,
}

/// The token that is right.
pub(crate) const TOKEN: &str = "shhh-this-is-the-token";

/// A running API.
pub(crate) struct Rest {
    fake: FakeApi,
    shop: Arc<Mutex<Shop>>,
}

struct Shop {
    platform: Platform,
    orders: Vec<Value>,
    /// The most orders that a page has, whatever is asked for.
    page_max: usize,
    /// What a page (from 0) is answered with instead, so many times.
    faults: BTreeMap<usize, (Answer, usize)>,
    /// Whether filters by time are ignored.
    deaf: bool,
    /// The pages that were given, as `page/orders`.
    given: Vec<String>,
}

impl Rest {
    pub(crate) fn start(platform: Platform) -> Self {
        let shop = Arc::new(Mutex::new(Shop {
            platform,
            orders: Vec::new(),
            page_max: 250,
            faults: BTreeMap::new(),
            deaf: false,
            given: Vec::new(),
        }));
        let answering = Arc::clone(&shop);
        Self { fake: FakeApi::start(move |asked, _| lock(&answering).answer(asked)), shop }
    }

    pub(crate) fn host(&self) -> String {
        self.fake.host()
    }

    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.fake.asked()
    }

    /// The pages of the list that were given, as `page/orders`.
    pub(crate) fn given(&self) -> Vec<String> {
        lock(&self.shop).given.clone()
    }

    /// An order of the shop.
    pub(crate) fn put(&self, order: Value) {
        lock(&self.shop).orders.push(order);
    }

    /// Changes what the shop has.
    pub(crate) fn change(&self, change: impl FnOnce(&mut Vec<Value>)) {
        change(&mut lock(&self.shop).orders);
    }

    pub(crate) fn pages_of(&self, count: usize) {
        lock(&self.shop).page_max = count;
    }

    pub(crate) fn deaf(&self) {
        lock(&self.shop).deaf = true;
    }

    /// Answers a page with something else, so many times.
    pub(crate) fn fault(&self, page: usize, status: u16, headers: &[(&'static str, &str)], times: usize) {
        let headers = headers.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
        lock(&self.shop).faults.insert(page, ((status, headers, "{\"errors\":\"no\"}".to_owned()), times));
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A query's parameters.
type Query = BTreeMap<String, String>;

impl Shop {
    fn answer(&mut self, asked: &Asked) -> Answer {
        let (path, query) = asked.line.split_once('?').unwrap_or((&asked.line, ""));
        let query: Query = url::form_urlencoded::parse(query.as_bytes()).into_owned().collect();
        match self.platform {
            Platform::Shopify => self.shopify(asked, path, &query),
            Platform::Bigcommerce => self.bigcommerce(asked, path, &query),
            Platform::Medusa1 | Platform::Medusa2 => self.medusa(asked, path, &query),
        }
    }

    /// Filters cannot stand beside a cursor, which holds them.
    fn shopify(&mut self, asked: &Asked, path: &str, query: &Query) -> Answer {
        let headers = vec![("X-Shopify-Shop-Api-Call-Limit", "2/40".to_owned())];
        if asked.header("x-shopify-access-token") != Some(TOKEN) {
            return (401, headers, json!({"errors": "[API] Invalid API key or access token"}).to_string());
        }
        if path != "GET /admin/api/2026-04/orders.json" {
            return (404, headers, json!({"errors": "Not Found"}).to_string());
        }
        let (from, min, max) = match query.get("page_info") {
            None if query.get("status").map(String::as_str) != Some("any") => {
                return (400, headers, "closed orders are missing".into());
            }
            None => (0, query["created_at_min"].clone(), query["created_at_max"].clone()),
            Some(_) if query.len() > 2 => {
                let error =
                    json!({"errors": {"page_info": "created_at_min cannot be passed when page_info is present"}});
                return (400, headers, error.to_string());
            }
            Some(cursor) => {
                let text = String::from_utf8(STANDARD.decode(cursor).unwrap()).unwrap();
                let mut parts = text.split('|').map(str::to_owned);
                (parts.next().unwrap().parse().unwrap(), parts.next().unwrap(), parts.next().unwrap())
            }
        };
        let mut found = self.within("created_at", &min, &max);
        found.reverse();
        let limit = query["limit"].parse::<usize>().unwrap().min(self.page_max);
        let page: Vec<Value> = found.iter().skip(from).take(limit).cloned().collect();
        if let Some(fault) = self.given(from / limit, page.len()) {
            return fault;
        }
        let link = |from: usize, rel: &str| {
            let cursor = STANDARD.encode(format!("{from}|{min}|{max}"));
            let cursor: String = url::form_urlencoded::byte_serialize(cursor.as_bytes()).collect();
            // As behind Shopify's own address: nothing must be asked there.
            format!(
                "<https://elsewhere.invalid/admin/api/2026-04/orders.json?limit={limit}&page_info={cursor}>; rel=\"{rel}\""
            )
        };
        let mut headers = headers;
        let mut links = Vec::new();
        if from > 0 {
            links.push(link(from - limit, "previous"));
        }
        if from + limit < found.len() {
            links.push(link(from + limit, "next"));
        }
        if !links.is_empty() {
            headers.push(("Link", links.join(", ")));
        }
        (200, headers, json!({ "orders": page }).to_string())
    }

    fn bigcommerce(&mut self, asked: &Asked, path: &str, query: &Query) -> Answer {
        let quota = |left: &str| {
            vec![
                ("X-Rate-Limit-Time-Window-Ms", "30000".to_owned()),
                ("X-Rate-Limit-Time-Reset-Ms", "150".to_owned()),
                ("X-Rate-Limit-Requests-Quota", "150".to_owned()),
                ("X-Rate-Limit-Requests-Left", left.to_owned()),
            ]
        };
        if asked.header("x-auth-token") != Some(TOKEN) {
            return (401, quota("9"), json!({"status": 401}).to_string());
        }
        let Some(path) = path.strip_prefix("GET /stores/abc123xyz/v2/orders") else {
            return (404, quota("9"), json!({"status": 404}).to_string());
        };
        if let Some(path) = path.strip_prefix('/') {
            return self
                .bigcommerce_order(path)
                .map_or_else(|| (404, quota("9"), json!({"status": 404}).to_string()), |body| (200, quota("9"), body));
        }
        let found = self.within("date_created", &query["min_date_created"], &query["max_date_created"]);
        assert_eq!(query["sort"], "id:asc");
        let (limit, page): (usize, usize) = (query["limit"].parse().unwrap(), query["page"].parse().unwrap());
        assert!((1..=250).contains(&limit) && page >= 1, "{}", asked.line);
        let orders: Vec<_> = found.iter().skip((page - 1) * limit).take(limit).cloned().collect();
        if let Some((status, headers, body)) = self.given(page - 1, orders.len()) {
            return (status, quota("0").into_iter().chain(headers).collect(), body);
        }
        // An empty list is no content at all.
        if orders.is_empty() {
            (204, quota("5"), String::new())
        } else {
            (200, quota("5"), Value::from(orders).to_string())
        }
    }

    /// What the pipeline asks for: the order, and the lists of the recorded order 250.
    fn bigcommerce_order(&self, path: &str) -> Option<String> {
        let (id, list) = path.split_once('/').unwrap_or((path, ""));
        let order = self.orders.iter().find(|order| order["id"].as_u64() == id.parse().ok())?;
        if list.is_empty() {
            return Some(order.to_string());
        }
        Some(payload(&format!("bigcommerce/scenario/api/stores/abc123xyz/v2/orders/250/{list}.json")).to_string())
    }

    fn medusa(&mut self, asked: &Asked, path: &str, query: &Query) -> Answer {
        let newer = self.platform == Platform::Medusa2;
        let basic = format!("Basic {}", STANDARD.encode(format!("{TOKEN}:")));
        let allowed = if newer {
            asked.header("authorization") == Some(&*basic)
        } else {
            asked.header("x-medusa-access-token") == Some(TOKEN)
        };
        if !allowed {
            return (401, Vec::new(), json!({"message": "Unauthorized"}).to_string());
        }
        if let Some(id) = path.strip_prefix("GET /admin/orders/") {
            let relations = if newer { "fields" } else { "expand" };
            assert!(query[relations].contains("items.variant.product.collection"), "{}", asked.line);
            let found = self.orders.iter().find(|order| order["id"] == *id && order["gone"] != true);
            return found.map_or_else(
                || (404, Vec::new(), json!({"type": "not_found"}).to_string()),
                |order| (200, Vec::new(), json!({ "order": order }).to_string()),
            );
        }
        if path != "GET /admin/orders" {
            return (404, Vec::new(), json!({"type": "not_found"}).to_string());
        }
        let operator = |name: &str| format!("created_at[{}{name}]", if newer { "$" } else { "" });
        let mut found = self.within("created_at", &query[&operator("gte")], &query[&operator("lt")]);
        if !newer {
            found.reverse();
        }
        let (limit, offset): (usize, usize) = (query["limit"].parse().unwrap(), query["offset"].parse().unwrap());
        let limit = limit.min(self.page_max);
        // Only the fields that are asked for.
        let page: Vec<Value> = found
            .iter()
            .skip(offset)
            .take(limit)
            .map(|order| json!({"id": order["id"], "created_at": order["created_at"]}))
            .collect();
        if let Some(fault) = self.given(offset / limit, page.len()) {
            return fault;
        }
        let body = json!({"orders": page, "count": found.len(), "offset": offset, "limit": limit});
        (200, Vec::new(), body.to_string())
    }

    /// The orders of a time, oldest first.
    fn within(&self, key: &str, min: &str, max: &str) -> Vec<Value> {
        let (min, max): (Timestamp, Timestamp) = (min.parse().unwrap(), max.parse().unwrap());
        let at = |order: &Value| time(order[key].as_str().unwrap());
        let wanted = |order: &&Value| self.deaf || (min..=max).contains(&at(order));
        let mut found: Vec<Value> = self.orders.iter().filter(wanted).cloned().collect();
        found.sort_by_key(at);
        found
    }

    /// Books a page; what it is answered with instead, if that is due.
    fn given(&mut self, page: usize, orders: usize) -> Option<Answer> {
        if let Some((answer, times)) = self.faults.get_mut(&page)
            && *times > 0
        {
            *times -= 1;
            return Some(answer.clone());
        }
        self.given.push(format!("{page}/{orders}"));
        None
    }
}

fn time(text: &str) -> Timestamp {
    text.parse().unwrap_or_else(|_| jiff::fmt::rfc2822::parse(text).unwrap().timestamp())
}

/// A recorded payload.
pub(crate) fn payload(file: &str) -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/payloads").join(file);
    serde_json::from_slice(&std::fs::read(&path).unwrap_or_else(|error| panic!("{file}: {error}"))).unwrap()
}
