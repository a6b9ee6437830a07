//! Clients that are slow, many or unusual: announced bodies that never come, chunks, pipelining, HEAD, 100-continue.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use support::{Cartwire, Project};

const PIPELINE: &str = "sources:
  - webhook: { verify: none, path: /in, body_max: 8MB }
sinks:
  - file: { path: out.ndjson }
";
const JSON: [(&str, &str); 1] = [("content-type", "application/json")];

fn start() -> (Project, Cartwire) {
    let project = Project::new().pipeline("one", PIPELINE);
    let cartwire = Cartwire::start(&project);
    (project, cartwire)
}

fn connect(url: &str) -> TcpStream {
    let address = url.strip_prefix("http://").unwrap().split('/').next().unwrap();
    let stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    stream
}

/// Reads until the text has come; the connection may stay open.
fn read_until(stream: &mut TcpStream, text: &str, times: usize) -> String {
    let mut seen = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        let shown = String::from_utf8_lossy(&seen).into_owned();
        if shown.matches(text).count() >= times {
            return shown;
        }
        match stream.read(&mut buffer) {
            Ok(0) | Err(_) => panic!("only this came: {shown}"),
            Ok(count) => seen.extend_from_slice(&buffer[..count]),
        }
    }
}

#[test]
fn announced_bodies_that_never_come_take_no_room_from_others() {
    let (_project, mut cartwire) = start();
    // Large ones first, then ever smaller ones, so that nothing would be left.
    let silent: Vec<_> = (0..130)
        .map(|number| {
            let mut stream = connect(&cartwire.url("/in"));
            let bytes = 7_999_999 >> (number / 10_usize).saturating_sub(3);
            write!(stream, "POST /in HTTP/1.1\r\nhost: x\r\ncontent-length: {bytes}\r\n\r\n").unwrap();
            stream
        })
        .collect();
    std::thread::sleep(Duration::from_millis(300));
    let body = format!("{{\"filler\":\"{}\"}}", "x".repeat(1_000_000));
    assert_eq!(cartwire.post("/in", &JSON, body.as_bytes()).unwrap().status, 200);
    drop(silent);
    cartwire.stop();
}

#[test]
fn chunks_pipelining_and_100_continue_are_understood() {
    let (project, mut cartwire) = start();
    let mut stream = connect(&cartwire.url("/in"));
    let chunked = "POST /in HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n3\r\n{\"n\r\n4\r\n\":1}\r\n0\r\n\r\n";
    let whole = "POST /in HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 7\r\n\r\n{\"n\":2}";
    stream.write_all(format!("{chunked}{whole}").as_bytes()).unwrap();
    read_until(&mut stream, "HTTP/1.1 200", 2);
    let head = "POST /in HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\nexpect: 100-continue\r\n";
    write!(stream, "{head}content-length: 7\r\n\r\n").unwrap();
    read_until(&mut stream, "HTTP/1.1 100", 1);
    stream.write_all(b"{\"n\":3}").unwrap();
    read_until(&mut stream, "HTTP/1.1 200", 1);
    // Who asks first is told before the body is sent.
    write!(stream, "{head}content-length: 9000000\r\n\r\n").unwrap();
    let shown = read_until(&mut stream, "HTTP/1.1 413", 1);
    assert!(!shown.contains("HTTP/1.1 100"), "{shown}");
    cartwire.stop();
    let text = std::fs::read_to_string(project.path("out.ndjson")).unwrap();
    assert_eq!(text.lines().count(), 3, "{text}");
}

#[test]
fn a_head_request_gets_no_body_and_a_broken_one_gets_400() {
    let (_project, mut cartwire) = start();
    let mut stream = connect(&cartwire.admin_url("/"));
    stream
        .write_all(
            b"HEAD /healthz HTTP/1.1\r\nhost: x\r\n\r\nGET /healthz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n",
        )
        .unwrap();
    let mut shown = String::new();
    stream.read_to_string(&mut shown).unwrap();
    assert_eq!((shown.matches("HTTP/1.1 200").count(), shown.matches("ok\n").count()), (2, 1), "{shown}");
    let mut stream = connect(&cartwire.url("/in"));
    stream.write_all(b"POST /in HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\nhello!").unwrap();
    read_until(&mut stream, "HTTP/1.1 400", 1);
    cartwire.stop();
}

#[test]
fn a_body_that_the_journal_cannot_hold_is_too_large() {
    let project = Project::new().pipeline("one", &PIPELINE.replace("8MB", "40MiB"));
    let mut cartwire = Cartwire::start(&project);
    let mut body = vec![b' '; 33 << 20];
    body[0] = b'1';
    assert_eq!(cartwire.post("/in", &JSON, &body).unwrap().status, 413, "trying again would not help");
    cartwire.stop();
}
