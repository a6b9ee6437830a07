//! Times as events carry them: ISO 8601 in UTC with milliseconds.

use jiff::Timestamp;

/// Milliseconds since 1970 as `2026-01-15T10:20:30.000Z`; a time beyond the calendar becomes its nearest end.
pub fn iso(time_ms: i64) -> String {
    let end = if time_ms < 0 { Timestamp::MIN } else { Timestamp::MAX };
    format!("{:.3}", Timestamp::from_millisecond(time_ms).unwrap_or(end))
}

/// Reads a time with a zone, in any of the forms that senders use; `None` if it is none.
pub fn parse_iso_ms(text: &str) -> Option<i64> {
    text.trim().parse::<Timestamp>().ok().map(Timestamp::as_millisecond)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_and_reads_what_senders_write() {
        assert_eq!(iso(1_354_062_602_276), "2012-11-28T00:30:02.276Z");
        assert_eq!(iso(0), "1970-01-01T00:00:00.000Z");
        for text in ["2012-11-28T00:30:02.276Z", "2012-11-28T01:30:02.276+01:00", "2012-11-28T00:30:02.276123+00:00"] {
            assert_eq!(parse_iso_ms(text), Some(1_354_062_602_276), "{text}");
        }
        assert_eq!(parse_iso_ms("2012-11-28T00:30:02+00:00"), Some(1_354_062_602_000));
        for text in ["", "2015-2-02T00:30:08.276Z", "2012-11-28T00:30:02", "yesterday", "1354062602276"] {
            assert_eq!(parse_iso_ms(text), None, "{text}");
        }
        assert!(!iso(i64::MAX).is_empty() && !iso(i64::MIN).is_empty());
    }
}
