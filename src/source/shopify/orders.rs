//! The orders of a Shopify shop, from its Admin API (REST).

use serde::Deserialize;
use serde_json::value::RawValue;

use super::find;
use crate::diag::Diag;
use crate::event::Delivery;
use crate::lookup::{Answer, Lookup};
use crate::registry::{Default, Opt, OptionValue, Options, Secret, Type};
use crate::source::orders::{Order, Orders, Page, Retold, Told, Window, get, id_text, query, read};
use crate::source::time;

/// The option `api`.
pub(super) const API: Opt = Opt {
    name: "api",
    ty: Type::List(&Type::Options(SHOP, None)),
    default: Default::Absent,
    about: "Where `cartwire reconcile` finds the orders of the shop, or of several.",
};

/// What to add where it is missing.
pub(super) const HINT: &str = "api: { shop: example-store.myshopify.com, token: \"${SHOPIFY_ADMIN_TOKEN}\" }";

const SHOP: &[Opt] = &[
    Opt {
        name: "shop",
        ty: Type::Text,
        default: Default::Required,
        about: "The shop as its webhooks name it, `example-store.myshopify.com`: its own domain would give other message ids.",
    },
    Opt {
        name: "token",
        ty: Type::Secret,
        default: Default::Required,
        about: "An Admin API access token with the scope `read_orders`; for orders older than 60 days `read_all_orders` too.",
    },
    Opt {
        name: "version",
        ty: Type::Text,
        default: Default::Is("2026-04"),
        about: "The version of the API: best the one of the webhooks.",
    },
    Opt {
        name: "completed_on",
        ty: Type::Word(&["create", "paid"]),
        default: Default::Is("create"),
        about: "Which webhook completes an order, as the pipeline's setting `order_completed_on` says; where the two differ, \
            `cartwire reconcile` fails and says so. With `paid`, orders that are not paid are left alone.",
    },
    Opt {
        name: "url",
        ty: Type::Url,
        default: Default::Absent,
        about: "Another address than `https://<shop>`, as that of a proxy.",
    },
];

/// As many as one page may have.
const PAGE: &str = "250";

#[derive(Debug)]
struct Shop {
    domain: String,
    token: Secret,
    version: String,
    paid: bool,
    base: String,
}

/// Reads the option.
pub(super) fn build(options: &Options, problems: &mut Vec<Diag>) -> Vec<Box<dyn Orders>> {
    let mut shops: Vec<Box<dyn Orders>> = Vec::new();
    for (value, _) in options.items(API.name) {
        let OptionValue::Options(inner) = value else { continue };
        let name = inner.text("shop").trim().to_ascii_lowercase();
        let name = name.strip_suffix(".myshopify.com").unwrap_or(&name);
        if name.is_empty() || !name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-') {
            let problem = inner.error("shop", "wrong-value", "`shop` is not the name of a Shopify shop");
            problems
                .push(problem.help("webhooks name it in `X-Shopify-Shop-Domain`, as `example-store.myshopify.com`"));
        }
        let shop = format!("{name}.myshopify.com");
        let version = inner.text("version");
        if version.is_empty() || !version.chars().all(|c| c.is_ascii_alphanumeric() || c == '-') {
            let problem = inner.error("version", "wrong-value", "`version` is not a version of the API");
            problems.push(problem.help("it is a quarter, as `2026-04`"));
        }
        if shops.iter().any(|other| other.shop() == shop) {
            problems.push(inner.error("shop", "twice", format!("`{shop}` stands here twice")));
        }
        shops.push(Box::new(Shop {
            token: inner.secret("token").cloned().unwrap_or_else(|| Secret::new("")),
            version: version.to_owned(),
            paid: inner.text("completed_on") == "paid",
            base: inner.opt_text("url").map_or_else(|| format!("https://{shop}"), str::to_owned),
            domain: shop,
        }));
    }
    shops
}

impl Shop {
    fn topic(&self) -> &'static str {
        if self.paid { "orders/paid" } else { "orders/create" }
    }
}

#[derive(Deserialize)]
struct List<'a> {
    #[serde(borrow)]
    orders: Vec<&'a RawValue>,
}

/// What is read of an order; the rest goes as it came.
#[derive(Deserialize)]
struct Head<'a> {
    #[serde(borrow)]
    id: Option<&'a RawValue>,
    admin_graphql_api_id: Option<String>,
    created_at: Option<String>,
    financial_status: Option<String>,
}

impl Head<'_> {
    /// Webhooks may be reduced to some fields, of which one of the two is there more often than not.
    fn id(&self) -> Option<String> {
        let of_gid = || self.admin_graphql_api_id.as_ref()?.strip_prefix("gid://shopify/Order/").map(str::to_owned);
        self.id.and_then(id_text).or_else(of_gid)
    }

    /// Whether the money of the order was there once.
    fn was_paid(&self) -> bool {
        matches!(self.financial_status.as_deref(), Some("paid" | "partially_refunded" | "refunded"))
    }
}

impl Orders for Shop {
    fn shop(&self) -> &str {
        &self.domain
    }

    fn needs(&self) -> &'static str {
        "an Admin API access token of this shop with the scope `read_orders`"
    }

    /// A cursor stands for all filters: Shopify refuses them beside it.
    fn request(&self, window: &Window, cursor: Option<&str>) -> Lookup {
        let query = match cursor {
            Some(cursor) => query(&[("limit", PAGE), ("page_info", cursor)]),
            None => query(&[
                ("status", "any"),
                ("limit", PAGE),
                ("created_at_min", &time::iso(window.since_ms)),
                ("created_at_max", &time::iso(window.until_ms)),
            ]),
        };
        let url = format!("{}/admin/api/{}/orders.json?{query}", self.base, self.version);
        get(url, &[("x-shopify-access-token", self.token.reveal().trim())])
    }

    fn page(&self, _cursor: Option<&str>, answer: &Answer) -> Result<Page, String> {
        let list: List<'_> = read(answer, "a list of orders")?;
        let mut orders = Vec::with_capacity(list.orders.len());
        for text in list.orders {
            let head: Head<'_> =
                serde_json::from_str(text.get()).map_err(|error| format!("an order cannot be read: {error}"))?;
            if self.paid && !head.was_paid() {
                continue;
            }
            let created_ms = head.created_at.as_deref().and_then(time::parse_iso_ms);
            let (Some(id), Some(created_ms)) = (head.id(), created_ms) else {
                return Err("an order of the list has no `id` or no `created_at`".to_owned());
            };
            orders.push(Order { id, created_ms, text: text.to_owned() });
        }
        let mut links = answer.headers.iter().filter(|(name, _)| name == "link");
        let next = links.find_map(|(_, value)| next_page(value));
        Ok(Page { orders, next })
    }

    fn retold(&self, order: &Order) -> Retold {
        let header = |name: &str, value: &str| (format!("x-shopify-{name}"), value.to_owned());
        let headers = vec![
            header("topic", self.topic()),
            header("shop-domain", &self.domain),
            header("api-version", &self.version),
            header("webhook-id", &format!("reconciled-{}", order.id)),
            header("triggered-at", &time::iso(order.created_ms)),
        ];
        Retold { headers, body: order.text.get().as_bytes().to_vec() }
    }

    fn told(&self, delivery: &Delivery) -> Option<(String, Told)> {
        let of_shop = find(delivery, "shop-domain").is_some_and(|shop| shop.eq_ignore_ascii_case(&self.domain));
        if !of_shop || find(delivery, "topic") != Some(self.topic()) {
            return None;
        }
        let head: Head<'_> = serde_json::from_slice(&delivery.body).ok()?;
        Some((head.id()?, Told::Surely))
    }

    /// The shipped script names the setting by which the other webhook completes an order.
    fn advice(&self, reason: &str) -> Option<String> {
        let other = if self.paid { "create" } else { "paid" };
        reason.contains("order_completed_on").then(|| format!("write `completed_on: {other}` under `api`"))
    }
}

/// The cursor in a `Link` header, `<https://…?limit=250&page_info=abc>; rel="next"`. Only the cursor is taken: wherever the link
/// leads, the token goes to the shop.
fn next_page(link: &str) -> Option<String> {
    link.split(',').find_map(|one| {
        let (address, attributes) = one.trim().strip_prefix('<')?.split_once('>')?;
        let is_next = attributes.split(';').any(|attribute| {
            let attribute = attribute.trim().to_ascii_lowercase();
            attribute == "rel=\"next\"" || attribute == "rel=next"
        });
        let (_, query) = address.split_once('?').filter(|_| is_next)?;
        url::form_urlencoded::parse(query.as_bytes())
            .find(|(name, value)| name == "page_info" && !value.is_empty())
            .map(|(_, value)| value.into_owned())
    })
}
