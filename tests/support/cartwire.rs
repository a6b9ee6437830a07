//! The built binary as a child process: `cartwire run` on free ports, stopped politely or killed.

use std::io::{self, BufRead, BufReader};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::http::{self, Reply};
use super::project::Project;

/// How long the binary may take to listen or to stop. Generous: it is the bound of a hang, not a measurement.
const TIMEOUT: Duration = Duration::from_secs(30);

/// A running `cartwire run`; it is killed when it goes out of scope.
#[derive(Debug)]
pub struct Cartwire {
    dir: PathBuf,
    args: Vec<String>,
    envs: Vec<(String, String)>,
    data: tempfile::TempDir,
    stderr: Arc<Mutex<String>>,
    reader: Option<JoinHandle<()>>,
    child: Child,
    listen: SocketAddr,
    admin: SocketAddr,
}

impl Cartwire {
    /// Runs a project.
    pub fn start(project: &Project) -> Self {
        Self::start_with(project, &[], &[])
    }

    /// Runs a project with further arguments and environment variables. The data directory outlives restarts.
    pub fn start_with(project: &Project, args: &[&str], envs: &[(&str, &str)]) -> Self {
        let dir = project.dir().to_owned();
        let args: Vec<String> = args.iter().map(ToString::to_string).collect();
        let envs: Vec<_> = envs.iter().map(|(k, v)| (k.to_string(), v.to_string())).collect();
        let data = tempfile::tempdir().expect("a temporary directory");
        let stderr = Arc::<Mutex<String>>::default();
        let any = SocketAddr::from(([127, 0, 0, 1], 0));
        let command = command(&dir, &args, &envs, &data, any, any);
        let (child, reader, listen, admin) = spawn(command, &stderr);
        Self { dir, args, envs, data, stderr, reader: Some(reader), child, listen, admin }
    }

    /// An address below the listener of the sources.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.listen)
    }

    /// An address below the admin listener.
    pub fn admin_url(&self, path: &str) -> String {
        format!("http://{}{path}", self.admin)
    }

    /// POSTs to a source. An error means that no whole answer came: the delivery may or may not have been taken.
    pub fn post(&self, path: &str, headers: &[(&str, &str)], body: &[u8]) -> io::Result<Reply> {
        http::post(&self.url(path), headers, body)
    }

    /// GETs from the admin listener.
    pub fn admin(&self, path: &str) -> Reply {
        http::get(&self.admin_url(path)).expect("an answer from the admin address")
    }

    /// Where the journal is.
    pub fn data_dir(&self) -> PathBuf {
        self.data.path().to_owned()
    }

    /// Everything logged so far, over restarts too.
    pub fn stderr(&self) -> String {
        text(&self.stderr).clone()
    }

    /// The log so far, line by line, as JSON; lines that are none are left out.
    pub fn log(&self) -> Vec<Value> {
        self.stderr().lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
    }

    /// Waits until a log line satisfies a condition.
    pub fn wait_for_log(&self, what: &str, found: impl Fn(&str) -> bool) {
        let deadline = Instant::now() + TIMEOUT;
        while !self.stderr().lines().any(&found) {
            assert!(Instant::now() < deadline, "no {what} in the log:\n{}", self.stderr());
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Sends SIGTERM and checks that it drains and exits with 0.
    pub fn stop(&mut self) {
        self.signal("TERM");
        let status = self.wait();
        assert!(status.success(), "stopped with {status}:\n{}", self.stderr());
    }

    /// Sends a signal by its name, such as `HUP`.
    pub fn signal(&self, name: &str) {
        // `kill` is asked because the crate forbids the unsafe call behind it.
        let sent = Command::new("sh").arg("-c").arg(format!("kill -{name} {}", self.child.id())).status();
        assert!(sent.expect("kill runs").success(), "no process to signal:\n{}", self.stderr());
    }

    /// Kills it as a crash would.
    pub fn kill9(&mut self) {
        self.child.kill().expect("a process to kill");
        self.child.wait().expect("an exit status");
        self.finish_log();
    }

    /// Starts it again after `stop` or `kill9`: same project, same data, same addresses.
    pub fn restart(&mut self) {
        assert!(self.child.try_wait().expect("a status").is_some(), "stop or kill it first");
        let command = command(&self.dir, &self.args, &self.envs, &self.data, self.listen, self.admin);
        let (child, reader, listen, admin) = spawn(command, &self.stderr);
        (self.child, self.reader, self.listen, self.admin) = (child, Some(reader), listen, admin);
    }

    /// The same with further arguments.
    pub fn restart_with(&mut self, args: &[&str]) {
        self.args.extend(args.iter().map(ToString::to_string));
        self.restart();
    }

    /// Waits for it to end by itself.
    pub fn wait(&mut self) -> ExitStatus {
        let deadline = Instant::now() + TIMEOUT;
        loop {
            if let Some(status) = self.child.try_wait().expect("a status") {
                self.finish_log();
                return status;
            }
            assert!(Instant::now() < deadline, "still running:\n{}", self.stderr());
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    fn finish_log(&mut self) {
        if let Some(reader) = self.reader.take() {
            let _ = reader.join();
        }
    }
}

impl Drop for Cartwire {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            eprintln!("log of cartwire:\n{}", self.stderr());
        }
    }
}

fn command(
    dir: &PathBuf,
    args: &[String],
    envs: &[(String, String)],
    data: &tempfile::TempDir,
    listen: SocketAddr,
    admin: SocketAddr,
) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_cartwire"));
    command.arg("run").arg(dir).args(["--log-format", "json"]);
    command.args(["--listen", &listen.to_string(), "--admin", &admin.to_string()]);
    command.arg("--data-dir").arg(data.path()).args(args);
    command.envs(envs.iter().map(|(k, v)| (k, v)));
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    command
}

/// Starts the process and waits until it says where it listens.
fn spawn(mut command: Command, log: &Arc<Mutex<String>>) -> (Child, JoinHandle<()>, SocketAddr, SocketAddr) {
    let mut child = command.spawn().expect("the binary starts");
    let pipe = child.stderr.take().expect("a pipe");
    let writing = Arc::clone(log);
    let (told, addresses) = std::sync::mpsc::channel();
    let reader = std::thread::spawn(move || {
        for line in BufReader::new(pipe).split(b'\n').map_while(Result::ok) {
            let line = String::from_utf8_lossy(&line).into_owned();
            if let Some(addresses) = listening(&line) {
                let _ = told.send(addresses);
            }
            let mut text = text(&writing);
            text.push_str(&line);
            text.push('\n');
        }
    });
    let Ok((listen, admin)) = addresses.recv_timeout(TIMEOUT) else {
        let _ = child.kill();
        let status = child.wait();
        let _ = reader.join();
        panic!("it never listened ({status:?}):\n{}", text(log));
    };
    (child, reader, listen, admin)
}

/// The addresses in the log line `{"fields":{"message":"listening","listen":"…","admin":"…"}}`, with or without `fields`.
fn listening(line: &str) -> Option<(SocketAddr, SocketAddr)> {
    let line: Value = serde_json::from_str(line).ok()?;
    let fields = line.get("fields").unwrap_or(&line);
    let address = |name: &str| fields.get(name)?.as_str()?.parse().ok();
    if fields["message"] == "listening" { Some((address("listen")?, address("admin")?)) } else { None }
}

fn text(log: &Mutex<String>) -> MutexGuard<'_, String> {
    log.lock().unwrap_or_else(PoisonError::into_inner)
}
