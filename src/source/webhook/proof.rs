//! The `verify` option: how a sender proves who it is, and how a sample is made to pass.

use crate::diag::Diag;
use crate::registry::{Options, Secret};
use crate::source::verify::{
    Algorithm, Denied, Encoding, Key, StandardWebhooks, is_fresh, is_one_of, mac, mac_matches,
};
use crate::source::{Request, Sample, time};

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

/// A keyed hash in a header, as most platforms have it with small differences.
#[derive(Debug)]
pub(super) struct Hmac {
    algorithm: Algorithm,
    encoding: Encoding,
    header: String,
    prefix: String,
    secrets: Vec<Secret>,
    timestamp_header: Option<String>,
    tolerance_ms: i64,
    signed: Vec<Piece>,
}

/// What is hashed, in order.
#[derive(Debug, PartialEq, Eq)]
enum Piece {
    Text(String),
    Timestamp,
    Body,
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

impl Hmac {
    fn build(options: &Options, secrets: Vec<Secret>, problems: &mut Vec<Diag>) -> Option<Self> {
        let header = header_name(options, "header", problems);
        let timestamp_header = match options.opt_text("timestamp_header") {
            Some(_) => Some(header_name(options, "timestamp_header", problems)?),
            None => None,
        };
        let default = if timestamp_header.is_some() { "{timestamp}.{body}" } else { "{body}" };
        let signed = match pieces(options.opt_text("signed").unwrap_or(default)) {
            Ok(signed) => signed,
            Err(message) => {
                problems.push(
                    options.error("signed", "wrong-value", message).help("as \"{body}\" or \"{timestamp}.{body}\""),
                );
                return None;
            }
        };
        if signed.contains(&Piece::Timestamp) && timestamp_header.is_none() {
            problems.push(
                options
                    .error("signed", "missing-option", "`{timestamp}` needs `timestamp_header`")
                    .help("name the header that holds the time which the sender signs"),
            );
            return None;
        }
        if timestamp_header.is_some() && !signed.contains(&Piece::Timestamp) {
            problems.push(
                options
                    .error("timestamp_header", "wrong-value", "the timestamp is not signed, so it proves nothing")
                    .help("put {timestamp} into `signed`, or remove `timestamp_header`"),
            );
            return None;
        }
        Some(Self {
            algorithm: Algorithm::from_word(options.text("algorithm")),
            encoding: Encoding::from_word(options.text("encoding")),
            header: header?,
            prefix: options.text("prefix").to_owned(),
            secrets,
            timestamp_header,
            tolerance_ms: options.int("tolerance"),
            signed,
        })
    }

    fn verify(&self, request: &Request<'_>) -> Result<(), Denied> {
        let given = request.header(&self.header).ok_or(Denied::Missing)?;
        let given = given.trim().strip_prefix(self.prefix.as_str()).ok_or(Denied::Wrong)?;
        let given = self.encoding.read(given).ok_or(Denied::Wrong)?;
        let timestamp = match &self.timestamp_header {
            Some(name) => request.header(name).ok_or(Denied::Missing)?,
            None => "",
        };
        let pieces = self.bytes(timestamp, request.wire);
        // No early exit: the time taken does not tell which secret matched.
        let matched = self.secrets.iter().fold(false, |found, secret| {
            found | mac_matches(self.algorithm, secret.reveal().as_bytes(), &pieces, &given)
        });
        if !matched {
            return Err(Denied::Wrong);
        }
        if self.timestamp_header.is_some() {
            let time_ms = time_ms(timestamp).ok_or(Denied::Stale)?;
            if !is_fresh(time_ms, request.now_ms, self.tolerance_ms) {
                return Err(Denied::Stale);
            }
        }
        Ok(())
    }

    fn sign(&self, sample: &mut Sample, now_ms: i64) {
        if sample.has_header(&self.header) {
            return;
        }
        let mut timestamp = String::new();
        if let Some(name) = &self.timestamp_header {
            timestamp = given(sample, name).unwrap_or_else(|| now_ms.div_euclid(1000).to_string());
            sample.set_header(name, &timestamp);
        }
        let key = self.secrets.first().map(Secret::reveal).unwrap_or_default();
        let signature = mac(self.algorithm, key.as_bytes(), &self.bytes(&timestamp, &sample.body));
        sample.set_header(&self.header, &format!("{}{}", self.prefix, self.encoding.write(&signature)));
    }

    fn bytes<'a>(&'a self, timestamp: &'a str, body: &'a [u8]) -> Vec<&'a [u8]> {
        let bytes = |piece: &'a Piece| match piece {
            Piece::Text(text) => text.as_bytes(),
            Piece::Timestamp => timestamp.as_bytes(),
            Piece::Body => body,
        };
        self.signed.iter().map(bytes).collect()
    }
}

/// Seconds or milliseconds since 1970 (told apart by size: seconds reach that number in the year 5138), or ISO 8601.
fn time_ms(text: &str) -> Option<i64> {
    match text.trim().parse::<i64>() {
        Ok(number) if number.abs() < 100_000_000_000 => Some(number * 1000),
        Ok(number) => Some(number),
        Err(_) => time::parse_iso_ms(text),
    }
}

fn pieces(text: &str) -> Result<Vec<Piece>, &'static str> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some(open) = rest.find('{') {
        if open > 0 {
            pieces.push(Piece::Text(rest[..open].to_owned()));
        }
        let (piece, length) = if rest[open..].starts_with("{body}") {
            (Piece::Body, "{body}".len())
        } else if rest[open..].starts_with("{timestamp}") {
            (Piece::Timestamp, "{timestamp}".len())
        } else {
            return Err("`signed` knows only {body} and {timestamp}");
        };
        pieces.push(piece);
        rest = &rest[open + length..];
    }
    if !rest.is_empty() {
        pieces.push(Piece::Text(rest.to_owned()));
    }
    if pieces.contains(&Piece::Body) { Ok(pieces) } else { Err("without {body}, `signed` would let any body in") }
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

fn given(sample: &Sample, name: &str) -> Option<String> {
    sample.headers.iter().find(|(have, _)| have.eq_ignore_ascii_case(name)).map(|(_, value)| value.clone())
}

/// A header's name in lower case, if it can be one.
pub(super) fn header_name(options: &Options, option: &str, problems: &mut Vec<Diag>) -> Option<String> {
    let name = http::HeaderName::try_from(options.text(option)).ok();
    if name.is_none() {
        problems.push(options.error(option, "wrong-value", format!("`{}` is not a header name", options.text(option))));
    }
    name.map(|name| name.as_str().to_owned())
}
