//! From the interpreter's errors to diagnostics (while compiling) and failures (while running).

use rhai::{Dynamic, EvalAltResult, LexError, ParseErrorType, Position};

use super::outcome::{Failure, LogLine, ScriptError};
use super::place::{Places, Unit};
use super::run::{Ending, Fault};
use super::{braces, habits, own};
use crate::diag::{Diag, did_you_mean};

/// The longest reason that is told of a failure: a script can throw a text of any length.
const REASON_BYTES: usize = 4 << 10;

/// An error that a library function raises; the script may catch it.
pub fn fault(message: impl Into<String>) -> Fault {
    EvalAltResult::ErrorRuntime(message.into().into(), Position::NONE).into()
}

/// A text that does not parse, as a diagnostic.
pub fn syntax(kind: &ParseErrorType, position: Position, unit: &Unit<'_>, namespaces: &[&str]) -> Diag {
    let position = match kind {
        ParseErrorType::BadInput(LexError::UnterminatedString) => start_of_text(position, unit),
        _ => position,
    };
    // At its end a script lacks the brace of a block, whatever else the interpreter waits for.
    if matches!(kind, ParseErrorType::MissingToken(..) | ParseErrorType::UnexpectedEOF)
        && is_end(position, unit)
        && let Some(open) = braces::unclosed(unit.text)
    {
        let diag = Diag::error("script-syntax", "this `{` is never closed");
        return unit.at(diag.help("write the `}` that ends it"), open);
    }
    let diag = match kind {
        ParseErrorType::VariableUndefined(name) => unknown_variable(name, unit),
        ParseErrorType::ModuleUndefined(name) => {
            let diag = Diag::error("unknown-namespace", format!("no namespace or import `{name}`"));
            match did_you_mean(name, namespaces.iter().copied()) {
                Some(known) => diag.help(format!("did you mean `{known}`?")),
                None => {
                    diag.help(format!("the library has {}; scripts import their own modules", namespaces.join(", ")))
                }
            }
        }
        ParseErrorType::Reserved(word) if word == "eval" => {
            Diag::error("script-syntax", "`eval` is not available to scripts").help("write the code where it is to run")
        }
        other => {
            let diag = Diag::error("script-syntax", lower_first(&other.to_string()));
            match habits::advice(other).or_else(|| habits::operator(unit.rest(position))) {
                Some(advice) => diag.help(advice),
                None => diag,
            }
        }
    };
    unit.at(diag, position)
}

/// Whether nothing of the script stands at a position or behind it.
fn is_end(position: Position, unit: &Unit<'_>) -> bool {
    let (Some(line), column) = (position.line(), position.position().unwrap_or(1)) else { return true };
    let mut lines = unit.text.split('\n').skip(line - 1);
    let here = lines.next().map(|line| line.chars().skip(column.saturating_sub(1)).collect::<String>());
    here.is_none_or(|here| here.trim().is_empty()) && lines.all(|line| line.trim().is_empty())
}

/// Where a text begins that does not end: the interpreter names the last `}` of one with `${…}` in it.
fn start_of_text(position: Position, unit: &Unit<'_>) -> Position {
    if unit.rest(position).starts_with(['"', '\'', '`']) {
        return position;
    }
    let (line, column) = (position.line().unwrap_or(1), position.position().unwrap_or(1));
    let mut lines: Vec<&str> = unit.text.split('\n').take(line).collect();
    let end = lines.last().and_then(|last| last.char_indices().nth(column)).map(|(at, _)| at);
    if let (Some(last), Some(end)) = (lines.last_mut(), end) {
        *last = &last[..end];
    }
    let found = lines.iter().enumerate().rev().find_map(|(number, text)| Some((number, text, text.rfind('`')?)));
    found.map_or(position, |(number, text, at)| Position::new(number as u16 + 1, text[..at].chars().count() as u16 + 1))
}

fn unknown_variable(name: &str, unit: &Unit<'_>) -> Diag {
    const GIVEN: [&str; 3] = ["event", "delivery", "settings"];
    let diag = Diag::error("unknown-variable", format!("unknown variable `{name}`"));
    if GIVEN.contains(&name) {
        return diag.help("functions do not see the variables of the script: hand it over as an argument");
    }
    if let Some(advice) = habits::name(name) {
        return diag.help(advice);
    }
    let words: Vec<&str> = unit.text.split(|c: char| !c.is_alphanumeric() && c != '_').collect();
    let declared = || words.windows(2).filter(|pair| matches!(pair[0], "let" | "const" | "for")).map(|pair| pair[1]);
    if declared().any(|word| word == name) {
        return diag.help(
            "it is declared elsewhere in this script, and functions see their own variables only: hand it over as an argument; \
             what a method is called on is `this`",
        );
    }
    match did_you_mean(name, GIVEN.into_iter().chain(declared())) {
        Some(known) => diag.help(format!("did you mean `{known}`?")),
        None => diag.help("scripts see event, delivery and settings, and what they declare with let"),
    }
}

/// How a run that stopped early failed.
///
/// `root` is the handler that was called, if one was.
pub fn failure(
    error: Option<&EvalAltResult>,
    ending: Option<Ending>,
    root: Option<&str>,
    places: &Places,
    logs: Vec<LogLine>,
) -> Failure {
    let outer = error.and_then(|error| places.name("", error.position()));
    match ending {
        Some(Ending::Drop(reason)) => return Failure::Drop { reason: cut(reason), logs },
        Some(Ending::Reject { code, reason, at: (source, position) }) => {
            let place = places.name(&source, position).or(outer);
            return Failure::Reject { code, reason: cut(reason), place, logs };
        }
        Some(Ending::Retry { reason, after_ms, at: (source, position) }) => {
            let place = places.name(&source, position).or(outer);
            return Failure::Retry { reason: cut(reason), after_ms, place, logs };
        }
        Some(Ending::Need) => return Failure::Need,
        Some(Ending::Limit { code, message }) => {
            return Failure::Error(ScriptError { code, message, place: outer, stack: Vec::new(), logs });
        }
        None => {}
    }
    let Some(error) = error else {
        return Failure::Error(ScriptError {
            code: "script-error",
            message: "the script stopped".into(),
            place: None,
            stack: Vec::new(),
            logs,
        });
    };
    let (source, inner) = innermost(error, "");
    let place = places.name(source, inner.position()).or(outer);
    Failure::Error(ScriptError {
        code: code(inner),
        message: cut(message(inner)),
        place,
        stack: stack(error, root, places),
        logs,
    })
}

/// A reason, cut where it is too long to be kept with each event that it stands for.
pub fn cut(mut reason: String) -> String {
    if reason.len() > REASON_BYTES {
        let mut end = REASON_BYTES;
        while !reason.is_char_boundary(end) {
            end -= 1;
        }
        reason.truncate(end);
        reason.push('…');
        reason.shrink_to_fit();
    }
    reason
}

/// The functions of a chain of calls, innermost first, each with the place that it had come to.
fn stack(error: &EvalAltResult, root: Option<&str>, places: &Places) -> Vec<String> {
    let (mut error, mut source, mut function) = (error, "", root.unwrap_or("the script"));
    let mut frames = Vec::new();
    loop {
        if let Some(place) = places.name(source, error.position()) {
            frames.push(format!("{function} ({place})"));
        }
        (error, source, function) = match error {
            EvalAltResult::ErrorInFunctionCall(name, file, inner, _) => (inner, file, readable_function(name)),
            EvalAltResult::ErrorInModule(file, inner, _) => (inner, file, "the module"),
            _ => break,
        };
    }
    // Without functions there is nothing to tell that the place does not.
    if frames.len() < 2 && root.is_none() {
        return Vec::new();
    }
    frames.reverse();
    frames
}

fn readable_function(name: &str) -> &str {
    if name.starts_with("anon$") { "a function without a name" } else { own::plain(name) }
}

/// The error that a chain of calls ends in, and the source name of the script that it is in.
pub fn innermost<'a>(error: &'a EvalAltResult, source: &'a str) -> (&'a str, &'a EvalAltResult) {
    match error {
        EvalAltResult::ErrorInFunctionCall(_, inner_source, inner, _) => innermost(inner, inner_source),
        EvalAltResult::ErrorInModule(path, inner, _) => innermost(inner, path),
        _ => (source, error),
    }
}

fn code(error: &EvalAltResult) -> &'static str {
    match error {
        EvalAltResult::ErrorTooManyOperations(_) => "script-limit-operations",
        EvalAltResult::ErrorStackOverflow(_) => "script-limit-depth",
        EvalAltResult::ErrorTooManyVariables(_) | EvalAltResult::ErrorDataTooLarge(..) => "script-limit-size",
        _ => "script-error",
    }
}

/// One sentence in our words.
pub fn message(error: &EvalAltResult) -> String {
    match error {
        EvalAltResult::ErrorRuntime(value, _) => thrown(value),
        EvalAltResult::ErrorFunctionNotFound(call, _) => no_such_call(call),
        EvalAltResult::ErrorStackOverflow(_) => "the script's functions call each other too deeply".into(),
        EvalAltResult::ErrorTooManyVariables(_) => "the script has too many variables at once".into(),
        EvalAltResult::ErrorVariableNotFound(name, _) => format!("unknown variable `{name}`"),
        EvalAltResult::ErrorModuleNotFound(path, _) => format!("no module `{path}`"),
        EvalAltResult::ErrorParsing(kind, _) => lower_first(&kind.to_string()),
        EvalAltResult::ErrorDotExpr(what, _) => no_such_field(what),
        EvalAltResult::ErrorIndexingType(what, _) => format!("a value of type {} has no such items", readable(what)),
        EvalAltResult::ErrorAssignmentToConstant(name, _)
        | EvalAltResult::ErrorNonPureMethodCallOnConstant(name, _) => {
            format!("`{name}` would change something constant; copy it first: let copy = …;")
        }
        EvalAltResult::ErrorFor(_) => "`for` goes through arrays, maps' keys(), texts' chars() and ranges only".into(),
        EvalAltResult::ErrorMismatchDataType(wanted, have, _)
        | EvalAltResult::ErrorMismatchOutputType(wanted, have, _) => {
            format!("expected {}, found {}", readable(wanted), readable(have))
        }
        other => {
            let mut bare = other.to_string();
            // The position is told apart from the message.
            if let Some(at) = bare.rfind(" (line ") {
                bare.truncate(at);
            }
            lower_first(&bare)
        }
    }
}

fn thrown(value: &Dynamic) -> String {
    match value.read_lock::<rhai::ImmutableString>() {
        Some(text) => text.as_str().into(),
        None if value.is_unit() => "the script threw an error without a message".into(),
        None => {
            let mut text = Vec::new();
            match crate::json::encode(value, &crate::json::Tape::default(), &mut text) {
                Ok(()) => String::from_utf8_lossy(&text).into_owned(),
                Err(_) => value.type_name().into(),
            }
        }
    }
}

/// `trim (i64)` → `trim` cannot be called with (a number).
/// The interpreter tells of a field that cannot be read or set in a sentence of its own, which names it in quotes, and the type.
fn no_such_field(what: &str) -> String {
    let on_nothing = what.contains("for type '()'");
    match what.split('\'').nth(1).filter(|_| on_nothing) {
        // Also what stands on the way to a field that is to be set.
        Some(field) if !what.contains("writable") => format!(
            "`{field}` cannot be read of nothing `()`: what stands before it is not there. Write ?.{field} where that may be, with ?? \
             for a default; to set something below it, path::set(event, \"…\", …) makes what is missing"
        ),
        Some(field) => format!(
            "`{field}` cannot be set on nothing `()`: make the map before, as event.context = #{{}}, or call \
             path::set(event, \"context.{field}\", …), which makes what is missing"
        ),
        None => lower_first(what),
    }
}

fn no_such_call(call: &str) -> String {
    let Some((name, arguments)) = call.split_once(" (") else {
        return format!("no function `{}`", own::plain(call));
    };
    let arguments: Vec<_> =
        arguments.trim_end_matches(')').split(", ").filter(|kind| !kind.is_empty()).map(readable).collect();
    match (own::plain(name), arguments.as_slice()) {
        (name, [left, right]) if !name.starts_with(|c: char| c.is_alphabetic() || c == '_') => {
            format!("`{name}` does not work between {left} and {right}")
        }
        (name, []) => format!("`{name}` cannot be called without arguments"),
        (name, arguments) => format!("`{name}` cannot be called with {}", arguments.join(", ")),
    }
}

fn readable(kind: &str) -> String {
    let kind = kind.trim_start_matches('&').trim_start_matches("mut ");
    match kind {
        "i64" | "f64" | "decimal" | "Decimal" => "a number".into(),
        "()" => "nothing `()`".into(),
        "map" => "a map".into(),
        "array" => "an array".into(),
        "bool" => "true or false".into(),
        "string" | "&str" | "str" | "ImmutableString" | "str | ImmutableString | String" | "char" => "a text".into(),
        "Fn" => "a function".into(),
        other => other.into(),
    }
}

fn lower_first(text: &str) -> String {
    let mut chars = text.chars();
    let rest_is_lower = text.chars().nth(1).is_some_and(char::is_lowercase);
    match chars.next() {
        Some(first) if rest_is_lower => first.to_lowercase().chain(chars).collect(),
        _ => text.into(),
    }
}
