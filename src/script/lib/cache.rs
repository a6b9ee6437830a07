//! `cache::`: values with a time to live that all scripts of a pipeline share.

use std::rc::Rc;

use rhai::Dynamic;

use super::state::{get, set};
use super::{Fun, Native, arg, put};
use crate::script::fault::fault;

/// The space of the values, beside those of the steps.
const SPACE: &str = "~cache";
/// How long a value lives for which no time is given.
const TTL: &str = "1h";

/// The functions of the namespace.
pub const FUNS: &[Fun] = &[
    Fun {
        name: "cache::get",
        signature: "cache::get(key, default?) -> value",
        about: "A value that some script of the pipeline put under a key; the default, or `()`, if there is none or its time is \
                over. It is kept with the state, so that a delivery that is run again finds the same.",
        example: r#"cache::set("rate/EUR", 1.08, "10m");
cache::get("rate/EUR") == 1.08
cache::get("rate/XXX", 1) == 1"#,
        add: |module, lib| {
            let run = Rc::clone(&lib.run);
            put(module, "get", move |key: Dynamic| get(&run, SPACE, &key));
            let run = Rc::clone(&lib.run);
            put(module, "get", move |key: Dynamic, default: Dynamic| -> Native {
                let value = get(&run, SPACE, &key)?;
                Ok(if value.is_unit() { default } else { value })
            });
        },
    },
    Fun {
        name: "cache::remove",
        signature: "cache::remove(key)",
        about: "Takes a value out.",
        example: r#"cache::set("token", "t-1");
cache::remove("token");
cache::get("token") == ()"#,
        add: |module, lib| {
            let run = Rc::clone(&lib.run);
            put(module, "remove", move |key: Dynamic| -> Native<()> {
                let key = arg::needed(&key, "remove")?;
                run.session().remove(SPACE, &key).map_err(|limit| fault(limit.to_string()))
            });
        },
    },
    Fun {
        name: "cache::set",
        signature: "cache::set(key, value, ttl?)",
        about: "Keeps a value for all scripts of the pipeline, for the time given (`10m`; an hour if none is).",
        example: r#"cache::set("token", "t-1", "5m");
cache::get("token") == "t-1""#,
        add: |module, lib| {
            let run = Rc::clone(&lib.run);
            put(module, "set", move |key: Dynamic, value: Dynamic| set(&run, SPACE, &key, &value, Some(&TTL.into())));
            let run = Rc::clone(&lib.run);
            put(module, "set", move |key: Dynamic, value: Dynamic, ttl: Dynamic| {
                set(&run, SPACE, &key, &value, Some(&ttl))
            });
        },
    },
];
