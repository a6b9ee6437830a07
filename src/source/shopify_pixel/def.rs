//! The options of `shopify_pixel`, and how it is built from them.

use super::ShopifyPixel;
use super::rate::Rate;
use crate::registry::{Def, Default, Opt, Room, Shape, Type};
use crate::source::{SourceDef, listen};

/// How `shopify_pixel` is listed.
pub static DEF: SourceDef = SourceDef {
    def: Def {
        name: "shopify_pixel",
        room: Room::Source,
        about: "Receives the customer events of a Shopify pixel: pages, products, carts and the checkout, from the browser.",
        details: "Paste `scripts/shopify/pixel.js` in Shopify's admin under Settings › Customer events › Add custom pixel, and put this \
            source's address into its first line. A body is what that pixel posts, or an event alone as Shopify's API has it:\n\n\
            ```json\n\
            { \"shop\": \"example-store.myshopify.com\", \"sentAt\": \"…\", \"cart\": \"…\", \"customer\": {}, \"consent\": {}, \
            \"event\": { \"id\": \"…\", \"name\": \"product_viewed\", \"…\": \"…\" } }\n\
            ```\n\n\
            It becomes one event:\n\n\
            ```json\n\
            {\n  \"type\": \"track\",\n  \"event\": \"product_viewed\",\n  \"timestamp\": \"2026-05-04T14:01:00.000Z\",\n  \
            \"anonymousId\": \"the browser's clientId\",\n  \"properties\": { \"id\": \"…\", \"name\": \"product_viewed\", \"…\": \
            \"the event, untouched\" },\n  \"context\": {\n    \"shop\": { \"domain\": \"example-store.myshopify.com\" },\n    \
            \"pixel\": { \"cart\": \"…\", \"customer\": {}, \"consent\": {} },\n    \"ip\": \"…\", \"userAgent\": \"…\"\n  }\n}\n\
            ```\n\n\
            `timestamp` is the event's own, corrected for the browser's clock by `sentAt`. `context.pixel` is what the pixel said around the \
            event; it is there, if empty, for every event of this source. A `customer` of null says that nobody is logged in. Where `shops` lists one shop only, an event that names none is \
            of that one; the address may name it too, as `?shop=example-store.myshopify.com`.\n\n\
            A browser can keep no secret, so anybody who knows the address may post. What is no customer event is refused; `shops`, \
            `origins` and `per_minute` narrow it further. Shopify runs custom pixels in a sandbox whose origin is `null`.\n\n\
            Answers: 204 when the delivery is durable; 400 for what is no event; 403 for a shop or an origin that is not listed; 405 for \
            anything but POST; 429 beyond `per_minute`; 503 when there is no room. All carry CORS headers.",
        shape: Shape::Options {
            options: &[
                Opt {
                    name: "shops",
                    ty: Type::List(&Type::Text),
                    default: Default::Absent,
                    about: "The shops whose events are taken, as `example-store.myshopify.com`. Without it, every shop.",
                },
                listen::PATH,
                Opt {
                    name: "origins",
                    ty: Type::List(&Type::Text),
                    default: Default::Absent,
                    about: "The `Origin` headers that are taken, as `null` or `https://shop.example.com`. Without it, any.",
                },
                Opt {
                    name: "per_minute",
                    ty: Type::Int(1, 60_000),
                    default: Default::Absent,
                    about: "How many events one address may send in a minute; more are answered with 429. Behind a proxy it needs \
                        `run --behind-proxy`, or all visitors share one address. Without it, any number.",
                },
                Opt { name: "body_max", ty: Type::Bytes, default: Default::Is("256KB"), about: "The largest body." },
            ],
            short: Some("shops"),
        },
        example: "- shopify_pixel:\n    shops: [ example-store.myshopify.com ]\n    path: /shop/pixel\n    origins: [ \"null\", \
            \"https://shop.example.com\" ]\n    per_minute: 600\n    body_max: 128KB\n",
    },
    build: |options, place| {
        let input = listen::input(options, place, false)?;
        let texts = |name: &str| options.texts(name).into_iter().map(str::to_owned).collect();
        Ok(Box::new(ShopifyPixel {
            input,
            shops: texts("shops"),
            origins: texts("origins"),
            rate: options.opt_int("per_minute").map(Rate::per_minute),
            body_bytes_max: listen::bytes(options, "body_max"),
        }))
    },
};
