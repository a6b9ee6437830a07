//! `hex::`: hexadecimal digits.

use std::rc::Rc;

use rhai::Dynamic;

use super::{Fun, arg, put, put_text};
use crate::script::fault::fault;

/// The functions of the namespace.
pub const FUNS: &[Fun] = &[
    Fun {
        name: "hex::bytes",
        signature: "hex::bytes(text) -> blob",
        about: "The bytes that hex digits stand for, as a blob: a key for `hmac::`, say.",
        example: r#"hex::encode(hex::bytes("ff00")) == "ff00""#,
        add: |module, lib| {
            put_text(module, lib, "bytes", |text| {
                Ok(Dynamic::from_blob(hex::decode(text.trim()).map_err(|_| fault("these are not hex digits"))?))
            });
        },
    },
    Fun {
        name: "hex::decode",
        signature: "hex::decode(text) -> text",
        about: "The text that hex digits stand for.",
        example: r#"hex::decode("6869") == "hi""#,
        add: |module, lib| {
            put_text(module, lib, "decode", |text| {
                let bytes = hex::decode(text.trim()).map_err(|_| fault("these are not hex digits"))?;
                let text = String::from_utf8(bytes).map_err(|_| fault("the decoded bytes are not text"))?;
                Ok(text.into())
            });
        },
    },
    Fun {
        name: "hex::encode",
        signature: "hex::encode(text) -> text",
        about: "The bytes of a text or blob as hex digits.",
        example: r#"hex::encode("hi") == "6869""#,
        add: |module, lib| {
            let run = Rc::clone(&lib.run);
            put(module, "encode", move |value: Dynamic| {
                arg::try_bytes(&value, "encode", |bytes| {
                    run.allow_bytes(bytes.len().saturating_mul(2))?;
                    run.charge_bytes(bytes.len())?;
                    Ok(hex::encode(bytes).into())
                })
            });
        },
    },
];
