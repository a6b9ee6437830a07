//! What a status code says about who is to blame: the moment, the message, or the configuration.

use super::retry_after::retry_after_ms;
use super::{Answer, Judgement};

/// How much of an answer's body is repeated in a reason, in characters.
const EXCERPT_CHARS: usize = 200;

/// How a sink reads statuses, where sinks differ.
#[derive(Debug, Clone, Copy)]
pub(super) struct Policy<'a> {
    /// Statuses that mean delivered; every 2xx if empty.
    pub(super) success: &'a [u16],
    /// Statuses to retry beside 408, 425, 429 and 5xx.
    pub(super) retry: &'a [u16],
    /// What a person should look at when the server refuses everything, as `write_key and endpoint`.
    pub(super) configuration: &'a str,
}

/// Judges an answer.
///
/// A status that no message can cause (redirects, credentials, a wrong address) halts: with a typing error in the configuration the
/// alternative would be a dead letter for every event.
pub(super) fn judge(answer: &Answer<'_>, policy: Policy<'_>) -> Judgement {
    let status = answer.status;
    let delivered =
        if policy.success.is_empty() { (200..300).contains(&status) } else { policy.success.contains(&status) };
    if delivered {
        return Judgement::Delivered;
    }
    if policy.retry.contains(&status) {
        return retry(answer);
    }
    match status {
        408 | 425 | 429 => retry(answer),
        300..=399 => Judgement::Halt {
            reason: format!("{}; redirects are not followed, check {}", reason(answer), policy.configuration),
        },
        401..=405 | 407 | 410 | 415 | 501 | 505 | 511 => {
            Judgement::Halt { reason: format!("{}; check {}", reason(answer), policy.configuration) }
        }
        200..=299 | 400..=499 => Judgement::Reject { reason: reason(answer) },
        // Everything else is a server in trouble, or not a server of HTTP at all.
        _ => retry(answer),
    }
}

fn retry(answer: &Answer<'_>) -> Judgement {
    Judgement::Retry { after_ms: retry_after_ms(answer.headers, answer.now_ms), reason: reason(answer) }
}

/// `answered 400 Bad Request: Exceed payload limit`.
fn reason(answer: &Answer<'_>) -> String {
    let mut text = format!("answered {}", answer.status);
    if let Some(name) = http::StatusCode::from_u16(answer.status).ok().and_then(|status| status.canonical_reason()) {
        text.push(' ');
        text.push_str(name);
    }
    let body = String::from_utf8_lossy(answer.body);
    let words = body.split(|c: char| c.is_whitespace() || c.is_control()).filter(|word| !word.is_empty());
    let excerpt: String = words.collect::<Vec<_>>().join(" ").chars().take(EXCERPT_CHARS).collect();
    if !excerpt.is_empty() {
        text.push_str(": ");
        text.push_str(&excerpt);
    }
    text
}

#[cfg(test)]
mod tests {
    use http::HeaderMap;

    use super::*;

    fn answer<'a>(status: u16, body: &'a [u8], headers: &'a HeaderMap) -> Answer<'a> {
        Answer { status, headers, body, messages: 1, now_ms: 0 }
    }

    const POLICY: Policy<'static> = Policy { success: &[], retry: &[], configuration: "url" };

    #[test]
    fn the_reason_names_status_and_the_beginning_of_the_body() {
        let headers = HeaderMap::new();
        let body = format!("  {{\"error\":\n \"no\u{7}{}\"}}", "é".repeat(500));
        let Judgement::Reject { reason } = judge(&answer(400, body.as_bytes(), &headers), POLICY) else {
            panic!("not rejected")
        };
        assert!(reason.starts_with("answered 400 Bad Request: {\"error\": \"no é"), "{reason}");
        assert!(reason.chars().count() < 240);
        let broken = judge(&answer(499, &[0xff, 0xfe], &headers), POLICY);
        assert_eq!(broken, Judgement::Reject { reason: "answered 499: \u{fffd}\u{fffd}".into() });
    }

    #[test]
    fn a_list_of_successes_replaces_all_2xx() {
        let headers = HeaderMap::new();
        let policy = Policy { success: &[202, 409], ..POLICY };
        assert_eq!(judge(&answer(409, b"", &headers), policy), Judgement::Delivered);
        assert_eq!(judge(&answer(202, b"", &headers), policy), Judgement::Delivered);
        assert!(matches!(judge(&answer(200, b"", &headers), policy), Judgement::Reject { .. }));
    }
}
