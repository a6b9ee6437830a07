//! HMAC over bytes, in the encodings that senders use.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;
use sha2::{Sha256, Sha512};

/// The hash under the HMAC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Algorithm {
    /// 20 bytes. Old, but as an HMAC not broken.
    Sha1,
    /// 32 bytes.
    Sha256,
    /// 64 bytes.
    Sha512,
}

impl Algorithm {
    /// The words that options take.
    pub const WORDS: &'static [&'static str] = &["sha1", "sha256", "sha512"];

    /// From one of [`Self::WORDS`].
    pub fn from_word(word: &str) -> Self {
        match word {
            "sha1" => Self::Sha1,
            "sha512" => Self::Sha512,
            _ => Self::Sha256,
        }
    }
}

/// How the bytes of a signature are written in a header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// Lower-case when written, either case when read.
    Hex,
    /// Standard alphabet with padding.
    Base64,
    /// URL-safe alphabet; padding may be there.
    Base64Url,
}

impl Encoding {
    /// The words that options take.
    pub const WORDS: &'static [&'static str] = &["hex", "base64", "base64url"];

    /// From one of [`Self::WORDS`].
    pub fn from_word(word: &str) -> Self {
        match word {
            "base64" => Self::Base64,
            "base64url" => Self::Base64Url,
            _ => Self::Hex,
        }
    }

    /// As text.
    pub fn write(self, bytes: &[u8]) -> String {
        match self {
            Self::Hex => hex::encode(bytes),
            Self::Base64 => STANDARD.encode(bytes),
            Self::Base64Url => URL_SAFE_NO_PAD.encode(bytes),
        }
    }

    /// From text; `None` if it is none.
    pub fn read(self, text: &str) -> Option<Vec<u8>> {
        match self {
            Self::Hex => hex::decode(text).ok(),
            Self::Base64 => STANDARD.decode(text).ok(),
            Self::Base64Url => URL_SAFE_NO_PAD.decode(text.trim_end_matches('=')).ok(),
        }
    }
}

/// The keyed hash of some pieces, one after another.
pub fn mac(algorithm: Algorithm, key: &[u8], pieces: &[&[u8]]) -> Vec<u8> {
    match algorithm {
        Algorithm::Sha1 => keyed::<Hmac<Sha1>>(key, pieces).map(|mac| mac.finalize().into_bytes().to_vec()),
        Algorithm::Sha256 => keyed::<Hmac<Sha256>>(key, pieces).map(|mac| mac.finalize().into_bytes().to_vec()),
        Algorithm::Sha512 => keyed::<Hmac<Sha512>>(key, pieces).map(|mac| mac.finalize().into_bytes().to_vec()),
    }
    .unwrap_or_default()
}

/// Whether `given` is the keyed hash. In constant time; anything of another length is wrong.
pub fn mac_matches(algorithm: Algorithm, key: &[u8], pieces: &[&[u8]], given: &[u8]) -> bool {
    match algorithm {
        Algorithm::Sha1 => keyed::<Hmac<Sha1>>(key, pieces).is_some_and(|mac| mac.verify_slice(given).is_ok()),
        Algorithm::Sha256 => keyed::<Hmac<Sha256>>(key, pieces).is_some_and(|mac| mac.verify_slice(given).is_ok()),
        Algorithm::Sha512 => keyed::<Hmac<Sha512>>(key, pieces).is_some_and(|mac| mac.verify_slice(given).is_ok()),
    }
}

/// `None` never happens: HMAC takes keys of any length, though its interface does not say so.
fn keyed<M: Mac + KeyInit>(key: &[u8], pieces: &[&[u8]]) -> Option<M> {
    let mut mac = <M as KeyInit>::new_from_slice(key).ok()?;
    for piece in pieces {
        mac.update(piece);
    }
    Some(mac)
}
