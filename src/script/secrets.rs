//! What the environment filled into a part's `settings`: scripts may use it, and logs and reasons do not show it.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

/// Shorter values are words, as `email` or `EUR`: hiding them would make holes into every line.
const SECRET_BYTES_MIN: usize = 6;
/// What stands in the place of a secret.
const INSTEAD: &str = "[secret]";

/// The values that are not shown.
#[derive(Default)]
pub struct Secrets {
    /// Longest first, so that none is taken for one that it begins with; also as they are written within quotes, in links, and in the
    /// Base64 and hexadecimal of headers.
    forms: Vec<String>,
}

impl std::fmt::Debug for Secrets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secrets(…)")
    }
}

impl Secrets {
    /// The values that are long enough to be secrets.
    pub fn new<'a>(values: impl IntoIterator<Item = &'a str>) -> Self {
        let mut forms = Vec::new();
        for value in values.into_iter().map(str::trim).filter(|value| value.len() >= SECRET_BYTES_MIN) {
            let quoted = [serde_json::Value::from(value).to_string(), format!("{value:?}")];
            forms.push(value.to_owned());
            forms.extend(encoded(value));
            forms.extend(quoted.map(|quoted| quoted[1..quoted.len() - 1].to_owned()));
        }
        forms.sort_by(|one, two| two.len().cmp(&one.len()).then_with(|| one.cmp(two)));
        forms.dedup();
        Self { forms }
    }

    /// The text without secrets.
    pub fn hide<'a>(&self, text: &'a str) -> Cow<'a, str> {
        let mut text = Cow::Borrowed(text);
        for form in &self.forms {
            if text.contains(form.as_str()) {
                text = Cow::Owned(text.replace(form.as_str(), INSTEAD));
            }
        }
        text
    }

    /// Hides secrets in place; costs nothing where there are none.
    pub fn hide_in(&self, text: &mut String) {
        if let Cow::Owned(hidden) = self.hide(text) {
            *text = hidden;
        }
    }
}

/// A value as it stands in what is made of it for a request.
fn encoded(value: &str) -> Vec<String> {
    let in_link: String = utf8_percent_encode(value, NON_ALPHANUMERIC).collect();
    let in_form: String = url::form_urlencoded::byte_serialize(value.as_bytes()).collect();
    let hex = hex::encode(value);
    let mut forms = vec![in_link, in_form.replace('+', "%20"), in_form, hex.to_uppercase(), hex];
    // `Basic` has a name before the secret, so it may begin at any of three places of a group of Base64. What its neighbours have a
    // part in is left out.
    for before in 0..3 {
        let bytes = [&[0; 2][..before], value.as_bytes()].concat();
        let inner = (before * 8).div_ceil(6)..bytes.len() * 8 / 6;
        forms
            .extend([&STANDARD_NO_PAD, &URL_SAFE_NO_PAD].map(|engine| engine.encode(&bytes)[inner.clone()].to_owned()));
    }
    forms
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_hidden_however_they_are_written() {
        let secrets = Secrets::new(["abcdef", "abcdef-longer", "two\nlines \"é\"", "EUR", "      "]);
        assert_eq!(secrets.hide("a abcdef-longer, abcdef; EUR"), "a [secret], [secret]; EUR");
        assert_eq!(secrets.hide(r#"{"pem":"two\nlines \"é\""}"#), r#"{"pem":"[secret]"}"#);
        assert_eq!(secrets.hide("two\nlines \"é\""), "[secret]");
        assert!(matches!(secrets.hide("nothing here"), Cow::Borrowed(_)));
        assert!(!format!("{secrets:?}").contains("abcdef"));
    }

    #[test]
    fn secrets_are_hidden_in_what_is_made_of_them() {
        let secret = "s3cret?/>key 7";
        let secrets = Secrets::new([secret]);
        for name in ["", "j", "ja", "jan", "jane:"] {
            for rest in ["", ":x", "12", "123"] {
                let text = format!("{name}{secret}{rest}");
                for written in [STANDARD_NO_PAD.encode(&text), URL_SAFE_NO_PAD.encode(&text)] {
                    let line = format!("authorization: Basic {written}");
                    let hidden = secrets.hide(&line);
                    assert!(
                        hidden.contains("[secret]") && hidden.len() < "authorization: Basic [secret]".len() + 20,
                        "{hidden}"
                    );
                    assert!(!hidden.contains(&written[written.len() / 2 - 3..written.len() / 2 + 3]), "{hidden}");
                }
            }
        }
        for line in ["k=s3cret%3F%2F%3Ekey%207&a=1", "k=s3cret%3F%2F%3Ekey+7&a=1"] {
            assert_eq!(secrets.hide(line), "k=[secret]&a=1");
        }
        assert_eq!(secrets.hide(&format!("<{}>", hex::encode(secret))), "<[secret]>");
        assert_eq!(secrets.hide(&hex::encode_upper(secret)), "[secret]");
    }
}
