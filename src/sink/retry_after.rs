//! `Retry-After`: when a server wants to be asked again.

use http::HeaderMap;
use http::header::RETRY_AFTER;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

/// No server gets more than this: a wrong date must not stop a pipeline for a year.
const AFTER_MS_MAX: u64 = 300_000;

/// The three date formats of RFC 9110, section 5.6.7.
const DATES: [&str; 3] = ["%a, %d %b %Y %H:%M:%S GMT", "%A, %d-%b-%y %H:%M:%S GMT", "%a %b %e %H:%M:%S %Y"];

/// The pause that the answer asks for, in milliseconds; `None` without a readable header.
pub(super) fn retry_after_ms(headers: &HeaderMap, now_ms: i64) -> Option<u64> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    let after_ms = match text.parse::<f64>() {
        Ok(seconds) if seconds.is_finite() && seconds >= 0.0 => (seconds * 1000.0).ceil() as u64,
        Ok(_) => return None,
        Err(_) => u64::try_from(date_ms(text)?.saturating_sub(now_ms)).unwrap_or(0),
    };
    Some(after_ms.min(AFTER_MS_MAX))
}

fn date_ms(text: &str) -> Option<i64> {
    let date = DATES.iter().find_map(|format| DateTime::strptime(format, text).ok())?;
    Some(date.to_zoned(TimeZone::UTC).ok()?.timestamp().as_millisecond())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 1994-11-06T08:49:37Z, the example of the RFC.
    const NOW_MS: i64 = 784_111_777_000;

    fn after(text: &str, now_ms: i64) -> Option<u64> {
        let mut headers = HeaderMap::new();
        headers.insert(RETRY_AFTER, text.parse().unwrap());
        retry_after_ms(&headers, now_ms)
    }

    #[test]
    fn reads_seconds_and_all_dates() {
        for (text, expected) in [
            ("0", Some(0)),
            (" 7 ", Some(7000)),
            ("1.5", Some(1500)),
            ("299", Some(299_000)),
            ("301", Some(300_000)),
            ("99999999999999999999", Some(300_000)),
            ("-1", None),
            ("inf", None),
            ("soon", None),
            ("", None),
            ("Sun, 06 Nov 1994 08:49:47 GMT", Some(10_000)),
            ("Sunday, 06-Nov-94 08:49:47 GMT", Some(10_000)),
            ("Sun Nov  6 08:49:47 1994", Some(10_000)),
            ("Sun, 06 Nov 1994 08:49:00 GMT", Some(0)),
            ("Mon, 07 Nov 1994 08:49:37 GMT", Some(300_000)),
        ] {
            assert_eq!(after(text, NOW_MS), expected, "{text}");
        }
        assert_eq!(retry_after_ms(&HeaderMap::new(), NOW_MS), None);
    }
}
