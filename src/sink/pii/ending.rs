//! Endings of names that say what their values are: `customer_password`, `userAccessToken`, `aws_secret_access_key`.
//!
//! An ending is more than a word that occurs: `password_reset_requested` and `token_count` are no secrets. What stands before
//! it may say that the value is none either: `has_password`, `cart_token`.

use super::key::Plain;

/// One ending.
struct Ending {
    end: &'static [u8],
    kind: &'static str,
    /// Whether a number can be one.
    numbers: bool,
    /// Short endings count as whole words only: `smtp_pwd`, not `cropwd`.
    word: bool,
    /// What must not stand before it.
    unless: &'static [&'static [u8]],
}

const PASSWORD: &str = "a password";
const TOKEN: &str = "a token";
const SECRET: &str = "a secret";
const CARD: &str = "card data";

/// Words that tell whether there is one, not which.
const FLAGS: &[&[u8]] = &[
    b"has",
    b"have",
    b"is",
    b"no",
    b"needs",
    b"requires",
    b"require",
    b"required",
    b"force",
    b"forgot",
    b"with",
    b"without",
    b"via",
    b"by",
    b"show",
    b"uses",
    b"non",
    b"public",
    b"publishable",
];

/// Tokens that are ids: of carts and pages, of browsers and devices. With the flags.
const IDS: &[&[u8]] = &[
    b"cart",
    b"checkout",
    b"reservation",
    b"page",
    b"next",
    b"previous",
    b"continuation",
    b"cursor",
    b"sync",
    b"visit",
    b"visitor",
    b"uniq",
    b"unique",
    b"device",
    b"push",
    b"fcm",
    b"apns",
    b"gcm",
    b"idempotency",
    b"design",
    b"per",
    b"has",
    b"have",
    b"is",
    b"no",
    b"needs",
    b"requires",
    b"require",
    b"required",
    b"with",
    b"without",
    b"via",
    b"by",
    b"non",
];

/// What is passed rather than kept: `season_pass` is a ticket, `smtp_pass` a password.
const fn of_account(end: &'static [u8]) -> Ending {
    Ending { end, kind: PASSWORD, numbers: true, word: true, unless: &[] }
}

const fn password(end: &'static [u8]) -> Ending {
    Ending { end, kind: PASSWORD, numbers: true, word: false, unless: FLAGS }
}

const fn secret(end: &'static [u8]) -> Ending {
    Ending { end, kind: SECRET, numbers: false, word: false, unless: FLAGS }
}

const fn token(end: &'static [u8]) -> Ending {
    Ending { end, kind: TOKEN, numbers: false, word: false, unless: IDS }
}

const fn card(end: &'static [u8]) -> Ending {
    Ending { end, kind: CARD, numbers: true, word: true, unless: FLAGS }
}

const ENDINGS: &[Ending] = &[
    password(b"password"),
    password(b"passwd"),
    password(b"passphrase"),
    password(b"passcode"),
    password(b"passwordhash"),
    password(b"passwordhashed"),
    password(b"passwordencrypted"),
    password(b"passworddigest"),
    password(b"passwordsalt"),
    password(b"passwordplain"),
    password(b"passwordplaintext"),
    password(b"passwordvalue"),
    password(b"passwordconfirmation"),
    password(b"passwordconfirm"),
    password(b"passwordrepeat"),
    password(b"passwordagain"),
    Ending { end: b"pwd", kind: PASSWORD, numbers: true, word: true, unless: FLAGS },
    Ending { end: b"otp", kind: PASSWORD, numbers: true, word: true, unless: FLAGS },
    of_account(b"userpass"),
    of_account(b"loginpass"),
    of_account(b"accountpass"),
    of_account(b"adminpass"),
    of_account(b"authpass"),
    of_account(b"customerpass"),
    of_account(b"dbpass"),
    of_account(b"smtppass"),
    of_account(b"ftppass"),
    token(b"token"),
    token(b"tokenhash"),
    token(b"tokendigest"),
    token(b"tokenvalue"),
    token(b"passwordreseturl"),
    token(b"passwordresetlink"),
    token(b"resetpasswordurl"),
    token(b"resetpasswordlink"),
    token(b"accountactivationurl"),
    token(b"jwt"),
    secret(b"secret"),
    secret(b"secretkey"),
    secret(b"secretaccesskey"),
    secret(b"accesskey"),
    secret(b"privatekey"),
    secret(b"signingkey"),
    secret(b"encryptionkey"),
    secret(b"apikey"),
    card(b"cvv"),
    card(b"cvc"),
    card(b"cvn"),
    card(b"cvvcode"),
    card(b"cvccode"),
    card(b"cvvnumber"),
    card(b"cvcnumber"),
    card(b"cvvvalue"),
    card(b"cvcvalue"),
    card(b"cardsecuritycode"),
    card(b"cardverificationvalue"),
    card(b"cardverificationcode"),
    card(b"cardpin"),
    card(b"creditcardnumber"),
    card(b"debitcardnumber"),
    card(b"paymentcardnumber"),
    card(b"bankcardnumber"),
    card(b"ccnumber"),
];

/// What a name with such an end is. Digits behind it number it: `password_2`.
pub(super) fn kind(name: &Plain, is_text: bool) -> Option<&'static str> {
    let bytes = name.as_bytes();
    let digits = bytes.iter().rev().take_while(|byte| byte.is_ascii_digit()).count();
    let bytes = &bytes[..bytes.len() - digits];
    let last = bytes.last()?;
    let ending = ENDINGS.iter().find(|ending| {
        ending.end.last() == Some(last)
            && (is_text || ending.numbers)
            && bytes.strip_suffix(ending.end).is_some_and(|stem| !ending.word || name.is_start(stem.len()))
    })?;
    let stem = bytes.strip_suffix(ending.end)?;
    let is_other = ending.unless.iter().any(|word| {
        // Short words end others by chance: `is` ends `chris`.
        stem.strip_suffix(*word).is_some_and(|before| word.len() > 3 || name.is_start(before.len()))
    });
    (!is_other).then_some(ending.kind)
}
