//! Cross-origin headers, without which a browser never sends its events.

use super::{Reply, Request};

/// What browsers of analytics.js ask for: with `x-retry-count` missing, its first retry would fail for ever.
const ALLOW_HEADERS: &str = "authorization, content-type, x-retry-count";

/// Adds the headers to an answer.
///
/// The origin is echoed, because with `credentials: include` a browser takes no `*`; nothing here reads cookies, so that gives nobody
/// more than `*` would. Without a request at hand it is `*`.
#[must_use]
pub fn dress(reply: Reply, request: Option<&Request<'_>>) -> Reply {
    let reply = match request.and_then(|request| request.header("origin")) {
        Some(origin) => reply
            .header("access-control-allow-origin", origin)
            .header("access-control-allow-credentials", "true")
            .header("vary", "Origin"),
        None => reply.header("access-control-allow-origin", "*"),
    };
    reply
        .header("access-control-allow-methods", "POST, GET, OPTIONS")
        .header("access-control-allow-headers", ALLOW_HEADERS)
        .header("access-control-expose-headers", "Retry-After, X-RateLimit-Reset")
        .header("access-control-max-age", "86400")
}

/// The answer to a preflight: allows also the headers that it asks for.
pub fn preflight(request: &Request<'_>) -> Reply {
    let mut reply = dress(Reply::empty(204), Some(request));
    let asked = request.header("access-control-request-headers").unwrap_or_default();
    let more: Vec<_> = asked
        .split(',')
        .map(|name| name.trim().to_ascii_lowercase())
        .filter(|name| {
            !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
        })
        .filter(|name| !ALLOW_HEADERS.split(", ").any(|known| known == name))
        .take(32)
        .collect();
    if !more.is_empty() {
        for (name, value) in &mut reply.headers {
            if name == "access-control-allow-headers" {
                *value = format!("{ALLOW_HEADERS}, {}", more.join(", "));
            }
        }
    }
    reply
}
