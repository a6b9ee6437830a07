//! Paths in options, with the place of what is wrong with them.

use super::Build;
use crate::diag::{Diag, Span, did_you_mean};
use crate::json::Mask;
use crate::path::{Path, Segment, SetError, Template};
use crate::registry::{OptionValue, Options};
use crate::step::StepError;

/// Parses a path that stands at `span` of the options' file.
#[allow(clippy::result_large_err, reason = "only at load")]
pub(super) fn read(text: &str, span: &Span, options: &Options, build: &mut Build<'_>) -> Result<Path, Diag> {
    let path = Path::parse(text).map_err(|error| {
        let mut diag = Diag::error("bad-path", format!("`{text}` is not a field path: {error}"));
        diag = diag.at(options.file(), inside(text, span, error.offset, options, build));
        diag.help = error.help;
        diag
    })?;
    // The name of an event has no fields: who writes this thinks of the script's variable.
    if let Some(rest) = text.strip_prefix("event.") {
        let diag = Diag::warning("path-event", format!("`{text}` means the field `{rest}` of the field `event`"));
        let diag = diag.at(options.file(), span.clone()).help(format!("for the event's own field write `{rest}`"));
        build.warnings.push(diag);
    }
    if let Some((first, near)) = misspelt(text) {
        let diag = Diag::warning("path-field", format!("Segment messages have no field `{first}`"));
        let diag = diag.at(options.file(), inside(first, span, 0, options, build));
        build.warnings.push(diag.help(format!("did you mean `{near}`?")));
    }
    Ok(path)
}

/// The first field of a path, if it looks like a misspelt field of Segment's, and that field.
fn misspelt(path: &str) -> Option<(&str, &'static str)> {
    const FIELDS: [&str; 19] = [
        "anonymousId",
        "category",
        "channel",
        "context",
        "event",
        "groupId",
        "integrations",
        "messageId",
        "name",
        "originalTimestamp",
        "previousId",
        "properties",
        "receivedAt",
        "sentAt",
        "timestamp",
        "traits",
        "type",
        "userId",
        "version",
    ];
    let first = path.split(['.', '[']).next()?;
    // Another system's spelling, as `user_id`, is no slip: it may be about to be renamed.
    let plain = |name: &str| name.replace('_', "").to_lowercase();
    if FIELDS.iter().any(|field| plain(field) == plain(first)) || first.chars().count() < 4 {
        return None;
    }
    did_you_mean(first, FIELDS).map(|near| (first, near))
}

/// The same for a path without `*`.
#[allow(clippy::result_large_err, reason = "only at load")]
pub(super) fn read_singular(text: &str, span: &Span, options: &Options, build: &mut Build<'_>) -> Result<Path, Diag> {
    let path = read(text, span, options, build)?;
    if path.is_singular() {
        return Ok(path);
    }
    let diag = Diag::error("bad-path", format!("`{text}` names more than one place"));
    Err(diag.at(options.file(), span.clone()).help("`*` cannot be used here; a script can loop over the elements"))
}

/// The option `value` as a list of paths.
pub(super) fn read_list(options: &Options, build: &mut Build<'_>) -> Result<Vec<Path>, Vec<Diag>> {
    collect(options.items("value").iter().filter_map(|(value, span)| {
        let OptionValue::Text(text) = value else {
            return None;
        };
        Some(read(text, span, options, build))
    }))
}

/// All results, or all problems.
pub(super) fn collect<T>(results: impl Iterator<Item = Result<T, Diag>>) -> Result<Vec<T>, Vec<Diag>> {
    let mut values = Vec::new();
    let mut problems = Vec::new();
    for result in results {
        match result {
            Ok(value) => values.push(value),
            Err(problem) => problems.push(problem),
        }
    }
    if problems.is_empty() { Ok(values) } else { Err(problems) }
}

/// What must be decoded to come to the places of these paths, and not what stands there.
pub(super) fn ways<'a>(paths: impl IntoIterator<Item = &'a Path>) -> Mask {
    let mut mask = Mask::opened();
    paths.into_iter().filter_map(|path| way(path.segments(), None)).for_each(|way| mask.merge(&way));
    mask
}

/// What must be decoded to look at what a path names.
pub(super) fn whole(path: &Path) -> Mask {
    way(path.segments(), Some(Mask::Whole)).unwrap_or_else(Mask::opened)
}

/// What must be decoded to fill in a template.
pub(super) fn filled(template: &Template) -> Mask {
    let mut mask = Mask::opened();
    template.paths().for_each(|path| mask.merge(&whole(path)));
    mask
}

fn way(segments: &[Segment], end: Option<Mask>) -> Option<Mask> {
    let Some((first, rest)) = segments.split_first() else { return end };
    let mut mask = Mask::opened();
    if let Some(inside) = way(rest, end) {
        match first {
            Segment::Key(key) => *mask.key(key) = inside,
            Segment::Index(_) => *mask.items() = inside,
            Segment::Any => mask.merge_any(inside),
        }
    }
    Some(mask)
}

/// An event whose shape does not allow what a step should do.
pub(super) fn blocked(error: &SetError) -> StepError {
    StepError::new("path-blocked", error.to_string())
}

/// The bytes from an offset of the text on, where the text stands in the file as it is; all of it otherwise.
fn inside(text: &str, span: &Span, offset: usize, options: &Options, build: &Build<'_>) -> Span {
    let Some(written) = build.tree.get(options.file()).and_then(|file| file.get(span.clone())) else {
        return span.clone();
    };
    let quote = usize::from(written.starts_with(['"', '\'']));
    if written.get(quote..).is_some_and(|written| written.starts_with(text)) && offset < text.len() {
        let start = span.start + quote + offset;
        return start..span.start + quote + text.len();
    }
    span.clone()
}
