//! `cartwire dead`: what could not be sent, and why.

use std::net::SocketAddr;
use std::path::PathBuf;

use comfy_table::{ContentArrangement, Table, presets};

use serde_json::Value;

use super::{Outcome, complain};
use crate::engine::{dead_json, dead_json_whole};
use crate::journal::{DeadFilter, DeadLetters, DeadOptions, JournalError};

#[derive(clap::Args)]
pub(super) struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
    /// The data directory.
    #[arg(long, env = "CARTWIRE_DATA_DIR", default_value = ".cartwire", global = true)]
    data_dir: PathBuf,
    /// Where a running Cartwire has its admin pages.
    #[arg(long, env = "CARTWIRE_ADMIN", default_value = "127.0.0.1:9090", value_parser = super::address, global = true)]
    admin: SocketAddr,
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
    let found = match &arguments.command {
        Some(Command::Show { id }) => find(arguments, &format!("/dead/{id}"), |store| {
            store
                .get(*id)
                .map_err(|error| error.to_string())?
                .map(|letter| dead_json_whole(&letter))
                .ok_or_else(|| format!("there is no dead letter {id}"))
        }),
        list => {
            let (pipeline, limit) = match list {
                Some(Command::List { pipeline, limit }) => (pipeline.clone(), *limit),
                _ => (None, 50),
            };
            let query = pipeline.as_ref().map_or_else(String::new, |name| format!("&pipeline={name}"));
            find(arguments, &format!("/dead?limit={limit}{query}"), |store| {
                let page = store.list(&DeadFilter { pipeline, before: None }, limit);
                Ok(page.letters.iter().map(dead_json).collect())
            })
        }
    };
    match found {
        Ok(value) if arguments.json => say!("{value:#}"),
        Ok(Value::Array(letters)) => list(&letters),
        Ok(letter) => show(&letter),
        Err(error) => {
            complain(error);
            return Outcome::Failed;
        }
    }
    Outcome::Fine
}

/// Asks the running process, which has the store locked; opens the store when none runs.
fn find(
    arguments: &Arguments,
    path: &str,
    stored: impl FnOnce(&DeadLetters) -> Result<Value, String>,
) -> Result<Value, String> {
    let dir = arguments.data_dir.join("dead");
    if !dir.is_dir() {
        return Err(format!("there are no dead letters in {}: nothing has run there", arguments.data_dir.display()));
    }
    match DeadLetters::open(&dir, DeadOptions::default()) {
        Ok((store, _)) => stored(&store),
        Err(JournalError::Locked(_)) => ask(&format!("http://{}{path}", arguments.admin)),
        Err(error) => Err(error.to_string()),
    }
}

fn ask(url: &str) -> Result<Value, String> {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(|error| error.to_string())?;
    runtime.block_on(async {
        let client = super::samples::client().map_err(|error| error.to_string())?;
        let response = client.get(url).send().await.map_err(|_| {
            format!("a running Cartwire has the data directory, but does not answer at {url}: give its --admin address")
        })?;
        let status = response.status();
        let text = response.text().await.map_err(|error| error.to_string())?;
        if status.is_success() {
            serde_json::from_str(&text).map_err(|error| error.to_string())
        } else {
            Err(text.trim().to_owned())
        }
    })
}

fn list(letters: &[Value]) {
    if letters.is_empty() {
        say!("no dead letters");
        return;
    }
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Dynamic);
    table.set_header(["id", "when", "pipeline", "part", "code", "reason"]);
    for letter in letters {
        table.add_row([
            letter["id"].to_string(),
            time(letter),
            text(letter, "pipeline"),
            text(letter, "part"),
            text(letter, "code"),
            reason(letter),
        ]);
    }
    say!("{table}");
}

fn show(letter: &Value) {
    say!("dead letter {}: {}", letter["id"], reason(letter));
    say!(
        "{} · pipeline {} · revision {} · part {} · code {}",
        time(letter),
        text(letter, "pipeline"),
        text(letter, "revision"),
        text(letter, "part"),
        text(letter, "code")
    );
    for (title, key) in [("in", "stack"), ("logged", "logs")] {
        for line in letter[key].as_array().into_iter().flatten() {
            say!("  {title} {}", line.as_str().unwrap_or_default());
        }
    }
    let request = &letter["request"];
    say!(
        "delivery {} from {}: {} {}",
        letter["delivery"],
        text(letter, "source"),
        text(request, "method"),
        text(request, "path")
    );
    for (name, value) in request["headers"].as_object().into_iter().flatten() {
        say!("  {name}: {}", value.as_str().unwrap_or_default());
    }
    say!("{}", text(request, "body"));
    if let Some(message) = letter["message"].as_str() {
        say!("message:\n{message}");
    }
}

fn reason(letter: &Value) -> String {
    match letter["place"].as_str() {
        Some(place) => format!("{} ({place})", text(letter, "reason")),
        None => text(letter, "reason"),
    }
}

fn text(value: &Value, key: &str) -> String {
    value[key].as_str().unwrap_or_default().to_owned()
}

fn time(letter: &Value) -> String {
    let ms = letter["at_ms"].as_i64().unwrap_or_default();
    jiff::Timestamp::from_millisecond(ms)
        .map_or_else(|_| ms.to_string(), |time| time.strftime("%Y-%m-%d %H:%M:%SZ").to_string())
}
