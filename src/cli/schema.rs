//! `cartwire schema`: the JSON Schema of a pipeline file or a fixture, for editors.

use super::Outcome;
use super::reference::print;

#[derive(clap::Args)]
#[command(
    after_help = "Editors complete and check a file whose first line names its schema:\n  # yaml-language-server: $schema=../cartwire.schema.json\nin a pipeline, after `cartwire schema > cartwire.schema.json`, and\n  # yaml-language-server: $schema=../../../fixture.schema.json\nin a fixture, after `cartwire schema fixture > fixture.schema.json`."
)]
pub(super) struct Arguments {
    /// What to describe.
    #[arg(value_enum, default_value_t = Kind::Pipeline)]
    kind: Kind,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum Kind {
    /// The files in `pipelines/`.
    Pipeline,
    /// The cases in `tests/fixtures/`.
    Fixture,
}

pub(super) fn run(arguments: &Arguments) -> Outcome {
    let schema = match arguments.kind {
        Kind::Pipeline => crate::reference::schema(),
        Kind::Fixture => crate::reference::fixture_schema(),
    };
    print(&format!("{schema:#}\n"))
}
