//! `cartwire reference`: what can be written in pipelines, fixtures and scripts.

use std::io::Write;

use super::{Outcome, complain};
use crate::reference::{Unknown, book, find, json, markdown};

#[derive(clap::Args)]
pub(super) struct Arguments {
    /// What to show: a part (shopify), a namespace or function of scripts (money, `money::parse`), or one of pipelines, sources,
    /// steps, sinks, fixtures, scripts, segment-functions, common. Everything without it.
    #[arg(value_name = "PART")]
    parts: Vec<String>,
    /// The form.
    #[arg(long, value_enum, default_value_t = Format::Markdown)]
    format: Format,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// For people.
    Markdown,
    /// For programs.
    Json,
}

pub(super) fn run(arguments: &Arguments) -> Outcome {
    let chapters = if arguments.parts.is_empty() { Ok(book()) } else { find(&arguments.parts) };
    let chapters = match chapters {
        Ok(chapters) => chapters,
        Err(Unknown { name, near }) => {
            complain(format!("the reference has no `{name}`"));
            let help = near.map_or_else(
                || "`cartwire reference` shows everything".to_owned(),
                |near| format!("did you mean `{near}`?"),
            );
            anstream::eprintln!("help: {help}");
            return Outcome::Failed;
        }
    };
    print(&match arguments.format {
        Format::Markdown => markdown(&chapters),
        Format::Json => format!("{:#}\n", json(&chapters)),
    })
}

/// Writes a text to standard output; a reader that has seen enough (`| head`) is no failure.
pub(super) fn print(text: &str) -> Outcome {
    match std::io::stdout().write_all(text.as_bytes()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            complain(format!("standard output: {error}"));
            Outcome::Failed
        }
        _ => Outcome::Fine,
    }
}
