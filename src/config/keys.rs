//! The keys of a pipeline file and those beside a part, as data: for the reader, the reference and the schema.

use crate::registry::{Default, Opt, Type};

/// The top level of a pipeline file.
pub const PIPELINE: [Opt; 4] = [
    Opt {
        name: "description",
        ty: Type::Text,
        default: Default::Absent,
        about: "What the pipeline is for, in your words.",
    },
    Opt {
        name: "sources",
        ty: Type::Raw,
        default: Default::Required,
        about: "Where deliveries come from: a list of sources.",
    },
    Opt {
        name: "steps",
        ty: Type::Raw,
        default: Default::Absent,
        about: "What becomes of each event: a list of steps, in order.",
    },
    Opt { name: "sinks", ty: Type::Raw, default: Default::Required, about: "Where events go: a list of sinks." },
];

/// What may stand beside a part's kind; which of them, its room tells (see [`room_takes`](super::room_takes)).
pub const COMMON: [Opt; 4] = [
    Opt {
        name: "id",
        ty: Type::Text,
        default: Default::Absent,
        about: "The part's name in logs, metrics and fixtures, of letters, digits, `-`, `_` and `.`. Without it the kind, with a \
            number when it stands there several times.",
    },
    Opt {
        name: "when",
        ty: Type::Code,
        default: Default::Absent,
        about: "A Rhai expression: the part applies only to events that it is true for; the others pass by.",
    },
    Opt {
        name: "on_error",
        ty: Type::Word(&["dead_letter", "drop", "pass"]),
        default: Default::Is("dead_letter"),
        about: "What becomes of an event that the step fails on: it is kept as a dead letter, dropped, or passed on as it was.",
    },
    Opt {
        name: "settings",
        ty: Type::Map(&Type::Any),
        default: Default::Absent,
        about: "Values for the part's script, which sees them as `settings`.",
    },
];
