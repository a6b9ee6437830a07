//! A blocking HTTP/1.1 client for tests: one request, one connection, every byte under the test's control.

use std::fmt::Write as _;
use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

/// How long a test waits for an answer.
const TIMEOUT: Duration = Duration::from_secs(30);

/// An answer.
#[derive(Debug, Clone)]
pub struct Reply {
    /// The status.
    pub status: u16,
    /// The headers, names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body, with chunks joined.
    pub body: Vec<u8>,
}

impl Reply {
    /// A header by its name in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body as JSON.
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|e| panic!("{e} in {:?}", self.text()))
    }
}

/// POSTs a body.
pub fn post(url: &str, headers: &[(&str, &str)], body: &[u8]) -> io::Result<Reply> {
    request("POST", url, headers, body)
}

/// GETs a page.
pub fn get(url: &str) -> io::Result<Reply> {
    request("GET", url, &[], b"")
}

/// Sends a request with `Connection: close` and reads the whole answer. An error means that there was no whole answer.
pub fn request(method: &str, url: &str, headers: &[(&str, &str)], body: &[u8]) -> io::Result<Reply> {
    let rest = url.strip_prefix("http://").unwrap_or_else(|| panic!("{url} is not an http:// address"));
    let (host, path) = rest.find('/').map_or((rest, "/"), |slash| rest.split_at(slash));
    let mut head = format!("{method} {path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n");
    for (name, value) in headers {
        let _ = write!(head, "{name}: {value}\r\n");
    }
    if !headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("transfer-encoding")) {
        let _ = write!(head, "content-length: {}\r\n", body.len());
    }
    head.push_str("\r\n");
    let mut stream = TcpStream::connect(host)?;
    stream.set_read_timeout(Some(TIMEOUT))?;
    stream.set_write_timeout(Some(TIMEOUT))?;
    stream.write_all(head.as_bytes())?;
    // A server may refuse and close before it has read everything; its answer is then still there to read.
    let written = stream.write_all(body);
    let mut answer = Vec::new();
    let read = stream.read_to_end(&mut answer);
    if answer.is_empty() {
        written?;
        read?;
    }
    parse(&answer)
}

fn parse(answer: &[u8]) -> io::Result<Reply> {
    let broken = |what: &str| {
        io::Error::new(io::ErrorKind::UnexpectedEof, format!("{what}: {:?}", String::from_utf8_lossy(answer)))
    };
    let end = answer.windows(4).position(|four| four == b"\r\n\r\n").ok_or_else(|| broken("no whole header"))?;
    let head = String::from_utf8_lossy(&answer[..end]);
    let rest = &answer[end + 4..];
    let mut lines = head.split("\r\n");
    let status = lines.next().and_then(|line| line.split(' ').nth(1)).and_then(|status| status.parse().ok());
    let status: u16 = status.ok_or_else(|| broken("no status"))?;
    if status == 100 {
        return parse(rest);
    }
    let headers =
        lines.filter_map(|line| line.split_once(':')).map(|(k, v)| (k.to_ascii_lowercase(), v.trim().to_owned()));
    let mut reply = Reply { status, headers: headers.collect(), body: Vec::new() };
    reply.body = if reply.header("transfer-encoding") == Some("chunked") {
        unchunk(rest).ok_or_else(|| broken("no whole chunks"))?
    } else {
        let length = reply.header("content-length").and_then(|length| length.parse().ok()).unwrap_or(rest.len());
        rest.get(..length).ok_or_else(|| broken("no whole body"))?.to_vec()
    };
    Ok(reply)
}

fn unchunk(mut rest: &[u8]) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let end = rest.windows(2).position(|two| two == b"\r\n")?;
        let size = usize::from_str_radix(std::str::from_utf8(&rest[..end]).ok()?.split(';').next()?.trim(), 16).ok()?;
        rest = &rest[end + 2..];
        if size == 0 {
            return Some(body);
        }
        body.extend_from_slice(rest.get(..size)?);
        rest = rest.get(size + 2..)?;
    }
}
