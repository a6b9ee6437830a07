//! `hash::`: digests as lower-case hex, of texts and of blobs.

use std::rc::Rc;

use md5::Md5;
use rhai::{Dynamic, Module};
use sha1::Sha1;
use sha2::{Digest, Sha256, Sha384, Sha512};

use super::{Fun, Lib, arg, put};

/// The functions of the namespace.
pub const FUNS: &[Fun] = &[
    Fun {
        name: "hash::md5",
        signature: "hash::md5(text) -> text",
        about: "The MD5 digest. For systems that ask for it; it protects nothing.",
        example: r#"hash::md5("jane@example.com") == "9e26471d35a78862c17e467d87cddedf""#,
        add: |module, lib| add::<Md5>(module, lib, "md5"),
    },
    Fun {
        name: "hash::sha1",
        signature: "hash::sha1(text) -> text",
        about: "The SHA-1 digest.",
        example: r#"hash::sha1("abc") == "a9993e364706816aba3e25717850c26c9cd0d89d""#,
        add: |module, lib| add::<Sha1>(module, lib, "sha1"),
    },
    Fun {
        name: "hash::sha256",
        signature: "hash::sha256(text) -> text",
        about: "The SHA-256 digest, as advertising platforms take e-mail addresses. Absent stays absent.",
        example: r#"hash::sha256("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
hash::sha256(()) == ()"#,
        add: |module, lib| add::<Sha256>(module, lib, "sha256"),
    },
    Fun {
        name: "hash::sha384",
        signature: "hash::sha384(text) -> text",
        about: "The SHA-384 digest.",
        example: r#"hash::sha384("abc").len == 96"#,
        add: |module, lib| add::<Sha384>(module, lib, "sha384"),
    },
    Fun {
        name: "hash::sha512",
        signature: "hash::sha512(text) -> text",
        about: "The SHA-512 digest.",
        example: r#"hash::sha512("abc").len == 128"#,
        add: |module, lib| add::<Sha512>(module, lib, "sha512"),
    },
];

fn add<D: Digest + 'static>(module: &mut Module, lib: &Lib, name: &'static str) {
    let run = Rc::clone(&lib.run);
    put(module, name, move |value: Dynamic| {
        arg::try_bytes(&value, name, |bytes| {
            run.charge_bytes(bytes.len())?;
            Ok(hex::encode(D::digest(bytes)).into())
        })
    });
}
