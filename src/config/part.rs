//! One item of `sources`, `steps` or `sinks`: a one-key map `kind: options` with the common keys beside it.

use sha2::{Digest, Sha256};

use super::{OnError, PartSpec, keys, kinds};
use crate::diag::{Diag, did_you_mean};
use crate::registry::{Def, Room, Source, Type, names, read_options, read_value};
use crate::sink::SINKS;
use crate::source::SOURCES;
use crate::step::STEPS;
use crate::yaml::{Entry, Node, Text, Value};

/// Keys that may stand beside a part's kind.
const COMMON: [&str; 4] = names(&keys::COMMON);

/// State while the parts of one file are read.
pub(super) struct Parts<'a, 'b> {
    pub(super) source: &'a Source<'b>,
    pub(super) problems: &'a mut Vec<Diag>,
    pub(super) ids: Vec<String>,
}

/// Reads a list of parts; `None` if it is not there or empty.
pub(super) fn read_parts(parts: &mut Parts<'_, '_>, room: Room, node: Option<&Node>) -> Option<Vec<PartSpec>> {
    let node = node.filter(|node| node.value != Value::Null)?;
    let single = std::slice::from_ref(node);
    let items = match &node.value {
        Value::List(items) if items.is_empty() => return None,
        Value::List(items) => items.as_slice(),
        // One part may stand without the list's dash.
        Value::Map(_) => single,
        _ => {
            parts.error("wrong-type", format!("`{}s` takes a list, not {}", room.name(), node.kind()), node);
            return Some(Vec::new());
        }
    };
    Some(items.iter().filter_map(|item| parts.part(room, item)).collect())
}

impl Parts<'_, '_> {
    fn part(&mut self, room: Room, node: &Node) -> Option<PartSpec> {
        // `- console` is short for `- console: {}`.
        let bare;
        let entries = match &node.value {
            Value::Map(entries) => entries.as_slice(),
            Value::Text(Text { text, .. }) => {
                bare = [Entry {
                    key: text.clone(),
                    key_span: node.span.clone(),
                    value: Node { value: Value::Null, span: node.span.clone() },
                }];
                &bare
            }
            _ => {
                self.error(
                    "wrong-type",
                    format!("a {} is written `kind: options`, not {}", room.name(), node.kind()),
                    node,
                );
                return None;
            }
        };
        let entry = self.kind_entry(room, entries, node)?;
        let def = find(room, &entry.key)?;
        self.common_keys(room, entries, entry, def);
        let options = read_options(def, &entry.value, &entry.key_span, self.source, self.problems);
        let common = |key: &str| {
            entries.iter().find(|entry| entry.key == key && room_takes(room, key)).map(|entry| &entry.value)
        };
        let settings = common("settings").map(|node| self.settings(node));
        let on_error = common("on_error").map_or(OnError::default(), |node| self.on_error(node));
        let when = common("when").and_then(|node| self.when(node));
        let id = self.id(common("id"), def.name);
        Some(PartSpec {
            id,
            named: common("id").is_some(),
            print: print(entries),
            kind: def.name,
            options: options?,
            when,
            on_error,
            settings: settings.unwrap_or_else(|| serde_json::json!({})),
            span: entry.key_span.clone(),
        })
    }

    /// The entry that names the kind: exactly one key that is not a common one.
    fn kind_entry<'e>(&mut self, room: Room, entries: &'e [Entry], node: &Node) -> Option<&'e Entry> {
        let known = kinds(room);
        let named: Vec<_> = entries.iter().filter(|entry| known.contains(&entry.key.as_str())).collect();
        match named.as_slice() {
            [one] => Some(one),
            [first, second, ..] => {
                self.problems.push(
                    Diag::error(
                        "two-parts",
                        format!("`{}` and `{}` stand in one {}", first.key, second.key, room.name()),
                    )
                    .at(self.source.file, second.key_span.clone())
                    .help(format!("begin each {} with its own `- `", room.name())),
                );
                None
            }
            [] => {
                let unknown = entries.iter().find(|entry| !COMMON.contains(&entry.key.as_str()));
                let span = unknown.map_or_else(|| node.span.clone(), |entry| entry.key_span.clone());
                let message = unknown.map_or_else(
                    || format!("this {} does not say what it is", room.name()),
                    |entry| format!("there is no {} `{}`", room.name(), entry.key),
                );
                let other = unknown.and_then(|entry| elsewhere(room, &entry.key));
                let help = unknown
                    .and_then(|entry| did_you_mean(&entry.key, known.iter().copied()))
                    .map(|kind| format!("did you mean `{kind}`?"))
                    .or_else(|| other.map(|other| format!("that is a {0}: it belongs below `{0}s:`", other.name())))
                    .unwrap_or_else(|| format!("there are {}", known.join(", ")));
                self.problems.push(Diag::error("unknown-kind", message).at(self.source.file, span).help(help));
                None
            }
        }
    }

    fn common_keys(&mut self, room: Room, entries: &[Entry], kind: &Entry, def: &Def) {
        for entry in entries {
            if entry.key == kind.key || room_takes(room, &entry.key) {
                continue;
            }
            let allowed: Vec<_> = COMMON.into_iter().filter(|key| room_takes(room, key)).collect();
            let help = match did_you_mean(&entry.key, allowed.iter().copied()) {
                Some(key) => format!("did you mean `{key}`?"),
                None if is_option(def, &entry.key) => format!("indent it: it is an option of `{}`", def.name),
                None => format!("beside `{}` may stand {}", def.name, allowed.join(", ")),
            };
            self.problems.push(
                Diag::error("unknown-key", format!("a {} has no `{}`", room.name(), entry.key))
                    .at(self.source.file, entry.key_span.clone())
                    .help(help),
            );
        }
    }

    fn settings(&mut self, node: &Node) -> serde_json::Value {
        if node.as_map().is_none() {
            self.error("wrong-type", format!("`settings` takes a map, not {}", node.kind()), node);
            return serde_json::Value::Null;
        }
        match read_value("settings", Type::Any, node, self.source, self.problems) {
            Some(crate::registry::OptionValue::Node(node)) => node.to_json(),
            _ => serde_json::Value::Null,
        }
    }

    fn on_error(&mut self, node: &Node) -> OnError {
        match node.as_text() {
            Some("dead_letter") => OnError::DeadLetter,
            Some("drop") => OnError::Drop,
            Some("pass") => OnError::Pass,
            other => {
                let near = other.and_then(|word| did_you_mean(word, ["dead_letter", "drop", "pass"]));
                let diag = Diag::error("wrong-value", "`on_error` takes dead_letter, drop or pass")
                    .at(self.source.file, node.span.clone());
                self.problems.push(match near {
                    Some(word) => diag.help(format!("did you mean `{word}`?")),
                    None => diag,
                });
                OnError::default()
            }
        }
    }

    fn when(&mut self, node: &Node) -> Option<Node> {
        if node.as_text().is_none() {
            self.error("wrong-type", format!("`when` takes an expression, not {}", node.kind()), node);
            return None;
        }
        Some(node.clone())
    }

    fn id(&mut self, node: Option<&Node>, kind: &str) -> String {
        if let Some(node) = node {
            let text = node.as_text().unwrap_or_default();
            if text.is_empty() || !text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.')) {
                self.error("wrong-value", "an `id` is made of letters, digits, `-`, `_` and `.`", node);
            } else if self.ids.iter().any(|id| id == text) {
                self.error("duplicate-id", format!("two parts have the id `{text}`"), node);
            } else {
                self.ids.push(text.to_owned());
            }
            return text.to_owned();
        }
        let mut id = kind.to_owned();
        let mut number = 1;
        while self.ids.contains(&id) {
            number += 1;
            id = format!("{kind}-{number}");
        }
        self.ids.push(id.clone());
        id
    }

    fn error(&mut self, code: &'static str, message: impl Into<String>, node: &Node) {
        self.problems.push(Diag::error(code, message).at(self.source.file, node.span.clone()));
    }
}

/// What a part is told by when its id is not its own: what it says, without layout and comments.
fn print(entries: &[Entry]) -> String {
    let said = entries.iter().filter(|entry| entry.key != "id");
    let said: serde_json::Value = said.map(|entry| (entry.key.clone(), entry.value.to_json())).collect();
    hex::encode(&Sha256::digest(said.to_string())[..8])
}

/// Whether parts of that room may have the common key.
pub fn room_takes(room: Room, key: &str) -> bool {
    match room {
        Room::Step => COMMON.contains(&key),
        Room::Sink => matches!(key, "id" | "when"),
        Room::Source => key == "id",
    }
}

fn is_option(def: &Def, key: &str) -> bool {
    match &def.shape {
        crate::registry::Shape::Options { options, .. } => options.iter().any(|opt| opt.name == key),
        crate::registry::Shape::Value(_) => false,
    }
}

/// The room in which a part of that name does exist.
fn elsewhere(room: Room, kind: &str) -> Option<Room> {
    [Room::Source, Room::Step, Room::Sink].into_iter().find(|other| *other != room && kinds(*other).contains(&kind))
}

fn find(room: Room, kind: &str) -> Option<&'static Def> {
    match room {
        Room::Source => SOURCES.iter().map(|part| &part.def).find(|def| def.name == kind),
        Room::Step => STEPS.iter().map(|part| &part.def).find(|def| def.name == kind),
        Room::Sink => SINKS.iter().map(|part| &part.def).find(|def| def.name == kind),
    }
}
