//! A `JSONPath` (RFC 9535) that must match, compiled once.

use jsonpath_rust::parser::errors::JsonPathError;
use jsonpath_rust::parser::model::{
    Filter, FilterAtom, FnArg, JpQuery, Literal, Segment, Selector, Test, TestFunction,
};
use jsonpath_rust::parser::parse_json_path;
use jsonpath_rust::query::js_path_process;
use pest::error::InputLocation;
use rhai::Dynamic;

use super::query::Query;
use crate::json::{self, Mask};

/// A compiled query.
pub(super) enum JsonPath {
    /// Answered on the event itself.
    Simple(Query),
    /// Needs the event as a general JSON value.
    General(JpQuery),
}

/// Why a text is not a query that can be used.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct JsonPathProblem {
    /// Where in the text, in bytes.
    pub(super) offset: usize,
    /// What is wrong.
    pub(super) message: String,
    /// What to do.
    pub(super) help: Option<String>,
}

impl JsonPath {
    /// What it looks at; anything, as far as is known of a general query.
    pub(super) fn reads(&self) -> Mask {
        match self {
            Self::Simple(query) => query.reads(),
            Self::General(_) => Mask::Whole,
        }
    }

    /// Parses and checks; what RFC 9535 does not allow is refused even where the parser would take it.
    pub(super) fn new(text: &str) -> Result<Self, JsonPathProblem> {
        let problem = |offset, message: &str, help: Option<String>| {
            Err(JsonPathProblem { offset, message: message.to_owned(), help })
        };
        if !text.starts_with('$') {
            let rest = text.trim_start();
            return problem(
                0,
                "a JSONPath begins with `$`",
                Some(format!("write $.{}", rest.trim_start_matches(['$', '.']))),
            );
        }
        if let Some(offset) = stray_space(text) {
            return problem(
                offset,
                "white space is not allowed here",
                Some("write a name with spaces as ['first name']".to_owned()),
            );
        }
        let query = parse_json_path(text).map_err(|error| explain(text, &error))?;
        let mut found = None;
        functions(&query.segments, &mut |function| {
            if found.is_none() {
                found = objection(function);
            }
        });
        if let Some(message) = found {
            return problem(0, &message, None);
        }
        Ok(Query::new(&query).map_or(Self::General(query), Self::Simple))
    }

    /// Whether anything in the event matches. An event that is not data matches nothing.
    pub(super) fn matches(&self, event: &Dynamic) -> bool {
        match self {
            Self::Simple(query) => query.matches(event),
            Self::General(query) => json::to_json_value(event)
                .is_ok_and(|value| js_path_process(query, &value).is_ok_and(|found| !found.is_empty())),
        }
    }
}

/// White space after a dot, inside a name or around the query: the parser takes it, the RFC does not.
fn stray_space(text: &str) -> Option<usize> {
    let is_name = |c: char| c.is_alphanumeric() || c == '_' || !c.is_ascii();
    let mut quote = None;
    let mut escaped = false;
    // The last character that was no white space, and where the white space after it begins.
    let mut last = ' ';
    let mut space = None;
    for (at, c) in text.char_indices() {
        if let Some(open) = quote {
            if !escaped && c == open {
                quote = None;
            }
            escaped = !escaped && c == '\\';
            last = ' ';
            space = None;
            continue;
        }
        if c.is_ascii_whitespace() {
            space.get_or_insert(at);
            continue;
        }
        if let Some(space) = space
            && (last == '.' || is_name(last) && is_name(c))
        {
            return Some(space);
        }
        if matches!(c, '\'' | '"') {
            quote = Some(c);
        }
        (last, space) = (c, None);
    }
    space
}

fn explain(text: &str, error: &JsonPathError) -> JsonPathProblem {
    let JsonPathError::PestError(error) = error else {
        return JsonPathProblem { offset: 0, message: "this is not a JSONPath".to_owned(), help: None };
    };
    let offset = match error.location {
        InputLocation::Pos(at) | InputLocation::Span((at, _)) => at.min(text.len()),
    };
    let message = match text[offset..].chars().next() {
        Some(c) => format!("`{c}` is not expected here in a JSONPath"),
        None => "the JSONPath is not complete".to_owned(),
    };
    JsonPathProblem { offset, message, help: quoted_name(text, offset) }
}

/// `$.user-id` fails at the dash: the help is the query with the whole name in quotes.
fn quoted_name(text: &str, offset: usize) -> Option<String> {
    let is_part = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '$' | '@' | ':' | '/');
    // The parser may have stopped before the dot, at the dash, or behind it.
    let dot = text.get(..=offset.min(text.len() - 1)).and_then(|before| before.rfind('.'))?;
    let name = &text[dot + 1..];
    let name = &name[..name.find(|c| !is_part(c)).unwrap_or(name.len())];
    if name.is_empty()
        || name.chars().all(|c| c.is_alphanumeric() || c == '_') && !name.starts_with(|c: char| c.is_ascii_digit())
    {
        return None;
    }
    let before = text[..dot].trim_end_matches('.');
    let dots = if text[..dot].ends_with('.') { ".." } else { "" };
    Some(format!("a name with other characters is quoted: {before}{dots}['{name}']{}", &text[dot + 1 + name.len()..]))
}

/// Calls a function for every function of a query.
fn functions(segments: &[Segment], visit: &mut dyn FnMut(&TestFunction)) {
    for segment in segments {
        match segment {
            Segment::Descendant(inner) => functions(std::slice::from_ref(inner), visit),
            Segment::Selector(one) => selector(one, visit),
            Segment::Selectors(several) => several.iter().for_each(|one| selector(one, visit)),
        }
    }
}

fn selector(selector: &Selector, visit: &mut dyn FnMut(&TestFunction)) {
    if let Selector::Filter(inner) = selector {
        filter(inner, visit);
    }
}

fn filter(inner: &Filter, visit: &mut dyn FnMut(&TestFunction)) {
    use jsonpath_rust::parser::model::Comparable;
    match inner {
        Filter::And(all) | Filter::Or(all) => all.iter().for_each(|one| filter(one, visit)),
        Filter::Atom(FilterAtom::Filter { expr, .. }) => filter(expr, visit),
        Filter::Atom(FilterAtom::Test { expr, .. }) => test(expr, visit),
        Filter::Atom(FilterAtom::Comparison(comparison)) => {
            let (left, right) = comparison.vals();
            for side in [left, right] {
                if let Comparable::Function(one) = side {
                    function(one, visit);
                }
            }
        }
    }
}

fn test(inner: &Test, visit: &mut dyn FnMut(&TestFunction)) {
    match inner {
        Test::RelQuery(segments) => functions(segments, visit),
        Test::AbsQuery(query) => functions(&query.segments, visit),
        Test::Function(one) => function(one, visit),
    }
}

fn function(one: &TestFunction, visit: &mut dyn FnMut(&TestFunction)) {
    visit(one);
    let arguments: Vec<&FnArg> = match one {
        TestFunction::Custom(_, arguments) => arguments.iter().collect(),
        TestFunction::Length(argument) => vec![argument],
        TestFunction::Value(argument) | TestFunction::Count(argument) => vec![argument],
        TestFunction::Search(one, two) | TestFunction::Match(one, two) => vec![one, two],
    };
    for argument in arguments {
        match argument {
            FnArg::Test(inner) => test(inner, visit),
            FnArg::Filter(inner) => filter(inner, visit),
            FnArg::Literal(_) => {}
        }
    }
}

/// What is wrong with a function. A pattern that is no regular expression would silently match nothing.
fn objection(function: &TestFunction) -> Option<String> {
    match function {
        TestFunction::Custom(name, _) => {
            Some(format!("JSONPath has no function `{name}`; it has length, count, value, match and search"))
        }
        TestFunction::Search(_, FnArg::Literal(Literal::String(pattern)))
        | TestFunction::Match(_, FnArg::Literal(Literal::String(pattern))) => {
            regex::Regex::new(pattern).err().map(|_| format!("`{pattern}` is not a regular expression"))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests;
