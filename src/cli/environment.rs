//! The process's environment, and the one with placeholders for runs without an account.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use crate::registry::Environment;

/// Variables of the process and files of the disk.
#[derive(Debug, Default)]
pub struct Process {
    dir: PathBuf,
}

impl Process {
    /// Paths of files are relative to the project's folder, wherever the command was started.
    pub fn new(dir: &Path) -> Self {
        Self { dir: dir.to_owned() }
    }
}

impl Environment for Process {
    fn var(&self, name: &str) -> Option<String> {
        std::env::var(name).ok()
    }

    fn file(&self, path: &str) -> Result<String, String> {
        std::fs::read_to_string(self.dir.join(path)).map_err(|error| error.to_string())
    }
}

/// The same, but what is missing gets a placeholder, which is noted: for dry runs, tests and `check`.
///
/// The placeholder depends on the name only, so that `send --dry-run` signs with the secret that `run --dry-run` checks.
#[derive(Debug, Default)]
pub struct Placeholders {
    /// Take nothing from the process: the same result on every machine.
    pub isolated: bool,
    process: Process,
    missing: Mutex<BTreeSet<String>>,
}

impl Placeholders {
    /// Placeholders for what the process and the files of a project's folder do not have.
    pub fn new(dir: &Path) -> Self {
        Self { process: Process::new(dir), ..Self::default() }
    }

    /// Placeholders for everything, for tests that must not depend on the machine.
    pub fn isolated() -> Self {
        Self { isolated: true, ..Self::default() }
    }

    /// The names that placeholders stood in for.
    pub fn missing(&self) -> Vec<String> {
        self.missing.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }

    fn stand_in(&self, name: &str) -> String {
        self.missing.lock().unwrap_or_else(PoisonError::into_inner).insert(name.to_owned());
        if name.ends_with("URL") || name.ends_with("ENDPOINT") {
            return "http://placeholder.invalid".to_owned();
        }
        format!("placeholder-{}", name.to_lowercase().replace('_', "-"))
    }
}

impl Environment for Placeholders {
    fn var(&self, name: &str) -> Option<String> {
        if !self.isolated
            && let Some(value) = self.process.var(name)
        {
            return Some(value);
        }
        Some(self.stand_in(name))
    }

    fn var_or_default(&self, name: &str) -> Option<String> {
        // `${NAME:-default}` keeps its default: only what has none needs a placeholder.
        if self.isolated { None } else { self.process.var(name) }
    }

    fn file(&self, path: &str) -> Result<String, String> {
        if !self.isolated
            && let Ok(content) = self.process.file(path)
        {
            return Ok(content);
        }
        Ok(self.stand_in(&format!("file:{path}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_relative_to_the_project() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("key"), "from the project").unwrap();
        let absolute = dir.path().join("key").display().to_string();
        for path in ["key", "./key", &absolute] {
            for env in [&Process::new(dir.path()) as &dyn Environment, &Placeholders::new(dir.path())] {
                assert_eq!(env.file(path).as_deref(), Ok("from the project"), "{path}");
            }
        }
        assert!(Process::new(dir.path()).file("Cargo.toml").is_err(), "not where the command was started");
        assert_eq!(Placeholders::isolated().file("key").as_deref(), Ok("placeholder-file:key"));
    }
}
