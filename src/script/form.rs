//! Form bodies and query strings as maps, for sources and for scripts.

use rhai::{Array, Dynamic, Map};
use url::form_urlencoded;

/// The pairs of a form or query as a map. A repeated key (also `key[]`) becomes an array; all values are texts.
pub fn map(text: &[u8]) -> Map {
    let mut map = Map::new();
    for (key, value) in form_urlencoded::parse(text) {
        let (key, array) = match key.strip_suffix("[]") {
            Some(key) if !key.is_empty() => (key, true),
            _ => (&*key, false),
        };
        let value = Dynamic::from(value.into_owned());
        match map.get_mut(key) {
            None if array => {
                map.insert(key.into(), Dynamic::from_array(vec![value]));
            }
            None => {
                map.insert(key.into(), value);
            }
            Some(have) => {
                if let Some(mut items) = have.write_lock::<Array>() {
                    items.push(value);
                    continue;
                }
                let first = std::mem::take(have);
                *have = Dynamic::from_array(vec![first, value]);
            }
        }
    }
    map
}
