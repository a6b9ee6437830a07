//! A keyed hash over a request's body, by which the receiver knows the sender.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;
use sha2::{Sha256, Sha512};

use crate::registry::{Options, Secret};

/// How requests are signed.
pub(super) struct Signature {
    /// The header it goes into.
    pub(super) header: String,
    secret: Secret,
    algorithm: Algorithm,
    base64: bool,
    prefix: String,
}

#[derive(Clone, Copy)]
enum Algorithm {
    Sha1,
    Sha256,
    Sha512,
}

impl Signature {
    /// From the `sign_*` options; `None` without `sign_secret`.
    pub(super) fn from_options(options: &Options) -> Option<Self> {
        Some(Self {
            header: options.text("sign_header").to_ascii_lowercase(),
            secret: options.secret("sign_secret")?.clone(),
            algorithm: match options.text("sign_algorithm") {
                "sha1" => Algorithm::Sha1,
                "sha512" => Algorithm::Sha512,
                _ => Algorithm::Sha256,
            },
            base64: options.text("sign_encoding") == "base64",
            prefix: options.text("sign_prefix").to_owned(),
        })
    }

    /// The header's value for a body as it is sent.
    pub(super) fn sign(&self, body: &[u8]) -> String {
        let key = self.secret.reveal().as_bytes();
        let code = match self.algorithm {
            Algorithm::Sha1 => code::<Hmac<Sha1>>(key, body),
            Algorithm::Sha256 => code::<Hmac<Sha256>>(key, body),
            Algorithm::Sha512 => code::<Hmac<Sha512>>(key, body),
        };
        let text = if self.base64 { STANDARD.encode(code) } else { hex::encode(code) };
        format!("{}{text}", self.prefix)
    }
}

/// HMAC takes keys of every length, so there is a code for every key.
fn code<M: Mac + KeyInit>(key: &[u8], body: &[u8]) -> Vec<u8> {
    M::new_from_slice(key).map(|mac| mac.chain_update(body).finalize().into_bytes().to_vec()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signs_as_rfc_4231_and_rfc_2202_say() {
        // Test case 2 of both: key "Jefe".
        let body = b"what do ya want for nothing?";
        for (algorithm, base64, prefix, expected) in [
            (Algorithm::Sha256, false, "", "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"),
            (Algorithm::Sha1, false, "sha1=", "sha1=effcdf6ae5eb2fa2d27416d5f184df9c259a7c79"),
            (Algorithm::Sha1, true, "", "7/zfauXrL6LSdBbV8YTfnCWafHk="),
            (
                Algorithm::Sha512,
                false,
                "",
                "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea2505549758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737",
            ),
        ] {
            let signature = Signature {
                header: String::new(),
                secret: Secret::new("Jefe"),
                algorithm,
                base64,
                prefix: prefix.into(),
            };
            assert_eq!(signature.sign(body), expected);
        }
    }
}
