//! Step `identity`: whose an event is, by what other events told of the same visit.

mod def;
mod links;
mod related;
mod seen;
#[cfg(test)]
mod tests;

use rhai::{Dynamic, Map};

use super::{Build, Context, Flow, Hold, Step, StepDef, StepError, ids, paths};
use crate::diag::Diag;
use crate::event::Event;
use crate::json::Mask;
use crate::registry::Options;
use crate::state::{Session, StoreError};
use links::{Browser, Link, Links};
use seen::{Fields, Key, OWN_LIBRARY, Seen};

/// The definition of `identity`.
pub(super) static IDENTITY: StepDef = StepDef { def: def::DEF, build };

struct Identity {
    fields: Fields,
    rules: Rules,
    hold: Waiting,
    /// Names of track events that end a visit.
    reset_on: Vec<String>,
    /// Whether a new link is told to Segment by an identify message.
    identify: bool,
}

/// How links are made and kept.
struct Rules {
    ttl_ms: u64,
    /// A browser that more users than these had is nobody's.
    users_max: usize,
    /// Whether an alias message is followed.
    merge: bool,
}

/// Which events wait for their browser, and how long.
struct Waiting {
    window_ms: i64,
    /// Kinds of sessions.
    kinds: Vec<String>,
    /// Kinds of sessions that others must have told of first.
    after: Vec<String>,
}

/// How much longer one waits that waits for others: these may wait themselves until then.
const BEHIND_MS: i64 = 1000;

fn build(options: &Options, build: &mut Build<'_>) -> Result<Box<dyn Step>, Vec<Diag>> {
    let fields = Fields::read(options, build)?;
    let hold = options.inner("hold");
    let kinds = |option: &str| -> Result<Vec<String>, Vec<Diag>> {
        let Some(hold) = hold else { return Ok(Vec::new()) };
        let kinds: Vec<String> = hold.texts(option).into_iter().map(str::to_owned).collect();
        // The default names the default of `sessions`: who has others may leave it at that.
        let is_given = hold.span(option) != hold.part_span();
        match kinds.iter().find(|kind| is_given && !fields.has_session(kind)) {
            Some(unknown) => {
                let diag = hold.error(option, "wrong-value", format!("`sessions` has no `{unknown}`"));
                Err(vec![diag.help(format!("it has {}", fields.session_names().join(", ")))])
            }
            None => Ok(kinds),
        }
    };
    let (kinds, after) = (kinds("for")?, kinds("after")?);
    if options.int("ttl") == 0 {
        return Err(vec![options.error("ttl", "wrong-value", "`ttl` takes a time that passes")]);
    }
    Ok(Box::new(Identity {
        fields,
        rules: Rules {
            ttl_ms: options.int("ttl") as u64,
            users_max: options.int("users_max") as usize,
            merge: options.bool("merge"),
        },
        hold: Waiting { window_ms: hold.map_or(0, |hold| hold.int("window")), kinds, after },
        reset_on: options.texts("reset_on").into_iter().map(str::to_owned).collect(),
        identify: options.bool("identify"),
    }))
}

impl Step for Identity {
    fn reads(&self) -> Mask {
        let mut mask = Mask::opened();
        self.fields.paths().for_each(|path| mask.merge(&paths::whole(path)));
        mask
    }

    fn remembers(&self) -> bool {
        true
    }

    fn related(&self, space: &str, values: &[String], session: &Session) -> Result<Vec<String>, StoreError> {
        let (sessions, persons) = (self.fields.session_names(), self.fields.person_names());
        Ok(related::related(&session.list(space)?, &sessions, &persons, values))
    }

    fn apply(&self, mut event: Event, cx: &mut Context<'_>) -> Result<Flow, StepError> {
        let mut seen = self.fields.look(&mut event.value, cx.now_ms);
        if !seen.is_ours() {
            return Ok(Flow::Next(event));
        }
        let mut links = Links::new(cx, &self.rules);
        if seen.kind == "alias" {
            if self.rules.merge
                && let (Some(previous), Some(user)) = (&seen.previous, &seen.user)
            {
                links.learn_alias(previous, user)?;
            }
            return Ok(Flow::Next(event));
        }
        let sessions = links.sessions(&seen.sessions)?;
        let came_with = seen.anonymous.is_some();
        if !came_with {
            seen.anonymous = sessions.iter().flatten().find_map(|link| link.anonymous.clone());
        }
        if seen.anonymous.is_none()
            && let Some(hold) = self.wait(&seen, &sessions, &links)?
        {
            return Ok(Flow::Hold(event, hold));
        }
        let mut browser = seen.anonymous.as_deref().map(|id| links.browser(id)).transpose()?.flatten();
        if let (Some(id), Some(known)) = (&seen.anonymous, &browser)
            && known.is_left_by(&seen)
        {
            browser = links.reset(id, seen.at_ms)?;
        }
        let user = self.user(&seen, came_with, &sessions, browser.as_ref(), &links)?;
        let evident = user.as_ref().filter(|user| user.evident).map(|user| user.id.as_str());
        // A session that was known to be this user's tells nothing new of the browser, which may have another by now; unless the
        // browser itself says who is there.
        let says_itself = seen.by_browser && seen.user.is_some();
        let is_news = says_itself
            || !sessions.iter().flatten().any(|link| link.user.is_some() && link.user.as_deref() == evident);
        // Events of one session without a browser have one id, that of the first; of an order sooner than of its cart, because what
        // comes later knows the order only.
        if seen.derived.is_some()
            && let Some(first) = sessions.iter().rev().flatten().find_map(|link| link.derived.clone())
        {
            seen.derived = Some(first);
        }
        let found = links.learn_sessions(&seen, &sessions, user.as_ref().map(|user| user.id.as_str()))?;
        if let Some(user) = evident {
            links.learn_persons(&seen, user)?;
        }
        // Both ids of what Segment is to be told.
        let mut tell: Vec<(&str, &str)> = Vec::new();
        if let Some(id) = &seen.anonymous {
            if seen.by_browser {
                links.browsers_are_there()?;
            }
            let news = Browser::news(&seen, is_news);
            let is_new = links.learn_browser(id, browser, evident, &news)?;
            if seen.kind == "track" && self.reset_on.contains(&seen.name) {
                links.reset(id, seen.at_ms)?;
            }
            tell.extend(evident.filter(|_| is_new).map(|user| (id.as_str(), user)));
        }
        tell.extend(found.iter().filter_map(|id| Some((id.as_str(), user.as_ref()?.id.as_str()))));
        seen.fill(&mut event.value, user.as_ref().map(|user| user.id.as_str()));
        if tell.is_empty() || !self.identify {
            return Ok(Flow::Next(event));
        }
        let id = own_id(&mut event, cx.identity);
        let mut events: Vec<Event> =
            tell.iter().enumerate().map(|(at, (anonymous, user))| identify(&event, &id, at, anonymous, user)).collect();
        events.push(event);
        Ok(Flow::Fork(events))
    }
}

/// The user of an event.
struct User {
    id: String,
    /// Whether the event shows it, and not only the browser that it came from.
    evident: bool,
}

impl Identity {
    /// Whose an event is: what it says itself, then its persons, its session, its browser.
    fn user(
        &self,
        seen: &Seen,
        came_with: bool,
        sessions: &[Option<Link>],
        browser: Option<&Browser>,
        links: &Links<'_, '_>,
    ) -> Result<Option<User>, StepError> {
        if let Some(id) = seen.user.clone() {
            return Ok(Some(User { id, evident: true }));
        }
        if let Some(id) = links.user_of_persons(&seen.persons)? {
            return Ok(Some(User { id, evident: true }));
        }
        // Who names a person that nobody knows is not taken for another who used the same browser.
        if !seen.persons.is_empty() {
            return Ok(None);
        }
        // A cart that outlives a visit tells nothing: of another browser, or of one that its user has left.
        let left = browser.is_some_and(Browser::was_left);
        let of_this_browser = |link: &&Link| !came_with || link.anonymous.is_none() || link.anonymous == seen.anonymous;
        let mut known = sessions.iter().flatten().filter(of_this_browser).filter(|_| !(came_with && left));
        if let Some(id) = known.find_map(|link| link.user.clone()) {
            return Ok(Some(User { id, evident: came_with }));
        }
        // What only an order leads to the browser (a refund) may be somebody's who bought there as a guest.
        let one = browser.filter(|browser| came_with && browser.is_one(&self.rules) && browser.was_theirs(seen));
        let by_browser = one.and_then(|browser| browser.user.clone());
        Ok(by_browser.map(|id| User { id, evident: false }))
    }

    /// Whether an event without a browser waits for it: only while browsers are heard of, and only for as long as its browser
    /// may still be under way.
    fn wait(&self, seen: &Seen, sessions: &[Option<Link>], links: &Links<'_, '_>) -> Result<Option<Hold>, StepError> {
        if self.hold.window_ms == 0 || links.attempt() > 0 {
            return Ok(None);
        }
        let mut until_ms = seen.at_ms.saturating_add(self.hold.window_ms);
        let mut reason = "waits for its browser";
        let waits_for = |key: &&Key| self.hold.kinds.contains(&key.kind);
        let mut wake: Vec<String> = seen.sessions.iter().filter(waits_for).map(|key| links.word(key)).collect();
        // Who names a person tells of the session, and waits for nobody to do so.
        if wake.is_empty() && seen.user.is_none() && seen.persons.is_empty() {
            let untold = seen.sessions.iter().zip(sessions).filter(|(_, link)| link.is_none()).map(|(key, _)| key);
            wake = untold.filter(|key| self.hold.after.contains(&key.kind)).map(|key| links.word_told(key)).collect();
            until_ms = until_ms.saturating_add(BEHIND_MS);
            reason = "waits for what it belongs to";
        }
        if wake.is_empty() || until_ms <= links.now_ms() || !links.are_browsers_there()? {
            return Ok(None);
        }
        Ok(Some(Hold { until_ms, wake, reason: reason.to_owned() }))
    }
}

/// The id of an event; it keeps the one that it would have had alone, so that a second delivery of it has the same.
fn own_id(event: &mut Event, identity: &str) -> String {
    if let Some(id) = ids::of(&event.value) {
        return id.to_string();
    }
    let own = event.origin.message_id(identity);
    if let Some(mut map) = event.value.write_lock::<Map>() {
        map.insert("messageId".into(), own.as_str().into());
    }
    own
}

/// The identify message that ties both ids, before the event that revealed it; `at`: how many others there are before.
fn identify(event: &Event, id: &str, at: usize, anonymous: &str, user: &str) -> Event {
    let mut message = Map::new();
    message.insert("type".into(), "identify".into());
    message.insert("anonymousId".into(), anonymous.into());
    message.insert("userId".into(), user.into());
    message.insert("traits".into(), Map::new().into());
    let mut library = Map::new();
    library.insert("name".into(), OWN_LIBRARY.into());
    let mut context = Map::new();
    context.insert("library".into(), library.into());
    message.insert("context".into(), context.into());
    let timestamp = event.value.read_lock::<Map>().and_then(|map| map.get("timestamp").cloned());
    message.extend(timestamp.map(|timestamp| ("timestamp".into(), timestamp)));
    let mut value = Dynamic::from_map(message);
    let name = if at == 0 { "identify".to_owned() } else { format!("identify-{}", at + 1) };
    ids::name(&mut value, id, &name);
    Event { value, tape: event.tape.clone(), origin: event.origin, targets: event.targets.clone() }
}
