//! Writing what came out into the fixture as its expectation. The rest of the file stays as it is.

use std::fmt::Write;

use super::{Case, CaseResult, Expect, emit};

/// The fixture's text with `expect` replaced (or added) by what came out.
pub fn bless(case: &Case, result: &CaseResult, text: &str) -> String {
    let by_sink = matches!(case.expect, Some(Expect::BySink(_))) || differ(result);
    if text.trim_start().starts_with('{') {
        return bless_flow(case, result, text, by_sink);
    }
    let mut block = String::from("expect:");
    let all_empty = result.messages.iter().all(|(_, messages)| messages.is_empty());
    if all_empty {
        block.push_str(" []\n");
    } else if by_sink {
        block.push('\n');
        for (sink, messages) in &result.messages {
            if messages.is_empty() {
                let _ = writeln!(block, "  {sink}: []");
                continue;
            }
            let _ = writeln!(block, "  {sink}:");
            block.push_str(&emit::yaml_list(&refs(messages), 4));
        }
    } else if let Some((_, messages)) = result.messages.first() {
        block.push('\n');
        block.push_str(&emit::yaml_list(&refs(messages), 2));
    }
    if let Some(span) = &case.expect_span {
        let end = text[span.end..].find('\n').map_or(text.len(), |at| span.end + at + 1);
        // A value that ends with its line has its line end inside the span already.
        let end = if text[..span.end].ends_with('\n') { span.end } else { end };
        format!("{}{block}{}", &text[..span.start], &text[end..])
    } else {
        let separator = if text.is_empty() || text.ends_with('\n') { "" } else { "\n" };
        format!("{text}{separator}{block}")
    }
}

/// The same for a fixture that is one map in braces, as a JSON file.
fn bless_flow(case: &Case, result: &CaseResult, text: &str, by_sink: bool) -> String {
    let value = if by_sink {
        let sinks: Vec<_> = result
            .messages
            .iter()
            .map(|(sink, messages)| {
                format!("{}: {}", serde_json::Value::from(sink.as_str()), emit::json_list(&refs(messages)))
            })
            .collect();
        format!("{{{}}}", sinks.join(", "))
    } else {
        result.messages.first().map_or_else(|| "[]".to_owned(), |(_, messages)| emit::json_list(&refs(messages)))
    };
    if let Some(span) = &case.expect_span {
        return format!("{}\"expect\": {value}{}", &text[..span.start], &text[span.end..]);
    }
    let Some(end) = text.rfind('}') else { return text.to_owned() };
    let before = text[..end].trim_end();
    let comma = if before.ends_with(['{', ',']) { "" } else { "," };
    format!("{before}{comma}\n  \"expect\": {value}\n{}", &text[end..])
}

fn refs(messages: &[Vec<u8>]) -> Vec<&[u8]> {
    messages.iter().map(Vec::as_slice).collect()
}

/// Whether the sinks were given different messages.
fn differ(result: &CaseResult) -> bool {
    result.messages.windows(2).any(|pair| pair[0].1 != pair[1].1)
}
