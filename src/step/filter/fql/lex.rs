//! From the text of a statement to its tokens.

use rhai::ImmutableString;

use super::FqlProblem;
use super::value::Number;
use crate::diag::Span;

/// A token.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Token {
    /// An operator or a bracket.
    Symbol(&'static str),
    /// One of [`WORDS`].
    Word(&'static str),
    /// A field path, or the name of a function: its keys.
    Path(Vec<String>),
    /// A number.
    Number(Number),
    /// A text.
    Text(ImmutableString),
}

/// The words that are no paths, unless a `\` stands in them.
const WORDS: [&str; 7] = ["and", "or", "in", "true", "false", "null", "all"];
/// The longer ones first.
const SYMBOLS: [&str; 12] = ["!=", ">=", "<=", "=", ">", "<", "!", "(", ")", "[", "]", ","];

/// Whether a character stands in a key without an escape.
pub(super) fn is_key(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_' || c == '-'
}

/// All tokens with their places.
pub(super) fn tokens(text: &str) -> Result<Vec<(Token, Span)>, FqlProblem> {
    let mut tokens = Vec::new();
    let mut at = 0;
    while let Some(c) = text[at..].chars().next() {
        let start = at;
        if c.is_whitespace() {
            at += c.len_utf8();
            continue;
        }
        let token = if c == '\'' || c == '"' {
            let (value, end) = string(text, at)?;
            at = end;
            Token::Text(value)
        } else if is_key(c) || c == '\\' || c == '.' {
            let (token, end) = word(text, at)?;
            at = end;
            token
        } else if let Some(symbol) = foreign(text, at)? {
            at += symbol.len();
            Token::Symbol(symbol)
        } else {
            let help = format!("to use it in a field's name, write \\{c}; texts stand in quotes");
            return Err(problem(at..at + c.len_utf8(), format!("`{c}` has no meaning here"), Some(&help)));
        };
        tokens.push((token, start..at));
    }
    Ok(tokens)
}

/// A symbol, with advice for those of other languages.
fn foreign(text: &str, at: usize) -> Result<Option<&'static str>, FqlProblem> {
    let rest = &text[at..];
    for (wrong, right) in [("===", "="), ("==", "="), ("!==", "!="), ("<>", "!="), ("&&", "and"), ("||", "or")] {
        if rest.starts_with(wrong) {
            let help = format!("write `{right}`");
            return Err(problem(at..at + wrong.len(), format!("there is no operator `{wrong}`"), Some(&help)));
        }
    }
    Ok(SYMBOLS.into_iter().find(|symbol| rest.starts_with(symbol)))
}

fn string(text: &str, start: usize) -> Result<(ImmutableString, usize), FqlProblem> {
    let mut chars = text[start..].char_indices();
    let quote = chars.next().map(|(_, c)| c);
    let mut value = String::new();
    while let Some((at, c)) = chars.next() {
        if Some(c) == quote {
            return Ok((value.into(), start + at + 1));
        }
        if c != '\\' {
            value.push(c);
            continue;
        }
        match chars.next() {
            Some((_, escaped)) => {
                // `\*` stays for the pattern of `match`.
                if escaped != '\\' && Some(escaped) != quote {
                    value.push('\\');
                }
                value.push(escaped);
            }
            None => break,
        }
    }
    Err(problem(
        start..text.len(),
        "this text has no end".to_owned(),
        Some("close it with the quote that it begins with"),
    ))
}

/// A path, a word or a number.
fn word(text: &str, start: usize) -> Result<(Token, usize), FqlProblem> {
    let mut keys = vec![String::new()];
    let mut end = start;
    let mut escaped = false;
    let mut chars = text[start..].char_indices();
    while let Some((at, c)) = chars.next() {
        end = start + at;
        let key = match c {
            '.' => {
                keys.push(String::new());
                None
            }
            '\\' => {
                escaped = true;
                let Some((_, c)) = chars.next() else {
                    return Err(problem(end..text.len(), "nothing stands behind this `\\`".to_owned(), None));
                };
                Some(c)
            }
            c if is_key(c) => Some(c),
            _ => break,
        };
        if let (Some(key), Some(last)) = (key, keys.last_mut()) {
            last.push(key);
        }
        end = text.len() - chars.as_str().len();
    }
    let raw = &text[start..end];
    if !escaped {
        if let Some(word) = WORDS.into_iter().find(|word| *word == raw) {
            return Ok((Token::Word(word), end));
        }
        if let Some(number) = Number::parse(raw) {
            return Ok((Token::Number(number), end));
        }
    }
    if keys.iter().any(String::is_empty) {
        let message = format!("`{raw}` is not a field path: a name is missing beside a dot");
        return Err(problem(start..end, message, Some("write it as properties.price")));
    }
    Ok((Token::Path(keys), end))
}

/// A problem of a statement.
pub(super) fn problem(span: Span, message: String, help: Option<&str>) -> FqlProblem {
    FqlProblem { span, message, help: help.map(str::to_owned) }
}
