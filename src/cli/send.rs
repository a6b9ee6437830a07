//! `cartwire send`: post correctly signed sample deliveries, as the platform would.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::{Outcome, Placeholders, Process, STYLE_DIM, STYLE_GOOD, complain, samples};
use crate::check::{self, Given};
use crate::engine::{SharedEnvironment, load_all, read_tree, text_of};
use crate::pipeline::Plan;
use crate::script::Limits;
use crate::tree::Tree;

#[derive(clap::Args)]
pub(super) struct Arguments {
    /// The project folder.
    #[arg(default_value = ".")]
    dir: PathBuf,
    /// The pipeline; needed when there are several.
    #[arg(long, value_name = "NAME")]
    pipeline: Option<String>,
    /// The fixture whose deliveries are sent; those marked `sample: true` if not given.
    #[arg(long, value_name = "NAME", conflicts_with = "body")]
    fixture: Option<String>,
    /// Send this file as the body instead of a fixture; `-` is standard input.
    #[arg(long, value_name = "FILE")]
    body: Option<PathBuf>,
    /// The source, when the pipeline has several.
    #[arg(long, value_name = "ID", requires = "body")]
    source: Option<String>,
    /// A header, as `X-Shopify-Topic: orders/create`; may be given several times.
    #[arg(long, value_name = "NAME: VALUE")]
    header: Vec<String>,
    /// Path below the source's own, as `/v1/track`.
    #[arg(long, default_value = "", requires = "body")]
    path: String,
    /// Where Cartwire listens.
    #[arg(long, env = "CARTWIRE_LISTEN", default_value = "127.0.0.1:8080")]
    to: String,
    /// Send everything so many times.
    #[arg(long, default_value_t = 1)]
    repeat: usize,
    /// Sign with the placeholders that `run --dry-run` uses where secrets are not set.
    #[arg(long)]
    dry_run: bool,
}

pub(super) fn run(arguments: &Arguments) -> Outcome {
    match prepare(arguments) {
        Ok((plan, given)) => {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            match runtime {
                Ok(runtime) => runtime.block_on(send(arguments, &plan, &given)),
                Err(error) => {
                    complain(error);
                    Outcome::Failed
                }
            }
        }
        Err((outcome, message)) => {
            complain(message);
            outcome
        }
    }
}

type Failure = (Outcome, String);

/// The pipeline, and what to send to it.
fn prepare(arguments: &Arguments) -> Result<(Arc<Plan>, Vec<Given>), Failure> {
    let failed = |error: String| (Outcome::Failed, error);
    let tree = Arc::new(read_tree(&arguments.dir).map_err(|error| failed(error.to_string()))?);
    let env: SharedEnvironment = if arguments.dry_run {
        Arc::new(Placeholders::new(&arguments.dir))
    } else {
        Arc::new(Process::new(&arguments.dir))
    };
    let only: Vec<String> = arguments.pipeline.iter().cloned().collect();
    let (mut plans, problems) = load_all(&tree, &only, &env, &Limits::default());
    for diag in problems.iter().filter(|diag| diag.is_error()) {
        anstream::eprintln!("{}\n", diag.render(text_of(diag, &tree), super::colour_stderr()));
    }
    if plans.len() > 1 {
        let names: Vec<_> = plans.iter().map(|plan| plan.name.to_string()).collect();
        return Err((
            Outcome::Usage,
            format!("there are several pipelines: choose one with --pipeline ({})", names.join(", ")),
        ));
    }
    let plan = plans.pop().ok_or_else(|| match &arguments.pipeline {
        Some(name) => failed(format!("the pipeline `{name}` cannot be loaded")),
        None => failed("there is no pipeline that can be loaded".to_owned()),
    })?;
    let mut given = match &arguments.body {
        Some(file) => vec![from_body(arguments, &plan, file).map_err(failed)?],
        None => from_fixtures(arguments, &plan)?,
    };
    for given in &mut given {
        for header in &arguments.header {
            let (name, value) =
                header.split_once(':').ok_or_else(|| (Outcome::Usage, format!("`{header}` is not `NAME: VALUE`")))?;
            given.set_header(name.trim(), value.trim());
        }
    }
    Ok((plan, given))
}

fn from_body(arguments: &Arguments, plan: &Plan, file: &PathBuf) -> Result<Given, String> {
    let body = if file.as_os_str() == "-" {
        let mut body = Vec::new();
        std::io::Read::read_to_end(&mut std::io::stdin(), &mut body).map_err(|error| error.to_string())?;
        body
    } else {
        std::fs::read(file).map_err(|error| format!("{}: {error}", file.display()))?
    };
    let source = arguments.source.clone().or_else(|| plan.sources.first().map(|part| part.id.to_string()));
    Ok(Given { path: arguments.path.clone(), ..Given::new(source, body) })
}

fn from_fixtures(arguments: &Arguments, plan: &Plan) -> Result<Vec<Given>, Failure> {
    let (cases, problems) = check::load(&arguments.dir, &mut Tree::new());
    for diag in &problems {
        anstream::eprintln!("{diag}");
    }
    let chosen = match &arguments.fixture {
        Some(name) => cases.iter().filter(|case| case.pipeline == *plan.name && case.name == *name).collect(),
        None => check::samples(&cases, &plan.name),
    };
    let given: Vec<_> = chosen
        .into_iter()
        .flat_map(|case| case.given.clone())
        .filter(|given| given.status.is_none_or(|status| status < 300))
        .collect();
    if given.is_empty() {
        let what = arguments.fixture.as_ref().map_or_else(
            || format!("there is no fixture in tests/fixtures/{}: give a file with --body", plan.name),
            |name| format!("there is no fixture `{name}` in tests/fixtures/{}", plan.name),
        );
        return Err((Outcome::Failed, what));
    }
    Ok(given)
}

async fn send(arguments: &Arguments, plan: &Plan, given: &[Given]) -> Outcome {
    let client = match samples::client() {
        Ok(client) => client,
        Err(error) => {
            complain(error);
            return Outcome::Failed;
        }
    };
    let base = if arguments.to.contains("://") {
        arguments.to.trim_end_matches('/').to_owned()
    } else {
        format!("http://{}", arguments.to)
    };
    let (mut sent, mut failed) = (0, 0);
    for given in std::iter::repeat_n(given, arguments.repeat).flatten() {
        let Some((index, sample)) = samples::sign(plan, given, samples::now_ms()) else {
            complain(format!("`{}` has no source `{}`", plan.name, given.source.as_deref().unwrap_or_default()));
            return Outcome::Usage;
        };
        let Some(path) = samples::target(&plan.sources[index], &sample) else {
            complain(format!("`{}` reads files: there is nothing to post to", plan.sources[index].id));
            return Outcome::Usage;
        };
        // The platform would retry a temporary refusal; so does this.
        let mut pause = Duration::from_millis(200);
        let mut answer = samples::post(&client, &format!("{base}{path}"), sample.clone()).await;
        for _ in 0..3 {
            if !matches!(answer, Ok(429 | 503)) {
                break;
            }
            tokio::time::sleep(pause).await;
            pause *= 2;
            answer = samples::post(&client, &format!("{base}{path}"), sample.clone()).await;
        }
        match answer {
            Ok(status) if (200..300).contains(&status) => {
                sent += 1;
                say!("{STYLE_GOOD}{status}{STYLE_GOOD:#} {path} {STYLE_DIM}{}{STYLE_DIM:#}", given.about());
            }
            Ok(status) => {
                failed += 1;
                complain(format!("{status} {path} {}", given.about()));
            }
            Err(error) => {
                complain(error);
                anstream::eprintln!("help: is `cartwire run` listening at {}?", arguments.to);
                return Outcome::Failed;
            }
        }
    }
    say!(
        "{} accepted, {failed} refused",
        if sent == 1 { "1 delivery".to_owned() } else { format!("{sent} deliveries") }
    );
    if failed > 0 { Outcome::Failed } else { Outcome::Fine }
}
