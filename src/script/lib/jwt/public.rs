//! Checking signatures with a public key.

use ring::signature::{
    ECDSA_P256_SHA256_FIXED, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_2048_8192_SHA384, RSA_PKCS1_2048_8192_SHA512,
    UnparsedPublicKey, VerificationAlgorithm,
};

use crate::script::fault::fault;
use crate::script::lib::Native;

/// Whether the signature fits; an error if the text is no public key.
pub(super) fn verify(algorithm: &str, pem: &str, signed: &[u8], signature: &[u8]) -> Native<bool> {
    let wrong = || fault("this is not an RSA or P-256 public key in PEM form");
    let bytes = super::pem_bytes(pem).ok_or_else(wrong)?;
    let key = if pem.contains("BEGIN RSA PUBLIC KEY") {
        Key { is_rsa: true, bits: &bytes }
    } else {
        inside(&bytes).ok_or_else(wrong)?
    };
    let checks: &dyn VerificationAlgorithm = match (key.is_rsa, algorithm) {
        (true, "RS256") => &RSA_PKCS1_2048_8192_SHA256,
        (true, "RS384") => &RSA_PKCS1_2048_8192_SHA384,
        (true, "RS512") => &RSA_PKCS1_2048_8192_SHA512,
        (false, "ES256") => &ECDSA_P256_SHA256_FIXED,
        _ => return Ok(false),
    };
    Ok(UnparsedPublicKey::new(checks, key.bits).verify(signed, signature).is_ok())
}

struct Key<'a> {
    is_rsa: bool,
    bits: &'a [u8],
}

const SEQUENCE: u8 = 0x30;
const BIT_STRING: u8 = 0x03;
const OBJECT_ID: u8 = 0x06;
/// 1.2.840.113549.1.1.1.
const RSA: [u8; 9] = [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01];
/// 1.2.840.10045.2.1.
const ELLIPTIC: [u8; 7] = [0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01];

/// `SubjectPublicKeyInfo` (RFC 5280): a sequence of the algorithm, itself a sequence that begins with an object id, and the key's bits.
fn inside(bytes: &[u8]) -> Option<Key<'_>> {
    let (outer, _) = value(bytes, SEQUENCE)?;
    let (algorithm, rest) = value(outer, SEQUENCE)?;
    let (id, _) = value(algorithm, OBJECT_ID)?;
    let (bits, _) = value(rest, BIT_STRING)?;
    // The first byte says how many bits of the last one do not count.
    let (unused, bits) = bits.split_first()?;
    let is_rsa = id == RSA;
    (*unused == 0 && (is_rsa || id == ELLIPTIC)).then_some(Key { is_rsa, bits })
}

/// The content of a DER value with this tag, and what follows it.
fn value(bytes: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let rest = bytes.strip_prefix(&[tag])?;
    let (first, rest) = rest.split_first()?;
    let (length, rest) = match first {
        0..=0x7f => (usize::from(*first), rest),
        0x81 => (usize::from(*rest.first()?), rest.get(1..)?),
        0x82 => (usize::from(u16::from_be_bytes([*rest.first()?, *rest.get(1)?])), rest.get(2..)?),
        _ => return None,
    };
    Some((rest.get(..length)?, rest.get(length..)?))
}

#[cfg(test)]
mod tests;
