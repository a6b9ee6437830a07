//! Field paths, as `properties.products[0].sku`: how steps and conditions name a place in an event.
//!
//! Keys stand between dots. A key with other characters is quoted (`traits['first name']`) or escaped (`properties.a\.b`). `[0]` is an
//! element of a list, `[-1]` the last one. `*` stands for every member or element, where a part's documentation says so.
//!
//! A path is walked without copying. Values that a script shares with a closure are locked while they are visited, which is why
//! reading takes a function instead of returning a reference.

mod change;
mod parse;
mod prune;
mod template;

use std::fmt;

use rhai::Dynamic;

pub use change::SetError;
pub use parse::PathError;
pub use prune::Kept;
pub use template::Template;

/// A parsed path; never empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Path {
    segments: Vec<Segment>,
}

/// One part of a path.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Segment {
    /// A member of a map.
    Key(String),
    /// An element of a list, from the end if negative.
    Index(i64),
    /// Every member or element.
    Any,
}

impl Path {
    /// Parses a path.
    pub fn parse(text: &str) -> Result<Self, PathError> {
        parse::parse(text)
    }

    /// A path of these parts. `None` without any.
    pub fn new(segments: Vec<Segment>) -> Option<Self> {
        (!segments.is_empty()).then_some(Self { segments })
    }

    /// The parts, at least one.
    pub fn segments(&self) -> &[Segment] {
        &self.segments
    }

    /// Whether it names one place, without `*`.
    pub fn is_singular(&self) -> bool {
        !self.segments.contains(&Segment::Any)
    }

    /// Calls a function with the value at the path, `None` if there is none. With `*`, it is the first match.
    pub fn with<R>(&self, root: &Dynamic, mut function: impl FnMut(Option<&Dynamic>) -> R) -> R {
        let mut result = None;
        self.any(root, |value| {
            result = Some(function(Some(value)));
            true
        });
        result.unwrap_or_else(|| function(None))
    }

    /// A copy of the value at the path.
    pub fn get(&self, root: &Dynamic) -> Option<Dynamic> {
        let mut found = None;
        self.any(root, |value| {
            found = Some(value.clone());
            true
        });
        found
    }

    /// Whether the test holds for any of the values at the path; it is not asked again after it held once.
    pub fn any(&self, root: &Dynamic, mut test: impl FnMut(&Dynamic) -> bool) -> bool {
        walk(&self.segments, root, &mut test)
    }
}

fn walk(segments: &[Segment], value: &Dynamic, test: &mut dyn FnMut(&Dynamic) -> bool) -> bool {
    let Some((first, rest)) = segments.split_first() else {
        return test(value);
    };
    match first {
        Segment::Key(key) => {
            value.as_map_ref().is_ok_and(|map| map.get(key.as_str()).is_some_and(|member| walk(rest, member, test)))
        }
        Segment::Index(index) => value
            .as_array_ref()
            .is_ok_and(|items| position(*index, items.len()).is_some_and(|at| walk(rest, &items[at], test))),
        Segment::Any => {
            if let Ok(map) = value.as_map_ref() {
                return map.values().any(|member| walk(rest, member, test));
            }
            value.as_array_ref().is_ok_and(|items| items.iter().any(|item| walk(rest, item, test)))
        }
    }
}

/// The position that an index means in a list of that length.
pub fn position(index: i64, length: usize) -> Option<usize> {
    let at = if index < 0 {
        usize::try_from(index.unsigned_abs()).ok().and_then(|back| length.checked_sub(back))?
    } else {
        usize::try_from(index).ok()?
    };
    (at < length).then_some(at)
}

/// What a value is, for messages: `a text`.
pub fn kind(value: &Dynamic) -> &'static str {
    if value.is_unit() {
        "nothing"
    } else if value.is_bool() {
        "true or false"
    } else if value.is_int() || value.is_float() || value.is_decimal() {
        "a number"
    } else if value.is_string() || value.is_char() {
        "a text"
    } else if value.is_array() {
        "a list"
    } else if value.is_map() {
        "a map"
    } else {
        value.type_name()
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        display(&self.segments, f)
    }
}

fn display(segments: &[Segment], f: &mut dyn fmt::Write) -> fmt::Result {
    for (at, segment) in segments.iter().enumerate() {
        match segment {
            Segment::Index(index) => write!(f, "[{index}]")?,
            Segment::Any => f.write_str(if at == 0 { "*" } else { "[*]" })?,
            Segment::Key(key) if parse::is_plain(key) => {
                f.write_str(if at == 0 { "" } else { "." })?;
                f.write_str(key)?;
            }
            Segment::Key(key) => {
                f.write_str("['")?;
                for c in key.chars() {
                    f.write_str(if matches!(c, '\'' | '\\') { "\\" } else { "" })?;
                    f.write_char(c)?;
                }
                f.write_str("']")?;
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
