//! Request level: paths, content types, encodings, sizes, JSON, keys, and what happens to a batch as a whole.

use std::io::Write;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use crate::support::FakeSegment;
use crate::support::http::{get, post, request};
use crate::{JSON, drop_codes, lenient, send, track, warning_codes, without};

#[test]
fn every_path_of_the_api() {
    let segment = FakeSegment::start();
    for kind in ["identify", "track", "page", "screen", "group", "alias"] {
        for path in [format!("/v1/{kind}"), format!("/v1/{}", &kind[..1]), format!("/v1/{kind}/")] {
            let message = without(track(&json!({ "writeKey": "key", "groupId": "g", "previousId": "p" })), &["type"]);
            let reply = send(&segment, &path, &message.to_string());
            assert_eq!((reply.status, reply.text().as_str()), (200, r#"{"success":true}"#), "{path}");
            let stored = segment.received().pop().unwrap();
            assert_eq!((stored.merged["type"].as_str(), stored.path.as_str()), (Some(kind), path.as_str()));
            assert_eq!(stored.raw, message.to_string());
        }
    }
    for path in ["/v1/batch", "/v1/b", "/v1/import", "/v1/import/"] {
        let before = segment.received().len();
        let body = json!({ "batch": [track(&json!({}))], "writeKey": "key" });
        assert_eq!(send(&segment, path, &body.to_string()).status, 200);
        assert_eq!(segment.received().len(), before + 1, "{path}");
    }
    assert_eq!(send(&segment, "/v1/m", r#"{"series":[]}"#).status, 200);
    for path in ["/v1/nothing", "/batch", "/v1/", "/v1/x"] {
        assert_eq!(send(&segment, path, "{}").status, 404, "{path}");
    }
    assert_eq!(request("PUT", &format!("{}/v1/batch", segment.url()), &[JSON], b"{}").unwrap().status, 404);
    assert_eq!(get(&format!("{}/v1/track", segment.url())).unwrap().status, 404);
}

#[test]
fn what_a_browser_asks_for() {
    let segment = FakeSegment::start();
    let preflight = request("OPTIONS", &format!("{}/v1/p", segment.url()), &[], b"").unwrap();
    assert_eq!(preflight.status, 204);
    assert!(preflight.header("access-control-allow-headers").unwrap().contains("x-retry-count"));
    let settings = get(&format!("{}/v1/projects/abc/settings", segment.url())).unwrap();
    assert_eq!(settings.json()["integrations"]["Segment.io"]["apiKey"], "abc");
    segment.refuse_key("gone", "unknown_source");
    assert_eq!(get(&format!("{}/v1/projects/gone/settings", segment.url())).unwrap().status, 404);
    let message = track(&json!({ "writeKey": "key", "event": "Email Opened" })).to_string();
    let data = base64_url(&message);
    assert_eq!(
        get(&format!("{}/v1/pixel/track?data={data}", segment.url())).unwrap().header("content-type"),
        Some("image/gif")
    );
    let plain = "writeKey=key&event=Opened&userId=u-1&properties.subject=Hi%20there&properties.a.b=2";
    get(&format!("{}/v1/pixel/track?{plain}", segment.url())).unwrap();
    let received = segment.received();
    assert_eq!(received[0].message["event"], "Email Opened");
    assert_eq!(received[1].message["properties"], json!({ "subject": "Hi there", "a": { "b": "2" } }));
    assert_eq!(get(&format!("{}/v1/pixel/track?data=%", segment.url())).unwrap().status, 200);
}

fn base64_url(text: &str) -> String {
    base64::engine::general_purpose::URL_SAFE.encode(text)
}

#[test]
fn content_type_and_encoding() {
    let segment = FakeSegment::start();
    let url = format!("{}/v1/batch", segment.url());
    let body = || json!({ "batch": [track(&json!({}))], "writeKey": "key" }).to_string().into_bytes();
    let status = |headers: &[(&str, &str)], body: &[u8]| post(&url, headers, body).unwrap().status;
    assert_eq!(status(&[("content-type", "application/json; charset=utf-8")], &body()), 200);
    assert_eq!(status(&[("content-type", "text/plain")], &body()), 200);
    assert_eq!(status(&[("content-type", "application/x-www-form-urlencoded")], &body()), 400);
    assert_eq!(status(&[], &body()), 400);
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(&body()).unwrap();
    let gzip = gzip.finish().unwrap();
    assert_eq!(status(&[JSON, ("content-encoding", "gzip")], &gzip), 200);
    assert_eq!(status(&[JSON, ("content-encoding", "gzip")], &gzip[..gzip.len() - 9]), 400);
    assert_eq!(status(&[JSON, ("content-encoding", "br")], &body()), 400);
    let mut chunked = Vec::new();
    body().chunks(50).for_each(|chunk| {
        chunked.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
        chunked.extend_from_slice(chunk);
        chunked.extend_from_slice(b"\r\n");
    });
    chunked.extend_from_slice(b"0\r\n\r\n");
    assert_eq!(status(&[JSON, ("transfer-encoding", "chunked")], &chunked), 200);
    assert_eq!(segment.received().len(), 4);
}

#[test]
fn only_strict_json_is_read() {
    let segment = FakeSegment::start();
    let bad = [
        "",
        "[]",
        "null",
        "{",
        "{}{}",
        "\u{feff}{}",
        r#"{"a":NaN}"#,
        r#"{"a":1,}"#,
        r#"{"a":[1,]}"#,
        r#"{"a":01}"#,
        r#"{"a":1.}"#,
        r#"{"a":.5}"#,
        r#"{"a":+1}"#,
        r#"{"a":1e}"#,
        r#"{"a":"\x"}"#,
        r#"{"a":"\u12"}"#,
        "{\"a\":\"\n\"}",
        r#"{"a":tru}"#,
        r"{'a':1}",
        "{a:1}",
        r#"{"a" 1}"#,
    ];
    for body in bad {
        assert_eq!(send(&segment, "/v1/batch", body).status, 400, "{body}");
        assert!(serde_json::from_str::<serde_json::Map<String, Value>>(body).is_err(), "{body}");
    }
    let deep = format!("{{\"batch\":[],\"a\":{}{}}}", "[".repeat(1000), "]".repeat(1000));
    assert_eq!(send(&segment, "/v1/batch", &deep).status, 400);
    assert_eq!(post(&format!("{}/v1/batch", segment.url()), &[JSON], b"{\"a\":\"\xff\"}").unwrap().status, 400);
    let refusal = send(&segment, "/v1/batch", r#"{"batch":{},"writeKey":"key"}"#);
    assert_eq!((refusal.status, refusal.json()["success"].as_bool()), (400, Some(false)));
    assert!(
        refusal.json()["message"].is_string()
            && refusal.json()["code"].is_string()
            && refusal.json()["error"].is_string()
    );
}

#[test]
fn keys() {
    let segment = lenient();
    let url = format!("{}/v1/batch", segment.url());
    let basic = |text: &str| format!("Basic {}", STANDARD.encode(text));
    let send = |authorization: &str, key: Value| {
        let body = json!({ "batch": [track(&json!({}))], "writeKey": key }).to_string();
        let reply = post(&url, &[JSON, ("authorization", authorization)], body.as_bytes()).unwrap();
        (reply.status, warning_codes(&segment).pop().unwrap_or_default())
    };
    assert_eq!(send(&basic("key:"), json!("key")), (200, ""));
    assert_eq!(send(&basic("key:"), Value::Null), (200, ""));
    assert_eq!(segment.received()[1].key, "key");
    assert_eq!(send("Bearer token", json!("key")), (200, ""));
    assert_eq!(send("Bearer token", Value::Null).0, 400);
    assert_eq!(send(&basic(":"), Value::Null).0, 400);
    assert_eq!(send("Basic %%%", json!("key")).0, 400);
    assert_eq!(send(&basic("key"), Value::Null), (200, "key_without_colon"));
    assert_eq!(send(&basic("key:secret"), Value::Null), (200, "key_with_password"));
    assert_eq!(send(&basic("key:"), json!("other")), (200, "key_mismatch"));
    for code in ["unknown_source", "source_disabled", "locked_workspace"] {
        segment.reset();
        segment.refuse_key("closed", code);
        assert_eq!(send(&basic("closed:"), Value::Null).0, 200);
        assert_eq!(send(&basic("open:"), Value::Null).0, 200);
        assert_eq!((drop_codes(&segment), segment.received().len()), (vec![code], 1));
    }
}
