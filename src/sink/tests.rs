//! What holds for all sinks: the list is sorted, and every example loads.

use super::*;
use crate::registry::{Environment, Source, read_options};
use crate::yaml;

/// Knows a value for every variable.
pub(super) struct AnyValue;

impl Environment for AnyValue {
    fn var(&self, _: &str) -> Option<String> {
        Some("value".into())
    }

    fn file(&self, _: &str) -> Result<String, String> {
        Ok("value".into())
    }
}

/// Builds a sink from a list item in YAML.
pub(super) fn build_sink(def: &SinkDef, text: &str) -> Result<Box<dyn Sink>, Vec<Diag>> {
    let (node, mut problems) = yaml::parse("f.yaml", text);
    assert!(problems.is_empty(), "{problems:?}");
    let part = node.unwrap().as_list().unwrap()[0].as_map().unwrap()[0].clone();
    assert_eq!(part.key, def.def.name);
    let source = Source { file: "f.yaml", env: &AnyValue };
    let options = read_options(&def.def, &part.value, &part.key_span, &source, &mut problems).ok_or(problems)?;
    (def.build)(&options)
}

/// A header of a request.
pub(super) fn header<'a>(request: &'a Outgoing, name: &str) -> Option<&'a str> {
    request.headers.iter().find(|(have, _)| have == name).map(|(_, value)| value.as_str())
}

#[test]
fn the_list_is_sorted_and_complete() {
    let names: Vec<_> = SINKS.iter().map(|sink| sink.def.name).collect();
    assert_eq!(names, ["console", "file", "http", "segment"]);
    assert!(SINKS.iter().all(|sink| sink.def.room == crate::registry::Room::Sink && !sink.def.about.ends_with('.')));
}

#[test]
fn every_example_builds_and_uses_every_option() {
    for sink in SINKS {
        let built = build_sink(sink, sink.def.example).map(|_| ());
        assert_eq!(built, Ok(()), "{}", sink.def.name);
        let crate::registry::Shape::Options { options, .. } = &sink.def.shape else {
            continue;
        };
        for option in *options {
            assert!(sink.def.example.contains(&format!("{}:", option.name)), "{}: {}", sink.def.name, option.name);
        }
    }
}

#[test]
fn files_and_the_console_take_any_value_as_one_line() {
    let (value, tape) = crate::json::decode(b"[1,{\"a\":\"x\\ny\"}]", &crate::json::Limits::default()).unwrap();
    let event = Event { value, tape, origin: Origin::default(), targets: crate::event::Targets::default() };
    for text in ["- console:", "- console: ndjson", "- file: out.ndjson"] {
        let def = SINKS.iter().find(|sink| text[2..].starts_with(sink.def.name)).unwrap();
        let sink = build_sink(def, text).unwrap();
        let mut out = Vec::new();
        sink.encode(&event, &EventId { identity: "", origin: event.origin }, &mut out).unwrap();
        assert_eq!(out, b"[1,{\"a\":\"x\\ny\"}]");
        let expected = match text {
            "- console:" => Target::Console { pretty: true },
            "- console: ndjson" => Target::Console { pretty: false },
            _ => Target::File(FileTarget {
                path: "out.ndjson".into(),
                overwrite: false,
                rotate_bytes: None,
                rotate_keep: 5,
            }),
        };
        assert_eq!(sink.target(), expected);
    }
}

#[test]
fn a_file_needs_a_path_and_a_sensible_rotation() {
    for text in ["- file: out/", "- file: \"\"", "- file: { path: x, rotate_size: 100 }", "- file: { mode: append }"] {
        assert!(build_sink(&file::FILE, text).is_err(), "{text}");
    }
}
