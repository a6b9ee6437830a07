//! Sink `file`: one message per line (NDJSON) in a file, with rotation by size.

use super::local::Local;
use super::{FileTarget, Sink, SinkDef, Target};
use crate::diag::Diag;
use crate::registry::{Def, Default, Opt, Options, Room, Shape, Type};

/// The smallest rotation: below it every event would make a file.
const ROTATE_BYTES_MIN: u64 = 4096;

/// The definition of `file`.
pub(super) static FILE: SinkDef = SinkDef {
    def: Def {
        name: "file",
        room: Room::Sink,
        about: "Writes events to a file, one JSON text per line",
        details: "The file and its folders are made when the first event arrives. With `rotate_size`, a full `out.ndjson` becomes \
                  `out.ndjson.1`, the one before it `out.ndjson.2`, and so on; the oldest beyond `rotate_keep` is removed.",
        shape: Shape::Options {
            options: &[
                Opt {
                    name: "path",
                    ty: Type::Text,
                    default: Default::Required,
                    about: "The file, relative to the project folder.",
                },
                Opt {
                    name: "mode",
                    ty: Type::Word(&["append", "overwrite"]),
                    default: Default::Is("append"),
                    about: "`append` keeps what is there; `overwrite` empties the file when the run starts.",
                },
                Opt {
                    name: "rotate_size",
                    ty: Type::Bytes,
                    default: Default::Absent,
                    about: "Begin a new file before this one gets larger; without it the file grows without bound.",
                },
                Opt {
                    name: "rotate_keep",
                    ty: Type::Int(1, 1000),
                    default: Default::Is("5"),
                    about: "How many full files are kept.",
                },
            ],
            short: Some("path"),
        },
        example: "- file:\n    path: out/events.ndjson\n    mode: append\n    rotate_size: 100MB\n    rotate_keep: 5\n",
    },
    build,
};

fn build(options: &Options) -> Result<Box<dyn Sink>, Vec<Diag>> {
    let path = options.text("path");
    let rotate_bytes = options.opt_int("rotate_size").map(|size| size as u64);
    let mut problems = Vec::new();
    if path.is_empty() || path.ends_with('/') {
        let problem = options.error("path", "wrong-value", format!("`{path}` is not the path of a file"));
        problems.push(problem.help("name a file, as out/events.ndjson"));
    }
    if rotate_bytes.is_some_and(|size| size < ROTATE_BYTES_MIN) {
        let problem =
            options.error("rotate_size", "wrong-value", format!("`rotate_size` is below {ROTATE_BYTES_MIN} bytes"));
        problems.push(problem.help("give a size with its unit, as 100MB"));
    }
    if !problems.is_empty() {
        return Err(problems);
    }
    let target = FileTarget {
        path: path.to_owned(),
        overwrite: options.text("mode") == "overwrite",
        rotate_bytes,
        rotate_keep: options.int("rotate_keep") as u32,
    };
    Ok(Box::new(Local { description: format!("file {path}"), target: Target::File(target) }))
}
