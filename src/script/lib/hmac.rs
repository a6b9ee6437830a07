//! `hmac::`: keyed digests, and a comparison in constant time. Key and data are texts or blobs: `hex::bytes` and `base64::bytes`
//! make blobs of keys that are written down so.

use std::rc::Rc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{EagerHash, Hmac, KeyInit, Mac};
use md5::Md5;
use rhai::{Dynamic, Module};
use sha1::Sha1;
use sha2::{Sha256, Sha384, Sha512};
use subtle::ConstantTimeEq;

use super::{Fun, Lib, Native, arg, put};
use crate::script::fault::fault;

/// The functions of the namespace.
pub const FUNS: &[Fun] = &[
    Fun {
        name: "hmac::equal",
        signature: "hmac::equal(a, b) -> bool",
        about: "Whether two texts are the same, in a time that does not depend on where they differ.",
        example: r#"hmac::equal("abc", "abc") == true
hmac::equal("abc", "abd") == false"#,
        add: |module, lib| {
            let run = Rc::clone(&lib.run);
            put(module, "equal", move |a: Dynamic, b: Dynamic| -> Native<bool> {
                let (a, b) = (arg::needed(&a, "equal")?, arg::needed(&b, "equal")?);
                run.charge_bytes(a.len())?;
                Ok(a.as_bytes().ct_eq(b.as_bytes()).into())
            });
        },
    },
    Fun {
        name: "hmac::md5",
        signature: "hmac::md5(key, text) -> text",
        about: "HMAC-MD5 as hex, for systems that ask for it.",
        example: r#"hmac::md5("key", "The quick brown fox jumps over the lazy dog") == "80070713463e7749b90c2dc24911e275""#,
        add: |module, lib| add::<Md5>(module, lib, "md5", to_hex),
    },
    Fun {
        name: "hmac::sha1",
        signature: "hmac::sha1(key, text) -> text",
        about: "HMAC-SHA-1 as hex.",
        example: r#"hmac::sha1("key", "The quick brown fox jumps over the lazy dog") == "de7c9b85b8b78aa6bc8a7a36f70a90701c9db4d9""#,
        add: |module, lib| add::<Sha1>(module, lib, "sha1", to_hex),
    },
    Fun {
        name: "hmac::sha1_base64",
        signature: "hmac::sha1_base64(key, text) -> text",
        about: "HMAC-SHA-1 as Base64.",
        example: r#"hmac::sha1_base64("key", "text") == base64::encode_hex(hmac::sha1("key", "text"))"#,
        add: |module, lib| add::<Sha1>(module, lib, "sha1_base64", to_base64),
    },
    Fun {
        name: "hmac::sha256",
        signature: "hmac::sha256(key, text) -> text",
        about: "HMAC-SHA-256 as hex.",
        example: r#"hmac::sha256(hex::bytes("6b6579"), "text") == hmac::sha256("key", "text")
hmac::sha256("key", "The quick brown fox jumps over the lazy dog") == "f7bc83f430538424b13298e6aa6fb143ef4d59a14946175997479dbc2d1a3cd8""#,
        add: |module, lib| add::<Sha256>(module, lib, "sha256", to_hex),
    },
    Fun {
        name: "hmac::sha256_base64",
        signature: "hmac::sha256_base64(key, text) -> text",
        about: "HMAC-SHA-256 as Base64, as Shopify signs.",
        example: r#"hmac::sha256_base64("key", "text") == base64::encode_hex(hmac::sha256("key", "text"))"#,
        add: |module, lib| add::<Sha256>(module, lib, "sha256_base64", to_base64),
    },
    Fun {
        name: "hmac::sha384",
        signature: "hmac::sha384(key, text) -> text",
        about: "HMAC-SHA-384 as hex.",
        example: r#"hmac::sha384("key", "text").len == 96"#,
        add: |module, lib| add::<Sha384>(module, lib, "sha384", to_hex),
    },
    Fun {
        name: "hmac::sha384_base64",
        signature: "hmac::sha384_base64(key, text) -> text",
        about: "HMAC-SHA-384 as Base64.",
        example: r#"hmac::sha384_base64("key", "text") == base64::encode_hex(hmac::sha384("key", "text"))"#,
        add: |module, lib| add::<Sha384>(module, lib, "sha384_base64", to_base64),
    },
    Fun {
        name: "hmac::sha512",
        signature: "hmac::sha512(key, text) -> text",
        about: "HMAC-SHA-512 as hex.",
        example: r#"hmac::sha512("key", "text").len == 128"#,
        add: |module, lib| add::<Sha512>(module, lib, "sha512", to_hex),
    },
    Fun {
        name: "hmac::sha512_base64",
        signature: "hmac::sha512_base64(key, text) -> text",
        about: "HMAC-SHA-512 as Base64.",
        example: r#"hmac::sha512_base64("key", "text") == base64::encode_hex(hmac::sha512("key", "text"))"#,
        add: |module, lib| add::<Sha512>(module, lib, "sha512_base64", to_base64),
    },
];

fn to_hex(bytes: &[u8]) -> String {
    hex::encode(bytes)
}

fn to_base64(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

/// The keyed digest of bytes.
pub fn mac<D: EagerHash>(key: &[u8], bytes: &[u8]) -> Native<Vec<u8>> {
    let mut mac = Hmac::<D>::new_from_slice(key).map_err(|_| fault("the key cannot be used"))?;
    mac.update(bytes);
    Ok(mac.finalize().into_bytes().to_vec())
}

fn add<D: EagerHash + 'static>(module: &mut Module, lib: &Lib, name: &'static str, write: fn(&[u8]) -> String) {
    let run = Rc::clone(&lib.run);
    put(module, name, move |key: Dynamic, value: Dynamic| -> Native {
        if key.is_unit() {
            return Err(fault(format!("{name} takes a key, not nothing `()`")));
        }
        arg::try_bytes(&value, name, |bytes| {
            run.charge_bytes(bytes.len())?;
            arg::try_bytes(&key, name, |key| {
                run.charge_bytes(key.len())?;
                Ok(write(&mac::<D>(key, bytes)?).into())
            })
        })
    });
}
