//! Names of keys that say what their values are: exact names here, endings of names in [`ending`](super::ending).

use super::ending;

/// Longer names are known by their end.
const NAME_BYTES_MAX: usize = 64;

/// A name without case and marks, on the stack.
pub(super) struct Plain {
    bytes: [u8; NAME_BYTES_MAX],
    length: usize,
    /// The bytes that begin a word, as `T` in `cartToken`: one bit each.
    starts: u64,
}

impl Plain {
    fn new(name: &[u8]) -> Self {
        let mut plain = Self { bytes: [0; NAME_BYTES_MAX], length: 0, starts: 0 };
        let mut before = b'_';
        for byte in &name[name.len().saturating_sub(NAME_BYTES_MAX)..] {
            if !is_mark(*byte) {
                let is_start = is_mark(before) || (byte.is_ascii_uppercase() && !before.is_ascii_uppercase());
                plain.starts |= u64::from(is_start) << plain.length;
                plain.bytes[plain.length] = byte.to_ascii_lowercase();
                plain.length += 1;
            }
            before = *byte;
        }
        plain
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        &self.bytes[..self.length]
    }

    /// Whether a word begins there.
    pub(super) fn is_start(&self, at: usize) -> bool {
        at < NAME_BYTES_MAX && self.starts >> at & 1 == 1
    }
}

fn is_mark(byte: u8) -> bool {
    byte.is_ascii() && !byte.is_ascii_alphanumeric()
}

/// What the value under such a key is, which is a text or a number.
pub(super) fn secret(name: &[u8], is_text: bool) -> Option<&'static str> {
    let plain = Plain::new(name);
    exact(plain.as_bytes(), is_text).or_else(|| ending::kind(&plain, is_text))
}

fn exact(plain: &[u8], is_text: bool) -> Option<&'static str> {
    match plain {
        b"password"
        | b"passwd"
        | b"pwd"
        | b"passphrase"
        | b"passwordhash"
        | b"hashedpassword"
        | b"encryptedpassword"
        | b"passworddigest"
        | b"passwordsalt"
        | b"newpassword"
        | b"oldpassword"
        | b"currentpassword"
        | b"passwordconfirmation"
        | b"confirmpassword"
        | b"onetimepassword"
        | b"otp" => Some("a password"),
        // Numbers count passes.
        b"pass" if is_text => Some("a password"),
        b"token"
        | b"accesstoken"
        | b"refreshtoken"
        | b"idtoken"
        | b"authtoken"
        | b"authenticationtoken"
        | b"bearertoken"
        | b"sessiontoken"
        | b"csrftoken"
        | b"xsrftoken"
        | b"apitoken"
        | b"resettoken"
        | b"passwordresettoken"
        | b"resetpasswordtoken"
        | b"invitetoken"
        | b"inviteetoken"
        | b"verificationtoken"
        | b"confirmationtoken"
        | b"activationtoken"
        | b"accountactivationurl"
        | b"multipasstoken"
        | b"oauthtoken"
        | b"xshopifyaccesstoken"
        | b"xauthtoken"
        | b"jwt" => Some("a token"),
        b"secret"
        | b"clientsecret"
        | b"secretkey"
        | b"sharedsecret"
        | b"apisecret"
        | b"apisecretkey"
        | b"appsecret"
        | b"webhooksecret"
        | b"signingsecret"
        | b"signingkey"
        | b"encryptionkey"
        | b"privatekey"
        | b"apikey"
        | b"xapikey"
        | b"authorization"
        | b"proxyauthorization"
        | b"cookie"
        | b"setcookie" => Some("a secret"),
        b"cardnumber" | b"creditcardnumber" | b"ccnumber" | b"cvv" | b"cvv2" | b"cvc" | b"cvc2" | b"cvn"
        | b"cardcvv" | b"cardcvc" | b"cardsecuritycode" => Some("card data"),
        _ => None,
    }
}

/// The same for names that mean it only below another.
pub(super) fn secret_below<'a>(name: &[u8], parent: impl FnOnce() -> &'a [u8]) -> Option<&'static str> {
    match name {
        b"code" => matches!(Plain::new(parent()).as_bytes(), b"giftcards" | b"giftcard").then_some("a gift card code"),
        // Payment providers put whatever they like there, client secrets among it.
        b"data" => matches!(
            Plain::new(parent()).as_bytes(),
            b"payments" | b"payment" | b"paymentsessions" | b"paymentsession" | b"paymentcollections"
        )
        .then_some("payment data"),
        _ => None,
    }
}

/// Whether numbers under this name are ids: one in ten has the right check digit by chance.
pub(super) fn is_id(name: &[u8]) -> bool {
    let plain = Plain::new(name);
    let plain = plain.as_bytes();
    let ends =
        [&b"id"[..], b"ids", b"sku", b"skus", b"barcode", b"gtin", b"ean", b"upc", b"isbn", b"imei", b"timestamp"];
    ends.iter().any(|end| plain.ends_with(end))
        || matches!(
            plain,
            b"ordernumber"
                | b"invoicenumber"
                | b"trackingnumber"
                | b"trackingnumbers"
                | b"serialnumber"
                | b"phonenumber"
                | b"phone"
        )
}
