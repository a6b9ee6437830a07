//! Indented JSON for people: the tokens as they are, with line ends and indentation between them.

/// Indents valid JSON by two spaces a level. Numbers, strings and the order of keys stay as they are.
pub fn pretty(text: &[u8]) -> String {
    let mut out = Vec::with_capacity(text.len() * 2);
    let mut depth = 0_usize;
    let mut in_string = false;
    let mut escaped = false;
    let mut bytes = text.iter().copied().peekable();
    while let Some(byte) = bytes.next() {
        if in_string {
            out.push(byte);
            in_string = escaped || byte != b'"';
            escaped = !escaped && byte == b'\\';
            continue;
        }
        match byte {
            b'"' => {
                in_string = true;
                out.push(byte);
            }
            b'{' | b'[' => {
                out.push(byte);
                while bytes.next_if(u8::is_ascii_whitespace).is_some() {}
                if let Some(close) = bytes.next_if(|next| matches!(next, b'}' | b']')) {
                    out.push(close);
                } else {
                    depth += 1;
                    line(&mut out, depth);
                }
            }
            b'}' | b']' => {
                depth = depth.saturating_sub(1);
                line(&mut out, depth);
                out.push(byte);
            }
            b',' => {
                out.push(byte);
                line(&mut out, depth);
            }
            b':' => out.extend_from_slice(b": "),
            byte if byte.is_ascii_whitespace() => {}
            byte => out.push(byte),
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

fn line(out: &mut Vec<u8>, depth: usize) {
    out.push(b'\n');
    out.resize(out.len() + depth * 2, b' ');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_tokens_and_indents() {
        let text = br#"{"b":[1.00,{"x":"a \"q\" {,:} \\"}],"a":{},"c":[]}"#;
        let shown = pretty(text);
        assert_eq!(shown.lines().count(), 10);
        assert!(shown.contains("  \"b\": [\n    1.00,"));
        assert!(shown.contains(r#""x": "a \"q\" {,:} \\""#));
        let one: serde_json::Value = serde_json::from_slice(text).unwrap();
        assert_eq!(serde_json::from_str::<serde_json::Value>(&shown).unwrap(), one);
        assert_eq!(pretty(shown.as_bytes()), shown);
    }
}
