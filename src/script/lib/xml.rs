//! `xml::`: XML documents as maps, the way that JavaScript's `xml2js` made people used to.
//!
//! Declarations of document types, and so entities of the document's own, are refused: they are how small documents grow huge.

use std::collections::BTreeMap;
use std::rc::Rc;

use rhai::{Array, Dynamic, Map};
use roxmltree::{Document, Node, ParsingOptions};

use super::{Fun, put_text};
use crate::script::fault::fault;

/// Levels of elements.
const DEPTH: usize = 64;
/// Attributes of one element. The parser compares each with all others.
const ATTRIBUTES: usize = 256;
/// Declarations of namespaces in a document. The parser gives each element a list of all that it is in.
const NAMESPACES: usize = 256;

/// The functions of the namespace.
pub const FUNS: &[Fun] = &[Fun {
    name: "xml::parse",
    signature: "xml::parse(text) -> map",
    about: "A document as a map of its root element. An element with nothing but text is a text, an empty one `()`; others are maps: elements \
            by their names without prefix (an array where a name repeats), attributes as `@name`, text beside them as `#text`. An error \
            if it is not XML.",
    example: r##"xml::parse("<order id='7'><total>9.90</total><line>A</line><line>B</line><note/></order>") == #{ order: #{ "@id": "7", total: "9.90", line: ["A", "B"], note: () } }
xml::parse("<p lang='en'>Hi &amp; bye</p>") == #{ p: #{ "@lang": "en", "#text": "Hi & bye" } }"##,
    add: |module, lib| {
        let run = Rc::clone(&lib.run);
        put_text(module, lib, "parse", move |text| {
            run.charge_bytes(text.len().saturating_mul(16))?;
            let nodes_limit = u32::try_from(run.limits().items).unwrap_or(u32::MAX);
            let options = ParsingOptions { allow_dtd: false, nodes_limit, ..ParsingOptions::default() };
            let text = text.trim_start_matches('\u{feff}').trim_start();
            if text.matches("xmlns").count() > NAMESPACES {
                return Err(fault(format!("the document declares more than {NAMESPACES} namespaces")));
            }
            if most_attributes(text) > ATTRIBUTES {
                return Err(fault(format!("an element of the document has more than {ATTRIBUTES} attributes")));
            }
            let document = Document::parse_with_options(text, options)
                .map_err(|error| fault(format!("this is not XML: {error}")))?;
            let root = document.root_element();
            if root.descendants().any(|node| node.ancestors().take(DEPTH + 2).count() > DEPTH + 1) {
                return Err(fault(format!("the document has more than {DEPTH} levels")));
            }
            let mut map = Map::new();
            map.insert(root.tag_name().name().into(), element(root));
            Ok(map.into())
        });
    },
}];

/// How many attributes the element has that has the most.
fn most_attributes(text: &str) -> usize {
    let mut most = 0;
    let mut rest = text;
    while let Some(at) = rest.find('<') {
        rest = &rest[at..];
        let other = [("<!--", "-->"), ("<![CDATA[", "]]>"), ("<?", "?>")];
        if let Some(end) = other.iter().find_map(|(start, end)| rest.starts_with(start).then_some(end)) {
            rest = rest.split_once(end).map_or("", |(_, rest)| rest);
            continue;
        }
        let (mut quote, mut count) = (None, 0);
        let end = rest.find(|c: char| {
            match (quote, c) {
                (None, '\'' | '"') => quote = Some(c),
                (Some(open), _) if open == c => quote = None,
                (None, '=') => count += 1,
                (None, '>') => return true,
                _ => {}
            }
            false
        });
        most = most.max(count);
        rest = end.map_or("", |end| &rest[end..]);
    }
    most
}

fn element(node: Node<'_, '_>) -> Dynamic {
    let mut map = Map::new();
    for attribute in node.attributes() {
        map.insert(format!("@{}", attribute.name()).into(), attribute.value().into());
    }
    let mut children: BTreeMap<&str, Array> = BTreeMap::new();
    let mut text = String::new();
    for child in node.children() {
        if child.is_element() {
            children.entry(child.tag_name().name()).or_default().push(element(child));
        } else if child.is_text() {
            text.push_str(child.text().unwrap_or_default());
        }
    }
    let text = text.trim();
    if map.is_empty() && children.is_empty() {
        return if text.is_empty() { Dynamic::UNIT } else { text.into() };
    }
    for (name, mut values) in children {
        let value = if values.len() == 1 { values.pop().unwrap_or_default() } else { values.into() };
        map.insert(name.into(), value);
    }
    if !text.is_empty() {
        map.insert("#text".into(), text.into());
    }
    map.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attributes_are_counted_where_they_stand() {
        for (text, expected) in [
            ("<a/>", 0),
            ("<a x='1' y=\"2\">z=3</a>", 2),
            ("<a href='?b=1&amp;c=2>d=3'/>", 1),
            ("<?xml version='1.0' a='1'?><!-- <x a=b c=d> --><a><![CDATA[<p a=1 b=2 c=3>]]></a>", 0),
            ("<a x='1'", 1),
            ("<a x='1", 1),
            ("<!-- x=1", 0),
            ("", 0),
        ] {
            assert_eq!(most_attributes(text), expected, "{text}");
        }
    }
}
