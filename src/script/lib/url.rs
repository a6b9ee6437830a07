//! `url::`: addresses and query strings.

use std::borrow::Cow;
use std::rc::Rc;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use rhai::{Array, Dynamic, Map};
use url::{Url, form_urlencoded};

use super::{Fun, Native, arg, put, put_text};
use crate::script::run::Fault;

mod change;

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
        name: "url::all",
        signature: "url::all(url_or_query, name) -> array",
        about: "All values of a query parameter that may be repeated, in their order.",
        example: r#"url::all("https://example.com/?tag=a&tag=b%20c&x=1", "tag") == ["a", "b c"]
url::all((), "tag") == []"#,
        add: |module, lib| {
            let run = Rc::clone(&lib.run);
            put(module, "all", move |value: Dynamic, name: &str| -> Native<Array> {
                let Some(text) = arg::text(&value, "all")? else { return Ok(Array::new()) };
                run.charge_bytes(text.len())?;
                let mut all = Array::new();
                for (_, value) in pairs(query_of(&text)).filter(|(key, _)| *key == name) {
                    run.allow_items(all.len() + 1)?;
                    all.push(value.into_owned().into());
                }
                Ok(all)
            });
        },
    },
    Fun {
        name: "url::build",
        signature: "url::build(params) -> text",
        about: "A query string of a map's entries; absent ones are left out, arrays repeat the name.",
        example: r#"url::build(#{ a: "x y", b: 2, c: () }) == "a=x+y&b=2"
url::build(#{ tag: ["a", "b"] }) == "tag=a&tag=b""#,
        add: |module, lib| {
            let run = Rc::clone(&lib.run);
            put(module, "build", move |params: &mut Map| Ok::<_, Fault>(Dynamic::from(change::build(&run, params)?)));
        },
    },
    Fun {
        name: "url::decode",
        signature: "url::decode(text) -> text",
        about: "A percent-encoded text in clear, as decodeURIComponent does.",
        example: r#"url::decode("a%20b") == "a b""#,
        add: |module, lib| put_text(module, lib, "decode", |text| Ok(decoded(text).into())),
    },
    Fun {
        name: "url::encode",
        signature: "url::encode(text) -> text",
        about: "A text percent-encoded for a part of an address, as encodeURIComponent does.",
        example: r#"url::encode("a b&c") == "a%20b%26c""#,
        add: |module, lib| {
            let run = Rc::clone(&lib.run);
            put_text(module, lib, "encode", move |text| {
                run.allow_bytes(text.len().saturating_mul(3))?;
                Ok(utf8_percent_encode(text, COMPONENT).to_string().into())
            });
        },
    },
    Fun {
        name: "url::join",
        signature: "url::join(base, address) -> text",
        about: "An address that may be relative, as seen from another; `()` if that makes none.",
        example: r#"url::join("https://example.com/shop/cart", "../p/1?x=2") == "https://example.com/p/1?x=2"
url::join("https://example.com/shop", "//cdn.example.com/a.png") == "https://cdn.example.com/a.png""#,
        add: |module, lib| {
            let run = Rc::clone(&lib.run);
            put(module, "join", move |base: Dynamic, address: Dynamic| -> Native {
                let Some(base) = arg::text(&base, "join")? else { return Ok(Dynamic::UNIT) };
                arg::try_text(&address, "join", |address| {
                    run.charge_bytes(base.len() + address.len())?;
                    let joined = Url::parse(base.trim()).and_then(|base| base.join(address.trim()));
                    Ok(joined.map_or(Dynamic::UNIT, |url| String::from(url).into()))
                })
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
        add: |module, lib| {
            let run = Rc::clone(&lib.run);
            put(module, "param", move |value: Dynamic, name: &str| {
                arg::try_text(&value, "param", |text| {
                    run.charge_bytes(text.len())?;
                    let found = pairs(query_of(text)).find(|(key, _)| *key == name);
                    Ok(found.map_or(Dynamic::UNIT, |(_, value)| value.into_owned().into()))
                })
            });
        },
    },
    Fun {
        name: "url::parse",
        signature: "url::parse(url) -> map",
        about: "The parts of an address: scheme, user, password, host, port, origin, path, search, query (a map), fragment. A relative one has \
                only the last four; parts that are not there are absent.",
        example: r#"url::parse("https://shop.example.com:8443/a/b?x=1#top").host == "shop.example.com"
url::parse("https://shop.example.com:8443/a/b?x=1#top").port == 8443
url::parse("https://shop.example.com:8443/a/b?x=1#top").origin == "https://shop.example.com:8443"
url::parse("/a?x=1").query.x == "1"
url::parse("/a?x=1").host == ()"#,
        add: |module, lib| put_text(module, lib, "parse", |text| Ok(parse(text))),
    },
    Fun {
        name: "url::query",
        signature: "url::query(text) -> map",
        about: "The parameters of a query string, or of an address's query, as a map. Of a repeated one the last value counts.",
        example: r#"url::query("a=1&b=x+y").b == "x y"
url::query("https://example.com/?a=1") == #{ a: "1" }"#,
        add: |module, lib| put_text(module, lib, "query", |text| Ok(query(query_of(text)).into())),
    },
    Fun {
        name: "url::replace",
        signature: "url::replace(url, params) -> text",
        about: "An address with these query parameters instead of those it has of the same names; `()` takes a parameter away.",
        example: r#"url::replace("https://example.com/a?x=1&y=2#top", #{ x: "new", z: 3, y: () }) == "https://example.com/a?x=new&z=3#top""#,
        add: |module, lib| {
            let run = Rc::clone(&lib.run);
            put(module, "replace", move |value: Dynamic, params: Map| {
                arg::try_text(&value, "replace", |text| change::replace(&run, text, &params))
            });
        },
    },
    Fun {
        name: "url::without",
        signature: "url::without(url, names?) -> text",
        about: "An address without these query parameters (tokens and e-mail addresses that links carry), or without query and fragment.",
        example: r#"url::without("https://example.com/a?token=s3cret&x=1", ["token"]) == "https://example.com/a?x=1"
url::without("https://example.com/a?token=s3cret#top") == "https://example.com/a""#,
        add: |module, lib| {
            put_text(module, lib, "without", |text| Ok(text.split(['?', '#']).next().unwrap_or_default().into()));
            let run = Rc::clone(&lib.run);
            put(module, "without", move |value: Dynamic, names: Array| {
                arg::try_text(&value, "without", |text| change::without(&run, text, &names))
            });
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

fn decoded(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
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
        let origin = url.origin();
        part("origin", origin.is_tuple().then(|| origin.ascii_serialization().into()));
        part("user", (!url.username().is_empty()).then(|| decoded(url.username()).into()));
        part("password", url.password().map(|text| decoded(text).into()));
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
