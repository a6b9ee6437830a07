//! A tracking plan: from its file to compiled rules, and which rule an event has.

use std::collections::BTreeMap;

use rhai::{Dynamic, ImmutableString};
use serde_json::Value;

use super::rule::Rule;
use super::violation::Violation;
use crate::diag::{Diag, Span, did_you_mean};
use crate::registry::Options;
use crate::script::modules::FOLDER;
use crate::step::Build;
use crate::yaml::{self, Node};

/// Rules of Segment's own plans may be so many.
const RULES_MAX: usize = 2000;
/// The types of rules, as Segment writes them; `COMMON` is for every event.
const TYPES: [&str; 6] = ["TRACK", "IDENTIFY", "GROUP", "PAGE", "SCREEN", "COMMON"];

/// A compiled plan.
#[derive(Default)]
pub(super) struct Plan {
    /// By type in lower case, then by key; versions in order.
    rules: BTreeMap<String, BTreeMap<String, Vec<Rule>>>,
    /// Rules for every event.
    pub(super) common: Vec<Rule>,
    /// What no schema can say: for the built-in plan.
    pub(super) lint: Option<Lint>,
}

/// Adds violations of an event; the second argument says whether there is a rule for it.
pub(super) type Lint = fn(&Value, bool, &mut Vec<Violation>);

/// What a plan has for an event.
pub(super) struct Found<'a> {
    /// Its rule.
    pub(super) rule: Option<&'a Rule>,
    /// Whether there should be one.
    pub(super) unplanned: bool,
}

impl Plan {
    /// Adds a rule. `false`: there is one with this type, key and version.
    pub(super) fn add(&mut self, kind: &str, key: &str, rule: Rule) -> bool {
        let versions = if kind == "COMMON" {
            &mut self.common
        } else {
            self.rules.entry(kind.to_lowercase()).or_default().entry(key.to_owned()).or_default()
        };
        match versions.binary_search_by_key(&rule.version, |other| other.version) {
            Ok(_) => false,
            Err(place) => {
                versions.insert(place, rule);
                true
            }
        }
    }

    /// The rule of an event.
    pub(super) fn rule(&self, event: &Dynamic) -> Found<'_> {
        let nothing = Found { rule: None, unplanned: false };
        let Ok(map) = event.as_map_ref() else { return nothing };
        let text = |key: &str| -> Option<ImmutableString> {
            map.get(key)?.as_immutable_string_ref().ok().map(|text| text.clone())
        };
        let Some(kind) = text("type") else { return nothing };
        let Some(rules) = self.rules.get(kind.as_str()) else {
            return Found { rule: None, unplanned: kind == "track" && !self.rules.is_empty() };
        };
        let by_name = |key: &str| text(key).and_then(|name| rules.get(name.as_str()));
        let versions = match kind.as_str() {
            "track" => by_name("event"),
            "page" => by_name("name").or_else(|| rules.get("Page Viewed")).or_else(|| rules.get("")),
            "screen" => by_name("name").or_else(|| rules.get("Screen Viewed")).or_else(|| rules.get("")),
            _ => rules.values().next(),
        };
        let wanted = versions.filter(|versions| versions.len() > 1).and_then(|_| version(&map));
        let rule = versions.and_then(|versions| {
            let exact = wanted.and_then(|wanted| versions.iter().find(|rule| rule.version == wanted));
            exact.or_else(|| versions.first())
        });
        Found { unplanned: rule.is_none(), rule }
    }
}

/// `context.protocols.event_version`; what is no whole number counts as missing.
fn version(event: &rhai::Map) -> Option<i64> {
    let context = event.get("context")?.as_map_ref().ok()?;
    let protocols = context.get("protocols")?.as_map_ref().ok()?;
    protocols.get("event_version")?.as_int().ok()
}

/// Reads the plan that stands in a file below `scripts/`.
pub(super) fn read(name: &str, options: &Options, build: &mut Build<'_>) -> Result<Plan, Vec<Diag>> {
    let file = format!("{FOLDER}/{name}");
    let Some(text) = build.tree.get(&file) else { return Err(vec![missing(name, options, build)]) };
    if ![".json", ".yaml", ".yml"].iter().any(|ending| name.ends_with(ending)) {
        return Err(vec![options.error("plan", "plan", format!("`{name}` is no plan: they end in .json or .yaml"))]);
    }
    build.host.use_file(&file);
    let (root, problems) = yaml::parse(&file, text);
    if problems.iter().any(Diag::is_error) {
        return Err(problems);
    }
    let root = root.unwrap_or(Node { value: yaml::Value::Null, span: 0..0 });
    let rules = root.get("rules").or_else(|| root.get("data")?.get("rules")).unwrap_or(&root);
    let Some(nodes) = rules.as_list() else {
        let diag = Diag::error("plan", format!("a plan has a list of `rules`, not {}", rules.kind()));
        return Err(vec![diag.at(&file, rules.span.clone()).help(RULE)]);
    };
    let mut reader = Reader { file: &file, problems: Vec::new() };
    let mut plan = Plan::default();
    for node in nodes.iter().take(RULES_MAX) {
        reader.rule(node, &mut plan);
    }
    if nodes.len() > RULES_MAX {
        reader.problem(&rules.span, format!("a plan has at most {RULES_MAX} rules"));
    }
    let (errors, warnings): (Vec<_>, Vec<_>) = reader.problems.into_iter().partition(Diag::is_error);
    build.warnings.extend(warnings);
    if errors.is_empty() { Ok(plan) } else { Err(errors) }
}

const RULE: &str = "write a rule as { type: TRACK, key: Order Completed, version: 1, jsonSchema: { … } }";

fn missing(name: &str, options: &Options, build: &Build<'_>) -> Diag {
    let prefix = format!("{FOLDER}/");
    let files = || build.tree.below(FOLDER).filter_map(|(path, _)| path.strip_prefix(&prefix));
    let plans = files().filter(|path| [".json", ".yaml", ".yml"].iter().any(|ending| path.ends_with(ending)));
    let diag = options.error("plan", "plan", format!("no plan `{name}` below {FOLDER}/"));
    match did_you_mean(name, plans.chain(["ecommerce"])) {
        Some(near) => diag.help(format!("did you mean `{near}`?")),
        None => diag.help("plans are .json and .yaml files below scripts/; `ecommerce` is built in"),
    }
}

struct Reader<'a> {
    file: &'a str,
    problems: Vec<Diag>,
}

impl Reader<'_> {
    fn rule(&mut self, node: &Node, plan: &mut Plan) {
        if node.as_map().is_none() {
            self.problem(&node.span, format!("a rule is a map, not {}", node.kind())).help = Some(RULE.to_owned());
            return;
        }
        let Some(kind) = self.kind(node) else { return };
        let key = match node.get("key").map(|key| (key, key.as_text())) {
            None => "",
            Some((_, Some(text))) => text,
            Some((key, None)) if key.value == yaml::Value::Null => "",
            Some((key, None)) => {
                self.problem(&key.span, format!("`key` is the event's name, not {}", key.kind()));
                return;
            }
        };
        if key.is_empty() && kind == "TRACK" {
            self.problem(&node.span, "a rule of type TRACK needs `key`, the event's name".to_owned());
            return;
        }
        let version = match node.get("version").map(|version| (version, version.to_json().as_i64())) {
            None => 1,
            Some((_, Some(version))) => version,
            Some((version, None)) => {
                self.problem(&version.span, format!("`version` is a whole number, not {}", version.kind()));
                return;
            }
        };
        let Some(schema) = node.get("jsonSchema") else {
            let near = node
                .as_map()
                .and_then(|entries| did_you_mean("jsonSchema", entries.iter().map(|entry| entry.key.as_str())));
            let help = near.map_or_else(|| RULE.to_owned(), |near| format!("is `{near}` meant for it?"));
            self.problem(&node.span, "a rule needs `jsonSchema`".to_owned()).help = Some(help);
            return;
        };
        match Rule::new(version, &schema.to_json()) {
            Ok(rule) => {
                if !plan.add(kind, key, rule) {
                    let what = if key.is_empty() { kind.to_owned() } else { format!("`{key}`") };
                    self.problem(&node.span, format!("there is a rule for {what} with version {version} already"));
                }
            }
            Err(error) => {
                let place = inside(schema, &error.path);
                self.problem(&place.span, format!("this is not a JSON Schema: {}", error.message));
            }
        }
    }

    fn kind(&mut self, node: &Node) -> Option<&'static str> {
        let Some(given) = node.get("type") else {
            self.problem(&node.span, "a rule needs `type`".to_owned()).help =
                Some(format!("one of {}", TYPES.join(", ")));
            return None;
        };
        let text = given.as_text().unwrap_or_default();
        let known = TYPES.iter().find(|kind| kind.eq_ignore_ascii_case(text)).copied();
        if known.is_none() {
            let help = did_you_mean(&text.to_uppercase(), TYPES)
                .map_or_else(|| format!("one of {}", TYPES.join(", ")), |near| format!("did you mean `{near}`?"));
            self.problem(&given.span, format!("`{text}` is not the type of a rule")).help = Some(help);
        }
        known
    }

    fn problem(&mut self, span: &Span, message: String) -> &mut Diag {
        self.problems.push(Diag::error("plan", message).at(self.file, span.clone()));
        let last = self.problems.len() - 1;
        &mut self.problems[last]
    }
}

/// The node of a schema that a path leads to, as far as it goes.
fn inside<'a>(node: &'a Node, path: &[String]) -> &'a Node {
    let mut node = node;
    for step in path {
        let list = node.as_list();
        let next = node.get(step).or_else(|| list?.get(step.parse::<usize>().ok()?));
        match next {
            Some(next) => node = next,
            None => break,
        }
    }
    node
}
