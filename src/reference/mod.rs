//! What can be written, for people and for editors: the reference and the JSON Schema.
//!
//! Pure, and derived: every sentence stands in the definition of the part, key or function that it describes. Nothing here names
//! an option.

mod example;
mod functions;
mod json;
mod markdown;
mod rhai;
mod schema;

use crate::check::keys as fixture_keys;
use crate::config::keys as pipeline_keys;
use crate::diag::did_you_mean;
use crate::registry::{Def, Opt, Room};
use crate::script::lib::{Fun, NAMESPACES, Namespace};
use crate::sink::SINKS;
use crate::source::SOURCES;
use crate::step::STEPS;

pub use functions::{CAPABILITIES, Capability, Shown};
pub use json::json;
pub use markdown::markdown;
pub use rhai::{Lesson, MINUTE, Minute};
pub use schema::{fixture_schema, schema};

/// Some entries of the reference under one heading.
#[derive(Debug)]
pub struct Chapter {
    /// As it is asked for: `sources`.
    pub name: &'static str,
    /// The heading.
    pub title: &'static str,
    /// Markdown before the entries; left out when single entries were asked for.
    pub about: &'static str,
    /// In the order of the reference.
    pub entries: Vec<Entry>,
}

/// One thing that the reference describes.
#[derive(Clone, Copy)]
pub enum Entry {
    /// The keys of a map that is no part.
    Keys(&'static Keys),
    /// A source, step or sink.
    Part(&'static Def),
    /// All functions of a namespace.
    Namespace(&'static Namespace),
    /// One function.
    Fun(&'static Fun),
    /// What of Rhai one must know.
    Minute(&'static Minute),
    /// What Segment's functions can do.
    Capability(&'static Capability),
}

impl std::fmt::Debug for Entry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

/// The keys of a map that is no part.
#[derive(Debug)]
pub struct Keys {
    /// As it is asked for.
    pub name: &'static str,
    /// One sentence.
    pub about: &'static str,
    /// The keys.
    pub options: &'static [Opt],
}

/// A name that nothing in the reference has.
#[derive(Debug, PartialEq, Eq)]
pub struct Unknown {
    /// What was asked for.
    pub name: String,
    /// What may have been meant.
    pub near: Option<&'static str>,
}

/// What functions without a namespace are listed under.
const GLOBAL: &str = "global";

static PIPELINE: Keys =
    Keys { name: "pipeline", about: "The keys of `pipelines/<name>.yaml`.", options: &pipeline_keys::PIPELINE };
static COMMON: Keys = Keys {
    name: "common",
    about: "The keys that may stand beside a part's kind: all of them beside a step, `id` and `when` beside a sink, `id` beside a \
            source.",
    options: &pipeline_keys::COMMON,
};
static CASE: Keys = Keys {
    name: "fixture",
    about: "The keys of `tests/fixtures/<pipeline>/<case>.yaml`.",
    options: &fixture_keys::CASE,
};
static GIVEN: Keys =
    Keys { name: "given", about: "The keys of one delivery under `given`.", options: &fixture_keys::GIVEN };

static HTTP: Keys = Keys {
    name: "http",
    about: "The keys of one answer under `http`, with which a case stands for the outside.",
    options: &fixture_keys::HTTP,
};

const PIPELINES: &str = "A pipeline chains sources, steps and sinks. A part is written `kind: options` with the common keys beside \
    it, or as the kind alone where every option has a default.\n\n\
    Texts may hold `${NAME}` and `${NAME:-default}` from the environment and `${file:/run/secrets/name}` from a file, whose \
    path begins at the project's folder unless it is absolute; `$${` is a literal `${`. Where a list is taken, a single value counts as a list of one.";
const SOURCES_ABOUT: &str = "A source receives deliveries, checks their proof, and makes events of them.\n\n\
    `cartwire reconcile` makes deliveries of orders whose own never came, for sources with the option `api`. Such a delivery has the \
    header `x-cartwire-reconciled` (the order's time), which scripts see and no sender can set, and its messages have \
    `context.reconciled: true`.";
const STEPS_ABOUT: &str = "A step passes an event on, changes, drops or multiplies it.";
const SINKS_ABOUT: &str =
    "A sink sends events out. It has its own cursor, so that one that is down does not hold up the others.";
const FIXTURES: &str = "A fixture is a test case: deliveries that come in, and the messages that must come out. `cartwire test` runs \
    it from the raw request to the encoded message.";
const SCRIPTS: &str = "What scripts can call beside Rhai's own functions. A `?` marks arguments that can be left out. Every example \
    is run as a test: a line `a == b` holds.";

/// The whole reference.
pub fn book() -> Vec<Chapter> {
    let parts = |room| defs(room).into_iter().map(Entry::Part).collect();
    let functions = std::iter::once(Entry::Minute(&MINUTE)).chain(NAMESPACES.iter().map(Entry::Namespace)).collect();
    let capabilities = CAPABILITIES.iter().copied().flatten().map(Entry::Capability).collect();
    let chapter = |name, title, about, entries| Chapter { name, title, about, entries };
    vec![
        chapter("pipelines", "Pipelines", PIPELINES, vec![Entry::Keys(&PIPELINE), Entry::Keys(&COMMON)]),
        chapter("sources", "Sources", SOURCES_ABOUT, parts(Room::Source)),
        chapter("steps", "Steps", STEPS_ABOUT, parts(Room::Step)),
        chapter("sinks", "Sinks", SINKS_ABOUT, parts(Room::Sink)),
        chapter("fixtures", "Fixtures", FIXTURES, vec![Entry::Keys(&CASE), Entry::Keys(&GIVEN), Entry::Keys(&HTTP)]),
        chapter("scripts", "Functions of scripts", SCRIPTS, functions),
        chapter("segment-functions", "From Segment functions", functions::ABOUT, capabilities),
    ]
}

/// What has one of the names: a chapter, a part, a group of keys, a namespace, a function. A name that several things have finds
/// all of them (`segment` is a source and a sink).
pub fn find<S: AsRef<str>>(wanted: &[S]) -> Result<Vec<Chapter>, Unknown> {
    let mut found = Vec::new();
    for name in wanted.iter().map(AsRef::as_ref) {
        let before = found.len();
        for chapter in book() {
            if name == chapter.name {
                found.push(chapter);
                continue;
            }
            let entries: Vec<_> = chapter.entries.iter().flat_map(|entry| entry.named(name)).collect();
            if !entries.is_empty() {
                found.push(Chapter { about: "", entries, ..chapter });
            }
        }
        if found.len() == before {
            return Err(Unknown { name: name.to_owned(), near: did_you_mean(name, names()) });
        }
    }
    Ok(found)
}

/// All names that [`find`] knows.
fn names() -> Vec<&'static str> {
    let mut names = Vec::new();
    for chapter in book() {
        names.push(chapter.name);
        for entry in chapter.entries {
            names.push(entry.name());
            if let Entry::Namespace(namespace) = entry {
                names.extend(namespace.funs.iter().map(|fun| fun.name));
            }
        }
    }
    names
}

/// The definitions of a room, sorted.
pub fn defs(room: Room) -> Vec<&'static Def> {
    match room {
        Room::Source => SOURCES.iter().map(|part| &part.def).collect(),
        Room::Step => STEPS.iter().map(|part| &part.def).collect(),
        Room::Sink => SINKS.iter().map(|part| &part.def).collect(),
    }
}

impl Entry {
    fn name(&self) -> &'static str {
        match self {
            Self::Keys(keys) => keys.name,
            Self::Part(def) => def.name,
            Self::Namespace(Namespace { name: "", .. }) => GLOBAL,
            Self::Namespace(namespace) => namespace.name,
            Self::Fun(fun) => fun.name,
            Self::Minute(minute) => minute.name,
            Self::Capability(capability) => capability.name,
        }
    }

    /// This entry, or the functions in it, if they have the name.
    fn named(&self, name: &str) -> Vec<Self> {
        match self {
            _ if name.trim_end_matches("::") == self.name() => vec![*self],
            Self::Namespace(namespace) => namespace.funs.iter().filter(|fun| fun.name == name).map(Self::Fun).collect(),
            _ => Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests;
