//! Edits that take parts away, and stops in the middle: nothing accepted is passed over, nothing hangs.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use std::io::{Read, Write};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use support::{Cartwire, FakeSegment, Fault, Project};

const WAIT: Duration = Duration::from_secs(20);
const JSON: [(&str, &str); 1] = [("content-type", "application/json")];

fn pipeline(path: &str, steps: &str, sinks: &str) -> String {
    format!("sources:\n  - webhook: {{ verify: none, path: {path} }}\nsteps:\n{steps}sinks:\n{sinks}")
}

const SET: &str = "  - set: { userId: u1 }\n";

fn segment_sink(id: &str, url: &str) -> String {
    format!("  - segment: {{ write_key: test-key, endpoint: \"{url}\" }}\n    id: {id}\n")
}

fn post(cartwire: &Cartwire, path: &str, count: usize) {
    for number in 0..count {
        let body = format!("{{\"n\":{number}}}");
        assert_eq!(cartwire.post(path, &JSON, body.as_bytes()).unwrap().status, 200);
    }
}

fn wait_until(what: &str, mut done: impl FnMut() -> bool) {
    let deadline = Instant::now() + WAIT;
    while !done() {
        assert!(Instant::now() < deadline, "{what} never came");
        std::thread::sleep(Duration::from_millis(10));
    }
}

fn ledger(cartwire: &Cartwire) -> serde_json::Value {
    cartwire.admin("/status").json()["pipelines"][0]["ledger"].clone()
}

/// accepted = sent + dropped + dead + pending, with nothing clamped.
fn assert_balanced(ledger: &serde_json::Value) {
    let number = |key: &str| ledger[key].as_u64().unwrap();
    let ends = number("sent") + number("dropped") + number("dead") + number("pending");
    assert_eq!(number("accepted"), ends, "{ledger:#}");
}

#[test]
fn what_waits_for_a_sink_goes_to_the_one_that_replaces_it() {
    let segment = FakeSegment::start();
    let project = Project::new().pipeline("one", &pipeline("/in", SET, &segment_sink("old", "http://127.0.0.1:9")));
    let mut cartwire = Cartwire::start(&project);
    post(&cartwire, "/in", 30);
    project.write("pipelines/one.yaml", &pipeline("/in", SET, &segment_sink("new", &segment.url())));
    segment.wait_for(30, WAIT);
    wait_until("the books", || ledger(&cartwire)["pending"] == 0);
    assert_balanced(&ledger(&cartwire));
    cartwire.stop();
}

#[test]
fn what_fails_when_it_runs_again_for_a_changed_sink_is_a_dead_letter() {
    let segment = FakeSegment::start();
    let project = Project::new().pipeline("one", &pipeline("/in", SET, &segment_sink("out", "http://127.0.0.1:9")));
    let mut cartwire = Cartwire::start(&project);
    post(&cartwire, "/in", 10);
    wait_until("the first run", || ledger(&cartwire)["processed"] == 10);
    let failing = "  - set: { userId: u1 }\n  - script: { inline: \"if event.properties.n < 4 { throw `bad`; }\" }\n";
    project.write("pipelines/one.yaml", &pipeline("/in", failing, &segment_sink("out", &segment.url())));
    segment.wait_for(6, WAIT);
    wait_until("the dead letters", || cartwire.admin("/dead").json().as_array().unwrap().len() == 4);
    wait_until("the books", || ledger(&cartwire)["pending"] == 0);
    let books = ledger(&cartwire);
    assert_balanced(&books);
    assert_eq!((&books["sent"], &books["dead"]), (&6.into(), &4.into()), "{books:#}");
    cartwire.stop();
}

#[test]
fn the_books_balance_after_a_start_with_sinks_at_different_places() {
    let (fast, slow) = (FakeSegment::start(), FakeSegment::start());
    slow.faults([Fault::status(503).for_ever()]);
    let sinks = format!("{}{}", segment_sink("fast", &fast.url()), segment_sink("slow", &slow.url()));
    let project = Project::new().pipeline("one", &pipeline("/in", SET, &sinks));
    let mut cartwire = Cartwire::start_with(&project, &["--drain", "100ms"], &[]);
    post(&cartwire, "/in", 20);
    fast.wait_for(20, WAIT);
    cartwire.stop();
    slow.reset();
    cartwire.restart();
    slow.wait_for(20, WAIT);
    wait_until("the books", || ledger(&cartwire)["sent"] == 20);
    assert_balanced(&ledger(&cartwire));
    cartwire.stop();
    assert_eq!(fast.received().len(), 20, "what was sent is not sent again");
}

#[test]
fn a_renamed_pipeline_takes_over_the_path() {
    let segment = FakeSegment::start();
    let text = pipeline("/in", SET, &segment_sink("out", &segment.url()));
    let project = Project::new().pipeline("one", &text).pipeline("other", &text.replace("/in", "/other"));
    let mut cartwire = Cartwire::start(&project);
    post(&cartwire, "/in", 1);
    std::fs::rename(project.path("pipelines/one.yaml"), project.path("pipelines/two.yaml")).unwrap();
    wait_until("the new name", || {
        assert_eq!(cartwire.post("/in", &JSON, b"{}").unwrap().status, 200, "the path is served all the time");
        let status = cartwire.admin("/status").json();
        status["pipelines"].as_array().unwrap().iter().any(|pipeline| pipeline["name"] == "two")
    });
    cartwire.stop();
}

#[test]
fn a_pipeline_that_comes_back_while_its_removal_still_sends_doubles_nothing() {
    let segment = FakeSegment::start();
    let stuck = segment_sink("stuck", "http://127.0.0.1:9");
    let text = pipeline("/in", SET, &format!("  - file: {{ path: out.ndjson }}\n{stuck}"));
    let project = Project::new().pipeline("one", &text).pipeline("other", &text.replace("/in", "/other"));
    let mut cartwire = Cartwire::start_with(&project, &["--drain", "100ms"], &[]);
    post(&cartwire, "/in", 10);
    let lines = || std::fs::read_to_string(project.path("out.ndjson")).unwrap_or_default().lines().count();
    wait_until("the first lines", || lines() == 10);
    let served = || support::http::get(&cartwire.url("/in")).unwrap().status != 404;
    for _ in 0..2 {
        std::fs::remove_file(project.path("pipelines/one.yaml")).unwrap();
        wait_until("the removal", || !served());
        project.write("pipelines/one.yaml", &text);
        wait_until("its return", served);
    }
    post(&cartwire, "/in", 10);
    wait_until("the lines", || lines() >= 20);
    project.write("pipelines/one.yaml", &text.replace("http://127.0.0.1:9", &segment.url()));
    let received = segment.wait_for(20, WAIT);
    cartwire.stop();
    assert_eq!((lines(), received.len()), (20, 20), "each message once");
}

struct Job {
    child: Child,
}

impl Job {
    fn start(project: &Project, args: &[&str], stdin: Stdio, stdout: Stdio) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_cartwire"));
        command.arg("run").args(["--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0", "--log-format", "json"]);
        command.args(args).current_dir(project.dir()).stdin(stdin).stdout(stdout).stderr(Stdio::piped());
        Self { child: command.spawn().unwrap() }
    }

    fn terminate(&self) {
        assert!(Command::new("sh").arg("-c").arg(format!("kill {}", self.child.id())).status().unwrap().success());
    }

    fn ended(&mut self) -> bool {
        self.child.try_wait().unwrap().is_some()
    }
}

impl Drop for Job {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn a_job_that_waits_for_standard_input_stops_when_told() {
    let project = Project::new().pipeline("job", "sources:\n  - file: \"-\"\nsinks:\n  - file: { path: out.ndjson }\n");
    let mut job = Job::start(&project, &[], Stdio::piped(), Stdio::null());
    let mut input = job.child.stdin.take().unwrap();
    input.write_all(b"{\"type\":\"track\",\"event\":\"A\",\"userId\":\"u\"}\n").unwrap();
    std::thread::sleep(Duration::from_millis(500));
    job.terminate();
    wait_until("the end", || job.ended());
    drop(input);
}

#[test]
fn a_job_whose_sink_is_away_stops_when_told_and_says_what_it_did_not_send() {
    let project = Project::new().file("in.ndjson", "{\"type\":\"track\",\"event\":\"A\",\"userId\":\"u\"}\n").pipeline(
        "job",
        "sources:\n  - file: in.ndjson\nsinks:\n  - segment: { write_key: k, endpoint: \"http://127.0.0.1:9\" }\n",
    );
    let mut job = Job::start(&project, &["--drain", "100ms"], Stdio::null(), Stdio::null());
    std::thread::sleep(Duration::from_millis(500));
    job.terminate();
    wait_until("the end", || job.ended());
    let mut log = String::new();
    job.child.stderr.take().unwrap().read_to_string(&mut log).unwrap();
    assert!(log.contains("1 messages were not sent"), "{log}");
    assert_eq!(job.child.wait().unwrap().code(), Some(0), "a stop that was asked for is no failure");
}

#[test]
fn a_reader_of_standard_output_who_pauses_holds_up_no_request() {
    let project = Project::new().pipeline("one", &pipeline("/in", SET, "  - console\n"));
    let mut job = Job::start(&project, &[], Stdio::null(), Stdio::piped());
    let mut line = Vec::new();
    let mut stderr = job.child.stderr.take().unwrap();
    let listen = loop {
        let mut byte = [0];
        stderr.read_exact(&mut byte).unwrap();
        if byte[0] != b'\n' {
            line.push(byte[0]);
            continue;
        }
        let seen: serde_json::Value = serde_json::from_slice(&std::mem::take(&mut line)).unwrap();
        if seen["message"] == "listening" {
            break seen["listen"].as_str().unwrap().to_owned();
        }
    };
    std::thread::spawn(move || std::io::copy(&mut stderr, &mut std::io::sink()));
    let body = format!("{{\"filler\":\"{}\"}}", "x".repeat(30_000));
    let (done, ended) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        for _ in 0..20 {
            let reply = support::http::post(&format!("http://{listen}/in"), &JSON, body.as_bytes()).unwrap();
            assert_eq!(reply.status, 200);
            std::thread::sleep(Duration::from_millis(20));
        }
        let _ = done.send(());
    });
    ended.recv_timeout(WAIT).expect("requests are answered while nobody reads the output");
}

#[test]
fn a_job_whose_sink_halts_or_whose_reader_goes_away_ends_with_an_error() {
    let segment = FakeSegment::start();
    segment.faults([Fault::status(401).for_ever()]);
    let line = "{\"type\":\"track\",\"event\":\"A\",\"userId\":\"u\"}\n";
    for sink in ["console: ndjson".to_owned(), format!("segment: {{ write_key: k, endpoint: \"{}\" }}", segment.url())]
    {
        let project = Project::new()
            .file("in.ndjson", &line.repeat(20_000))
            .pipeline("job", &format!("sources:\n  - file: in.ndjson\nsinks:\n  - {sink}\n"));
        let mut job = Job::start(&project, &[], Stdio::null(), Stdio::piped());
        drop(job.child.stdout.take());
        wait_until("the end", || job.ended());
        assert_eq!(job.child.wait().unwrap().code(), Some(1), "{sink}");
        let mut log = String::new();
        job.child.stderr.take().unwrap().read_to_string(&mut log).unwrap();
        assert!(log.contains("were not sent"), "{log}");
    }
}

#[test]
fn a_line_that_a_sink_refuses_is_kept_without_a_request_of_somebody_else() {
    let segment = FakeSegment::start();
    segment.faults([Fault::status(400).for_ever()]);
    let web = pipeline("/in", SET, "  - file: { path: web.ndjson }\n");
    let project = Project::new().pipeline("web", &web);
    let mut cartwire = Cartwire::start(&project);
    assert_eq!(cartwire.post("/in", &JSON, b"{\"card\":\"of-a-stranger\"}").unwrap().status, 200);
    cartwire.stop();
    std::fs::remove_file(project.path("pipelines/web.yaml")).unwrap();
    let sink = segment_sink("out", &segment.url());
    project.write("in.ndjson", "{\"type\":\"track\",\"event\":\"A\",\"userId\":\"u\"}\n");
    project.write("pipelines/job.yaml", &format!("sources:\n  - file: in.ndjson\nsinks:\n{sink}"));
    let data = cartwire.data_dir().display().to_string();
    let mut job = Job::start(&project, &["--data-dir", &data], Stdio::null(), Stdio::null());
    wait_until("the end", || job.ended());
    let shown = Command::new(env!("CARGO_BIN_EXE_cartwire")).args(["dead", "show", "1", "--data-dir", &data]).output();
    let shown = String::from_utf8(shown.unwrap().stdout).unwrap();
    assert!(shown.contains("\"event\":\"A\"") && !shown.contains("of-a-stranger"), "{shown}");
}
