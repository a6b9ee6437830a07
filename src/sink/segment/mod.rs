//! Sink `segment`: batches to the Segment HTTP Tracking API, or to a server that speaks it.

mod message;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use jiff::Timestamp;

use super::answer::{self, Policy};
use super::gzip::gzip;
use super::pii::{self, Guard};
use super::{Answer, Attempt, Batching, EventId, Judgement, Outgoing, Refused, Sink, SinkDef, Target};
use crate::diag::Diag;
use crate::event::Event;
use crate::json::Mask;
use crate::registry::{Def, Default, Opt, Options, Room, Shape, Type};

/// The API takes 500 KB and does not say whether a KB is 1,000 bytes, nor whether it counts before or after gzip.
const BODY_BYTES_MAX: usize = 480_000;
/// What stands around the messages: the date has a fixed width.
const HEAD: &[u8] = b"{\"batch\":[";
const TAIL: &str = "],\"sentAt\":\"2026-01-15T10:20:30.000Z\"}";
/// 410 and 460 are transient at Segment; 460 is its own.
const RETRY: &[u16] = &[410, 460];

/// The definition of `segment`.
pub(super) static SEGMENT: SinkDef = SinkDef {
    def: Def {
        name: "segment",
        room: Room::Sink,
        about: "Sends events to Segment in batches",
        details: "Each event is checked as Segment does before it is sent, because Segment answers 200 and drops silently: the type, at \
                  least one of `userId` and `anonymousId` as a text, an event name for `track`, `groupId`, `previousId`, objects where objects \
                  belong, at most 32,000 bytes. What fails becomes a dead letter that says why. An event without `messageId` gets one that is \
                  the same whenever its delivery is processed again, so that Segment recognises repetitions. Fields that belong to the server or to \
                  the request (`sentAt`, `receivedAt`, `originalTimestamp`, `writeKey`, `version`, `channel`, `projectId`, `_metadata`) are left \
                  out; all others leave as they are. Only where a message would be too large does its text lose the escapes that it came with and can do \
                  without (`\\u6771`).\n\nPasswords and their hashes, tokens, secrets and card numbers never leave, unless `pii` allows it for a field. They are \
                  told by names of keys, whatever their case and marks (`password`, `token`, `client_secret`, `api_key`, `authorization`, `cvv` \
                  and their like; `code` in `gift_cards` and `data` in `payments`), by endings of names (`customer_password`, `userAccessToken`, \
                  `aws_secret_access_key`), and by the form of \
                  values (keys as `sk_live_…`, JWTs, hashes of bcrypt, scrypt and argon2, numbers of 14 to 19 digits that a card network \
                  issues and whose check digit is right). JSON in a text is looked through, and a link loses the value of `?access_token=` and leaves. \
                  So does a note with a card number in it, which is cut out where it has 15 or 16 digits in one piece or is grouped as cards are, \
                  unless a word as `order` or `tracking number` stands before it or it is part of a link. \
                  `cart_token`, `checkout_token`, `push_token`, `has_password` and `context.device.token` are no secrets, and numbers under names \
                  of ids (`order_id`, `sku`, `barcode`) no cards. What was removed is logged by its path, never with its value.\n\nA batch that is refused with 400, 413 or 422 is split until the event to blame stands alone. \
                  Credentials or an address that the server refuses stop the sink and keep every event.",
        shape: Shape::Options {
            options: &[
                Opt {
                    name: "write_key",
                    ty: Type::Secret,
                    default: Default::Required,
                    about: "The write key of the Segment source that receives the events.",
                },
                Opt {
                    name: "region",
                    ty: Type::Word(&["us", "eu"]),
                    default: Default::Is("us"),
                    about: "Where the workspace lives. Segment does not report events for the wrong region.",
                },
                Opt {
                    name: "endpoint",
                    ty: Type::Url,
                    default: Default::Absent,
                    about: "Another server that speaks the Tracking API, instead of the one of `region`; with or without `/v1`.",
                },
                Opt {
                    name: "gzip",
                    ty: Type::Bool,
                    default: Default::Absent,
                    about: "Compress requests. Without it: yes for Segment, no for an `endpoint`.",
                },
                Opt {
                    name: "batch_events",
                    ty: Type::Int(1, 2500),
                    default: Default::Is("2500"),
                    about: "Events in one request at most.",
                },
                Opt {
                    name: "linger",
                    ty: Type::Duration,
                    default: Default::Is("100ms"),
                    about: "How long a batch waits for more events.",
                },
                Opt {
                    name: "timeout",
                    ty: Type::Duration,
                    default: Default::Is("15s"),
                    about: "A request without an answer for so long is sent again.",
                },
                Opt {
                    name: "concurrency",
                    ty: Type::Int(1, 64),
                    default: Default::Is("1"),
                    about: "Requests under way at once; 1 keeps the order of events.",
                },
                pii::PII,
            ],
            short: Some("write_key"),
        },
        example: "- segment:\n    write_key: ${SEGMENT_WRITE_KEY}\n    region: eu\n    gzip: true\n    batch_events: 500\n    linger: 1s\n    \
                  timeout: 15s\n    concurrency: 1\n    endpoint: https://events.example.com\n    pii: { action: remove, allow: [ properties.token ] }\n",
    },
    build,
};

struct Segment {
    url: String,
    /// The value of the `authorization` header.
    authorization: String,
    gzip: bool,
    timeout_ms: u64,
    batching: Batching,
    guard: Guard,
}

fn build(options: &Options) -> Result<Box<dyn Sink>, Vec<Diag>> {
    let key = options.secret("write_key").map(|key| key.reveal().trim()).unwrap_or_default();
    if key.is_empty() || key.contains(|c: char| c.is_whitespace() || c.is_control()) {
        let problem = options.error("write_key", "wrong-value", "`write_key` is not a write key");
        return Err(vec![
            problem.help("it is one word, shown in Segment under Sources > (your source) > Settings > API Keys"),
        ]);
    }
    if options.int("timeout") == 0 {
        return Err(vec![options.error("timeout", "wrong-value", "`timeout` must be longer than nothing")]);
    }
    let own = options.opt_text("endpoint");
    let guard = Guard::read(options)?;
    Ok(Box::new(Segment {
        url: batch_url(own.unwrap_or(match options.text("region") {
            "eu" => "https://events.eu1.segmentapis.com",
            _ => "https://api.segment.io",
        })),
        authorization: format!("Basic {}", STANDARD.encode(format!("{key}:"))),
        gzip: if options.has("gzip") { options.bool("gzip") } else { own.is_none() },
        timeout_ms: options.int("timeout") as u64,
        batching: Batching {
            events_max: options.int("batch_events") as usize,
            // The separator that is counted for the last message too is not written.
            bytes_max: BODY_BYTES_MAX - HEAD.len() - TAIL.len() + 1,
            linger_ms: options.int("linger") as u64,
            concurrency: options.int("concurrency") as usize,
        },
        guard,
    }))
}

/// SDK settings name the host with `/v1`, without it, or the whole path: all three are meant the same.
fn batch_url(endpoint: &str) -> String {
    let base = endpoint.trim_end_matches('/');
    let base = base.strip_suffix("/batch").unwrap_or(base);
    let base = base.strip_suffix("/v1").unwrap_or(base);
    format!("{base}/v1/batch")
}

impl Segment {
    fn body(messages: &[Bytes], now_ms: i64) -> Vec<u8> {
        let size = messages.iter().map(|message| message.len() + 1).sum::<usize>();
        let mut body = Vec::with_capacity(HEAD.len() + size + TAIL.len());
        body.extend_from_slice(HEAD);
        for (at, message) in messages.iter().enumerate() {
            if at > 0 {
                body.push(b',');
            }
            body.extend_from_slice(message);
        }
        let now = Timestamp::from_millisecond(now_ms).unwrap_or(Timestamp::UNIX_EPOCH);
        body.extend_from_slice(format!("],\"sentAt\":\"{now:.3}\"}}").as_bytes());
        body
    }
}

impl Sink for Segment {
    fn target(&self) -> Target {
        Target::Http { timeout_ms: self.timeout_ms }
    }

    fn fit(&self, event: &Event) -> bool {
        !super::is_object(event)
    }

    fn encode(&self, event: &Event, id: &EventId<'_>, out: &mut Vec<u8>) -> Result<Option<String>, Refused> {
        message::encode(event, id, &self.guard, out)
    }

    fn reads(&self) -> Mask {
        message::reads()
    }

    fn batching(&self) -> Batching {
        self.batching
    }

    fn request(&self, messages: &[Bytes], attempt: &Attempt) -> Outgoing {
        let header = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let mut headers = vec![
            header("authorization", &self.authorization),
            header("content-type", "application/json"),
            header("user-agent", concat!("cartwire/", env!("CARGO_PKG_VERSION"))),
        ];
        if attempt.retries > 0 {
            headers.push(header("x-retry-count", &attempt.retries.to_string()));
        }
        let mut body = Self::body(messages, attempt.now_ms);
        if self.gzip
            && let Some(small) = gzip(&body)
        {
            headers.push(header("content-encoding", "gzip"));
            body = small;
        }
        Outgoing { method: "POST", url: self.url.clone(), headers, body }
    }

    fn judge(&self, answer: &Answer<'_>) -> Judgement {
        answer::judge(
            answer,
            Policy { success: &[], retry: RETRY, configuration: "`write_key`, `region` and `endpoint`" },
        )
    }

    fn describe(&self) -> String {
        format!("POST {}", self.url)
    }
}

#[cfg(test)]
mod tests;
