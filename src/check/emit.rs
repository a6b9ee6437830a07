//! Writing nodes: as compact JSON (bodies), as YAML (blessed expectations). Order and number texts are kept.

use std::fmt::Write;

use serde_json::value::RawValue;

use crate::yaml::{Entry, Node, Text, Value};

/// Compact JSON.
pub(super) fn json(node: &Node) -> String {
    match &node.value {
        Value::Null => "null".to_owned(),
        Value::Bool(value) => value.to_string(),
        Value::Number(text) if is_json_number(text) => text.clone(),
        Value::Number(text) => crate::yaml::number_to_json(text).to_string(),
        Value::Text(text) => quoted(&text.text),
        Value::List(items) => format!("[{}]", items.iter().map(json).collect::<Vec<_>>().join(",")),
        Value::Map(entries) => {
            let members: Vec<_> =
                entries.iter().map(|entry| format!("{}:{}", quoted(&entry.key), json(&entry.value))).collect();
            format!("{{{}}}", members.join(","))
        }
    }
}

/// A list of messages (JSON texts) as a YAML block, each line indented by `indent`.
pub(super) fn yaml_list(messages: &[&[u8]], indent: usize) -> String {
    let mut out = String::new();
    for message in messages {
        let text = String::from_utf8_lossy(message);
        let _ = write!(out, "{:indent$}- ", "");
        // A sink may send something else than JSON: then the text itself is expected.
        let node = serde_json::from_str(&text).map_or_else(|_| text_node(&text), from_json);
        yaml(&node, indent + 2, true, &mut out);
    }
    out
}

/// A list of messages (JSON texts) as JSON, each as it is.
pub(super) fn json_list(messages: &[&[u8]]) -> String {
    let item = |message: &&[u8]| {
        let text = String::from_utf8_lossy(message).into_owned();
        if serde_json::from_str::<&RawValue>(&text).is_ok() { text } else { quoted(&text) }
    };
    format!("[{}]", messages.iter().map(item).collect::<Vec<_>>().join(", "))
}

/// JSON as a node: keys in their order, numbers as they are written.
fn from_json(raw: &RawValue) -> Node {
    let text = raw.get();
    let value = match text.as_bytes().first() {
        Some(b'{') => serde_json::from_str(text).map(|Members(members)| {
            let entry = |(key, value)| Entry { key, key_span: 0..0, value: from_json(value) };
            Value::Map(members.into_iter().map(entry).collect())
        }),
        Some(b'[') => serde_json::from_str(text)
            .map(|items: Vec<&RawValue>| Value::List(items.into_iter().map(from_json).collect())),
        Some(b'"') => serde_json::from_str(text).map(|text| Value::Text(Text { text, block: None })),
        Some(b't') => Ok(Value::Bool(true)),
        Some(b'f') => Ok(Value::Bool(false)),
        Some(b'n') => Ok(Value::Null),
        _ => Ok(Value::Number(text.to_owned())),
    };
    // Valid JSON fails only by a lone surrogate, which no text can hold.
    value.map_or_else(|_| text_node(text), |value| Node { value, span: 0..0 })
}

fn text_node(text: &str) -> Node {
    Node { value: Value::Text(Text { text: text.to_owned(), block: None }), span: 0..0 }
}

/// The members of a JSON object in their order.
struct Members<'a>(Vec<(String, &'a RawValue)>);

impl<'de> serde::Deserialize<'de> for Members<'de> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl<'de> serde::de::Visitor<'de> for Visitor {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: serde::de::MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(Visitor)
    }
}

/// Writes a node; the cursor stands behind `- ` or `key:`.
fn yaml(node: &Node, indent: usize, inline_first: bool, out: &mut String) {
    match &node.value {
        Value::Map(entries) if !entries.is_empty() => {
            if !inline_first {
                out.push('\n');
            }
            for (number, entry) in entries.iter().enumerate() {
                if number > 0 || !inline_first {
                    let _ = write!(out, "{:indent$}", "");
                }
                let _ = write!(out, "{}:", scalar_text(&entry.key));
                value(&entry.value, indent, out);
            }
        }
        Value::List(items) if !items.is_empty() => {
            if inline_first {
                // A list in a list: the flow form stays readable.
                let _ = writeln!(out, "{}", json(node));
                return;
            }
            out.push('\n');
            for item in items {
                let _ = write!(out, "{:indent$}- ", "");
                yaml(item, indent + 2, true, out);
            }
        }
        _ => {
            let _ = writeln!(out, "{}", scalar(node));
        }
    }
}

fn value(node: &Node, indent: usize, out: &mut String) {
    match &node.value {
        Value::Map(entries) if !entries.is_empty() => yaml(node, indent + 2, false, out),
        Value::List(items) if !items.is_empty() => yaml(node, indent + 2, false, out),
        _ => {
            let _ = writeln!(out, " {}", scalar(node));
        }
    }
}

fn scalar(node: &Node) -> String {
    match &node.value {
        Value::Text(text) => scalar_text(&text.text),
        _ => json(node),
    }
}

/// A text that reads back as the same text: plain where that is safe, else quoted as JSON, which YAML reads too.
fn scalar_text(text: &str) -> String {
    let simple = text.chars().next().is_some_and(|first| first.is_alphabetic() || first == '_')
        && text
            .chars()
            .all(|c| c.is_alphanumeric() || matches!(c, ' ' | '_' | '-' | '.' | '/' | '@' | '$' | '(' | ')' | '+'))
        && !text.ends_with(' ');
    let reads_back = || crate::yaml::parse("", text).0.is_some_and(|node| node.as_text() == Some(text));
    if simple && reads_back() { text.to_owned() } else { quoted(text) }
}

fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// RFC 8259 section 6: YAML also knows `+1`, `.5`, `0x1F`.
fn is_json_number(text: &str) -> bool {
    serde_json::from_str::<&serde_json::value::RawValue>(text).is_ok()
}
