//! `campaign::`: campaign parameters and click ids of an address.

use rhai::{Dynamic, Map};

use super::{Fun, put_text, url};

/// Parameters by which advertising platforms know a click again.
const CLICK_IDS: [&str; 33] = [
    "_kx",
    "awc",
    "cjevent",
    "dclid",
    "dicbo",
    "epik",
    "fbclid",
    "gad_campaignid",
    "gad_source",
    "gbraid",
    "gclid",
    "gclsrc",
    "igshid",
    "irclickid",
    "irgwc",
    "ko_click_id",
    "li_fat_id",
    "mc_cid",
    "mc_eid",
    "msclkid",
    "obclid",
    "qclid",
    "rdt_cid",
    "sccid",
    "scclid",
    "srsltid",
    "sscid",
    "tblci",
    "tduid",
    "ttclid",
    "twclid",
    "wbraid",
    "yclid",
];

/// The functions of the namespace.
pub const FUNS: &[Fun] = &[
    Fun {
        name: "campaign::click_ids",
        signature: "campaign::click_ids(url) -> map",
        about: "The click ids of an address (gclid, fbclid, msclkid, ttclid and their like); `()` if it has none.",
        example: r#"campaign::click_ids("https://example.com/?gclid=abc&x=1") == #{ gclid: "abc" }
campaign::click_ids("https://example.com/") == ()"#,
        add: |module, lib| put_text(module, lib, "click_ids", |text| Ok(some(chosen(text, click_id)))),
    },
    Fun {
        name: "campaign::context",
        signature: "campaign::context(url) -> map",
        about: "Everything of an address that belongs into `context.campaign`: the utm parameters, the click ids and `ref`; `()` if it has none.",
        example: r#"campaign::context("https://example.com/?utm_source=news&gclid=abc&ref=blog") == #{ source: "news", gclid: "abc", ref: "blog" }
campaign::context("https://example.com/") == ()"#,
        add: |module, lib| {
            put_text(module, lib, "context", |text| {
                let own = |key: &str| (key == "ref").then(|| key.to_owned());
                Ok(some(chosen(text, |key| utm(key).or_else(|| click_id(key)).or_else(|| own(key)))))
            });
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
        add: |module, lib| put_text(module, lib, "parse", |text| Ok(some(chosen(text, utm)))),
    },
    Fun {
        name: "campaign::referrer",
        signature: "campaign::referrer(url) -> map",
        about: "The id of an advertisement for `context.referrer`, as Segment's own library finds it: `btid` is of Dataxu, `urid` of Millennial \
                Media; `()` if it has none.",
        example: r#"campaign::referrer("https://example.com/?btid=abc") == #{ id: "abc", type: "dataxu" }
campaign::referrer("https://example.com/") == ()"#,
        add: |module, lib| {
            put_text(module, lib, "referrer", |text| {
                let found = url::pairs(url::query_of(text)).find_map(|(key, value)| {
                    let kind = match key.as_ref() {
                        "btid" => "dataxu",
                        "urid" => "millennial-media",
                        _ => return None,
                    };
                    (!value.is_empty()).then(|| (kind, value.into_owned()))
                });
                Ok(found.map_or(Dynamic::UNIT, |(kind, id)| {
                    Map::from([("id".into(), id.into()), ("type".into(), kind.into())]).into()
                }))
            });
        },
    },
];

fn utm(key: &str) -> Option<String> {
    let rest = key.strip_prefix("utm_").filter(|rest| !rest.is_empty())?;
    Some(if rest == "campaign" { "name" } else { rest }.to_owned())
}

fn click_id(key: &str) -> Option<String> {
    CLICK_IDS.iter().find(|id| **id == key).map(|id| (*id).to_owned())
}

/// The utm parameters of an address, named as in `context.campaign`.
pub fn parameters(text: &str) -> Map {
    chosen(text, utm)
}

/// The click ids of an address.
pub fn click_ids(text: &str) -> Map {
    chosen(text, click_id)
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
