//! The options of `bigcommerce`, and how it is built from them.

use super::proof::Proof;
use super::{Bigcommerce, orders};
use crate::registry::{Def, Default, Opt, Room, Shape, Type};
use crate::source::verify::Key;
use crate::source::{SourceDef, listen};

/// How `bigcommerce` is listed.
pub static DEF: SourceDef = SourceDef {
    def: Def {
        name: "bigcommerce",
        room: Room::Source,
        about: "Receives BigCommerce webhooks and checks their signature, or the headers that they were created with.",
        details: "A callback becomes one event:\n\n\
            ```json\n\
            {\n  \"type\": \"track\",\n  \"event\": \"store/order/created\",\n  \"timestamp\": \"2026-05-04T14:03:00.000Z\",\n  \
            \"properties\": { \"scope\": \"store/order/created\", \"data\": { \"type\": \"order\", \"id\": 250 }, \"…\": \"the body, untouched\" },\n  \
            \"context\": { \"store\": { \"hash\": \"abc123xyz\", \"id\": \"1025646\" } }\n}\n\
            ```\n\n\
            `event` is the scope, `timestamp` the body's `created_at` (else the time of receipt), and `context.store.hash` what stands \
            behind `stores/` in `producer`: the store's name in addresses of the API. A callback says only what has changed; scripts \
            fetch the rest, as `pipelines/bigcommerce.yaml` does.\n\n\
            BigCommerce signs with the client secret of the API account that created the hook, as it stands; `key: base64` is for \
            secrets written as Standard Webhooks wants them. Hooks can also be created with `headers` of your own, which every \
            callback carries. Give either, or both: then a callback passes with a right signature or, where it has none, with the \
            right headers; `require: all` asks for both. A retry keeps its webhook id and gives the same message ids.\n\n\
            Answers: 200 without a body when the callback is durable; 401 for a missing, wrong or stale proof; 403 for a store that is \
            not listed; 400 for an empty body; 405 for anything but POST. BigCommerce blocks a domain for three minutes when fewer \
            than 90 % of its callbacks are taken, so delete hooks of stores that are not listed.\n\n\
            With `api`, `cartwire reconcile` compares the store's orders with the journal, and tells those that are missing as \
            `store/order/created`; the pipeline asks for the rest as always. An order is known if a `store/order/statusUpdated` in the \
            journal took it from Incomplete to a status of a placed order. A `store/order/created` may have come before the payment: \
            then what the pipeline remembers decides. Orders that are still Incomplete are none.",
        shape: Shape::Options {
            options: &[
                Opt {
                    name: "secrets",
                    ty: Type::List(&Type::Secret),
                    default: Default::Absent,
                    about: "The client secret of the API account. Any of a list may match, so that secrets can be rotated.",
                },
                Opt {
                    name: "key",
                    ty: Type::Word(Key::WORDS),
                    default: Default::Is("raw"),
                    about: "Whether the secret is the key's own text, as BigCommerce has it, or base64 after an optional `whsec_`.",
                },
                Opt {
                    name: "tolerance",
                    ty: Type::Duration,
                    default: Default::Is("300s"),
                    about: "How far the signed time may be off, both ways; `0s` for any.",
                },
                Opt {
                    name: "headers",
                    ty: Type::Map(&Type::List(&Type::Secret)),
                    default: Default::Absent,
                    about: "The `headers` that the hooks were created with, each with its value, or with several of which any may match.",
                },
                Opt {
                    name: "require",
                    ty: Type::Word(&["any", "all"]),
                    default: Default::Is("any"),
                    about: "Where both `secrets` and `headers` are given: whether one of them is enough.",
                },
                listen::PATH,
                Opt {
                    name: "stores",
                    ty: Type::List(&Type::Text),
                    default: Default::Absent,
                    about: "The stores that may deliver, by their hash, as `abc123xyz`. Without it, every store of the account.",
                },
                Opt { name: "body_max", ty: Type::Bytes, default: Default::Is("1MB"), about: "The largest body." },
                orders::API,
            ],
            short: Some("secrets"),
        },
        example: "- bigcommerce:\n    secrets: [ \"${BIGCOMMERCE_CLIENT_SECRET}\" ]\n    key: raw\n    tolerance: 5m\n    \
            headers: { X-Collector-Key: \"${BIGCOMMERCE_HEADER}\" }\n    require: all\n    stores: [ abc123xyz ]\n    \
            path: /store/callbacks\n    body_max: 64KB\n    \
            api: { store: abc123xyz, token: \"${BIGCOMMERCE_ACCESS_TOKEN}\" }\n",
    },
    build: |options, place| {
        let mut problems = Vec::new();
        let proof = Proof::build(options, &mut problems);
        let orders = orders::build(options, &mut problems);
        match listen::input(options, place, false).map_err(|found| problems.extend(found)) {
            Ok(input) if problems.is_empty() => Ok(Box::new(Bigcommerce {
                input,
                proof,
                stores: options.texts("stores").into_iter().map(str::to_owned).collect(),
                body_bytes_max: listen::bytes(options, "body_max"),
                orders,
            })),
            _ => Err(problems),
        }
    },
};
