//! Writing nodes: as compact JSON (bodies), as YAML (blessed expectations). Order and number texts are kept.

use std::fmt::Write;

use crate::yaml::{Node, Value};

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
            let members: Vec<_> = entries.iter().map(|entry| format!("{}:{}", quoted(&entry.key), json(&entry.value))).collect();
            format!("{{{}}}", members.join(","))
        }
    }
}

/// A list of messages (JSON texts) as a YAML block, each line indented by `indent`.
pub(super) fn yaml_list(messages: &[&[u8]], indent: usize) -> String {
    let mut out = String::new();
    for message in messages {
        let text = String::from_utf8_lossy(message);
        // JSON is YAML: the reader keeps the order of keys and the text of numbers.
        let (node, _) = crate::yaml::parse("", &text);
        let _ = write!(out, "{:indent$}- ", "");
        match node {
            Some(node) => yaml(&node, indent + 2, true, &mut out),
            None => out.push_str("null\n"),
        }
    }
    out
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
        && text.chars().all(|c| c.is_alphanumeric() || matches!(c, ' ' | '_' | '-' | '.' | '/' | '@' | '$' | '(' | ')' | '+'))
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
