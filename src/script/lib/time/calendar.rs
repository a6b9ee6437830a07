//! Times by the calendar of a zone: parts, starts of units, texts by a pattern.

use jiff::fmt::strtime;
use jiff::tz::TimeZone;
use jiff::{ToSpan, Unit, Zoned};
use rhai::{Dynamic, Map};

use super::{TEXT_BYTES, no_unit, parse, timestamp, unit_ms, zone_of};
use crate::script::fault::fault;
use crate::script::lib::{Native, arg};

fn zoned(time: &Dynamic, zone: &str) -> Native<Option<Zoned>> {
    let zone = zone_of(zone)?;
    let Some(ms) = parse(time)? else { return Ok(None) };
    Ok(Some(timestamp(ms)?.to_zoned(zone)))
}

/// The time of a text by a pattern.
pub(super) fn parse_as(text: &Dynamic, pattern: &str, zone: &str) -> Native {
    let zone = zone_of(zone)?;
    arg::try_text(text, "parse_as", |text| {
        if text.len() > TEXT_BYTES || pattern.len() > TEXT_BYTES {
            return Err(fault("the text or the pattern is too long"));
        }
        let wrong = |error: jiff::Error| fault(format!("`{text}` does not fit `{pattern}`: {error}"));
        let found = strtime::parse(pattern, text.trim()).map_err(wrong)?;
        if let Ok(time) = found.to_timestamp() {
            return Ok(time.as_millisecond().into());
        }
        let civil = found.to_datetime().or_else(|_| found.to_date().map(|date| date.at(0, 0, 0, 0))).map_err(wrong)?;
        Ok(zone.to_timestamp(civil).map_err(wrong)?.as_millisecond().into())
    })
}

/// The parts of a time.
pub(super) fn parts(time: &Dynamic, zone: &str) -> Native {
    let Some(time) = zoned(time, zone)? else { return Ok(Dynamic::UNIT) };
    let parts: [(&str, i64); 11] = [
        ("year", time.year().into()),
        ("month", time.month().into()),
        ("day", time.day().into()),
        ("hour", time.hour().into()),
        ("minute", time.minute().into()),
        ("second", time.second().into()),
        ("ms", time.millisecond().into()),
        ("weekday", time.weekday().to_monday_one_offset().into()),
        ("week", time.date().iso_week_date().week().into()),
        ("day_of_year", time.day_of_year().into()),
        ("offset", (time.offset().seconds() / 60).into()),
    ];
    Ok(parts.into_iter().map(|(name, value)| (name.into(), Dynamic::from_int(value))).collect::<Map>().into())
}

/// The start of the unit that a time is in.
pub(super) fn start_of(time: &Dynamic, unit: &str, zone: &str) -> Native {
    let Some(time) = zoned(time, zone)? else { return Ok(Dynamic::UNIT) };
    let far = |_| fault("the time is too far away");
    let date = time.date();
    let date = match unit {
        "ms" | "s" | "second" | "seconds" | "m" | "minute" | "minutes" => {
            // Offsets of zones have whole minutes since 1972; before, the start of the clock's minute would be a matter of taste.
            let ms = time.timestamp().as_millisecond();
            return Ok((ms - ms.rem_euclid(unit_ms(unit)?)).into());
        }
        "h" | "hour" | "hours" => {
            let into =
                i64::from(time.minute()) * 60_000 + i64::from(time.second()) * 1000 + i64::from(time.millisecond());
            return Ok((time.timestamp().as_millisecond() - into).into());
        }
        "d" | "day" | "days" => date,
        "week" | "weeks" => {
            let days = i64::from(date.weekday().to_monday_zero_offset());
            date.checked_sub(days.days()).map_err(far)?
        }
        "month" | "months" => date.first_of_month(),
        "quarter" | "quarters" => {
            let into = i64::from((date.month() - 1) % 3);
            date.first_of_month().checked_sub(into.months()).map_err(far)?
        }
        "year" | "years" => date.first_of_year(),
        other => return Err(no_unit(other)),
    };
    Ok(date.to_zoned(time.time_zone().clone()).map_err(far)?.timestamp().as_millisecond().into())
}

/// Whole units between two times.
pub(super) fn diff(from: i64, to: i64, unit: &str) -> Native<i64> {
    let per = match unit {
        "month" | "months" => 1,
        "year" | "years" => 12,
        _ => return Ok(to.saturating_sub(from) / unit_ms(unit)?),
    };
    let (from, to) = (timestamp(from)?.to_zoned(TimeZone::UTC), timestamp(to)?.to_zoned(TimeZone::UTC));
    let span = from.until((Unit::Month, &to)).map_err(|_| fault("the times are too far apart"))?;
    Ok(i64::from(span.get_months()) / per)
}
