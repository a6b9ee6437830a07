//! `url::`: addresses and query strings.

use std::borrow::Cow;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use rhai::{Dynamic, Map};
use url::{Url, form_urlencoded};

use super::{Fun, Native, arg, put};
use crate::script::fault::fault;

/// What `encodeURIComponent` leaves as it is.
const COMPONENT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'!')
    .remove(b'~')
    .remove(b'*')
    .remove(b'\'')
    .remove(b'(')
    .remove(b')');

/// The functions of the namespace.
pub const FUNS: &[Fun] = &[
    Fun {
        name: "url::build",
        signature: "url::build(params) -> text",
        about: "A query string of a map's entries; absent ones are left out.",
        example: r#"url::build(#{ a: "x y", b: 2, c: () }) == "a=x+y&b=2""#,
        add: |module, _| put(module, "build", |params: &mut Map| build(params)),
    },
    Fun {
        name: "url::decode",
        signature: "url::decode(text) -> text",
        about: "A percent-encoded text in clear, as decodeURIComponent does.",
        example: r#"url::decode("a%20b") == "a b""#,
        add: |module, _| {
            put(module, "decode", |value: Dynamic| {
                arg::map_text(&value, "decode", |text| percent_decode_str(text).decode_utf8_lossy().into_owned())
            });
        },
    },
    Fun {
        name: "url::encode",
        signature: "url::encode(text) -> text",
        about: "A text percent-encoded for a part of an address, as encodeURIComponent does.",
        example: r#"url::encode("a b&c") == "a%20b%26c""#,
        add: |module, _| {
            put(module, "encode", |value: Dynamic| {
                arg::map_text(&value, "encode", |text| utf8_percent_encode(text, COMPONENT).to_string())
            });
        },
    },
    Fun {
        name: "url::param",
        signature: "url::param(url_or_query, name) -> text",
        about: "The first value of a query parameter of an address or a bare query, decoded; `()` if it is not there.",
        example: r#"url::param("https://example.com/?ref=a%20b#top", "ref") == "a b"
url::param("ref=x&y=1", "y") == "1"
url::param((), "y") == ()"#,
        add: |module, _| {
            put(module, "param", |value: Dynamic, name: &str| {
                arg::map_text(&value, "param", |text| {
                    let found = pairs(query_of(text)).find(|(key, _)| *key == name);
                    found.map_or(Dynamic::UNIT, |(_, value)| value.into_owned().into())
                })
            });
        },
    },
    Fun {
        name: "url::parse",
        signature: "url::parse(url) -> map",
        about: "The parts of an address: scheme, host, port, path, search, query (a map), fragment. A relative one has only the last \
                four; parts that are not there are absent.",
        example: r#"url::parse("https://shop.example.com:8443/a/b?x=1#top").host == "shop.example.com"
url::parse("https://shop.example.com:8443/a/b?x=1#top").port == 8443
url::parse("/a?x=1").query.x == "1"
url::parse("/a?x=1").host == ()"#,
        add: |module, _| put(module, "parse", |value: Dynamic| arg::map_text(&value, "parse", parse)),
    },
    Fun {
        name: "url::query",
        signature: "url::query(text) -> map",
        about: "The parameters of a query string, or of an address's query, as a map. Of a repeated one the last value counts.",
        example: r#"url::query("a=1&b=x+y").b == "x y"
url::query("https://example.com/?a=1") == #{ a: "1" }"#,
        add: |module, _| {
            put(module, "query", |value: Dynamic| arg::map_text(&value, "query", |text| query(query_of(text))));
        },
    },
];

/// The decoded pairs of a query string.
pub fn pairs(query: &str) -> impl Iterator<Item = (Cow<'_, str>, Cow<'_, str>)> {
    form_urlencoded::parse(query.as_bytes())
}

/// The query of an address; a text without `?` that has a `=` is a query itself.
pub fn query_of(text: &str) -> &str {
    let text = text.split('#').next().unwrap_or_default();
    match text.split_once('?') {
        Some((_, query)) => query,
        None if text.contains('=') && !text.contains("://") => text,
        None => "",
    }
}

fn query(text: &str) -> Map {
    pairs(text).map(|(key, value)| (key.as_ref().into(), value.into_owned().into())).collect()
}

fn parse(text: &str) -> Dynamic {
    let mut parts = Map::new();
    let mut part = |name: &str, value: Option<Dynamic>| {
        if let Some(value) = value {
            parts.insert(name.into(), value);
        }
    };
    let found_query;
    if let Ok(url) = Url::parse(text.trim()) {
        part("scheme", Some(url.scheme().into()));
        part("host", url.host_str().map(Into::into));
        part("port", url.port_or_known_default().map(|port| Dynamic::from_int(port.into())));
        part("path", Some(url.path().into()));
        part("fragment", url.fragment().map(Into::into));
        found_query = url.query().unwrap_or_default().to_string();
    } else {
        let (before, fragment) =
            text.split_once('#').map_or((text, None), |(before, fragment)| (before, Some(fragment)));
        let (path, query) = before.split_once('?').unwrap_or((before, ""));
        part("path", Some(path.into()));
        part("fragment", fragment.map(Into::into));
        found_query = query.to_string();
    }
    part("search", (!found_query.is_empty()).then(|| format!("?{found_query}").into()));
    part("query", Some(query(&found_query).into()));
    parts.into()
}

fn build(params: &Map) -> Native {
    let mut out = form_urlencoded::Serializer::new(String::new());
    for (key, value) in params {
        if value.is_array() || value.is_map() {
            return Err(fault(format!("build takes texts and numbers, and `{key}` is {}", arg::kind(value))));
        }
        if let Some(text) = arg::text(value, "build")? {
            out.append_pair(key, &text);
        }
    }
    Ok(out.finish().into())
}
