//! One revision of a pipeline, checked and built, ready to be compiled by any thread.

use std::collections::BTreeMap;
use std::sync::Arc;

use sha2::{Digest, Sha256};

use super::compile::compile;
use crate::config::{self, PartSpec, Spec};
use crate::diag::{Diag, once};
use crate::json::Mask;
use crate::registry::{Environment, Room};
use crate::script::{Limits, Secrets};
use crate::sink::{SINKS, Sink};
use crate::source::{Input, Place, SOURCES, Source};
use crate::tree::Tree;

/// An immutable revision of a pipeline.
pub struct Plan {
    /// The pipeline's name.
    pub name: Arc<str>,
    /// Content hash of the texts it is made of.
    pub revision: Arc<str>,
    /// Equal for two plans that do the same: texts and what the environment filled in. Never shown, it covers secrets.
    pub fingerprint: [u8; 32],
    /// The secret files that were read, with a digest of what they held. Never shown.
    pub secret_files: BTreeMap<String, [u8; 32]>,
    /// What the file says.
    pub spec: Spec,
    /// The sources, in order.
    pub sources: Vec<SourcePart>,
    /// The sinks, in order.
    pub sinks: Vec<SinkPart>,
    /// The files that it is made of: its YAML, scripts and tables.
    pub files: Vec<String>,
    /// Bounds for its scripts.
    pub limits: Limits,
    /// Whether what becomes of a delivery depends on those before it: then they are run one after another.
    pub remembers: bool,
    /// What its parts look at in an event.
    pub mask: Mask,
    /// What the environment filled into `settings`: no log line and no reason of a dead letter shows it.
    pub(super) secrets: Arc<Secrets>,
    pub(super) tree: Arc<Tree>,
}

/// A built source.
pub struct SourcePart {
    /// Its id in the pipeline.
    pub id: Arc<str>,
    /// Its kind.
    pub kind: &'static str,
    /// The adapter.
    pub source: Arc<dyn Source>,
}

/// A built sink.
#[derive(Clone)]
pub struct SinkPart {
    /// Its id in the pipeline.
    pub id: Arc<str>,
    /// Its kind.
    pub kind: &'static str,
    /// The sink.
    pub sink: Arc<dyn Sink>,
    /// Equal for two sinks that do the same. Never shown.
    pub fingerprint: [u8; 32],
}

/// What loading gives: the plan if there was no error, and everything there is to say.
pub struct Loaded {
    /// `None` if a problem is an error.
    pub plan: Option<Arc<Plan>>,
    /// Errors and warnings.
    pub problems: Vec<Diag>,
}

impl Plan {
    /// Reads, builds and compiles one pipeline file. Compiles on this thread only to find the problems.
    pub fn load(tree: &Arc<Tree>, file: &str, name: &str, env: &dyn Environment, limits: &Limits) -> Loaded {
        let env = Recording { env, seen: std::cell::RefCell::default() };
        let (spec, mut problems) = config::read(tree, file, name, &env);
        let Some(spec) = spec else { return Loaded { plan: None, problems } };
        let secrets = secrets(&spec, &env.seen.borrow());
        let sources = build_sources(&spec, &mut problems);
        let sinks = build_sinks(&spec, &mut problems);
        check_paths(&spec, &sources, &mut problems);
        let mut plan = Self {
            name: spec.name.as_str().into(),
            revision: "".into(),
            fingerprint: [0; 32],
            secret_files: BTreeMap::new(),
            spec,
            sources,
            sinks,
            files: Vec::new(),
            limits: limits.clone(),
            remembers: false,
            mask: Mask::Whole,
            secrets: Arc::new(secrets),
            tree: Arc::clone(tree),
        };
        match compile(&plan, &mut problems) {
            Ok(compiled) => {
                plan.files = compiled.host.files();
                plan.mask = compiled.reads(&plan);
                plan.remembers = compiled.host.remembers() || compiled.steps.iter().any(|part| part.step.remembers());
            }
            Err(found) => problems.extend(found),
        }
        once(&mut problems);
        if problems.iter().any(Diag::is_error) {
            return Loaded { plan: None, problems };
        }
        plan.files.push(file.to_owned());
        plan.files.sort();
        plan.files.dedup();
        plan.revision = tree.hash(plan.files.iter().map(String::as_str)).into();
        let seen = env.seen.into_inner();
        plan.fingerprint = fingerprint(&plan.revision, &seen);
        let file =
            |(name, content): (&String, &String)| Some((name.strip_prefix("file:")?.to_owned(), digest(content)));
        plan.secret_files = seen.iter().filter_map(file).collect();
        Loaded { plan: Some(Arc::new(plan)), problems }
    }

    /// The position of a source.
    pub fn source(&self, id: &str) -> Option<&SourcePart> {
        self.sources.iter().find(|source| &*source.id == id)
    }
}

fn build_sources(spec: &Spec, problems: &mut Vec<Diag>) -> Vec<SourcePart> {
    let mut built = Vec::new();
    for part in &spec.sources {
        let Some(def) = SOURCES.iter().find(|def| def.def.name == part.kind) else { continue };
        match (def.build)(&part.options, &Place { pipeline: &spec.name, kind: part.kind }) {
            Ok(source) => {
                built.push(SourcePart { id: part.id.as_str().into(), kind: part.kind, source: source.into() });
            }
            Err(found) => problems.extend(found),
        }
    }
    built
}

fn build_sinks(spec: &Spec, problems: &mut Vec<Diag>) -> Vec<SinkPart> {
    let mut built = Vec::new();
    for part in &spec.sinks {
        let Some(def) = SINKS.iter().find(|def| def.def.name == part.kind) else { continue };
        match (def.build)(&part.options) {
            Ok(sink) => built.push(SinkPart {
                id: part.id.as_str().into(),
                kind: part.kind,
                sink: sink.into(),
                fingerprint: part_fingerprint(part),
            }),
            Err(found) => problems.extend(found),
        }
    }
    built
}

/// Two sources of one pipeline may not share a path.
fn check_paths(spec: &Spec, sources: &[SourcePart], problems: &mut Vec<Diag>) {
    let mut taken: BTreeMap<String, &str> = BTreeMap::new();
    for source in sources {
        let Input::Http { path, .. } = source.source.input() else { continue };
        if let Some(first) = taken.insert(path.clone(), &source.id) {
            let span = spec.sources.iter().find(|part| *part.id == *source.id).map_or(0..0, |part| part.span.clone());
            problems.push(
                Diag::error("path-taken", format!("`{first}` and `{}` both listen at {path}", source.id))
                    .at(&spec.file, span)
                    .help("give one of them another `path`"),
            );
        }
    }
}

/// The values of variables and secret files that stand in the settings of a part.
fn secrets(spec: &Spec, seen: &BTreeMap<String, String>) -> Secrets {
    let mut settings = Vec::new();
    spec.steps.iter().for_each(|part| texts(&part.settings, &mut settings));
    let values = seen.values().map(|value| value.trim_end_matches(['\n', '\r']));
    Secrets::new(values.filter(|value| !value.is_empty() && settings.iter().any(|text| text.contains(value))))
}

fn texts<'a>(value: &'a serde_json::Value, found: &mut Vec<&'a str>) {
    match value {
        serde_json::Value::String(text) => found.push(text),
        serde_json::Value::Array(items) => items.iter().for_each(|item| texts(item, found)),
        serde_json::Value::Object(map) => map.values().for_each(|value| texts(value, found)),
        _ => {}
    }
}

/// Of the content of a secret file, to tell whether it has changed.
pub fn digest(content: &str) -> [u8; 32] {
    Sha256::digest(content).into()
}

fn fingerprint(revision: &str, seen: &BTreeMap<String, String>) -> [u8; 32] {
    let mut hasher = Sha256::new();
    hasher.update(revision);
    for (name, value) in seen {
        for text in [name, value] {
            hasher.update(text.len().to_le_bytes());
            hasher.update(text);
        }
    }
    hasher.finalize().into()
}

/// Options hold resolved secrets, whose `Debug` hides them: they are hashed by revealing.
fn part_fingerprint(part: &PartSpec) -> [u8; 32] {
    let mut hasher = Sha256::new();
    hasher.update(Room::Sink.name());
    hasher.update(part.kind);
    hasher.update(part.options.fingerprint());
    hasher.finalize().into()
}

/// Notes what the environment was asked and said.
struct Recording<'a> {
    env: &'a dyn Environment,
    seen: std::cell::RefCell<BTreeMap<String, String>>,
}

impl Environment for Recording<'_> {
    fn var(&self, name: &str) -> Option<String> {
        let value = self.env.var(name);
        self.seen.borrow_mut().insert(format!("var:{name}"), value.clone().unwrap_or_default());
        value
    }

    fn var_or_default(&self, name: &str) -> Option<String> {
        let value = self.env.var_or_default(name);
        self.seen.borrow_mut().insert(format!("default:{name}"), value.clone().unwrap_or_default());
        value
    }

    fn file(&self, path: &str) -> Result<String, String> {
        let content = self.env.file(path);
        self.seen.borrow_mut().insert(format!("file:{path}"), content.clone().unwrap_or_default());
        content
    }
}
