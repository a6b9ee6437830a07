//! What the environment filled into a part's `settings`: scripts may use it, and logs and reasons do not show it.

use std::borrow::Cow;

/// Shorter values are words, as `email` or `EUR`: hiding them would make holes into every line.
const SECRET_BYTES_MIN: usize = 6;
/// What stands in the place of a secret.
const INSTEAD: &str = "[secret]";

/// The values that are not shown.
#[derive(Default)]
pub struct Secrets {
    /// Longest first, so that none is taken for one that it begins with; also as they are written within quotes.
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
}
