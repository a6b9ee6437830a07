//! `hex::`: hexadecimal digits.

use rhai::Dynamic;

use super::{Fun, arg, put};
use crate::script::fault::fault;

/// The functions of the namespace.
pub const FUNS: &[Fun] = &[
    Fun {
        name: "hex::decode",
        signature: "hex::decode(text) -> text",
        about: "The text that hex digits stand for.",
        example: r#"hex::decode("6869") == "hi""#,
        add: |module, _| {
            put(module, "decode", |value: Dynamic| {
                arg::try_text(&value, "decode", |text| {
                    let bytes = hex::decode(text.trim()).map_err(|_| fault("these are not hex digits"))?;
                    let text = String::from_utf8(bytes).map_err(|_| fault("the decoded bytes are not text"))?;
                    Ok(text.into())
                })
            });
        },
    },
    Fun {
        name: "hex::encode",
        signature: "hex::encode(text) -> text",
        about: "The bytes of a text as hex digits.",
        example: r#"hex::encode("hi") == "6869""#,
        add: |module, _| {
            put(module, "encode", |value: Dynamic| arg::map_text(&value, "encode", |text| hex::encode(text)));
        },
    },
];
