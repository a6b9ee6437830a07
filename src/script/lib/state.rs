//! `state::`: values that a script step remembers from delivery to delivery, durably.

use std::rc::Rc;

use rhai::{Dynamic, ImmutableString};
use rust_decimal::prelude::ToPrimitive;

use super::{Fun, Native, arg, money, put};
use crate::json::{self, Limits, Tape};
use crate::script::fault::fault;
use crate::script::run::Run;

/// The functions of the namespace.
pub const FUNS: &[Fun] = &[
    Fun {
        name: "state::add",
        signature: "state::add(key, number, ttl?) -> number",
        about: "Adds to a number that is remembered (0 if there is none) and gives the sum: whole numbers, or amounts with decimals, which \
                add up exactly. A delivery that is run again counts once.",
        example: r#"state::add("orders", 1) == 1
state::add("orders", 2) == 3
state::add("spent", 0.1) == 0.1
state::add("spent", 0.2) == 0.3
state::add("spent", 10) == 10.3"#,
        add: |module, lib| {
            let run = Rc::clone(&lib.run);
            put(module, "add", move |key: Dynamic, number: Dynamic| add(&run, &key, &number, None));
            let run = Rc::clone(&lib.run);
            put(module, "add", move |key: Dynamic, number: Dynamic, ttl: Dynamic| add(&run, &key, &number, Some(&ttl)));
        },
    },
    Fun {
        name: "state::get",
        signature: "state::get(key, default?) -> value",
        about: "The value that is remembered under a key; the default, or `()`, if there is none or its time is over. What a script \
                remembers belongs to its step (the step's `id`, so give it one) and outlives changes of the pipeline. Deliveries of a \
                pipeline that remembers are run one after another.",
        example: r#"state::set("seen", #{ n: 1 });
state::get("seen").n == 1
state::get("nothing", "none") == "none""#,
        add: |module, lib| {
            let run = Rc::clone(&lib.run);
            put(module, "get", move |key: Dynamic| get(&run, &run.part(), &key));
            let run = Rc::clone(&lib.run);
            put(module, "get", move |key: Dynamic, default: Dynamic| -> Native {
                let value = get(&run, &run.part(), &key)?;
                Ok(if value.is_unit() { default } else { value })
            });
        },
    },
    Fun {
        name: "state::remove",
        signature: "state::remove(key) -> value",
        about: "Forgets a value, and gives it.",
        example: r#"state::set("seen", 1);
state::remove("seen") == 1
state::get("seen") == ()"#,
        add: |module, lib| {
            let run = Rc::clone(&lib.run);
            put(module, "remove", move |key: Dynamic| -> Native {
                let part = run.part();
                let value = get(&run, &part, &key)?;
                let key = arg::needed(&key, "remove")?;
                run.session().remove(&part, &key).map_err(|limit| fault(limit.to_string()))?;
                Ok(value)
            });
        },
    },
    Fun {
        name: "state::set",
        signature: "state::set(key, value, ttl?)",
        about: "Remembers a value (anything that JSON can hold, up to 64 KiB), for the time given (`30m`, `7d`) or until it is \
                removed. A script that fails has remembered nothing.",
        example: r#"state::set("last", "2026-01-15", "7d");
state::get("last") == "2026-01-15""#,
        add: |module, lib| {
            let run = Rc::clone(&lib.run);
            put(module, "set", move |key: Dynamic, value: Dynamic| set(&run, &run.part(), &key, &value, None));
            let run = Rc::clone(&lib.run);
            put(module, "set", move |key: Dynamic, value: Dynamic, ttl: Dynamic| {
                set(&run, &run.part(), &key, &value, Some(&ttl))
            });
        },
    },
];

/// Reads a value of a space.
pub(super) fn get(run: &Run, space: &str, key: &Dynamic) -> Native {
    let Some(key) = arg::text(key, "get")? else { return Ok(Dynamic::UNIT) };
    let entry = run.session().get(space, &key).map_err(|error| fault(error.to_string()))?;
    let Some(entry) = entry else { return Ok(Dynamic::UNIT) };
    run.charge_bytes(entry.value.len())?;
    json::decode_plain(&entry.value, &Limits::default()).map_err(|error| fault(format!("a remembered value: {error}")))
}

/// Writes a value of a space.
pub(super) fn set(run: &Run, space: &str, key: &Dynamic, value: &Dynamic, ttl: Option<&Dynamic>) -> Native<()> {
    let key = arg::needed(key, "set")?;
    let ttl = ttl.map(|ttl| arg::duration_ms(ttl, "set")).transpose()?;
    let mut text = Vec::new();
    json::encode(value, &Tape::default(), &mut text)
        .map_err(|error| fault(format!("this cannot be remembered: {error}")))?;
    run.charge_bytes(text.len())?;
    run.session().set(space, &key, text, ttl).map_err(|limit| fault(limit.to_string()))
}

fn add(run: &Run, key: &Dynamic, number: &Dynamic, ttl: Option<&Dynamic>) -> Native {
    if !is_number(number) {
        return Err(fault(format!("add takes a number, not {} (`money::parse` reads one)", arg::kind(number))));
    }
    let part = run.part();
    let before = match get(run, &part, key)? {
        none if none.is_unit() => Dynamic::from_int(0),
        before if is_number(&before) => before,
        _ => {
            let key = arg::text(key, "add")?.unwrap_or_else(ImmutableString::default);
            return Err(fault(format!("what is remembered under `{key}` is no number")));
        }
    };
    let sum = sum(&before, number).ok_or_else(|| fault("the sum is too large"))?;
    set(run, &part, key, &sum, ttl)?;
    Ok(sum)
}

fn is_number(value: &Dynamic) -> bool {
    value.is_int() || value.is_float() || value.is_decimal()
}

/// Whole numbers give a whole one. Others are added as they are written, so that 0.1 and 0.2 are 0.3; they give a decimal where one is
/// added, and an ordinary number otherwise, as whatever was remembered is read.
fn sum(before: &Dynamic, number: &Dynamic) -> Option<Dynamic> {
    if let (Ok(before), Ok(number)) = (before.as_int(), number.as_int()) {
        return before.checked_add(number).map(Dynamic::from_int);
    }
    let exact = |value| money::parse(value).ok().flatten();
    let sum = exact(before)?.checked_add(exact(number)?)?;
    if number.is_decimal() { Some(Dynamic::from_decimal(sum)) } else { sum.to_f64().map(Dynamic::from_float) }
}
