//! `cartwire new`: a project folder that runs, checks and tests at once, made of the shipped pipelines.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use include_dir::{Dir, include_dir};

use super::{Outcome, Placeholders, STYLE_DIM, STYLE_GOOD, complain};
use crate::pipeline::{Loaded, Plan};
use crate::script::Limits;
use crate::tree::Tree;

static PIPELINES: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/pipelines");
static SCRIPTS: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/scripts");
static FIXTURES: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/tests/fixtures");

/// The examples' folder below `scripts/`, one project in each of its folders.
const EXAMPLES: &str = "examples";
/// Fixtures that come with a new project; more would be in the way.
const CASES_MAX: usize = 8;

#[derive(clap::Args)]
pub(super) struct Arguments {
    /// The folder to make.
    dir: PathBuf,
    /// What the first pipeline takes in.
    #[arg(long, value_enum, default_value_t = Kind::Shopify)]
    source: Kind,
    /// One of the shipped examples instead, as `typeform`: each replaces a source function of Segment's library.
    #[arg(long, value_name = "NAME", conflicts_with = "source")]
    example: Option<String>,
    /// Add the pipeline to a folder that has files already; none is overwritten.
    #[arg(long)]
    add: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Kind {
    /// Shopify webhooks.
    Shopify,
    /// BigCommerce webhooks and storefront events.
    Bigcommerce,
    /// Events of a Medusa backend, version 1 or 2.
    Medusa,
    /// Page, track and identify calls of analytics.js and other Segment SDKs.
    Browser,
    /// What a Segment source sends to its Webhook destination, on its way to another source.
    #[value(name = "segment_webhook")]
    SegmentWebhook,
    /// Any JSON or form POST.
    Webhook,
    /// A file of Segment events, rewritten into another file.
    Rewrite,
}

impl Kind {
    /// The shipped pipeline's name.
    fn pipeline(self) -> &'static str {
        match self {
            Self::Shopify => "shopify",
            Self::Bigcommerce => "bigcommerce",
            Self::Medusa => "medusa",
            Self::Browser => "browser",
            Self::SegmentWebhook => "segment_webhook",
            Self::Webhook => "webhook",
            Self::Rewrite => "rewrite",
        }
    }
}

pub(super) fn run(arguments: &Arguments) -> Outcome {
    match make(arguments) {
        Ok(files) => {
            for file in &files {
                say!("{STYLE_GOOD}made{STYLE_GOOD:#} {}", arguments.dir.join(file).display());
            }
            let dir = arguments.dir.display();
            say!("\nNext:");
            for (command, what) in [
                (format!("cd {dir}"), ""),
                ("cartwire test".to_owned(), "run the fixtures"),
                ("cartwire run --dry-run --samples".to_owned(), "see rewritten messages, without an account"),
            ] {
                say!("  {command:36}{STYLE_DIM}{what}{STYLE_DIM:#}");
            }
            Outcome::Fine
        }
        Err(error) => {
            complain(error);
            Outcome::Failed
        }
    }
}

fn make(arguments: &Arguments) -> Result<Vec<String>, String> {
    let dir = &arguments.dir;
    let taken = std::fs::read_dir(dir).is_ok_and(|mut entries| entries.next().is_some());
    if taken && !arguments.add {
        return Err(format!("{} is not empty: choose another folder, or use --add", dir.display()));
    }
    let files = match &arguments.example {
        Some(name) => example(name)?,
        None => files(arguments.source.pipeline())?,
    };
    let mut made = Vec::new();
    for (path, content) in files {
        let target = dir.join(&path);
        if target.exists() {
            continue;
        }
        write(&target, &content).map_err(|error| format!("{}: {error}", target.display()))?;
        made.push(path);
    }
    Ok(made)
}

fn write(target: &Path, content: &[u8]) -> std::io::Result<()> {
    if let Some(parent) = target.parent() {
        std::fs::create_dir_all(parent)?;
    }
    std::fs::write(target, content)
}

/// Everything a project of one shipped pipeline needs: path and content.
fn files(pipeline: &str) -> Result<Vec<(String, Vec<u8>)>, String> {
    let mut tree = Tree::new();
    add(&PIPELINES, "pipelines", &mut tree);
    add(&SCRIPTS, "scripts", &mut tree);
    let tree = Arc::new(tree);
    let file = format!("pipelines/{pipeline}.yaml");
    // Loading tells which scripts and tables belong to it, the imported ones too.
    let Loaded { plan, problems } = Plan::load(&tree, &file, pipeline, &Placeholders::isolated(), &Limits::default());
    let plan = plan.ok_or_else(|| problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))?;
    let mut found: Vec<(String, Vec<u8>)> = plan
        .files
        .iter()
        .filter_map(|path| tree.get(path).map(|text| (path.clone(), text.as_bytes().to_vec())))
        .collect();
    found.extend(companions(pipeline));
    found.extend(fixtures(pipeline));
    found.push(ignored());
    found.sort();
    Ok(found)
}

/// What a project makes when it runs is not for its repository.
fn ignored() -> (String, Vec<u8>) {
    (".gitignore".to_owned(), b".cartwire/\n".to_vec())
}

/// A shipped example, which is a whole project already.
fn example(name: &str) -> Result<Vec<(String, Vec<u8>)>, String> {
    fn walk(dir: &Dir<'_>, root: &Path, found: &mut Vec<(String, Vec<u8>)>) {
        for file in dir.files() {
            if let Ok(path) = file.path().strip_prefix(root) {
                found.push((path.to_string_lossy().replace('\\', "/"), file.contents().to_vec()));
            }
        }
        dir.dirs().for_each(|inner| walk(inner, root, found));
    }
    let examples: Vec<_> = SCRIPTS.get_dir(EXAMPLES).map(|dir| dir.dirs().collect()).unwrap_or_default();
    let name_of = |dir: &Dir<'static>| dir.path().file_name().and_then(std::ffi::OsStr::to_str);
    let Some(dir) = examples.iter().find(|dir| name_of(dir) == Some(name)) else {
        let mut names: Vec<_> = examples.iter().filter_map(|dir| name_of(dir)).collect();
        names.sort_unstable();
        return Err(format!("there is no example `{name}`: choose one of {}", names.join(", ")));
    };
    let mut found = vec![ignored()];
    walk(dir, dir.path(), &mut found);
    found.sort();
    Ok(found)
}

/// What stands beside a pipeline's scripts and is no script: code to copy into a shop, the table of the mapping.
fn companions(pipeline: &str) -> Vec<(String, Vec<u8>)> {
    fn walk(dir: &Dir<'_>, found: &mut Vec<(String, Vec<u8>)>) {
        for file in dir.files().filter(|file| file.path().extension().is_none_or(|ending| ending != "rhai")) {
            found.push((format!("scripts/{}", file.path().display()), file.contents().to_vec()));
        }
        dir.dirs().for_each(|inner| walk(inner, found));
    }
    let mut found = Vec::new();
    if let Some(dir) = SCRIPTS.get_dir(pipeline) {
        walk(dir, &mut found);
    }
    found
}

/// The first cases of a pipeline, with the bodies that they name.
fn fixtures(pipeline: &str) -> Vec<(String, Vec<u8>)> {
    let mut cases: Vec<_> = FIXTURES
        .get_dir(pipeline)
        .into_iter()
        .flat_map(Dir::files)
        .filter(|file| file.path().extension().is_some_and(|ending| ending == "yaml"))
        .collect();
    // Samples first: they show best what the pipeline does.
    let is_sample =
        |file: &include_dir::File<'_>| file.contents_utf8().is_some_and(|text| text.contains("\nsample: true\n"));
    cases.sort_by_key(|file| (!is_sample(file), file.path()));
    let mut found = Vec::new();
    let mut bodies = BTreeSet::new();
    for case in cases.into_iter().take(CASES_MAX) {
        let text = case.contents_utf8().unwrap_or_default();
        bodies.extend(named_files(text).map(|name| resolve(&format!("{pipeline}/{name}"))));
        found.push((format!("tests/fixtures/{}", case.path().display()), case.contents().to_vec()));
    }
    bodies.extend(pipeline_inputs(pipeline));
    for path in bodies {
        if let Some(file) = FIXTURES.get_file(&path) {
            found.push((format!("tests/fixtures/{path}"), file.contents().to_vec()));
        }
    }
    found
}

/// Files below `tests/fixtures` that the pipeline itself reads by default.
fn pipeline_inputs(pipeline: &str) -> Vec<String> {
    let text = PIPELINES.get_file(format!("{pipeline}.yaml")).and_then(|file| file.contents_utf8()).unwrap_or_default();
    text.split("tests/fixtures/")
        .skip(1)
        .map(|rest| rest.chars().take_while(|c| c.is_alphanumeric() || "/_-.".contains(*c)).collect())
        .collect()
}

/// What `body_file` and `headers_file` name.
fn named_files(text: &str) -> impl Iterator<Item = &str> {
    text.lines().filter_map(|line| {
        let (_, rest) = line.split_once("body_file:").or_else(|| line.split_once("headers_file:"))?;
        rest.split([',', '}', '#']).next().map(|name| name.trim().trim_matches(['"', '\'']))
    })
}

/// A path without `..`.
fn resolve(path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            ".." => {
                parts.pop();
            }
            "." | "" => {}
            part => parts.push(part),
        }
    }
    parts.join("/")
}

fn add(dir: &Dir<'_>, prefix: &str, tree: &mut Tree) {
    for file in dir.files() {
        if let Some(text) = file.contents_utf8() {
            tree.insert(format!("{prefix}/{}", file.path().to_string_lossy().replace('\\', "/")), text);
        }
    }
    for inner in dir.dirs() {
        add(inner, prefix, tree);
    }
}
