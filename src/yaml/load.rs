//! From the parser's events to nodes, with bounds on depth and size and an error for every duplicate key.

use std::collections::HashMap;

use saphyr_parser::{Event, Parser, ScalarStyle, Span as MarkSpan, StrInput};

use super::{Block, Entry, Node, Text, Value};
use crate::diag::{Diag, Span};

const DEPTH_MAX: usize = 64;
/// Nodes after expansion of aliases: stops "billion laughs".
const NODES_MAX: usize = 100_000;

/// Parses one document. Returns what could be read, and every problem.
pub fn parse(file: &str, text: &str) -> (Option<Node>, Vec<Diag>) {
    let mut loader = Loader {
        file,
        text,
        offsets: text.char_indices().map(|(at, _)| at).chain([text.len()]).collect(),
        anchors: HashMap::new(),
        nodes: 0,
        problems: Vec::new(),
    };
    let mut parser = Parser::new_from_str(text);
    let node = loader.document(&mut parser);
    (node.unwrap_or_default(), loader.problems)
}

type Events<'a> = Parser<'a, StrInput<'a>>;

/// Loading stops: the problem has been noted.
struct Stop;

struct Loader<'a> {
    file: &'a str,
    text: &'a str,
    /// Character index → byte offset: the parser counts characters.
    offsets: Vec<usize>,
    anchors: HashMap<usize, Node>,
    nodes: usize,
    problems: Vec<Diag>,
}

impl<'a> Loader<'a> {
    fn document(&mut self, parser: &mut Events<'a>) -> Result<Option<Node>, Stop> {
        let mut root = None;
        loop {
            let (event, span) = self.next(parser)?;
            match event {
                Event::StreamEnd => return Ok(root),
                Event::StreamStart | Event::DocumentStart(_) | Event::DocumentEnd | Event::Nothing => {}
                _ if root.is_some() => {
                    self.problem("yaml", "a file holds one YAML document", span).help_last("remove the second `---`");
                    return Err(Stop);
                }
                event => root = Some(self.node(parser, event, span, 0)?),
            }
        }
    }

    fn next(&mut self, parser: &mut Events<'a>) -> Result<(Event<'a>, MarkSpan), Stop> {
        match parser.next_event() {
            Some(Ok(event)) => Ok(event),
            Some(Err(error)) => {
                let at = self.offset(error.marker().index());
                let mut diag = Diag::error("yaml", error.info().to_owned()).at(self.file, at..at + 1);
                if self.text[..at].ends_with('\t') || self.text[at..].starts_with('\t') {
                    diag = diag.help("YAML is indented with spaces, not tabs");
                } else if self.text[..at].ends_with('$') || self.text[at..].starts_with("${") {
                    diag = diag.help("inside [ ] and { } a reference needs quotes: \"${NAME}\"");
                } else if self.text[at..].starts_with(": ") {
                    diag = diag.help("put a text that holds `: ` in quotes");
                } else if self.text[..at].rsplit('\n').next().is_some_and(|before| before.trim().is_empty()) {
                    diag = diag.help("keys of one map, and items of one list, begin in the same column");
                }
                self.problems.push(diag);
                Err(Stop)
            }
            None => Err(Stop),
        }
    }

    fn node(&mut self, parser: &mut Events<'a>, event: Event<'a>, mark: MarkSpan, depth: usize) -> Result<Node, Stop> {
        self.count(1, mark)?;
        if depth > DEPTH_MAX {
            self.problem("yaml-depth", format!("nested deeper than {DEPTH_MAX} levels"), mark);
            return Err(Stop);
        }
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                let span = self.span(mark);
                let value = if style == ScalarStyle::Plain && tag.is_none() {
                    plain(&text)
                } else {
                    let block = (style == ScalarStyle::Literal).then(|| self.block(&span, &text)).flatten();
                    Value::Text(Text { text: text.into_owned(), block })
                };
                Ok(self.anchored(anchor, Node { value, span }))
            }
            Event::SequenceStart(anchor, _) => {
                let start = self.span(mark).start;
                let mut items = Vec::new();
                let mut end = start;
                loop {
                    let (event, item_mark) = self.next(parser)?;
                    if event == Event::SequenceEnd {
                        end = end.max(self.span(item_mark).end.min(self.trimmed_end(item_mark)));
                        break;
                    }
                    let item = self.node(parser, event, item_mark, depth + 1)?;
                    end = item.span.end;
                    items.push(item);
                }
                Ok(self.anchored(anchor, Node { value: Value::List(items), span: start..end.max(start) }))
            }
            Event::MappingStart(anchor, _) => {
                let start = self.span(mark).start;
                let (entries, end) = self.entries(parser, start, depth)?;
                let start = entries.first().map_or(start, |entry| start.min(entry.key_span.start));
                Ok(self.anchored(anchor, Node { value: Value::Map(entries), span: start..end.max(start) }))
            }
            Event::Alias(anchor) => {
                let span = self.span(mark);
                let Some(target) = self.anchors.get(&anchor).cloned() else {
                    self.problem("yaml", "this alias names an anchor that is not complete", mark);
                    return Err(Stop);
                };
                self.count(size(&target), mark)?;
                // The value keeps its own inner spans, so that carets point at what must be edited.
                Ok(Node { value: target.value, span })
            }
            other => {
                self.problem("yaml", format!("unexpected {other:?}"), mark);
                Err(Stop)
            }
        }
    }

    fn entries(&mut self, parser: &mut Events<'a>, start: usize, depth: usize) -> Result<(Vec<Entry>, usize), Stop> {
        let mut entries: Vec<Entry> = Vec::new();
        let mut merges: Vec<Entry> = Vec::new();
        let mut end = start;
        loop {
            let (event, key_mark) = self.next(parser)?;
            if event == Event::MappingEnd {
                end = end.max(self.span(key_mark).end.min(self.trimmed_end(key_mark)));
                break;
            }
            let key_span = self.span(key_mark);
            let key = match event {
                Event::Scalar(text, ..) => text.into_owned(),
                other => {
                    self.problem("yaml-key", "a key must be a plain text", key_mark);
                    self.node(parser, other, key_mark, depth + 1)?;
                    String::new()
                }
            };
            let (event, value_mark) = self.next(parser)?;
            let value = self.node(parser, event, value_mark, depth + 1)?;
            end = value.span.end.max(key_span.end);
            if key == "<<" {
                merges.extend(self.merged(&value));
            } else if let Some(first) = entries.iter().find(|entry| entry.key == key) {
                let line = self.text[..first.key_span.start].matches('\n').count() + 1;
                self.problem("duplicate-key", format!("`{key}` stands twice in this map"), key_mark)
                    .help_last(format!("the first one is in line {line}; keep one of them"));
            } else {
                entries.push(Entry { key, key_span, value });
            }
        }
        for merge in merges {
            if !entries.iter().any(|entry| entry.key == merge.key) {
                entries.push(merge);
            }
        }
        Ok((entries, end))
    }

    /// The entries that a merge key (`<<: *base`) brings.
    fn merged(&mut self, value: &Node) -> Vec<Entry> {
        match &value.value {
            Value::Map(entries) => entries.clone(),
            Value::List(items) => items.iter().filter_map(Node::as_map).flatten().cloned().collect(),
            _ => {
                let diag = Diag::error("yaml", "`<<` merges a map or a list of maps").at(self.file, value.span.clone());
                self.problems.push(diag);
                Vec::new()
            }
        }
    }

    fn anchored(&mut self, anchor: usize, node: Node) -> Node {
        if anchor > 0 {
            self.anchors.insert(anchor, node.clone());
        }
        node
    }

    fn count(&mut self, nodes: usize, mark: MarkSpan) -> Result<(), Stop> {
        self.nodes += nodes;
        if self.nodes > NODES_MAX {
            self.problem("yaml-size", format!("more than {NODES_MAX} values, with aliases expanded"), mark);
            return Err(Stop);
        }
        Ok(())
    }

    fn problem(&mut self, code: &'static str, message: impl Into<String>, mark: MarkSpan) -> &mut Self {
        let span = self.span(mark);
        self.problems.push(Diag::error(code, message).at(self.file, span));
        self
    }

    fn help_last(&mut self, help: impl Into<String>) {
        if let Some(last) = self.problems.last_mut() {
            last.help = Some(help.into());
        }
    }

    fn offset(&self, index: usize) -> usize {
        self.offsets.get(index).copied().unwrap_or(self.text.len())
    }

    fn span(&self, mark: MarkSpan) -> Span {
        let start = self.offset(mark.start.index());
        start..self.offset(mark.end.index()).max(start)
    }

    /// End of a collection without the white space that follows it.
    fn trimmed_end(&self, mark: MarkSpan) -> usize {
        self.text[..self.offset(mark.end.index())].trim_end().len()
    }

    /// Where the lines of a literal block stand.
    fn block(&self, span: &Span, content: &str) -> Option<Block> {
        // The span may begin at the `|` or at the content; the header line is the one with the `|`.
        let header =
            if self.text[span.start..].starts_with('|') { span.start } else { self.text[..span.start].rfind('|')? };
        let start = header + self.text[header..].find('\n')? + 1;
        let first = content.split('\n').find(|line| !line.trim().is_empty())?;
        let line = self.text[start..].split('\n').find(|line| !line.trim().is_empty())?;
        let indent = line.trim_end_matches('\r').len().checked_sub(first.trim_end_matches('\r').len())?;
        Some(Block { start, indent })
    }
}

fn size(node: &Node) -> usize {
    1 + match &node.value {
        Value::List(items) => items.iter().map(size).sum(),
        Value::Map(entries) => entries.iter().map(|entry| size(&entry.value)).sum(),
        _ => 0,
    }
}

/// A plain scalar by the core schema.
fn plain(text: &str) -> Value {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => Value::Null,
        "true" | "True" | "TRUE" => Value::Bool(true),
        "false" | "False" | "FALSE" => Value::Bool(false),
        _ if is_number(text) => Value::Number(text.to_owned()),
        _ => Value::Text(Text { text: text.to_owned(), block: None }),
    }
}

fn is_number(text: &str) -> bool {
    let digits = |radix: u32, digits: &str| !digits.is_empty() && digits.chars().all(|digit| digit.is_digit(radix));
    if let Some(rest) = text.strip_prefix("0x") {
        return digits(16, rest);
    }
    if let Some(rest) = text.strip_prefix("0o") {
        return digits(8, rest);
    }
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    unsigned.starts_with(|first: char| first.is_ascii_digit() || first == '.')
        && unsigned.contains(|digit: char| digit.is_ascii_digit())
        && unsigned.chars().all(|digit| digit.is_ascii_digit() || matches!(digit, '.' | 'e' | 'E' | '+' | '-'))
        && unsigned.parse::<f64>().is_ok()
}
