//! Chromium without a window, with a new profile for every run.

use std::fs::File;
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// A running browser with one page open; it is killed when it goes out of scope.
#[derive(Debug)]
pub(crate) struct Chromium {
    child: Child,
    profile: tempfile::TempDir,
}

/// What people's browsers say of themselves; Chromium without a window says that it has none.
pub(crate) const USER_AGENT: &str =
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36";

/// Whether there is one: `chromium`, or the program that `CHROMIUM` names.
pub(crate) fn is_there() -> bool {
    let mut asked = Command::new(program());
    let answer = asked.arg("--version").stdin(Stdio::null()).stderr(Stdio::null()).output();
    let found = answer.is_ok_and(|output| output.status.success());
    if !found {
        eprintln!("skipped: there is no Chromium; `chromium` must be on the path, or CHROMIUM name it");
    }
    found
}

impl Chromium {
    /// Opens a page, as a browser with this name or with its own.
    pub(crate) fn open(url: &str, user_agent: Option<&str>) -> Self {
        let profile = tempfile::tempdir().unwrap();
        let log = File::create(profile.path().join("log")).unwrap();
        let mut command = Command::new(program());
        // The sandbox is not to be had for root; the other switches keep it from talking to its maker.
        command.args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-dev-shm-usage"]);
        command.args(["--no-first-run", "--disable-background-networking", "--disable-component-update"]);
        command.args(["--disable-sync", "--no-proxy-server", "--enable-logging=stderr", "--lang=en-US"]);
        command.arg(format!("--user-data-dir={}", profile.path().join("profile").display()));
        command.args(user_agent.map(|name| format!("--user-agent={name}"))).arg(url);
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log).spawn().unwrap();
        Self { child, profile }
    }
}

impl Drop for Chromium {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            eprintln!("log of Chromium:\n{}", log(self.profile.path()));
        }
    }
}

/// What it and the page's console say, without its complaints about the missing desktop.
fn log(profile: &Path) -> String {
    let text = std::fs::read(profile.join("log")).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    text.lines().filter(|line| !line.contains("dbus/")).collect::<Vec<_>>().join("\n")
}

fn program() -> String {
    std::env::var("CHROMIUM").unwrap_or_else(|_| "chromium".to_owned())
}
