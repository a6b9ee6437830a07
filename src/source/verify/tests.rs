//! Published vectors, and that nothing near a right signature is taken for one.

use http::{HeaderMap, HeaderValue};
use proptest::prelude::*;

use super::*;

#[test]
fn hmac_vectors() {
    // RFC 2202 case 2 and RFC 4231 case 2.
    let text: &[&[u8]] = &[b"what do ya want ", b"for nothing?"];
    for (algorithm, expected) in [
        (Algorithm::Sha1, "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79"),
        (Algorithm::Sha256, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"),
        (
            Algorithm::Sha512,
            "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea2505549758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737",
        ),
    ] {
        assert_eq!(hex::encode(mac(algorithm, b"Jefe", text)), expected);
        assert!(mac_matches(algorithm, b"Jefe", text, &hex::decode(expected).unwrap()));
        assert!(!mac_matches(algorithm, b"Jefe", text, &[]));
        assert!(!mac_matches(algorithm, b"Jefe", text, &hex::decode(expected).unwrap()[1..]));
    }
}

#[test]
fn encodings_read_what_they_write() {
    let bytes = [0xfb, 0xff, 0x00, 0x10];
    for (encoding, written) in
        [(Encoding::Hex, "fbff0010"), (Encoding::Base64, "+/8AEA=="), (Encoding::Base64Url, "-_8AEA")]
    {
        assert_eq!(encoding.write(&bytes), written);
        assert_eq!(encoding.read(written).as_deref(), Some(&bytes[..]));
    }
    assert_eq!(Encoding::Hex.read("FBFF0010").as_deref(), Some(&bytes[..]));
    assert_eq!(Encoding::Base64Url.read("-_8AEA==").as_deref(), Some(&bytes[..]));
    assert_eq!(Encoding::Base64.read("-_8AEA=="), None);
    assert_eq!(Encoding::Hex.read("fbf"), None);
}

#[test]
fn one_of_several_secrets() {
    let secrets = [Secret::new("a"), Secret::new("bb")];
    assert!(is_one_of(&secrets, "a") && is_one_of(&secrets, "bb"));
    assert!(!is_one_of(&secrets, "b") && !is_one_of(&secrets, "") && !is_one_of(&[], ""));
}

/// The constants of the standard's own test suite.
const SECRET: &str = "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const ID: &str = "msg_p5jXN8AQM9LWM0D4loKWxJek";
const TIMESTAMP: &str = "1614265330";
const BODY: &[u8] = b"{\"test\": 2432232314}";
const SIGNATURE: &str = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
const THEN_MS: i64 = 1_614_265_330_000;

fn standard(secret: &str) -> StandardWebhooks {
    StandardWebhooks { keys: vec![Key::Base64.bytes(secret).unwrap()], tolerance_ms: 300_000 }
}

fn headers(id: &str, timestamp: &str, signature: &str) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in [("webhook-id", id), ("webhook-timestamp", timestamp), ("webhook-signature", signature)] {
        headers.insert(name, HeaderValue::from_str(value).unwrap());
    }
    headers
}

#[test]
fn the_standards_own_vector() {
    let right = headers(ID, TIMESTAMP, SIGNATURE);
    for secret in [SECRET.to_owned(), format!("whsec_{SECRET}")] {
        assert_eq!(standard(&secret).verify(&right, BODY, THEN_MS), Ok(()));
        assert_eq!(standard(&secret).sign(ID, TIMESTAMP, BODY), SIGNATURE);
    }
    let with = |signature: &str| standard(SECRET).verify(&headers(ID, TIMESTAMP, signature), BODY, THEN_MS);
    assert_eq!(with(&format!("v1,{} {SIGNATURE}", "A".repeat(43) + "=")), Ok(()));
    assert_eq!(with(&SIGNATURE.replace("v1,", "v1a,")), Err(Denied::Wrong));
    assert_eq!(with(&SIGNATURE.replace("v1,", "")), Err(Denied::Wrong));
    assert_eq!(with("v1,"), Err(Denied::Wrong));
    assert_eq!(standard(SECRET).verify(&HeaderMap::new(), BODY, THEN_MS), Err(Denied::Missing));
    for (off_ms, expected) in
        [(300_000, Ok(())), (-300_000, Ok(())), (300_001, Err(Denied::Stale)), (-300_001, Err(Denied::Stale))]
    {
        assert_eq!(standard(SECRET).verify(&right, BODY, THEN_MS + off_ms), expected);
    }
    assert_eq!(StandardWebhooks { tolerance_ms: 0, ..standard(SECRET) }.verify(&right, BODY, 0), Ok(()));
    assert_eq!(Key::Base64.bytes("not base64!"), None);
    assert_eq!(Key::Base64.bytes("whsec_"), None);
    assert!(Key::Base64.bytes("placeholder-webhook-secret").is_some(), "a dry run has no real secrets");
}

proptest! {
    #[test]
    fn a_changed_bit_is_refused(body in proptest::collection::vec(any::<u8>(), 1..200), bit in any::<prop::sample::Index>(), which in 0..3) {
        let standard = standard(SECRET);
        let signature = standard.sign(ID, TIMESTAMP, &body);
        prop_assert_eq!(standard.verify(&headers(ID, TIMESTAMP, &signature), &body, THEN_MS), Ok(()));
        let (mut id, mut changed) = (ID.to_owned(), body.clone());
        let mut raw = Encoding::Base64.read(&signature[3..]).unwrap();
        match which {
            0 => { let bit = bit.index(changed.len() * 8); changed[bit / 8] ^= 1 << (bit % 8); }
            1 => { let bit = bit.index(raw.len() * 8); raw[bit / 8] ^= 1 << (bit % 8); }
            _ => id.push('x'),
        }
        let signature = format!("v1,{}", Encoding::Base64.write(&raw));
        prop_assert_eq!(standard.verify(&headers(&id, TIMESTAMP, &signature), &changed, THEN_MS), Err(Denied::Wrong));
    }

    #[test]
    fn hostile_headers_never_panic(id in "\\PC*", timestamp in "[-0-9.]{0,25}", signature in "[ v1,A-Za-z0-9+/=]{0,200}", now in any::<i64>()) {
        let mut map = HeaderMap::new();
        for (name, value) in [("webhook-id", id), ("webhook-timestamp", timestamp), ("webhook-signature", signature)] {
            if let Ok(value) = HeaderValue::from_bytes(value.as_bytes()) {
                map.insert(name, value);
            }
        }
        prop_assert!(standard(SECRET).verify(&map, BODY, now).is_err());
    }
}
