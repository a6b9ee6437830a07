//! The `verify` option: how a sender proves who it is, and how a sample is made to pass.

use super::hmac::Hmac;
use crate::diag::Diag;
use crate::registry::{Options, Secret};
use crate::source::verify::{Denied, Key, StandardWebhooks, is_one_of};
use crate::source::{Request, Sample};

/// What is asked of a sender.
#[derive(Debug)]
pub(super) enum Proof {
    /// Nothing.
    None,
    /// A header holds one of the secrets.
    Header { name: String, prefix: String, secrets: Vec<Secret> },
    /// A header holds a keyed hash.
    Hmac(Hmac),
    /// The three headers of Standard Webhooks.
    Standard(StandardWebhooks),
}

impl Proof {
    /// From the `verify` option.
    pub(super) fn build(options: &Options, problems: &mut Vec<Diag>) -> Option<Self> {
        let (form, own) = options.form("verify")?;
        if form != "none" && own.items("secrets").is_empty() {
            problems.push(own.error(
                "secrets",
                "no-secrets",
                "`secrets` is empty, so no delivery could ever be accepted",
            ));
            return None;
        }
        let secrets = || own.secrets("secrets").into_iter().cloned().collect();
        match form {
            "header" => Some(Self::Header {
                name: header_name(own, "name", problems)?,
                prefix: own.text("prefix").to_owned(),
                secrets: secrets(),
            }),
            "hmac" => Hmac::build(own, secrets(), problems).map(Self::Hmac),
            "standard_webhooks" => Some(Self::Standard(standard(own, problems))),
            _ => Some(Self::None),
        }
    }

    /// Whether the request proves its sender.
    pub(super) fn verify(&self, request: &Request<'_>) -> Result<(), Denied> {
        match self {
            Self::None => Ok(()),
            Self::Header { name, prefix, secrets } => {
                let given = request.header(name).ok_or(Denied::Missing)?;
                let given = given.strip_prefix(prefix.as_str()).ok_or(Denied::Wrong)?;
                if is_one_of(secrets, given) { Ok(()) } else { Err(Denied::Wrong) }
            }
            Self::Hmac(hmac) => hmac.verify(request),
            Self::Standard(standard) => standard.verify(request.headers, request.wire, request.now_ms),
        }
    }

    /// The header that holds a secret, which must not be kept.
    pub(super) fn secret_header(&self) -> Option<&str> {
        match self {
            Self::Header { name, .. } => Some(name),
            _ => None,
        }
    }

    /// The headers by which the sender may name a delivery.
    pub(super) fn id_headers(&self) -> Vec<String> {
        match self {
            Self::Standard(_) => StandardWebhooks::ID_HEADERS.map(str::to_owned).to_vec(),
            _ => Vec::new(),
        }
    }

    /// Makes a sample pass.
    pub(super) fn sign(&self, sample: &mut Sample, now_ms: i64) {
        match self {
            Self::None => {}
            Self::Header { name, prefix, secrets } => {
                if let Some(secret) = secrets.first().filter(|_| !sample.has_header(name)) {
                    sample.set_header(name, &format!("{prefix}{}", secret.reveal()));
                }
            }
            Self::Hmac(hmac) => hmac.sign(sample, now_ms),
            Self::Standard(standard) => standard.dress(sample, now_ms),
        }
    }
}

fn standard(options: &Options, problems: &mut Vec<Diag>) -> StandardWebhooks {
    let key = if options.text("key") == "raw" { Key::Raw } else { Key::Base64 };
    let mut keys = Vec::new();
    for (secret, (_, span)) in options.secrets("secrets").into_iter().zip(options.items("secrets")) {
        match key.bytes(secret.reveal()) {
            Some(bytes) => keys.push(bytes),
            None => problems.push(
                Diag::error("bad-secret", "this secret is not base64")
                    .at(options.file(), span.clone())
                    .help("write `key: raw` for a sender that signs with the text itself"),
            ),
        }
    }
    StandardWebhooks { keys, tolerance_ms: options.int("tolerance") }
}

/// A header's name in lower case, if it can be one.
pub(super) fn header_name(options: &Options, option: &str, problems: &mut Vec<Diag>) -> Option<String> {
    let name = http::HeaderName::try_from(options.text(option)).ok();
    if name.is_none() {
        problems.push(options.error(option, "wrong-value", format!("`{}` is not a header name", options.text(option))));
    }
    name.map(|name| name.as_str().to_owned())
}
