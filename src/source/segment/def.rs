//! The options of `segment`, and how it is built from them.

use super::Segment;
use super::access::Access;
use crate::diag::Diag;
use crate::registry::{Def, Default, Opt, Options, Room, Shape, Type};
use crate::source::{Input, Place, Source, SourceDef, listen};

/// How `segment` is listed.
pub static DEF: SourceDef = SourceDef {
    def: Def {
        name: "segment",
        room: Room::Source,
        about: "Serves the Segment Tracking API, so that Segment's own libraries deliver here unmodified.",
        details: "Below its path it takes `/v1/identify`, `track`, `page`, `screen`, `group`, `alias`, `batch` and `import`, with or \
            without a slash at the end, their short forms (`/v1/t` …), `GET /v1/pixel/<type>`, and the settings that analytics.js asks \
            for when it starts (`GET /v1/projects/<write key>/settings`). `GET /cartwire.js` is a small \
            collector for pages that want no other library: `<script async src=\"https://<host><path>/cartwire.js\" \
            data-write-key=\"…\"></script>` tells of the page and takes the calls of analytics.js, as `cartwire.track(\"Product Viewed\", \
            { … })`; `window.cartwire = [[\"track\", …]]` holds calls that are made before it is there. `/v1` may be left out.\n\n\
            | attribute of the tag | meaning |\n|---|---|\n\
            | `data-write-key` | one of `write_keys` |\n\
            | `data-page` | `off`: no page event by itself; it tells none either where the calls before hold one |\n\
            | `data-analytics` | `on` takes the place of `window.analytics`, `off` does not; without it, where there is none, or a \
            snippet's queue whose library is not coming |\n\
            | `data-cart-cookies` | the cookies that hold the cart's token, for `context.cart_token`; `cart` without it |\n\
            | `data-cart-attribute` | in a Shopify theme: the attribute of the cart that is to hold the anonymousId, as \
            `segment_anonymous_id` |\n\
            | `data-cookie-domain` | the cookies' domain; the widest possible one without it |\n\
            | `data-endpoint` | this source's address, where the script comes from elsewhere |\n\n\
            Bodies are JSON under any content type, plain or gzip; the write key stands in a Basic `Authorization`, in the body's `writeKey`, or in both. A bearer token \
            is not checked: it needs the key in the body.\n\n\
            | library | setting |\n|---|---|\n\
            | analytics.js | `cdnURL: \"https://<host><path>\"`, or `integrations: { \"Segment.io\": { apiHost: \"<host><path>/v1\" } }` |\n\
            | Node, Python, Java, Go | `host` (`endpoint`): `https://<host><path>` |\n\
            | Kotlin, Swift | `apiHost: \"<host><path>/v1\"` |\n\n\
            Answers are those that all libraries understand: `200 {\"success\":true}` when the delivery is durable; 400 for invalid \
            JSON, too large a body and a missing key; 401 for an unknown key; 404 for the settings of an unknown key; 503 with \
            `Retry-After` when there is no room. All carry CORS headers.\n\n\
            A message is put right on the way in. What the envelope says in `context` and `integrations` goes under the message's own; \
            the type is taken from the path when it is missing; `timestamp` is corrected for the client's clock by `sentAt`, and set \
            when it is missing; ids that are null go away, numeric ones become texts; a missing `messageId` is assigned; `context.ip` \
            and `context.userAgent` are filled in for analytics.js and cartwire.js, for pixels and for `context.direct`; `sentAt`, `writeKey`, \
            `receivedAt`, `originalTimestamp`, `version`, `channel`, `projectId` and `_metadata` are taken out. Everything else stays as \
            it came. A message that Segment would not take becomes a dead letter with Segment's own code (as `no_user_anon_id`), and the \
            others of its batch go on.",
        shape: Shape::Options {
            options: &[
                Opt {
                    name: "write_keys",
                    ty: Type::List(&Type::Secret),
                    default: Default::Absent,
                    about: "The write keys that are taken. Must be given unless `any_key` is true.",
                },
                listen::PATH,
                Opt {
                    name: "any_key",
                    ty: Type::Bool,
                    default: Default::Is("false"),
                    about: "Whether any write key is taken: then anybody who knows the address may deliver.",
                },
                Opt {
                    name: "public_url",
                    ty: Type::Url,
                    default: Default::Absent,
                    about: "The address at which browsers reach this source, with its path; it goes into the settings. Without it, the \
                        request's `Host` and `X-Forwarded-Proto` tell.",
                },
                Opt {
                    name: "body_max",
                    ty: Type::Bytes,
                    default: Default::Is("4MB"),
                    about: "The largest body, unpacked. Segment's own limit is 500 KB, but some libraries send more.",
                },
            ],
            short: Some("write_keys"),
        },
        example: "- segment:\n    write_keys: [ \"${SEGMENT_SOURCE_KEY}\" ]\n    path: /\n    any_key: false\n    \
            public_url: https://events.example.com\n    body_max: 2MB\n",
    },
    build,
};

fn build(options: &Options, place: &Place<'_>) -> Result<Box<dyn Source>, Vec<Diag>> {
    let mut problems = Vec::new();
    let keys: Vec<_> = options.secrets("write_keys").into_iter().cloned().collect();
    if options.bool("any_key") && !keys.is_empty() {
        problems.push(
            options
                .error("any_key", "conflict", "`any_key` lets in what `write_keys` is to keep out")
                .help("remove one of the two"),
        );
    }
    if !options.bool("any_key") && keys.is_empty() {
        problems.push(
            options
                .error("write_keys", "missing-option", "`segment` needs `write_keys`")
                .help("list the write keys that your libraries use, or write `any_key: true` to take any"),
        );
    }
    let access = if options.bool("any_key") { Access::Any } else { Access::Keys(keys) };
    match listen::input(options, place, true) {
        Ok(Input::Http { path, .. }) if problems.is_empty() => Ok(Box::new(Segment {
            path,
            access,
            public_url: options.opt_text("public_url").map(str::to_owned),
            body_bytes_max: listen::bytes(options, "body_max"),
        })),
        Ok(_) => Err(problems),
        Err(found) => {
            problems.extend(found);
            Err(problems)
        }
    }
}
