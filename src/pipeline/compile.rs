//! From a plan to the parts that one thread runs.

use std::rc::Rc;

use rhai::Dynamic;

use super::Plan;
use super::part::StepPart;
use crate::config::PartSpec;
use crate::diag::Diag;
use crate::json::{self, Mask};
use crate::script::{Expression, Host, Unit};
use crate::step::{Build, STEPS};

/// What a plan compiles to.
pub(super) struct Compiled {
    pub(super) host: Rc<Host>,
    pub(super) steps: Vec<StepPart>,
    /// Conditions of the sinks, in their order.
    pub(super) sink_conditions: Vec<Option<Expression>>,
}

/// Compiles all parts. Warnings go into `problems`; all errors are returned at once.
pub(super) fn compile(plan: &Plan, problems: &mut Vec<Diag>) -> Result<Compiled, Vec<Diag>> {
    let host = Host::new(&plan.tree, plan.limits.clone());
    host.run().keep_back(&plan.secrets);
    let mut found = Vec::new();
    let sinks: Vec<String> = plan.spec.sinks.iter().map(|part| part.id.clone()).collect();
    let mut steps = Vec::new();
    for part in &plan.spec.steps {
        let Some(def) = STEPS.iter().find(|def| def.def.name == part.kind) else { continue };
        let settings = json::from_json_value(&part.settings);
        host.take_keyed();
        let mut build =
            Build { host: &host, tree: &plan.tree, settings: settings.clone(), sinks: &sinks, warnings: problems };
        let step = match (def.build)(&part.options, &mut build) {
            Ok(step) => Some(step),
            Err(errors) => {
                found.extend(errors);
                None
            }
        };
        let when = condition(&host, plan, part.when.as_ref(), problems, &mut found);
        if let Some(step) = step {
            if host.take_keyed() || step.remembers() {
                problems.extend(unnamed(plan, part));
            }
            steps.push(StepPart::new(part, step, when, settings));
        }
    }
    let conditions =
        plan.spec.sinks.iter().map(|part| condition(&host, plan, part.when.as_ref(), problems, &mut found)).collect();
    problems.extend(headers(&host, plan));
    if found.is_empty() { Ok(Compiled { host, steps, sink_conditions: conditions }) } else { Err(found) }
}

impl Compiled {
    /// What the parts and conditions look at in an event.
    pub(super) fn reads(&self, plan: &Plan) -> Mask {
        let mut mask = Mask::opened();
        self.steps.iter().for_each(|step| mask.merge(&step.reads()));
        self.sink_conditions.iter().flatten().for_each(|condition| mask.merge(&condition.reads()));
        plan.sinks.iter().for_each(|part| mask.merge(&part.sink.reads()));
        mask
    }
}

/// Warns of a step that keeps something under an id which is its own only until steps before it come or go.
fn unnamed(plan: &Plan, part: &PartSpec) -> Option<Diag> {
    let alike = plan.spec.steps.iter().filter(|other| other.kind == part.kind && !other.named).count();
    (!part.named && alike > 1).then(|| {
        let message = format!("what this step remembers stands under `{}`, which depends on the steps before it", part.id);
        Diag::warning("step-without-id", message)
            .at(&plan.spec.file, part.span.clone())
            .help("write an `id` of its own beside it, as `id: orders`: then it keeps what it remembers when steps are added or removed")
    })
}

/// Warns of headers that scripts ask for and that no source keeps: they are always absent.
fn headers(host: &Host, plan: &Plan) -> Vec<Diag> {
    let sources = || plan.sources.iter().map(|part| &part.source);
    let asked = host.take_headers().into_iter().filter(|asked| asked.name != crate::event::RECONCILED);
    let is_lost = |name: &str| !plan.sources.is_empty() && sources().all(|source| source.keeps(name) == Some(false));
    asked
        .filter(|asked| is_lost(&asked.name))
        .map(|asked| {
            let diag = Diag::warning(
                "header-not-kept",
                format!("no source of `{}` keeps the header `{}`", plan.name, asked.name),
            );
            diag.at(asked.file, asked.span).help("name it in `keep_headers` of the source, where it has that option")
        })
        .collect()
}

/// Nothing, for conditions that have no settings.
pub(super) fn nothing() -> Dynamic {
    Dynamic::from_map(rhai::Map::new())
}

fn condition(
    host: &Rc<Host>,
    plan: &Plan,
    node: Option<&crate::yaml::Node>,
    warnings: &mut Vec<Diag>,
    found: &mut Vec<Diag>,
) -> Option<Expression> {
    let node = node?;
    let file = plan.spec.file.as_str();
    let file_text = plan.tree.get(file).map_or("", |text| text);
    let unit = Unit { file, text: node.as_text().unwrap_or_default(), node: Some(node), file_text };
    match host.expression(&unit, warnings) {
        Ok(expression) => Some(expression),
        Err(errors) => {
            found.extend(errors);
            None
        }
    }
}
