//! Times on the command line: `2d` ago, `now`, a day, a moment.

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use crate::registry::parse_duration_ms;

/// A time, perhaps one that depends on when it is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum When {
    /// So many milliseconds before now.
    Ago(i64),
    /// Milliseconds since 1970.
    At(i64),
}

impl When {
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let text = text.trim();
        if text == "now" {
            return Ok(Self::Ago(0));
        }
        if let Some(ms) = parse_duration_ms(text).and_then(|ms| i64::try_from(ms).ok()) {
            return Ok(Self::Ago(ms));
        }
        if let Ok(moment) = text.parse::<Timestamp>() {
            return Ok(Self::At(moment.as_millisecond()));
        }
        // A time without a zone would be taken for a day.
        let day = Some(text).filter(|text| text.len() == "2026-01-31".len()).and_then(|text| text.parse::<Date>().ok());
        let day = day.and_then(|day| day.to_zoned(TimeZone::UTC).ok());
        day.map(|day| Self::At(day.timestamp().as_millisecond())).ok_or_else(|| {
            "a duration back from now (2d, 12h), a day (2026-01-31) or a time (2026-01-31T10:00:00Z)".to_owned()
        })
    }

    pub(super) fn ms(self, now_ms: i64) -> i64 {
        match self {
            Self::Ago(ms) => now_ms.saturating_sub(ms),
            Self::At(ms) => ms,
        }
    }
}

/// A time as people read it.
pub(super) fn shown(ms: i64) -> String {
    Timestamp::from_millisecond(ms)
        .map_or_else(|_| ms.to_string(), |time| time.strftime("%Y-%m-%d %H:%M:%SZ").to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read() {
        const NOW: i64 = 1_768_472_430_000;
        for (text, expected) in [
            ("2d", NOW - 172_800_000),
            ("90m", NOW - 5_400_000),
            ("now", NOW),
            ("2026-01-01", 1_767_225_600_000),
            ("2026-01-15T10:20:30Z", NOW),
            ("2026-01-15T11:20:30+01:00", NOW),
        ] {
            assert_eq!(When::parse(text).unwrap().ms(NOW), expected, "{text}");
        }
        for text in ["", "yesterday", "2026-13-01", "2", "-2d", "2026-01-15T10:20:30"] {
            assert!(When::parse(text).is_err(), "{text}");
        }
        assert_eq!(shown(NOW), "2026-01-15 10:20:30Z");
    }
}
