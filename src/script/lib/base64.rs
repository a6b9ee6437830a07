//! `base64::`: Base64, plain and URL-safe.

use std::rc::Rc;

use base64::Engine as _;
use base64::alphabet;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig, STANDARD, URL_SAFE_NO_PAD};
use rhai::{Dynamic, Module};

use super::{Fun, Lib, Native, arg, put, put_text};
use crate::script::fault::fault;

const LENIENT: GeneralPurposeConfig =
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
const DECODE: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, LENIENT);
const DECODE_URL: GeneralPurpose = GeneralPurpose::new(&alphabet::URL_SAFE, LENIENT);

/// The functions of the namespace.
pub const FUNS: &[Fun] = &[
    Fun {
        name: "base64::bytes",
        signature: "base64::bytes(text) -> blob",
        about: "The bytes that were encoded with either alphabet, as a blob: a key for `hmac::`, say.",
        example: r#"base64::encode(base64::bytes("/+8=")) == "/+8="
base64::bytes("_-8") == base64::bytes("/+8=")"#,
        add: |module, lib| put_text(module, lib, "bytes", |text| Ok(Dynamic::from_blob(bytes(text)?))),
    },
    Fun {
        name: "base64::decode",
        signature: "base64::decode(text) -> text",
        about: "The text that was encoded, with or without padding; an error if it is not Base64 or not text.",
        example: r#"base64::decode("aGVsbG8=") == "hello"
base64::decode("aGVsbG8") == "hello""#,
        add: |module, lib| put_text(module, lib, "decode", |text| decode(text, &DECODE)),
    },
    Fun {
        name: "base64::decode_url",
        signature: "base64::decode_url(text) -> text",
        about: "The text that was encoded with the URL-safe alphabet.",
        example: r#"base64::decode_url("Pz8_") == "???""#,
        add: |module, lib| put_text(module, lib, "decode_url", |text| decode(text, &DECODE_URL)),
    },
    Fun {
        name: "base64::encode",
        signature: "base64::encode(text) -> text",
        about: "Base64 of a text or blob, with padding.",
        example: r#"base64::encode("hello") == "aGVsbG8=""#,
        add: |module, lib| encode(module, lib, "encode", &STANDARD),
    },
    Fun {
        name: "base64::encode_hex",
        signature: "base64::encode_hex(hex) -> text",
        about: "Base64 of the bytes that a hex text stands for, to turn one form of a digest into the other.",
        example: r#"base64::encode_hex("68656c6c6f") == "aGVsbG8=""#,
        add: |module, lib| {
            put_text(module, lib, "encode_hex", |text| {
                let bytes = hex::decode(text).map_err(|_| fault("encode_hex takes hex digits"))?;
                Ok(STANDARD.encode(bytes).into())
            });
        },
    },
    Fun {
        name: "base64::encode_url",
        signature: "base64::encode_url(text) -> text",
        about: "Base64 of a text or blob with the URL-safe alphabet, without padding.",
        example: r#"base64::encode_url("???") == "Pz8_""#,
        add: |module, lib| encode(module, lib, "encode_url", &URL_SAFE_NO_PAD),
    },
];

/// The bytes of a text in either alphabet, with or without padding.
pub fn bytes(text: &str) -> Native<Vec<u8>> {
    let text = text.trim();
    let engine = if text.contains(['-', '_']) { &DECODE_URL } else { &DECODE };
    engine.decode(text).map_err(|_| fault("this is not Base64"))
}

fn decode(text: &str, engine: &GeneralPurpose) -> Native {
    let bytes = engine.decode(text.trim()).map_err(|_| fault("this is not Base64"))?;
    let text = String::from_utf8(bytes).map_err(|_| fault("the decoded bytes are not text"))?;
    Ok(text.into())
}

fn encode(module: &mut Module, lib: &Lib, name: &'static str, engine: &'static GeneralPurpose) {
    let run = Rc::clone(&lib.run);
    put(module, name, move |value: Dynamic| {
        arg::try_bytes(&value, name, |bytes| {
            run.allow_bytes(bytes.len().saturating_mul(4) / 3)?;
            run.charge_bytes(bytes.len())?;
            Ok(engine.encode(bytes).into())
        })
    });
}
