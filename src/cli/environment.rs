//! The process's environment, and the one with placeholders for runs without an account.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use crate::registry::Environment;

/// Variables of the process and files of the disk.
#[derive(Debug, Default)]
pub struct Process;

impl Environment for Process {
    fn var(&self, name: &str) -> Option<String> {
        std::env::var(name).ok()
    }

    fn file(&self, path: &str) -> Result<String, String> {
        std::fs::read_to_string(path).map_err(|error| error.to_string())
    }
}

/// The same, but what is missing gets a placeholder, which is noted: for dry runs, tests and `check`.
///
/// The placeholder depends on the name only, so that `send --dry-run` signs with the secret that `run --dry-run` checks.
#[derive(Debug, Default)]
pub struct Placeholders {
    /// Take nothing from the process: the same result on every machine.
    pub isolated: bool,
    missing: Mutex<BTreeSet<String>>,
}

impl Placeholders {
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
            && let Some(value) = Process.var(name)
        {
            return Some(value);
        }
        Some(self.stand_in(name))
    }

    fn var_or_default(&self, name: &str) -> Option<String> {
        // `${NAME:-default}` keeps its default: only what has none needs a placeholder.
        if self.isolated { None } else { Process.var(name) }
    }

    fn file(&self, path: &str) -> Result<String, String> {
        if !self.isolated
            && let Ok(content) = Process.file(path)
        {
            return Ok(content);
        }
        Ok(self.stand_in(&format!("file:{path}")))
    }
}
