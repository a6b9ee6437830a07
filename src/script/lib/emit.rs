//! Without a namespace: emitting events, ending the run, moving values.

use std::rc::Rc;

use rhai::{Dynamic, Map, Module, NativeCallContext};

use super::outcome::rejection;
use super::{Fun, Lib, Native, arg, erase, put};
use crate::script::fault::fault;
use crate::script::run::Ending;

/// The functions without a namespace.
pub const FUNS: &[Fun] = &[
    Fun {
        name: "alias",
        signature: "alias(message)",
        about: "Adds an alias message to what leaves this step.",
        example: r#"alias(#{ previousId: "anon-1", userId: "u-1" })"#,
        add: |module, lib| add(module, lib, "alias"),
    },
    Fun {
        name: "drop",
        signature: "drop(why?)",
        about: "Ends the run: the event and all that was emitted are dropped, counted under this reason. Cannot be caught.",
        example: r#"if false { drop("a test order") }"#,
        add: |module, lib| {
            let run = Rc::clone(&lib.run);
            put(module, "drop", move |why: &str| -> Native<()> { Err(run.finish_with(Ending::Drop(why.into()))) });
            let run = Rc::clone(&lib.run);
            put(module, "drop", move || -> Native<()> {
                Err(run.finish_with(Ending::Drop("dropped by the script".into())))
            });
        },
    },
    Fun {
        name: "emit",
        signature: "emit(message)",
        about: "Adds a message of any type to what leaves this step, as it is. Segment keeps one message of a `messageId`: a copy of \
                the event, or of another message that leaves, gets `:1`, `:2` … behind it, its place behind the event; `:1.1`, `:1.2` … \
                if a step before has copied the event already. Set another one, or `()` for one that the sink derives.",
        example: r#"emit(#{ type: "track", event: "Order Noted", userId: "u-1" })"#,
        add: |module, lib| {
            let run = Rc::clone(&lib.run);
            put(module, "emit", move |message: Dynamic| -> Native<()> { run.emit(arg::map(message, "emit")?.into()) });
        },
    },
    Fun {
        name: "erase",
        signature: "erase(request)",
        about: "Erases a person from all that the pipeline keeps, once the delivery is committed: what its steps remember, events \
                that wait or are on their way to a sink, dead letters. `values` are what stands for the person (ids, e-mails, phone \
                numbers; `()` is left out); what holds one of them whole is erased, and what a step such as `identity` says \
                belongs to them. Numbers of fewer than six digits and other texts of fewer than four letters only serve to ask the \
                steps: they stand everywhere. `why` and `reference` go into the record `erasures.log`, which names nobody. \
                `state: \"all\"` forgets everything that the steps remember. Deliveries in the journal stay there until its \
                time is over, but are not run again. A script that fails has erased nothing.",
        example: r#"erase(#{ values: ["6900000000001", "jane@example.com", ()], why: "customers/redact", reference: "request 123" })"#,
        add: |module, lib| {
            let run = Rc::clone(&lib.run);
            put(module, erase::NAME, move |request: Dynamic| erase::ask(&run, request));
        },
    },
    Fun {
        name: "group",
        signature: "group(message)",
        about: "Adds a group message to what leaves this step.",
        example: r#"group(#{ groupId: "g-1", userId: "u-1", traits: #{ name: "Example" } })"#,
        add: |module, lib| add(module, lib, "group"),
    },
    Fun {
        name: "identify",
        signature: "identify(message)",
        about: "Adds an identify message to what leaves this step.",
        example: r#"identify(#{ userId: "u-1", traits: #{ email: "jane@example.com" } })"#,
        add: |module, lib| add(module, lib, "identify"),
    },
    Fun {
        name: "page",
        signature: "page(message)",
        about: "Adds a page message to what leaves this step.",
        example: r#"page(#{ name: "Home", anonymousId: "anon-1" })"#,
        add: |module, lib| add(module, lib, "page"),
    },
    Fun {
        name: "reject",
        signature: "reject(kind_or_why, why?)",
        about: "Ends the run: the event becomes a dead letter with this reason, and nothing that was emitted leaves. Kinds are \
                EventNotSupported, InvalidEventPayload and ValidationError. Cannot be caught.",
        example: r#"if false { reject("ValidationError", "no order id") }"#,
        add: |module, lib| {
            let run = Rc::clone(&lib.run);
            put(module, "reject", move |cx: NativeCallContext<'_>, why: &str| -> Native<()> {
                Err(run.finish_with(reject(&cx, "rejected", why.into())))
            });
            let run = Rc::clone(&lib.run);
            put(module, "reject", move |cx: NativeCallContext<'_>, kind: &str, why: &str| -> Native<()> {
                let (code, why) = rejection(kind, why);
                Err(run.finish_with(reject(&cx, code, why)))
            });
        },
    },
    Fun {
        name: "retry",
        signature: "retry(why, after?)",
        about: "Ends the run: the event waits as it came to the step and comes to it again, after the time given (`30s`, or \
                milliseconds) or after a time that doubles; the step's `retry` option says how often before it becomes a dead \
                letter. Nothing that was emitted leaves. Cannot be caught.",
        example: r#"if false { retry("the shop does not answer", "30s") }"#,
        add: |module, lib| {
            let run = Rc::clone(&lib.run);
            put(module, "retry", move |cx: NativeCallContext<'_>, why: &str| -> Native<()> {
                Err(run.finish_with(retry(&cx, why, None)))
            });
            let run = Rc::clone(&lib.run);
            put(module, "retry", move |cx: NativeCallContext<'_>, why: &str, after: Dynamic| -> Native<()> {
                let after = arg::duration_ms(&after, "retry")?;
                Err(run.finish_with(retry(&cx, why, Some(after))))
            });
        },
    },
    Fun {
        name: "screen",
        signature: "screen(message)",
        about: "Adds a screen message to what leaves this step.",
        example: r#"screen(#{ name: "Cart", userId: "u-1" })"#,
        add: |module, lib| add(module, lib, "screen"),
    },
    Fun {
        name: "set_object",
        signature: "set_object(collection_or_record, id?, properties?)",
        about: "Adds an object record (`type: set`): one map with collection, id and properties, or the three of them.",
        example: r#"set_object("products", "p-1", #{ name: "Mug" })
set_object(#{ collection: "products", id: "p-1", properties: #{ name: "Mug" } })"#,
        add: |module, lib| {
            add(module, lib, "set_object");
            let run = Rc::clone(&lib.run);
            put(module, "set_object", move |collection: &str, id: Dynamic, properties: Dynamic| -> Native<()> {
                let mut record = Map::new();
                record.insert("collection".into(), collection.into());
                record.insert("id".into(), arg::needed(&id, "set_object")?.into());
                record.insert("properties".into(), arg::map(properties, "set_object")?.into());
                record.insert("type".into(), "set".into());
                run.emit(record.into())
            });
        },
    },
    Fun {
        name: "take",
        signature: "take(map, key?)",
        about: "Moves a value out of a map without copying it; `()` if it is not there. With a variable alone, empties it.",
        example: r#"let order = #{ id: 7, note: "x" };
order.take("note") == "x"
order.note == ()"#,
        add: |module, _| put(module, "take", |map: &mut Map, key: &str| map.remove(key).unwrap_or_default()),
    },
    Fun {
        name: "track",
        signature: "track(message)",
        about: "Adds a track message to what leaves this step.",
        example: r#"track(#{ event: "Order Completed", userId: "u-1", properties: #{ order_id: "1001" } })"#,
        add: |module, lib| add(module, lib, "track"),
    },
];

fn reject(cx: &NativeCallContext<'_>, code: &'static str, reason: String) -> Ending {
    Ending::Reject { code, reason, at: (cx.call_source().unwrap_or_default().into(), cx.call_position()) }
}

fn retry(cx: &NativeCallContext<'_>, why: &str, after_ms: Option<u64>) -> Ending {
    let at = (cx.call_source().unwrap_or_default().into(), cx.call_position());
    Ending::Retry { reason: why.into(), after_ms, at }
}

fn add(module: &mut Module, lib: &Lib, name: &'static str) {
    let run = Rc::clone(&lib.run);
    put(module, name, move |message: Dynamic| -> Native<()> {
        let mut message = arg::map(message, name)?;
        if name == "set_object" && ["collection", "id"].iter().any(|key| message.get(*key).is_none_or(Dynamic::is_unit))
        {
            return Err(fault("set_object takes a map with collection, id and properties"));
        }
        let kind = if name == "set_object" { "set" } else { name };
        message.insert("type".into(), kind.into());
        run.emit(message.into())
    });
}
