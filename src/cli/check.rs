//! `cartwire check`: every problem of every file, without running anything.

use std::path::PathBuf;
use std::sync::Arc;

use serde_json::json;

use super::{Outcome, Placeholders, complain, count};
use crate::check::{self, Case};
use crate::config::pipeline_files;
use crate::diag::{Diag, did_you_mean};
use crate::engine::{diag_json, load_all, read_tree, text_of};
use crate::pipeline::Plan;
use crate::script::modules::FOLDER;
use crate::script::{Host, Limits, Unit};
use crate::tree::Tree;

#[derive(clap::Args)]
pub(super) struct Arguments {
    /// The project folder.
    #[arg(default_value = ".")]
    dir: PathBuf,
    /// Print the problems as JSON.
    #[arg(long)]
    json: bool,
    /// Count warnings as errors.
    #[arg(long)]
    strict: bool,
}

pub(super) fn run(arguments: &Arguments) -> Outcome {
    let mut tree = match read_tree(&arguments.dir) {
        Ok(tree) => tree,
        Err(error) => {
            complain(format!("{}: {error}", arguments.dir.display()));
            return Outcome::Failed;
        }
    };
    let pipelines = pipeline_files(&tree).len();
    if pipelines == 0 {
        complain(crate::engine::StartError::Nothing(arguments.dir.clone()));
        anstream::eprintln!("help: `cartwire new {}` makes a project", arguments.dir.display());
        return Outcome::Failed;
    }
    let env = Arc::new(Placeholders::new(&arguments.dir));
    let shared: crate::engine::SharedEnvironment = env.clone();
    let (plans, mut problems) = load_all(&Arc::new(tree.clone()), &[], &shared, &Limits::default());
    problems.extend(unused_scripts(&tree, &plans));
    let (cases, found) = check::load(&arguments.dir, &mut tree);
    problems.extend(found);
    problems.extend(cases.iter().filter_map(|case| of_no_pipeline(case, &tree)));
    problems.extend(cases.iter().filter_map(|case| of_no_source(case, &plans)));
    for name in env.missing() {
        problems.extend(missing(&name, &tree));
    }
    sort(&mut problems);
    let errors = problems.iter().filter(|diag| diag.is_error()).count();
    let warnings = problems.len() - errors;
    if arguments.json {
        let list: Vec<_> = problems.iter().map(|diag| diag_json(diag, &tree)).collect();
        say!(
            "{:#}",
            json!({"pipelines": pipelines, "fixtures": cases.len(), "errors": errors, "warnings": warnings, "problems": list})
        );
    } else {
        for diag in &problems {
            anstream::eprintln!("{}\n", diag.render(text_of(diag, &tree), super::colour_stderr()));
        }
        anstream::eprintln!(
            "{}, {}: {}, {}",
            count(pipelines, "pipeline"),
            count(cases.len(), "fixture"),
            count(errors, "error"),
            count(warnings, "warning")
        );
    }
    if errors > 0 || (arguments.strict && warnings > 0) { Outcome::Failed } else { Outcome::Fine }
}

/// A fixture that stands in a folder which is named like no pipeline is never run.
fn of_no_pipeline(case: &Case, tree: &Tree) -> Option<Diag> {
    let names: Vec<_> = pipeline_files(tree).into_iter().map(|(_, name)| name).collect();
    if names.contains(&case.pipeline) {
        return None;
    }
    let near = did_you_mean(&case.pipeline, names.iter().map(String::as_str));
    let help = near.map_or_else(
        || "fixtures stand in a folder named like their pipeline".to_owned(),
        |name| format!("did you mean `{name}`?"),
    );
    let message = format!("there is no pipeline `{}`", case.pipeline);
    Some(Diag::error("no-pipeline", message).in_file(&case.file).help(help))
}

/// A case that delivers to a source which its pipeline does not have cannot be run. Mostly the source was taken out.
fn of_no_source(case: &Case, plans: &[Arc<Plan>]) -> Option<Diag> {
    let plan = plans.iter().find(|plan| *plan.name == *case.pipeline)?;
    let has = |given: &check::Given| plan.sources.iter().any(|part| given.is_for(part));
    let wanted = case.given.iter().find(|given| !has(given))?.source.as_deref()?;
    let names = || plan.sources.iter().flat_map(|part| [&*part.id, part.kind]);
    let help = match did_you_mean(wanted, names()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => "where the source was taken out, remove the case too".to_owned(),
    };
    let message = format!("the pipeline `{}` has no source `{wanted}`", case.pipeline);
    Some(Diag::error("no-source", message).in_file(&case.file).help(help))
}

/// The problems of scripts that no pipeline uses, or that a broken one hides.
fn unused_scripts(tree: &Tree, plans: &[Arc<Plan>]) -> Vec<Diag> {
    let shared = Arc::new(tree.clone());
    let mut problems = Vec::new();
    for (file, text) in tree.below(FOLDER).filter(|(path, _)| path.strip_suffix(".rhai").is_some()) {
        if plans.iter().any(|plan| plan.files.iter().any(|used| used == file)) {
            continue;
        }
        let host = Host::new(&shared, Limits::default());
        let unit = Unit { file, text, node: None, file_text: text };
        problems.extend(host.problems(&unit, is_named(tree, file)));
    }
    problems
}

/// Whether a pipeline names the file as a script. Looked for in its text: what is broken has nothing else.
fn is_named(tree: &Tree, file: &str) -> bool {
    let name = file.strip_prefix(FOLDER).unwrap_or(file).trim_start_matches('/');
    let goes_on = |c: char| c.is_alphanumeric() || matches!(c, '/' | '_' | '-' | '.');
    pipeline_files(tree).iter().filter_map(|(pipeline, _)| tree.get(pipeline)).any(|text| {
        text.match_indices(name)
            .any(|(at, _)| !text[..at].ends_with(goes_on) && !text[at + name.len()..].starts_with(goes_on))
    })
}

/// A warning at each place where what is missing is referred to.
fn missing(name: &str, tree: &Tree) -> Vec<Diag> {
    let message = match name.strip_prefix("file:") {
        Some(path) => format!("the file {path} cannot be read"),
        None => format!("{name} is not set"),
    };
    let diag = Diag::warning("missing-variable", message)
        .help("`run` needs it; `check`, `test` and `run --dry-run` use a placeholder");
    let reference = format!("${{{name}}}");
    let mut found = Vec::new();
    for (file, _) in pipeline_files(tree) {
        let text = tree.get(&file).map_or("", |text| text);
        found.extend(
            text.match_indices(&reference)
                .filter(|(at, _)| !text[..*at].rsplit('\n').next().unwrap_or_default().contains('#'))
                .map(|(at, _)| diag.clone().at(file.as_str(), at..at + reference.len())),
        );
    }
    if found.is_empty() { vec![diag] } else { found }
}

/// By file and place; what has no file last. The same problem once, also when several pipelines import the same script.
fn sort(problems: &mut Vec<Diag>) {
    problems.sort_by_key(|diag| {
        (
            diag.file.is_none(),
            diag.file.clone(),
            diag.span.as_ref().map(|span| (span.start, span.end)),
            diag.message.clone(),
        )
    });
    problems.dedup();
}
