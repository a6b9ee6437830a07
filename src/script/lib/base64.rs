//! `base64::`: Base64, plain and URL-safe.

use base64::Engine as _;
use base64::alphabet;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig, STANDARD, URL_SAFE_NO_PAD};
use rhai::Dynamic;

use super::{Fun, Native, arg, put};
use crate::script::fault::fault;

const LENIENT: GeneralPurposeConfig =
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
const DECODE: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, LENIENT);
const DECODE_URL: GeneralPurpose = GeneralPurpose::new(&alphabet::URL_SAFE, LENIENT);

/// The functions of the namespace.
pub const FUNS: &[Fun] = &[
    Fun {
        name: "base64::decode",
        signature: "base64::decode(text) -> text",
        about: "The text that was encoded, with or without padding; an error if it is not Base64 or not text.",
        example: r#"base64::decode("aGVsbG8=") == "hello"
base64::decode("aGVsbG8") == "hello""#,
        add: |module, _| put(module, "decode", |value: Dynamic| decode(&value, "decode", &DECODE)),
    },
    Fun {
        name: "base64::decode_url",
        signature: "base64::decode_url(text) -> text",
        about: "The text that was encoded with the URL-safe alphabet.",
        example: r#"base64::decode_url("Pz8_") == "???""#,
        add: |module, _| put(module, "decode_url", |value: Dynamic| decode(&value, "decode_url", &DECODE_URL)),
    },
    Fun {
        name: "base64::encode",
        signature: "base64::encode(text) -> text",
        about: "Base64 with padding.",
        example: r#"base64::encode("hello") == "aGVsbG8=""#,
        add: |module, _| {
            put(module, "encode", |value: Dynamic| arg::map_text(&value, "encode", |text| STANDARD.encode(text)));
        },
    },
    Fun {
        name: "base64::encode_hex",
        signature: "base64::encode_hex(hex) -> text",
        about: "Base64 of the bytes that a hex text stands for, to turn one form of a digest into the other.",
        example: r#"base64::encode_hex("68656c6c6f") == "aGVsbG8=""#,
        add: |module, _| {
            put(module, "encode_hex", |value: Dynamic| {
                arg::try_text(&value, "encode_hex", |text| {
                    let bytes = hex::decode(text).map_err(|_| fault("encode_hex takes hex digits"))?;
                    Ok(STANDARD.encode(bytes).into())
                })
            });
        },
    },
    Fun {
        name: "base64::encode_url",
        signature: "base64::encode_url(text) -> text",
        about: "Base64 with the URL-safe alphabet, without padding.",
        example: r#"base64::encode_url("???") == "Pz8_""#,
        add: |module, _| {
            put(module, "encode_url", |value: Dynamic| {
                arg::map_text(&value, "encode_url", |text| URL_SAFE_NO_PAD.encode(text))
            });
        },
    },
];

fn decode(value: &Dynamic, name: &str, engine: &GeneralPurpose) -> Native {
    arg::try_text(value, name, |text| {
        let bytes = engine.decode(text.trim()).map_err(|_| fault("this is not Base64"))?;
        let text = String::from_utf8(bytes).map_err(|_| fault("the decoded bytes are not text"))?;
        Ok(text.into())
    })
}
