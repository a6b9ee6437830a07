//! The form `hmac` of `verify`: a keyed hash in a header, as most platforms have it with small differences.

use super::proof::header_name;
use crate::diag::Diag;
use crate::registry::{Options, Secret};
use crate::source::verify::{Algorithm, Denied, Encoding, is_fresh, mac, mac_matches};
use crate::source::{Request, Sample, time};

/// Signatures of one header that are looked at: those of two secrets, while a sender goes over to a new one, and some more.
const VALUES_MAX: usize = 8;

/// A keyed hash in a header, as most platforms have it with small differences.
#[derive(Debug)]
pub(super) struct Hmac {
    algorithm: Algorithm,
    encoding: Encoding,
    header: String,
    prefix: String,
    secrets: Vec<Secret>,
    list: Option<List>,
    timestamp_header: Option<String>,
    tolerance_ms: i64,
    signed: Vec<Piece>,
}

/// A header that is a list, as `t=1700000000,v1=5257…`: the keys of what is in it.
#[derive(Debug)]
struct List {
    signature: String,
    timestamp: Option<String>,
}

impl List {
    /// The values of a key in a header.
    fn all<'a>(header: &'a str, key: &str) -> Vec<&'a str> {
        let members = header.split([',', ';']).filter_map(|member| member.trim().split_once('='));
        // A forged list could ask for any number of tries.
        members.filter(|(name, _)| *name == key).map(|(_, value)| value.trim()).take(VALUES_MAX).collect()
    }
}

/// What is hashed, in order.
#[derive(Debug, PartialEq, Eq)]
enum Piece {
    Text(String),
    Timestamp,
    Body,
}

impl Hmac {
    pub(super) fn build(options: &Options, secrets: Vec<Secret>, problems: &mut Vec<Diag>) -> Option<Self> {
        let header = header_name(options, "header", problems);
        let timestamp_header = match options.opt_text("timestamp_header") {
            Some(_) => Some(header_name(options, "timestamp_header", problems)?),
            None => None,
        };
        let timestamp_key = options.opt_text("timestamp_key").map(str::to_owned);
        let list = match (options.opt_text("signature_key"), timestamp_key) {
            (Some(signature), timestamp) => Some(List { signature: signature.to_owned(), timestamp }),
            (None, Some(_)) => {
                let diag = options.error("timestamp_key", "missing-option", "`timestamp_key` needs `signature_key`");
                problems.push(diag.help("name the key that the signature has in the header, as `v1`"));
                return None;
            }
            (None, None) => None,
        };
        let has_list_time = list.as_ref().is_some_and(|list| list.timestamp.is_some());
        if has_list_time && timestamp_header.is_some() {
            let diag = options.error("timestamp_header", "wrong-value", "the time stands in the list already");
            problems.push(diag.help("keep one of `timestamp_header` and `timestamp_key`"));
            return None;
        }
        let is_timed = timestamp_header.is_some() || has_list_time;
        let default = if is_timed { "{timestamp}.{body}" } else { "{body}" };
        let signed = match pieces(options.opt_text("signed").unwrap_or(default)) {
            Ok(signed) => signed,
            Err(message) => {
                problems.push(
                    options.error("signed", "wrong-value", message).help("as \"{body}\" or \"{timestamp}.{body}\""),
                );
                return None;
            }
        };
        if signed.contains(&Piece::Timestamp) && !is_timed {
            problems.push(
                options
                    .error("signed", "missing-option", "`{timestamp}` needs `timestamp_header` or `timestamp_key`")
                    .help("name the header that holds the time which the sender signs"),
            );
            return None;
        }
        if is_timed && !signed.contains(&Piece::Timestamp) {
            let option = if has_list_time { "timestamp_key" } else { "timestamp_header" };
            problems.push(
                options
                    .error(option, "wrong-value", "the timestamp is not signed, so it proves nothing")
                    .help("put {timestamp} into `signed`, or remove the option"),
            );
            return None;
        }
        Some(Self {
            algorithm: Algorithm::from_word(options.text("algorithm")),
            encoding: Encoding::from_word(options.text("encoding")),
            header: header?,
            prefix: options.text("prefix").to_owned(),
            secrets,
            list,
            timestamp_header,
            tolerance_ms: options.int("tolerance"),
            signed,
        })
    }

    pub(super) fn verify(&self, request: &Request<'_>) -> Result<(), Denied> {
        let header = request.header(&self.header).ok_or(Denied::Missing)?;
        let (given, timestamp) = match &self.list {
            Some(list) => {
                (List::all(header, &list.signature), list.timestamp.as_deref().map(|key| List::all(header, key)))
            }
            None => (vec![header.trim()], None),
        };
        let read = |text: &&str| self.encoding.read(text.strip_prefix(self.prefix.as_str())?);
        let given: Vec<_> = given.iter().filter_map(read).collect();
        let timestamp = match (timestamp, &self.timestamp_header) {
            (Some(times), _) => times.first().copied().ok_or(Denied::Missing)?,
            (None, Some(name)) => request.header(name).ok_or(Denied::Missing)?,
            (None, None) => "",
        };
        let pieces = self.bytes(timestamp, request.wire);
        // No early exit: the time taken does not tell which secret matched.
        let pairs = self.secrets.iter().flat_map(|secret| given.iter().map(move |given| (secret, given)));
        let is_right = pairs.fold(false, |found, (secret, given)| {
            found | mac_matches(self.algorithm, secret.reveal().as_bytes(), &pieces, given)
        });
        if !is_right {
            return Err(Denied::Wrong);
        }
        if self.is_timed() {
            let time_ms = time_ms(timestamp).ok_or(Denied::Stale)?;
            if !is_fresh(time_ms, request.now_ms, self.tolerance_ms) {
                return Err(Denied::Stale);
            }
        }
        Ok(())
    }

    pub(super) fn sign(&self, sample: &mut Sample, now_ms: i64) {
        if sample.has_header(&self.header) {
            return;
        }
        let mut timestamp = String::new();
        if let Some(name) = &self.timestamp_header {
            timestamp = given(sample, name).unwrap_or_else(|| now_ms.div_euclid(1000).to_string());
            sample.set_header(name, &timestamp);
        }
        if self.is_timed() && self.timestamp_header.is_none() {
            timestamp = now_ms.div_euclid(1000).to_string();
        }
        let key = self.secrets.first().map(Secret::reveal).unwrap_or_default();
        let signature = mac(self.algorithm, key.as_bytes(), &self.bytes(&timestamp, &sample.body));
        let mut text = format!("{}{}", self.prefix, self.encoding.write(&signature));
        if let Some(list) = &self.list {
            let time = list.timestamp.as_ref().map(|key| format!("{key}={timestamp},")).unwrap_or_default();
            text = format!("{time}{}={text}", list.signature);
        }
        sample.set_header(&self.header, &text);
    }

    fn is_timed(&self) -> bool {
        self.timestamp_header.is_some() || self.list.as_ref().is_some_and(|list| list.timestamp.is_some())
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

fn given(sample: &Sample, name: &str) -> Option<String> {
    sample.headers.iter().find(|(have, _)| have.eq_ignore_ascii_case(name)).map(|(_, value)| value.clone())
}
