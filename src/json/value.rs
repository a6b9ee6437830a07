//! To and from `serde_json::Value`, which lives at the edges only: configuration, fixtures, APIs, JSON path queries.

use rhai::{Array, Dynamic, ImmutableString, Map};
use rust_decimal::Decimal;
use serde_json::{Number, Value};

use super::error::EncodeError;
use super::write::{DEPTH_MAX, VALUES_MAX};

/// How many bytes of texts one value may have, each counted where it stands.
const TEXT_BYTES_MAX: usize = 32 << 20;

/// The value as `serde_json` has it. Keys are sorted, and a number that came as `199.00` is `199.0`.
pub fn to_json_value(value: &Dynamic) -> Result<Value, EncodeError> {
    Converter { depth: DEPTH_MAX, values: VALUES_MAX, text_bytes: TEXT_BYTES_MAX }.convert(value)
}

/// The value as a script has it, untagged. An integer beyond 64 bits signed becomes a float.
pub fn from_json_value(value: &Value) -> Dynamic {
    match value {
        Value::Null => Dynamic::UNIT,
        Value::Bool(is) => Dynamic::from_bool(*is),
        Value::Number(number) => match (number.as_i64(), number.as_f64()) {
            (Some(int), _) => Dynamic::from_int(int),
            (None, Some(float)) => Dynamic::from_float(float),
            (None, None) => Dynamic::UNIT,
        },
        Value::String(text) => ImmutableString::from(text.as_str()).into(),
        Value::Array(array) => Dynamic::from_array(array.iter().map(from_json_value).collect()),
        Value::Object(object) => {
            let members = object.iter().map(|(key, value)| (key.as_str().into(), from_json_value(value)));
            Dynamic::from_map(members.collect())
        }
    }
}

/// Converts, and counts down what may still be made: values that share parts, or are references to one long text, would unfold to
/// any size.
#[allow(clippy::struct_field_names, reason = "what is left of each")]
struct Converter {
    depth: usize,
    values: usize,
    text_bytes: usize,
}

impl Converter {
    fn convert(&mut self, value: &Dynamic) -> Result<Value, EncodeError> {
        self.values = self.values.checked_sub(1).ok_or(EncodeError::TooLarge)?;
        if value.is_unit() {
            return Ok(Value::Null);
        }
        if let Ok(is) = value.as_bool() {
            return Ok(Value::Bool(is));
        }
        if let Ok(int) = value.as_int() {
            return Ok(int.into());
        }
        if let Ok(float) = value.as_float() {
            return finite(float);
        }
        if let Ok(letter) = value.as_char() {
            return Ok(letter.to_string().into());
        }
        if let Some(text) = value.read_lock::<ImmutableString>() {
            return self.text(&text).map(Value::String);
        }
        if let Some(decimal) = value.read_lock::<Decimal>() {
            // A whole number stays one, as the writer's text would read back.
            let text = decimal.to_string();
            return text.parse::<i64>().map_or_else(|_| finite(text.parse().unwrap_or(f64::NAN)), |int| Ok(int.into()));
        }
        if let Some(array) = value.read_lock::<Array>() {
            self.enter()?;
            let element = |(index, element)| self.convert(element).map_err(|error| error.under_index(index));
            let elements = array.iter().enumerate().map(element).collect::<Result<_, _>>()?;
            self.depth += 1;
            return Ok(Value::Array(elements));
        }
        if let Some(map) = value.read_lock::<Map>() {
            self.enter()?;
            let mut object = serde_json::Map::new();
            for (key, value) in map.iter() {
                let value = self.convert(value).map_err(|error| error.under_key(key))?;
                object.insert(self.text(key)?, value);
            }
            self.depth += 1;
            return Ok(Value::Object(object));
        }
        Err(EncodeError::NotData { path: String::new(), kind: value.type_name() })
    }

    fn enter(&mut self) -> Result<(), EncodeError> {
        self.depth = self.depth.checked_sub(1).ok_or(EncodeError::TooDeep)?;
        Ok(())
    }

    fn text(&mut self, text: &str) -> Result<String, EncodeError> {
        self.text_bytes = self.text_bytes.checked_sub(text.len()).ok_or(EncodeError::TooLarge)?;
        Ok(text.to_owned())
    }
}

fn finite(float: f64) -> Result<Value, EncodeError> {
    Number::from_f64(float).map(Value::Number).ok_or(EncodeError::NotFinite { path: String::new() })
}
