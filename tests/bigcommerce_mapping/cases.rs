//! The fixtures of the shipped pipeline in process, with settings changed: what goes in, what is asked, what comes out.

use std::path::Path;
use std::sync::{Arc, LazyLock};

use cartwire::check::{self, Case};
use cartwire::engine::read_tree;
use cartwire::pipeline::{Pipeline, Plan};
use cartwire::registry::Environment;
use cartwire::script::{Limits, STACK_BYTES};
use cartwire::tree::Tree;
use serde_json::Value;

const FILE: &str = "pipelines/bigcommerce.yaml";

/// What came of a case.
pub(crate) struct Mapped {
    pub(crate) messages: Vec<Value>,
    pub(crate) failures: Vec<String>,
    pub(crate) logs: Vec<String>,
}

impl Mapped {
    /// The only message of that type, as `identify`, or the only track of that name.
    pub(crate) fn only(&self, name: &str) -> &Value {
        let mut found = self.messages.iter().filter(|message| message["type"] == name || message["event"] == name);
        let first = found.next().unwrap_or_else(|| panic!("no {name} in {:#?}", self.messages));
        assert!(found.next().is_none(), "more than one {name}");
        first
    }
}

/// The variables of all cases alike.
struct Invented;

impl Environment for Invented {
    fn var(&self, name: &str) -> Option<String> {
        Some(if name == "BIGCOMMERCE_STORE_HASH" { "abc123xyz".to_owned() } else { format!("test-{name}") })
    }

    fn var_or_default(&self, _: &str) -> Option<String> {
        None
    }

    fn file(&self, path: &str) -> Result<String, String> {
        Err(format!("no {path}"))
    }
}

/// All fixtures, read once.
static CASES: LazyLock<Vec<Case>> = LazyLock::new(|| {
    let (cases, problems) = check::load(Path::new(env!("CARGO_MANIFEST_DIR")), &mut Tree::new());
    assert!(problems.is_empty(), "{problems:?}");
    cases
});

/// All fixtures of a pipeline.
pub(crate) fn load(pipeline: &str) -> Vec<Case> {
    CASES.iter().filter(|case| case.pipeline == pipeline).cloned().collect()
}

/// One of the fixtures.
pub(crate) fn case(name: &str) -> Case {
    load("bigcommerce").into_iter().find(|case| case.name == name).unwrap_or_else(|| panic!("no fixture {name}"))
}

/// Runs cases through the shipped pipeline with some of its settings changed, as `("prices", "inc_tax")`.
pub(crate) fn map(settings: &[(&str, &str)], cases: Vec<Case>) -> Vec<Mapped> {
    let settings: Vec<_> = settings.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
    // Scripts run on stacks of the size that workers have.
    let thread = std::thread::Builder::new().stack_size(STACK_BYTES);
    thread.spawn(move || map_here(&settings, cases)).unwrap().join().unwrap()
}

/// One fixture.
pub(crate) fn map_one(settings: &[(&str, &str)], name: &str) -> Mapped {
    map(settings, vec![case(name)]).remove(0)
}

fn map_here(settings: &[(String, String)], cases: Vec<Case>) -> Vec<Mapped> {
    let mut tree = read_tree(Path::new(env!("CARGO_MANIFEST_DIR"))).unwrap();
    let text = tree.get(FILE).unwrap().to_string();
    tree.insert(FILE, changed(&text, settings));
    let loaded = Plan::load(&Arc::new(tree), FILE, "bigcommerce", &Invented, &Limits::of_fixtures());
    let problems: Vec<_> = loaded.problems.iter().map(ToString::to_string).collect();
    assert!(problems.is_empty(), "{problems:?}");
    let pipeline = Pipeline::new(&loaded.plan.unwrap()).unwrap();
    cases.into_iter().map(|case| one(&pipeline, case)).collect()
}

/// The pipeline's text with other values for settings that it has.
fn changed(text: &str, settings: &[(String, String)]) -> String {
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    for (key, value) in settings {
        let start = format!("      {key}:");
        let line = lines.iter_mut().find(|line| line.starts_with(&start)).unwrap_or_else(|| panic!("no setting {key}"));
        *line = format!("{start} {value}");
    }
    lines.join("\n") + "\n"
}

fn one(pipeline: &Pipeline, mut case: Case) -> Mapped {
    // Any expectation: what came out is looked at by the tests.
    (case.expect, case.dropped) = (None, None);
    let result = check::run_case(pipeline, &case);
    let messages =
        result.messages.iter().flat_map(|(_, messages)| messages).map(|text| serde_json::from_slice(text).unwrap());
    let failures = result.failures.iter().filter_map(|failure| match failure {
        check::Failure::Unstated(_) => None,
        failure => Some(format!("{failure:?}")),
    });
    Mapped { messages: messages.collect(), failures: failures.collect(), logs: result.logs.clone() }
}
