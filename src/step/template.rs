//! Templates in options, with the place of what is wrong with them, and keys that are made of them.

use sha2::{Digest, Sha256};

use super::Build;
use crate::diag::Diag;
use crate::path::Template;
use crate::registry::Options;

/// Longer keys are kept by their digest.
const KEY_BYTES_MAX: usize = 200;

/// The template of a text option.
#[allow(clippy::result_large_err, reason = "only at load")]
pub(super) fn read(option: &str, options: &Options, build: &Build<'_>) -> Result<Template, Diag> {
    let text = options.text(option);
    Template::parse(text).map_err(|error| {
        let mut diag =
            options.error(option, "bad-template", format!("`{text}` is not a text with field paths: {error}"));
        let span = options.span(option);
        let written = build.tree.get(options.file()).and_then(|file| file.get(span.clone()));
        // A text in quotes begins behind them; one that was filled in from the environment has no places.
        if let Some(start) = written.and_then(|written| written.find(text)) {
            let at = span.start + start + error.offset;
            diag = diag.at(options.file(), at..at + 1);
        }
        diag.help = error.help.or_else(|| Some("write field paths in braces, as `{properties.order_id}`".to_owned()));
        diag
    })
}

/// A key as it is kept: long ones by their digest, so that whatever a field holds is bounded.
pub(super) fn bounded(key: String) -> String {
    if key.len() <= KEY_BYTES_MAX { key } else { format!("sha256:{}", hex::encode(Sha256::digest(key))) }
}
