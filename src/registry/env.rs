//! `${NAME}`, `${NAME:-default}` and `${file:/path}` in option texts.

use std::fmt;

/// Where variables and secret files come from: the process for `run`, a map for tests.
pub trait Environment {
    /// The value of a variable, or `None` when it is not set. An empty value counts as set.
    fn var(&self, name: &str) -> Option<String>;
    /// The same for a reference that has a default: environments that invent values leave it to the default.
    fn var_or_default(&self, name: &str) -> Option<String> {
        self.var(name)
    }
    /// The content of a secret file; a relative path begins at the project's folder.
    fn file(&self, path: &str) -> Result<String, String>;
}

/// Why a text could not be filled in. The byte offset is inside the text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EnvError {
    /// The variable is not set and has no default.
    Missing(String),
    /// The file could not be read.
    File(String, String),
    /// `${` without `}`, or an empty name.
    Syntax(usize),
}

impl fmt::Display for EnvError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing(name) => write!(f, "the environment variable {name} is not set"),
            Self::File(path, error) => write!(f, "the secret file {path} cannot be read: {error}"),
            Self::Syntax(_) => write!(f, "`${{` is not a complete reference, as ${{NAME}}"),
        }
    }
}

/// Fills in every reference of a text. `$${` stands for a literal `${`.
pub fn interpolate(text: &str, env: &dyn Environment) -> Result<String, EnvError> {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("${") {
        let offset = text.len() - rest.len() + at;
        if rest[..at].ends_with('$') {
            out.push_str(&rest[..at]);
            out.push('{');
            rest = &rest[at + 2..];
            continue;
        }
        out.push_str(&rest[..at]);
        let end = rest[at..].find('}').ok_or(EnvError::Syntax(offset))? + at;
        out.push_str(&lookup(&rest[at + 2..end], offset, env)?);
        rest = &rest[end + 1..];
    }
    out.push_str(rest);
    Ok(out)
}

fn lookup(reference: &str, offset: usize, env: &dyn Environment) -> Result<String, EnvError> {
    if let Some(path) = reference.strip_prefix("file:") {
        let content = env.file(path).map_err(|error| EnvError::File(path.to_owned(), error))?;
        // Files written by editors and by secret managers end in a line feed that is not part of the secret.
        return Ok(content.trim_end_matches(['\n', '\r']).to_owned());
    }
    let (name, default) = match reference.split_once(":-") {
        Some((name, default)) => (name, Some(default)),
        None => (reference, None),
    };
    if name.is_empty() || !name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
        return Err(EnvError::Syntax(offset));
    }
    match default {
        Some(default) => {
            Ok(env.var_or_default(name).filter(|value| !value.is_empty()).unwrap_or_else(|| default.to_owned()))
        }
        None => env.var(name).ok_or_else(|| EnvError::Missing(name.to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct One;
    impl Environment for One {
        fn var(&self, name: &str) -> Option<String> {
            match name {
                "KEY" => Some("k1".into()),
                "EMPTY" => Some(String::new()),
                _ => None,
            }
        }
        fn file(&self, path: &str) -> Result<String, String> {
            if path == "/run/secrets/x" { Ok("s3\n".into()) } else { Err("not found".into()) }
        }
    }

    #[test]
    fn fills_in_variables_defaults_and_files() {
        for (text, expected) in [
            ("a ${KEY} b", "a k1 b"),
            ("${NONE:-d}", "d"),
            ("${EMPTY:-d}", "d"),
            ("${EMPTY}", ""),
            ("${KEY:-d}", "k1"),
            ("${file:/run/secrets/x}", "s3"),
            ("$${KEY}", "${KEY}"),
            ("100$", "100$"),
            ("${KEY}${KEY}", "k1k1"),
        ] {
            assert_eq!(interpolate(text, &One).unwrap(), expected);
        }
    }

    #[test]
    fn names_what_is_missing() {
        assert_eq!(interpolate("${NONE}", &One), Err(EnvError::Missing("NONE".into())));
        assert_eq!(interpolate("ab${KEY", &One), Err(EnvError::Syntax(2)));
        assert_eq!(interpolate("${}", &One), Err(EnvError::Syntax(0)));
        assert!(matches!(interpolate("${file:/nope}", &One), Err(EnvError::File(..))));
    }
}
