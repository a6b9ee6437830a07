//! What functions do with values: the event, texts, numbers, times, digests.

use super::{Capability, Shown};

pub(super) const CAPABILITIES: &[Capability] = &[
    Capability {
        name: "event.context",
        segment: "A source function writes `context`, `integrations`, `messageId` and `timestamp`; other fields at the top are forgotten. \
                  Behind a Webhook destination all of them have to be copied by hand.",
        cartwire: "`event` is the whole event, and all of it can be written; nothing has to be copied, and unknown fields stay. The \
                   source `segment_webhook` keeps ids and times, so that Segment still recognises repetitions.",
        shown: Shown::Script(
            r#"event.messageId = "order-" + event.properties.id;
event.integrations = #{ All: false, Mixpanel: true };
event.context = #{ ip: "203.0.113.9" };"#,
        ),
        gives: "expect: [ { messageId: order-7, integrations: { All: false, Mixpanel: true }, context: { ip: 203.0.113.9 } } ]",
        project: "capabilities",
    },
    Capability {
        name: "externalIds",
        segment: "`context.externalIds`, a list of `{ id, type, collection, encoding }`.",
        cartwire: "The same. `path::set` makes the maps on the way where the event has none; `event.context.x = …` asks for a \
                   `context` that is there.",
        shown: Shown::Script(
            r#"let id = #{ id: text::from(event.properties.id), type: "shop_id", collection: "users", encoding: "none" };
path::set(event, "context.externalIds", [id]);"#,
        ),
        gives: r#"expect: [ { context: { externalIds: [ { id: "7", type: shop_id } ] } } ]"#,
        project: "talkable",
    },
    Capability {
        name: "crypto",
        segment: "`crypto.createHash(\"md5\")`, sha1, sha256, sha512, and `createHmac`.",
        cartwire: "`hash::md5`, `hash::sha1`, `hash::sha256`, `hash::sha512`; `hmac::sha256` and its like as hex, `hmac::sha256_base64` as \
                   Base64; `hmac::equal` compares in constant time. The step `hash` does it to fields.",
        shown: Shown::Script("event.anonymousId = hash::md5(text::email(event.properties.email));"),
        gives: "expect: [ { anonymousId: 3e3417d7ef77d5932a6734b916515ed5 } ]",
        project: "yotpo",
    },
    Capability {
        name: "btoa",
        segment: "`btoa`, `atob`, `encodeURIComponent`, `decodeURIComponent`.",
        cartwire: "`base64::encode`, `base64::decode`, `base64::encode_url`, `hex::encode`; `url::encode`, `url::decode`, `url::parse`, \
                   `url::build`.",
        shown: Shown::Script(
            r#"event.properties.auth = base64::encode("user:password");
event.properties.link = "https://example.com/?" + url::build(#{ q: "a b" });"#,
        ),
        gives: r#"expect: [ { properties: { auth: "dXNlcjpwYXNzd29yZA==", link: "https://example.com/?q=a+b" } } ]"#,
        project: "leanplum",
    },
    Capability {
        name: "JSON.parse",
        segment: "`JSON.parse` and `JSON.stringify`.",
        cartwire: "`json::parse` and `json::stringify`, whose keys are sorted.",
        shown: Shown::Script(r#"event.properties.note = json::stringify(json::parse(`{"b": 1, "a": [true]}`));"#),
        gives: r#"expect: [ { properties: { note: '{"a":[true],"b":1}' } } ]"#,
        project: "leanplum",
    },
    Capability {
        name: "lodash",
        segment: "`_.get`, `set`, `merge`, `pick`, `omit`, `mapKeys`, spread, `?.`.",
        cartwire: "A field that is not there reads as `()`, so `a.b?.c ?? \"default\"` never fails. `path::get`, `path::set`, \
                   `path::has`, `path::remove` for paths in texts; `map::merge` (or `+`), `map::deep_merge`, `map::pick`, `map::omit`, \
                   `map::rename`, `map::prefix`, `map::compact`, `map::prune`. Arrays have `map`, `filter`, `reduce`, `find`, `some`, `all`, and `sort`, \
                   in place, by a function that gives a number: `lines.sort(|a, b| a.price - b.price)`.",
        shown: Shown::Script(
            r#"let line = map::omit(event.properties.lines[0], ["quantity"]);
event.properties = map::prefix(line, "first_") + #{ city: event.properties.address?.city ?? "unknown" };"#,
        ),
        gives: r#"expect: [ { properties: { first_sku: MUG-1, first_price: "18.30", city: unknown } } ]"#,
        project: "shippo",
    },
    Capability {
        name: "lookup-table",
        segment: "An object in the code that maps names to names.",
        cartwire: "`switch` in the script, or a CSV, JSON or YAML file below `scripts/` that others can edit: `table::get`, or the step \
                   `lookup`. Saving the file is enough.",
        shown: Shown::Script(
            r#"event.event = switch event.properties.kind {
    "order_paid" => "Order Completed",
    "order_void" => "Order Cancelled",
    _ => text::title(event.properties.kind)
};"#,
        ),
        gives: "expect: [ { event: Order Completed } ]",
        project: "talkable",
    },
    Capability {
        name: "moment",
        segment: "`moment` and `Date`: epoch to ISO, sums, differences, zones.",
        cartwire: "`time::iso` takes seconds, milliseconds and texts, and tells them apart; `time::parse`, `time::format` with a zone, \
                   `time::add`, `time::diff`. `time::now` is when the delivery was received, so that a repetition gives the same.",
        shown: Shown::Script(
            r#"event.timestamp = time::iso(event.properties.created);
event.properties.age = time::diff(event.timestamp, time::now(), "minutes");
event.properties.day = time::format(event.timestamp, "%A", "Asia/Tokyo");"#,
        ),
        gives: r#"expect: [ { timestamp: "2026-01-15T09:00:00.000Z", properties: { age: 80, day: Thursday } } ]"#,
        project: "stripe-events",
    },
    Capability {
        name: "RegExp",
        segment: "`match`, `replace`, `split`, `toUpperCase`, templates.",
        cartwire: "`regex::is_match`, `regex::captures`, `regex::find`, `regex::find_all`, `regex::replace`; `text::split`, `text::join`, \
                   `text::title`, `text::snake`, `text::camel`, `text::kebab`, `text::slug`, `text::upper`, `text::lower`, `text::trim`; \
                   templates between backticks.",
        shown: Shown::Script(
            r#"let words = text::split(event.properties.kind, "_").map(|word| text::upper(word));
event.event = `${words[0]} ${words[1]}`;
event.properties.masked = regex::replace(event.properties.email, `\w+@`, "x@");"#,
        ),
        gives: r#"expect: [ { event: ORDER PAID, properties: { masked: " x@Example.com" } } ]"#,
        project: "close-io",
    },
    Capability {
        name: "parseFloat",
        segment: "`parseFloat`, `toFixed`, `Math.round(x * 100)`: in binary fractions.",
        cartwire: "`money::parse` gives exact decimals, `money::round`, `money::minor` and `money::to_minor` know each currency's \
                   decimals, `money::sum` adds up. `number::parse` is for other numbers, `text::from` for ids that are numbers.",
        shown: Shown::Script(
            r#"let line = event.properties.lines[0];
event.properties.revenue = money::round(money::parse(line.price) * line.quantity, "USD");
event.properties.cents = money::to_minor(event.properties.revenue, "USD");"#,
        ),
        gives: "expect: [ { properties: { revenue: 54.90, cents: 5490 } } ]",
        project: "adyen",
    },
    Capability {
        name: "uuidv5",
        segment: "The library `uuidv5`, or a random id by hand.",
        cartwire: "`uuid::v5` of a name, `uuid::v4` for one that looks random and is the same when the delivery is run again. A message \
                   without `messageId` gets one like that by itself.",
        shown: Shown::Script(r#"event.anonymousId = uuid::v5("dns", "example.com");"#),
        gives: "expect: [ { anonymousId: cfbff0d1-9375-5685-968c-48ce8b15ae17 } ]",
        project: "capabilities",
    },
    Capability {
        name: "ulid",
        segment: "An id that sorts by time, by a library that is copied in.",
        cartwire: "`uuid::ulid()`, by the time of the delivery or by the milliseconds it is given; the same when the delivery is run again.",
        shown: Shown::Script("let id = uuid::ulid(1469918176385);\nevent.properties.slot = id.sub_string(0, 10);"),
        gives: "expect: [ { properties: { slot: 01ARYZ6S41 } } ]",
        project: "",
    },
    Capability {
        name: "groupBy",
        segment: "`_.groupBy`, `keyBy`, `countBy`, `sortBy`, `uniq`, `chunk`, `flatten`.",
        cartwire: "`list::group_by`, `list::index_by`, `list::count_by`, `list::sort_by`, `list::unique`, `list::chunk`, `list::flatten`, by a \
                   key or by a function; `list::pluck` takes one field of each.",
        shown: Shown::Script(
            r#"let lines = list::group_by(event.properties.lines, "sku");
event.properties.mugs = list::pluck(lines["MUG-1"], "quantity");"#,
        ),
        gives: "expect: [ { properties: { mugs: [ 3 ] } } ]",
        project: "",
    },
    Capability {
        name: "normalise",
        segment: "Lower case, trim and SHA-256 by hand, as advertising platforms want e-mail addresses and phone numbers.",
        cartwire: "`email::normalize` and `phone::e164` (with the country that a number without `+` is dialled in), then `hash::sha256`. All \
                   pass over what is absent and give `()` for what is none. The step `hash` does it to fields.",
        shown: Shown::Script(
            r#"let email = email::normalize(event.properties.email);
let phone = phone::e164(event.properties.phone ?? "(555) 234-5678", "US");
path::set(event, "context.traits.email_sha256", hash::sha256(email));
path::set(event, "context.traits.phone_sha256", hash::sha256(phone));"#,
        ),
        gives: "expect: [ { context: { traits: { email_sha256: b5fc85e55755f9e0d030a10ab4429b6b2944855f9a0d60077fe832becbc41d72, \
                phone_sha256: 8be7c551382f3ebb887bee2a0ebbe1d289f9c39be778689da5788d858453a255 } } } ]",
        project: "",
    },
    Capability {
        name: "ip",
        segment: "Anonymising an address by splitting it at its dots.",
        cartwire: "`ip::anonymize` for both versions, `ip::first_public` for `X-Forwarded-For`, `ip::is_in` and `ip::is_private` for ranges.",
        shown: Shown::Script(r#"path::set(event, "context.ip", ip::anonymize("203.0.113.77"));"#),
        gives: "expect: [ { context: { ip: 203.0.113.0 } } ]",
        project: "",
    },
    Capability {
        name: "user-agent",
        segment: "A parser of user agents that is copied in.",
        cartwire: "`user_agent::parse` gives os and device as Segment's context has them, and the browser; `user_agent::is_bot` tells crawlers and tools. \
                   The step `user_agent` does both.",
        shown: Shown::Script(
            r#"let agent = user_agent::parse("Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0");
path::set(event, "context.os.name", agent?.os?.name);"#,
        ),
        gives: "expect: [ { context: { os: { name: Windows } } } ]",
        project: "",
    },
    Capability {
        name: "utm",
        segment: "`new URL(url).searchParams`, and each utm parameter by its name.",
        cartwire: "`campaign::context` gives everything that belongs into `context.campaign`; `campaign::parse` the utm parameters, \
                   `campaign::click_ids` the click ids. The step `campaign` takes them from the event's page.",
        shown: Shown::Script(
            r#"path::set(event, "context.campaign", campaign::context("https://example.com/?utm_source=news&gclid=abc"));"#,
        ),
        gives: "expect: [ { context: { campaign: { source: news, gclid: abc } } } ]",
        project: "",
    },
];
