//! `cartwire test`: run fixtures, show differences, bless.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use serde_json::json;

use super::{Outcome, Placeholders, STYLE_DIM, STYLE_GOOD, complain, count};
use crate::check::{self, Case, CaseResult, Failure};
use crate::config::pipeline_files;
use crate::engine::{read_tree, text_of};
use crate::pipeline::{Loaded, Pipeline, Plan};
use crate::registry::Environment;
use crate::script::{Limits, STACK_BYTES};
use crate::tree::Tree;

#[derive(clap::Args, Clone)]
pub(super) struct Arguments {
    /// The project folder.
    #[arg(default_value = ".")]
    dir: PathBuf,
    /// Only cases whose `pipeline/name` contains this.
    #[arg(long, short, value_name = "TEXT")]
    filter: Option<String>,
    /// Write what came out into the fixtures, after showing what changes.
    #[arg(long)]
    bless: bool,
    /// Show what each step changed, also for cases that pass.
    #[arg(long, short)]
    steps: bool,
    /// Print the results as JSON.
    #[arg(long)]
    json: bool,
}

pub(super) fn run(arguments: &Arguments) -> Outcome {
    let arguments = arguments.clone();
    // Scripts may nest deeply: the same stack as a worker has.
    let thread =
        std::thread::Builder::new().name("test".to_owned()).stack_size(STACK_BYTES).spawn(move || run_here(&arguments));
    match thread.map(std::thread::JoinHandle::join) {
        Ok(Ok(outcome)) => outcome,
        Ok(Err(_)) => Outcome::Failed,
        Err(error) => {
            complain(error);
            Outcome::Failed
        }
    }
}

fn run_here(arguments: &Arguments) -> Outcome {
    let mut texts = match read_tree(&arguments.dir) {
        Ok(tree) => tree,
        Err(error) => {
            complain(format!("{}: {error}", arguments.dir.display()));
            return Outcome::Failed;
        }
    };
    let tree = Arc::new(texts.clone());
    let (cases, problems) = check::load(&arguments.dir, &mut texts);
    let mut broken = problems.len();
    for diag in &problems {
        anstream::eprintln!("{}\n", diag.render(text_of(diag, &texts), super::colour_stderr()));
    }
    let wanted: Vec<_> = cases.iter().filter(|case| is_wanted(case, arguments.filter.as_deref())).collect();
    if wanted.is_empty() && broken == 0 {
        complain(match &arguments.filter {
            Some(filter) => format!("no case contains `{filter}`"),
            None => format!("there are no fixtures in {}", arguments.dir.join("tests/fixtures").display()),
        });
        return Outcome::Failed;
    }
    let mut pipelines = Pipelines { tree: &tree, loaded: BTreeMap::new() };
    let mut reports = Vec::new();
    let (mut passed, mut failed, mut blessed) = (0, 0, 0);
    for case in wanted {
        let pipeline = match pipelines.get(case) {
            Ok(pipeline) => pipeline,
            Err(message) => {
                broken += usize::from(message.is_some());
                failed += 1;
                if let Some(message) = message {
                    anstream::eprintln!("{message}");
                }
                continue;
            }
        };
        let result = check::run_case(&pipeline, case);
        reports.push(check::report_json(case, &result));
        if result.failures.is_empty() {
            passed += 1;
            show_passed(case, &result, arguments);
            continue;
        }
        if !arguments.json {
            say!("{}", check::report_text(case, &result, true).trim_end());
        }
        if arguments.bless && can_be_blessed(case, &result) && write(arguments, case, &result, &texts) {
            blessed += 1;
        } else {
            failed += 1;
        }
    }
    if arguments.json {
        say!(
            "{:#}",
            json!({"passed": passed, "failed": failed, "blessed": blessed, "broken": broken, "cases": reports})
        );
    } else {
        let blessed = if blessed > 0 { format!(", {blessed} blessed") } else { String::new() };
        let broken =
            if broken > 0 { format!(", {} that cannot be run", count(broken, "mistake")) } else { String::new() };
        say!("{} passed, {failed} failed{blessed}{broken}", count(passed, "case"));
    }
    if failed + broken > 0 { Outcome::Failed } else { Outcome::Fine }
}

fn is_wanted(case: &Case, filter: Option<&str>) -> bool {
    filter.is_none_or(|filter| format!("{}/{}", case.pipeline, case.name).contains(filter))
}

fn show_passed(case: &Case, result: &CaseResult, arguments: &Arguments) {
    if arguments.json {
        return;
    }
    if arguments.steps {
        let shown = check::report_text(case, result, true);
        // The first line says FAIL.
        let rest = shown.split_once('\n').map_or("", |(_, rest)| rest);
        say!("{STYLE_GOOD}ok{STYLE_GOOD:#}   {} › {}\n{rest}", case.pipeline, case.name);
    } else {
        let messages: usize = result.messages.iter().map(|(_, messages)| messages.len()).sum();
        let note = format!("{STYLE_DIM}{}{STYLE_DIM:#}", count(messages, "message"));
        say!("{STYLE_GOOD}ok{STYLE_GOOD:#}   {} › {} {note}", case.pipeline, case.name);
    }
}

/// A refused delivery, or a dead letter that nobody expects, fails whatever messages are expected: writing some would hide it.
fn can_be_blessed(case: &Case, result: &CaseResult) -> bool {
    let fails_anyway = result.failures.iter().any(|failure| matches!(failure, Failure::Other(_)));
    if fails_anyway {
        complain(format!("{} is not blessed: state what else happened with `dead`, `dropped` or `status`", case.file));
    }
    !fails_anyway
}

fn write(arguments: &Arguments, case: &Case, result: &CaseResult, texts: &Tree) -> bool {
    let Some(text) = texts.get(&case.file) else { return false };
    let written = std::fs::write(arguments.dir.join(&case.file), check::bless(case, result, text));
    match written {
        Ok(()) => {
            say!("  blessed {}", case.file);
            true
        }
        Err(error) => {
            complain(format!("{}: {error}", case.file));
            false
        }
    }
}

/// A pipeline's name and the case's variables.
type Key = (String, Vec<(String, String)>);

/// Compiled pipelines by name and variables: cases may set variables of their own.
struct Pipelines<'a> {
    tree: &'a Arc<Tree>,
    loaded: BTreeMap<Key, Option<std::rc::Rc<Pipeline>>>,
}

impl Pipelines<'_> {
    /// The error is `None` when the same pipeline's problems have been shown already.
    fn get(&mut self, case: &Case) -> Result<std::rc::Rc<Pipeline>, Option<String>> {
        let key = (case.pipeline.clone(), case.env.clone());
        if let Some(known) = self.loaded.get(&key) {
            return known.clone().ok_or(None);
        }
        let loaded = self.load(case);
        self.loaded.insert(key, loaded.as_ref().ok().cloned());
        loaded.map_err(Some)
    }

    fn load(&self, case: &Case) -> Result<std::rc::Rc<Pipeline>, String> {
        let (file, name) =
            pipeline_files(self.tree).into_iter().find(|(_, name)| *name == case.pipeline).ok_or_else(|| {
                format!(
                    "{}: there is no pipeline `{}`: fixtures stand in a folder named like it",
                    case.file, case.pipeline
                )
            })?;
        let env = CaseEnvironment { own: &case.env, rest: Placeholders::isolated() };
        let Loaded { plan, problems } = Plan::load(self.tree, &file, &name, &env, &Limits::of_fixtures());
        let plan = plan.ok_or_else(|| {
            problems
                .iter()
                .map(|diag| diag.render(text_of(diag, self.tree), super::colour_stderr()))
                .collect::<Vec<_>>()
                .join("\n\n")
        })?;
        Pipeline::new(&plan)
            .map(std::rc::Rc::new)
            .map_err(|problems| problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))
    }
}

/// The case's own variables, then placeholders; never the machine's, so that a case passes everywhere or nowhere.
struct CaseEnvironment<'a> {
    own: &'a [(String, String)],
    rest: Placeholders,
}

impl CaseEnvironment<'_> {
    fn own(&self, name: &str) -> Option<String> {
        self.own.iter().find(|(have, _)| have == name).map(|(_, value)| value.clone())
    }
}

impl Environment for CaseEnvironment<'_> {
    fn var(&self, name: &str) -> Option<String> {
        self.own(name).or_else(|| self.rest.var(name))
    }

    fn var_or_default(&self, name: &str) -> Option<String> {
        self.own(name)
    }

    fn file(&self, path: &str) -> Result<String, String> {
        self.rest.file(path)
    }
}
