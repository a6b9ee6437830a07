//! The orders of a BigCommerce store, from its REST API (V2).

use serde::Deserialize;
use serde_json::value::RawValue;
use sha1::{Digest, Sha1};

use super::callback::{Changed, Named};
use crate::diag::Diag;
use crate::event::Delivery;
use crate::lookup::{Answer, Lookup};
use crate::registry::{Default, Opt, OptionValue, Options, Secret, Type};
use crate::source::orders::{Order, Orders, Page, Retold, Told, Window, get, id_text, nothing, query, read};
use crate::source::time;

/// The option `api`.
pub(super) const API: Opt = Opt {
    name: "api",
    ty: Type::List(&Type::Options(STORE, None)),
    default: Default::Absent,
    about: "Where `cartwire reconcile` finds the orders of the store, or of several.",
};

/// What to add where it is missing.
pub(super) const HINT: &str = "api: { store: abc123xyz, token: \"${BIGCOMMERCE_ACCESS_TOKEN}\" }";

const STORE: &[Opt] = &[
    Opt {
        name: "store",
        ty: Type::Text,
        default: Default::Required,
        about: "The store's hash: what stands behind `stores/` in the API path of its API account.",
    },
    Opt {
        name: "token",
        ty: Type::Secret,
        default: Default::Required,
        about: "The access token of an API account that may read orders.",
    },
    Opt { name: "url", ty: Type::Url, default: Default::Is("https://api.bigcommerce.com"), about: "Where the API is." },
];

/// As many as one page may have.
const PAGE: usize = 250;

/// Statuses by their numbers: payment was begun, refunded, cancelled, declined, refunded in part.
const INCOMPLETE: i64 = 0;
const NEVER_COMPLETED: [i64; 5] = [INCOMPLETE, 4, 5, 6, 14];

#[derive(Debug)]
struct Store {
    hash: String,
    token: Secret,
    base: String,
}

/// Reads the option.
pub(super) fn build(options: &Options, problems: &mut Vec<Diag>) -> Vec<Box<dyn Orders>> {
    let mut stores: Vec<Box<dyn Orders>> = Vec::new();
    for (value, _) in options.items(API.name) {
        let OptionValue::Options(inner) = value else { continue };
        let store = inner.text("store").trim().to_owned();
        if store.is_empty() || !store.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_')) {
            let problem = inner.error("store", "wrong-value", "`store` is not the hash of a store");
            problems
                .push(problem.help("it stands behind `stores/` in the API path of the API account, as `abc123xyz`"));
        }
        if stores.iter().any(|other| other.shop() == store) {
            problems.push(inner.error("store", "twice", format!("`{store}` stands here twice")));
        }
        let token = inner.secret("token").cloned().unwrap_or_else(|| Secret::new(""));
        stores.push(Box::new(Store { hash: store, token, base: inner.text("url").to_owned() }));
    }
    stores
}

/// What is read of an order; callbacks say no more than its id, and the pipeline asks for the rest.
#[derive(Deserialize)]
struct Listed<'a> {
    #[serde(borrow)]
    id: &'a RawValue,
    date_created: String,
    status_id: Option<i64>,
    #[serde(default)]
    is_deleted: bool,
}

impl Orders for Store {
    fn shop(&self) -> &str {
        &self.hash
    }

    fn needs(&self) -> &'static str {
        "the access token of an API account of this store that may read orders"
    }

    fn request(&self, window: &Window, cursor: Option<&str>) -> Lookup {
        let query = query(&[
            ("min_date_created", &time::iso(window.since_ms)),
            ("max_date_created", &time::iso(window.until_ms)),
            ("sort", "id:asc"),
            ("limit", &PAGE.to_string()),
            ("page", cursor.unwrap_or("1")),
        ]);
        let url = format!("{}/stores/{}/v2/orders?{query}", self.base, self.hash);
        get(url, &[("x-auth-token", self.token.reveal().trim())])
    }

    /// An empty page has no content at all (204). Orders of which only the payment was begun are none yet.
    fn page(&self, cursor: Option<&str>, answer: &Answer) -> Result<Page, String> {
        if answer.status == 204 || answer.body.iter().all(u8::is_ascii_whitespace) {
            return Ok(Page { orders: Vec::new(), next: None });
        }
        let list: Vec<Listed<'_>> = read(answer, "a list of orders")?;
        let number = cursor.map_or(Some(1), |cursor| cursor.parse::<u64>().ok()).unwrap_or(1);
        let next = (list.len() >= PAGE).then(|| (number + 1).to_string());
        let mut orders = Vec::with_capacity(list.len());
        for listed in list {
            if listed.status_id == Some(INCOMPLETE) || listed.is_deleted {
                continue;
            }
            let created_ms = parse_date_ms(&listed.date_created);
            let id = id_text(listed.id).filter(|id| id.bytes().all(|byte| byte.is_ascii_digit()));
            let (Some(id), Some(created_ms)) = (id, created_ms) else {
                return Err(format!("an order of the list has no usable `id` or `date_created`: {}", listed.id));
            };
            orders.push(Order { id, created_ms, text: nothing() });
        }
        Ok(Page { orders, next })
    }

    /// The callback of a new order, with a hash that only depends on the order.
    fn retold(&self, order: &Order) -> Retold {
        let hash = hex::encode(Sha1::digest(format!("reconciled/{}/{}", self.hash, order.id)));
        let body = format!(
            "{{\"producer\":\"stores/{}\",\"scope\":\"store/order/created\",\"data\":{{\"type\":\"order\",\"id\":{}}},\
             \"created_at\":{},\"hash\":\"{hash}\"}}",
            self.hash,
            order.id,
            order.created_ms.div_euclid(1000),
        );
        Retold { headers: Vec::new(), body: body.into_bytes() }
    }

    /// A change from the first status to one of an order that counts completes it. Its creation may have done so, or have come while
    /// the payment was under way: the callback does not say.
    fn told(&self, delivery: &Delivery) -> Option<(String, Told)> {
        let named = Named::read(&delivery.body);
        if named.store() != Some(&*self.hash) {
            return None;
        }
        let told = match named.scope_in_store()? {
            "order/created" => Told::Perhaps,
            "order/statusUpdated" => Told::Surely,
            _ => return None,
        };
        let changed = Changed::read(&delivery.body)?;
        if told == Told::Surely {
            let (before, after) = changed.statuses()?;
            if before != INCOMPLETE || NEVER_COMPLETED.contains(&after) {
                return None;
            }
        }
        Some((changed.order()?, told))
    }
}

/// `Mon, 04 May 2026 14:03:00 +0000`, or ISO 8601.
fn parse_date_ms(text: &str) -> Option<i64> {
    let mail = jiff::fmt::rfc2822::parse(text).ok().map(|time| time.timestamp().as_millisecond());
    mail.or_else(|| time::parse_iso_ms(text))
}
