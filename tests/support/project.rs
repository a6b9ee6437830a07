//! A project folder for one test: pipelines, scripts and other files in a temporary directory.

use std::path::{Path, PathBuf};

/// A folder as `cartwire run DIR` takes it; it is removed when it goes out of scope.
#[derive(Debug)]
pub struct Project {
    dir: tempfile::TempDir,
}

impl Project {
    /// An empty project.
    pub fn new() -> Self {
        Self { dir: tempfile::tempdir().expect("a temporary directory") }
    }

    /// Writes `pipelines/<name>.yaml`.
    #[must_use]
    pub fn pipeline(self, name: &str, yaml: &str) -> Self {
        self.file(&format!("pipelines/{name}.yaml"), yaml)
    }

    /// Writes a script below `scripts/`.
    #[must_use]
    pub fn script(self, path: &str, text: &str) -> Self {
        self.file(&format!("scripts/{path}"), text)
    }

    /// Writes any file of the project.
    #[must_use]
    pub fn file(self, path: &str, text: &str) -> Self {
        self.write(path, text);
        self
    }

    /// Writes a file in place, as a simple editor saves it.
    pub fn write(&self, path: &str, text: &str) {
        let path = self.path(path);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        std::fs::write(path, text).expect("a file");
    }

    /// Where a file of the project is.
    pub fn path(&self, path: &str) -> PathBuf {
        self.dir.path().join(path)
    }

    /// The project's folder.
    pub fn dir(&self) -> &Path {
        self.dir.path()
    }
}
