//! `cartwire erase`: a person's data leaves everything that a pipeline keeps.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use comfy_table::{ContentArrangement, Table, presets};
use serde_json::{Value, json};

use super::{Outcome, Placeholders, complain, count};
use crate::engine::{SharedEnvironment, erase_in, erasures, load_all, read_tree};
use crate::erasure::{Erasure, is_searchable};
use crate::journal::{DeadLetters, DeadOptions, JournalError};
use crate::pipeline::Plan;
use crate::script::Limits;

#[derive(clap::Args)]
#[allow(clippy::struct_excessive_bools, reason = "each is a switch of the command line, independent of the others")]
pub(super) struct Arguments {
    /// The pipeline that keeps the data.
    #[arg(required_unless_present = "list")]
    pipeline: Option<String>,
    /// What stands for the person: customer id, e-mail, phone number, order ids, anonymousId, the domain of a shop; `-` reads them
    /// from standard input, one a line.
    #[arg(value_name = "VALUE", required_unless_present = "list")]
    values: Vec<String>,
    /// On what grounds: goes into the record.
    #[arg(long, default_value = "by hand")]
    why: String,
    /// The number of the request: goes into the record.
    #[arg(long, default_value = "")]
    reference: String,
    /// Forget all that the pipeline's steps remember, whomever it is about.
    #[arg(long)]
    all_state: bool,
    /// Say what would be erased, and leave it.
    #[arg(long)]
    dry_run: bool,
    /// Show the record of erasures.
    #[arg(long, conflicts_with_all = ["pipeline", "values", "dry_run"])]
    list: bool,
    /// The project folder, whose steps know what else belongs to the person.
    #[arg(long, default_value = ".")]
    dir: PathBuf,
    /// The data directory; `.cartwire` in the project folder if not given.
    #[arg(long, env = "CARTWIRE_DATA_DIR")]
    data_dir: Option<PathBuf>,
    /// Where a running Cartwire has its admin pages.
    #[arg(long, env = "CARTWIRE_ADMIN", default_value = "127.0.0.1:9090", value_parser = super::address)]
    admin: SocketAddr,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

pub(super) fn run(arguments: &Arguments) -> Outcome {
    let data_dir = arguments.data_dir.clone().unwrap_or_else(|| arguments.dir.join(".cartwire"));
    let done = if arguments.list { list(arguments, &data_dir) } else { erase(arguments, &data_dir) };
    match done {
        Ok(()) => Outcome::Fine,
        Err(error) => {
            complain(error);
            Outcome::Failed
        }
    }
}

fn erase(arguments: &Arguments, data_dir: &Path) -> Result<(), String> {
    let pipeline = arguments.pipeline.as_deref().unwrap_or_default();
    let erasure = Erasure {
        values: values(arguments)?,
        why: arguments.why.clone(),
        reference: arguments.reference.clone(),
        all_state: arguments.all_state,
    };
    let erasure = erasure.checked().map_err(|unfit| unfit.to_string())?;
    let short = erasure.values.iter().filter(|value| !is_searchable(value)).count();
    if short > 0 {
        let values = count(short, "value");
        anstream::eprintln!(
            "note: {values} too short to be searched for, or standing for nobody: only the steps are asked about it"
        );
    }
    let result = match DeadLetters::open(&existing(data_dir)?.join("dead"), DeadOptions::default()) {
        Ok((store, _)) => {
            drop(store);
            here(arguments, data_dir, pipeline, erasure)?
        }
        Err(JournalError::Locked(_)) => ask(arguments, pipeline, &erasure)?,
        Err(error) => return Err(error.to_string()),
    };
    if arguments.json {
        say!("{result:#}");
        return Ok(());
    }
    if result["pending"] == true {
        let delivery = &result["delivery"];
        say!("asked for, as delivery {delivery} of the journal; it is carried out when the pipeline comes to it");
        return Ok(());
    }
    let number = |key: &str, one: &str, many: &str| {
        let number = result[key].as_u64().unwrap_or_default();
        format!("{number} {}", if number == 1 { one } else { many })
    };
    say!(
        "{}: {}, {}, {}",
        if arguments.dry_run { "would be erased" } else { "erased" },
        number("state", "entry of the state", "entries of the state"),
        number("held", "event that waits", "events that wait"),
        number("dead", "dead letter", "dead letters")
    );
    say!(
        "in the journal until its time is over, not to be run again: {}",
        number("deliveries", "delivery", "deliveries")
    );
    Ok(())
}

/// The values on the command line, or on standard input, where no history keeps them.
fn values(arguments: &Arguments) -> Result<Vec<String>, String> {
    if arguments.values != ["-"] {
        return Ok(arguments.values.clone());
    }
    let text = std::io::read_to_string(std::io::stdin()).map_err(|error| format!("standard input: {error}"))?;
    Ok(text.lines().map(str::to_owned).collect())
}

fn existing(data_dir: &Path) -> Result<&Path, String> {
    if data_dir.join("dead").is_dir() {
        return Ok(data_dir);
    }
    Err(format!("there is no data in {}: nothing has run there", data_dir.display()))
}

/// In the data directory, which nobody uses.
fn here(arguments: &Arguments, data_dir: &Path, pipeline: &str, erasure: Erasure) -> Result<Value, String> {
    let plan = plan(arguments, pipeline)?;
    let tally = erase_in(data_dir, pipeline, plan.as_ref(), erasure, arguments.dry_run);
    tally.map(crate::engine::Tally::to_json).map_err(|error| error.to_string())
}

/// The pipeline as the project has it. One that is gone has still kept something.
fn plan(arguments: &Arguments, pipeline: &str) -> Result<Option<Arc<Plan>>, String> {
    let tree = Arc::new(read_tree(&arguments.dir).map_err(|error| format!("the project folder: {error}"))?);
    // Secrets are not needed to know what belongs to whom.
    let env: SharedEnvironment = Arc::new(Placeholders::new(&arguments.dir));
    let (mut plans, problems) = load_all(&tree, &[pipeline.to_owned()], &env, &Limits::default());
    if let Some(problem) = problems.iter().find(|problem| problem.is_error() && problem.code != "unknown-pipeline") {
        return Err(format!("the pipeline cannot be loaded: {problem}; see `cartwire check`"));
    }
    let plan = plans.pop();
    if plan.is_none() {
        anstream::eprintln!(
            "note: there is no pipeline `{pipeline}` in the project: its steps cannot be asked what else belongs to the person"
        );
    }
    Ok(plan)
}

/// Asks the running process, which has the data directory.
fn ask(arguments: &Arguments, pipeline: &str, erasure: &Erasure) -> Result<Value, String> {
    let mut asked = json!(erasure);
    asked["pipeline"] = pipeline.into();
    asked["dry_run"] = arguments.dry_run.into();
    let url = format!("http://{}/erase", arguments.admin);
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(|error| error.to_string())?;
    runtime.block_on(async {
        let client = super::samples::client().map_err(|error| error.to_string())?;
        let request = client.post(&url).header("content-type", "application/json").body(asked.to_string());
        let response = request.send().await.map_err(|_| {
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

fn list(arguments: &Arguments, data_dir: &Path) -> Result<(), String> {
    let lines = erasures(data_dir).map_err(|error| error.to_string())?;
    if arguments.json {
        say!("{:#}", Value::from(lines));
        return Ok(());
    }
    if lines.is_empty() {
        say!("nobody was erased");
        return Ok(());
    }
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Dynamic);
    table.set_header(["when", "pipeline", "delivery", "why", "reference", "state", "held", "dead", "deliveries"]);
    for line in &lines {
        let cell = |key: &str| match &line[key] {
            Value::String(text) => text.clone(),
            Value::Null => String::new(),
            other => other.to_string(),
        };
        table.add_row(
            ["at", "pipeline", "delivery", "why", "reference", "state", "held", "dead", "deliveries"].map(cell),
        );
    }
    say!("{table}");
    Ok(())
}
