//! Sink `segment_objects`: object records (`type: set`) to Segment's Objects API, which keeps them as rows of a warehouse.
//!
//! The API takes `POST /v1/set` with `{collection, objects: [{id, properties}]}`, at most ten objects of one collection, whose values
//! are not nested and smaller than 32 KB each.

mod record;

use std::hash::{DefaultHasher, Hash, Hasher};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::answer::{self, Policy};
use super::pii::{self, Guard};
use super::{Answer, Attempt, Batching, EventId, Judgement, Outgoing, Refused, Sink, SinkDef, Target};
use crate::diag::Diag;
use crate::event::Event;
use crate::registry::{Def, Default, Opt, Options, Room, Shape, Type};

/// Objects that the API takes at once.
const OBJECTS_MAX: usize = 10;

/// The definition of `segment_objects`.
pub(super) static SEGMENT_OBJECTS: SinkDef = SinkDef {
    def: Def {
        name: "segment_objects",
        room: Room::Sink,
        about: "Sends object records to Segment's Objects API",
        details: "It takes the events of type `set`, which scripts add with `set_object`: a `collection` (lower-case letters, digits and \
                  `_`), an `id` and `properties`. All other events are left to the pipeline's other sinks, and a `segment` sink leaves \
                  these to this one. Objects are updated by their id. The API does not take nested values: a map is laid out into \
                  `address_city`, a list is written as JSON text. A record that cannot be sent becomes a dead letter that says why.\n\n\
                  Passwords, tokens, secrets and card numbers are kept back as by the sink `segment`, before maps are laid out: \
                  `pii: { allow: [ properties.card.token ] }` names fields as the script does.",
        shape: Shape::Options {
            options: &[
                Opt {
                    name: "write_key",
                    ty: Type::Secret,
                    default: Default::Required,
                    about: "The write key of the Segment source that receives the objects.",
                },
                Opt {
                    name: "region",
                    ty: Type::Word(&["us", "eu"]),
                    default: Default::Is("us"),
                    about: "Where the workspace lives.",
                },
                Opt {
                    name: "endpoint",
                    ty: Type::Url,
                    default: Default::Absent,
                    about: "Another server that speaks the Objects API, instead of the one of `region`.",
                },
                Opt {
                    name: "linger",
                    ty: Type::Duration,
                    default: Default::Is("100ms"),
                    about: "How long a batch waits for more objects of its collection.",
                },
                Opt {
                    name: "timeout",
                    ty: Type::Duration,
                    default: Default::Is("15s"),
                    about: "A request without an answer for so long is sent again.",
                },
                pii::PII,
            ],
            short: Some("write_key"),
        },
        example: "- segment_objects:\n    write_key: ${SEGMENT_WRITE_KEY}\n    region: eu\n    endpoint: https://objects.example.com\n    \
                  linger: 1s\n    timeout: 15s\n    pii: dead_letter\n",
    },
    build,
};

struct SegmentObjects {
    url: String,
    authorization: String,
    timeout_ms: u64,
    linger_ms: u64,
    guard: Guard,
}

fn build(options: &Options) -> Result<Box<dyn Sink>, Vec<Diag>> {
    let key = options.secret("write_key").map(|key| key.reveal().trim()).unwrap_or_default();
    if key.is_empty() || key.contains(|c: char| c.is_whitespace() || c.is_control()) {
        return Err(vec![options.error("write_key", "wrong-value", "`write_key` is not a write key")]);
    }
    if options.int("timeout") == 0 {
        return Err(vec![options.error("timeout", "wrong-value", "`timeout` must be longer than nothing")]);
    }
    let base = options.opt_text("endpoint").unwrap_or(match options.text("region") {
        "eu" => "https://objects.euw1.segment.com",
        _ => "https://objects.segment.com",
    });
    let base = base.trim_end_matches('/');
    let base = base.strip_suffix("/set").unwrap_or(base);
    let base = base.strip_suffix("/v1").unwrap_or(base);
    Ok(Box::new(SegmentObjects {
        url: format!("{base}/v1/set"),
        authorization: format!("Basic {}", STANDARD.encode(format!("{key}:"))),
        timeout_ms: options.int("timeout") as u64,
        linger_ms: options.int("linger") as u64,
        guard: Guard::read(options)?,
    }))
}

/// A message as [`record::encode`] writes it.
#[derive(Deserialize)]
struct Message<'a> {
    collection: String,
    #[serde(borrow)]
    id: &'a RawValue,
    #[serde(borrow)]
    properties: &'a RawValue,
}

impl Sink for SegmentObjects {
    fn target(&self) -> Target {
        Target::Http { timeout_ms: self.timeout_ms }
    }

    fn fit(&self, event: &Event) -> bool {
        super::is_object(event)
    }

    fn encode(&self, event: &Event, _: &EventId<'_>, out: &mut Vec<u8>) -> Result<Option<String>, Refused> {
        record::encode(event, &self.guard, out)
    }

    fn batching(&self) -> Batching {
        Batching { events_max: OBJECTS_MAX, bytes_max: 400_000, linger_ms: self.linger_ms, concurrency: 1 }
    }

    fn batch_key(&self, message: &Bytes) -> u64 {
        let Ok(message) = serde_json::from_slice::<Message<'_>>(message) else { return 0 };
        let mut hasher = DefaultHasher::new();
        message.collection.hash(&mut hasher);
        hasher.finish()
    }

    fn request(&self, messages: &[Bytes], _: &Attempt) -> Outgoing {
        let mut collection = String::new();
        let mut objects = Vec::new();
        for message in messages.iter().filter_map(|text| serde_json::from_slice::<Message<'_>>(text).ok()) {
            objects.push(format!("{{\"id\":{},\"properties\":{}}}", message.id.get(), message.properties.get()));
            collection = message.collection;
        }
        let collection = serde_json::Value::from(collection);
        let body = format!("{{\"collection\":{collection},\"objects\":[{}]}}", objects.join(","));
        let header = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let headers = vec![
            header("authorization", &self.authorization),
            header("content-type", "application/json"),
            header("user-agent", concat!("cartwire/", env!("CARGO_PKG_VERSION"))),
        ];
        Outgoing { method: "POST", url: self.url.clone(), headers, body: body.into_bytes() }
    }

    fn judge(&self, answer: &Answer<'_>) -> Judgement {
        let policy = Policy { success: &[], retry: &[], configuration: "`write_key`, `region` and `endpoint`" };
        answer::judge(answer, policy)
    }

    fn describe(&self) -> String {
        format!("POST {}", self.url)
    }
}

#[cfg(test)]
mod tests;
