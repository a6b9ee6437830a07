//! Requests, events, and how a run ends.

use super::{Capability, Shown};

pub(super) const CAPABILITIES: &[Capability] = &[
    Capability {
        name: "onRequest",
        segment: "`async function onRequest(request, settings)` is the whole of a source function.",
        cartwire: "`fn on_request(delivery, settings)` in a script behind a `webhook` source (or any other). Nothing is awaited. It is \
                   called once for a request, also where the source makes several events of it. The request is answered when it is on \
                   disk, not when the script has run.",
        shown: Shown::Script(
            "fn on_request(delivery, settings) {
    let body = delivery.json();
    track(#{ event: text::title(body.kind), userId: text::from(body.id), timestamp: time::iso(body.created) });
}",
        ),
        gives: r#"expect: [ { type: track, event: Order Paid, userId: "7", timestamp: "2026-01-15T09:00:00.000Z" } ]"#,
        project: "github",
    },
    Capability {
        name: "request.json",
        segment: "`request.json()` gives an object, or an array that the function loops over.",
        cartwire: "`delivery.json()` gives a map or an array; large numbers and decimals stay exact. `split: true` at the source makes \
                   an event of each item instead, and the step `split` of each element of a list inside.",
        shown: Shown::Script(
            r#"fn on_request(delivery, settings) {
    for line in delivery.json().lines {
        track(#{ event: "Product Bought", anonymousId: "a", properties: line });
    }
}"#,
        ),
        gives: r#"expect: [ { event: Product Bought, properties: { sku: MUG-1, price: "18.30" } } ]"#,
        project: "sendgrid",
    },
    Capability {
        name: "request.text",
        segment: "`request.text()`, and `URLSearchParams` over it for a form.",
        cartwire: "`delivery.text` is the body byte for byte (`delivery.bytes`, if it is not UTF-8); `delivery.form()` is a form as a map, with a list for a name that stands \
                   twice.",
        shown: Shown::Script(
            r#"fn on_request(delivery, settings) {
    track(#{ event: "Received", anonymousId: "a", properties: #{ md5: hash::md5(delivery.text), length: delivery.text.len } });
}"#,
        ),
        gives: "expect: [ { event: Received } ]",
        project: "capabilities",
    },
    Capability {
        name: "request.headers",
        segment: "`request.headers.get(\"X-Topic\")`, whatever the case.",
        cartwire: "`delivery.header(\"X-Topic\")`, whatever the case. Sources keep the headers that `keep_headers` lists, so that no \
                   credentials lie in the journal.",
        shown: Shown::Script(
            r#"fn on_request(delivery, settings) {
    track(#{ event: text::title(delivery.header("x-topic")), anonymousId: "a" });
}"#,
        ),
        gives: "expect: [ { event: Orders Paid } ]",
        project: "github",
    },
    Capability {
        name: "searchParams",
        segment: "`new URL(request.url).searchParams.get(\"shop\")` and `getAll`.",
        cartwire: "`delivery.query(\"shop\")` and `delivery.queries(\"tag\")`, decoded; `delivery.path` is what follows the source's \
                   own path.",
        shown: Shown::Script(
            r#"fn on_request(delivery, settings) {
    track(#{ event: "Tagged", anonymousId: delivery.query("shop"), properties: #{ tags: delivery.queries("tag") } });
}"#,
        ),
        gives: "expect: [ { anonymousId: north, properties: { tags: [ a, b ] } } ]",
        project: "leanplum",
    },
    Capability {
        name: "Segment.track",
        segment: "`Segment.track`, `identify`, `page`, `screen`, `group` and `alias`, from anywhere and as often as \
                  wanted.",
        cartwire: "`track(#{ … })`, `identify`, `page`, `screen`, `group`, `alias`, from helpers and loops too. Nothing leaves unless \
                   the script ends well. `emit` takes a message of any type. Fields that are `()` leave as `null`: `map::compact` \
                   takes them out.",
        shown: Shown::Script(
            r#"fn send_both(user, email) {
    identify(#{ userId: user, traits: #{ email: text::email(email) } });
    group(#{ userId: user, groupId: "g-1" });
}

fn on_request(delivery, settings) {
    let body = delivery.json();
    send_both(text::from(body.id), body.email);
}"#,
        ),
        gives: r#"expect: [ { type: identify, userId: "7", traits: { email: ada@example.com } }, { type: group, groupId: g-1 } ]"#,
        project: "default",
    },
    Capability {
        name: "Segment.set",
        segment: "`Segment.set({ collection, id, properties })` writes an object into the warehouse.",
        cartwire: "`set_object(collection, id, properties)`. The sink `segment_objects` sends it to Segment's Objects API; `route` can \
                   send it anywhere else.",
        shown: Shown::Script(
            r#"fn on_request(delivery, settings) {
    let body = delivery.json();
    set_object("orders", body.id, #{ total: money::parse(body.total) });
}"#,
        ),
        gives: "expect: [ { type: set, collection: orders, id: \"7\", properties: { total: 54.90 } } ]",
        project: "typeform",
    },
    Capability {
        name: "insert",
        segment: "An insert function changes the event that a handler is given and returns it; one that returns nothing drops it.",
        cartwire: "A script changes `event` in place, or a handler does and need not return it: falling off the end passes it on. What \
                   is not touched leaves byte for byte as it came.",
        shown: Shown::Script(
            r#"event.properties.total = money::parse(event.properties.total);
event.properties.remove("email");"#,
        ),
        gives: "expect: [ { type: track, properties: { id: 7, total: 54.90 } } ]",
        project: "capabilities",
    },
    Capability {
        name: "onTrack",
        segment: "`onTrack(event, settings)` and its like. A type without a handler is `EventNotSupported`: it never arrives.",
        cartwire: "`fn on_track(event, settings)`, and likewise `on_identify`, `on_page`, `on_screen`, `on_group`, `on_alias`, \
                   `on_delete`, `on_set`. A type without a handler passes, unless the step says `missing: drop` or `reject`.",
        shown: Shown::Script(
            r#"fn on_track(event, settings) {
    path::set(event, "context.store", settings.store);
}"#,
        ),
        gives: "expect: [ { type: track, context: { store: north } } ]",
        project: "zoominfo",
    },
    Capability {
        name: "onBatch",
        segment: "`onBatch(events, settings)` returns a status for each event, in their order.",
        cartwire: "`fn on_batch(events, settings)` gets all events of a delivery, and gives for each, in their order, a map, an array of \
                   maps, `()` or an outcome. What it remembers counts once for the batch, and again for each event that it asks to \
                   retry, since that comes again alone.",
        shown: Shown::Script(
            "fn on_batch(events, settings) {
    events.map(|event| map::deep_merge(event, #{ context: #{ of: 1 } }))
}",
        ),
        gives: "expect: [ { type: track, context: { of: 1 } } ]",
        project: "capabilities",
    },
    Capability {
        name: "DropEvent",
        segment: "`throw new DropEvent(\"why\")`. A source function that sends nothing drops without a word.",
        cartwire: "`drop(\"why\")`, or `return outcome::drop(\"why\")` in a handler. It is counted under its reason, in `/metrics` and \
                   `/status`. The step `filter` does it without a script.",
        shown: Shown::Script(
            r#"fn on_track(event, settings) {
    if event.properties.total == "54.90" { drop("a test order"); }
}"#,
        ),
        gives: "expect: []
dropped: [ a test order ]",
        project: "influitive",
    },
    Capability {
        name: "EventNotSupported",
        segment: "`EventNotSupported`, `InvalidEventPayload` and `ValidationError` discard the event, and show up in Event Delivery.",
        cartwire: "`reject(\"ValidationError\", \"why\")` with the same three kinds, or your own words alone. The event becomes a dead \
                   letter, with the delivery that it came from: `cartwire dead show ID`.",
        shown: Shown::Script(
            r#"fn on_request(delivery, settings) {
    let phone = delivery.json().phone ?? reject("ValidationError", "no phone");
    identify(#{ userId: phone });
}"#,
        ),
        gives: "expect: []
dead: [ validation-error ]",
        project: "talkable",
    },
    Capability {
        name: "RetryError",
        segment: "`throw new RetryError(\"why\")` has the event come again: in a source function six times, elsewhere for up to four hours.",
        cartwire: "`retry(\"why\")`, or with a time, `retry(\"why\", \"1m\")`. The wait doubles; the step's `retry: { times, wait }` says \
                   when it becomes a dead letter.",
        shown: Shown::Steps(
            r#"- script:
    inline: |
      if event.properties.stock == () { retry("the stock is not known yet"); }
    retry: { times: 3, wait: 10s }"#,
        ),
        gives: "expect: []
dead: [ the stock is not known yet ]",
        project: "zoominfo",
    },
    Capability {
        name: "throw",
        segment: "Any other error discards the event.",
        cartwire: "Any other error, an endless loop too, makes a dead letter with script, line, column, call stack and the lines that \
                   were logged. Nothing leaves. `on_error: pass` or `drop` at the step decides otherwise, `try` and `catch` catch it.",
        shown: Shown::Script(
            r#"track(#{ event: "Sent Before", anonymousId: "a" });
throw "something is wrong";"#,
        ),
        gives: "expect: []
dead: [ something is wrong ]",
        project: "adyen",
    },
];
