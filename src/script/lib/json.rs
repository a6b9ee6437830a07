//! `json::`: JSON texts.

use std::rc::Rc;

use rhai::Dynamic;

use super::{Fun, Native, arg, put};
use crate::json::{self, Limits, Tape, decode_plain, encode};
use crate::script::bounded;
use crate::script::fault::fault;
use crate::script::run::Run;

/// The functions of the namespace.
pub const FUNS: &[Fun] = &[
    Fun {
        name: "json::parse",
        signature: "json::parse(text, default?) -> value",
        about: "The value that a JSON text stands for. If it is not JSON, the default; without one, an error.",
        example: r#"json::parse(`{"a": [1, 2]}`).a[1] == 2
json::parse("null") == ()
json::parse("{oops", #{}) == #{}"#,
        add: |module, lib| {
            let run = Rc::clone(&lib.run);
            put(module, "parse", move |value: Dynamic| -> Native {
                arg::try_text(&value, "parse", |text| parse(&run, text)?.map_err(fault))
            });
            let run = Rc::clone(&lib.run);
            put(module, "parse", move |value: Dynamic, default: Dynamic| -> Native {
                arg::try_text(&value, "parse", |text| Ok(parse(&run, text)?.unwrap_or(default)))
            });
        },
    },
    Fun {
        name: "json::pretty",
        signature: "json::pretty(value) -> text",
        about: "The value as JSON in lines, with sorted keys.",
        example: r#"json::pretty(#{ b: 1, a: [] }) == "{\n  \"a\": [],\n  \"b\": 1\n}""#,
        add: |module, lib| {
            let run = Rc::clone(&lib.run);
            put(module, "pretty", move |value: &mut Dynamic| -> Native {
                let text = stringify(&run, value)?;
                // Every line is indented by its level.
                run.allow_bytes(indented_bytes(&text))?;
                Ok(json::pretty(text.as_bytes()).into())
            });
        },
    },
    Fun {
        name: "json::stringify",
        signature: "json::stringify(value) -> text",
        about: "The value as compact JSON with sorted keys.",
        example: r#"json::stringify(#{ b: 1, a: [true, ()] }) == `{"a":[true,null],"b":1}`"#,
        add: |module, lib| {
            let run = Rc::clone(&lib.run);
            put(module, "stringify", move |value: &mut Dynamic| -> Native { Ok(stringify(&run, value)?.into()) });
        },
    },
];

fn parse(run: &Run, text: &str) -> Native<Result<Dynamic, String>> {
    run.charge_bytes(text.len())?;
    let limits = Limits { nodes: run.limits().items, ..Limits::default() };
    Ok(decode_plain(text.as_bytes(), &limits).map_err(|error| error.to_string()))
}

/// At least the length of a compact JSON text when it is indented.
fn indented_bytes(text: &str) -> usize {
    let (mut level, mut bytes) = (0_usize, text.len());
    for byte in text.bytes() {
        match byte {
            b'{' | b'[' => level += 1,
            b'}' | b']' => level = level.saturating_sub(1),
            b',' | b':' => {}
            _ => continue,
        }
        bytes = bytes.saturating_add(2 * level + 1);
    }
    bytes
}

fn stringify(run: &Run, value: &Dynamic) -> Native<String> {
    bounded::measure(run, value)?;
    let mut text = Vec::new();
    encode(value, &Tape::default(), &mut text).map_err(|error| fault(error.to_string()))?;
    run.charge_bytes(text.len())?;
    Ok(String::from_utf8_lossy(&text).into_owned())
}
