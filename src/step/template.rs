//! A text with fields of the event in it, as `{properties.country}-{properties.currency}`; a field path alone is one too.

use rhai::{Dynamic, ImmutableString};

use super::{Build, paths};
use crate::diag::Diag;
use crate::path::Path;
use crate::registry::Options;
use crate::script::lib::arg::scalar;

/// A template, parsed.
pub(super) enum Template {
    /// One field.
    Field(Path),
    /// Texts and fields in turn.
    Pieces(Vec<Piece>),
}

/// A part of a template.
pub(super) enum Piece {
    /// As it stands.
    Text(String),
    /// The value of a field.
    Field(Path),
}

impl Template {
    /// Reads the template of an option.
    #[allow(clippy::result_large_err, reason = "only at load")]
    pub(super) fn read(name: &str, options: &Options, build: &mut Build<'_>) -> Result<Self, Diag> {
        let text = options.text(name);
        let span = options.span(name);
        if !text.contains('{') {
            return paths::read_singular(text, &span, options, build).map(Self::Field);
        }
        let mut pieces = Vec::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('{') {
            let Some((inside, after)) = after.split_once('}') else {
                return Err(options.error(name, "bad-template", format!("`{name}` has a `{{` without `}}`")));
            };
            if !before.is_empty() {
                pieces.push(Piece::Text(before.to_owned()));
            }
            pieces.push(Piece::Field(paths::read_singular(inside.trim(), &span, options, build)?));
            rest = after;
        }
        if !rest.is_empty() {
            pieces.push(Piece::Text(rest.to_owned()));
        }
        Ok(Self::Pieces(pieces))
    }

    /// The text for a value; `None` if one of its fields is neither text nor number.
    pub(super) fn fill(&self, value: &Dynamic) -> Option<ImmutableString> {
        match self {
            Self::Field(path) => path.with(value, |value| value.and_then(text)),
            Self::Pieces(pieces) => {
                let mut out = String::new();
                for piece in pieces {
                    match piece {
                        Piece::Text(text) => out.push_str(text),
                        Piece::Field(path) => out.push_str(&path.with(value, |value| value.and_then(text))?),
                    }
                }
                Some(out.into())
            }
        }
    }
}

fn text(value: &Dynamic) -> Option<ImmutableString> {
    value.as_immutable_string_ref().map_or_else(|_| scalar(value), |text| Some(text.clone()))
}
