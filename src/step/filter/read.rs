//! From the YAML of a filter to its condition, noting every problem on the way.

use std::sync::Arc;

use rhai::Dynamic;

use super::condition::Condition;
use super::field::{Check, FieldTest};
use super::fql::Fql;
use crate::diag::{Diag, Span, did_you_mean};
use crate::json;
use crate::jsonpath::JsonPath;
use crate::registry::Options;
use crate::script::Unit;
use crate::step::{Build, paths};
use crate::yaml::{Entry, Node, Value};

/// A reason is a label of a metric: it must stay short.
const REASON_CHARS_MAX: usize = 100;
/// A compiled pattern may take so much memory.
const PATTERN_BYTES_MAX: usize = 1 << 20;
const DEPTH_MAX: usize = 32;

/// What may stand beside `field`.
pub const CHECKS: [&str; 13] =
    ["is", "eq", "not", "in", "exists", "gt", "gte", "lt", "lte", "contains", "starts_with", "ends_with", "matches"];
/// What a condition begins with.
pub const FORMS: [&str; 7] = ["field", "path", "expression", "fql", "any", "all", "not"];

/// The condition and the reason for which the others are dropped.
pub(super) fn read(options: &Options, build: &mut Build<'_>) -> Result<(Condition, String), Vec<Diag>> {
    let Some(node) = options.node("value") else {
        return Err(vec![options.error("value", "wrong-type", "`filter` takes a condition")]);
    };
    let text = build.tree.get(options.file()).cloned().unwrap_or_default();
    let mut reader = Reader { options, build, text, problems: Vec::new() };
    let given = node.as_map().and_then(|entries| entries.iter().find(|entry| entry.key == "reason"));
    let reason = match given {
        Some(entry) => entry.value.as_text().map(str::to_owned).or_else(|| {
            reader.problem(
                &entry.value.span,
                "wrong-type",
                format!("`reason` takes a text, not {}", entry.value.kind()),
            );
            None
        }),
        None => Some(reader.own_reason(node)),
    };
    let condition = reader.condition(node, 0);
    match (condition, reason) {
        (Some(condition), Some(reason)) if reader.problems.is_empty() => Ok((condition, reason)),
        _ => Err(reader.problems),
    }
}

/// A condition that stands in another step's options.
pub(super) fn condition(node: &Node, options: &Options, build: &mut Build<'_>) -> Result<Condition, Vec<Diag>> {
    let text = build.tree.get(options.file()).cloned().unwrap_or_default();
    let mut reader = Reader { options, build, text, problems: Vec::new() };
    // Nested at least once: `reason` belongs to a filter alone.
    match reader.condition(node, 1) {
        Some(condition) if reader.problems.is_empty() => Ok(condition),
        _ => Err(reader.problems),
    }
}

struct Reader<'a, 'b> {
    options: &'a Options,
    build: &'a mut Build<'b>,
    /// The file that the options stand in.
    text: Arc<str>,
    problems: Vec<Diag>,
}

impl Reader<'_, '_> {
    fn condition(&mut self, node: &Node, depth: usize) -> Option<Condition> {
        if depth > DEPTH_MAX {
            self.problem(&node.span, "too-deep", "conditions are nested too deeply");
            return None;
        }
        if let Some(text) = node.as_text() {
            return self.expression(node, text);
        }
        if let Value::Bool(value) = node.value {
            // `true` and `false` are expressions too, which YAML has read already.
            return Some(if value { Condition::All(Vec::new()) } else { Condition::Any(Vec::new()) });
        }
        let Some(entries) = node.as_map() else {
            self.problem(
                &node.span,
                "wrong-type",
                format!("a condition is an expression or a map, not {}", node.kind()),
            )
            .help = Some(format!("begin it with one of {}", FORMS.join(", ")));
            return None;
        };
        let entries: Vec<&Entry> = entries.iter().filter(|entry| depth > 0 || entry.key != "reason").collect();
        if let Some(field) = entries.iter().find(|entry| entry.key == "field") {
            return self.field(field, &entries, depth);
        }
        let [entry] = entries.as_slice() else {
            let known = |key: &str| FORMS.contains(&key) || CHECKS.contains(&key) || key == "reason";
            if let Some(entry) = entries.iter().find(|entry| !known(&entry.key)) {
                self.problem(&entry.key_span, "unknown-key", format!("a condition has no `{}`", entry.key)).help =
                    Some(suggestion(&entry.key, &FORMS));
                return None;
            }
            let found: Vec<_> = entries.iter().map(|entry| entry.key.as_str()).collect();
            self.problem(&node.span, "bad-condition", format!("a condition has one of {}", FORMS.join(", "))).help =
                Some(if found.is_empty() {
                    "it is empty".into()
                } else {
                    format!("combine {} with `all` or `any`", found.join(" and "))
                });
            return None;
        };
        match entry.key.as_str() {
            "any" => self.several("any", &entry.value, depth).map(Condition::Any),
            "all" => self.several("all", &entry.value, depth).map(Condition::All),
            "not" => self.condition(&entry.value, depth + 1).map(|condition| Condition::Not(Box::new(condition))),
            "path" => self.path(&entry.value),
            "fql" => self.fql(&entry.value),
            "expression" => match entry.value.as_text() {
                Some(text) => self.expression(&entry.value, text),
                None => self.wrong("expression", "script text", &entry.value),
            },
            other => {
                let help = if CHECKS.contains(&other) {
                    "name the field beside it: { field: properties.total, … }".to_owned()
                } else {
                    suggestion(other, &FORMS)
                };
                self.problem(&entry.key_span, "unknown-key", format!("a condition has no `{other}`")).help = Some(help);
                None
            }
        }
    }

    fn several(&mut self, name: &str, node: &Node, depth: usize) -> Option<Vec<Condition>> {
        let Some(items) = node.as_list() else {
            return self.wrong(name, "a list of conditions", node);
        };
        if items.is_empty() {
            self.problem(&node.span, "bad-condition", format!("`{name}` has no conditions"));
            return None;
        }
        let read: Vec<_> = items.iter().map(|item| self.condition(item, depth + 1)).collect();
        read.into_iter().collect()
    }

    fn expression(&mut self, node: &Node, text: &str) -> Option<Condition> {
        let unit = Unit { file: self.options.file(), text, node: Some(node), file_text: &self.text };
        match self.build.host.expression(&unit, self.build.warnings) {
            Ok(expression) => Some(Condition::Expression(expression)),
            Err(problems) => {
                self.problems.extend(problems);
                None
            }
        }
    }

    fn path(&mut self, node: &Node) -> Option<Condition> {
        let Some(text) = node.as_text() else {
            return self.wrong("path", "a JSONPath", node);
        };
        match JsonPath::new(text) {
            Ok(path) => Some(Condition::Path(path)),
            Err(found) => {
                let span = self.inside(node, text, found.offset..found.offset + 1);
                self.problem(&span, "bad-jsonpath", found.message).help = found.help;
                None
            }
        }
    }

    fn fql(&mut self, node: &Node) -> Option<Condition> {
        let Some(text) = node.as_text() else {
            return self.wrong("fql", "a statement of Segment's FQL, as 'type = \"track\"'", node);
        };
        match Fql::new(text) {
            Ok(statement) => Some(Condition::Fql(statement)),
            Err(found) => {
                let span = self.inside(node, text, found.span);
                self.problem(&span, "bad-fql", found.message).help = found.help;
                None
            }
        }
    }

    /// The place in the file of a part of a text; the whole text if YAML's escapes hide it.
    fn inside(&self, node: &Node, text: &str, part: Span) -> Span {
        let before = &text[..part.start];
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
        match node.position_in_file(&self.text, line, column) {
            Some(start) => start..(start + part.len().max(1)).min(self.text.len()).max(start),
            None => node.span.clone(),
        }
    }

    fn field(&mut self, field: &Entry, entries: &[&Entry], depth: usize) -> Option<Condition> {
        let path = match field.value.as_text() {
            Some(text) => match paths::read(text, &field.value.span, self.options, self.build) {
                Ok(path) => Some(path),
                Err(problem) => {
                    self.problems.push(problem);
                    None
                }
            },
            None => self.wrong("field", "a field path", &field.value),
        };
        let mut checks = Vec::new();
        for entry in entries.iter().filter(|entry| entry.key != "field") {
            checks.push(self.check(entry, depth));
        }
        if checks.is_empty() {
            self.problem(&field.key_span, "bad-condition", "nothing is said about the field").help =
                Some(format!("add one of {}", CHECKS.join(", ")));
        }
        let checks = checks.into_iter().collect::<Option<Vec<_>>>()?;
        Some(Condition::Field(FieldTest { path: path?, checks }))
    }

    fn check(&mut self, entry: &Entry, depth: usize) -> Option<Check> {
        let node = &entry.value;
        Some(match entry.key.as_str() {
            "is" | "eq" => Check::Is(literal(node)),
            "not" => Check::Not(literal(node)),
            "in" => match node.as_list() {
                Some(items) => Check::In(items.iter().map(literal).collect()),
                None => return self.wrong("in", "a list of values", node),
            },
            "exists" => match node.value {
                Value::Bool(value) => Check::Exists(value),
                _ => return self.wrong("exists", "true or false", node),
            },
            "gt" => Check::Gt(self.bound("gt", node)?),
            "gte" => Check::Gte(self.bound("gte", node)?),
            "lt" => Check::Lt(self.bound("lt", node)?),
            "lte" => Check::Lte(self.bound("lte", node)?),
            "contains" => Check::Contains(literal(node)),
            "starts_with" => Check::StartsWith(self.text("starts_with", node)?),
            "ends_with" => Check::EndsWith(self.text("ends_with", node)?),
            "matches" => Check::Matches(self.pattern(node)?),
            other => {
                let help = if FORMS.contains(&other) && depth < DEPTH_MAX {
                    format!("`field` and `{other}` are two conditions: combine them with `all` or `any`")
                } else {
                    suggestion(other, &CHECKS)
                };
                self.problem(&entry.key_span, "unknown-key", format!("there is no test `{other}`")).help = Some(help);
                return None;
            }
        })
    }

    fn bound(&mut self, name: &str, node: &Node) -> Option<Dynamic> {
        match node.value {
            Value::Number(_) | Value::Text(_) => Some(literal(node)),
            _ => self.wrong(name, "a number or a text", node),
        }
    }

    fn text(&mut self, name: &str, node: &Node) -> Option<String> {
        match node.as_text() {
            Some(text) => Some(text.to_owned()),
            None => self.wrong(name, "a text", node),
        }
    }

    fn pattern(&mut self, node: &Node) -> Option<regex::Regex> {
        let text = self.text("matches", node)?;
        match regex::RegexBuilder::new(&text).size_limit(PATTERN_BYTES_MAX).build() {
            Ok(pattern) => Some(pattern),
            Err(error) => {
                // The message draws the pattern with a caret; its last line says what is wrong.
                let shown = error.to_string();
                let why = shown.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned();
                self.problem(&node.span, "bad-pattern", format!("this is not a regular expression: {why}"));
                None
            }
        }
    }

    /// The condition as it is written, on one line.
    fn own_reason(&self, node: &Node) -> String {
        let own = ["path", "fql"].into_iter().find_map(|form| node.get(form)?.as_text());
        let text = node.as_text().or(own).or_else(|| self.text.get(node.span.clone())).unwrap_or("no match");
        let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
        let short: String = words.chars().take(REASON_CHARS_MAX).collect();
        if short.len() < words.len() { format!("filter: {short}…") } else { format!("filter: {short}") }
    }

    fn wrong<T>(&mut self, name: &str, expected: &str, node: &Node) -> Option<T> {
        self.problem(&node.span, "wrong-type", format!("`{name}` takes {expected}, not {}", node.kind()));
        None
    }

    fn problem(&mut self, span: &Span, code: &'static str, message: impl Into<String>) -> &mut Diag {
        self.problems.push(Diag::error(code, message).at(self.options.file(), span.clone()));
        let last = self.problems.len() - 1;
        &mut self.problems[last]
    }
}

fn literal(node: &Node) -> Dynamic {
    json::from_json_value(&node.to_json())
}

fn suggestion(word: &str, known: &[&'static str]) -> String {
    match did_you_mean(word, known.iter().copied()) {
        Some(name) => format!("did you mean `{name}`?"),
        None => format!("there are {}", known.join(", ")),
    }
}
