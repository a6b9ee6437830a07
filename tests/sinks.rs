//! The sinks `http`, `file` and `console`, and sending samples, through the running binary.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use std::io::{Read, Write};
use std::net::TcpListener;
use std::process::Command;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use support::{Cartwire, Project};

/// A server that answers each request with the next status and hands over what it was sent.
fn server(statuses: &[u16]) -> (String, mpsc::Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/hook", listener.local_addr().unwrap());
    let (sender, requests) = mpsc::channel();
    let statuses = statuses.to_vec();
    std::thread::spawn(move || {
        for (stream, status) in listener.incoming().zip(statuses.into_iter().chain(std::iter::repeat(200))) {
            let mut stream = stream.unwrap();
            let mut text = Vec::new();
            let mut chunk = [0; 4096];
            loop {
                let read = stream.read(&mut chunk).unwrap();
                text.extend_from_slice(&chunk[..read]);
                let shown = String::from_utf8_lossy(&text).into_owned();
                let Some((head, body)) = shown.split_once("\r\n\r\n") else { continue };
                let length = head
                    .lines()
                    .find_map(|line| line.to_lowercase().strip_prefix("content-length: ").map(str::to_owned));
                if read == 0 || body.len() >= length.map_or(0, |length| length.parse().unwrap()) {
                    break;
                }
            }
            let _ = sender.send(String::from_utf8_lossy(&text).into_owned());
            write!(stream, "HTTP/1.1 {status} X\r\ncontent-length: 0\r\nconnection: close\r\n\r\n").unwrap();
        }
    });
    (url, requests)
}

const JSON: [(&str, &str); 1] = [("content-type", "application/json")];

#[test]
fn http_sends_each_event_and_retries() {
    let (url, requests) = server(&[503]);
    let project = Project::new().pipeline(
        "out",
        "sources:\n  - webhook: { verify: none, path: /in }\nsinks:\n  - http: { url: \"${URL}\", headers: { x-token: \"${TOKEN}\" } }\n",
    );
    let mut cartwire = Cartwire::start_with(&project, &[], &[("URL", &url), ("TOKEN", "very-secret")]);
    assert_eq!(cartwire.post("/in", &JSON, b"{\"a\":199.00}").unwrap().status, 200);
    for _ in 0..2 {
        let request = requests.recv_timeout(Duration::from_secs(20)).unwrap();
        assert!(request.starts_with("POST /hook HTTP/1.1"), "{request}");
        assert!(request.contains("x-token: very-secret") && request.contains("\"a\":199.00"), "{request}");
    }
    assert!(!cartwire.stderr().contains("very-secret"));
    cartwire.stop();
}

#[test]
fn files_rotate_and_conditions_choose_the_sink() {
    let project = Project::new().pipeline(
        "out",
        "sources:
  - webhook: { verify: none, path: /in }
sinks:
  - file: { path: all.ndjson, rotate_size: 4KiB, rotate_keep: 3 }
  - file: { path: big.ndjson }
    id: big
    when: event.properties.n > 55
",
    );
    let mut cartwire = Cartwire::start(&project);
    for n in 0..60 {
        assert_eq!(
            cartwire
                .post("/in", &JSON, format!("{{\"n\":{n},\"filler\":\"{}\"}}", "x".repeat(200)).as_bytes())
                .unwrap()
                .status,
            200
        );
    }
    cartwire.stop();
    let count = |path: &str| std::fs::read_to_string(project.path(path)).unwrap_or_default().lines().count();
    let rotated: usize = ["all.ndjson", "all.ndjson.1", "all.ndjson.2", "all.ndjson.3"].into_iter().map(count).sum();
    assert!(count("all.ndjson.1") > 0, "it rotated");
    assert!(rotated >= 30, "the newest lines are there");
    assert_eq!(count("big.ndjson"), 4);
}

#[test]
fn send_posts_signed_samples_and_a_table_edit_is_taken_up() {
    let project = Project::new()
        .pipeline(
            "shop",
            "sources:
  - shopify: { secrets: [ \"${SECRET}\" ], path: /hooks }
steps:
  - script:
      inline: |
        event = #{ type: \"track\", event: table::get(\"names.csv\", delivery.topic, \"unknown\"), userId: \"u1\" };
sinks:
  - file: out.ndjson
",
        )
        .file("scripts/names.csv", "topic,name\norders/create,First Name\n")
        .file(
            "tests/fixtures/shop/order.yaml",
            "given: { source: shopify, headers: { X-Shopify-Topic: orders/create }, json: { id: 1 } }\nexpect: [ { event: First Name } ]\n",
        );
    let mut cartwire = Cartwire::start_with(&project, &[], &[("SECRET", "s3cret")]);
    let send = |secret: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_cartwire"));
        command.args(["send", "--to", &cartwire.url("")]).env("SECRET", secret).current_dir(project.dir());
        command.output().unwrap()
    };
    let output = send("s3cret");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(send("wrong").status.code(), Some(1));
    let written = || std::fs::read_to_string(project.path("out.ndjson")).unwrap_or_default();
    let deadline = Instant::now() + Duration::from_secs(20);
    while !written().contains("First Name") {
        assert!(Instant::now() < deadline, "the sample does not arrive");
        std::thread::sleep(Duration::from_millis(20));
    }

    project.write("scripts/names.csv", "topic,name\norders/create,Second Name\n");
    let deadline = Instant::now() + Duration::from_secs(20);
    loop {
        assert!(send("s3cret").status.success());
        std::thread::sleep(Duration::from_millis(100));
        if written().contains("Second Name") {
            break;
        }
        assert!(Instant::now() < deadline, "the table's edit is not taken up");
    }
    cartwire.stop();
}
