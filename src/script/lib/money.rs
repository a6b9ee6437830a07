//! `money::`: exact decimal amounts. They add, multiply and compare with the ordinary operators.

use iso_currency::Currency;
use rhai::{Array, Dynamic, INT};
use rust_decimal::prelude::ToPrimitive;
use rust_decimal::{Decimal, RoundingStrategy};

use super::{Fun, Native, arg, put};
use crate::script::fault::fault;

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
        signature: "money::round(amount, currency) -> decimal",
        about: "An amount with exactly the currency's decimals, halves away from zero.",
        example: r#"money::round(29.165, "USD") == money::parse("29.17")
money::round("54.9", "USD").to_string() == "54.90"
money::round(100.4, "JPY") == 100"#,
        add: |module, _| {
            put(module, "round", |amount: Dynamic, code: &str| -> Native {
                let decimals = exponent(code)?;
                Ok(parse(&amount)?.map_or(Dynamic::UNIT, |amount| fixed(amount, decimals).into()))
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
fn parse(value: &Dynamic) -> Native<Option<Decimal>> {
    if let Some(decimal) = value.read_lock::<Decimal>() {
        return Ok(Some(*decimal));
    }
    if let Ok(int) = value.as_int() {
        return Ok(Some(int.into()));
    }
    let text = arg::text(value, "money")?.filter(|text| !text.trim().is_empty());
    let Some(text) = text else { return Ok(None) };
    let text = text.trim();
    let parsed = Decimal::from_str_exact(text).or_else(|_| Decimal::from_scientific(text)).or_else(|_| text.parse());
    parsed.map(Some).map_err(|_| fault(format!("`{text}` is not an amount")))
}

fn exponent(code: &str) -> Native<u32> {
    Currency::from_code(&code.trim().to_ascii_uppercase())
        .map(|currency| currency.exponent().unwrap_or(0).into())
        .ok_or_else(|| fault(format!("no currency `{code}`")))
}

/// Rounded to so many decimals, and written with all of them.
fn fixed(amount: Decimal, decimals: u32) -> Decimal {
    let mut rounded = amount.round_dp_with_strategy(decimals, RoundingStrategy::MidpointAwayFromZero);
    rounded.rescale(decimals);
    rounded
}
