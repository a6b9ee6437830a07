//! `uuid::`: ids that repeat when the delivery is run again.

use std::rc::Rc;

use rhai::Dynamic;
use sha2::{Digest, Sha256};
use uuid::{Builder, Uuid};

use super::{Fun, Native, arg, put};
use crate::script::fault::fault;

/// The functions of the namespace.
pub const FUNS: &[Fun] = &[
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
        add: |module, _| {
            put(module, "v5", |namespace: Dynamic, name: Dynamic| -> Native {
                let namespace = match arg::needed(&namespace, "v5")?.as_str() {
                    "dns" => Uuid::NAMESPACE_DNS,
                    "url" => Uuid::NAMESPACE_URL,
                    "oid" => Uuid::NAMESPACE_OID,
                    "x500" => Uuid::NAMESPACE_X500,
                    other => Uuid::parse_str(other)
                        .map_err(|_| fault(format!("the namespace is dns, url, oid, x500 or a UUID, not `{other}`")))?,
                };
                arg::map_text(&name, "v5", |name| Uuid::new_v5(&namespace, name.as_bytes()).to_string())
            });
        },
    },
];
