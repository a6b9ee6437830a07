//! The options of `shopify`, and how it is built from them.

use super::{Shopify, orders};
use crate::registry::{Def, Default, Opt, Room, Shape, Type};
use crate::source::{SourceDef, listen};

/// How `shopify` is listed.
pub static DEF: SourceDef = SourceDef {
    def: Def {
        name: "shopify",
        room: Room::Source,
        about: "Receives Shopify webhooks and checks their signature.",
        details: "A delivery becomes one event:\n\n\
            ```json\n\
            {\n  \"type\": \"track\",\n  \"event\": \"orders/create\",\n  \"timestamp\": \"2026-05-04T14:05:31.900Z\",\n  \
            \"properties\": { \"id\": 820982911946154508, \"…\": \"the body, untouched\" },\n  \
            \"context\": { \"shop\": { \"domain\": \"example-store.myshopify.com\", \"api_version\": \"2026-04\" } }\n}\n\
            ```\n\n\
            `event` is the topic, `timestamp` the `X-Shopify-Triggered-At` (else the time of receipt), and `context.shop.test` is true \
            for a test notification. The newer Events subscriptions, whose headers have no `X-`, are named `<Resource> <action>`. \
            Scripts see the kept headers in `delivery`, as `delivery.header(\"X-Shopify-Topic\")`.\n\n\
            The signature covers the raw body only, so a captured body could be sent under another topic. Against that, list your \
            `shops`, and bound the age with `max_age` where Shopify's own delays of up to a day allow it. A retry keeps its webhook \
            id, and gives the same message ids.\n\n\
            Answers: 200 when the delivery is durable; 401 for a missing or wrong signature; 400 for an empty body, a missing topic or \
            one beyond `max_age`; 403 for a shop that is not listed; 405 for anything but POST.\n\n\
            With `api`, `cartwire reconcile` compares the shop's orders with the journal, and tells those that are missing as \
            `orders/create` with the order of the API as its body. An order is known if an `orders/create` of this shop with its id is \
            in the journal (with `completed_on: paid`, an `orders/paid`), unless the pipeline leaves it out: then it counts as left out.",
        shape: Shape::Options {
            options: &[
                Opt {
                    name: "secrets",
                    ty: Type::List(&Type::Secret),
                    default: Default::Required,
                    about: "The app's client secret; for webhooks made in the admin, the one shown there. Any of a list may match, \
                        so that secrets can be rotated.",
                },
                listen::PATH,
                Opt {
                    name: "shops",
                    ty: Type::List(&Type::Text),
                    default: Default::Absent,
                    about: "The shops that may deliver, as `example-store.myshopify.com`. Without it, every shop of the app.",
                },
                Opt {
                    name: "max_age",
                    ty: Type::Duration,
                    default: Default::Absent,
                    about: "Refuse a delivery that was triggered longer ago. Retries last four hours.",
                },
                Opt { name: "body_max", ty: Type::Bytes, default: Default::Is("8MB"), about: "The largest body." },
                orders::API,
            ],
            short: Some("secrets"),
        },
        example: "- shopify:\n    secrets: [ \"${SHOPIFY_WEBHOOK_SECRET}\" ]\n    shops: [ example-store.myshopify.com ]\n    \
            path: /shop/webhooks\n    max_age: 2d\n    body_max: 4MB\n    \
            api: { shop: example-store.myshopify.com, token: \"${SHOPIFY_ADMIN_TOKEN}\" }\n",
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
            Ok(input) if problems.is_empty() => Ok(Box::new(Shopify {
                input,
                secrets,
                shops: options.texts("shops").into_iter().map(str::to_owned).collect(),
                age_max_ms: options.opt_int("max_age"),
                body_bytes_max: listen::bytes(options, "body_max"),
                orders,
            })),
            _ => Err(problems),
        }
    },
};
