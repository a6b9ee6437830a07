//! `time::`: times as milliseconds since 1970 and as ISO 8601 texts.
//!
//! Zones come from the database that is compiled in, so that a script gives the same result on every machine.

use std::rc::Rc;

use jiff::civil::{Date, DateTime};
use jiff::fmt::{rfc2822, strtime};
use jiff::tz::{TimeZone, TimeZoneDatabase};
use jiff::{Span, Timestamp, ToSpan};
use rhai::{Dynamic, INT, ImmutableString};
use rust_decimal::prelude::ToPrimitive;

use super::{Fun, Native, arg, put};
use crate::script::fault::fault;

/// Whole numbers below this are seconds: it is the year 5138 in seconds and March 1973 in milliseconds.
const SECONDS_BELOW: i64 = 100_000_000_000;

/// The functions of the namespace.
pub const FUNS: &[Fun] = &[
    Fun {
        name: "time::add",
        signature: "time::add(time, amount, unit) -> milliseconds",
        about: "A time later (or earlier, with a negative amount) by so many ms, seconds, minutes, hours, days, weeks, months or \
                years, in UTC.",
        example: r#"time::iso(time::add("2026-01-31T00:00:00Z", 1, "months")) == "2026-02-28T00:00:00.000Z"
time::add(0, 2, "hours") == 7200000"#,
        add: |module, _| put(module, "add", |time: Dynamic, amount: INT, unit: &str| add(&time, amount, unit)),
    },
    Fun {
        name: "time::diff",
        signature: "time::diff(from, to, unit) -> number",
        about: "How many whole ms, seconds, minutes, hours, days or weeks lie between two times.",
        example: r#"time::diff("2026-01-01", "2026-01-15T12:00:00Z", "days") == 14"#,
        add: |module, _| {
            put(module, "diff", |from: Dynamic, to: Dynamic, unit: &str| -> Native {
                let (Some(from), Some(to)) = (parse(&from)?, parse(&to)?) else { return Ok(Dynamic::UNIT) };
                Ok((to.saturating_sub(from) / unit_ms(unit)?).into())
            });
        },
    },
    Fun {
        name: "time::format",
        signature: "time::format(time, pattern, zone?) -> text",
        about: "A time by a strftime pattern, in an IANA zone (UTC if none is given).",
        example: r#"time::format("2026-07-15T10:20:30Z", "%Y-%m-%d %H:%M", "Europe/Berlin") == "2026-07-15 12:20"
time::format(0, "%d.%m.%Y") == "01.01.1970""#,
        add: |module, _| {
            put(module, "format", |time: Dynamic, pattern: &str| format(&time, pattern, "UTC"));
            put(module, "format", |time: Dynamic, pattern: &str, zone: &str| format(&time, pattern, zone));
        },
    },
    Fun {
        name: "time::iso",
        signature: "time::iso(time) -> text",
        about: "Any time as ISO 8601 in UTC with milliseconds, as Segment takes it.",
        example: r#"time::iso("2026-01-15T05:20:30-05:00") == "2026-01-15T10:20:30.000Z"
time::iso(1768472430) == "2026-01-15T10:20:30.000Z"
time::iso(()) == ()"#,
        add: |module, _| {
            put(module, "iso", |time: Dynamic| -> Native {
                Ok(parse(&time)?.map_or(Dynamic::UNIT, |ms| to_iso(ms).into()))
            });
        },
    },
    Fun {
        name: "time::now",
        signature: "time::now() -> milliseconds",
        about: "When the delivery was received: a script knows no other time, so that running it again gives the same.",
        example: r#"time::iso(time::now()) == "2026-01-15T10:20:30.000Z""#,
        add: |module, lib| {
            let run = Rc::clone(&lib.run);
            put(module, "now", move || -> INT { run.now_ms() });
        },
    },
    Fun {
        name: "time::parse",
        signature: "time::parse(value) -> milliseconds",
        about: "Milliseconds since 1970 of an ISO 8601 text (UTC if it has no offset), an RFC 2822 text, or a number of seconds or \
                milliseconds (told apart by its size). An error if it is none of these, `()` for `()`.",
        example: r#"time::parse("2026-01-15T10:20:30Z") == 1768472430000
time::parse("Thu, 15 Jan 2026 10:20:30 +0000") == 1768472430000
time::parse("2026-01-15") == 1768435200000
time::parse(1768472430) == time::parse(1768472430000)"#,
        add: |module, _| {
            put(module, "parse", |value: Dynamic| -> Native {
                Ok(parse(&value)?.map_or(Dynamic::UNIT, Dynamic::from_int))
            });
        },
    },
];

/// ISO 8601 in UTC with three decimals.
pub fn to_iso(ms: i64) -> ImmutableString {
    Timestamp::from_millisecond(ms).map_or_else(|_| "".into(), |time| format!("{time:.3}").into())
}

fn parse(value: &Dynamic) -> Native<Option<i64>> {
    if let Ok(int) = value.as_int() {
        return Ok(Some(from_number(int as f64)));
    }
    if let Ok(float) = value.as_float() {
        return Ok(Some(from_number(float)));
    }
    if let Some(decimal) = value.read_lock::<rust_decimal::Decimal>() {
        return Ok(decimal.to_f64().map(from_number));
    }
    let Some(text) = arg::text(value, "time")? else { return Ok(None) };
    let text = text.trim();
    if text.is_empty() {
        return Ok(None);
    }
    from_text(text).map(Some).ok_or_else(|| fault(format!("`{text}` is not a time")))
}

fn from_number(number: f64) -> i64 {
    (if number.abs() < SECONDS_BELOW as f64 { number * 1000.0 } else { number }).round() as i64
}

fn from_text(text: &str) -> Option<i64> {
    if let Ok(time) = text.parse::<Timestamp>() {
        return Some(time.as_millisecond());
    }
    if let Ok(number) = text.parse::<f64>() {
        return number.is_finite().then(|| from_number(number));
    }
    let civil = text.parse::<DateTime>().or_else(|_| text.parse::<Date>().map(|date| date.at(0, 0, 0, 0)));
    if let Ok(civil) = civil {
        return TimeZone::UTC.to_timestamp(civil).ok().map(Timestamp::as_millisecond);
    }
    rfc2822::parse(text).ok().map(|zoned| zoned.timestamp().as_millisecond())
}

fn timestamp(ms: i64) -> Native<Timestamp> {
    Timestamp::from_millisecond(ms).map_err(|_| fault("the time is too far away"))
}

fn format(time: &Dynamic, pattern: &str, zone: &str) -> Native {
    let Some(ms) = parse(time)? else { return Ok(Dynamic::UNIT) };
    let zone = match zone {
        "UTC" | "utc" | "Z" => TimeZone::UTC,
        name => TimeZoneDatabase::bundled().get(name).map_err(|_| fault(format!("no time zone `{name}`")))?,
    };
    let zoned = timestamp(ms)?.to_zoned(zone);
    let text = strtime::format(pattern, &zoned).map_err(|error| fault(format!("`{pattern}`: {error}")))?;
    Ok(text.into())
}

fn add(time: &Dynamic, amount: INT, unit: &str) -> Native {
    let Some(ms) = parse(time)? else { return Ok(Dynamic::UNIT) };
    let far = || fault("the time is too far away");
    let months = match unit.trim_end_matches('s') {
        "month" => Some(amount),
        "year" => Some(amount.checked_mul(12).ok_or_else(far)?),
        _ => None,
    };
    if let Some(months) = months {
        let span: Span = if months.abs() < 200_000 { months.months() } else { return Err(far()) };
        let later = timestamp(ms)?.to_zoned(TimeZone::UTC).checked_add(span).map_err(|_| far())?;
        return Ok(later.timestamp().as_millisecond().into());
    }
    let later = amount.checked_mul(unit_ms(unit)?).and_then(|by| ms.checked_add(by)).ok_or_else(far)?;
    Ok(timestamp(later)?.as_millisecond().into())
}

fn unit_ms(unit: &str) -> Native<i64> {
    Ok(match unit {
        "ms" => 1,
        "s" | "second" | "seconds" => 1000,
        "m" | "minute" | "minutes" => 60_000,
        "h" | "hour" | "hours" => 3_600_000,
        "d" | "day" | "days" => 86_400_000,
        "week" | "weeks" => 604_800_000,
        other => return Err(fault(format!("`{other}` is no unit: ms, seconds, minutes, hours, days, weeks"))),
    })
}
