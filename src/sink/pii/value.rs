//! Texts whose form says what they are: keys of providers, JWTs, hashes of passwords.

/// Prefixes that providers give their secrets, with what must follow at least.
const PREFIXES: &[(&[u8], usize)] = &[
    (b"sk_live_", 10),
    (b"sk_test_", 10),
    (b"rk_live_", 10),
    (b"rk_test_", 10),
    (b"whsec_", 16),
    (b"shpat_", 16),
    (b"shpss_", 16),
    (b"shpca_", 16),
    (b"shppa_", 16),
    (b"ghp_", 20),
    (b"gho_", 20),
    (b"github_pat_", 20),
    (b"glpat-", 16),
    (b"xoxb-", 16),
    (b"xoxp-", 16),
    (b"AKIA", 16),
    (b"AIza", 30),
    (b"Bearer ", 16),
];

/// Beginnings of password hashes, and how long the whole is at least.
const HASHES: &[(&[u8], usize)] = &[
    (b"$2a$", 59),
    (b"$2b$", 59),
    (b"$2x$", 59),
    (b"$2y$", 59),
    (b"$argon2", 40),
    (b"$scrypt$", 40),
    (b"$7$", 40),
    (b"$y$", 40),
    (b"$1$", 26),
    (b"$5$", 47),
    (b"$6$", 90),
    (b"$pbkdf2", 40),
    (b"pbkdf2_sha", 40),
    (b"pbkdf2:sha", 40),
    (b"scrypt:", 40),
    // What Medusa keeps: the bytes `scrypt`, 0 and the parameters, as Base64.
    (b"c2NyeXB0A", 100),
];

/// What a text is taken for, as it stands between its quotes.
pub(super) fn secret(text: &[u8]) -> Option<&'static str> {
    match text.first()? {
        b'e' => is_jwt(text).then_some("a token"),
        b'$' | b'c' => is_hash(text).then_some("a password hash"),
        b'p' | b's' => {
            if is_hash(text) {
                return Some("a password hash");
            }
            (has_prefix(text) || is_client_secret(text)).then_some("a secret")
        }
        b'r' | b'w' | b'g' | b'x' | b'A' | b'B' => has_prefix(text).then_some("a secret"),
        b'-' => text.starts_with(b"-----BEGIN ").then_some("a secret"),
        _ => None,
    }
}

fn has_prefix(text: &[u8]) -> bool {
    PREFIXES.iter().any(|(prefix, more)| {
        text.strip_prefix(*prefix).is_some_and(|rest| rest.len() >= *more && !rest.contains(&b' '))
    })
}

fn is_hash(text: &[u8]) -> bool {
    HASHES.iter().any(|(start, length)| text.len() >= *length && text.starts_with(start) && !text.contains(&b' '))
}

/// What a browser needs to complete a payment at Stripe: `pi_…_secret_…`.
fn is_client_secret(text: &[u8]) -> bool {
    (text.starts_with(b"pi_") || text.starts_with(b"seti_"))
        && text.len() < 200
        && text.windows(8).any(|part| part == b"_secret_")
}

/// Three parts (five if it is encrypted) of URL-safe Base64, of which the first begins with `{"`.
fn is_jwt(text: &[u8]) -> bool {
    text.len() >= 30
        && text.starts_with(b"eyJ")
        && matches!(text.split(|byte| *byte == b'.').count(), 3 | 5)
        && text.iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-' | b'='))
}
