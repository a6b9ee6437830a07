//! `JSONPath` (RFC 9535), compiled once: for filters, which ask whether anything matches, and for scripts, which take what does.
//!
//! Names, positions, slices, `*`, `..` and comparisons are answered on the value itself, step by step, so that a caller can stop
//! the work. Queries with functions go to the general engine, which cannot be stopped: [`JsonPath::cost`] says beforehand what
//! they can take.

pub mod compare;
mod query;

use jsonpath_rust::parser::errors::JsonPathError;
use jsonpath_rust::parser::model::{
    Filter, FilterAtom, FnArg, JpQuery, Literal, Segment, Selector, Test, TestFunction,
};
use jsonpath_rust::parser::parse_json_path;
use jsonpath_rust::query::js_path_process;
use pest::error::InputLocation;
use rhai::Dynamic;

use crate::json::{self, Mask};
use crate::pattern;
use query::Query;

/// Is told of so much work, each unit about as much as looking at one value; its `false` stops the work.
pub type Meter<'a> = &'a mut dyn FnMut(usize) -> bool;

/// The size of the compiled patterns of `match` and `search`: the engine compiles them again for every value.
const PATTERN_BYTES: usize = 1 << 19;
/// Larger values are counted no further.
const NODES_MAX: usize = 10_000_000;
/// Filters inside each other: the parser looks at each of them twice, and so at the innermost one 2^n times.
const FILTERS_MAX: usize = 8;
/// What compiling such a pattern takes, in looks at a value, beside what its places take.
const PATTERN_COST: usize = 100;
/// So many bytes of a text count as one value.
const TEXT_BYTES: usize = 256;

/// A compiled query.
#[derive(Debug)]
pub enum JsonPath {
    /// Answered on the value itself.
    Simple(Query),
    /// Needs the value as general JSON; with its text.
    General(JpQuery, String),
}

/// Why a text is not a query that can be used.
#[derive(Debug, PartialEq, Eq)]
pub struct JsonPathProblem {
    /// Where in the text, in bytes.
    pub offset: usize,
    /// What is wrong.
    pub message: String,
    /// What to do.
    pub help: Option<String>,
}

impl JsonPath {
    /// What it looks at; anything, as far as is known of a general query.
    pub fn reads(&self) -> Mask {
        match self {
            Self::Simple(query) => query.reads(),
            Self::General(..) => Mask::Whole,
        }
    }

    /// Parses and checks; what RFC 9535 does not allow is refused even where the parser would take it.
    pub fn new(text: &str) -> Result<Self, JsonPathProblem> {
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
        if let Some(offset) = too_nested(text) {
            let message = format!("filters stand inside each other more than {FILTERS_MAX} deep");
            return problem(offset, &message, None);
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
        Ok(Query::new(&query).map_or_else(|| Self::General(query, text.to_owned()), Self::Simple))
    }

    /// Whether anything in the value matches. A value that is not data matches nothing.
    pub fn matches(&self, value: &Dynamic) -> bool {
        match self {
            Self::Simple(query) => query.matches(value),
            Self::General(query, _) => json::to_json_value(value)
                .is_ok_and(|value| js_path_process(query, &value).is_ok_and(|found| !found.is_empty())),
        }
    }

    /// Hands over what matches, in the order of the document, until `found` gives false. The error says why there is no answer.
    pub fn each(
        &self,
        value: &Dynamic,
        meter: Meter<'_>,
        found: &mut dyn FnMut(&Dynamic) -> bool,
    ) -> Result<(), String> {
        match self {
            Self::Simple(query) => {
                query.each(value, meter, found);
            }
            Self::General(query, text) => {
                if !meter(cost(query, text, value)) {
                    return Ok(());
                }
                let value = json::to_json_value(value).map_err(|error| error.to_string())?;
                for one in js_path_process(query, &value).map_err(|error| error.to_string())? {
                    if !found(&json::from_json_value(one.val())) {
                        break;
                    }
                }
            }
        }
        Ok(())
    }
}

/// An upper bound of what the general engine looks at: every value, once more per level for each `..` after the first, every value
/// again for each value where a filter starts at the root, twice for each further selector in one pair of brackets.
fn cost(query: &JpQuery, text: &str, value: &Dynamic) -> usize {
    let (mut nodes, mut levels) = (0, 0);
    measure(value, 1, &mut nodes, &mut levels);
    let times = |cost: usize, factor: usize, count: usize| (0..count).fold(cost, |cost, _| cost.saturating_mul(factor));
    let mut cost = times(nodes, levels, text.matches("..").count().saturating_sub(1));
    cost = times(cost, nodes, text.matches('$').count() - 1);
    cost = times(cost, 2, text.matches(',').count());
    let mut factor = 1_usize;
    functions(&query.segments, &mut |function| {
        if let TestFunction::Search(_, FnArg::Literal(Literal::String(text)))
        | TestFunction::Match(_, FnArg::Literal(Literal::String(text))) = function
        {
            factor = factor.saturating_add(PATTERN_COST.saturating_add(pattern::places(text)));
        }
    });
    cost.saturating_mul(factor)
}

/// Counts the values, a long text for several, and the levels.
fn measure(value: &Dynamic, level: usize, nodes: &mut usize, levels: &mut usize) {
    *nodes += 1 + value.as_immutable_string_ref().map_or(0, |text| text.len() / TEXT_BYTES);
    *levels = level.max(*levels);
    if level >= json::ENCODE_DEPTH_MAX || *nodes > NODES_MAX {
        return;
    }
    if let Ok(items) = value.as_array_ref() {
        items.iter().for_each(|item| measure(item, level + 1, nodes, levels));
    } else if let Ok(map) = value.as_map_ref() {
        map.values().for_each(|item| measure(item, level + 1, nodes, levels));
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

/// Where the first filter begins that is one too many inside each other.
fn too_nested(text: &str) -> Option<usize> {
    let (mut open, mut quote, mut escaped) = (Vec::new(), None, false);
    for (at, byte) in text.bytes().enumerate() {
        match (quote, byte) {
            (Some(_), _) if escaped => escaped = false,
            (Some(_), b'\\') => escaped = true,
            (Some(mark), _) if byte == mark => quote = None,
            (None, b'\'' | b'"') => quote = Some(byte),
            (None, b'[') => {
                open.push(text[at + 1..].trim_start().starts_with('?'));
                if open.iter().filter(|is_filter| **is_filter).count() > FILTERS_MAX {
                    return Some(at);
                }
                // More brackets than that are nothing that anybody writes, and would make this slow.
                if open.len() > 8 * FILTERS_MAX {
                    return Some(at);
                }
            }
            (None, b']') => _ = open.pop(),
            _ => {}
        }
    }
    None
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
        TestFunction::Search(_, pattern) | TestFunction::Match(_, pattern) => {
            let FnArg::Literal(Literal::String(pattern)) = pattern else {
                return Some("the pattern of `match` and `search` is a text in quotes".to_owned());
            };
            let built = regex::RegexBuilder::new(pattern).size_limit(PATTERN_BYTES).build();
            built.err().map(|_| format!("`{pattern}` is not a regular expression, or too large a one"))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests;
