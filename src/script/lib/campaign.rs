//! `campaign::`: campaign parameters and click ids of an address.

use rhai::{Dynamic, Map};

use super::{Fun, arg, put, url};

/// Parameters by which advertising platforms know a click again.
const CLICK_IDS: [&str; 16] = [
    "dclid",
    "epik",
    "fbclid",
    "gad_source",
    "gbraid",
    "gclid",
    "gclsrc",
    "irclickid",
    "li_fat_id",
    "msclkid",
    "rdt_cid",
    "sccid",
    "srsltid",
    "ttclid",
    "twclid",
    "wbraid",
];

/// The functions of the namespace.
pub const FUNS: &[Fun] = &[
    Fun {
        name: "campaign::click_ids",
        signature: "campaign::click_ids(url) -> map",
        about: "The click ids of an address (gclid, fbclid, msclkid, ttclid and their like); `()` if it has none.",
        example: r#"campaign::click_ids("https://example.com/?gclid=abc&x=1") == #{ gclid: "abc" }
campaign::click_ids("https://example.com/") == ()"#,
        add: |module, _| {
            put(module, "click_ids", |value: Dynamic| arg::map_text(&value, "click_ids", |text| some(click_ids(text))));
        },
    },
    Fun {
        name: "campaign::parse",
        signature: "campaign::parse(url) -> map",
        about: "The utm parameters of an address for `context.campaign`: source, medium, name, term, content and any other, without \
                the prefix; `()` if it has none.",
        example: r#"campaign::parse("https://example.com/?utm_source=news&utm_campaign=Spring%20Sale") == #{ source: "news", name: "Spring Sale" }
campaign::parse("/?x=1") == ()
campaign::parse(()) == ()"#,
        add: |module, _| {
            put(module, "parse", |value: Dynamic| arg::map_text(&value, "parse", |text| some(parameters(text))));
        },
    },
];

/// The utm parameters of an address, named as in `context.campaign`.
pub fn parameters(text: &str) -> Map {
    chosen(text, |key| {
        let rest = key.strip_prefix("utm_").filter(|rest| !rest.is_empty())?;
        Some(if rest == "campaign" { "name" } else { rest }.to_string())
    })
}

/// The click ids of an address.
pub fn click_ids(text: &str) -> Map {
    chosen(text, |key| CLICK_IDS.iter().find(|id| **id == key).map(|id| (*id).to_string()))
}

fn some(map: Map) -> Dynamic {
    if map.is_empty() { Dynamic::UNIT } else { map.into() }
}

/// The parameters that `name` gives a name to. Empty values do not count, and of a repeated one the first does.
fn chosen(text: &str, name: impl Fn(&str) -> Option<String>) -> Map {
    let mut map = Map::new();
    for (key, value) in url::pairs(url::query_of(text)).filter(|(_, value)| !value.is_empty()) {
        if let Some(name) = name(&key.to_ascii_lowercase()) {
            map.entry(name.into()).or_insert_with(|| value.into_owned().into());
        }
    }
    map
}
