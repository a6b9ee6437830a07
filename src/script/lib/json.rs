//! `json::`: JSON texts.

use std::rc::Rc;

use rhai::Dynamic;

use super::{Fun, Native, arg, put};
use crate::json::{Limits, Tape, decode_plain, encode};
use crate::script::bounded;
use crate::script::fault::fault;

/// The functions of the namespace.
pub const FUNS: &[Fun] = &[
    Fun {
        name: "json::parse",
        signature: "json::parse(text) -> value",
        about: "The value that a JSON text stands for; an error if it is not JSON.",
        example: r#"json::parse(`{"a": [1, 2]}`).a[1] == 2
json::parse("null") == ()"#,
        add: |module, lib| {
            let run = Rc::clone(&lib.run);
            put(module, "parse", move |value: Dynamic| -> Native {
                let limits = Limits { nodes: run.limits().items, ..Limits::default() };
                arg::try_text(&value, "parse", |text| {
                    decode_plain(text.as_bytes(), &limits).map_err(|error| fault(error.to_string()))
                })
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
            put(module, "stringify", move |value: &mut Dynamic| -> Native {
                bounded::measure(&run, value)?;
                let mut text = Vec::new();
                encode(value, &Tape::default(), &mut text).map_err(|error| fault(error.to_string()))?;
                Ok(String::from_utf8_lossy(&text).into_owned().into())
            });
        },
    },
];
