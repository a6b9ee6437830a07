//! Sink `console`: events on standard output, for people or for the next program.

use super::local::Local;
use super::{Sink, SinkDef, Target};
use crate::diag::Diag;
use crate::registry::{Def, Default, Opt, Options, Room, Shape, Type};

/// The definition of `console`.
pub(super) static CONSOLE: SinkDef = SinkDef {
    def: Def {
        name: "console",
        room: Room::Sink,
        about: "Prints events on standard output",
        details: "Log lines go to standard error, so the output of `format: ndjson` can be piped.",
        shape: Shape::Options {
            options: &[Opt {
                name: "format",
                ty: Type::Word(&["pretty", "ndjson"]),
                default: Default::Is("pretty"),
                about: "`pretty` is indented for people; `ndjson` is one JSON text per line.",
            }],
            short: Some("format"),
        },
        example: "- console:\n    format: ndjson\n",
    },
    build,
};

#[allow(clippy::unnecessary_wraps, reason = "the signature that all sinks share")]
fn build(options: &Options) -> Result<Box<dyn Sink>, Vec<Diag>> {
    let pretty = options.text("format") == "pretty";
    Ok(Box::new(Local { description: "standard output".to_owned(), target: Target::Console { pretty } }))
}
