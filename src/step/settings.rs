//! Settings that are misspelt or missing: either would be ignored without a word.

use std::collections::BTreeSet;

use super::Build;
use crate::diag::{Diag, did_you_mean};
use crate::registry::Options;
use crate::script::{Asked, Script};

/// Warns about settings of a script that look like a misspelt one, and about those that are missing.
///
/// Scripts hand `settings` on to functions, lay it over defaults and may go through it. So a name counts as known
/// wherever it stands in a script, and only one that is near to such a name is spoken of.
///
/// What the script reads as `settings.name` is known exactly, so there the misspelt name may be the script's: it is spoken of
/// when it is near to a setting that is given and that the script does not read. Any other that is not given is missing, unless the
/// script reckons with that: a setting that is read as nothing would change what is sent without a word.
pub(super) fn check(options: &Options, script: &Script, file: &str, build: &mut Build<'_>) {
    let given: BTreeSet<String> = build
        .settings
        .read_lock::<rhai::Map>()
        .map(|map| map.keys().map(ToString::to_string).collect())
        .unwrap_or_default();
    let inline = options.node("inline").and_then(|node| node.as_text());
    let scripts =
        build.tree.below("scripts").filter(|(path, _)| path.rsplit_once('.').is_some_and(|(_, end)| end == "rhai"));
    let texts: Vec<&str> = inline.into_iter().chain(scripts.map(|(_, text)| text.as_ref())).collect();
    let known: BTreeSet<&str> = texts.iter().copied().flat_map(words).collect();
    let mut warnings = Vec::new();
    // Names that have been spoken of.
    let mut told = BTreeSet::new();
    for name in given.iter().filter(|name| !known.contains(name.as_str())) {
        let Some(near) = did_you_mean(name, known.iter().copied().filter(|word| !given.contains(*word))) else {
            continue;
        };
        told.insert(near.to_owned());
        let diag = Diag::warning("unknown-setting", format!("no script asks for the setting `{name}`"))
            .help(format!("did you mean `{near}`?"));
        warnings.push(match place(name, options, build) {
            Some(span) => diag.at(options.file(), span),
            None => diag.in_file(options.file()),
        });
    }
    let asked = script.asked_settings();
    let is_asked = |name: &str| asked.iter().any(|asked| asked.name == name);
    // A setting that no script names has been told of above.
    let unread = || given.iter().map(String::as_str).filter(|name| !is_asked(name) && known.contains(name));
    for Asked { name, span, must_be_there } in asked.iter().filter(|asked| !given.contains(&asked.name)) {
        if let Some(near) = did_you_mean(name, unread()) {
            let diag = Diag::warning("unknown-setting", format!("there is no setting `{name}`"));
            warnings.push(diag.at(file, span.clone()).help(format!("did you mean `{near}`?")));
        } else if *must_be_there && told.insert(name.clone()) {
            let diag = Diag::warning("missing-setting", format!("the setting `{name}` is not given"));
            let help = format!(
                "give it beside the step in {}: settings: {{ {name}: … }}; or write settings.{name} ?? … where it may be missing",
                options.file()
            );
            warnings.push(diag.at(file, span.clone()).help(help));
        }
    }
    build.warnings.extend(warnings);
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_alphanumeric() && c != '_').filter(|word| !word.is_empty())
}

/// Where the setting's name stands: the first key of that name from the step on.
fn place(name: &str, options: &Options, build: &Build<'_>) -> Option<std::ops::Range<usize>> {
    let text = build.tree.get(options.file())?;
    let from = options.part_span().start;
    let key = format!("{name}:");
    let at = text.get(from..)?.find(&key)? + from;
    Some(at..at + name.len())
}
