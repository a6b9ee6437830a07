//! Values as text, for printing, interpolation and logs.

use std::fmt::Write as _;
use std::rc::Rc;

use rhai::{Array, Blob, Dynamic, Engine, ImmutableString, Map};

use crate::script::run::{Fault, Run};

/// Levels that are written out.
const DEPTH: usize = 128;

/// Registers the replacements.
///
/// They give no error when the text would be too long: the interpreter would then write the value by itself, without a bound.
/// They end the run instead, which the next operation sees.
pub fn register(engine: &mut Engine, run: &Rc<Run>) {
    for name in ["print", "to_string", "debug", "to_debug"] {
        let own = Rc::clone(run);
        engine.register_fn(name, move |array: &mut Array| text(&own, |writer| writer.list(array)));
        let own = Rc::clone(run);
        engine.register_fn(name, move |map: &mut Map| text(&own, |writer| writer.entries(map)));
        let own = Rc::clone(run);
        engine.register_fn(name, move |blob: &mut Blob| text(&own, |writer| writer.bytes(blob)));
    }
    for name in ["debug", "to_debug"] {
        let own = Rc::clone(run);
        engine.register_fn(name, move |value: &mut ImmutableString| text(&own, |writer| writer.quoted(value)));
    }
}

fn text(run: &Run, write: impl FnOnce(&mut Writer<'_>) -> Result<(), Fault>) -> String {
    let mut writer = Writer { run, out: String::new(), most: usize::MAX, depth_left: DEPTH };
    let written = write(&mut writer).and_then(|()| run.charge_bytes(writer.out.len()));
    written.map_or_else(|_| String::new(), |()| writer.out)
}

/// A value as people read it: a text as it is, anything else as a script would write it; about so many bytes of it at most.
pub fn display(run: &Run, value: &Dynamic, most: usize) -> Result<String, Fault> {
    if let Some(text) = value.read_lock::<ImmutableString>() {
        return Ok(start(&text, most).into());
    }
    let mut writer = Writer { run, out: String::new(), most, depth_left: DEPTH };
    writer.value(value)?;
    Ok(writer.out)
}

/// Fails when the value written as JSON would be larger than a script may build.
pub fn measure(run: &Run, value: &Dynamic) -> Result<(), Fault> {
    let (mut bytes, mut values) = (0, 0);
    add(run, value, DEPTH, &mut bytes, &mut values)?;
    // Writing a value takes a part of the time of an operation.
    run.charge(values / 4)
}

fn add(run: &Run, value: &Dynamic, depth: usize, bytes: &mut usize, values: &mut u64) -> Result<(), Fault> {
    let Some(depth) = depth.checked_sub(1) else { return Ok(()) };
    *values += 1;
    *bytes += value.read_lock::<ImmutableString>().map_or(8, |text| text.len() + 2);
    run.allow_bytes(*bytes)?;
    if let Some(array) = value.read_lock::<Array>() {
        return array.iter().try_for_each(|item| add(run, item, depth, bytes, values));
    }
    if let Some(map) = value.read_lock::<Map>() {
        for (key, inner) in map.iter() {
            *bytes += key.len() + 2;
            add(run, inner, depth, bytes, values)?;
        }
    }
    Ok(())
}

/// The start of a text, of so many bytes at most.
fn start(text: &str, most: usize) -> &str {
    let mut end = text.len().min(most);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

/// Writes values until the text has as many bytes as it may.
struct Writer<'a> {
    run: &'a Run,
    out: String,
    most: usize,
    depth_left: usize,
}

impl Writer<'_> {
    fn value(&mut self, value: &Dynamic) -> Result<(), Fault> {
        self.run.charge(1)?;
        let Some(depth_left) = self.depth_left.checked_sub(1) else {
            self.out.push('…');
            return Ok(());
        };
        self.depth_left = depth_left;
        if let Some(text) = value.read_lock::<ImmutableString>() {
            self.quoted(&text)?;
        } else if let Some(array) = value.read_lock::<Array>() {
            self.list(&array)?;
        } else if let Some(map) = value.read_lock::<Map>() {
            self.entries(&map)?;
        } else if let Some(blob) = value.read_lock::<Blob>() {
            self.bytes(&blob)?;
        } else if value.is_unit() {
            self.out.push_str("()");
        } else {
            // Writing to a String cannot fail.
            let _ = write!(self.out, "{value}");
        }
        self.depth_left += 1;
        self.run.allow_bytes(self.out.len())
    }

    fn is_full(&self) -> bool {
        self.out.len() >= self.most
    }

    fn quoted(&mut self, text: &str) -> Result<(), Fault> {
        let text = start(text, self.most.saturating_sub(self.out.len()));
        self.run.allow_bytes(self.out.len() + text.len())?;
        let _ = write!(self.out, "{text:?}");
        self.run.allow_bytes(self.out.len())
    }

    fn list(&mut self, array: &Array) -> Result<(), Fault> {
        self.out.push('[');
        for (at, item) in array.iter().enumerate() {
            if self.is_full() {
                return Ok(());
            }
            if at > 0 {
                self.out.push_str(", ");
            }
            self.value(item)?;
        }
        self.out.push(']');
        Ok(())
    }

    fn entries(&mut self, map: &Map) -> Result<(), Fault> {
        self.out.push_str("#{");
        for (at, (key, value)) in map.iter().enumerate() {
            if self.is_full() {
                return Ok(());
            }
            if at > 0 {
                self.out.push_str(", ");
            }
            self.quoted(key)?;
            self.out.push_str(": ");
            self.value(value)?;
        }
        self.out.push('}');
        Ok(())
    }

    /// As the interpreter writes them: `[0123456789abcdef 01]`.
    fn bytes(&mut self, blob: &Blob) -> Result<(), Fault> {
        let blob = &blob[..blob.len().min(self.most.saturating_sub(self.out.len()))];
        self.run.allow_bytes(self.out.len().saturating_add(blob.len().saturating_mul(9) / 4))?;
        self.out.push('[');
        for (at, byte) in blob.iter().enumerate() {
            if at > 0 && at.is_multiple_of(8) {
                self.out.push(' ');
            }
            let _ = write!(self.out, "{byte:02x}");
        }
        self.out.push(']');
        Ok(())
    }
}
