//! A part's options after reading: typed, filled in, with their places for later messages.

use std::collections::BTreeMap;
use std::fmt;

use crate::diag::{Diag, Span};
use crate::yaml::Node;

/// A text that is never printed: not by `Debug`, not in messages.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Wraps a secret text.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text itself, for the one place that needs it.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// One option's value.
#[derive(Debug, Clone, PartialEq)]
pub enum OptionValue {
    /// From `Bool`.
    Bool(bool),
    /// From `Int`, `Bytes` and `Duration` (milliseconds).
    Int(i64),
    /// From all the text types.
    Text(String),
    /// From `Secret`.
    Secret(Secret),
    /// From `List`, each with its place.
    List(Vec<(OptionValue, Span)>),
    /// From `Map`, in the order written: key, its place, value and its place.
    Map(Vec<(String, Span, OptionValue, Span)>),
    /// From `Choice`: the form's name and its options; from `Group`: no name and its options.
    Form(&'static str, Box<Options>),
    /// From `Any` with references filled in, and from `Raw` and `Code` as written.
    Node(Node),
}

/// All options of one part. Reading has checked names, types and presence against the `Def`, so the accessors need no error:
/// asking for an option with the wrong type gives that type's empty value, which the tests of every `Def` would show.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Options {
    pub(super) file: String,
    pub(super) span: Span,
    pub(super) values: BTreeMap<&'static str, (OptionValue, Span)>,
}

impl Options {
    /// Equal for two parts with the same options, secrets included. Only for comparing: never shown.
    pub fn fingerprint(&self) -> [u8; 32] {
        use sha2::{Digest, Sha256};
        let mut hasher = Sha256::new();
        for (name, (value, _)) in &self.values {
            hasher.update(name);
            hash_value(value, &mut hasher);
        }
        hasher.finalize().into()
    }

    /// The file the options stand in.
    pub fn file(&self) -> &str {
        &self.file
    }

    /// Where the part stands.
    pub fn part_span(&self) -> Span {
        self.span.clone()
    }

    /// Whether the option is given or has a default.
    pub fn has(&self, name: &str) -> bool {
        self.values.contains_key(name)
    }

    /// Where the option's value stands; the part's own place for a default.
    pub fn span(&self, name: &str) -> Span {
        self.values.get(name).map_or_else(|| self.span.clone(), |(_, span)| span.clone())
    }

    /// An error at an option.
    pub fn error(&self, name: &str, code: &'static str, message: impl Into<String>) -> Diag {
        Diag::error(code, message).at(&self.file, self.span(name))
    }

    /// The value itself.
    pub fn value(&self, name: &str) -> Option<&OptionValue> {
        self.values.get(name).map(|(value, _)| value)
    }

    /// A text, `""` if absent.
    pub fn text(&self, name: &str) -> &str {
        self.opt_text(name).unwrap_or_default()
    }

    /// A text, if given.
    pub fn opt_text(&self, name: &str) -> Option<&str> {
        match self.value(name)? {
            OptionValue::Text(text) => Some(text),
            OptionValue::Node(node) => node.as_text(),
            _ => None,
        }
    }

    /// A secret, if given.
    pub fn secret(&self, name: &str) -> Option<&Secret> {
        match self.value(name)? {
            OptionValue::Secret(secret) => Some(secret),
            _ => None,
        }
    }

    /// A whole number, a size in bytes or a duration in milliseconds; 0 if absent.
    pub fn int(&self, name: &str) -> i64 {
        match self.value(name) {
            Some(OptionValue::Int(value)) => *value,
            _ => 0,
        }
    }

    /// The same, if given.
    pub fn opt_int(&self, name: &str) -> Option<i64> {
        match self.value(name)? {
            OptionValue::Int(value) => Some(*value),
            _ => None,
        }
    }

    /// A switch; `false` if absent.
    pub fn bool(&self, name: &str) -> bool {
        matches!(self.value(name), Some(OptionValue::Bool(true)))
    }

    /// A list of texts.
    pub fn texts(&self, name: &str) -> Vec<&str> {
        self.items(name)
            .iter()
            .filter_map(|(value, _)| match value {
                OptionValue::Text(text) => Some(text.as_str()),
                _ => None,
            })
            .collect()
    }

    /// A list of secrets.
    pub fn secrets(&self, name: &str) -> Vec<&Secret> {
        self.items(name)
            .iter()
            .filter_map(|(value, _)| match value {
                OptionValue::Secret(secret) => Some(secret),
                _ => None,
            })
            .collect()
    }

    /// A list with places.
    pub fn items(&self, name: &str) -> &[(OptionValue, Span)] {
        match self.value(name) {
            Some(OptionValue::List(items)) => items,
            _ => &[],
        }
    }

    /// A map with places: key, its place, value, its place.
    pub fn entries(&self, name: &str) -> &[(String, Span, OptionValue, Span)] {
        match self.value(name) {
            Some(OptionValue::Map(entries)) => entries,
            _ => &[],
        }
    }

    /// The chosen form and its options.
    pub fn form(&self, name: &str) -> Option<(&'static str, &Options)> {
        match self.value(name)? {
            OptionValue::Form(form, options) => Some((form, options)),
            _ => None,
        }
    }

    /// The options below an option.
    pub fn group(&self, name: &str) -> Option<&Options> {
        self.form(name).map(|(_, options)| options)
    }

    /// A node as written.
    pub fn node(&self, name: &str) -> Option<&Node> {
        match self.value(name)? {
            OptionValue::Node(node) => Some(node),
            _ => None,
        }
    }
}

fn hash_value(value: &OptionValue, hasher: &mut sha2::Sha256) {
    use sha2::Digest;
    match value {
        OptionValue::Secret(secret) => hasher.update(secret.reveal()),
        OptionValue::List(items) => items.iter().for_each(|(item, _)| {
            hasher.update([1]);
            hash_value(item, hasher);
        }),
        OptionValue::Map(entries) => entries.iter().for_each(|(key, _, value, _)| {
            hasher.update([2]);
            hasher.update(key);
            hash_value(value, hasher);
        }),
        OptionValue::Node(node) => hasher.update(node.to_json().to_string()),
        OptionValue::Form(form, options) => {
            hasher.update(form);
            hasher.update(options.fingerprint());
        }
        // The names of the variants keep `1` and `"1"` apart; these hold no secrets.
        other => hasher.update(format!("{other:?}")),
    }
}
