//! Which values of an event a step for private data changes: by path, by the name of their key anywhere, or by their form.

use regex::Regex;
use rhai::Dynamic;

use super::{Build, paths};
use crate::diag::Diag;
use crate::path::{Path, Segment};
use crate::registry::{Default, Opt, OptionValue, Options, Type};

/// A compiled pattern may take so much memory.
const PATTERN_BYTES_MAX: usize = 1 << 20;
/// Events are no deeper than what can be sent.
const DEPTH_MAX: usize = crate::json::ENCODE_DEPTH_MAX;

/// The option `fields`.
pub(super) const FIELDS: Opt = Opt {
    name: "fields",
    ty: Type::List(&Type::Path),
    default: Default::Absent,
    about: "Field paths: `traits.email`, `properties.products[].note`; `**` stands for any way down: `**.password`.",
};
/// The option `keys`.
pub(super) const KEYS: Opt = Opt {
    name: "keys",
    ty: Type::List(&Type::Text),
    default: Default::Absent,
    about: "Names of keys, wherever they stand in the event; case, `_`, `-` and spaces do not count: `firstname` is `first_name`, too.",
};
/// The option `patterns`.
pub(super) const PATTERNS: Opt = Opt {
    name: "patterns",
    ty: Type::List(&Type::Text),
    default: Default::Absent,
    about: "Regular expressions; what they match in any text below `properties`, `traits` and `context`.",
};

/// The chosen values.
pub(super) struct Fields {
    paths: Vec<Deep>,
    keys: Vec<String>,
    patterns: Vec<Regex>,
}

/// A path, or one that begins anywhere below another.
struct Deep {
    head: Option<Path>,
    /// `None`: no `**`, the head is all.
    below: Option<Path>,
}

impl Fields {
    /// Reads the three options.
    pub(super) fn read(options: &Options, build: &mut Build<'_>) -> Result<Self, Vec<Diag>> {
        let mut problems = Vec::new();
        let mut fields = Self { paths: Vec::new(), keys: Vec::new(), patterns: Vec::new() };
        for (value, span) in options.items("fields") {
            let OptionValue::Text(text) = value else { continue };
            match deep(text, span, options, build) {
                Ok(path) => fields.paths.push(path),
                Err(problem) => problems.push(problem),
            }
        }
        fields.keys = options.texts("keys").into_iter().map(plain).collect();
        for (value, span) in options.items("patterns") {
            let OptionValue::Text(text) = value else { continue };
            match regex::RegexBuilder::new(text).size_limit(PATTERN_BYTES_MAX).build() {
                Ok(pattern) => fields.patterns.push(pattern),
                Err(error) => {
                    let shown = error.to_string();
                    let why = shown.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned();
                    let diag = Diag::error("bad-pattern", format!("this is not a regular expression: {why}"));
                    problems.push(diag.at(options.file(), span.clone()));
                }
            }
        }
        if problems.is_empty() && fields.paths.is_empty() && fields.keys.is_empty() && fields.patterns.is_empty() {
            let diag = Diag::error("missing-option", "nothing is said about which fields");
            problems.push(diag.at(options.file(), options.part_span()).help("give `fields`, `keys` or `patterns`"));
        }
        if problems.is_empty() { Ok(fields) } else { Err(problems) }
    }

    /// Changes every chosen value in place. `field` gets whole values, `part` what a pattern matched in a text.
    pub(super) fn change(
        &self,
        event: &mut Dynamic,
        field: &mut dyn FnMut(&mut Dynamic),
        part: &dyn Fn(&str) -> String,
    ) {
        for path in &self.paths {
            match (&path.head, &path.below) {
                (Some(head), None) => head.each_mut(event, field),
                (Some(head), Some(below)) => head.each_mut(event, &mut |value| descend(value, below, field, DEPTH_MAX)),
                (None, Some(below)) => descend(event, below, field, DEPTH_MAX),
                (None, None) => {}
            }
        }
        if !self.keys.is_empty() {
            self.named(event, &mut |map, key| {
                if let Some(value) = map.get_mut(key) {
                    field(value);
                }
            });
        }
        self.change_parts(event, part);
    }

    /// Removes every chosen value; what a pattern matched in a text is replaced.
    pub(super) fn remove(&self, event: &mut Dynamic, part: &dyn Fn(&str) -> String) {
        for path in &self.paths {
            match (&path.head, &path.below) {
                (Some(head), None) => drop(head.remove(event)),
                (Some(head), Some(below)) => head.each_mut(event, &mut |value| remove_below(value, below, DEPTH_MAX)),
                (None, Some(below)) => remove_below(event, below, DEPTH_MAX),
                (None, None) => {}
            }
        }
        if !self.keys.is_empty() {
            self.named(event, &mut |map, key| drop(map.remove(key)));
        }
        self.change_parts(event, part);
    }

    fn named(&self, event: &mut Dynamic, found: &mut dyn FnMut(&mut rhai::Map, &str)) {
        each_map(event, DEPTH_MAX, &mut |map| {
            let hits: Vec<_> = map.keys().filter(|key| self.keys.iter().any(|name| same(name, key))).cloned().collect();
            for key in hits {
                found(map, &key);
            }
        });
    }

    fn change_parts(&self, event: &mut Dynamic, part: &dyn Fn(&str) -> String) {
        if self.patterns.is_empty() {
            return;
        }
        let Ok(mut map) = event.as_map_mut() else { return };
        for name in ["properties", "traits", "context"] {
            if let Some(value) = map.get_mut(name) {
                each_text(value, DEPTH_MAX, &mut |text| {
                    let mut changed: Option<String> = None;
                    for pattern in &self.patterns {
                        let now = changed.as_deref().unwrap_or(text);
                        let replaced = pattern.replace_all(now, |found: &regex::Captures<'_>| part(&found[0]));
                        if let std::borrow::Cow::Owned(replaced) = replaced {
                            changed = Some(replaced);
                        }
                    }
                    changed
                });
            }
        }
    }
}

/// Calls a function with each text and number at or below a value; what it gives takes the value's place.
pub(super) fn each_scalar(value: &mut Dynamic, change: &mut dyn FnMut(&Dynamic) -> Option<Dynamic>) {
    scalars(value, DEPTH_MAX, change);
}

fn scalars(value: &mut Dynamic, depth_left: usize, change: &mut dyn FnMut(&Dynamic) -> Option<Dynamic>) {
    if depth_left == 0 {
        return;
    }
    if let Ok(mut map) = value.as_map_mut() {
        map.values_mut().for_each(|member| scalars(member, depth_left - 1, change));
        return;
    }
    if let Ok(mut items) = value.as_array_mut() {
        items.iter_mut().for_each(|item| scalars(item, depth_left - 1, change));
        return;
    }
    if let Some(changed) = change(value) {
        *value = changed;
    }
}

fn each_text(value: &mut Dynamic, depth_left: usize, change: &mut dyn FnMut(&str) -> Option<String>) {
    scalars(value, depth_left, &mut |value| {
        let text = value.as_immutable_string_ref().ok()?;
        change(&text).map(Dynamic::from)
    });
}

fn each_map(value: &mut Dynamic, depth_left: usize, function: &mut dyn FnMut(&mut rhai::Map)) {
    if depth_left == 0 {
        return;
    }
    if let Ok(mut map) = value.as_map_mut() {
        function(&mut map);
        map.values_mut().for_each(|member| each_map(member, depth_left - 1, function));
        return;
    }
    if let Ok(mut items) = value.as_array_mut() {
        items.iter_mut().for_each(|item| each_map(item, depth_left - 1, function));
    }
}

fn descend(value: &mut Dynamic, path: &Path, function: &mut dyn FnMut(&mut Dynamic), depth_left: usize) {
    path.each_mut(value, function);
    below(value, depth_left, &mut |member, left| descend(member, path, function, left));
}

fn remove_below(value: &mut Dynamic, path: &Path, depth_left: usize) {
    path.remove(value);
    below(value, depth_left, &mut |member, left| remove_below(member, path, left));
}

fn below(value: &mut Dynamic, depth_left: usize, function: &mut dyn FnMut(&mut Dynamic, usize)) {
    let Some(left) = depth_left.checked_sub(1) else { return };
    if let Ok(mut map) = value.as_map_mut() {
        map.values_mut().for_each(|member| function(member, left));
        return;
    }
    if let Ok(mut items) = value.as_array_mut() {
        items.iter_mut().for_each(|item| function(item, left));
    }
}

/// `a.**.b`: what stands before and behind the `**`.
#[allow(clippy::result_large_err, reason = "only at load")]
fn deep(text: &str, span: &crate::diag::Span, options: &Options, build: &mut Build<'_>) -> Result<Deep, Diag> {
    let Some((before, after)) = text.split_once("**") else {
        return Ok(Deep { head: Some(paths::read(text, span, options, build)?), below: None });
    };
    let head = if before.is_empty() { Some(None) } else { whole(before.strip_suffix('.')).map(Some) };
    let behind = whole(after.strip_prefix('.')).filter(|after| !after.contains("**"));
    let (Some(head), Some(behind)) = (head, behind) else {
        let diag = Diag::error("bad-path", format!("`{text}` is not a field path: `**` stands between fields, once"));
        return Err(diag.at(options.file(), span.clone()).help("write it as **.password or properties.**.note"));
    };
    let head = head.map(|head| paths::read(head, span, options, build)).transpose()?;
    // Behind `**` no field is one of Segment's own.
    let path = Path::parse(behind).map_err(|error| {
        let diag = Diag::error("bad-path", format!("`{text}` is not a field path: {error}"));
        diag.at(options.file(), span.clone())
    })?;
    if matches!(path.segments(), [Segment::Any]) {
        let diag = Diag::error("bad-path", format!("`{text}` names everything"));
        return Err(diag.at(options.file(), span.clone()).help("name the map without `**`"));
    }
    Ok(Deep { head, below: Some(path) })
}

/// A path next to `**`, if it is complete.
fn whole(path: Option<&str>) -> Option<&str> {
    path.filter(|path| !path.is_empty() && !path.starts_with('.') && !path.ends_with('.'))
}

/// A key's name without case and marks.
fn plain(name: &str) -> String {
    letters(name).collect()
}

fn letters(name: &str) -> impl Iterator<Item = char> + '_ {
    name.chars().filter(|c| !matches!(c, '_' | '-' | ' ')).flat_map(char::to_lowercase)
}

fn same(plain: &str, key: &str) -> bool {
    plain.chars().eq(letters(key))
}
