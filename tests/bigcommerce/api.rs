//! BigCommerce's REST API on loopback: the scenario's answers, the quota's headers, 404 for what is gone, 429 and 401.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::{Arc, Mutex};

use crate::support::api::{Answer, Asked, FakeApi};

/// The store that the answers are of.
const BASE: &str = "/stores/abc123xyz/";

/// The API; it ends with the test program.
pub(crate) struct Api {
    fake: FakeApi,
    store: Arc<Mutex<Store>>,
}

struct Store {
    token: String,
    refunded: bool,
    away: bool,
    /// Paths that are refused once because the quota is used up.
    refused: BTreeSet<String>,
    /// Carts that became orders.
    converted: BTreeSet<String>,
    calls_left: u32,
}

impl Api {
    pub(crate) fn start() -> Self {
        let store = Arc::new(Mutex::new(Store {
            token: "test-token".to_owned(),
            refunded: false,
            away: false,
            refused: BTreeSet::new(),
            converted: BTreeSet::new(),
            calls_left: 150,
        }));
        let answering = Arc::clone(&store);
        let fake = FakeApi::start(move |asked, _| answering.lock().unwrap().answer(asked));
        Self { fake, store }
    }

    pub(crate) fn host(&self) -> String {
        self.fake.host()
    }

    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.fake.asked()
    }

    /// From now on the order 250 has been refunded in part.
    pub(crate) fn refunded(&self) {
        self.store.lock().unwrap().refunded = true;
    }

    /// A cart becomes an order, and is gone.
    pub(crate) fn converted(&self, cart: &str) {
        self.store.lock().unwrap().converted.insert(cart.to_owned());
    }

    /// The next call of this path finds the quota used up.
    pub(crate) fn refuse_next(&self, path: &str) {
        self.store.lock().unwrap().refused.insert(path.to_owned());
    }

    /// Whether nothing but a maintenance page is to be had.
    pub(crate) fn away(&self, away: bool) {
        self.store.lock().unwrap().away = away;
    }

    /// The only token that is right from now on.
    pub(crate) fn expect_token(&self, token: &str) {
        token.clone_into(&mut self.store.lock().unwrap().token);
    }
}

impl Store {
    fn answer(&mut self, asked: &Asked) -> Answer {
        self.calls_left = self.calls_left.checked_sub(1).unwrap_or(149);
        let quota = |left: u32| {
            vec![
                ("content-type", "application/json".to_owned()),
                ("X-Rate-Limit-Time-Window-Ms", "30000".to_owned()),
                ("X-Rate-Limit-Time-Reset-Ms", "100".to_owned()),
                ("X-Rate-Limit-Requests-Quota", "150".to_owned()),
                ("X-Rate-Limit-Requests-Left", left.to_string()),
            ]
        };
        if self.away {
            return (503, Vec::new(), "<html>Back soon</html>".to_owned());
        }
        if asked.header("x-auth-token") != Some(&self.token) {
            return (401, quota(self.calls_left), r#"{"status":401,"title":"Unauthorized"}"#.to_owned());
        }
        let path = asked.line.strip_prefix("GET ").and_then(|line| line.strip_prefix(BASE)).unwrap_or_default();
        if self.refused.remove(path) {
            return (429, quota(0), r#"{"status":429,"title":"Too many requests"}"#.to_owned());
        }
        match self.file(path) {
            Some(body) => (200, quota(self.calls_left), body),
            None => (404, quota(self.calls_left), r#"{"status":404,"title":"Not found"}"#.to_owned()),
        }
    }

    /// The recorded answer, named by its path; customers are listed by a query.
    fn file(&self, path: &str) -> Option<String> {
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        if self.converted.iter().any(|cart| path.ends_with(cart.as_str())) {
            return None;
        }
        let name = match query.strip_prefix("id:in=").and_then(|rest| rest.split('&').next()) {
            Some(id) => format!("{path}__id_in_{id}"),
            None => path.to_owned(),
        };
        let scenario = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/payloads/bigcommerce/scenario");
        let trees: &[&str] = if self.refunded { &["api-after-refund", "api"] } else { &["api"] };
        trees.iter().find_map(|tree| std::fs::read_to_string(scenario.join(format!("{tree}{BASE}{name}.json"))).ok())
    }
}
