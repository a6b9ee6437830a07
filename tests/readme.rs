//! The README is executed: its tour, its pipeline, its fixture, its commands.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

use std::fs;
use std::io::Read;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// A fenced block: its language and text.
fn blocks() -> Vec<(String, String)> {
    let readme = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md")).unwrap();
    readme
        .split("```")
        .skip(1)
        .step_by(2)
        .map(|block| block.split_once('\n').map(|(language, text)| (language.to_owned(), text.to_owned())).unwrap())
        .collect()
}

fn yaml_blocks() -> Vec<String> {
    blocks().into_iter().filter(|(language, _)| language == "yaml").map(|(_, text)| text).collect()
}

fn cartwire(args: &[&str], dir: &Path) -> Output {
    Command::new(env!("CARGO_BIN_EXE_cartwire")).args(args).current_dir(dir).output().unwrap()
}

fn both(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// The first terminal: `cartwire run --dry-run`, with what it prints.
struct Terminal {
    child: Child,
    seen: Arc<Mutex<String>>,
    address: String,
}

impl Terminal {
    fn open(dir: &Path) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_cartwire"))
            .args(["run", "--dry-run", "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0"])
            .current_dir(dir)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let seen = Arc::<Mutex<String>>::default();
        let out = child.stdout.take().unwrap();
        let err = child.stderr.take().unwrap();
        for mut pipe in [Box::new(out) as Box<dyn Read + Send>, Box::new(err)] {
            let seen = Arc::clone(&seen);
            std::thread::spawn(move || {
                let mut chunk = [0; 4096];
                while let Ok(read @ 1..) = pipe.read(&mut chunk) {
                    seen.lock().unwrap().push_str(&String::from_utf8_lossy(&chunk[..read]));
                }
            });
        }
        let mut terminal = Self { child, seen, address: String::new() };
        terminal.wait_for("listen=127.0.0.1:");
        let text = terminal.text();
        let address = text.split("listen=").nth(1).unwrap().split_whitespace().next().unwrap();
        address.clone_into(&mut terminal.address);
        terminal
    }

    fn text(&self) -> String {
        self.seen.lock().unwrap().clone()
    }

    fn wait_for(&self, what: &str) {
        let deadline = Instant::now() + Duration::from_secs(30);
        while !self.text().contains(what) {
            assert!(Instant::now() < deadline, "no {what:?} in\n{}", self.text());
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Adds a step of the tour at the end of `steps:`, where the README says.
fn add_step(pipeline: &Path, step: &str) {
    let text = fs::read_to_string(pipeline).unwrap();
    assert!(text.contains("\nsinks:"), "{text}");
    fs::write(pipeline, text.replace("\nsinks:", &format!("\n{step}\nsinks:"))).unwrap();
}

#[test]
fn the_tour_works() {
    let dir = tempfile::tempdir().unwrap();
    let made = cartwire(&["new", "my-shop", "--source", "shopify"], dir.path());
    assert!(made.status.success(), "{}", both(&made));
    let shop = dir.path().join("my-shop");
    let pipeline = shop.join("pipelines/shopify.yaml");
    let steps = yaml_blocks();

    let terminal = Terminal::open(&shop);
    let send = || {
        let sent = cartwire(&["send", "--dry-run", "--to", &terminal.address], &shop);
        assert!(sent.status.success(), "{}", both(&sent));
    };
    send();
    terminal.wait_for("\"Order Completed\"");
    assert!(!terminal.text().contains("\"store\": \"north\""));

    assert!(steps[0].contains("store: north"), "the tour's first step has moved: {}", steps[0]);
    add_step(&pipeline, &steps[0]);
    terminal.wait_for("reloaded");
    send();
    terminal.wait_for("\"store\": \"north\"");

    let good = fs::read_to_string(&pipeline).unwrap();
    fs::write(&pipeline, good.replace("- set: { context.store", "- sett: { context.store")).unwrap();
    terminal.wait_for("there is no step `sett`");
    terminal.wait_for("did you mean `set`?");
    terminal.wait_for("the version before keeps running");
    fs::write(&pipeline, good).unwrap();

    assert!(steps[1].contains("big_order"), "the tour's second step has moved: {}", steps[1]);
    add_step(&pipeline, &steps[1]);
    let deadline = Instant::now() + Duration::from_secs(30);
    while !terminal.text().contains("\"big_order\": true") {
        assert!(Instant::now() < deadline, "{}", terminal.text());
        send();
        std::thread::sleep(Duration::from_millis(100));
    }

    let checked = cartwire(&["check"], &shop);
    assert!(checked.status.success(), "{}", both(&checked));
    // The shipped fixtures are exact: `test` shows the new fields, and blessing takes them up.
    let order = fs::read_dir(shop.join("tests/fixtures/shopify"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .find(|path| path.to_string_lossy().contains("orders-create"))
        .unwrap();
    let tested = cartwire(&["test"], &shop);
    assert_eq!(tested.status.code(), Some(1));
    assert!(both(&tested).contains("big_order") && both(&tested).contains("store"), "{}", both(&tested));
    assert!(cartwire(&["test", "--bless"], &shop).status.success());
    assert!(fs::read_to_string(&order).unwrap().contains("big_order: true"));
    assert!(cartwire(&["test"], &shop).status.success());
}

#[test]
fn the_pipeline_and_the_fixture_of_the_reference_are_valid() {
    let blocks = yaml_blocks();
    let pipeline = blocks.iter().find(|text| text.starts_with("description:")).unwrap();
    let fixture = blocks.iter().find(|text| text.starts_with("given:")).unwrap();
    let dir = tempfile::tempdir().unwrap();
    for (path, text) in [
        ("pipelines/shop.yaml", pipeline.as_str()),
        ("scripts/shopify/webhook.rhai", "event.seen = settings.user_id;"),
        ("tests/fixtures/shop/order.yaml", fixture),
        ("tests/fixtures/shop/order.json", "{}"),
    ] {
        let path = dir.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    let checked = cartwire(&["check"], dir.path());
    assert!(checked.status.success(), "{}", both(&checked));
}

/// The script of the README runs against the answers of its fixture: the first delivery waits for its plan.
#[test]
fn the_script_and_the_case_with_answers_hold() {
    let blocks = blocks();
    let script = &blocks.iter().find(|(language, _)| language == "rust").unwrap().1;
    let case = yaml_blocks().into_iter().find(|text| text.contains("http:\n")).unwrap();
    let pipeline = "sources:\n  - webhook: { verify: none }\nsteps:\n  - set: { userId: u-1 }\n  - script:\n      file: visits.rhai\n      \
                    http: { allow: [ api.example.com ] }\n    id: visits\nsinks: [ console ]\n";
    let dir = tempfile::tempdir().unwrap();
    let expect = "expect:\n  - { context: { plan: gold }, properties: { visits: 1 } }\n  - { context: { plan: gold }, properties: { visits: 2 } }\n";
    for (path, text) in [
        ("pipelines/visits.yaml", pipeline.to_owned()),
        ("scripts/visits.rhai", script.clone()),
        ("scripts/lib/plans.rhai", "fn tier(name) { name ?? \"free\" }\n".to_owned()),
        ("tests/fixtures/visits/case.yaml", case + expect),
    ] {
        let path = dir.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    let tested = cartwire(&["test"], dir.path());
    assert!(tested.status.success(), "{}", both(&tested));
}

#[test]
fn commands_and_options_exist() {
    let dir = tempfile::tempdir().unwrap();
    let mut seen = 0;
    for (_, text) in blocks().iter().filter(|(language, _)| language == "sh") {
        for line in text.lines() {
            let line = line.split('#').next().unwrap().trim();
            let Some(rest) = line.strip_prefix("cartwire ").or_else(|| line.strip_prefix("cargo run --release -- "))
            else {
                continue;
            };
            let mut words: Vec<_> = rest.split_whitespace().collect();
            words.push("--help");
            let output = cartwire(&words, dir.path());
            assert!(output.status.success(), "{line}: {}", both(&output));
            seen += 1;
        }
    }
    assert!(seen >= 8, "only {seen} commands were found");
}

#[test]
fn the_first_command_prints_rewritten_messages() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let (_, commands) = blocks().into_iter().find(|(language, _)| language == "sh").unwrap();
    let first = commands.lines().next().unwrap().split('#').next().unwrap();
    let args: Vec<_> = first.split("-- ").nth(1).unwrap().split_whitespace().collect();
    let data = tempfile::tempdir().unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_cartwire"))
        .args(&args)
        .args(["--until-idle", "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0", "--data-dir"])
        .arg(data.path())
        .env_clear()
        .env("CARTWIRE_OUTPUT", data.path().join("rewrite.ndjson"))
        .current_dir(root)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", both(&output));
    let printed = String::from_utf8_lossy(&output.stdout);
    for event in ["\"Order Completed\"", "\"Order Refunded\"", "\"Checkout Started\""] {
        assert!(printed.contains(event), "no {event}");
    }
    assert!(both(&output).contains("nothing is sent"));
}
