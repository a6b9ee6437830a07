//! `cartwire reconcile`: compare the shop's orders with what was delivered, and deliver those that are missing.

mod place;
mod report;
mod walk;
mod when;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use super::{Outcome, Process, samples};
use crate::diag::{Diag, did_you_mean};
use crate::engine::{SharedEnvironment, load_all, read_tree, text_of};
use crate::pipeline::{Plan, SourcePart};
use crate::script::Limits;
use crate::source::orders::{Listing, Window};
use crate::tree::Tree;
use place::Place;
use report::Report;
use walk::Walk;
use when::When;

#[derive(clap::Args)]
#[allow(clippy::struct_excessive_bools, reason = "each is a switch of the command line, independent of the others")]
pub(super) struct Arguments {
    /// The pipeline.
    pipeline: String,
    /// The project folder.
    #[arg(default_value = ".")]
    dir: PathBuf,
    /// Orders from then on: a duration back from now (2d, 12h), a day (2026-01-31) or a time (2026-01-31T10:00:00Z).
    #[arg(long, value_name = "WHEN", value_parser = When::parse)]
    since: When,
    /// Orders before then; `now` takes up those too whose webhooks may still be on their way.
    #[arg(long, value_name = "WHEN", default_value = "10m", value_parser = When::parse)]
    until: When,
    /// Only the orders of this source.
    #[arg(long, value_name = "ID")]
    source: Option<String>,
    /// Show what is missing, and deliver nothing.
    #[arg(long)]
    dry_run: bool,
    /// Also deliver orders that are older than the journal, if the pipeline does not remember them: whether they were sent before is not known.
    #[arg(long)]
    backfill: bool,
    /// Deliver so many orders at most; the rest is left for the next time.
    #[arg(long, value_name = "COUNT", default_value_t = usize::MAX, hide_default_value = true)]
    limit: usize,
    /// Print the result as JSON.
    #[arg(long)]
    json: bool,
    /// The data directory of `cartwire run`; `.cartwire` in the project folder if not given.
    #[arg(long, env = "CARTWIRE_DATA_DIR")]
    data_dir: Option<PathBuf>,
    /// The admin address of a running Cartwire, if it is not the one that it left in the data directory.
    #[arg(long, env = "CARTWIRE_ADMIN", value_parser = super::address)]
    admin: Option<SocketAddr>,
}

pub(super) fn run(arguments: &Arguments) -> Outcome {
    let now_ms = samples::now_ms();
    let window = Window { since_ms: arguments.since.ms(now_ms), until_ms: arguments.until.ms(now_ms) };
    if window.since_ms >= window.until_ms {
        super::complain("--since is not before --until");
        anstream::eprintln!(
            "help: --until is ten minutes ago unless it is given, so that webhooks have time to arrive"
        );
        return Outcome::Usage;
    }
    let tree = match read_tree(&arguments.dir) {
        Ok(tree) => Arc::new(tree),
        Err(error) => {
            super::complain(format!("{}: {error}", arguments.dir.display()));
            return Outcome::Failed;
        }
    };
    let mut report = Report {
        pipeline: arguments.pipeline.clone(),
        window,
        dry: arguments.dry_run,
        shops: Vec::new(),
        limited: false,
        hint: "",
    };
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            super::complain(format!("the runtime cannot start: {error}"));
            return Outcome::Failed;
        }
    };
    let ended = runtime.block_on(reconcile(arguments, &tree, &mut report));
    let problems = ended.as_ref().err().map_or(&[][..], Vec::as_slice);
    if arguments.json {
        let errors: Vec<_> = problems.iter().map(|diag| diag.message.as_str()).collect();
        let error = (!errors.is_empty()).then(|| errors.join("; "));
        say!("{:#}", report.to_json(error.as_deref()));
    } else if !report.shops.is_empty() {
        report.print();
    }
    for diag in problems {
        anstream::eprintln!("{}\n", diag.render(text_of(diag, &tree), super::colour_stderr()));
    }
    if problems.is_empty() { Outcome::Fine } else { Outcome::Failed }
}

/// Compares all shops.
async fn reconcile(arguments: &Arguments, tree: &Arc<Tree>, report: &mut Report) -> Result<(), Vec<Diag>> {
    let plan = load(arguments, tree)?;
    let sources = sources(arguments, &plan).map_err(|problem| vec![problem])?;
    let data_dir = arguments.data_dir.clone().unwrap_or_else(|| arguments.dir.join(".cartwire"));
    let place = Place::open(&data_dir, &plan, arguments.admin).map_err(|problem| vec![problem])?;
    let walk = Walk { plan: &plan, place: &place, backfill: arguments.backfill, limit: arguments.limit };
    let mut problems = Vec::new();
    for part in sources {
        let Listing::Shops(shops) = part.source.orders() else { continue };
        for shop in shops {
            if report.limited {
                break;
            }
            // One shop that is away does not keep the others.
            if let Err(problem) = walk.shop(part, &**shop, report).await {
                problems.push(problem);
            }
        }
    }
    report.hint = place.hint();
    place.close();
    if problems.is_empty() { Ok(()) } else { Err(problems) }
}

fn load(arguments: &Arguments, tree: &Arc<Tree>) -> Result<Arc<Plan>, Vec<Diag>> {
    let env: SharedEnvironment = Arc::new(Process::new(&arguments.dir));
    let only = [arguments.pipeline.clone()];
    let (plans, problems) = load_all(tree, &only, &env, &Limits::default());
    let errors: Vec<_> = problems.into_iter().filter(Diag::is_error).collect();
    match plans.into_iter().next() {
        Some(plan) if errors.is_empty() => Ok(plan),
        _ if errors.is_empty() => {
            let message = format!("there is no pipeline in {}", arguments.dir.join("pipelines").display());
            Err(vec![Diag::error("unknown-pipeline", message).help("give the project's folder behind the pipeline")])
        }
        _ => Err(errors),
    }
}

/// The sources whose orders are listed: the chosen one, or all that can.
fn sources<'p>(arguments: &Arguments, plan: &'p Plan) -> Result<Vec<&'p SourcePart>, Diag> {
    let wanted = |part: &&SourcePart| arguments.source.as_ref().is_none_or(|id| **id == *part.id);
    let chosen: Vec<_> = plan.sources.iter().filter(wanted).collect();
    let ids = || plan.sources.iter().map(|part| &*part.id);
    if let (Some(id), true) = (&arguments.source, chosen.is_empty()) {
        let help = did_you_mean(id, ids()).map_or_else(
            || format!("there are {}", ids().collect::<Vec<_>>().join(", ")),
            |near| format!("did you mean `{near}`?"),
        );
        return Err(Diag::error("no-source", format!("`{}` has no source `{id}`", plan.name)).help(help));
    }
    let listing: Vec<_> =
        chosen.iter().copied().filter(|part| matches!(part.source.orders(), Listing::Shops(_))).collect();
    if !listing.is_empty() {
        return Ok(listing);
    }
    for part in &chosen {
        let Listing::Unset(example) = part.source.orders() else { continue };
        let spec = plan.spec.sources.iter().find(|spec| *spec.id == *part.id);
        let span = spec.map_or(0..0, |spec| spec.span.clone());
        let message = format!("the source `{}` does not say where its orders are listed", part.id);
        return Err(Diag::error("no-api", message)
            .at(&plan.spec.file, span)
            .help(format!("add to its options: {example}")));
    }
    let message = format!("no source of `{}` can list orders", plan.name);
    Err(Diag::error("no-api", message).help("shopify, bigcommerce and medusa can, with the option `api`"))
}
