//! `money::`: exact decimal amounts. They add, multiply and compare with the ordinary operators.

use std::rc::Rc;

use iso_currency::Currency;
use rhai::{Array, Dynamic, INT, ImmutableString, Map};
use rust_decimal::prelude::ToPrimitive;
use rust_decimal::{Decimal, RoundingStrategy};

use super::number::{self, written};
use super::{Fun, Native, arg, put};
use crate::script::bounded;
use crate::script::fault::fault;

/// The longest text that is read as an amount.
const TEXT_BYTES: usize = 256;

/// The functions of the namespace.
pub const FUNS: &[Fun] = &[
    Fun {
        name: "money::exponent",
        signature: "money::exponent(currency) -> number",
        about: "How many decimals a currency has.",
        example: r#"money::exponent("JPY") == 0
money::exponent("usd") == 2
money::exponent("KWD") == 3"#,
        add: |module, _| put(module, "exponent", |code: &str| -> Native<INT> { exponent(code).map(Into::into) }),
    },
    Fun {
        name: "money::format",
        signature: "money::format(amount, currency, options?) -> text",
        about: "An amount for people, with the currency's sign and decimals. Options: `symbol` (false leaves it out), `group` (`,`) and \
                `point` (`.`).",
        example: r#"money::format(1234.5, "USD") == "$1,234.50"
money::format(-1234.5, "EUR", #{ symbol: false, group: ".", point: "," }) == "-1.234,50"
money::format(500, "JPY", #{ symbol: false, group: "" }) == "500""#,
        add: |module, lib| {
            put(module, "format", |amount: Dynamic, code: &str| format_amount(&amount, code, &Map::new()));
            let run = Rc::clone(&lib.run);
            put(module, "format", move |amount: Dynamic, code: &str, options: Map| {
                bounded::measure(&run, &Dynamic::from_map(options.clone()))?;
                format_amount(&amount, code, &options)
            });
        },
    },
    Fun {
        name: "money::from_text",
        signature: "money::from_text(text, point?) -> decimal",
        about: "The exact amount in a text as people write it, read as `number::parse` does; `()` if it is none.",
        example: r#"money::from_text("€ 1.234,50") == money::parse("1234.50")
money::from_text("1.234", ",") == 1234
money::from_text("free") == ()"#,
        add: |module, _| {
            put(module, "from_text", |value: Dynamic| from_text(&value, ""));
            put(module, "from_text", |value: Dynamic, point: &str| from_text(&value, point));
        },
    },
    Fun {
        name: "money::is_currency",
        signature: "money::is_currency(code) -> bool",
        about: "Whether this is the code of a currency; the other functions fail on one that is not.",
        example: r#"money::is_currency("jpy") == true
money::is_currency("USDC") == false
money::is_currency(()) == false"#,
        add: |module, _| {
            put(module, "is_currency", |code: &mut Dynamic| {
                code.read_lock::<ImmutableString>().is_some_and(|code| currency(&code).is_ok())
            });
        },
    },
    Fun {
        name: "money::minor",
        signature: "money::minor(currency, amount) -> decimal",
        about: "An amount given in the currency's smallest unit (cents), as a decimal.",
        example: r#"money::minor("USD", 5490) == money::parse("54.90")
money::minor("JPY", 500) == 500"#,
        add: |module, _| {
            put(module, "minor", |code: &str, amount: Dynamic| -> Native {
                let Some(amount) = parse(&amount)? else { return Ok(Dynamic::UNIT) };
                let scale = Decimal::from(10_i64.pow(exponent(code)?));
                Ok(fixed(amount / scale, exponent(code)?).into())
            });
        },
    },
    Fun {
        name: "money::number",
        signature: "money::number(amount, currency?) -> number",
        about: "An amount as an ordinary number, rounded to the currency's decimals if one is given; never with the tail of a binary fraction.",
        example: r#"money::number("54.90") == 54.9
money::number(0.1 + 0.2, "USD") == 0.3
money::number("20.00") == 20"#,
        add: |module, _| {
            put(module, "number", |amount: Dynamic| -> Native {
                Ok(parse(&amount)?.map_or(Dynamic::UNIT, number::plain))
            });
            put(module, "number", |amount: Dynamic, code: &str| -> Native {
                let decimals = exponent(code)?;
                Ok(parse(&amount)?.map_or(Dynamic::UNIT, |amount| number::plain(fixed(amount, decimals))))
            });
        },
    },
    Fun {
        name: "money::parse",
        signature: "money::parse(value, default?) -> decimal",
        about: "A text or number as an exact decimal. For `()` and blank texts the default, or `()` without one; an error for \
                anything that is not a number.",
        example: r#"money::parse("54.90") + money::parse("0.10") == 55
money::parse(0.1) + money::parse(0.2) == money::parse("0.3")
money::parse((), 0) == 0
money::parse("") == ()"#,
        add: |module, _| {
            put(module, "parse", |value: Dynamic| -> Native { Ok(parse(&value)?.map_or(Dynamic::UNIT, Into::into)) });
            put(module, "parse", |value: Dynamic, default: Dynamic| -> Native {
                Ok(match parse(&value)? {
                    Some(amount) => amount.into(),
                    None => parse(&default)?.map_or(default, Into::into),
                })
            });
        },
    },
    Fun {
        name: "money::round",
        signature: "money::round(amount, currency, mode?) -> decimal",
        about: "An amount with exactly the currency's decimals, halves away from zero. Modes are half_up (this), half_even, half_down, up \
                and down.",
        example: r#"money::round(29.165, "USD") == money::parse("29.17")
money::round("54.9", "USD").to_string() == "54.90"
money::round(100.4, "JPY") == 100
money::round("0.125", "USD", "half_even").to_string() == "0.12""#,
        add: |module, _| {
            put(module, "round", |amount: Dynamic, code: &str| -> Native {
                let decimals = exponent(code)?;
                Ok(parse(&amount)?.map_or(Dynamic::UNIT, |amount| fixed(amount, decimals).into()))
            });
            put(module, "round", |amount: Dynamic, code: &str, mode: &str| -> Native {
                let (decimals, mode) = (exponent(code)?, strategy(mode)?);
                Ok(parse(&amount)?.map_or(Dynamic::UNIT, |amount| by(amount, decimals, mode).into()))
            });
        },
    },
    Fun {
        name: "money::sum",
        signature: "money::sum(amounts) -> decimal",
        about: "The exact sum of an array of texts and numbers; absent ones count as nothing.",
        example: r#"money::sum(["16.20", 1.3, (), 2.5]) == 20
money::sum([]) == 0"#,
        add: |module, _| {
            put(module, "sum", |amounts: Array| -> Native {
                let mut sum = Decimal::ZERO;
                for amount in &amounts {
                    let amount = parse(amount)?.unwrap_or_default();
                    sum = sum.checked_add(amount).ok_or_else(|| fault("the sum is too large"))?;
                }
                Ok(sum.into())
            });
        },
    },
    Fun {
        name: "money::to_minor",
        signature: "money::to_minor(amount, currency) -> number",
        about: "An amount in the currency's smallest unit, rounded to a whole number.",
        example: r#"money::to_minor("54.90", "USD") == 5490
money::to_minor("500", "JPY") == 500"#,
        add: |module, _| {
            put(module, "to_minor", |amount: Dynamic, code: &str| -> Native {
                let Some(amount) = parse(&amount)? else { return Ok(Dynamic::UNIT) };
                let large = || fault("the amount is too large");
                let minor = amount.checked_mul(Decimal::from(10_i64.pow(exponent(code)?))).ok_or_else(large)?;
                fixed(minor, 0).to_i64().map(Dynamic::from_int).ok_or_else(large)
            });
        },
    },
];

/// A text or number as a decimal; a float counts as its shortest text.
pub fn parse(value: &Dynamic) -> Native<Option<Decimal>> {
    if let Some(decimal) = value.read_lock::<Decimal>() {
        return Ok(Some(*decimal));
    }
    if let Ok(int) = value.as_int() {
        return Ok(Some(int.into()));
    }
    let text = arg::text(value, "money")?.filter(|text| !text.trim().is_empty());
    let Some(text) = text else { return Ok(None) };
    let text = text.trim();
    if text.len() > TEXT_BYTES {
        return Err(fault("a text of this length is not an amount"));
    }
    let parsed = Decimal::from_str_exact(text).or_else(|_| Decimal::from_scientific(text)).or_else(|_| text.parse());
    parsed.map(Some).map_err(|_| fault(format!("`{text}` is not an amount")))
}

fn currency(code: &str) -> Native<Currency> {
    // The longest code has three letters: do not copy a whole text to find out that it is none.
    let known = (code.len() < 16).then(|| Currency::from_code(&code.trim().to_ascii_uppercase())).flatten();
    known.ok_or_else(|| fault(format!("no currency `{}`", code.chars().take(16).collect::<String>())))
}

fn exponent(code: &str) -> Native<u32> {
    currency(code).map(|currency| currency.exponent().unwrap_or(0).into())
}

/// Rounded to so many decimals, and written with all of them.
fn fixed(amount: Decimal, decimals: u32) -> Decimal {
    by(amount, decimals, RoundingStrategy::MidpointAwayFromZero)
}

fn by(amount: Decimal, decimals: u32, strategy: RoundingStrategy) -> Decimal {
    let mut rounded = amount.round_dp_with_strategy(decimals, strategy);
    rounded.rescale(decimals);
    rounded
}

/// A way of rounding by its name.
pub fn strategy(mode: &str) -> Native<RoundingStrategy> {
    Ok(match mode {
        "half_up" => RoundingStrategy::MidpointAwayFromZero,
        "half_even" => RoundingStrategy::MidpointNearestEven,
        "half_down" => RoundingStrategy::MidpointTowardZero,
        "up" => RoundingStrategy::AwayFromZero,
        "down" => RoundingStrategy::ToZero,
        other => {
            return Err(fault(format!(
                "no way of rounding `{other}`; there is half_up, half_even, half_down, up, down"
            )));
        }
    })
}

fn from_text(value: &Dynamic, point: &str) -> Native {
    let point = number::mark(point)?;
    if value.is_int() || value.is_float() || value.is_decimal() {
        return Ok(parse(value)?.map_or(Dynamic::UNIT, Into::into));
    }
    arg::map_text(value, "from_text", |text| written::read(text, point).map_or(Dynamic::UNIT, Into::into))
}

fn format_amount(amount: &Dynamic, code: &str, options: &Map) -> Native {
    arg::known_options(options, &["symbol", "group", "point"], "format")?;
    let text = |name: &str, default: &str| -> Native<ImmutableString> {
        arg::option(options, name).map_or_else(|| Ok(default.into()), |value| arg::needed(&value, "format"))
    };
    let symbol = options.get("symbol").is_none_or(Dynamic::is_unit) || arg::flag(options, "symbol", "format")?;
    let currency = currency(code)?;
    let Some(amount) = parse(amount)? else { return Ok(Dynamic::UNIT) };
    let number = written::grouped(amount.abs(), exponent(code)?, &text("group", ",")?, &text("point", ".")?);
    let is_zero = number.chars().all(|c| !c.is_ascii_digit() || c == '0');
    let sign = if amount.is_sign_negative() && !is_zero { "-" } else { "" };
    let symbol = if symbol { currency.symbol().to_string() } else { String::new() };
    Ok(format!("{sign}{symbol}{number}").into())
}
