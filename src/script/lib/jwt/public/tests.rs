//! Tokens signed with keys that were made for this test.

use super::*;
use crate::script::lib::jwt::parts;

const RSA_PUBLIC: &str = "-----BEGIN PUBLIC KEY-----
MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAxjjzFs58MK6zO8LbTIaM
cY/D46pwffk43AYnCVTV/Df/mGUZf9EHTr1fzf+TdKA3E4mAz38Ix+lVUgXm9LMt
F5bTXvo9UDCTI4LgGJ4WoUD+hNULmiNQ7nulDRfweFOukLQbTbAucd6Fmjh7fdzq
DYD8IiCQDMv33bk2vswuvh8JipD6FQCeGOcsSsTKLMWensFHyIlYXGonymfgg+sB
j9asC3XA3diLL5wgqWf1AoXbFYBT10HC86elt6XCIOKIVZThm58kFuVZtwcjGfef
GaK2Zk3RhmyL6qX/b4cOdUgFx3vC9KtwyAeeSSkYX0/uJ2UVMtmQqogwioqRGxUK
NwIDAQAB
-----END PUBLIC KEY-----
";
const RSA_PUBLIC_OLD: &str = "-----BEGIN RSA PUBLIC KEY-----
MIIBCgKCAQEAxjjzFs58MK6zO8LbTIaMcY/D46pwffk43AYnCVTV/Df/mGUZf9EH
Tr1fzf+TdKA3E4mAz38Ix+lVUgXm9LMtF5bTXvo9UDCTI4LgGJ4WoUD+hNULmiNQ
7nulDRfweFOukLQbTbAucd6Fmjh7fdzqDYD8IiCQDMv33bk2vswuvh8JipD6FQCe
GOcsSsTKLMWensFHyIlYXGonymfgg+sBj9asC3XA3diLL5wgqWf1AoXbFYBT10HC
86elt6XCIOKIVZThm58kFuVZtwcjGfefGaK2Zk3RhmyL6qX/b4cOdUgFx3vC9Ktw
yAeeSSkYX0/uJ2UVMtmQqogwioqRGxUKNwIDAQAB
-----END RSA PUBLIC KEY-----
";
const P256_PUBLIC: &str = "-----BEGIN PUBLIC KEY-----
MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEjNa1sY3/p9Mx0C9vQg32OIxvCICX
rM3emwxyKSOKreJVdI5zIvIzfspXXa13BvQPU5M8k43o3OfG+rS49jIaEw==
-----END PUBLIC KEY-----
";
const RS256: &str = "eyJhbGciOiJSUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiJ1LTEifQ.tZklV7PgXblaUqhO-hE5xvsvnnqV9xpOG57EfiZscTx0\
     OmJe_EPnyd_6lxtBTWDvn1mwiPL8gtHevhM_5a6ib1PHk2akC5vp5bmOLqCI5dpIHZ3mX2CDYipjAnwky9vozyVX8TzJFFAqRzaU\
     LPcni-7-aOcIAuRA_SUmEfJ-ToEBrWhGqt38dDZRbc2y-4VuiaLwuk-L50b16yom2FfdKPuhFq7WObDpMgY0aK9qrrQ3N_A31DnC\
     ZDTM5_f4_xvz6Z_BpTfyV3igQdpQFKKM086vNtmhoiRk8yzCvQ9JF9TPvJWa-JJfR1J2-Sy3PgYBjBCY_r5RyvLwNA8BurwOXA";
const RS512: &str = "eyJhbGciOiJSUzUxMiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiJ1LTEifQ.AZ0Rihtl9gOKfunhScWAnL-REGTKV9myOVqwfUjx2Edj\
     2xIgeXptbsmTv1-H2H5cGaho_A0WjYHH278aDE4oIXFxnPJd_ZEnZ2fzcYzSAhhPpcxxpANdycVuwSkgNxmCAy9MdCq0y5WorkdZ\
     BACqVkneNpvKnXLCxqSCbgSrbkw5nd16CowszimlnzbEYD8_1_e7rCLfVWLkfUJEzhvF2fKciyl8ZfWgsTg1V3nrSawydDDkHAjS\
     9LJ46JmYKLvQ-u1_CZU-Gmnulbp5O3aYlzK1E95wXRnEn8ufDIGX5m2XJrNaig2yc3nn9AXf1ls5UAgTXe9HlYp5e_RcsFeMyA";
const ES256: &str = "eyJhbGciOiJFUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiJ1LTEifQ.1IlbpUS21dmZIUsTrY14w6yO_ej1Q--lBkFJUQS9AcT1\
     Cx3tWUpdfOrky9697AM2GhTebTWA4vcLG1ehgCoNCA";

fn holds(token: &str, key: &str) -> bool {
    let parts = parts(token).unwrap();
    let algorithm = parts.header["alg"].clone().into_string().unwrap();
    verify(&algorithm, key, parts.signed.as_bytes(), &parts.signature).unwrap()
}

#[test]
fn signatures_hold_with_their_key_and_algorithm_only() {
    assert!(holds(RS256, RSA_PUBLIC));
    assert!(holds(RS256, RSA_PUBLIC_OLD));
    assert!(holds(RS512, RSA_PUBLIC));
    assert!(holds(ES256, P256_PUBLIC));
    assert!(!holds(RS256, P256_PUBLIC));
    assert!(!holds(ES256, RSA_PUBLIC));
    let other = RS256.replacen("eyJzdWIiOiJ1LTEifQ", "eyJzdWIiOiJ1LTIifQ", 1);
    assert!(other != RS256 && !holds(&other, RSA_PUBLIC));
}

#[test]
fn a_token_for_a_shared_secret_is_not_checked_against_a_public_key() {
    let parts = parts(RS256).unwrap();
    assert!(!verify("HS256", RSA_PUBLIC, parts.signed.as_bytes(), &parts.signature).unwrap());
    assert!(!verify("none", RSA_PUBLIC, b"", b"").unwrap());
}

#[test]
fn what_is_no_key_is_an_error_and_what_is_cut_does_not_panic() {
    for end in 0..RSA_PUBLIC.len() {
        let _ = verify("RS256", &RSA_PUBLIC[..end], b"", b"");
    }
    let bytes = super::super::pem_bytes(RSA_PUBLIC).unwrap();
    for end in 0..bytes.len() {
        assert!(inside(&bytes[..end]).is_none(), "{end}");
    }
    assert!(verify("RS256", "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----", b"", b"").is_err());
}
