//! Orders as their platform lists them, for `cartwire reconcile`: what to ask, what an answer holds, which order a journaled
//! delivery told, and the delivery that tells a missing one.
//!
//! Pure, like all of a source: requests and answers are values, and the engine asks.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::time;
use crate::event::{Delivery, RECONCILED};
use crate::lookup::{Access, Answer, Lookup};

/// How long one request for orders may take. A page of 250 is slow on every platform.
const TIMEOUT_MS: u64 = 60_000;

/// What a source can say of its sender's orders.
#[derive(Debug, Clone, Copy)]
pub enum Listing<'a> {
    /// The sender keeps none.
    Never,
    /// It could list them if it were told where; this is the option to add, as YAML.
    Unset(&'static str),
    /// Those of these shops.
    Shops(&'a [Box<dyn Orders>]),
}

/// The orders of one shop.
///
/// A list is asked page by page: [`Orders::request`] without a cursor, then with the one that [`Orders::page`] read out of the
/// last answer, until there is none. Orders outside the window may be in it: not every server heeds every filter.
pub trait Orders: fmt::Debug + Send + Sync {
    /// The shop's name, which tells it from others of the same source.
    fn shop(&self) -> &str;

    /// What the token must be allowed to do, in words.
    fn needs(&self) -> &'static str;

    /// The request for a page.
    fn request(&self, window: &Window, cursor: Option<&str>) -> Lookup;

    /// What the answer to it holds. The error is a sentence.
    fn page(&self, cursor: Option<&str>, answer: &Answer) -> Result<Page, String>;

    /// The request for the order itself, where the list tells too little for [`Orders::retold`].
    fn detail(&self, _order: &Order) -> Option<Lookup> {
        None
    }

    /// Takes the answer to it up.
    fn complete(&self, _order: &mut Order, _answer: &Answer) -> Result<(), String> {
        Ok(())
    }

    /// The delivery that tells the order: what the platform would have sent, with a name that is the same every time.
    fn retold(&self, order: &Order) -> Retold;

    /// The order that a delivery of the journal told, if it is one that completes orders.
    fn told(&self, delivery: &Delivery) -> Option<(String, Told)>;

    /// What to change about the source, if an order that is left out for this reason shows that it tells orders in another way than
    /// the pipeline takes them.
    fn advice(&self, _reason: &str) -> Option<String> {
        None
    }
}

/// A stretch of time: from `since_ms` on, and before `until_ms`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// Milliseconds since 1970.
    pub since_ms: i64,
    /// Milliseconds since 1970.
    pub until_ms: i64,
}

impl Window {
    /// Whether a time lies in it.
    pub fn holds(&self, time_ms: i64) -> bool {
        (self.since_ms..self.until_ms).contains(&time_ms)
    }
}

/// Some orders, and where the list goes on.
#[derive(Debug)]
pub struct Page {
    /// In the order of the list.
    pub orders: Vec<Order>,
    /// The cursor of the next page.
    pub next: Option<String>,
}

/// An order as far as a reconciliation knows it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Order {
    /// Its id on the platform.
    pub id: String,
    /// When it was created, in milliseconds since 1970.
    pub created_ms: i64,
    /// The order as its platform wrote it; `null` where its id is enough.
    pub text: Box<RawValue>,
}

impl Order {
    /// Whether the list told all of it.
    pub fn is_whole(&self) -> bool {
        self.text.get() != "null"
    }
}

/// A request that was never sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Retold {
    /// The headers that the source would keep: lower-case name, value.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

/// How well an order is known from the journal. The greater, the better.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Told {
    /// A delivery told it that need not have completed it: what the pipeline remembers decides.
    Perhaps,
    /// An earlier reconciliation told it.
    Reconciled,
    /// Its own delivery is there.
    Surely,
}

/// The delivery that tells an order, marked as one that was never sent.
pub fn delivery(orders: &dyn Orders, order: &Order, pipeline: &str, source: &str, now_ms: i64) -> Delivery {
    let Retold { mut headers, body } = orders.retold(order);
    headers.push((RECONCILED.to_owned(), time::iso(order.created_ms)));
    Delivery {
        pipeline: pipeline.into(),
        source: source.into(),
        received_ms: now_ms,
        method: "POST".into(),
        headers,
        body: body.into(),
        ..Delivery::default()
    }
}

/// A GET with headers, of which one holds the token.
pub(super) fn get(url: String, headers: &[(&str, &str)]) -> Lookup {
    let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    let accept = ("accept".to_owned(), "application/json".to_owned());
    Lookup {
        method: "GET".to_owned(),
        url,
        headers: headers.iter().map(owned).chain([accept]).collect(),
        body: Vec::new(),
        timeout_ms: TIMEOUT_MS,
        cache_ms: 0,
        access: std::sync::Arc::new(Access::default()),
    }
}

/// A query string.
pub(super) fn query(pairs: &[(&str, &str)]) -> String {
    url::form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish()
}

/// An answer's body as JSON; the error says what it should have been.
pub(super) fn read<'a, T: Deserialize<'a>>(answer: &'a Answer, what: &str) -> Result<T, String> {
    serde_json::from_slice(&answer.body).map_err(|error| format!("the answer is not {what}: {error}"))
}

/// An id that may be a number or a text, without losing a digit.
pub(super) fn id_text(raw: &RawValue) -> Option<String> {
    let text = raw.get();
    match text.as_bytes().first()? {
        b'"' => serde_json::from_str(text).ok().filter(|id: &String| !id.is_empty()),
        b'0'..=b'9' => Some(text.to_owned()),
        _ => None,
    }
}

/// `null`, for orders of which the id is enough.
pub(super) fn nothing() -> Box<RawValue> {
    RawValue::NULL.to_owned()
}

#[cfg(test)]
mod tests;
