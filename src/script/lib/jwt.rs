//! `jwt::`: JSON Web Tokens. A shared secret checks HS256, HS384 and HS512, a public key in PEM form RS256, RS384, RS512 and ES256.
//!
//! The kind of key decides which algorithms are taken, never the token alone: a token that names HS256 is not checked against the
//! text of a public key, which anybody may know.

use std::rc::Rc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rhai::{Dynamic, Map};
use sha2::{Sha256, Sha384, Sha512};
use subtle::ConstantTimeEq;

use super::{Fun, Native, arg, base64 as b64, hmac, put, put_text};
use crate::json::{Limits, Tape, decode_plain, encode};
use crate::script::bounded;
use crate::script::fault::fault;
use crate::script::run::Run;

mod public;

/// The longest token.
const TEXT_BYTES: usize = 1 << 16;

/// The functions of the namespace.
pub const FUNS: &[Fun] = &[
    Fun {
        name: "jwt::decode",
        signature: "jwt::decode(token) -> map",
        about: "The claims of a token without checking it; `()` if it is none.",
        example: r#"jwt::decode(jwt::sign(#{ sub: "u-1" }, "secret")) == #{ sub: "u-1" }
jwt::decode("x") == ()"#,
        add: |module, lib| {
            put_text(module, lib, "decode", |text| Ok(parts(text).map_or(Dynamic::UNIT, |parts| parts.claims.into())));
        },
    },
    Fun {
        name: "jwt::header",
        signature: "jwt::header(token) -> map",
        about: "The header of a token (`alg`, `kid`), to choose the key by; `()` if it is none.",
        example: r#"jwt::header(jwt::sign(#{ sub: "u-1" }, "secret")).alg == "HS256""#,
        add: |module, lib| {
            put_text(module, lib, "header", |text| Ok(parts(text).map_or(Dynamic::UNIT, |parts| parts.header.into())));
        },
    },
    Fun {
        name: "jwt::sign",
        signature: "jwt::sign(claims, secret, algorithm?) -> text",
        about: "A token of claims, signed with a shared secret: HS256 if nothing else is given, HS384 or HS512.",
        example: r#"jwt::sign(#{ sub: "u-1" }, "secret").split(".").len == 3
jwt::header(jwt::sign(#{ sub: "u-1" }, "secret", "HS512")).alg == "HS512""#,
        add: |module, lib| {
            let run = Rc::clone(&lib.run);
            put(module, "sign", move |claims: Map, secret: Dynamic| sign(&run, claims, &secret, "HS256"));
            let run = Rc::clone(&lib.run);
            put(module, "sign", move |claims: Map, secret: Dynamic, algorithm: &str| {
                sign(&run, claims, &secret, algorithm)
            });
        },
    },
    Fun {
        name: "jwt::verify",
        signature: "jwt::verify(token, key, leeway_seconds?) -> map",
        about: "The claims of a token whose signature fits the key (a shared secret as text or blob, or a public key in PEM form) and which is \
                valid at the time of the delivery by its `exp` and `nbf`; `()` otherwise.",
        example: r#"jwt::verify(jwt::sign(#{ sub: "u-1" }, "secret"), "secret") == #{ sub: "u-1" }
jwt::verify(jwt::sign(#{ sub: "u-1" }, "secret"), "other") == ()
jwt::verify(jwt::sign(#{ exp: 1 }, "secret"), "secret") == ()"#,
        add: |module, lib| {
            let run = Rc::clone(&lib.run);
            put(module, "verify", move |token: Dynamic, key: Dynamic| verify(&run, &token, &key, 0));
            let run = Rc::clone(&lib.run);
            put(module, "verify", move |token: Dynamic, key: Dynamic, leeway: i64| verify(&run, &token, &key, leeway));
        },
    },
];

struct Parts<'a> {
    header: Map,
    claims: Map,
    /// What is signed.
    signed: &'a str,
    signature: Vec<u8>,
}

fn parts(token: &str) -> Option<Parts<'_>> {
    let token = token.trim();
    if token.len() > TEXT_BYTES {
        return None;
    }
    let (signed, signature) = token.rsplit_once('.')?;
    let (header, claims) = signed.split_once('.')?;
    let limits = Limits { depth: 32, nodes: 10_000 };
    let part = |text: &str| -> Option<Map> {
        let bytes = URL_SAFE_NO_PAD.decode(text.trim_end_matches('=')).ok()?;
        decode_plain(&bytes, &limits).ok()?.try_cast::<Map>()
    };
    let signature = URL_SAFE_NO_PAD.decode(signature.trim_end_matches('=')).ok()?;
    Some(Parts { header: part(header)?, claims: part(claims)?, signed, signature })
}

fn keyed(algorithm: &str, key: &[u8], signed: &str) -> Option<Native<Vec<u8>>> {
    let mac = match algorithm {
        "HS256" => hmac::mac::<Sha256>,
        "HS384" => hmac::mac::<Sha384>,
        "HS512" => hmac::mac::<Sha512>,
        _ => return None,
    };
    Some(mac(key, signed.as_bytes()))
}

fn sign(run: &Run, claims: Map, secret: &Dynamic, algorithm: &str) -> Native {
    if secret.is_unit() {
        return Err(fault("sign takes a secret, not nothing `()`"));
    }
    let claims = Dynamic::from_map(claims);
    bounded::measure(run, &claims)?;
    let mut text = Vec::new();
    encode(&claims, &Tape::default(), &mut text).map_err(|error| fault(error.to_string()))?;
    run.charge_bytes(text.len())?;
    let header = format!(r#"{{"alg":"{algorithm}","typ":"JWT"}}"#);
    let signed = format!("{}.{}", URL_SAFE_NO_PAD.encode(&header), URL_SAFE_NO_PAD.encode(&text));
    arg::try_bytes(secret, "sign", |key| {
        let digest = keyed(algorithm, key, &signed);
        let digest = digest.ok_or_else(|| fault(format!("sign knows HS256, HS384 and HS512, not `{algorithm}`")))??;
        Ok(format!("{signed}.{}", URL_SAFE_NO_PAD.encode(digest)).into())
    })
}

fn verify(run: &Run, token: &Dynamic, key: &Dynamic, leeway: i64) -> Native {
    if key.is_unit() {
        return Err(fault("verify takes a key, not nothing `()`"));
    }
    arg::try_text(token, "verify", |text| {
        run.charge_bytes(text.len())?;
        let Some(parts) = parts(text) else { return Ok(Dynamic::UNIT) };
        let algorithm = parts.header.get("alg").cloned().unwrap_or_default();
        let algorithm = arg::text(&algorithm, "alg").ok().flatten().unwrap_or_default();
        let public = arg::text(key, "verify").ok().flatten().filter(|key| key.trim_start().starts_with("-----BEGIN"));
        let holds = if let Some(pem) = public {
            // About what checking one signature takes.
            run.charge(200)?;
            public::verify(&algorithm, &pem, parts.signed.as_bytes(), &parts.signature)?
        } else {
            let fits = arg::try_bytes(key, "verify", |key| {
                run.charge_bytes(key.len())?;
                let digest = keyed(&algorithm, key, parts.signed).transpose()?;
                Ok(digest.is_some_and(|digest| digest.ct_eq(&parts.signature).into()).into())
            })?;
            fits.as_bool().unwrap_or(false)
        };
        if holds && is_in_time(&parts.claims, run.now_ms(), leeway) {
            return Ok(parts.claims.into());
        }
        Ok(Dynamic::UNIT)
    })
}

/// A time that is no number makes a token invalid.
fn is_in_time(claims: &Map, now_ms: i64, leeway: i64) -> bool {
    let now = now_ms as f64 / 1000.0;
    let time = |name: &str, holds: &dyn Fn(f64) -> bool| match claims.get(name) {
        None => true,
        Some(value) => value.as_float().or_else(|_| value.as_int().map(|int| int as f64)).is_ok_and(holds),
    };
    let leeway = leeway.max(0) as f64;
    time("exp", &|exp| now < exp + leeway) && time("nbf", &|nbf| now >= nbf - leeway)
}

/// The bytes of a key in PEM form.
fn pem_bytes(pem: &str) -> Option<Vec<u8>> {
    let body = pem.trim().strip_prefix("-----BEGIN ")?.split_once("-----")?.1;
    let body: String = body.split_once("-----END ")?.0.split_whitespace().collect();
    b64::bytes(&body).ok()
}
