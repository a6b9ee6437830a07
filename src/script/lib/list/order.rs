//! The order of keys, and the one way of writing each value that tells equal ones.

use std::cmp::Ordering;

use rhai::{Array, Dynamic, ImmutableString, NativeCallContext};
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;

use super::by::By;
use crate::json::{Tape, encode};
use crate::script::bounded;
use crate::script::fault::fault;
use crate::script::lib::{Native, arg, money};
use crate::script::run::Run;

/// Sorts a list by the keys of its items; equal ones stay in their order.
pub(super) fn sort(run: &Run, cx: &NativeCallContext<'_>, list: Array, by: &By, direction: &str) -> Native<Array> {
    let descending = match direction {
        "asc" => false,
        "desc" => true,
        other => return Err(fault(format!("the direction is asc or desc, not `{other}`"))),
    };
    let mut bytes = 0_usize;
    let mut keyed = Vec::with_capacity(list.len());
    for item in list {
        run.charge(1)?;
        let key = Key::new(&by.of(cx, &item)?);
        bytes = bytes.saturating_add(key.bytes());
        keyed.push((key, item));
    }
    // Every level of the sort may read every key once.
    let levels = keyed.len().max(1).ilog2() as usize + 1;
    run.charge((keyed.len() * levels) as u64)?;
    run.charge_bytes(bytes.saturating_mul(levels))?;
    keyed.sort_by(|(one, _), (two, _)| {
        let order = one.order(two);
        if descending && one.kind() == two.kind() { order.reverse() } else { order }
    });
    Ok(keyed.into_iter().map(|(_, item)| item).collect())
}

/// What sorting looks at. Numbers compare as floats and, where those are the same, exactly: by each alone, whole numbers beyond 2^53
/// and floats would have no total order.
enum Key {
    Number(f64, Option<Decimal>),
    Text(ImmutableString),
    None,
}

impl Key {
    fn new(value: &Dynamic) -> Self {
        if let Some(text) = value.read_lock::<ImmutableString>() {
            return Self::Text(text.clone());
        }
        let exact = || money::parse(value).ok().flatten();
        if let Ok(int) = value.as_int() {
            return Self::Number(int as f64, exact());
        }
        if let Ok(float) = value.as_float() {
            return if float.is_nan() { Self::None } else { Self::Number(float + 0.0, exact()) };
        }
        if let Ok(decimal) = value.as_decimal() {
            return Self::Number(decimal.to_f64().unwrap_or_default() + 0.0, exact());
        }
        arg::scalar(value).map_or(Self::None, Self::Text)
    }

    fn bytes(&self) -> usize {
        if let Self::Text(text) = self { text.len() } else { 0 }
    }

    /// Numbers, texts, nothing.
    fn kind(&self) -> u8 {
        match self {
            Self::Number(..) => 0,
            Self::Text(_) => 1,
            Self::None => 2,
        }
    }

    fn order(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Number(one, exact), Self::Number(two, other_exact)) => {
                one.total_cmp(two).then_with(|| exact.cmp(other_exact))
            }
            (Self::Text(one), Self::Text(two)) => one.as_str().cmp(two.as_str()),
            _ => self.kind().cmp(&other.kind()),
        }
    }
}

/// A value as bytes that are equal for equal values: 1 and 1.0 are.
pub(super) fn canonical(run: &Run, value: &Dynamic) -> Native<Vec<u8>> {
    let mut out = Vec::new();
    if let Ok(float) = value.as_float()
        && float.fract() == 0.0
        && float.abs() < 9e15
    {
        run.charge(1)?;
        out.extend_from_slice((float as i64).to_string().as_bytes());
        return Ok(out);
    }
    if let Ok(decimal) = value.as_decimal() {
        run.charge(1)?;
        out.extend_from_slice(decimal.normalize().to_string().as_bytes());
        return Ok(out);
    }
    bounded::measure(run, value)?;
    encode(value, &Tape::default(), &mut out).map_err(|error| fault(error.to_string()))?;
    run.charge(1)?;
    run.charge_bytes(out.len())?;
    Ok(out)
}
