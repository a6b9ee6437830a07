//! Event names that are put together from a delivery: `shop {headers.x-topic}`, `{body.type}`.

use rhai::{Dynamic, ImmutableString, Map};

use crate::event::Delivery;
use crate::source::form;

/// A text with places to fill in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Template {
    pieces: Vec<Piece>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    Text(String),
    Header(String),
    Query(String),
    Body(Vec<String>),
}

impl Template {
    /// Reads a template; the error says what is wrong with it.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let mut pieces = Vec::new();
        let mut rest = text;
        while let Some(open) = rest.find('{') {
            let close = rest[open..].find('}').ok_or("`{` is not closed")? + open;
            if open > 0 {
                pieces.push(Piece::Text(rest[..open].to_owned()));
            }
            let place = rest[open + 1..close].trim();
            pieces.push(match place.split_once('.') {
                Some(("headers", name)) if !name.is_empty() => Piece::Header(name.to_ascii_lowercase()),
                Some(("query", name)) if !name.is_empty() => Piece::Query(name.to_owned()),
                Some(("body", path)) if path.split('.').all(|key| !key.is_empty()) => {
                    Piece::Body(path.split('.').map(str::to_owned).collect())
                }
                _ => return Err(format!("`{{{place}}}` is not {{headers.name}}, {{query.name}} or {{body.field}}")),
            });
            rest = &rest[close + 1..];
        }
        if !rest.is_empty() {
            pieces.push(Piece::Text(rest.to_owned()));
        }
        Ok(Self { pieces })
    }

    /// The headers that it needs.
    pub(super) fn headers(&self) -> impl Iterator<Item = &str> {
        self.pieces.iter().filter_map(|piece| match piece {
            Piece::Header(name) => Some(name.as_str()),
            _ => None,
        })
    }

    /// The fields of the body that it needs.
    pub(super) fn fields(&self) -> impl Iterator<Item = &[String]> {
        self.pieces.iter().filter_map(|piece| match piece {
            Piece::Body(path) => Some(path.as_slice()),
            _ => None,
        })
    }

    /// Filled in; `None` if a place holds no text or number.
    pub(super) fn fill(&self, delivery: &Delivery, body: &Map) -> Option<String> {
        let mut out = String::new();
        for piece in &self.pieces {
            match piece {
                Piece::Text(text) => out.push_str(text),
                Piece::Header(name) => out.push_str(delivery.header(name)?),
                Piece::Query(name) => out.push_str(&form::value(&delivery.query, name)?),
                Piece::Body(path) => out.push_str(&field(body, path)?),
            }
        }
        (!out.is_empty()).then_some(out)
    }
}

fn field(map: &Map, path: &[String]) -> Option<String> {
    let [first, rest @ ..] = path else { return None };
    let value: &Dynamic = map.get(first.as_str())?;
    if rest.is_empty() {
        if let Some(text) = value.read_lock::<ImmutableString>() {
            return Some(text.to_string());
        }
        return (value.is_int() || value.is_bool()).then(|| value.to_string());
    }
    let inner = value.read_lock::<Map>()?;
    field(&inner, rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fills_in_headers_query_and_body() {
        let delivery = Delivery {
            query: "kind=a+b".into(),
            headers: vec![("x-topic".into(), "order".into())],
            ..Delivery::default()
        };
        let mut inner = Map::new();
        inner.insert("name".into(), "paid".into());
        inner.insert("n".into(), Dynamic::from_int(7));
        let mut body = Map::new();
        body.insert("event".into(), Dynamic::from_map(inner));
        for (text, expected) in [
            ("Webhook Received", Some("Webhook Received")),
            ("{headers.X-Topic} {body.event.name}", Some("order paid")),
            ("{query.kind}/{body.event.n}!", Some("a b/7!")),
            ("{body.event}", None),
            ("{body.none}", None),
            ("{headers.none}", None),
        ] {
            assert_eq!(Template::parse(text).unwrap().fill(&delivery, &body).as_deref(), expected, "{text}");
        }
        for bad in ["{", "{}", "{event}", "{body.}", "{body.a..b}"] {
            assert!(Template::parse(bad).is_err(), "{bad}");
        }
    }
}
