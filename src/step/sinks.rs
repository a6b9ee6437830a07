//! Sinks that a step names: their ids, or what is wrong with them.

use super::{Build, paths};
use crate::diag::{Diag, Span, did_you_mean};
use crate::registry::{OptionValue, Options};

/// The positions of the sinks that an option names, at least one.
pub(super) fn read_list(name: &str, options: &Options, build: &Build<'_>) -> Result<Vec<usize>, Vec<Diag>> {
    let items = options.items(name);
    if items.is_empty() {
        let diag = options.error(name, "wrong-value", format!("`{name}` names no sink"));
        return Err(vec![diag.help("to end an event, use `filter`")]);
    }
    paths::collect(items.iter().filter_map(|(value, span)| {
        let OptionValue::Text(id) = value else { return None };
        Some(read(id, span, options, build))
    }))
}

/// The position of a sink that a text in the options names.
#[allow(clippy::result_large_err, reason = "only at load")]
fn read(id: &str, span: &Span, options: &Options, build: &Build<'_>) -> Result<usize, Diag> {
    build.sinks.iter().position(|sink| sink == id).ok_or_else(|| {
        let ids = || build.sinks.iter().map(String::as_str);
        let help = match did_you_mean(id, ids()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("its sinks are {}; `id` beside a sink names it", ids().collect::<Vec<_>>().join(", ")),
        };
        Diag::error("unknown-sink", format!("the pipeline has no sink `{id}`"))
            .at(options.file(), span.clone())
            .help(help)
    })
}
