//! The top level of a pipeline file.

use super::part::{Parts, read_parts};
use super::{PartSpec, Spec};
use crate::diag::{Diag, did_you_mean};
use crate::registry::{Environment, Room, Source, names};
use crate::tree::Tree;
use crate::yaml::{self, Node, Value};

const KEYS: [&str; 4] = names(&super::keys::PIPELINE);

/// Reads one pipeline file. The spec is what could be read; with an error among the problems it serves only to look for more.
pub fn read(tree: &Tree, file: &str, name: &str, env: &dyn Environment) -> (Option<Spec>, Vec<Diag>) {
    let Some(text) = tree.get(file) else {
        return (None, vec![Diag::error("missing-file", format!("there is no {file}")).in_file(file)]);
    };
    let (node, mut problems) = yaml::parse(file, text);
    if !name_is_fine(name) {
        problems.push(
            Diag::error("pipeline-name", format!("`{name}` cannot name a pipeline"))
                .in_file(file)
                .help("use lower-case letters, digits, `-` and `_`: the name stands in addresses and metrics"),
        );
    }
    if let Some(other) =
        file.strip_suffix(".yml").map(|stem| format!("{stem}.yaml")).filter(|other| tree.get(other).is_some())
    {
        problems.push(
            Diag::error("duplicate-pipeline", format!("the pipeline `{name}` is also in {other}"))
                .in_file(file)
                .help("remove or rename one of the two files"),
        );
    }
    let Some(node) = node else {
        if problems.is_empty() {
            problems.push(
                Diag::error("empty-pipeline", "the file is empty")
                    .in_file(file)
                    .help("a pipeline needs `sources` and `sinks`"),
            );
        }
        return (None, problems);
    };
    let source = Source { file, env };
    let spec = top_level(&node, name, &source, &mut problems);
    (spec, problems)
}

fn top_level(node: &Node, name: &str, source: &Source<'_>, problems: &mut Vec<Diag>) -> Option<Spec> {
    let file = source.file;
    let Some(entries) = node.as_map() else {
        problems.push(
            Diag::error("wrong-type", format!("a pipeline is a map, not {}", node.kind()))
                .at(file, node.span.clone())
                .help("it begins with `sources:`, `steps:` and `sinks:`"),
        );
        return None;
    };
    for entry in entries {
        if !KEYS.contains(&entry.key.as_str()) {
            let help = did_you_mean(&entry.key, KEYS)
                .map_or_else(|| format!("the keys are {}", KEYS.join(", ")), |key| format!("did you mean `{key}`?"));
            problems.push(
                Diag::error("unknown-key", format!("a pipeline has no `{}`", entry.key))
                    .at(file, entry.key_span.clone())
                    .help(help),
            );
        }
    }
    let description = match node.get("description").map(|node| (node, &node.value)) {
        None | Some((_, Value::Null)) => String::new(),
        Some((_, Value::Text(text))) => text.text.clone(),
        Some((node, _)) => {
            problems.push(Diag::error("wrong-type", "`description` takes a text").at(file, node.span.clone()));
            String::new()
        }
    };
    let mut parts = Parts { source, problems, ids: Vec::new() };
    let mut room = |room: Room, key: &str, needed: bool| -> Vec<PartSpec> {
        let found = read_parts(&mut parts, room, node.get(key));
        if needed && found.is_none() {
            let keys = super::kinds(room).join(", ");
            parts.problems.push(
                Diag::error("missing-option", format!("the pipeline has no {key}"))
                    .in_file(file)
                    .help(format!("add `{key}:` with a list of parts; there are {keys}")),
            );
        }
        found.unwrap_or_default()
    };
    let sources = room(Room::Source, "sources", true);
    let steps = room(Room::Step, "steps", false);
    let sinks = room(Room::Sink, "sinks", true);
    Some(Spec { name: name.to_owned(), file: file.to_owned(), description, sources, steps, sinks })
}

fn name_is_fine(name: &str) -> bool {
    let mut characters = name.chars();
    characters.next().is_some_and(|first| first.is_ascii_lowercase() || first.is_ascii_digit())
        && name.len() <= 64
        && characters.all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '_')
}
