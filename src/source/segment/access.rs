//! Who may deliver: write keys in the `Authorization` header, in the body, or in both.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::WriteKey;
use crate::source::verify::is_one_of;

/// The keys that are taken.
#[derive(Debug)]
pub(super) enum Access {
    /// Any that is not empty.
    Any,
    /// One of these.
    Keys(Vec<WriteKey>),
}

/// Why a request may not deliver.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Denied {
    /// It has no key at all.
    NoKey,
    /// A key that it has is not among those taken.
    UnknownKey,
}

impl Access {
    /// Whether a key is taken.
    pub(super) fn knows(&self, key: &str) -> bool {
        match self {
            Self::Any => !key.is_empty(),
            Self::Keys(keys) => is_one_of(keys, key),
        }
    }

    /// Judges a request by all the keys that it gives: some libraries send the header, some the body, some both. A bearer token cannot
    /// be checked here and counts for nothing; libraries that send one have the key in the body.
    pub(super) fn admit(&self, authorization: Option<&str>, in_body: Option<&str>) -> Result<(), Denied> {
        let in_header = authorization.and_then(basic_user);
        let mut given = [in_header.as_deref(), in_body].into_iter().flatten().filter(|key| !key.is_empty()).peekable();
        if given.peek().is_none() {
            return Err(Denied::NoKey);
        }
        if given.all(|key| self.knows(key)) { Ok(()) } else { Err(Denied::UnknownKey) }
    }

    /// A key for samples.
    pub(super) fn first_key(&self) -> &str {
        match self {
            Self::Keys(keys) => keys.first().map(WriteKey::reveal).unwrap_or_default(),
            Self::Any => "sample",
        }
    }
}

/// The user of a `Basic` header; the colon after it may be missing.
fn basic_user(header: &str) -> Option<String> {
    let (scheme, encoded) = header.trim().split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let encoded = encoded.trim();
    let decoded = STANDARD.decode(encoded).or_else(|_| STANDARD_NO_PAD.decode(encoded)).ok()?;
    let text = String::from_utf8(decoded).ok()?;
    // An empty password is the rule; only with another one does the first colon end the key.
    let user = text.strip_suffix(':').or_else(|| text.split(':').next());
    Some(user.unwrap_or_default().to_owned())
}

/// What must be known of a body before it is answered. Nothing else is decoded yet.
#[derive(Debug, Default)]
pub(super) struct Scan {
    /// The key, if it is a text.
    pub(super) write_key: Option<String>,
    /// Whether `batch` is an array.
    pub(super) has_batch: bool,
}

impl Scan {
    /// Runs over a body once; an error if it is not one JSON object.
    pub(super) fn of(body: &[u8]) -> Result<Self, String> {
        let text = std::str::from_utf8(body).map_err(|error| error.to_string())?;
        let mut reader = serde_json::Deserializer::from_str(text);
        let scan = reader.deserialize_map(Scanner).map_err(|error| error.to_string())?;
        reader.end().map_err(|error| error.to_string())?;
        Ok(scan)
    }
}

struct Scanner;

impl<'de> Visitor<'de> for Scanner {
    type Value = Scan;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Scan, A::Error> {
        let mut scan = Scan::default();
        while let Some(key) = map.next_key::<std::borrow::Cow<'de, str>>()? {
            match &*key {
                "writeKey" => scan.write_key = serde_json::from_str(map.next_value::<&RawValue>()?.get()).ok(),
                "batch" => scan.has_batch = map.next_value::<&RawValue>()?.get().starts_with('['),
                _ => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(scan)
    }
}
