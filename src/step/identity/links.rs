//! The links between ids that outlive an event: what is kept in the state, and when it changes.
//!
//! A browser is kept under `anon:<anonymousId>` with the user that it has now; a session, as a cart, under its kind and token with
//! browser and user; a person, as an e-mail address, with the user. What was told later wins over what was told before, by the
//! time of the events and not by the order in which they came.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::Rules;
use super::seen::{Key, Seen};
use crate::step::{Context, StepError, template};

/// The kind of the keys of browsers.
pub(super) const BROWSER: &str = "anon";
/// The kind of the keys of users who are others now.
pub(super) const ALIAS: &str = "alias";
/// The key under which it is kept that there are such users.
const ALIASES: &str = "~aliases";
/// Users who became others, one after another: more, and the last of these it is.
const ALIASES_MAX: usize = 8;
/// The key under which it is kept that browsers are heard of.
const BROWSERS: &str = "~browsers";
/// For how long one that was heard of counts.
const BROWSERS_MS: u64 = 3_600_000;

/// What is known of a session or a person.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(super) struct Link {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) anonymous: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) user: Option<String>,
    /// While no browser is known: the id that was made for want of one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) derived: Option<String>,
    /// Whether that has gone out, and nothing that ties it to the user.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    loose: bool,
    /// While no browser is known: the session that came with this one, by which it may be found.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    via: Option<String>,
    /// When the user was told.
    #[serde(default)]
    at_ms: i64,
}

/// What is known of a browser.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(super) struct Browser {
    /// Who uses it now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) user: Option<String>,
    #[serde(default)]
    at_ms: i64,
    /// Since when, as far as is known: an event of before that comes late is not theirs.
    #[serde(default)]
    since_ms: i64,
    /// Whether its last user has signed out, so that what it still holds of that user (the cart) tells nothing.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    left: bool,
    /// Whether the shop said that its user was logged in.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    signed_in: bool,
    /// The users for whom an identify message with both ids has gone, the present one last.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    users: Vec<String>,
}

/// What an event tells of its browser's user.
pub(super) struct News {
    at_ms: i64,
    /// Whether it can be that the browser has changed hands.
    may_switch: bool,
    /// Whether the event itself tells Segment of both ids.
    told: bool,
    signed_in: bool,
}

impl Browser {
    pub(super) fn news(seen: &Seen, may_switch: bool) -> News {
        let told = seen.tells_itself || seen.kind == "identify";
        News { at_ms: seen.at_ms, may_switch, told, signed_in: seen.signed_in == Some(true) }
    }

    /// Whether its last user has signed out.
    pub(super) fn was_left(&self) -> bool {
        self.left
    }

    /// Whether an event happened while it was its user's; of the same instant, what comes later is later.
    pub(super) fn was_theirs(&self, seen: &Seen) -> bool {
        seen.at_ms >= self.since_ms
    }

    /// Whether its user was logged in and, by this event, is no more.
    pub(super) fn is_left_by(&self, seen: &Seen) -> bool {
        self.signed_in && seen.signed_in == Some(false) && seen.at_ms >= self.at_ms
    }

    /// Whether it is one person's.
    pub(super) fn is_one(&self, rules: &Rules) -> bool {
        self.users.len() <= rules.users_max
    }
}

/// The links, as one event sees and changes them.
pub(super) struct Links<'a, 'b> {
    cx: &'a Context<'b>,
    rules: &'a Rules,
}

impl<'a, 'b> Links<'a, 'b> {
    pub(super) fn new(cx: &'a Context<'b>, rules: &'a Rules) -> Self {
        Self { cx, rules }
    }

    pub(super) fn now_ms(&self) -> i64 {
        self.cx.now_ms
    }

    pub(super) fn attempt(&self) -> u32 {
        self.cx.attempt
    }

    /// What is known of sessions, each in its place.
    pub(super) fn sessions(&self, keys: &[Key]) -> Result<Vec<Option<Link>>, StepError> {
        keys.iter().map(|key| self.session(&key.name)).collect()
    }

    fn session(&self, name: &str) -> Result<Option<Link>, StepError> {
        let Some(mut link): Option<Link> = self.get(name)? else { return Ok(None) };
        link.user = self.present(link.user)?;
        // An order that came before its cart's browser.
        if let (None, Some(via)) = (&link.anonymous, &link.via) {
            let other: Option<Link> = self.get(via)?;
            link.anonymous = other.and_then(|other| other.anonymous);
        }
        Ok(Some(link))
    }

    /// The user of the first of these persons that has one.
    pub(super) fn user_of_persons(&self, keys: &[Key]) -> Result<Option<String>, StepError> {
        for key in keys {
            let link: Option<Link> = self.get(&key.name)?;
            if let Some(user) = link.and_then(|link| link.user) {
                return self.present(Some(user));
            }
        }
        Ok(None)
    }

    /// What is known of a browser.
    pub(super) fn browser(&self, anonymous: &str) -> Result<Option<Browser>, StepError> {
        let Some(mut browser): Option<Browser> = self.get(&browser_key(anonymous))? else { return Ok(None) };
        browser.user = self.present(browser.user)?;
        Ok(Some(browser))
    }

    /// Who a user is now.
    fn present(&self, user: Option<String>) -> Result<Option<String>, StepError> {
        let Some(mut user) = user else { return Ok(None) };
        if !self.rules.merge || !self.is_kept(ALIASES)? {
            return Ok(Some(user));
        }
        for _ in 0..ALIASES_MAX {
            let Some(next) = self.get::<String>(&alias_key(&user))? else { break };
            user = next;
        }
        Ok(Some(user))
    }

    /// A user is another from now on.
    pub(super) fn learn_alias(&mut self, previous: &str, user: &str) -> Result<(), StepError> {
        // What was said the other way round before is taken back: who is followed in a circle is nobody.
        if self.present(Some(user.to_owned()))?.as_deref() == Some(previous) {
            self.cx.session.remove(&self.cx.part, &alias_key(user)).map_err(|error| failed(&error))?;
        }
        if previous != user {
            self.write_if(ALIASES, self.rules.ttl_ms, true, b"1".to_vec())?;
            self.put(&alias_key(previous), None, &user)?;
        }
        Ok(())
    }

    /// Ties the sessions of an event to its browser and its user. What waits for the browser of one goes on. Gives derived ids that
    /// have gone out for these sessions and are found to be the user's.
    pub(super) fn learn_sessions(
        &mut self,
        seen: &Seen,
        known: &[Option<Link>],
        user: Option<&str>,
    ) -> Result<Vec<String>, StepError> {
        let goes_as = if seen.anonymous.is_none() { seen.derived.as_ref() } else { None };
        let mut found = Vec::new();
        for (key, known) in seen.sessions.iter().zip(known) {
            let mut link = known.clone().unwrap_or_default();
            let is_later = seen.at_ms >= link.at_ms;
            if known.is_none() {
                self.cx.session.wake(&self.word_told(key));
            }
            // The browser in which a session began stays its browser.
            // Found by way of another session, or by this event: it was not known when others came.
            let is_found = link.via.is_some() && link.anonymous.is_some();
            if link.anonymous.is_none() && seen.anonymous.is_some() || is_found {
                link.anonymous = link.anonymous.or_else(|| seen.anonymous.clone());
                self.cx.session.wake(&self.word(key));
            }
            if link.anonymous.is_some() {
                link.via = None;
            } else {
                link.derived = link.derived.or_else(|| goes_as.cloned());
                let beside = || seen.sessions.iter().find(|other| *other != key).map(|other| other.name.clone());
                link.via = link.via.or_else(beside);
            }
            if user.is_none() {
                link.loose |= goes_as.is_some();
            } else if std::mem::take(&mut link.loose) && link.derived.as_ref() != goes_as {
                found.extend(link.derived.clone().filter(|id| !found.contains(id)));
            }
            if link.anonymous.is_some() && !link.loose {
                link.derived = None;
            }
            if let Some(user) = user
                && (link.user.is_none() || is_later)
                && link.user.as_deref() != Some(user)
            {
                link.user = Some(user.to_owned());
                link.at_ms = seen.at_ms;
            }
            if link != Link::default() {
                self.put(&key.name, known.as_ref(), &link)?;
            }
        }
        Ok(found)
    }

    /// Ties the persons of an event to its user.
    pub(super) fn learn_persons(&mut self, seen: &Seen, user: &str) -> Result<(), StepError> {
        for key in &seen.persons {
            let known: Option<Link> = self.get(&key.name)?;
            if known.as_ref().is_some_and(|link| link.user.is_some() && link.at_ms > seen.at_ms) {
                continue;
            }
            let same = known.as_ref().filter(|link| link.user.as_deref() == Some(user));
            let link = Link {
                user: Some(user.to_owned()),
                at_ms: same.map_or(seen.at_ms, |link| link.at_ms),
                ..Link::default()
            };
            self.put(&key.name, known.as_ref(), &link)?;
        }
        Ok(())
    }

    /// Ties a browser to the user of an event. Whether Segment is to be told of both.
    pub(super) fn learn_browser(
        &mut self,
        anonymous: &str,
        known: Option<Browser>,
        user: Option<&str>,
        news: &News,
    ) -> Result<bool, StepError> {
        let Some(user) = user else {
            // Keeps what is known alive while the browser is seen.
            return known
                .map_or(Ok(false), |known| self.put(&browser_key(anonymous), Some(&known), &known).map(|()| false));
        };
        let mut browser = known.clone().unwrap_or_default();
        let is_same = browser.user.as_deref() == Some(user);
        // Who has signed out is not back because an earlier event comes late.
        let is_held = browser.user.is_some() || browser.left;
        if !is_same && is_held && !(news.may_switch && news.at_ms >= browser.at_ms) {
            return Ok(false);
        }
        if !is_same {
            browser.user = Some(user.to_owned());
            browser.at_ms = news.at_ms;
            browser.since_ms = news.at_ms;
            browser.left = false;
            browser.signed_in = false;
        }
        browser.since_ms = browser.since_ms.min(news.at_ms);
        browser.signed_in |= news.signed_in;
        let had = browser.users.iter().position(|have| have == user);
        let tell = had.is_none() && browser.is_one(self.rules);
        if let Some(at) = had {
            // A browser that goes back and forth is to be told of once.
            let last = browser.users.remove(at);
            browser.users.push(last);
        } else if browser.is_one(self.rules) {
            browser.users.push(user.to_owned());
        }
        let is_one = browser.is_one(self.rules);
        self.put(&browser_key(anonymous), known.as_ref(), &browser)?;
        Ok(tell && is_one && !news.told)
    }

    /// A browser's user has gone, at that time.
    pub(super) fn reset(&mut self, anonymous: &str, at_ms: i64) -> Result<Option<Browser>, StepError> {
        let known = self.browser(anonymous)?;
        if known.as_ref().is_some_and(|known| known.at_ms > at_ms) {
            return Ok(known);
        }
        // Kept even of a browser that nothing is known of: what its user did before may come later.
        let before = known.clone().unwrap_or_default();
        let browser = Browser { user: None, at_ms, left: true, signed_in: false, ..before };
        self.put(&browser_key(anonymous), known.as_ref(), &browser)?;
        Ok(Some(browser))
    }

    /// Browsers are heard of.
    pub(super) fn browsers_are_there(&mut self) -> Result<(), StepError> {
        self.write_if(BROWSERS, BROWSERS_MS, false, b"1".to_vec())
    }

    /// Whether browsers were heard of lately.
    pub(super) fn are_browsers_there(&self) -> Result<bool, StepError> {
        self.is_kept(BROWSERS)
    }

    fn is_kept(&self, name: &str) -> Result<bool, StepError> {
        Ok(self.cx.session.get(&self.cx.part, name).map_err(|error| failed(&error))?.is_some())
    }

    /// The word that lets events go on which wait for the browser of a session.
    pub(super) fn word(&self, session: &Key) -> String {
        format!("{}/{}", self.cx.part, session.name)
    }

    /// The word that lets events go on which wait until anything is told of a session.
    pub(super) fn word_told(&self, session: &Key) -> String {
        format!("{}/told/{}", self.cx.part, session.name)
    }

    fn get<T: for<'de> Deserialize<'de>>(&self, name: &str) -> Result<Option<T>, StepError> {
        let entry = self.cx.session.get(&self.cx.part, name).map_err(|error| failed(&error))?;
        // What cannot be read was written by another version: it is learnt again.
        Ok(entry.and_then(|entry| serde_json::from_slice(&entry.value).ok()))
    }

    /// Keeps what is known; what has not changed, only if half of its time is over.
    fn put<T: Serialize + PartialEq>(&mut self, name: &str, known: Option<&T>, now: &T) -> Result<(), StepError> {
        let value = serde_json::to_vec(now).map_err(|error| StepError::new("state", error.to_string()))?;
        self.write_if(name, self.rules.ttl_ms, known != Some(now), value)
    }

    fn write_if(&mut self, name: &str, ttl_ms: u64, changed: bool, value: Vec<u8>) -> Result<(), StepError> {
        let session = self.cx.session;
        if !changed {
            let entry = session.get(&self.cx.part, name).map_err(|error| failed(&error))?;
            let half = i64::try_from(ttl_ms / 2).unwrap_or(i64::MAX);
            if entry.is_some_and(|entry| entry.expires_ms.saturating_sub(self.cx.now_ms) > half) {
                return Ok(());
            }
        }
        session.set(&self.cx.part, name, value, Some(ttl_ms)).map_err(|error| failed(&error))
    }
}

fn browser_key(anonymous: &str) -> String {
    template::bounded(format!("{BROWSER}:{anonymous}"))
}

fn alias_key(user: &str) -> String {
    template::bounded(format!("{ALIAS}:{user}"))
}

fn failed(error: &dyn fmt::Display) -> StepError {
    StepError::new("state", error.to_string())
}
