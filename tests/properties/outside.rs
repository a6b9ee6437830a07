//! No script reads a file that is not below `scripts/`, or asks a host that is not listed, however it writes the name.

use std::cell::Cell;
use std::fs;

use cartwire::engine::read_tree;
use cartwire::pipeline::Outcome;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Value, json};

use super::runs::{NOW_MS, delivery, hold, limits, load, messages, scripted, step, tree};

const SECRET: &str = "what-nobody-may-see";

/// A name of a file, of parts that lead up, down and out.
fn names() -> impl Strategy<Value = String> {
    let part = select(vec![
        "..",
        ".",
        "",
        "tables",
        "lib",
        "secret",
        "pipelines",
        "scripts",
        "%2e%2e",
        "..\\",
        "~",
        "$HOME",
        "\u{ff0e}\u{ff0e}",
        "etc",
    ]);
    let start = select(vec!["", "/", "./", "../", "file://", "//", "C:\\", "tables/", "lib/"]);
    let end = select(vec!["secret", "secret.csv", "secret.rhai", "secret.json", "secret.csv\0", "passwd"]);
    (start, prop::collection::vec(part, 0..4), end).prop_map(|(start, parts, end)| {
        let middle: String = parts.iter().map(|part| format!("{part}/")).collect();
        format!("{start}{middle}{end}")
    })
}

/// What reads a file, with `NAME` in it: written out, and put together at run time.
const READERS: &[&str] = &[
    "event.context.read = table::get(NAME, \"a\", \"none\");",
    "event.context.read = table::has(NAME, \"a\");",
    "event.context.read = table::get(NAME + \"\", \"a\", \"none\");",
    "let name = `${NAME}`; event.context.read = table::get(name, \"a\");",
    "import NAME as found; event.context.read = found::secret;",
    "import NAME as found; event.context.read = found::secret();",
];

#[test]
fn files_beside_the_scripts_cannot_be_read() {
    let project = tempfile::tempdir().unwrap();
    let dir = project.path().join("shop");
    for folder in ["scripts/tables", "scripts/lib", "pipelines", "secret"] {
        fs::create_dir_all(dir.join(folder)).unwrap();
    }
    // Everywhere that a name may lead to, but not below the scripts.
    for folder in ["", "shop", "shop/pipelines", "shop/secret"] {
        let folder = project.path().join(folder);
        fs::write(folder.join("secret.csv"), format!("key,value\na,{SECRET}\n")).unwrap();
        fs::write(folder.join("secret.json"), format!("{{\"a\":\"{SECRET}\"}}")).unwrap();
        fs::write(
            folder.join("secret.rhai"),
            format!("export const secret = \"{SECRET}\"; fn secret() {{ \"{SECRET}\" }}"),
        )
        .unwrap();
    }
    fs::write(dir.join("scripts/tables/fine.csv"), "key,value\na,open\n").unwrap();
    let read = read_tree(&dir).unwrap();
    let absolute = dir.join("secret.csv").display().to_string();
    let names = prop_oneof![9 => names(), 1 => select(vec![absolute.clone(), absolute.replace(".csv", "")])];
    let event =
        json!({"type": "track", "event": "A", "userId": "u", "context": {}, "timestamp": "2026-01-15T10:20:29Z"});
    hold(250, &(names, select(READERS)), |(name, reader)| {
        let quoted = serde_json::to_string(&name).unwrap().replace("\\u0000", "\\x00");
        let run = |script: &str| -> Result<Outcome, String> {
            let mut all = tree(&step(script, ""));
            for (path, text) in read.iter() {
                all.insert(path, text.clone());
            }
            Ok(load(all, &limits())?.run(&delivery(1, &event), NOW_MS))
        };
        let script = reader.replace("NAME", &quoted);
        if let Ok(outcome) = run(&script) {
            let told = format!("{:?} {:?} {:?}", messages(&outcome), outcome.dead, outcome.logs);
            assert!(!told.contains(SECRET) && !told.contains("\"read\": Bool(true)"), "{script}\n{told}");
        }
        let fine = run("event.context.read = table::get(\"tables/fine.csv\", \"a\");").unwrap();
        assert_eq!(messages(&fine)[0]["context"]["read"], "open");
    });
}

/// Addresses that look like the listed host's, and some that are.
fn addresses() -> impl Strategy<Value = String> {
    let scheme = select(vec![
        "https://",
        "http://",
        "HTTPS://",
        "file://",
        "ftp://",
        "//",
        "",
        "https:",
        "https:\\\\",
        "gopher://",
    ]);
    let user = select(vec![
        "",
        "api.example.com@",
        "api.example.com:443@",
        "user:pass@",
        "api.example.com%40",
        "api.example.com#@",
        "api.example.com\\@",
    ]);
    let host = select(vec![
        "api.example.com",
        "API.EXAMPLE.COM",
        "api.example.com.",
        "api.example.com.evil.example",
        "evil-api.example.com",
        "example.com",
        "sub.api.example.com",
        "127.0.0.1",
        "[::1]",
        "2130706433",
        "169.254.169.254",
        "localhost",
        "evil.example",
        "api。example。com",
        "api.example.com\u{200b}.evil.example",
        "",
    ]);
    let port = select(vec!["", ":443", ":80", ":22", ":99999"]);
    let rest = select(vec![
        "",
        "/",
        "/x?y=1",
        "#api.example.com",
        "?@api.example.com",
        "/../../etc/passwd",
        "\\..\\x",
        "/\r\nHost: evil.example",
    ]);
    (scheme, user, host, port, rest)
        .prop_map(|(scheme, user, host, port, rest)| format!("{scheme}{user}{host}{port}{rest}"))
}

#[test]
fn only_listed_hosts_are_asked() {
    let script =
        "event.context.answer = http::get(event.properties.url).status; http::post(event.properties.url, #{});";
    let listed = "    settings: {}\n";
    let text =
        step(script, listed).replace("  - script:\n", "  - script:\n      http: { allow: [ api.example.com ] }\n");
    let (listed, unlisted) = (load(tree(&text), &limits()).unwrap(), scripted(script));
    let asked = Cell::new(0);
    hold(400, &addresses(), |url| {
        let event = json!({
            "type": "track", "event": "A", "userId": "u", "context": {}, "properties": {"url": url}, "timestamp": "2026-01-15T10:20:29Z",
        });
        let outcome = listed.run(&delivery(1, &event), NOW_MS);
        asked.set(asked.get() + outcome.needs.len());
        for need in &outcome.needs {
            let asked = url::Url::parse(&need.url).unwrap();
            assert_eq!(asked.host_str().unwrap().trim_end_matches('.'), "api.example.com", "{url}");
            assert!(asked.username().is_empty() && asked.password().is_none(), "{url}");
        }
        assert!(outcome.needs.len() + outcome.dead.len() == 1, "it is asked, or an error: {url} {outcome:?}");
        let outcome = unlisted.run(&delivery(1, &event), NOW_MS);
        assert!(outcome.needs.is_empty() && outcome.dead.len() == 1, "{url} {outcome:?}");
    });
    assert!((5..300).contains(&asked.get()), "{} were asked", asked.get());
}

#[test]
fn what_is_remembered_is_bounded_in_size_and_number() {
    let cases: Vec<(String, usize)> = [(1_usize, 0_usize), (1024, 1024), (1, 65_000), (1024, 65_000)]
        .iter()
        .flat_map(|(key, value)| {
            [(0, 0), (1, 0), (0, 600)].map(|(more_key, more_value)| (key + more_key, value + more_value))
        })
        .map(|(key, value)| {
            (
                format!("let k = \"\"; k.pad({key}, 'k'); let v = \"\"; v.pad({value}, 'v'); state::set(k, v);"),
                usize::from(key > 1024 || value + 2 > 65_536),
            )
        })
        .collect();
    {
        for (script, dead) in cases {
            let outcome = scripted(&script).run(&delivery(1, &event()), NOW_MS);
            assert_eq!(outcome.dead.len(), dead, "{script} {:?}", outcome.dead);
            assert_eq!(outcome.writes.len(), 1 - dead, "{script}");
        }
        for script in [
            "for i in 0..10001 { state::set(`k${i}`, i); }",
            "for i in 0..10001 { cache::set(`k${i}`, i, \"1m\"); }",
            "loop { state::add(\"n\", 1); }",
        ] {
            let outcome = scripted(script).run(&delivery(1, &event()), NOW_MS);
            assert_eq!((outcome.dead.len(), outcome.writes.len()), (1, 0), "{script} {:?}", outcome.dead);
        }
    }
}

fn event() -> Value {
    json!({"type": "track", "event": "A", "userId": "u", "timestamp": "2026-01-15T10:20:29Z"})
}
