//! `cartwire dead`: what could not be sent, and why.

use std::path::{Path, PathBuf};

use comfy_table::{ContentArrangement, Table, presets};

use super::{Outcome, complain};
use crate::engine::dead_json;
use crate::journal::{DeadLetter, DeadLetters};

#[derive(clap::Args)]
pub(super) struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
    /// The data directory.
    #[arg(long, env = "CARTWIRE_DATA_DIR", default_value = ".cartwire", global = true)]
    data_dir: PathBuf,
    /// Print JSON.
    #[arg(long, global = true)]
    json: bool,
}

#[derive(clap::Subcommand)]
enum Command {
    /// List dead letters, the newest first.
    List {
        /// Only those of this pipeline.
        #[arg(long)]
        pipeline: Option<String>,
        /// At most so many.
        #[arg(long, default_value_t = 50)]
        limit: usize,
    },
    /// Show one with its delivery.
    Show {
        /// The number that `list` shows.
        id: u64,
    },
}

pub(super) fn run(arguments: &Arguments) -> Outcome {
    let store = match open(&arguments.data_dir) {
        Ok(store) => store,
        Err(error) => {
            complain(error);
            return Outcome::Failed;
        }
    };
    match &arguments.command {
        None => list(&store, None, 50, arguments.json),
        Some(Command::List { pipeline, limit }) => list(&store, pipeline.as_deref(), *limit, arguments.json),
        Some(Command::Show { id }) => show(&store, *id, arguments.json),
    }
}

fn open(data_dir: &Path) -> Result<DeadLetters, String> {
    let dir = data_dir.join("dead");
    if !dir.is_dir() {
        return Err(format!("there are no dead letters in {}: nothing has run there", data_dir.display()));
    }
    DeadLetters::open_read_only(&dir).map_err(|error| format!("{}: {error}", dir.display()))
}

fn list(store: &DeadLetters, pipeline: Option<&str>, limit: usize, json: bool) -> Outcome {
    let letters = match store.list(pipeline, None, limit) {
        Ok(letters) => letters,
        Err(error) => {
            complain(error);
            return Outcome::Failed;
        }
    };
    if json {
        println!("{:#}", serde_json::Value::from_iter(letters.iter().map(dead_json)));
        return Outcome::Fine;
    }
    if letters.is_empty() {
        println!("no dead letters");
        return Outcome::Fine;
    }
    let mut table = Table::new();
    table.load_preset(presets::NOTHING).set_content_arrangement(ContentArrangement::Dynamic);
    table.set_header(["id", "when", "pipeline", "part", "code", "reason"]);
    for letter in &letters {
        table.add_row([
            letter.id.to_string(),
            time(letter.at_ms),
            letter.pipeline.clone(),
            letter.part.clone(),
            letter.code.clone(),
            reason(letter),
        ]);
    }
    println!("{table}");
    Outcome::Fine
}

fn reason(letter: &DeadLetter) -> String {
    letter.place.as_ref().map_or_else(|| letter.reason.clone(), |place| format!("{} ({place})", letter.reason))
}

fn show(store: &DeadLetters, id: u64, json: bool) -> Outcome {
    let letter = match store.get(id) {
        Ok(Some(letter)) => letter,
        Ok(None) => {
            complain(format!("there is no dead letter {id}"));
            return Outcome::Failed;
        }
        Err(error) => {
            complain(error);
            return Outcome::Failed;
        }
    };
    let mut value = dead_json(&letter);
    value["message"] = letter.message.as_deref().map(readable).into();
    value["delivery_headers"] = letter.delivery.headers.iter().map(|(name, value)| (name.clone(), value.clone().into())).collect::<serde_json::Map<_, _>>().into();
    value["delivery_body"] = readable(&letter.delivery.body).into();
    if json {
        println!("{value:#}");
        return Outcome::Fine;
    }
    println!("dead letter {id}: {}", reason(&letter));
    println!("{} · pipeline {} · revision {} · part {} · code {}", time(letter.at_ms), letter.pipeline, letter.revision, letter.part, letter.code);
    println!("delivery {} from {} ({} {})", letter.delivery_seq, letter.source, letter.delivery.method, letter.delivery.path);
    for (name, value) in &letter.delivery.headers {
        println!("  {name}: {value}");
    }
    println!("{}", readable(&letter.delivery.body));
    if let Some(message) = &letter.message {
        println!("message:\n{}", readable(message));
    }
    Outcome::Fine
}

fn readable(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn time(ms: i64) -> String {
    jiff::Timestamp::from_millisecond(ms).map_or_else(|_| ms.to_string(), |time| time.strftime("%Y-%m-%d %H:%M:%SZ").to_string())
}
