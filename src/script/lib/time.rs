//! `time::`: times as milliseconds since 1970 and as ISO 8601 texts.
//!
//! Zones come from the database that is compiled in, so that a script gives the same result on every machine.

use std::rc::Rc;

use jiff::civil::{Date, DateTime};
use jiff::fmt::temporal::DateTimeParser;
use jiff::fmt::{rfc2822, strtime};
use jiff::tz::{TimeZone, TimeZoneDatabase};
use jiff::{Span, Timestamp, ToSpan};
use rhai::{Dynamic, INT, ImmutableString};
use rust_decimal::prelude::ToPrimitive;

use super::{Fun, Native, arg, money, put};
use crate::script::fault::fault;
use crate::script::run::Fault;

mod calendar;

/// Whole numbers below this are seconds: it is the year 5138 in seconds and March 1973 in milliseconds.
const SECONDS_BELOW: i64 = 100_000_000_000;

/// Numbers from here on are micro-, and then nanoseconds: no time that can be written has so many milliseconds.
const MICROS_FROM: f64 = 3e14;
const NANOS_FROM: f64 = 3e17;
/// The longest pattern and the longest text that is read by one.
const TEXT_BYTES: usize = 256;

/// The functions of the namespace.
pub const FUNS: &[Fun] = &[
    Fun {
        name: "time::add",
        signature: "time::add(time, amount, unit, zone?) -> milliseconds",
        about: "A time later (or earlier, with a negative amount) by so many ms, seconds, minutes, hours, days, weeks, months or \
                years. Days and longer are those of the zone's calendar (UTC if none is given).",
        example: r#"time::iso(time::add("2026-01-31T00:00:00Z", 1, "months")) == "2026-02-28T00:00:00.000Z"
time::add(0, 2, "hours") == 7200000
time::iso(time::add("2026-03-28T11:00:00Z", 1, "day", "Europe/Berlin")) == "2026-03-29T10:00:00.000Z""#,
        add: |module, _| {
            put(module, "add", |time: Dynamic, amount: INT, unit: &str| add(&time, amount, unit, "UTC"));
            put(module, "add", |time: Dynamic, amount: INT, unit: &str, zone: &str| add(&time, amount, unit, zone));
        },
    },
    Fun {
        name: "time::diff",
        signature: "time::diff(from, to, unit) -> number",
        about: "How many whole ms, seconds, minutes, hours, days, weeks, months or years lie between two times.",
        example: r#"time::diff("2026-01-01", "2026-01-15T12:00:00Z", "days") == 14
time::diff("2026-01-31", "2026-03-30", "months") == 1"#,
        add: |module, _| {
            put(module, "diff", |from: Dynamic, to: Dynamic, unit: &str| -> Native {
                let (Some(from), Some(to)) = (parse(&from)?, parse(&to)?) else { return Ok(Dynamic::UNIT) };
                calendar::diff(from, to, unit).map(Dynamic::from_int)
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
        name: "time::from_seconds",
        signature: "time::from_seconds(seconds) -> milliseconds",
        about: "A number of seconds since 1970 as a time, however small it is: `parse` takes it for milliseconds from 1e11 on.",
        example: r#"time::from_seconds(1768472430) == 1768472430000
time::from_seconds("1768472430.5") == 1768472430500"#,
        add: |module, _| {
            put(module, "from_seconds", |value: Dynamic| -> Native {
                let Some(seconds) = money::parse(&value)? else { return Ok(Dynamic::UNIT) };
                let ms = seconds.checked_mul(1000.into()).and_then(|ms| ms.round().to_i64());
                Ok(timestamp(ms.unwrap_or(i64::MAX))?.as_millisecond().into())
            });
        },
    },
    Fun {
        name: "time::is_valid",
        signature: "time::is_valid(value) -> bool",
        about: "Whether `parse` understands a value as a time; false if it is absent.",
        example: r#"time::is_valid("2026-01-15T10:20:30Z") == true
time::is_valid("soon") == false
time::is_valid(()) == false"#,
        add: |module, _| {
            put(module, "is_valid", |value: Dynamic| parse(&value).is_ok_and(|time| time.is_some()));
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
        about: "Milliseconds since 1970 of an ISO 8601 text (UTC if it has no offset and no zone), an RFC 2822 text, a date in figures \
                alone (`20260115`, only as a text), or a number of seconds, milliseconds, micro- or nanoseconds (told apart by its \
                size). An error if it is none of these, `()` for `()`.",
        example: r#"time::parse("2026-01-15T10:20:30Z") == 1768472430000
time::parse("Thu, 15 Jan 2026 10:20:30 +0000") == 1768472430000
time::parse("2026-01-15") == 1768435200000
time::parse("20260115") == 1768435200000
time::parse("2026-01-15T11:20:30[Europe/Berlin]") == 1768472430000
time::parse(1768472430) == time::parse(1768472430000)"#,
        add: |module, _| {
            put(module, "parse", |value: Dynamic| -> Native {
                Ok(parse(&value)?.map_or(Dynamic::UNIT, Dynamic::from_int))
            });
        },
    },
    Fun {
        name: "time::parse_as",
        signature: "time::parse_as(text, pattern, zone?) -> milliseconds",
        about: "The time that a text has by a strptime pattern, in a zone if it has no offset of its own (UTC if none is given). An error if \
                the text does not fit.",
        example: r#"time::iso(time::parse_as("15.01.2026 10:20", "%d.%m.%Y %H:%M")) == "2026-01-15T10:20:00.000Z"
time::iso(time::parse_as("07/15/2026", "%m/%d/%Y", "Europe/Berlin")) == "2026-07-14T22:00:00.000Z""#,
        add: |module, _| {
            put(module, "parse_as", |text: Dynamic, pattern: &str| calendar::parse_as(&text, pattern, "UTC"));
            put(module, "parse_as", |text: Dynamic, pattern: &str, zone: &str| {
                calendar::parse_as(&text, pattern, zone)
            });
        },
    },
    Fun {
        name: "time::parts",
        signature: "time::parts(time, zone?) -> map",
        about: "The parts of a time in a zone (UTC if none is given): year, month, day, hour, minute, second, ms, weekday (Monday is 1), week \
                (ISO), day_of_year, offset (minutes east of UTC).",
        example: r#"time::parts("2026-01-15T23:20:30Z", "Europe/Berlin").day == 16
time::parts("2026-01-15T23:20:30Z").weekday == 4
time::parts("2026-07-15T00:00:00Z", "Asia/Kolkata").offset == 330"#,
        add: |module, _| {
            put(module, "parts", |time: Dynamic| calendar::parts(&time, "UTC"));
            put(module, "parts", |time: Dynamic, zone: &str| calendar::parts(&time, zone));
        },
    },
    Fun {
        name: "time::seconds",
        signature: "time::seconds(time) -> number",
        about: "A time as whole seconds since 1970.",
        example: r#"time::seconds("2026-01-15T10:20:30.999Z") == 1768472430"#,
        add: |module, _| {
            put(module, "seconds", |time: Dynamic| -> Native {
                Ok(parse(&time)?.map_or(Dynamic::UNIT, |ms| ms.div_euclid(1000).into()))
            });
        },
    },
    Fun {
        name: "time::start_of",
        signature: "time::start_of(time, unit, zone?) -> milliseconds",
        about: "A time cut down to the start of its second, minute, hour, day, week (Monday), month, quarter or year in a zone (UTC if none is \
                given).",
        example: r#"time::iso(time::start_of("2026-01-15T10:20:30Z", "month")) == "2026-01-01T00:00:00.000Z"
time::iso(time::start_of("2026-07-15T10:20:30Z", "day", "Europe/Berlin")) == "2026-07-14T22:00:00.000Z"
time::iso(time::start_of("2026-01-15T10:20:30Z", "week")) == "2026-01-12T00:00:00.000Z""#,
        add: |module, _| {
            put(module, "start_of", |time: Dynamic, unit: &str| calendar::start_of(&time, unit, "UTC"));
            put(module, "start_of", |time: Dynamic, unit: &str, zone: &str| calendar::start_of(&time, unit, zone));
        },
    },
    Fun {
        name: "time::to_zone",
        signature: "time::to_zone(time, zone) -> text",
        about: "A time as ISO 8601 with the clock and the offset of an IANA zone.",
        example: r#"time::to_zone("2026-07-15T10:20:30Z", "Europe/Berlin") == "2026-07-15T12:20:30.000+02:00""#,
        add: |module, _| {
            put(module, "to_zone", |time: Dynamic, zone: &str| format(&time, "%Y-%m-%dT%H:%M:%S.%3f%:z", zone));
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
    let size = number.abs();
    let ms = match () {
        () if size < SECONDS_BELOW as f64 => number * 1000.0,
        () if size < MICROS_FROM => number,
        () if size < NANOS_FROM => number / 1e3,
        () => number / 1e6,
    };
    ms.round() as i64
}

fn from_text(text: &str) -> Option<i64> {
    if let Ok(time) = text.parse::<Timestamp>() {
        return Some(time.as_millisecond());
    }
    if let Some(date) = compact(text) {
        return TimeZone::UTC.to_timestamp(date).ok().map(Timestamp::as_millisecond);
    }
    if let Ok(number) = text.parse::<f64>() {
        return number.is_finite().then(|| from_number(number));
    }
    // A zone without an offset; what has `=` is not a zone (`[u-ca=gregory]`).
    if text.contains('[') && !text.contains('=') {
        let zoned = DateTimeParser::new().parse_zoned_with(&TimeZoneDatabase::bundled(), text);
        return zoned.ok().map(|zoned| zoned.timestamp().as_millisecond());
    }
    let civil = text.parse::<DateTime>().or_else(|_| text.parse::<Date>().map(|date| date.at(0, 0, 0, 0)));
    if let Ok(civil) = civil {
        return TimeZone::UTC.to_timestamp(civil).ok().map(Timestamp::as_millisecond);
    }
    rfc2822::parse(text).ok().map(|zoned| zoned.timestamp().as_millisecond())
}

/// A date, or a date and time, in figures alone: `20260115`, `20260115102030`. As numbers they would be days in 1970 and in 2612.
fn compact(text: &str) -> Option<DateTime> {
    let is_date = matches!(text.len(), 8 | 14) && text.bytes().all(|byte| byte.is_ascii_digit());
    if !is_date || !matches!(&text[..2], "19" | "20") {
        return None;
    }
    let (date, time) = text.split_at(8);
    if time.is_empty() {
        date.parse::<Date>().ok().map(|date| date.at(0, 0, 0, 0))
    } else {
        format!("{date}T{time}").parse().ok()
    }
}

fn timestamp(ms: i64) -> Native<Timestamp> {
    Timestamp::from_millisecond(ms).map_err(|_| fault("the time is too far away"))
}

fn format(time: &Dynamic, pattern: &str, zone: &str) -> Native {
    let Some(ms) = parse(time)? else { return Ok(Dynamic::UNIT) };
    if pattern.len() > TEXT_BYTES {
        return Err(fault("the pattern is too long"));
    }
    let zone = zone_of(zone)?;
    let zoned = timestamp(ms)?.to_zoned(zone);
    let text = strtime::format(pattern, &zoned).map_err(|error| fault(format!("`{pattern}`: {error}")))?;
    Ok(text.into())
}

fn zone_of(name: &str) -> Native<TimeZone> {
    match name {
        "UTC" | "utc" | "Z" => Ok(TimeZone::UTC),
        name => {
            let shown = || name.chars().take(64).collect::<String>();
            TimeZoneDatabase::bundled().get(name).map_err(|_| fault(format!("no time zone `{}`", shown())))
        }
    }
}

fn add(time: &Dynamic, amount: INT, unit: &str, zone: &str) -> Native {
    let Some(ms) = parse(time)? else { return Ok(Dynamic::UNIT) };
    let far = || fault("the time is too far away");
    let zone = zone_of(zone)?;
    let days = |days: i64| amount.checked_mul(days).filter(|days| days.abs() < 7_000_000).map(ToSpan::days);
    let months = |months: i64| amount.checked_mul(months).filter(|months| months.abs() < 200_000).map(ToSpan::months);
    let span: Option<Option<Span>> = match unit {
        "d" | "day" | "days" => Some(days(1)),
        "week" | "weeks" => Some(days(7)),
        "month" | "months" => Some(months(1)),
        "year" | "years" => Some(months(12)),
        _ => None,
    };
    if let Some(span) = span {
        let later = timestamp(ms)?.to_zoned(zone).checked_add(span.ok_or_else(far)?).map_err(|_| far())?;
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
        other => return Err(no_unit(other)),
    })
}

#[allow(clippy::unnecessary_box_returns, reason = "it is what goes into an error")]
fn no_unit(unit: &str) -> Fault {
    let unit: String = unit.chars().take(32).collect();
    fault(format!("`{unit}` is no unit: ms, seconds, minutes, hours, days, weeks, months, years"))
}
