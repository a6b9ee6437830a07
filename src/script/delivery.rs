//! `delivery` as scripts see it: properties and methods over the immutable delivery.

use std::rc::Rc;

use rhai::{Array, Dynamic, ImmutableString, Map, Module, Variant};

use super::lib::{Fun, put, time, url};
use super::run::Fault;
use crate::event::Delivery;

/// The headers that name a topic, in the order in which they are tried.
const TOPIC_HEADERS: [&str; 3] = ["shopify-topic", "x-shopify-topic", "x-topic"];

/// The value behind the variable `delivery`.
#[derive(Debug, Clone)]
pub struct DeliveryView {
    delivery: Rc<Delivery>,
    identity: ImmutableString,
}

impl DeliveryView {
    /// A view; an empty identity falls back to the journal position.
    pub fn new(delivery: Rc<Delivery>, identity: &str) -> Self {
        let identity = if identity.is_empty() { delivery.seq.to_string().into() } else { identity.into() };
        Self { delivery, identity }
    }

    fn topic(&self) -> ImmutableString {
        TOPIC_HEADERS.iter().find_map(|name| self.delivery.header(name)).unwrap_or_default().into()
    }

    fn headers(&self) -> Map {
        let mut map = Map::new();
        for (name, value) in &self.delivery.headers {
            map.entry(name.as_str().into()).or_insert_with(|| value.as_str().into());
        }
        map
    }
}

/// The properties and methods.
pub const FUNS: &[Fun] = &[
    Fun {
        name: "delivery.header",
        signature: "delivery.header(name) -> text",
        about: "The first header of that name, ignoring case; `()` if it is not there. Sources keep some headers only.",
        example: r#"delivery.header("X-Topic") == "orders/create"
delivery.header("x-nothing") == ()"#,
        add: |module, _| {
            module.set_custom_type::<DeliveryView>("delivery");
            put(module, "header", |view: &mut DeliveryView, name: &str| {
                view.delivery.header(name).map_or(Dynamic::UNIT, |value| ImmutableString::from(value).into())
            });
        },
    },
    Fun {
        name: "delivery.headers",
        signature: "delivery.headers -> map",
        about: "All kept headers under lower-case names.",
        example: r#"delivery.headers["x-topic"] == "orders/create""#,
        add: |module, _| get(module, "headers", DeliveryView::headers),
    },
    Fun {
        name: "delivery.id",
        signature: "delivery.id -> text",
        about: "The delivery's identity, the same when it is sent again: for ids of your own.",
        example: r#"delivery.id == "example-1""#,
        add: |module, _| get(module, "id", |view| view.identity.clone()),
    },
    Fun {
        name: "delivery.method",
        signature: "delivery.method -> text",
        about: "The request's method.",
        example: r#"delivery.method == "POST""#,
        add: |module, _| get(module, "method", |view| ImmutableString::from(&*view.delivery.method)),
    },
    Fun {
        name: "delivery.path",
        signature: "delivery.path -> text",
        about: "The path below the source's own, or the path of the file that is read.",
        example: r#"delivery.path == "/eu""#,
        add: |module, _| get(module, "path", |view| ImmutableString::from(&*view.delivery.path)),
    },
    Fun {
        name: "delivery.peer",
        signature: "delivery.peer -> text",
        about: "The address that it came from, without port.",
        example: r#"delivery.peer == "192.0.2.7""#,
        add: |module, _| get(module, "peer", |view| ImmutableString::from(&view.delivery.peer)),
    },
    Fun {
        name: "delivery.pipeline",
        signature: "delivery.pipeline -> text",
        about: "The name of the pipeline.",
        example: r#"delivery.pipeline == "shop""#,
        add: |module, _| get(module, "pipeline", |view| ImmutableString::from(&*view.delivery.pipeline)),
    },
    Fun {
        name: "delivery.queries",
        signature: "delivery.queries(name) -> array",
        about: "All values of a query parameter, decoded.",
        example: r#"delivery.queries("tag") == ["a b", "c"]"#,
        add: |module, _| {
            put(module, "queries", |view: &mut DeliveryView, name: &str| -> Array {
                let all = url::pairs(&view.delivery.query).filter(|(key, _)| *key == name);
                all.map(|(_, value)| value.into_owned().into()).collect()
            });
        },
    },
    Fun {
        name: "delivery.query",
        signature: "delivery.query(name) -> text",
        about: "The first value of a query parameter, decoded; `()` if it is not there. As a property, the query as it came.",
        example: r#"delivery.query("tag") == "a b"
delivery.query == "tag=a+b&tag=c""#,
        add: |module, _| {
            get(module, "query", |view| ImmutableString::from(&view.delivery.query));
            put(module, "query", |view: &mut DeliveryView, name: &str| {
                let first = url::pairs(&view.delivery.query).find(|(key, _)| *key == name);
                first.map_or(Dynamic::UNIT, |(_, value)| value.into_owned().into())
            });
        },
    },
    Fun {
        name: "delivery.received",
        signature: "delivery.received -> text",
        about: "When it was received, as ISO text.",
        example: r#"delivery.received == "2026-01-15T10:20:30.000Z""#,
        add: |module, _| get(module, "received", |view| time::to_iso(view.delivery.received_ms)),
    },
    Fun {
        name: "delivery.source",
        signature: "delivery.source -> text",
        about: "The id of the source that accepted it.",
        example: r#"delivery.source == "shopify""#,
        add: |module, _| get(module, "source", |view| ImmutableString::from(&*view.delivery.source)),
    },
    Fun {
        name: "delivery.text",
        signature: "delivery.text -> text",
        about: "The body as it came, byte for byte where it is UTF-8.",
        example: r#"delivery.text == `{"id":1}`"#,
        add: |module, _| {
            get(module, "text", |view| ImmutableString::from(&*String::from_utf8_lossy(&view.delivery.body)));
        },
    },
    Fun {
        name: "delivery.topic",
        signature: "delivery.topic -> text",
        about: "The topic that the shop names in a header; `\"\"` if it names none.",
        example: r#"delivery.topic == "orders/create""#,
        add: |module, _| get(module, "topic", DeliveryView::topic),
    },
];

fn get<R: Variant + Clone>(module: &mut Module, name: &str, read: fn(&DeliveryView) -> R) {
    module.set_getter_fn(name, move |view: &mut DeliveryView| Ok::<_, Fault>(read(view)));
}
