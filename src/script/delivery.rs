//! `delivery` as scripts see it: properties and methods over the immutable delivery.

use std::cell::OnceCell;
use std::rc::Rc;

use rhai::{Array, Dynamic, ImmutableString, Map, Module, Variant};

use super::fault::fault;
use super::form;
use super::lib::{Fun, Native, put, time, url};
use super::run::Fault;
use crate::event::Delivery;
use crate::json::{self, Tape};

/// The headers that name a topic, in the order in which they are tried.
const TOPIC_HEADERS: [&str; 3] = ["shopify-topic", "x-shopify-topic", "x-topic"];

/// A delivery that runs share, with what was decoded of it.
#[derive(Debug)]
pub struct Shared {
    delivery: Delivery,
    json: OnceCell<Result<(Dynamic, Rc<Tape>), String>>,
    /// The body as a text: made once, for scripts that read it in a loop.
    text: OnceCell<ImmutableString>,
}

impl Shared {
    /// Nothing is decoded before it is asked for.
    pub fn new(delivery: Delivery) -> Rc<Self> {
        Rc::new(Self { delivery, json: OnceCell::new(), text: OnceCell::new() })
    }

    /// Whether it is that delivery.
    pub fn is(&self, delivery: &Delivery) -> bool {
        self.delivery == *delivery
    }

    /// The source text of the JSON body, if it was decoded.
    pub fn tape(&self) -> Option<Rc<Tape>> {
        Some(Rc::clone(&self.json.get()?.as_ref().ok()?.1))
    }

    /// The body as text; a copy of it costs nothing.
    pub fn text(&self) -> ImmutableString {
        self.text.get_or_init(|| String::from_utf8_lossy(&self.delivery.body).as_ref().into()).clone()
    }

    /// The body as JSON. Values know their source text, so that an untouched number leaves as it came, and that it is not the event's.
    fn json(&self) -> Native {
        let decode = || json::decode_request(self.delivery.body.clone(), &json::Limits::default());
        let decoded = self.json.get_or_init(|| decode().map_err(|error| error.to_string()));
        match decoded {
            Ok((value, _)) => Ok(value.clone()),
            Err(error) => Err(fault(format!("the body of the delivery is not JSON: {error}"))),
        }
    }
}

/// The value behind the variable `delivery`.
#[derive(Debug, Clone)]
pub struct DeliveryView {
    shared: Rc<Shared>,
    identity: ImmutableString,
}

impl DeliveryView {
    /// A view; an empty identity falls back to the journal position.
    pub fn new(shared: Rc<Shared>, identity: &str) -> Self {
        let identity = if identity.is_empty() { shared.delivery.seq.to_string().into() } else { identity.into() };
        Self { shared, identity }
    }

    fn url(&self) -> ImmutableString {
        let Delivery { path, query, .. } = &self.shared.delivery;
        if query.is_empty() { ImmutableString::from(&**path) } else { format!("{path}?{query}").into() }
    }

    fn topic(&self) -> ImmutableString {
        TOPIC_HEADERS.iter().find_map(|name| self.shared.delivery.header(name)).unwrap_or_default().into()
    }

    fn headers(&self) -> Map {
        let mut map = Map::new();
        for (name, value) in &self.shared.delivery.headers {
            map.entry(name.as_str().into()).or_insert_with(|| value.as_str().into());
        }
        map
    }
}

/// The properties and methods.
pub const FUNS: &[Fun] = &[
    Fun {
        name: "delivery.bytes",
        signature: "delivery.bytes -> blob",
        about: "The body as it came, byte for byte whatever its encoding: for signatures over a body that is not UTF-8.",
        example: "hash::sha256(delivery.bytes) == hash::sha256(delivery.text)",
        add: |module, _| get(module, "bytes", |view| view.shared.delivery.body.to_vec()),
    },
    Fun {
        name: "delivery.form",
        signature: "delivery.form() -> map",
        about: "The body as a form: texts by name, a list for a repeated name.",
        example: "delivery.form().name == ()",
        add: |module, lib| {
            let run = Rc::clone(&lib.run);
            put(module, "form", move |view: &mut DeliveryView| -> Native<Map> {
                run.charge_bytes(view.shared.delivery.body.len())?;
                Ok(form::map(&view.shared.delivery.body))
            });
        },
    },
    Fun {
        name: "delivery.header",
        signature: "delivery.header(name) -> text",
        about: "The first header of that name, ignoring case; `()` if it is not there. Sources keep some headers only.",
        example: r#"delivery.header("X-Topic") == "orders/create"
delivery.header("x-nothing") == ()"#,
        add: |module, _| {
            module.set_custom_type::<DeliveryView>("delivery");
            put(module, "header", |view: &mut DeliveryView, name: &str| {
                view.shared.delivery.header(name).map_or(Dynamic::UNIT, |value| ImmutableString::from(value).into())
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
        name: "delivery.json",
        signature: "delivery.json() -> value",
        about: "The body as JSON, an object or an array; an error if it is none. It is decoded once, and what stays untouched leaves \
                as it came.",
        example: "delivery.json().id == 1",
        add: |module, lib| {
            let run = Rc::clone(&lib.run);
            put(module, "json", move |view: &mut DeliveryView| -> Native {
                run.charge_bytes(view.shared.delivery.body.len())?;
                view.shared.json()
            });
        },
    },
    Fun {
        name: "delivery.method",
        signature: "delivery.method -> text",
        about: "The request's method.",
        example: r#"delivery.method == "POST""#,
        add: |module, _| get(module, "method", |view| ImmutableString::from(&*view.shared.delivery.method)),
    },
    Fun {
        name: "delivery.path",
        signature: "delivery.path -> text",
        about: "The path below the source's own, or the path of the file that is read.",
        example: r#"delivery.path == "/eu""#,
        add: |module, _| get(module, "path", |view| ImmutableString::from(&*view.shared.delivery.path)),
    },
    Fun {
        name: "delivery.peer",
        signature: "delivery.peer -> text",
        about: "The address that it came from, without port.",
        example: r#"delivery.peer == "192.0.2.7""#,
        add: |module, _| get(module, "peer", |view| ImmutableString::from(&view.shared.delivery.peer)),
    },
    Fun {
        name: "delivery.pipeline",
        signature: "delivery.pipeline -> text",
        about: "The name of the pipeline.",
        example: r#"delivery.pipeline == "shop""#,
        add: |module, _| get(module, "pipeline", |view| ImmutableString::from(&*view.shared.delivery.pipeline)),
    },
    Fun {
        name: "delivery.queries",
        signature: "delivery.queries(name) -> array",
        about: "All values of a query parameter, decoded.",
        example: r#"delivery.queries("tag") == ["a b", "c"]"#,
        add: |module, _| {
            put(module, "queries", |view: &mut DeliveryView, name: &str| -> Array {
                let all = url::pairs(&view.shared.delivery.query).filter(|(key, _)| *key == name);
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
            get(module, "query", |view| ImmutableString::from(&view.shared.delivery.query));
            put(module, "query", |view: &mut DeliveryView, name: &str| {
                let first = url::pairs(&view.shared.delivery.query).find(|(key, _)| *key == name);
                first.map_or(Dynamic::UNIT, |(_, value)| value.into_owned().into())
            });
        },
    },
    Fun {
        name: "delivery.received",
        signature: "delivery.received -> text",
        about: "When it was received, as ISO text.",
        example: r#"delivery.received == "2026-01-15T10:20:30.000Z""#,
        add: |module, _| get(module, "received", |view| time::to_iso(view.shared.delivery.received_ms)),
    },
    Fun {
        name: "delivery.source",
        signature: "delivery.source -> text",
        about: "The id of the source that accepted it.",
        example: r#"delivery.source == "shopify""#,
        add: |module, _| get(module, "source", |view| ImmutableString::from(&*view.shared.delivery.source)),
    },
    Fun {
        name: "delivery.text",
        signature: "delivery.text -> text",
        about: "The body as it came, byte for byte where it is UTF-8; `delivery.bytes` is any other.",
        example: r#"delivery.text == `{"id":1}`"#,
        add: |module, _| {
            get(module, "text", |view| view.shared.text());
        },
    },
    Fun {
        name: "delivery.topic",
        signature: "delivery.topic -> text",
        about: "The topic that the shop names in a header; `\"\"` if it names none.",
        example: r#"delivery.topic == "orders/create""#,
        add: |module, _| get(module, "topic", DeliveryView::topic),
    },
    Fun {
        name: "delivery.url",
        signature: "delivery.url -> text",
        about: "The path below the source's own with the query, for `url::parse`.",
        example: r#"delivery.url == "/eu?tag=a+b&tag=c"
url::parse(delivery.url).query.tag == "c""#,
        add: |module, _| get(module, "url", DeliveryView::url),
    },
];

fn get<R: Variant + Clone>(module: &mut Module, name: &str, read: fn(&DeliveryView) -> R) {
    module.set_getter_fn(name, move |view: &mut DeliveryView| Ok::<_, Fault>(read(view)));
}
