//! What else stands for a person, by the links: for erasing one.

use std::collections::{BTreeMap, BTreeSet};

use super::links::{ALIAS, BROWSER, Browser, Link};
use crate::erasure::is_searchable;
use crate::state::Entry;

/// One link as it is kept.
struct Known<'a> {
    /// The key in the state.
    name: &'a str,
    value: &'a str,
    /// Whether the value stands for a visit, and so may be the number of something else.
    is_session: bool,
    link: Link,
}

/// The other names of the person that `values` name: users, addresses, tokens of carts and orders, browsers.
///
/// A short number is a customer's, never an order's: platforms count both from one. Where what stands for the person is too short to
/// be searched for, the keys of its links are named instead.
///
/// A browser that another has now stays out, and so does all that leads from it to that other.
pub(super) fn related(
    entries: &BTreeMap<String, Entry>,
    sessions: &[&str],
    persons: &[&str],
    values: &[String],
) -> Vec<String> {
    let (mut browsers, mut known, mut aliases) = (BTreeMap::new(), Vec::new(), Vec::new());
    for (name, entry) in entries {
        let session = sessions.iter().find_map(|kind| value_of(name, kind));
        if let Some(id) = value_of(name, BROWSER) {
            if let Ok(browser) = serde_json::from_slice::<Browser>(&entry.value) {
                browsers.insert(id, browser);
            }
        } else if let Some(previous) = value_of(name, ALIAS) {
            if let Ok(user) = serde_json::from_slice::<String>(&entry.value) {
                aliases.push((previous, user));
            }
        } else if let Some(value) = session.or_else(|| persons.iter().find_map(|kind| value_of(name, kind)))
            && let Ok(link) = serde_json::from_slice::<Link>(&entry.value)
        {
            known.push(Known { name, value, is_session: session.is_some(), link });
        }
    }
    let given: BTreeSet<String> = values.iter().map(|value| value.trim().to_lowercase()).collect();
    let named = |value: &str| given.contains(&value.to_lowercase());
    let is_meant = |known: &Known<'_>| named(known.value) && (!known.is_session || is_searchable(known.value));
    let mut users: BTreeSet<&str> = known
        .iter()
        .filter(|known| is_meant(known))
        .filter_map(|known| known.link.user.as_deref())
        .chain(known.iter().filter_map(|known| known.link.user.as_deref()).filter(|user| named(user)))
        .chain(browsers.values().filter_map(|browser| browser.user.as_deref()).filter(|user| named(user)))
        .chain(aliases.iter().flat_map(|(previous, user)| [*previous, user]).filter(|user| named(user)))
        .collect();
    // Who was merged is one person, whatever was merged first.
    let mut found = 0;
    while found < users.len() {
        found = users.len();
        for (previous, user) in &aliases {
            if users.contains(previous) || users.contains(&**user) {
                users.extend([*previous, user]);
            }
        }
    }
    let own = |id: &str| {
        let user = browsers.get(id).and_then(|browser| browser.user.as_deref());
        user.is_none_or(|user| users.contains(user))
    };
    let is_users = |link: &Link| link.user.as_deref().is_some_and(|user| users.contains(user));
    let mut anonymous: BTreeSet<&str> = known
        .iter()
        .filter(|known| is_users(&known.link) || known.link.user.is_none() && is_meant(known))
        .flat_map(|known| [known.link.anonymous.as_deref(), known.link.derived.as_deref()])
        .flatten()
        .filter(|id| own(id))
        .collect();
    let theirs = |browser: &Browser| browser.user.as_deref().is_some_and(|user| users.contains(user));
    anonymous.extend(browsers.iter().filter(|(_, browser)| theirs(browser)).map(|(id, _)| *id));
    let of_browser =
        |link: &Link| link.user.is_none() && link.anonymous.as_deref().is_some_and(|id| anonymous.contains(id));
    let mut all: BTreeSet<String> = users.iter().chain(&anonymous).map(|id| (*id).to_owned()).collect();
    for known in known.iter().filter(|known| is_users(&known.link) || of_browser(&known.link)) {
        all.insert(known.value.to_owned());
        let by_user = known.link.user.as_deref().is_none_or(is_searchable);
        if !by_user || !is_searchable(known.value) {
            all.insert(known.name.to_owned());
        }
    }
    for (id, _) in browsers.iter().filter(|(id, browser)| theirs(browser) && !is_searchable(id)) {
        all.insert(format!("{BROWSER}:{id}"));
    }
    for (previous, user) in aliases.iter().filter(|(previous, _)| users.contains(previous)) {
        if !is_searchable(previous) && !is_searchable(user) {
            all.insert(format!("{ALIAS}:{previous}"));
        }
    }
    all.into_iter().filter(|value| !named(value)).collect()
}

fn value_of<'a>(name: &'a str, kind: &str) -> Option<&'a str> {
    name.strip_prefix(kind)?.strip_prefix(':')
}
