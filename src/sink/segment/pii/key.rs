//! Names of keys that say what their values are. Exact names, so that `cart_token` or `secret_santa` are none.

/// Longer names are on no list.
const NAME_BYTES_MAX: usize = 24;

/// A name without case and marks, on the stack.
struct Plain {
    bytes: [u8; NAME_BYTES_MAX],
    length: usize,
}

impl Plain {
    fn new(name: &[u8]) -> Option<Self> {
        let mut plain = Self { bytes: [0; NAME_BYTES_MAX], length: 0 };
        for byte in name.iter().filter(|byte| !matches!(byte, b'_' | b'-' | b' ')) {
            *plain.bytes.get_mut(plain.length)? = byte.to_ascii_lowercase();
            plain.length += 1;
        }
        Some(plain)
    }

    fn as_bytes(&self) -> &[u8] {
        &self.bytes[..self.length]
    }
}

/// What the value under such a key is.
pub(super) fn secret(name: &[u8]) -> Option<&'static str> {
    let plain = Plain::new(name)?;
    match plain.as_bytes() {
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
        b"giftcardcode" => Some("a gift card code"),
        _ => None,
    }
}

/// The same for names that mean it only below another.
pub(super) fn secret_below<'a>(name: &[u8], parent: impl FnOnce() -> &'a [u8]) -> Option<&'static str> {
    match name {
        b"code" => matches!(Plain::new(parent())?.as_bytes(), b"giftcards" | b"giftcard").then_some("a gift card code"),
        // Payment providers put whatever they like there, client secrets among it.
        b"data" => matches!(
            Plain::new(parent())?.as_bytes(),
            b"payments" | b"payment" | b"paymentsessions" | b"paymentsession" | b"paymentcollections"
        )
        .then_some("payment data"),
        _ => None,
    }
}

/// Whether numbers under this name are ids: one in ten has the right check digit by chance.
pub(super) fn is_id(name: &[u8]) -> bool {
    let Some(plain) = Plain::new(name) else { return false };
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
