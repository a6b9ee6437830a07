//! Writing what came out into the fixture as its expectation. The rest of the file stays as it is.

use std::fmt::Write;

use super::{Case, CaseResult, Expect, emit};

/// The fixture's text with `expect` replaced (or added) by what came out.
pub fn bless(case: &Case, result: &CaseResult, text: &str) -> String {
    let by_sink = matches!(case.expect, Some(Expect::BySink(_))) || differ(result);
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

fn refs(messages: &[Vec<u8>]) -> Vec<&[u8]> {
    messages.iter().map(Vec::as_slice).collect()
}

/// Whether the sinks were given different messages.
fn differ(result: &CaseResult) -> bool {
    result.messages.windows(2).any(|pair| pair[0].1 != pair[1].1)
}
