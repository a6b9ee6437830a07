//! What stands around a function: settings, logs, requests, tests, limits.

use super::{Capability, Shown};

pub(super) const CAPABILITIES: &[Capability] = &[
    Capability {
        name: "function-settings",
        segment: "Settings of the types text, secret, boolean, list and map are declared in the editor and filled in for each instance.",
        cartwire: "`settings:` beside the step: YAML of any shape, with `${NAME}` out of the environment and `${file:/run/secrets/name}` \
                   for secrets, in whose place logs and dead letters show `[secret]`. `check` tells which are misspelt, and which are missing.",
        shown: Shown::Steps(
            "- script:
    inline: event.properties.plan = settings.plans[0];
  settings: { plans: [ gold, silver ] }",
        ),
        gives: "expect: [ { properties: { plan: gold } } ]",
        project: "zoominfo",
    },
    Capability {
        name: "console.log",
        segment: "`console.log` shows up in the editor's test, and for errors in Event Delivery.",
        cartwire: "`log::info`, `log::warn`, `log::error`, or `print`. The lines are kept with the event: `cartwire test` shows them, and \
                   a dead letter holds those of its run.",
        shown: Shown::Script(r#"if event.userId == () { log::warn("nobody"); event.anonymousId = "a"; }"#),
        gives: "expect: [ { anonymousId: a } ]",
        project: "audit-forwarding",
    },
    Capability {
        name: "fetch",
        segment: "`await fetch(url, { method, headers, body })`, to any host, within the function's five seconds.",
        cartwire: "`http::get(url, options)` and `http::post(url, body, options)`, to the hosts that the step allows, with time-out, \
                   cache and a rate limit; equal questions are asked once at a time. No status is an error. No worker waits: the run \
                   ends, and starts again when the answer is there. The step `enrich` does the plain case without a script; a \
                   fixture's `http:` holds the answers.",
        shown: Shown::Steps(
            r#"- script:
    inline: |
      let answer = http::get("https://api.example.com/orders/" + event.properties.id, #{ cache: "10m" });
      event.properties.plan = if answer.ok { answer.body.plan } else { "unknown" };
    http: { allow: [ api.example.com ] }"#,
        ),
        gives: r#"http: [ { get: "https://api.example.com/orders/7", json: { plan: gold } } ]
expect: [ { properties: { plan: gold } } ]"#,
        project: "zoominfo",
    },
    Capability {
        name: "cache.load",
        segment: "`cache.load(key, ttl, async () => value)` and `cache.delete(key)`, within one process, which may empty it at any time.",
        cartwire: "`cache::get`, `cache::set(key, value, \"10m\")` and `cache::remove`, for all scripts of a pipeline. `state::get`, \
                   `state::set` and `state::add` remember durably, for weeks.",
        shown: Shown::Script(
            r#"let token = cache::get("token");
if token == () {
    token = hash::md5(delivery.id);
    cache::set("token", token, "10m");
}
event.properties.orders = state::add("orders", 1, "30d");"#,
        ),
        gives: "expect: [ { properties: { orders: 1 } } ]",
        project: "zoominfo",
    },
    Capability {
        name: "webhook-signature",
        segment: "A source function checks signatures itself, with `crypto` or `jsonwebtoken`.",
        cartwire: "The source checks before it answers: `verify:` knows a secret header, HMAC and Standard Webhooks; `shopify`, \
                   `bigcommerce`, `medusa` and `segment_webhook` know their sender's own. For anything else, `hmac::sha256` and \
                   `hmac::equal` in a script, and `jwt::verify` for tokens. Certificates are not checked.",
        shown: Shown::Sources(
            r#"- webhook:
    verify:
      hmac: { header: X-Signature, secrets: [ "${WEBHOOK_SECRET}" ], prefix: "sha256=" }"#,
        ),
        gives: "expect: [ { type: track, properties: { id: 7 } } ]",
        project: "stripe-events",
    },
    Capability {
        name: "zlib",
        segment: "The library `zlib` unpacks bodies and fields.",
        cartwire: "A body with `Content-Encoding: gzip` is unpacked on the way in. `zlib::gunzip` and `zlib::inflate` unpack what stands \
                   in a field as Base64, `zlib::gzip` packs.",
        shown: Shown::Script(r#"event.properties.note = zlib::gunzip("H4sIAAAAAAAC/8tIzcnJBwCGphA2BQAAAA==");"#),
        gives: "expect: [ { properties: { note: hello } } ]",
        project: "",
    },
    Capability {
        name: "xml2js",
        segment: "The library `xml2js` parses XML, with a callback.",
        cartwire: "`xml::parse(delivery.text)` gives maps: elements by their names, attributes as `@name`, an array where a name repeats.",
        shown: Shown::Script(
            r#"let order = xml::parse("<order id='7'><price>18.30</price></order>").order;
event.properties.price = money::parse(order.price);
event.properties.number = order["@id"];"#,
        ),
        gives: r#"expect: [ { properties: { price: 18.30, number: "7" } } ]"#,
        project: "",
    },
    Capability {
        name: "jsonwebtoken",
        segment: "The library `jsonwebtoken` checks tokens, and signs those that an API asks for.",
        cartwire: "`jwt::verify(token, key)` takes a shared secret or a public key in PEM form, and gives the claims of a token that fits and \
                   has not ended, `()` otherwise. `jwt::sign` signs with a shared secret; `jwt::header` tells by which key to check, \
                   `jwt::decode` reads without checking.",
        shown: Shown::Script(
            r#"let token = jwt::sign(#{ sub: "u-1" }, settings.secret);
let claims = jwt::verify(token, settings.secret);
if claims == () { reject("ValidationError", "the token is not ours"); }
event.userId = claims.sub;"#,
        ),
        gives: "expect: [ { userId: u-1 } ]",
        project: "",
    },
    Capability {
        name: "timeout",
        segment: "Five seconds for a source function; one that takes longer is stopped.",
        cartwire: "A run may take 250 ms, not counting what it waits for, and 500,000 steps, 128 MB and 1,000 messages; then it is a \
                   dead letter, whatever it catches. `limits: { time: 1s, operations: 2000000, memory: 256MiB }` among the step's \
                   options sets other bounds for its script, up to five seconds.",
        shown: Shown::Script("loop { event.properties.id += 1; }"),
        gives: "expect: []
dead: [ the script ]",
        project: "",
    },
    Capability {
        name: "limits",
        segment: "32 KB for an event, 500 KB for a batch; what is larger is refused, or lost.",
        cartwire: "The `segment` sink measures each message after the script, and a larger one is a dead letter that names its largest \
                   fields. Batches are cut to size.",
        shown: Shown::Steps(
            "- filter: { field: properties.lines, exists: true }
- remove: [ properties.lines ]",
        ),
        gives: "expect: [ { type: track, properties: { id: 7 } } ]",
        project: "",
    },
    Capability {
        name: "test-tab",
        segment: "Sample events in the editor, a history of versions, and a deploy button.",
        cartwire: "Fixtures in the repository: `cartwire test` runs them from the raw request to the message, `cartwire send` posts them. \
                   Git keeps the versions. A saved file is taken up at once, and a wrong one is told with its place while the version \
                   before goes on.",
        shown: Shown::Steps(r#"- script: { inline: "event.event = text::title(event.properties.kind);" }"#),
        gives: "expect: [ { event: Order Paid } ]",
        project: "github",
    },
    Capability {
        name: "loop-guard",
        segment: "Code that names its own endpoint cannot be saved; a loop through a webhook destination is the author's to avoid.",
        cartwire: "The step `loop_guard` marks what passes, and drops what comes round again.",
        shown: Shown::Steps("- loop_guard"),
        gives: "expect: [ { context: { pipeline: { hop: 1 } } } ]",
        project: "zoominfo",
    },
    Capability {
        name: "unknown-fields",
        segment: "A field that the call does not have, as `properties` of an identify, is forgotten in silence.",
        cartwire: "`cartwire check` warns of it, of misspelt fields and settings, of unknown functions and wrong numbers of arguments, \
                   before anything runs.",
        shown: Shown::Script(
            r#"fn on_request(delivery, settings) {
    identify(#{ userId: "u-1", traits: #{ plan: "gold" } });
}"#,
        ),
        gives: "expect: [ { type: identify, traits: { plan: gold } } ]",
        project: "stripe-events",
    },
];
