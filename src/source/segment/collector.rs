//! `GET /cartwire.js`: the collector for web pages, small enough to be read and served as it is written.

use std::io::Write;
use std::sync::LazyLock;

use flate2::Compression;
use flate2::write::GzEncoder;
use sha2::{Digest, Sha256};

use crate::source::{Reply, Request};

/// As it is written, with its comments.
const SOURCE: &str = include_str!("cartwire.js");

/// What a browser keeps without asking again: an hour, after which its tag spares it most downloads.
const CACHE: &str = "public, max-age=3600, stale-while-revalidate=86400";

/// What is served; made once.
static SERVED: LazyLock<Served> = LazyLock::new(|| {
    let plain = without_comments(SOURCE).replace("__VERSION__", env!("CARGO_PKG_VERSION")).into_bytes();
    let etag = format!("\"{}\"", hex::encode(&Sha256::digest(&plain)[..12]));
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    // Writing to memory does not fail; if it did, everybody would get the plain text.
    let gzip = encoder.write_all(&plain).and_then(|()| encoder.finish()).ok();
    Served { plain, gzip, etag }
});

struct Served {
    plain: Vec<u8>,
    gzip: Option<Vec<u8>>,
    etag: String,
}

/// The script, or 304 for a browser that has it.
pub(super) fn script(request: &Request<'_>) -> Reply {
    let served = &*SERVED;
    let dressed = |reply: Reply| {
        reply
            .header("cache-control", CACHE)
            .header("etag", &served.etag)
            .header("vary", "Accept-Encoding")
            .header("cross-origin-resource-policy", "cross-origin")
    };
    if request.header("if-none-match").is_some_and(|known| has_tag(known, &served.etag)) {
        return dressed(Reply::empty(304));
    }
    let reply = dressed(Reply::empty(200).header("content-type", "text/javascript; charset=utf-8"))
        .header("x-content-type-options", "nosniff");
    match served.gzip.as_ref().filter(|_| takes_gzip(request)) {
        Some(gzip) => reply.header("content-encoding", "gzip").with_body(gzip.clone()),
        None => reply.with_body(served.plain.clone()),
    }
}

/// Weak or strong, one of a list: a proxy that packed the script itself has weakened the tag.
fn has_tag(known: &str, etag: &str) -> bool {
    known.split(',').map(str::trim).any(|tag| tag == "*" || tag.strip_prefix("W/").unwrap_or(tag) == etag)
}

fn takes_gzip(request: &Request<'_>) -> bool {
    let accepted = request.header("accept-encoding").unwrap_or_default();
    accepted.split(',').any(|coding| {
        let (name, weight) = coding.split_once(';').unwrap_or((coding, ""));
        let weight = weight.trim().strip_prefix("q=").and_then(|weight| weight.parse::<f32>().ok());
        name.trim().eq_ignore_ascii_case("gzip") && weight.is_none_or(|weight| weight > 0.0)
    })
}

/// Without indentation, empty lines and lines that hold nothing but a comment. Nothing else is touched, so that a browser's
/// debugger shows what stands in the repository.
fn without_comments(source: &str) -> String {
    let lines = source.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with("//"));
    let mut text: String = lines.flat_map(|line| [line, "\n"]).collect();
    text.insert_str(0, "// cartwire.js __VERSION__\n");
    text
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;
    use crate::source::testing::{Call, build, reply_header};

    /// Of a page's budget it shall be a small part, though it is not minified.
    const GZIP_BYTES_MAX: usize = 6 * 1024;

    fn get(headers: &[(&str, &str)]) -> Reply {
        let source = build("- segment: { write_keys: k, path: / }\n");
        let call =
            headers.iter().fold(Call::new("GET", "/cartwire.js", ""), |call, (name, value)| call.header(name, value));
        assert!(call.outcome(&*source).ends_with(" answered"), "{}", call.outcome(&*source));
        call.reply(&*source)
    }

    #[test]
    fn it_is_small() {
        let packed = get(&[("accept-encoding", "br, gzip;q=0.8")]);
        assert_eq!((packed.status, reply_header(&packed, "content-encoding")), (200, Some("gzip")));
        assert!(packed.body.len() < GZIP_BYTES_MAX, "{} bytes", packed.body.len());
        let mut text = String::new();
        flate2::read::GzDecoder::new(&*packed.body).read_to_string(&mut text).unwrap();
        let plain = get(&[("accept-encoding", "identity, gzip; q=0.0")]);
        assert_eq!(reply_header(&plain, "content-encoding"), None);
        assert_eq!(plain.body, text.as_bytes());
    }

    #[test]
    fn it_is_what_stands_in_the_repository_without_its_comments() {
        let plain = String::from_utf8(get(&[]).body).unwrap();
        let comments = plain.lines().skip(1).filter(|line| line.starts_with("//") || line.trim().is_empty()).count();
        assert_eq!(comments, 0);
        assert!(plain.contains(&format!("version: '{}'", env!("CARGO_PKG_VERSION"))));
        assert!(!plain.contains("__VERSION__"));
        for line in plain.lines().skip(1).filter(|line| !line.contains("version:")) {
            assert!(SOURCE.contains(line), "{line}");
        }
        // A text over several lines would lose its indentation, and one that looks like a comment its line.
        assert!(!plain.contains('`'), "no template texts");
    }

    #[test]
    fn a_browser_that_has_it_is_not_sent_it_again() {
        let first = get(&[]);
        let etag = reply_header(&first, "etag").unwrap();
        assert!(reply_header(&first, "cache-control").unwrap().contains("max-age="));
        assert_eq!(reply_header(&first, "content-type"), Some("text/javascript; charset=utf-8"));
        assert_eq!(reply_header(&first, "access-control-allow-origin"), Some("*"));
        let weak = format!("\"other\", W/{etag}");
        for known in [etag, weak.as_str(), "*"] {
            let again = get(&[("if-none-match", known)]);
            assert_eq!((again.status, again.body.len()), (304, 0), "{known}");
            assert_eq!(reply_header(&again, "etag"), Some(etag));
        }
        assert_eq!(get(&[("if-none-match", "\"other\"")]).status, 200);
    }
}
