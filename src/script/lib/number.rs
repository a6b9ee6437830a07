//! `number::`: numbers, and texts that people wrote them in. For money there is `money::`, which stays exact.

use std::rc::Rc;

use rhai::{Dynamic, INT, ImmutableString, Module};
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;

use super::money::{self, strategy};
use super::{Fun, Lib, Native, arg, put};
use crate::script::fault::fault;

pub mod written;

/// The functions of the namespace.
pub const FUNS: &[Fun] = &[
    Fun {
        name: "number::clamp",
        signature: "number::clamp(number, low, high) -> number",
        about: "The number, or the bound that it is beyond; `()` stays absent.",
        example: r"number::clamp(120, 0, 100) == 100
number::clamp(-0.5, 0, 100) == 0
number::clamp(7, 0, 100) == 7",
        add: |module, _| {
            put(module, "clamp", |value: Dynamic, low: Dynamic, high: Dynamic| -> Native {
                let (Some(number), Some(least), Some(most)) =
                    (money::parse(&value)?, money::parse(&low)?, money::parse(&high)?)
                else {
                    return Ok(Dynamic::UNIT);
                };
                Ok(if number < least {
                    low
                } else if number > most {
                    high
                } else {
                    value
                })
            });
        },
    },
    Fun {
        name: "number::format",
        signature: "number::format(number, places, group?, point?) -> text",
        about: "With exactly so many decimals, a text between groups of three digits (none if not given) and the decimal mark (`.`).",
        example: r#"number::format(1234567.891, 2, ",") == "1,234,567.89"
number::format(1234.5, 2, ".", ",") == "1.234,50"
number::format(1234.5, 2) == "1234.50""#,
        add: format,
    },
    Fun {
        name: "number::parse",
        signature: "number::parse(value, default?, point?) -> number",
        about: "The number in a text as people write it: with separators between groups, a currency around it, a minus or parentheses. Of \
                `,` and `.` the last is the decimal mark; one `,` before exactly three digits separates a group; where that is not so, \
                give the mark. The default, or `()`, if it is no number.",
        example: r#"number::parse("1,234.50") == 1234.5
number::parse("€ 1.234,50") == 1234.5
number::parse("198.00") == 198
number::parse("1.234", (), ",") == 1234
number::parse("n/a", 0) == 0
number::parse(()) == ()"#,
        add: |module, _| {
            put(module, "parse", |value: Dynamic| parse(&value, Dynamic::UNIT, ""));
            put(module, "parse", |value: Dynamic, default: Dynamic| parse(&value, default, ""));
            put(module, "parse", |value: Dynamic, default: Dynamic, point: &str| parse(&value, default, point));
        },
    },
    Fun {
        name: "number::round",
        signature: "number::round(number, places, mode?) -> number",
        about: "With no more than so many decimals, without the tails of binary fractions; a whole number for 0 places. Halves go away from \
                zero; modes are half_up (this), half_even, half_down, up and down.",
        example: r#"number::round(0.1 + 0.2, 2) == 0.3
number::round(1.005, 2) == 1.01
number::round(2.5, 0, "half_even") == 2
number::round("19.999", 1) == 20"#,
        add: |module, _| {
            put(module, "round", |value: Dynamic, places: INT| round(&value, places, "half_up"));
            put(module, "round", |value: Dynamic, places: INT, mode: &str| round(&value, places, mode));
        },
    },
];

/// A decimal as the plain number that scripts calculate with.
pub fn plain(number: Decimal) -> Dynamic {
    let whole = number.trunc();
    if whole == number
        && let Some(int) = whole.to_i64()
    {
        return Dynamic::from_int(int);
    }
    // By way of the text: the nearest float of 0.1 is the one that is written 0.1.
    number.to_string().parse().map_or(Dynamic::UNIT, Dynamic::from_float)
}

fn parse(value: &Dynamic, default: Dynamic, point: &str) -> Native {
    if value.is_int() || value.is_float() || value.is_decimal() {
        return Ok(value.clone());
    }
    let Some(text) = arg::text(value, "parse")? else { return Ok(default) };
    Ok(written::read(&text, mark(point)?).map_or(default, plain))
}

/// The decimal mark that a script names; empty means that it is to be found out.
pub fn mark(point: &str) -> Native<Option<char>> {
    match point {
        "" => Ok(None),
        "." => Ok(Some('.')),
        "," => Ok(Some(',')),
        other => Err(fault(format!("the decimal mark is `.` or `,`, not `{other}`"))),
    }
}

/// How many decimals a script asks for.
pub fn places(places: INT) -> Native<u32> {
    u32::try_from(places)
        .ok()
        .filter(|places| *places <= Decimal::MAX_SCALE)
        .ok_or_else(|| fault(format!("numbers have 0 to {} decimals, not {places}", Decimal::MAX_SCALE)))
}

fn round(value: &Dynamic, decimals: INT, mode: &str) -> Native {
    let (decimals, strategy) = (places(decimals)?, strategy(mode)?);
    // What no decimal can hold has no decimals that could be seen.
    let Some(number) = (if value.is_float() { money::parse(value).unwrap_or_default() } else { money::parse(value)? })
    else {
        return Ok(if value.is_float() { value.clone() } else { Dynamic::UNIT });
    };
    let rounded = number.round_dp_with_strategy(decimals, strategy);
    Ok(match () {
        () if value.is_decimal() => rounded.into(),
        () if value.is_float() && decimals > 0 => {
            rounded.to_string().parse().map_or_else(|_| value.clone(), Dynamic::from_float)
        }
        () => plain(rounded),
    })
}

fn format(module: &mut Module, lib: &Lib) {
    fn write(value: &Dynamic, decimals: INT, group: &str, point: &str) -> Native {
        let decimals = places(decimals)?;
        Ok(money::parse(value)?.map_or(Dynamic::UNIT, |number| written::grouped(number, decimals, group, point).into()))
    }
    put(module, "format", |value: Dynamic, decimals: INT| write(&value, decimals, "", "."));
    let run = Rc::clone(&lib.run);
    put(module, "format", move |value: Dynamic, decimals: INT, group: ImmutableString| {
        run.allow_bytes(group.len().saturating_mul(16))?;
        write(&value, decimals, &group, ".")
    });
    let run = Rc::clone(&lib.run);
    put(module, "format", move |value: Dynamic, decimals: INT, group: ImmutableString, point: ImmutableString| {
        run.allow_bytes(group.len().saturating_mul(16).saturating_add(point.len()))?;
        write(&value, decimals, &group, &point)
    });
}
