//! From a position that the interpreter names to bytes, lines and columns of the file that the user edits.

use std::ops::Range;

use rhai::Position;

use crate::diag::Diag;
use crate::yaml::Node;

/// A script text and the file it stands in.
#[derive(Clone, Copy)]
pub struct Unit<'a> {
    /// The file, for diagnostics and places.
    pub file: &'a str,
    /// The script.
    pub text: &'a str,
    /// The YAML value, if the script stands inside a YAML file.
    pub node: Option<&'a Node>,
    /// The whole text of the file; the same as `text` for a script file.
    pub file_text: &'a str,
}

impl Unit<'_> {
    /// The bytes of the file at a position: the word there, or one character.
    pub fn span(&self, position: Position) -> Range<usize> {
        let whole = || self.node.map_or(0..0, |node| node.span.clone());
        let Some(line) = position.line() else { return whole() };
        let column = position.position().unwrap_or(1);
        let start = match self.node {
            Some(node) => match node.position_in_file(self.file_text, line, column) {
                Some(start) => start,
                None => return whole(),
            },
            None => offset(self.text, line, column),
        };
        start..start + word_bytes(&self.file_text[start.min(self.file_text.len())..])
    }

    /// The file's text from a position on.
    pub fn rest(&self, position: Position) -> &str {
        self.file_text.get(self.span(position).start..).unwrap_or_default()
    }

    /// A diagnostic at a position.
    pub fn at(&self, diag: Diag, position: Position) -> Diag {
        diag.at(self.file, self.span(position))
    }

    /// What is needed to name places when the script runs.
    pub fn places(&self) -> Places {
        let lines = self.node.map(|node| {
            let line = |number| {
                let at = node.position_in_file(self.file_text, number, 1).unwrap_or(node.span.start);
                line_column(self.file_text, at)
            };
            (1..=self.text.split('\n').count()).map(line).collect()
        });
        Places { file: self.file.into(), lines }
    }
}

/// Turns positions of one script into `file:line:column`.
#[derive(Debug)]
pub struct Places {
    file: String,
    /// Where each line of an inline script starts in its file.
    lines: Option<Vec<(usize, usize)>>,
}

impl Places {
    /// `file:line:column` of the script's first character.
    pub fn start(&self) -> String {
        let (line, column) = self.lines.as_ref().and_then(|lines| lines.first().copied()).unwrap_or((1, 1));
        format!("{}:{line}:{column}", self.file)
    }

    /// `file:line:column` of a position in this script, or in the module file that `source` names.
    pub fn name(&self, source: &str, position: Position) -> Option<String> {
        let line = position.line()?;
        let column = position.position().unwrap_or(1);
        if !source.is_empty() && source != self.file {
            return Some(format!("{source}:{line}:{column}"));
        }
        let (line, column) = match &self.lines {
            Some(lines) => lines.get(line - 1).map(|(file_line, first)| (*file_line, first + column - 1))?,
            None => (line, column),
        };
        Some(format!("{}:{line}:{column}", self.file))
    }
}

fn offset(text: &str, line: usize, column: usize) -> usize {
    let start: usize = text.split_inclusive('\n').take(line - 1).map(str::len).sum();
    let line = text[start..].split('\n').next().unwrap_or_default();
    start + line.char_indices().nth(column.saturating_sub(1)).map_or(line.len(), |(at, _)| at)
}

fn line_column(text: &str, at: usize) -> (usize, usize) {
    let before = &text[..at];
    let line = before.bytes().filter(|byte| *byte == b'\n').count() + 1;
    (line, before.rsplit('\n').next().map_or(0, |last| last.chars().count()) + 1)
}

/// How far a caret's underline goes.
fn word_bytes(rest: &str) -> usize {
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    match rest.chars().next() {
        Some(c) if is_word(c) => rest.find(|c| !is_word(c)).unwrap_or(rest.len()),
        Some('\n') | None => 0,
        Some(quote @ ('"' | '`' | '\'')) => {
            let inside = rest[1..].find([quote, '\n']).unwrap_or(rest.len() - 1);
            1 + inside + usize::from(rest[1 + inside..].starts_with(quote))
        }
        Some(c) => c.len_utf8(),
    }
}
