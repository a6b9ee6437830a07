//! The orders of a Medusa backend, from its Admin API.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::value::{RawValue, to_raw_value};
use serde_json::{Value, json};

use super::decode::{PLACED, placed};
use crate::diag::Diag;
use crate::event::Delivery;
use crate::lookup::{Answer, Lookup};
use crate::registry::{Default, Opt, OptionValue, Options, Secret, Type};
use crate::source::orders::{Order, Orders, Page, Retold, Told, Window, get, id_text, nothing, query, read};
use crate::source::time;

/// The option `api`.
pub(super) const API: Opt = Opt {
    name: "api",
    ty: Type::Options(BACKEND, None),
    default: Default::Absent,
    about: "Where `cartwire reconcile` finds the orders of the backend.",
};

/// What to add where it is missing.
pub(super) const HINT: &str = "api: { url: https://medusa.example.com, version: 2, token: \"${MEDUSA_ADMIN_TOKEN}\" }";

const BACKEND: &[Opt] = &[
    Opt { name: "url", ty: Type::Url, default: Default::Required, about: "The backend's address, without `/admin`." },
    Opt { name: "version", ty: Type::Word(&["1", "2"]), default: Default::Required, about: "The version of Medusa." },
    Opt {
        name: "token",
        ty: Type::Secret,
        default: Default::Required,
        about: "The `api_token` of a user (version 1), or a secret API key (version 2).",
    },
];

/// Orders are asked for one by one afterwards, so that pages are small.
const PAGE: usize = 100;

/// What an order is asked with: the same as `scripts/medusa/admin.rhai` asks with, so that it gives the same messages.
const EXPAND: &str = "cart,customer,billing_address,shipping_address,region,sales_channel,discounts,discounts.rule,\
    shipping_methods,shipping_methods.shipping_option,payments,fulfillments,fulfillments.items,items,\
    items.adjustments,items.variant,items.variant.product,items.variant.product.collection,\
    items.variant.product.type,returns,returns.items,returns.items.reason,swaps,swaps.additional_items,\
    swaps.additional_items.variant,swaps.return_order,swaps.return_order.items,swaps.fulfillments,claims,\
    claims.claim_items,claims.claim_items.item,claims.claim_items.variant,claims.claim_items.tags";
const FIELDS: &str = "+email,+currency_code,+discount_subtotal,+canceled_at,*customer,*region,*sales_channel,*shipping_address,\
    *billing_address,*items,*items.adjustments,*items.tax_lines,*items.variant,*items.variant.product,\
    *items.variant.product.collection,*items.variant.product.type,*shipping_methods,\
    *payment_collections.payments,*fulfillments,*fulfillments.items,*fulfillments.labels,*promotions,*cart,\
    *credit_lines";

#[derive(Debug)]
struct Backend {
    base: String,
    /// 2, and not 1.
    newer: bool,
    token: Secret,
}

/// Reads the option.
pub(super) fn build(options: &Options, problems: &mut Vec<Diag>) -> Vec<Box<dyn Orders>> {
    let Some(OptionValue::Options(inner)) = options.value(API.name) else { return Vec::new() };
    let base = inner.text("url");
    if base.ends_with("/admin") {
        let problem = inner.error("url", "wrong-value", "`url` is the backend's address, without `/admin`");
        problems.push(problem.help(format!("write {}", base.trim_end_matches("/admin"))));
    }
    let token = inner.secret("token").cloned().unwrap_or_else(|| Secret::new(""));
    vec![Box::new(Backend { base: base.to_owned(), newer: inner.text("version") == "2", token })]
}

impl Backend {
    fn ask(&self, path: &str, query: &str) -> Lookup {
        let url = format!("{}/admin/{path}?{query}", self.base);
        let token = self.token.reveal().trim();
        if self.newer {
            get(url, &[("authorization", &format!("Basic {}", STANDARD.encode(format!("{token}:"))))])
        } else {
            get(url, &[("x-medusa-access-token", token)])
        }
    }
}

#[derive(Deserialize)]
struct List<'a> {
    #[serde(borrow)]
    orders: Vec<Listed<'a>>,
    count: Option<usize>,
}

#[derive(Deserialize)]
struct Listed<'a> {
    #[serde(borrow)]
    id: &'a RawValue,
    created_at: String,
}

impl Orders for Backend {
    fn shop(&self) -> &str {
        &self.base
    }

    fn needs(&self) -> &'static str {
        if self.newer { "a secret API key of this backend" } else { "the `api_token` of a user of this backend" }
    }

    fn request(&self, window: &Window, cursor: Option<&str>) -> Lookup {
        let (since, until) = (time::iso(window.since_ms), time::iso(window.until_ms));
        let limit = PAGE.to_string();
        let offset = cursor.unwrap_or("0");
        let mut pairs = vec![("fields", "id,created_at"), ("limit", limit.as_str()), ("offset", offset)];
        if self.newer {
            pairs.extend([("created_at[$gte]", since.as_str()), ("created_at[$lt]", &until), ("order", "created_at")]);
        } else {
            pairs.extend([("created_at[gte]", since.as_str()), ("created_at[lt]", &until)]);
        }
        self.ask("orders", &query(&pairs))
    }

    fn page(&self, cursor: Option<&str>, answer: &Answer) -> Result<Page, String> {
        let list: List<'_> = read(answer, "a list of orders")?;
        let end = cursor.and_then(|cursor| cursor.parse::<usize>().ok()).unwrap_or(0) + list.orders.len();
        // A server that does not count says by a short page that there is no more.
        let more = !list.orders.is_empty() && list.count.map_or(list.orders.len() >= PAGE, |count| end < count);
        let mut orders = Vec::with_capacity(list.orders.len());
        for listed in list.orders {
            let created_ms = time::parse_iso_ms(&listed.created_at);
            // It becomes part of an address.
            let id = id_text(listed.id).filter(|id| id.chars().all(|c| c.is_ascii_alphanumeric() || "_-".contains(c)));
            let (Some(id), Some(created_ms)) = (id, created_ms) else {
                return Err(format!("an order of the list has no usable `id` or `created_at`: {}", listed.id));
            };
            orders.push(Order { id, created_ms, text: nothing() });
        }
        Ok(Page { orders, next: more.then(|| end.to_string()) })
    }

    /// A list has no amounts of the lines (version 1), and lacks the currency (version 2).
    fn detail(&self, order: &Order) -> Option<Lookup> {
        let query = if self.newer { query(&[("fields", FIELDS)]) } else { query(&[("expand", EXPAND)]) };
        Some(self.ask(&format!("orders/{}", order.id), &query))
    }

    fn complete(&self, order: &mut Order, answer: &Answer) -> Result<(), String> {
        #[derive(Deserialize)]
        struct One {
            order: Value,
        }
        let One { order: mut whole } = read(answer, "an order")?;
        if whole["id"] != *order.id {
            return Err(format!("the answer is not the order {}", order.id));
        }
        scrub(&mut whole);
        order.text = to_raw_value(&whole).map_err(|error| error.to_string())?;
        Ok(())
    }

    /// As the forwarder of that version sends it: only version 2 tells a time, by which the two are told apart.
    fn retold(&self, order: &Order) -> Retold {
        let mut head = format!("{{\"name\":\"{PLACED}\",\"data\":{}", json!({ "id": order.id }));
        if self.newer {
            let metadata = json!({ "created_at": time::iso(order.created_ms) });
            let _ = write!(head, ",\"metadata\":{metadata}");
        }
        Retold { headers: Vec::new(), body: format!("{head},\"order\":{}}}", order.text.get()).into_bytes() }
    }

    fn told(&self, delivery: &Delivery) -> Option<(String, Told)> {
        Some((placed(&delivery.body)?, Told::Surely))
    }
}

/// Takes out what the forwarders leave out: what can be spent, and what a payment provider keeps.
fn scrub(value: &mut Value) {
    match value {
        Value::Object(map) => {
            map.retain(|key, _| !["password_hash", "client_secret", "api_token"].contains(&key.as_str()));
            for (key, inner) in map.iter_mut() {
                let secret = match key.as_str() {
                    "gift_cards" => "code",
                    "payments" => "data",
                    _ => "",
                };
                for item in inner.as_array_mut().into_iter().flatten().filter_map(Value::as_object_mut) {
                    item.remove(secret);
                }
                scrub(inner);
            }
        }
        Value::Array(items) => items.iter_mut().for_each(scrub),
        _ => {}
    }
}
