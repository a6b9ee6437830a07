//! Form bodies and query strings as maps.

use rhai::{Dynamic, Map};
use url::form_urlencoded;

pub use crate::script::form::map;

/// Deeper keys stay flat: a hostile key of a thousand dots must not become a thousand maps inside each other.
const DEPTH_MAX: usize = 16;

/// The pairs of a query as nested maps: `properties.subject=x` is `{properties: {subject: x}}`. The last of a repeated key wins.
pub fn nested(query: &str) -> Map {
    let mut root = Map::new();
    for (key, value) in form_urlencoded::parse(query.as_bytes()) {
        let value = Dynamic::from(value.into_owned());
        let parts: Vec<_> = key.split('.').collect();
        if parts.len() > DEPTH_MAX || parts.iter().any(|part| part.is_empty()) {
            root.insert((&*key).into(), value);
        } else {
            insert(&mut root, &parts, value);
        }
    }
    root
}

fn insert(map: &mut Map, parts: &[&str], value: Dynamic) {
    let [first, rest @ ..] = parts else { return };
    if rest.is_empty() {
        map.insert((*first).into(), value);
        return;
    }
    let inner = map.entry((*first).into()).or_insert_with(|| Dynamic::from_map(Map::new()));
    if !inner.is_map() {
        *inner = Dynamic::from_map(Map::new());
    }
    if let Some(mut inner) = inner.write_lock::<Map>() {
        insert(&mut inner, rest, value);
    }
}

/// The first value of a key in a query.
pub fn value(query: &str, key: &str) -> Option<String> {
    form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == key).map(|(_, value)| value.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::to_json_value;
    use serde_json::json;

    fn shown(map: Map) -> serde_json::Value {
        to_json_value(&Dynamic::from_map(map)).unwrap()
    }

    #[test]
    fn repeated_keys_are_arrays() {
        assert_eq!(
            shown(map(b"a=1&b=x+y&a=2&c%5B%5D=3&d=%C3%A9&a=4&e")),
            json!({
                "a": ["1", "2", "4"], "b": "x y", "c": ["3"], "d": "é", "e": ""
            })
        );
    }

    #[test]
    fn dots_nest() {
        assert_eq!(
            shown(nested("type=track&properties.a.b=1&properties.c=2&x..y=3&n=1&n.m=2")),
            json!({"type": "track", "properties": {"a": {"b": "1"}, "c": "2"}, "x..y": "3", "n": {"m": "2"}})
        );
        let deep = format!("{}=1", vec!["a"; 5000].join("."));
        assert_eq!(nested(&deep).len(), 1);
    }
}
