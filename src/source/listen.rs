//! The options that all sources with an address share, and what follows from them.

use super::{Input, Place, Reply, Verdict};
use crate::diag::Diag;
use crate::event::RECONCILED;
use crate::registry::{Default, Opt, OptionValue, Options, Type};

/// The `path` option.
pub const PATH: Opt = Opt {
    name: "path",
    ty: Type::Text,
    default: Default::Absent,
    about: "Where it listens, from `/`. Without it, `/<pipeline>/<source kind>`.",
};

/// Where a source listens.
pub fn input(options: &Options, place: &Place<'_>, below: bool) -> Result<Input, Vec<Diag>> {
    let Some(path) = options.opt_text("path") else {
        return Ok(Input::Http { path: format!("/{}/{}", place.pipeline, place.kind), below });
    };
    if !path.starts_with('/') {
        let problem = options.error("path", "wrong-value", "a `path` begins with `/`");
        return Err(vec![problem.help(format!("write /{path}"))]);
    }
    if let Some(bad) = path.chars().find(|c| !c.is_ascii_graphic() || matches!(c, '?' | '#' | '%' | '\\')) {
        let problem = options.error("path", "wrong-value", format!("a `path` cannot hold {bad:?}"));
        return Err(vec![problem.help("use letters, digits, `/`, `-`, `_` and `.`")]);
    }
    let trimmed = path.trim_end_matches('/');
    if trimmed.contains("//") {
        return Err(vec![options.error("path", "wrong-value", "a `path` cannot hold `//`")]);
    }
    let path = if trimmed.is_empty() { "/" } else { trimmed };
    Ok(Input::Http { path: path.to_owned(), below })
}

/// A size option as a number of bytes.
pub fn bytes(options: &Options, name: &str) -> usize {
    usize::try_from(options.int(name)).unwrap_or(usize::MAX)
}

/// The headers of the `keep_headers` option in lower case, without any that would put a secret into the journal: credentials, and
/// what `is_secret` says.
pub fn kept_headers(options: &Options, is_secret: impl Fn(&str) -> bool, problems: &mut Vec<Diag>) -> Vec<String> {
    let mut names = Vec::new();
    for (value, span) in options.items("keep_headers") {
        let OptionValue::Text(text) = value else { continue };
        let name = text.to_ascii_lowercase();
        if name == RECONCILED {
            problems.push(
                Diag::error("own-header", format!("`{text}` is Cartwire's own and never kept"))
                    .at(options.file(), span.clone())
                    .help("it marks deliveries that `cartwire reconcile` made"),
            );
        } else if is_credential(&name) || is_secret(&name) {
            problems.push(
                Diag::error("secret-header", format!("`{text}` holds a secret and is never kept"))
                    .at(options.file(), span.clone())
                    .help("remove it from `keep_headers`"),
            );
        } else if http::HeaderName::try_from(&name).is_err() {
            problems.push(
                Diag::error("wrong-value", format!("`{text}` is not a header name")).at(options.file(), span.clone()),
            );
        } else {
            names.push(name);
        }
    }
    names
}

/// Whether a header (in lower case) holds a credential by its very nature.
pub fn is_credential(name: &str) -> bool {
    ["authorization", "proxy-authorization", "cookie"].contains(&name)
}

/// The refusal of a method, with those that are allowed.
pub fn method_not_allowed(allow: &str) -> Verdict {
    let reply = Reply::text(405, &format!("only {allow} here\n")).header("allow", allow);
    Verdict::Reject { reply, reason: "bad-method" }
}

/// A hash of texts as 32 hex digits, each delimited by its length so that no two lists give the same.
pub fn digest(texts: &[&str]) -> String {
    use sha2::{Digest, Sha256};
    let mut hasher = Sha256::new();
    for text in texts {
        hasher.update((text.len() as u64).to_le_bytes());
        hasher.update(text);
    }
    hex::encode(&hasher.finalize()[..16])
}
