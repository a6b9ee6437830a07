//! Installing Segment's libraries once, and running the programs that use them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;

use serde_json::Value;

/// A client program with its library installed.
#[derive(Debug)]
pub(crate) struct Client {
    program: PathBuf,
    script: PathBuf,
}

impl Client {
    /// The Node library; none where it is not installed and must not be.
    pub(crate) fn node() -> Option<Self> {
        let dir = installed("node", "package.json", |dir| {
            let mut npm = Command::new("npm");
            npm.args(["install", "--no-package-lock", "--no-audit", "--no-fund", "--prefix"]).arg(dir);
            vec![npm]
        })?;
        // Modules are looked for beside the program.
        let script = dir.join("send.mjs");
        copy_if_changed(&source("send.mjs"), &script);
        Some(Self { program: "node".into(), script })
    }

    /// The Python library; none where it is not installed and must not be.
    pub(crate) fn python() -> Option<Self> {
        let dir = installed("python", "requirements.txt", |dir| {
            let mut venv = Command::new("python3");
            venv.args(["-m", "venv"]).arg(dir);
            let mut pip = Command::new(dir.join("bin/pip"));
            pip.args(["install", "--quiet", "--disable-pip-version-check", "-r"]).arg(dir.join("requirements.txt"));
            vec![venv, pip]
        })?;
        Some(Self { program: dir.join("bin/python"), script: source("send.py") })
    }

    /// Runs the program until it has flushed: it sends eight messages of all kinds and then this many small ones.
    /// Gives what it says it has sent.
    pub(crate) fn send(&self, host: &str, write_key: &str, count: usize) -> Vec<Value> {
        let mut command = Command::new(&self.program);
        let output = command.arg(&self.script).args([host, write_key, &count.to_string()]).output().unwrap();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{command:?} ended with {}:\n{errors}", output.status);
        serde_json::from_slice(&output.stdout).unwrap()
    }
}

/// The library's folder below `target/sdk`. It counts as installed when the list of requirements is the one of today.
fn installed(name: &str, list: &str, steps: impl Fn(&Path) -> Vec<Command>) -> Option<PathBuf> {
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let _guard = ONE_AT_A_TIME.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap().join("sdk").join(name);
    let done = dir.join("installed");
    let wanted = fs::read(source(list)).unwrap();
    if fs::read(&done).is_ok_and(|have| have == wanted) {
        return Some(dir);
    }
    if std::env::var("CARTWIRE_SDK_TESTS").is_ok_and(|set| set == "1") {
        fs::create_dir_all(&dir).unwrap();
        fs::write(dir.join(list), &wanted).unwrap();
        for mut step in steps(&dir) {
            let output = step.output().unwrap_or_else(|e| panic!("{step:?}: {e}"));
            assert!(output.status.success(), "{step:?}: {}", String::from_utf8_lossy(&output.stderr));
        }
        fs::write(&done, &wanted).unwrap();
        return Some(dir);
    }
    eprintln!("skipped: the {name} library is not installed; CARTWIRE_SDK_TESTS=1 installs it into target/sdk");
    None
}

fn source(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/sdk").join(name)
}

/// Another test may be running the copy: it is replaced only when the original has changed.
fn copy_if_changed(from: &Path, to: &Path) {
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let _guard = ONE_AT_A_TIME.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let text = fs::read(from).unwrap();
    if fs::read(to).ok().as_ref() != Some(&text) {
        fs::write(to, text).unwrap();
    }
}
