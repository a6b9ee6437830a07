//! What one event says of who it is about: its ids, and the fields that stand for a visit or a person.

use rhai::{Dynamic, Map};

use super::links::{ALIAS, BROWSER};
use crate::diag::Diag;
use crate::path::Path;
use crate::registry::{OptionValue, Options};
use crate::step::{Build, paths, template};

/// What shipped scripts and this step name as the library of what they make themselves.
pub(super) const OWN_LIBRARY: &str = "cartwire";

/// Where the ids of an event stand, and which are none.
pub(super) struct Fields {
    sessions: Vec<(String, Vec<Path>)>,
    persons: Vec<(String, Vec<Path>)>,
    /// In lower case.
    blocked: Vec<String>,
    /// How an anonymousId begins that was made for something without a browser.
    derived: String,
    /// Where a browser tells of its page.
    page: Option<Path>,
    /// Where the shop tells whether somebody is logged in.
    signed_in: Option<Path>,
    /// Where a library of Segment's tells its name.
    library: Option<Path>,
}

/// A value that stands for a visit or a person, as `cart` and its token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Key {
    pub(super) kind: String,
    /// The key in the state.
    pub(super) name: String,
}

/// What an event says.
#[derive(Debug, Default)]
pub(super) struct Seen {
    /// Its type; empty if it has none.
    pub(super) kind: String,
    /// Its name, of a track event.
    pub(super) name: String,
    /// The id of a browser.
    pub(super) anonymous: Option<String>,
    pub(super) user: Option<String>,
    pub(super) sessions: Vec<Key>,
    pub(super) persons: Vec<Key>,
    /// When it happened, as far as is known; never after it came.
    pub(super) at_ms: i64,
    /// Whether a browser has sent it: it tells of its page.
    pub(super) by_browser: bool,
    /// Whether the shop's user is logged in there, where it says so.
    pub(super) signed_in: Option<bool>,
    /// Whether it came with both ids from a library whose user calls identify: Segment hears of both without us.
    pub(super) tells_itself: bool,
    /// What `anonymousId` holds where that is no browser's id.
    pub(super) derived: Option<String>,
    /// Of an alias, whose links the user has from then on.
    pub(super) previous: Option<String>,
}

impl Fields {
    pub(super) fn read(options: &Options, build: &mut Build<'_>) -> Result<Self, Vec<Diag>> {
        let (sessions, persons) = (kinds("sessions", options, build), kinds("persons", options, build));
        match (sessions, persons) {
            (Ok(sessions), Ok(persons)) => Ok(Self {
                sessions,
                persons,
                blocked: options.texts("blocked").into_iter().map(str::to_lowercase).collect(),
                derived: options.text("derived").to_owned(),
                page: Path::parse("context.page.url").ok(),
                signed_in: Path::parse("context.signed_in").ok(),
                library: Path::parse("context.library.name").ok(),
            }),
            (sessions, persons) => {
                Err(sessions.err().into_iter().flatten().chain(persons.err().into_iter().flatten()).collect())
            }
        }
    }

    pub(super) fn paths(&self) -> impl Iterator<Item = &Path> {
        self.sessions
            .iter()
            .chain(&self.persons)
            .flat_map(|(_, paths)| paths)
            .chain([&self.page, &self.signed_in, &self.library].into_iter().flatten())
    }

    pub(super) fn has_session(&self, kind: &str) -> bool {
        self.sessions.iter().any(|(name, _)| name == kind)
    }

    pub(super) fn person_names(&self) -> Vec<&str> {
        self.persons.iter().map(|(name, _)| name.as_str()).collect()
    }

    pub(super) fn session_names(&self) -> Vec<&str> {
        self.sessions.iter().map(|(name, _)| name.as_str()).collect()
    }

    /// Looks at an event. An `anonymousId` or a `userId` that is a placeholder is taken away.
    pub(super) fn look(&self, event: &mut Dynamic, now_ms: i64) -> Seen {
        let mut seen = Seen { at_ms: now_ms, ..Seen::default() };
        if let Some(mut map) = event.write_lock::<Map>() {
            let text = |map: &Map, key: &str| map.get(key).and_then(id_text).unwrap_or_default();
            seen.kind = text(&map, "type");
            seen.name = text(&map, "event");
            if !seen.is_ours() {
                return seen;
            }
            if seen.kind == "alias" {
                let id = |key: &str| map.get(key).and_then(id_text).filter(|id| !self.is_blocked(id));
                (seen.user, seen.previous) = (id("userId"), id("previousId"));
                return seen;
            }
            let time = text(&map, "timestamp").parse::<jiff::Timestamp>();
            seen.at_ms = time.map_or(now_ms, |time| time.as_millisecond().min(now_ms));
            for key in ["anonymousId", "userId"] {
                let Some(id) = map.get(key).and_then(id_text) else { continue };
                if self.is_blocked(&id) {
                    map.remove(key);
                } else if key == "userId" {
                    seen.user = Some(id);
                } else if !self.derived.is_empty() && id.starts_with(&self.derived) {
                    seen.derived = Some(id);
                } else {
                    seen.anonymous = Some(id);
                }
            }
        }
        let page = |page: &Path| page.any(event, Dynamic::is_string);
        seen.by_browser = seen.anonymous.is_some() && self.page.as_ref().is_some_and(page);
        let signed_in = |place: &Path| place.with(event, |is| is.and_then(|is| is.as_bool().ok()));
        seen.signed_in = self.signed_in.as_ref().and_then(signed_in).filter(|_| seen.by_browser);
        let foreign = |name: &Dynamic| name.as_immutable_string_ref().is_ok_and(|name| *name != OWN_LIBRARY);
        let by_library = self.library.as_ref().is_some_and(|place| place.any(event, foreign));
        seen.tells_itself = by_library && seen.anonymous.is_some() && seen.user.is_some();
        seen.sessions = self.keys(&self.sessions, event);
        seen.persons = self.keys(&self.persons, event);
        seen
    }

    fn keys(&self, kinds: &[(String, Vec<Path>)], event: &Dynamic) -> Vec<Key> {
        let found = |(kind, paths): &(String, Vec<Path>)| {
            let mut value = None;
            for path in paths {
                // Of several, the first that is one.
                path.any(event, |place| {
                    value = id_text(place).filter(|id| !self.is_blocked(id));
                    value.is_some()
                });
                if value.is_some() {
                    break;
                }
            }
            // Addresses differ in case, tokens do not.
            let value = value.map(|value| if value.contains('@') { value.to_lowercase() } else { value })?;
            Some(Key { kind: kind.clone(), name: template::bounded(format!("{kind}:{value}")) })
        };
        kinds.iter().filter_map(found).collect()
    }

    fn is_blocked(&self, id: &str) -> bool {
        let zeros = || id.len() >= 8 && id.chars().all(|c| matches!(c, '0' | '-'));
        id.is_empty() || self.blocked.iter().any(|blocked| *blocked == id.to_lowercase()) || zeros()
    }
}

impl Seen {
    /// Whether it is about somebody. What is no message of Segment's is not ours to judge.
    pub(super) fn is_ours(&self) -> bool {
        !self.kind.is_empty()
    }

    /// Puts the ids that were found into an event which lacks them.
    pub(super) fn fill(&self, event: &mut Dynamic, user: Option<&str>) {
        if let Some(mut map) = event.write_lock::<Map>() {
            let lacks = |map: &Map, key: &str| map.get(key).is_none_or(Dynamic::is_unit);
            if let Some(id) = self.anonymous.as_ref().or(self.derived.as_ref())
                && (self.derived.is_some() || lacks(&map, "anonymousId"))
            {
                map.insert("anonymousId".into(), id.as_str().into());
            }
            if let Some(user) = user
                && lacks(&map, "userId")
            {
                map.insert("userId".into(), user.into());
            }
        }
    }
}

/// The kinds of an option, each with its fields.
fn kinds(option: &str, options: &Options, build: &mut Build<'_>) -> Result<Vec<(String, Vec<Path>)>, Vec<Diag>> {
    let (mut kinds, mut problems) = (Vec::new(), Vec::new());
    for (kind, place, value, _) in options.entries(option) {
        let OptionValue::List(fields) = value else { continue };
        let other = if option == "persons" { options.entries("sessions") } else { &[] };
        if kind == BROWSER || kind == ALIAS || kind.contains(':') || other.iter().any(|(name, ..)| name == kind) {
            let problem = Diag::error("wrong-value", format!("`{kind}` cannot be a name in `{option}`"));
            let help = "names are of your choice, without `:`, each once; `anon` and `alias` are the step's own";
            problems.push(problem.at(options.file(), place.clone()).help(help));
        }
        let mut read = Vec::new();
        for (field, span) in fields {
            let OptionValue::Text(text) = field else { continue };
            match paths::read(text, span, options, build) {
                Ok(path) => read.push(path),
                Err(problem) => problems.push(problem),
            }
        }
        kinds.push((kind.clone(), read));
    }
    if problems.is_empty() { Ok(kinds) } else { Err(problems) }
}

/// An id as text; numbers count.
fn id_text(value: &Dynamic) -> Option<String> {
    if let Ok(text) = value.as_immutable_string_ref() {
        return Some(text.trim().to_owned());
    }
    value.as_int().ok().map(|number| number.to_string())
}
