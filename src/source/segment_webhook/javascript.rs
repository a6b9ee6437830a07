//! The first element of a JSON array, and JSON as `JSON.stringify` writes it: what Segment signs of a batch.
//!
//! This reads unauthenticated bytes: it looks at each byte a constant number of times and never recurses.

/// Whether the body can only be an array.
pub(super) fn is_array(body: &[u8]) -> bool {
    body.trim_ascii_start().first() == Some(&b'[')
}

/// The text of the first element. `None` if there is no array, no element, or no end of it.
pub(super) fn first_element(body: &[u8]) -> Option<&[u8]> {
    let rest = body.trim_ascii_start().strip_prefix(b"[")?.trim_ascii_start();
    let mut depth = 0_usize;
    let mut at = 0;
    while at < rest.len() {
        match rest[at] {
            b'"' => {
                at = string_end(rest, at)?;
                continue;
            }
            b'[' | b'{' => depth += 1,
            b',' | b']' if depth == 0 => {
                let element = rest[..at].trim_ascii_end();
                return (!element.is_empty()).then_some(element);
            }
            b']' | b'}' => depth = depth.checked_sub(1)?,
            _ => {}
        }
        at += 1;
    }
    None
}

/// The text without white space, with strings and numbers in JavaScript's form; the order of keys stays. `None` if it is no text.
///
/// Tokens are rewritten where they stand: of text that is no JSON the result is no JSON either, and its hash matches nothing.
pub(super) fn stringify(text: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(text).ok()?;
    let bytes = text.as_bytes();
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    while at < bytes.len() {
        let start = at;
        match bytes[at] {
            b'"' => {
                at = string_end(bytes, at)?;
                out.push_str(&string(&text[start..at]));
            }
            b'-' | b'0'..=b'9' => {
                at += 1;
                while bytes.get(at).is_some_and(|byte| byte.is_ascii_digit() || b"+-.eE".contains(byte)) {
                    at += 1;
                }
                out.push_str(&number(text[start..at].parse().ok()?));
            }
            b' ' | b'\t' | b'\r' | b'\n' => at += 1,
            byte if byte.is_ascii() => {
                out.push(char::from(byte));
                at += 1;
            }
            // Outside of strings, JSON is ASCII.
            _ => return None,
        }
    }
    Some(out)
}

/// The offset behind the string that begins at `start`.
fn string_end(bytes: &[u8], start: usize) -> Option<usize> {
    let mut at = start + 1;
    loop {
        match bytes.get(at)? {
            b'"' => return Some(at + 1),
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
}

/// A string token with the escapes that JavaScript chooses, which are those of `serde_json`. A lone surrogate, which no Rust text
/// can hold, leaves its string as it came.
fn string(token: &str) -> String {
    serde_json::from_str::<String>(token)
        .and_then(|text| serde_json::to_string(&text))
        .unwrap_or_else(|_| token.to_owned())
}

/// A number as `Number.prototype.toString` writes it: the shortest digits, an exponent from 1e21 and below 1e-6.
fn number(value: f64) -> String {
    let size = value.abs();
    if size == 0.0 {
        "0".to_owned()
    } else if !size.is_finite() {
        "null".to_owned()
    } else if (1e-6..1e21).contains(&size) {
        value.to_string()
    } else {
        let text = format!("{value:e}");
        if size >= 1e21 { text.replace('e', "e+") } else { text }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn finds_the_first_element() {
        for (body, expected) in [
            ("[{\"a\":1},2]", Some("{\"a\":1}")),
            (" [ {\"a\": [1, {}]} ] ", Some("{\"a\": [1, {}]}")),
            (r#"["],\"[",1]"#, Some(r#""],\"[""#)),
            (r#"["\\",1]"#, Some(r#""\\""#)),
            ("[1]", Some("1")),
            ("[]", None),
            ("[ , 1]", None),
            ("[{\"a\":1", None),
            ("[\"a", None),
            ("[\"a\\", None),
            ("[}]", None),
            ("{}", None),
            ("", None),
        ] {
            assert_eq!(first_element(body.as_bytes()), expected.map(str::as_bytes), "{body}");
        }
    }

    #[test]
    fn writes_as_javascript_does() {
        // Each right side is what Node prints for JSON.stringify(JSON.parse(left)).
        for (text, expected) in [
            (r#"{ "b" : 1.0 , "a" : [ true , null ] }"#, r#"{"b":1,"a":[true,null]}"#),
            ("[199.00, -0, 1E3, 0.1e-6, 1e21, 123456789012345680000]", "[199,0,1000,1e-7,1e+21,123456789012345680000]"),
            (
                "[9007199254740993, 0.000001, 1.5e-9, -2.5E+30, 1e400]",
                "[9007199254740992,0.000001,1.5e-9,-2.5e+30,null]",
            ),
            (r#""\u00e9\/\u0001\t\u2028""#, "\"é/\\u0001\\t\u{2028}\""),
            (r#""\ud83d\ude00""#, "\"😀\""),
            (r#""\ud800""#, r#""\ud800""#),
        ] {
            assert_eq!(stringify(text.as_bytes()).unwrap(), expected, "{text}");
        }
        assert_eq!(stringify(b"1.2.3"), None);
        assert_eq!(stringify(b"\xff"), None);
        assert_eq!(stringify("é".as_bytes()), None);
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_a_panic(bytes in proptest::collection::vec(prop_oneof![
            any::<u8>(), proptest::sample::select(b"[]{}\",\\ 1-e".to_vec()),
        ], 0..60)) {
            if let Some(element) = first_element(&bytes) {
                prop_assert!(element.len() < bytes.len());
            }
            let _ = stringify(&bytes);
        }

        #[test]
        fn what_javascript_wrote_stays(int in -1_000_000_i64..1_000_000, text in any::<String>()) {
            let element = format!("{{\"n\":{int},\"t\":{}}}", serde_json::to_string(&text).unwrap());
            prop_assert_eq!(stringify(element.as_bytes()), Some(element.clone()));
            let body = format!("[{element},{{}}]");
            prop_assert_eq!(first_element(body.as_bytes()), Some(element.as_bytes()));
        }
    }
}
