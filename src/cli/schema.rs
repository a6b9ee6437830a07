//! `cartwire schema`: the JSON Schema of a pipeline file, for editors.

use super::Outcome;
use super::reference::print;

#[derive(clap::Args)]
#[command(
    after_help = "Editors complete and check a pipeline whose first line is\n  # yaml-language-server: $schema=../cartwire.schema.json\nafter `cartwire schema > cartwire.schema.json`."
)]
pub(super) struct Arguments {}

pub(super) fn run(_: &Arguments) -> Outcome {
    print(&format!("{:#}\n", crate::reference::schema()))
}
