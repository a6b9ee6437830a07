//! Pipeline text → [`Spec`]: which parts, with which options, each with its place. Reads a tree of texts, not the disk.

pub mod keys;
mod part;
mod read;

use crate::diag::Span;
use crate::registry::{Options, Room};
use crate::sink::SINKS;
use crate::source::SOURCES;
use crate::step::STEPS;
use crate::tree::Tree;
use crate::yaml::Node;

pub use part::room_takes;
pub use read::read;

/// What a pipeline file says, checked part by part; nothing is built yet.
#[derive(Debug, Clone)]
pub struct Spec {
    /// The file's name without folder and ending.
    pub name: String,
    /// The file, relative to the project folder.
    pub file: String,
    /// What the pipeline is for, in the user's words.
    pub description: String,
    /// At least one.
    pub sources: Vec<PartSpec>,
    /// In order; may be empty.
    pub steps: Vec<PartSpec>,
    /// At least one.
    pub sinks: Vec<PartSpec>,
}

/// One part of a pipeline file.
#[derive(Debug, Clone)]
pub struct PartSpec {
    /// Unique within the pipeline; the kind, with a number when it stands there several times.
    pub id: String,
    /// Whether the id is the user's; otherwise it depends on the parts of the same kind before it.
    pub named: bool,
    /// Equal for two parts that are written alike, whatever their ids: a digest without secrets, which are not filled in.
    pub print: String,
    /// The part's name, as `script`.
    pub kind: &'static str,
    /// Its options.
    pub options: Options,
    /// The part applies only to events that this expression is true for.
    pub when: Option<Node>,
    /// What becomes of an event that the part fails on.
    pub on_error: OnError,
    /// Values for the part's script.
    pub settings: serde_json::Value,
    /// Where the part stands.
    pub span: Span,
}

/// What becomes of an event that a step fails on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OnError {
    /// It is kept with the reason, and can be sent again later.
    #[default]
    DeadLetter,
    /// It ends, counted with the reason.
    Drop,
    /// It goes on as it was before the step.
    Pass,
}

/// The folder that pipelines stand in.
pub const PIPELINES: &str = "pipelines";

/// The pipeline files of a project: path and name, in order.
pub fn pipeline_files(tree: &Tree) -> Vec<(String, String)> {
    tree.below(PIPELINES)
        .filter_map(|(path, _)| {
            let name = path.strip_prefix(PIPELINES)?.strip_prefix('/')?;
            let stem = name.strip_suffix(".yaml").or_else(|| name.strip_suffix(".yml"))?;
            (!stem.contains('/') && !stem.starts_with('.')).then(|| (path.to_owned(), stem.to_owned()))
        })
        .collect()
}

/// Names of all parts of a room.
pub fn kinds(room: Room) -> Vec<&'static str> {
    match room {
        Room::Source => SOURCES.iter().map(|part| part.def.name).collect(),
        Room::Step => STEPS.iter().map(|part| part.def.name).collect(),
        Room::Sink => SINKS.iter().map(|part| part.def.name).collect(),
    }
}

#[cfg(test)]
mod tests;
