//! `file`: events from NDJSON and JSON files, one line or array item each.

use super::{FileInput, Input, Refused, Reply, Request, Sample, Source, SourceDef, Verdict, listen};
use crate::event::{Delivery, Event, Origin, Targets};
use crate::json::{self, Mask};
use crate::registry::{Def, Default, Opt, Room, Shape, Type};

/// How `file` is listed.
pub static DEF: SourceDef = SourceDef {
    def: Def {
        name: "file",
        room: Room::Source,
        about: "Reads Segment-shaped events from NDJSON or JSON files; the run ends when they end.",
        details: "Each line of an NDJSON file, or each item of a file that is one JSON array, is one delivery and one event, taken \
            as it stands. Which of the two a file is, its first character tells. A line that is not a JSON object becomes a dead \
            letter, and the others go on.\n\n\
            A folder means its `.ndjson`, `.jsonl` and `.json` files, in order of their names, at any depth; a glob (`data/*.ndjson`) \
            what it matches; `-` is standard input.\n\n\
            The same line of the same file always gives the same ids, so a second run is deduplicated by Segment. Scripts find the \
            file in `delivery.path` and the line in `delivery.query(\"line\")`.",
        shape: Shape::Options {
            options: &[Opt {
                name: "paths",
                ty: Type::List(&Type::Text),
                default: Default::Required,
                about: "Files, folders or globs, relative to the project folder; `-` for standard input.",
            }],
            short: Some("paths"),
        },
        example: "- file: data/events.ndjson\n",
    },
    build: |options, _| {
        let paths = options.texts("paths");
        if paths.is_empty() || paths.iter().any(|path| path.is_empty()) {
            return Err(vec![
                options.error("paths", "wrong-value", "`paths` names no file").help("write `-` for standard input"),
            ]);
        }
        Ok(Box::new(File { paths: paths.into_iter().map(str::to_owned).collect() }))
    },
};

struct File {
    paths: Vec<String>,
}

impl Source for File {
    fn input(&self) -> Input {
        Input::Files(FileInput { paths: self.paths.clone() })
    }

    fn verify(&self, _request: &Request<'_>) -> Verdict {
        Verdict::Reject { reply: Reply::text(404, "a file source takes no requests\n"), reason: "not-http" }
    }

    fn decode(&self, delivery: &Delivery) -> Vec<Result<Event, Refused>> {
        self.decode_masked(delivery, &Mask::Whole)
    }

    fn decode_masked(&self, delivery: &Delivery, mask: &Mask) -> Vec<Result<Event, Refused>> {
        let event = match json::decode_masked(delivery.body.clone(), &json::Limits::default(), mask) {
            Ok((value, tape)) if value.is_map() => {
                Ok(Event { value, tape, origin: Origin::default(), targets: Targets::default() })
            }
            Ok((value, _)) => Err(format!("an event is a JSON object, not {}", super::kind(&value))),
            Err(error) => Err(error.to_string()),
        };
        let place = || format!("{} {}", delivery.path, delivery.query.replace('=', " "));
        vec![event.map_err(|reason| Refused { code: "bad-json", reason: format!("{}: {reason}", place()) })]
    }

    /// The file, the line and its content: also when a file is read again after lines were added, the old ones keep their ids.
    fn identity(&self, delivery: &Delivery) -> String {
        // A file is its reader's own: nobody makes lines that collide. A cryptographic digest would be a tenth of the work on a line.
        let content = format!("{:032x}", xxhash_rust::xxh3::xxh3_128(&delivery.body));
        listen::digest(&[&delivery.pipeline, &delivery.source, &delivery.path, &delivery.query, &content])
    }

    fn sign(&self, sample: &mut Sample, _now_ms: i64) {
        "FILE".clone_into(&mut sample.method);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::source::testing::{build, problem, shown, written};

    fn line(number: u64, text: &'static str) -> Delivery {
        Delivery {
            seq: number,
            pipeline: "shop".into(),
            source: "file".into(),
            method: "FILE".into(),
            path: "data/a.ndjson".into(),
            query: format!("line={number}"),
            body: text.into(),
            ..Delivery::default()
        }
    }

    #[test]
    fn a_line_is_an_event_as_it_stands() {
        let source = build("- file: [ data/a.ndjson, \"-\" ]\n");
        assert_eq!(source.input(), Input::Files(FileInput { paths: vec!["data/a.ndjson".into(), "-".into()] }));
        let events: Vec<_> = source.decode(&line(1, r#"{"type":"track","sentAt":1}"#)).into_iter().map(shown).collect();
        assert_eq!(events, [json!({ "type": "track", "sentAt": 1 })]);
        let text = r#"{"z":0.10,"a":1E3}"#;
        assert_eq!(written(source.decode(&line(1, text)).remove(0)), text);
        for bad in ["", "5", "[{}]", "{", "\u{feff}{}"] {
            let refused = source.decode(&line(7, bad)).remove(0).unwrap_err();
            assert_eq!(refused.code, "bad-json");
            assert!(refused.reason.starts_with("data/a.ndjson line 7: "), "{}", refused.reason);
        }
        assert!(problem("- file: []\n").contains("names no file"));
    }

    #[test]
    fn the_same_line_has_the_same_identity() {
        let source = build("- file: data\n");
        let first = source.identity(&line(1, "{}"));
        assert_eq!(source.identity(&Delivery { received_ms: 5, seq: 9, ..line(1, "{}") }), first);
        assert_ne!(source.identity(&line(2, "{}")), first);
        assert_ne!(source.identity(&line(1, "{ }")), first);
    }
}
