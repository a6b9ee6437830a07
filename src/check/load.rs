//! Fixture files → cases. Bodies stand in the file or beside it.

use std::fs;
use std::path::Path;

use super::{Canned, Case, Expect, Given, keys};
use crate::diag::{Diag, did_you_mean};
use crate::lookup::Answer;
use crate::registry::{names, parse_duration_ms};
use crate::tree::Tree;
use crate::yaml::{self, Entry, Node, Value};

/// The folder that fixtures stand in, one folder per pipeline.
const FIXTURES: &str = "tests/fixtures";
/// The clock of cases that do not set it: 2026-01-15T10:20:30Z.
const NOW_MS: i64 = 1_768_472_430_000;

const CASE_KEYS: [&str; 11] = names(&keys::CASE);
const GIVEN_KEYS: [&str; 12] = names(&keys::GIVEN);
const HTTP_KEYS: [&str; 12] = names(&keys::HTTP);

/// Reads all fixtures of a project. Their texts are added to `tree`, so that problems can be drawn.
pub fn load(dir: &Path, tree: &mut Tree) -> (Vec<Case>, Vec<Diag>) {
    let mut cases = Vec::new();
    let mut problems = Vec::new();
    let Ok(folders) = fs::read_dir(dir.join(FIXTURES)) else { return (cases, problems) };
    let mut files = Vec::new();
    for folder in folders.flatten().filter(|entry| entry.path().is_dir()) {
        let pipeline = folder.file_name().to_string_lossy().into_owned();
        let Ok(entries) = fs::read_dir(folder.path()) else { continue };
        // Reading a pipe would wait for someone to write into it.
        for entry in entries.flatten().filter(|entry| entry.path().is_file()) {
            let file_name = entry.file_name().to_string_lossy().into_owned();
            let stem = file_name.strip_suffix(".yaml").or_else(|| file_name.strip_suffix(".yml"));
            if let Some(stem) = stem.filter(|stem| !stem.starts_with('.')) {
                files.push((pipeline.clone(), stem.to_owned(), format!("{FIXTURES}/{pipeline}/{file_name}")));
            }
        }
    }
    files.sort();
    for (pipeline, name, file) in files {
        match fs::read_to_string(dir.join(&file)) {
            Ok(text) => {
                let mut loader = Loader { dir, file: &file, problems: &mut problems };
                cases.extend(loader.case(&pipeline, &name, &text));
                tree.insert(file, text);
            }
            Err(error) => problems.push(Diag::error("unreadable", format!("{error}")).in_file(file)),
        }
    }
    (cases, problems)
}

struct Loader<'a> {
    dir: &'a Path,
    file: &'a str,
    problems: &'a mut Vec<Diag>,
}

impl Loader<'_> {
    fn case(&mut self, pipeline: &str, name: &str, text: &str) -> Option<Case> {
        let before = self.problems.len();
        let (node, found) = yaml::parse(self.file, text);
        self.problems.extend(found);
        let node = node?;
        let Some(entries) = node.as_map() else {
            self.error("a fixture is a map with `given` and `expect`", &node);
            return None;
        };
        self.known(entries, &CASE_KEYS);
        let given = if let Some(given) = node.get("given") {
            let items = given.as_list().unwrap_or(std::slice::from_ref(given));
            if items.is_empty() {
                self.error("`given` has no delivery: such a case could never fail", given);
            }
            items.iter().filter_map(|node| self.given(node)).collect()
        } else {
            self.error("a fixture needs `given`: the delivery that comes in", &node);
            Vec::new()
        };
        let now_ms = node.get("now").map_or(Some(NOW_MS), |now| self.time(now)).unwrap_or(NOW_MS);
        let http = node.get("http").map(|node| self.http(node)).unwrap_or_default();
        let expect_entry = entries.iter().find(|entry| entry.key == "expect");
        let expect =
            expect_entry.filter(|entry| entry.value.value != Value::Null).and_then(|entry| self.expect(&entry.value));
        let dropped = node.get("dropped").map(|node| self.texts(node));
        let erased = node.get("erased").map(|node| self.texts(node));
        let dead = node.get("dead").map(|node| self.texts(node)).unwrap_or_default();
        let exact = self.flag(&node, "exact", false);
        let sample = self.flag(&node, "sample", false);
        let env = self.map(&node, "env").iter().map(|entry| (entry.key.clone(), plain(&entry.value))).collect();
        let broken = self.problems.len() > before;
        (!broken).then(|| Case {
            pipeline: pipeline.to_owned(),
            name: name.to_owned(),
            file: self.file.to_owned(),
            given,
            http,
            now_ms,
            expect,
            dropped,
            dead,
            erased,
            exact,
            sample,
            env,
            expect_span: expect_entry
                .map(|entry| entry.key_span.start..entry.value.span.end.max(entry.key_span.end + 1)),
        })
    }

    fn given(&mut self, node: &Node) -> Option<Given> {
        let Some(entries) = node.as_map() else {
            self.error("a delivery is a map, as `{ source: shopify, body_file: order.json }`", node);
            return None;
        };
        self.known(entries, &GIVEN_KEYS);
        let text = |key: &str| node.get(key).map(plain);
        let mut given = Given::new(text("source"), self.body(node)?);
        if let Some(after) = node.get("after") {
            match parse_duration_ms(&plain(after)) {
                Some(after_ms) => given.after_ms = after_ms,
                None => self.error("`after` takes a duration, as 30s or 2h", after),
            }
        }
        given.method = text("method").unwrap_or_else(|| "POST".to_owned()).to_uppercase();
        given.path = text("path").unwrap_or_default();
        given.query = text("query").unwrap_or_default();
        if let Some(file) = node.get("headers_file") {
            given.headers = self.headers_file(file)?;
        }
        for entry in self.map(node, "headers") {
            given.set_header(&entry.key, &plain(&entry.value));
        }
        given.sign = self.flag(node, "sign", true);
        given.status = node.get("status").and_then(|status| self.status(status));
        Some(given)
    }

    fn http(&mut self, node: &Node) -> Vec<Canned> {
        let items = node.as_list().unwrap_or(std::slice::from_ref(node));
        items.iter().filter_map(|item| self.canned(item)).collect()
    }

    fn canned(&mut self, node: &Node) -> Option<Canned> {
        let Some(entries) = node.as_map() else {
            self.error("an answer is a map, as `{ get: \"https://…\", json: { … } }`", node);
            return None;
        };
        self.known(entries, &HTTP_KEYS);
        let asked: Vec<_> = entries.iter().filter(|entry| keys::METHODS.contains(&entry.key.as_str())).collect();
        let [asked] = asked.as_slice() else {
            self.error(
                format!("an answer says which request it is for, with one of {}", keys::METHODS.join(", ")),
                node,
            );
            return None;
        };
        let status = node.get("status").map_or(Some(200), |status| self.status(status))?;
        let error = node.get("error").map(plain);
        Some(Canned {
            method: asked.key.to_ascii_uppercase(),
            url: plain(&asked.value),
            sends: node.get("sends").map(Node::to_json),
            answer: Answer {
                status: if error.is_some() { 0 } else { status },
                headers: self
                    .map(node, "headers")
                    .iter()
                    .map(|entry| (entry.key.to_ascii_lowercase(), plain(&entry.value)))
                    .collect(),
                body: self.body(node)?,
                error,
            },
        })
    }

    fn status(&mut self, node: &Node) -> Option<u16> {
        let parsed = plain(node).parse().ok().filter(|status| (100..600).contains(status));
        if parsed.is_none() {
            self.error("`status` takes an HTTP status, as 404", node);
        }
        parsed
    }

    fn flag(&mut self, node: &Node, key: &str, default: bool) -> bool {
        match node.get(key).map(|node| (node, &node.value)) {
            None => default,
            Some((_, Value::Bool(value))) => *value,
            Some((node, _)) => {
                self.error(format!("`{key}` takes true or false, not {}", node.kind()), node);
                default
            }
        }
    }

    fn map<'n>(&mut self, node: &'n Node, key: &str) -> &'n [Entry] {
        let Some(node) = node.get(key) else { return &[] };
        node.as_map().unwrap_or_else(|| {
            self.error(format!("`{key}` takes a map, not {}", node.kind()), node);
            &[]
        })
    }

    fn body(&mut self, node: &Node) -> Option<Vec<u8>> {
        if let Some(file) = node.get("body_file") {
            return self.read(file);
        }
        if let Some(json) = node.get("json") {
            return Some(super::emit::json(json).into_bytes());
        }
        Some(node.get("body").map(plain).unwrap_or_default().into_bytes())
    }

    /// Headers as a JSON object in a file beside the fixture.
    fn headers_file(&mut self, node: &Node) -> Option<Vec<(String, String)>> {
        let bytes = self.read(node)?;
        match serde_json::from_slice::<std::collections::BTreeMap<String, String>>(&bytes) {
            Ok(headers) => Some(headers.into_iter().collect()),
            Err(error) => {
                self.error(format!("the headers are not a JSON object of texts: {error}"), node);
                None
            }
        }
    }

    /// A file given relative to the fixture's folder.
    fn read(&mut self, node: &Node) -> Option<Vec<u8>> {
        let folder = Path::new(self.file).parent().unwrap_or_else(|| Path::new(""));
        let path = self.dir.join(folder).join(plain(node));
        match fs::read(&path) {
            Ok(bytes) => Some(bytes),
            Err(error) => {
                self.error(format!("{}: {error}", plain(node)), node);
                None
            }
        }
    }

    fn expect(&mut self, node: &Node) -> Option<Expect> {
        match &node.value {
            Value::List(items) => Some(Expect::Messages(items.iter().map(Node::to_json).collect())),
            Value::Map(entries)
                if entries.iter().all(|entry| entry.value.as_list().is_some()) && !entries.is_empty() =>
            {
                Some(Expect::BySink(
                    entries
                        .iter()
                        .map(|entry| {
                            (
                                entry.key.clone(),
                                entry.value.as_list().unwrap_or_default().iter().map(Node::to_json).collect(),
                            )
                        })
                        .collect(),
                ))
            }
            _ => {
                self.error("`expect` takes a list of messages, or a map from sinks to such lists", node);
                None
            }
        }
    }

    fn time(&mut self, node: &Node) -> Option<i64> {
        if let Ok(time) = plain(node).parse::<jiff::Timestamp>() {
            Some(time.as_millisecond())
        } else {
            self.error("`now` takes a time, as 2026-01-15T10:20:30Z", node);
            None
        }
    }

    /// Reasons. An empty one would be part of every reason.
    fn texts(&mut self, node: &Node) -> Vec<String> {
        let texts: Vec<_> = node.as_list().unwrap_or(std::slice::from_ref(node)).iter().map(plain).collect();
        if texts.iter().any(String::is_empty) {
            self.error("this takes reasons, as `[ filter ]`, or `[]` for none", node);
        }
        texts
    }

    fn known(&mut self, entries: &[Entry], keys: &[&'static str]) {
        for entry in entries {
            if keys.contains(&entry.key.as_str()) {
                continue;
            }
            let help = did_you_mean(&entry.key, keys.iter().copied())
                .map_or_else(|| format!("the keys are {}", keys.join(", ")), |key| format!("did you mean `{key}`?"));
            self.problems.push(
                Diag::error("unknown-key", format!("there is no `{}` here", entry.key))
                    .at(self.file, entry.key_span.clone())
                    .help(help),
            );
        }
    }

    fn error(&mut self, message: impl Into<String>, node: &Node) {
        self.problems.push(Diag::error("fixture", message).at(self.file, node.span.clone()));
    }
}

/// A scalar as text.
fn plain(node: &Node) -> String {
    match &node.value {
        Value::Text(text) => text.text.clone(),
        Value::Number(text) => text.clone(),
        Value::Bool(value) => value.to_string(),
        Value::Null => String::new(),
        Value::List(_) | Value::Map(_) => super::emit::json(node),
    }
}
