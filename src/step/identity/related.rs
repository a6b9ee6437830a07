//! What else stands for a person, by the links: for erasing one.

use std::collections::{BTreeMap, BTreeSet};

use super::links::{BROWSER, Browser, Link};
use crate::state::Entry;

/// The other names of the person that `values` name: users, addresses, tokens of carts and orders, browsers.
///
/// A browser that another has now stays out, and so does all that leads from it to that other.
pub(super) fn related(entries: &BTreeMap<String, Entry>, kinds: &[&str], values: &[String]) -> Vec<String> {
    let (mut browsers, mut links) = (BTreeMap::new(), Vec::new());
    for (name, entry) in entries {
        if let Some(id) = value_of(name, BROWSER) {
            if let Ok(browser) = serde_json::from_slice::<Browser>(&entry.value) {
                browsers.insert(id, browser);
            }
        } else if let Some(value) = kinds.iter().find_map(|kind| value_of(name, kind))
            && let Ok(link) = serde_json::from_slice::<Link>(&entry.value)
        {
            links.push((value, link));
        }
    }
    let given: BTreeSet<String> = values.iter().map(|value| value.trim().to_lowercase()).collect();
    let named = |value: &str| given.contains(&value.to_lowercase());
    let mut users: BTreeSet<&str> = links
        .iter()
        .filter(|(value, _)| named(value))
        .filter_map(|(_, link)| link.user.as_deref())
        .chain(links.iter().filter_map(|(_, link)| link.user.as_deref()).filter(|user| named(user)))
        .collect();
    users.extend(browsers.values().filter_map(|browser| browser.user.as_deref()).filter(|user| named(user)));
    let own = |id: &str| {
        let user = browsers.get(id).and_then(|browser| browser.user.as_deref());
        user.is_none_or(|user| users.contains(user))
    };
    let is_users = |link: &Link| link.user.as_deref().is_some_and(|user| users.contains(user));
    let mut anonymous: BTreeSet<&str> = links
        .iter()
        .filter(|(value, link)| is_users(link) || link.user.is_none() && named(value))
        .filter_map(|(_, link)| link.anonymous.as_deref())
        .filter(|id| own(id))
        .collect();
    let theirs = |browser: &Browser| browser.user.as_deref().is_some_and(|user| users.contains(user));
    anonymous.extend(browsers.iter().filter(|(_, browser)| theirs(browser)).map(|(id, _)| *id));
    let of_browser =
        |link: &Link| link.user.is_none() && link.anonymous.as_deref().is_some_and(|id| anonymous.contains(id));
    let sessions = links.iter().filter(|(_, link)| is_users(link) || of_browser(link)).map(|(value, _)| *value);
    let all: BTreeSet<&str> = sessions.chain(users.iter().copied()).chain(anonymous.iter().copied()).collect();
    all.into_iter().filter(|value| !named(value)).map(str::to_owned).collect()
}

fn value_of<'a>(name: &'a str, kind: &str) -> Option<&'a str> {
    name.strip_prefix(kind)?.strip_prefix(':')
}
