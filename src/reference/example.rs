//! How the example of a part writes one of its options.

use crate::registry::{Def, Form, Shape};
use crate::yaml::{self, Node, Value};

/// The options in a part's example, ready to be asked for one.
pub(super) struct Example {
    text: &'static str,
    options: Option<Node>,
    short: Option<&'static str>,
}

impl Example {
    /// The example of a definition.
    pub(super) fn new(def: &Def) -> Self {
        let item = yaml::parse("", def.example).0;
        let part = item.as_ref().and_then(Node::as_list).and_then(<[_]>::first);
        let short = match &def.shape {
            Shape::Options { short, .. } => *short,
            Shape::Value(_) => None,
        };
        Self { text: def.example, options: part.and_then(|part| part.get(def.name)).cloned(), short }
    }

    /// No example.
    pub(super) fn none() -> Self {
        Self { text: "", options: None, short: None }
    }

    /// An option as the example writes it, on one line.
    pub(super) fn of(&self, name: &str) -> Option<String> {
        let node = self.options.as_ref()?;
        let value = match &node.value {
            Value::Map(_) => node.get(name)?,
            _ if self.short == Some(name) => node,
            _ => return None,
        };
        let written = self.text.get(value.span.clone()).map(str::trim).filter(|text| !text.is_empty());
        Some(match written {
            Some(text) if !text.contains('\n') => text.to_owned(),
            // YAML takes JSON, and JSON is always on one line.
            _ => value.to_json().to_string(),
        })
    }

    /// The options below one of the options.
    pub(super) fn below(&self, option: &str) -> Self {
        let inner = self.options.as_ref().and_then(|node| node.get(option));
        Self { text: self.text, options: inner.cloned(), short: None }
    }

    /// The options of a form of one of the options, if the example uses that form.
    pub(super) fn inside(&self, option: &str, form: &Form) -> Self {
        let chosen = self.options.as_ref().and_then(|node| node.get(option)).and_then(|node| node.get(form.name));
        Self { text: self.text, options: chosen.cloned(), short: None }
    }
}
