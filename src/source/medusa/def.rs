//! The options of `medusa`, and how it is built from them.

use super::{Medusa, orders};
use crate::registry::{Def, Default, Opt, Room, Shape, Type};
use crate::source::{SourceDef, listen};

/// How `medusa` is listed.
pub static DEF: SourceDef = SourceDef {
    def: Def {
        name: "medusa",
        room: Room::Source,
        about: "Receives the events of a Medusa backend, version 1 or 2, from the subscriber that is shipped for each.",
        details: "Medusa has no webhooks: a file that is copied into the backend forwards the events of its bus, \
            `scripts/medusa/v1/forwarder.js` (to `src/loaders/`) or `scripts/medusa/v2/forwarder.ts` (to `src/subscribers/`). \
            What it posts:\n\n\
            ```json\n\
            {\n  \"name\": \"order.placed\",\n  \"data\": { \"id\": \"order_01H…\" },\n  \
            \"metadata\": { \"created_at\": \"2026-05-04T14:05:31.900Z\" },\n  \"order\": { \"…\": \"the entities that it concerns\" }\n}\n\
            ```\n\n\
            with the header `x-signature`, the lower-case hex HMAC-SHA256 of the raw body by a shared secret. It becomes one event: \
            `event` is the name, `timestamp` is `metadata.created_at` (version 2) or the time of receipt, `properties` are the whole \
            body, untouched.\n\n\
            The bus sends an event again when the answer is no 2xx; name, ids and `metadata.created_at` stay, and with them the \
            message ids. Those of `order.placed` depend on the order's id only. An event of version 1 whose name ends in `updated` and whose \
            `data` tells no `updated_at` is another one each time.\n\n\
            Answers: 200 when the delivery is durable; 401 for a missing or wrong signature; 400 for an empty body; 405 for anything \
            but POST.\n\n\
            With `api`, `cartwire reconcile` compares the backend's orders with the journal, and tells those that are missing as \
            `order.placed` with the order of the Admin API attached. An order is known if an `order.placed` with its id is in the \
            journal.",
        shape: Shape::Options {
            options: &[
                Opt {
                    name: "secrets",
                    ty: Type::List(&Type::Secret),
                    default: Default::Required,
                    about: "The secret that the forwarder signs with. Any of a list may match, so that secrets can be rotated.",
                },
                listen::PATH,
                Opt {
                    name: "body_max",
                    ty: Type::Bytes,
                    default: Default::Is("8MB"),
                    about: "The largest body. An order with all that belongs to it is often 50 KB and can be much more.",
                },
                orders::API,
            ],
            short: Some("secrets"),
        },
        example: "- medusa:\n    secrets: [ \"${MEDUSA_WEBHOOK_SECRET}\" ]\n    path: /shop/medusa\n    body_max: 2MB\n    \
            api: { url: https://medusa.example.com, version: 2, token: \"${MEDUSA_ADMIN_TOKEN}\" }\n",
    },
    build: |options, place| {
        let mut problems = Vec::new();
        let secrets: Vec<_> = options.secrets("secrets").into_iter().cloned().collect();
        if secrets.is_empty() {
            problems.push(options.error(
                "secrets",
                "no-secrets",
                "`secrets` is empty, so no delivery could ever be accepted",
            ));
        }
        let orders = orders::build(options, &mut problems);
        let input = listen::input(options, place, false).map_err(|found| problems.extend(found));
        match input {
            Ok(input) if problems.is_empty() => {
                Ok(Box::new(Medusa { input, secrets, body_bytes_max: listen::bytes(options, "body_max"), orders }))
            }
            _ => Err(problems),
        }
    },
};
