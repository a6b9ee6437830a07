//! Settings that are misspelt, missing, or not among those that the script takes: each would be ignored without a word.

use std::collections::BTreeSet;
use std::ops::Range;

use rhai::{Dynamic, Map};

use super::Build;
use crate::diag::{Diag, did_you_mean};
use crate::registry::Options;
use crate::script::check::settings::CHOICES;
use crate::script::{Asked, Script};

/// Warns about settings of a script that it does not have, about those that are missing, and tells of values that it does not take.
///
/// A script that lays `settings` over a map of defaults tells all names. Others hand `settings` on to functions or go through it:
/// there a name counts as known wherever it stands in a script, and only one that is near to such a name is spoken of.
///
/// What the script reads as `settings.name` is known exactly, so there the misspelt name may be the script's: it is spoken of
/// when it is near to a setting that is given and that the script does not read. Any other that is not given is missing, unless the
/// script reckons with that: a setting that is read as nothing would change what is sent without a word.
pub(super) fn check(options: &Options, script: &Script, file: &str, build: &mut Build<'_>) {
    let given: BTreeSet<String> =
        build.settings.read_lock::<Map>().map(|map| map.keys().map(ToString::to_string).collect()).unwrap_or_default();
    let inline = options.node("inline").and_then(|node| node.as_text());
    let scripts =
        build.tree.below("scripts").filter(|(path, _)| path.rsplit_once('.').is_some_and(|(_, end)| end == "rhai"));
    let texts: Vec<&str> = inline.into_iter().chain(scripts.map(|(_, text)| text.as_ref())).collect();
    let told = script.told();
    let anywhere: BTreeSet<&str> = texts.iter().copied().flat_map(words).collect();
    let known: BTreeSet<&str> = match &told.known {
        Some(names) => names.iter().map(String::as_str).collect(),
        None => anywhere.clone(),
    };
    let mut warnings = Vec::new();
    // Names that have been spoken of.
    let mut spoken_of = BTreeSet::new();
    for name in given.iter().filter(|name| !known.contains(name.as_str())) {
        let near = near(name, || known.iter().copied().filter(|word| !given.contains(*word)));
        let help = match (near, &told.known) {
            (Some(near), _) => format!("did you mean `{near}`?"),
            // A name that stands in no script, of which none takes all there are, is read by none.
            (None, Some(_)) if told.by_name && !anywhere.contains(name.as_str()) => {
                "remove it, or give it a default in the script".to_owned()
            }
            (None, _) => continue,
        };
        spoken_of.extend(near.map(str::to_owned));
        let diag = Diag::warning("unknown-setting", format!("no script asks for the setting `{name}`")).help(help);
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
        } else if *must_be_there && spoken_of.insert(name.clone()) {
            let diag = Diag::warning("missing-setting", format!("the setting `{name}` is not given"));
            let help = format!(
                "give it beside the step in {}: settings: {{ {name}: … }}; or write settings.{name} ?? … where it may be missing",
                options.file()
            );
            warnings.push(diag.at(file, span.clone()).help(help));
        }
    }
    for (name, choices) in &told.choices {
        let value = build.settings.read_lock::<Map>().and_then(|map| map.get(name.as_str()).cloned());
        warnings.extend(value.and_then(|value| not_among(name, &value, choices, options, build)));
    }
    build.warnings.extend(warnings);
}

/// Says of a value that it is none of those that the script takes. What stands in the file is an error. What comes out of the
/// environment is a warning: it may be another where the pipeline runs, and `check` has a placeholder for what is not set.
fn not_among(name: &str, value: &Dynamic, choices: &[Dynamic], options: &Options, build: &Build<'_>) -> Option<Diag> {
    let shown = value.to_string();
    let is = |choice: &Dynamic| choice.type_name() == value.type_name() && choice.to_string() == shown;
    if choices.iter().any(is) {
        return None;
    }
    let span = place(name, options, build);
    let text = build.tree.get(options.file()).map_or("", |text| text);
    let rest =
        span.as_ref().and_then(|span| text.get(span.end + 1..)).unwrap_or_default().lines().next().unwrap_or_default();
    let from_outside = rest.contains("${");
    if from_outside && shown.starts_with("placeholder-") {
        return None;
    }
    let message = format!("the setting `{name}` cannot be `{shown}`");
    let diag =
        if from_outside { Diag::warning("wrong-setting", message) } else { Diag::error("wrong-setting", message) };
    let words: Vec<String> = choices.iter().map(ToString::to_string).collect();
    let diag = diag.help(match near(&shown, || words.iter().map(String::as_str)) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("it takes {}, says {CHOICES} in the script", words.join(", ")),
    });
    // The value itself, where it stands behind the name.
    let at = span.map(|span| match rest.find(&shown).filter(|_| !shown.is_empty()) {
        Some(at) => span.end + 1 + at..span.end + 1 + at + shown.len(),
        None => span,
    });
    Some(match at {
        Some(span) => diag.at(options.file(), span),
        None => diag.in_file(options.file()),
    })
}

/// What is meant by a word, also as other languages write it: `userId`, `userid` for `user_id`.
fn near<'a, I: Iterator<Item = &'a str>>(word: &str, known: impl Fn() -> I) -> Option<&'a str> {
    let bare = |name: &str| name.replace(['_', '-'], "").to_lowercase();
    known().find(|name| bare(name) == bare(word)).or_else(|| did_you_mean(word, known()))
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_alphanumeric() && c != '_').filter(|word| !word.is_empty())
}

/// Where the setting's name stands: the first key of that name from the step on.
fn place(name: &str, options: &Options, build: &Build<'_>) -> Option<Range<usize>> {
    let text = build.tree.get(options.file())?;
    let from = options.part_span().start;
    let key = format!("{name}:");
    let goes_on = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.');
    let is_key = |(at, _): &(usize, &str)| !text[..from + at].ends_with(goes_on) && !is_comment(&text[..from + at]);
    let (at, _) = text.get(from..)?.match_indices(&key).find(is_key)?;
    Some(from + at..from + at + name.len())
}

/// Whether a text ends within a line that is a comment.
fn is_comment(before: &str) -> bool {
    before.rsplit('\n').next().is_some_and(|line| line.trim_start().starts_with('#'))
}
