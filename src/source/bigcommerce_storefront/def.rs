//! The options of `bigcommerce_storefront`, and how it is built from them.

use super::Storefront;
use crate::diag::Diag;
use crate::registry::{Def, Default, Opt, OptionValue, Options, Room, Shape, Type};
use crate::source::{SourceDef, listen};

/// How `bigcommerce_storefront` is listed.
pub static DEF: SourceDef = SourceDef {
    def: Def {
        name: "bigcommerce_storefront",
        room: Room::Source,
        about: "Receives the data-layer events of a BigCommerce storefront from the script that is pasted into it.",
        details: "The script is `scripts/bigcommerce/storefront.js`; it says how to paste it. Each event of BODL, BigCommerce's data layer, \
            becomes one event:\n\n\
            ```json\n\
            {\n  \"type\": \"track\",\n  \"event\": \"bodl_v1_cart_viewed\",\n  \"timestamp\": \"2026-05-04T14:01:30.000Z\",\n  \
            \"anonymousId\": \"0b5f4a3e-6c1d-4f2a-9b7e-1d2c3b4a5f60\",\n  \
            \"properties\": { \"event_id\": \"ev-0005\", \"…\": \"the payload, untouched\" },\n  \
            \"context\": {\n    \"store\": { \"hash\": \"abc123xyz\" },\n    \
            \"cart\": { \"id\": \"d30016e2-23c0-4a90-884f-2e92ac135476\", \"customerId\": 32 },\n    \
            \"page\": { \"url\": \"https://shop.example.com/cart.php\" },\n    \"ip\": \"203.0.113.77\", \"userAgent\": \"…\", \"locale\": \"en-US\",\n    \
            \"consent\": { \"analytics\": true, \"advertising\": false, \"functional\": true }\n  }\n}\n\
            ```\n\n\
            A body is one such event or an array of them, as `{ \"event\", \"payload\", \"timestamp\", \"anonymousId\", \"cart\", \"page\", \
            \"locale\", \"consent\" }`, under any content type: the script sends `text/plain`, for which browsers ask no leave first. \
            `timestamp` is the time of receipt if the script tells none. A cart's `customerId` is 0 for a guest, and missing while the shop \
            has not said whose the cart is.\n\n\
            Anybody can send what a browser sends. `origins` keeps other sites' pages out, not programs: let webhooks decide what an \
            order is worth, as `pipelines/bigcommerce.yaml` does.\n\n\
            Answers: 200 without a body when the events are durable; 204 to a preflight; 403 for an origin that is not listed; 400 for \
            an empty body; 405 for other methods; 503 while the journal cannot take it, after which the script tries again.",
        shape: Shape::Options {
            options: &[
                Opt {
                    name: "store",
                    ty: Type::Text,
                    default: Default::Required,
                    about: "The store's hash, as `abc123xyz`: with it, the storefront's events and those of webhooks get the same ids.",
                },
                Opt {
                    name: "origins",
                    ty: Type::List(&Type::Text),
                    default: Default::Absent,
                    about: "The storefronts that may deliver, as `https://shop.example.com`. Without it, pages of any origin.",
                },
                listen::PATH,
                Opt { name: "body_max", ty: Type::Bytes, default: Default::Is("256KB"), about: "The largest body." },
            ],
            short: Some("store"),
        },
        example: "- bigcommerce_storefront:\n    store: ${BIGCOMMERCE_STORE_HASH}\n    origins: [ https://shop.example.com ]\n    \
            path: /storefront\n    body_max: 64KB\n",
    },
    build: |options, place| {
        let mut problems = Vec::new();
        if options.has("store") && options.text("store").is_empty() {
            problems
                .push(options.error("store", "wrong-value", "`store` is empty").help("write its hash, as abc123xyz"));
        }
        let origins = origins(options, &mut problems);
        match listen::input(options, place, false).map_err(|found| problems.extend(found)) {
            Ok(input) if problems.is_empty() => Ok(Box::new(Storefront {
                input,
                store: options.text("store").to_owned(),
                origins,
                body_bytes_max: listen::bytes(options, "body_max"),
            })),
            _ => Err(problems),
        }
    },
};

fn origins(options: &Options, problems: &mut Vec<Diag>) -> Vec<String> {
    let mut found = Vec::new();
    for (value, span) in options.items("origins") {
        let OptionValue::Text(text) = value else { continue };
        let host = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://")).unwrap_or_default();
        if host.is_empty() || host.contains(|c: char| c.is_whitespace() || "/?#@*".contains(c)) {
            problems.push(
                Diag::error("wrong-value", format!("`{text}` is not an origin"))
                    .at(options.file(), span.clone())
                    .help("write what browsers send: scheme and host, as https://shop.example.com"),
            );
        } else {
            found.push(text.clone());
        }
    }
    if options.has("origins") && options.items("origins").is_empty() {
        let problem = options.error("origins", "wrong-value", "`origins` is empty, so no event could ever be accepted");
        problems.push(problem.help("remove it to take events of any origin"));
    }
    found
}
