//! Segment's server libraries, and running the programs that use them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;

use serde_json::Value;

use crate::support::install::{installed, npm};

/// A client program with its library installed.
#[derive(Debug)]
pub(crate) struct Client {
    program: PathBuf,
    script: PathBuf,
}

impl Client {
    /// The Node library; none where it is not installed and must not be.
    pub(crate) fn node() -> Option<Self> {
        let dir = installed("node", "sdk/package.json", npm)?;
        // Modules are looked for beside the program.
        let script = dir.join("send.mjs");
        copy_if_changed(&source("send.mjs"), &script);
        Some(Self { program: "node".into(), script })
    }

    /// The Python library; none where it is not installed and must not be.
    pub(crate) fn python() -> Option<Self> {
        let dir = installed("python", "sdk/requirements.txt", |dir| {
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
