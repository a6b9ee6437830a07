//! The options of the sink `http`.

use crate::registry::{Def, Default, Opt, Room, Shape, Type};
use crate::sink::SinkDef;

/// The definition of `http`.
pub(in crate::sink) static HTTP: SinkDef = SinkDef {
    def: Def {
        name: "http",
        room: Room::Sink,
        about: "Sends events as JSON to any server",
        details: "Each event is sent as it is, nothing is added. Answers: 2xx (or one of `success`) means delivered; 408, 425, 429, 5xx and a broken \
                  connection are tried again, after `Retry-After` if the server names a time; redirects, 401–405, 407, 410, 415, 501, 505 and \
                  511 stop the sink and keep every event, since no event is to blame; any other status makes a batch smaller until the event to \
                  blame stands alone and becomes a dead letter. A request may arrive more than once.\n\nWith `sign_secret`, a header holds the HMAC \
                  of the body, computed over the bytes as they are sent (after gzip).",
        shape: Shape::Options {
            options: &[
                Opt { name: "url", ty: Type::Text, default: Default::Required, about: "The address, http or https." },
                Opt {
                    name: "method",
                    ty: Type::Word(&["POST", "PUT"]),
                    default: Default::Is("POST"),
                    about: "The method.",
                },
                Opt {
                    name: "headers",
                    ty: Type::Map(&Type::Secret),
                    default: Default::Absent,
                    about: "Headers for every request. Their values are never shown again.",
                },
                Opt {
                    name: "format",
                    ty: Type::Word(&["json", "array", "ndjson"]),
                    default: Default::Is("json"),
                    about: "`json` is one event per request; `array` and `ndjson` hold a batch.",
                },
                Opt {
                    name: "batch_events",
                    ty: Type::Int(1, 10_000),
                    default: Default::Is("500"),
                    about: "Events in one request at most, for `array` and `ndjson`.",
                },
                Opt {
                    name: "batch_bytes",
                    ty: Type::Bytes,
                    default: Default::Is("1MB"),
                    about: "Size of a request's body at most, before gzip. A larger event becomes a dead letter.",
                },
                Opt {
                    name: "linger",
                    ty: Type::Duration,
                    default: Default::Is("100ms"),
                    about: "How long a batch waits for more events.",
                },
                Opt { name: "gzip", ty: Type::Bool, default: Default::Is("false"), about: "Compress requests." },
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
                Opt {
                    name: "success",
                    ty: Type::List(&Type::Int(100, 599)),
                    default: Default::Absent,
                    about: "The statuses that mean delivered; every 2xx without it.",
                },
                Opt {
                    name: "sign_secret",
                    ty: Type::Secret,
                    default: Default::Absent,
                    about: "The key of the signature; without it requests are not signed.",
                },
                Opt {
                    name: "sign_header",
                    ty: Type::Text,
                    default: Default::Is("X-Signature"),
                    about: "The header of the signature.",
                },
                Opt {
                    name: "sign_algorithm",
                    ty: Type::Word(&["sha1", "sha256", "sha512"]),
                    default: Default::Is("sha256"),
                    about: "The hash of the signature.",
                },
                Opt {
                    name: "sign_encoding",
                    ty: Type::Word(&["hex", "base64"]),
                    default: Default::Is("hex"),
                    about: "How the signature is written.",
                },
                Opt {
                    name: "sign_prefix",
                    ty: Type::Text,
                    default: Default::Is("\"\""),
                    about: "What stands before the signature, as `sha256=`.",
                },
            ],
            short: Some("url"),
        },
        example: "- http:\n    url: https://example.com/events\n    method: POST\n    headers: { Authorization: \"Bearer ${API_TOKEN}\" }\n    \
                  format: array\n    batch_events: 100\n    batch_bytes: 1MB\n    linger: 1s\n    gzip: true\n    timeout: 10s\n    concurrency: 2\n    \
                  success: [200, 202, 409]\n    sign_secret: ${SIGNING_SECRET}\n    sign_header: X-Signature\n    sign_algorithm: sha256\n    \
                  sign_encoding: hex\n    sign_prefix: sha256=\n",
    },
    build: super::build,
};
