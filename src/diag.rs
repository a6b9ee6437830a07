//! The one user-facing error: what is wrong, where in which file, and what to do about it.

use std::fmt;
use std::ops::Range;

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};

/// How bad a diagnostic is. Only errors stop a pipeline from loading.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Worth knowing; the pipeline loads.
    Warning,
    /// The pipeline does not load.
    Error,
}

/// A place in a text: byte offsets, half open.
pub type Span = Range<usize>;

/// One problem in something the user wrote.
///
/// The texts that spans point into are not stored: the caller renders with a lookup from path to text, so that
/// a diagnostic stays a small value which can travel between threads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diag {
    /// How bad it is.
    pub severity: Severity,
    /// A stable kebab-case name, as `unknown-key`.
    pub code: &'static str,
    /// What is wrong, one lower-case sentence without a full stop.
    pub message: String,
    /// The file, relative to the project folder with `/` separators.
    pub file: Option<String>,
    /// The bytes of the file that it is about.
    pub span: Option<Span>,
    /// A short text at the caret.
    pub label: Option<String>,
    /// What the user can do, one sentence.
    pub help: Option<String>,
}

impl Diag {
    /// A new error without a place.
    pub fn error(code: &'static str, message: impl Into<String>) -> Self {
        Self {
            severity: Severity::Error,
            code,
            message: message.into(),
            file: None,
            span: None,
            label: None,
            help: None,
        }
    }

    /// A new warning without a place.
    pub fn warning(code: &'static str, message: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(code, message) }
    }

    /// Sets the file and the bytes in it.
    #[must_use]
    pub fn at(mut self, file: impl Into<String>, span: Span) -> Self {
        self.file = Some(file.into());
        self.span = Some(span);
        self
    }

    /// Sets the file only.
    #[must_use]
    pub fn in_file(mut self, file: impl Into<String>) -> Self {
        self.file = Some(file.into());
        self
    }

    /// Sets the text at the caret.
    #[must_use]
    pub fn label(mut self, label: impl Into<String>) -> Self {
        self.label = Some(label.into());
        self
    }

    /// Sets the advice.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// Whether this stops a pipeline from loading.
    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }

    /// Line and column (both from 1, columns in characters) of the span's start.
    pub fn line_column(&self, text: &str) -> Option<(usize, usize)> {
        let at = floor_char_boundary(text, self.span.as_ref()?.start);
        let before = &text[..at];
        let line = before.bytes().filter(|byte| *byte == b'\n').count() + 1;
        let column = before.rsplit('\n').next().map_or(0, |last| last.chars().count()) + 1;
        Some((line, column))
    }

    /// Draws the diagnostic with the source line and a caret; `text` is the file's content.
    pub fn render(&self, text: Option<&str>, colour: bool) -> String {
        let level = match self.severity {
            Severity::Warning => Level::WARNING,
            Severity::Error => Level::ERROR,
        };
        let title = level.primary_title(&self.message).id(self.code);
        let mut groups = Vec::new();
        let mut group = Group::with_title(title);
        if let (Some(file), Some(span), Some(text)) = (&self.file, &self.span, text) {
            let start = floor_char_boundary(text, span.start);
            let end = floor_char_boundary(text, span.end.max(start)).max(start);
            let mut annotation = AnnotationKind::Primary.span(start..end);
            if let Some(label) = &self.label {
                annotation = annotation.label(label);
            }
            group = group.element(Snippet::source(text).path(file).annotation(annotation));
        } else if let Some(file) = &self.file {
            group = group.element(Level::NOTE.message(format!("in {file}")));
        }
        if let Some(help) = &self.help {
            group = group.element(Level::HELP.message(help));
        }
        groups.push(group);
        let renderer = if colour { Renderer::styled() } else { Renderer::plain() };
        renderer.render(&groups)
    }
}

impl fmt::Display for Diag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(file) = &self.file {
            write!(f, "{file}: ")?;
        }
        write!(f, "{}", self.message)?;
        if let Some(help) = &self.help {
            write!(f, " ({help})")?;
        }
        Ok(())
    }
}

impl std::error::Error for Diag {}

/// Leaves each diagnostic once, where it stands first: several scripts may import what it is about.
pub fn once(problems: &mut Vec<Diag>) {
    let mut told: Vec<Diag> = Vec::new();
    problems.retain(|problem| {
        let is_new = !told.contains(problem);
        if is_new {
            told.push(problem.clone());
        }
        is_new
    });
}

/// `did you mean …` for a misspelt word, when one of the known words is near enough.
pub fn did_you_mean<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    // A short word is near to many others: most of its letters must be right.
    let most = (word.chars().count() / 3).max(1);
    known
        .into_iter()
        .map(|candidate| (strsim::damerau_levenshtein(word, candidate), candidate))
        .filter(|(distance, candidate)| *distance <= most.min(1 + candidate.chars().count() / 4))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// The nearest character boundary at or before `at`, so that a span from foreign code never splits a character.
fn floor_char_boundary(text: &str, at: usize) -> usize {
    let mut at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn renders_file_line_column_caret_and_help() {
        let text = "sources:\n  - shopfy: {}\n";
        let diag = Diag::error("unknown-kind", "unknown source `shopfy`")
            .at("pipelines/a.yaml", 13..19)
            .help("did you mean `shopify`?");
        let drawn = diag.render(Some(text), false);
        assert!(drawn.contains("pipelines/a.yaml:2:5"), "{drawn}");
        assert!(drawn.contains("^^^^^^"), "{drawn}");
        assert!(drawn.contains("help: did you mean `shopify`?"), "{drawn}");
        assert_eq!(diag.line_column(text), Some((2, 5)));
    }

    #[test]
    fn a_span_inside_a_character_or_past_the_end_is_drawn() {
        let text = "é\n";
        for span in [1..2, 2..9, 9..12] {
            Diag::error("x", "y").at("f", span).render(Some(text), false);
        }
    }

    #[test]
    fn suggests_near_words_only() {
        assert_eq!(did_you_mean("secrts", ["secrets", "path"]), Some("secrets"));
        assert_eq!(did_you_mean("banana", ["secrets", "path"]), None);
        assert_eq!(did_you_mean("foo", ["floor"]), None);
        assert_eq!(did_you_mean("drp", ["drop", "pass"]), Some("drop"));
    }
}
