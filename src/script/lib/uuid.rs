//! `uuid::`: ids that repeat when the delivery is run again.

use std::rc::Rc;

use rhai::{Dynamic, INT};
use sha2::{Digest, Sha256};
use uuid::{Builder, Uuid};

use super::{Fun, Native, arg, put};
use crate::script::fault::fault;

/// The functions of the namespace.
pub const FUNS: &[Fun] = &[
    Fun {
        name: "uuid::is_valid",
        signature: "uuid::is_valid(text) -> bool",
        about: "Whether a text is a UUID of any version; false if it is absent.",
        example: r#"uuid::is_valid("cfbff0d1-9375-5685-968c-48ce8b15ae17") == true
uuid::is_valid("12") == false
uuid::is_valid(()) == false"#,
        add: |module, _| {
            put(module, "is_valid", |value: Dynamic| -> Native<bool> {
                Ok(arg::text(&value, "is_valid")?.is_some_and(|text| Uuid::try_parse(&text).is_ok()))
            });
        },
    },
    Fun {
        name: "uuid::ulid",
        signature: "uuid::ulid(time?) -> text",
        about: "A ULID: 26 letters and digits that sort by time (when the delivery was received, if none is given in milliseconds); the \
                rest looks random, and is the same when the delivery is run again.",
        example: r#"uuid::ulid().len == 26
uuid::ulid(1469918176385).starts_with("01ARYZ6S41") == true
uuid::ulid() != uuid::ulid()"#,
        add: |module, lib| {
            let run = Rc::clone(&lib.run);
            put(module, "ulid", move || ulid(run.now_ms(), &run.next_seed()));
            let run = Rc::clone(&lib.run);
            put(module, "ulid", move |time: INT| ulid(time, &run.next_seed()));
        },
    },
    Fun {
        name: "uuid::v4",
        signature: "uuid::v4() -> text",
        about: "An id that looks random: different at each call, and the same when the delivery is run again.",
        example: r"uuid::v4() != uuid::v4()",
        add: |module, lib| {
            let run = Rc::clone(&lib.run);
            put(module, "v4", move || {
                let digest = Sha256::digest(run.next_seed());
                let mut bytes = [0; 16];
                bytes.copy_from_slice(&digest[..16]);
                Builder::from_random_bytes(bytes).into_uuid().to_string()
            });
        },
    },
    Fun {
        name: "uuid::v5",
        signature: "uuid::v5(namespace, name) -> text",
        about: "The id of a name in a namespace: `dns`, `url`, `oid`, `x500` or a UUID.",
        example: r#"uuid::v5("dns", "example.com") == "cfbff0d1-9375-5685-968c-48ce8b15ae17""#,
        add: |module, lib| {
            let run = Rc::clone(&lib.run);
            put(module, "v5", move |namespace: Dynamic, name: Dynamic| -> Native {
                let namespace = match arg::needed(&namespace, "v5")?.as_str() {
                    "dns" => Uuid::NAMESPACE_DNS,
                    "url" => Uuid::NAMESPACE_URL,
                    "oid" => Uuid::NAMESPACE_OID,
                    "x500" => Uuid::NAMESPACE_X500,
                    other => Uuid::parse_str(other)
                        .map_err(|_| fault(format!("the namespace is dns, url, oid, x500 or a UUID, not `{other}`")))?,
                };
                arg::try_text(&name, "v5", |name| {
                    run.charge_bytes(name.len())?;
                    Ok(Uuid::new_v5(&namespace, name.as_bytes()).to_string().into())
                })
            });
        },
    },
];

/// 48 bits of time and 80 that look random, in Crockford's Base32.
fn ulid(ms: INT, seed: &str) -> String {
    const DIGITS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
    let digest = Sha256::digest(seed);
    let mut bytes = [0; 16];
    bytes[..6].copy_from_slice(&ms.max(0).to_be_bytes()[2..]);
    bytes[6..].copy_from_slice(&digest[..10]);
    let value = u128::from_be_bytes(bytes);
    (0..26).rev().map(|at| char::from(DIGITS[(value >> (at * 5)) as usize & 31])).collect()
}
