//! A project folder as one immutable value: every text that a revision is made of, read at one moment.

use std::collections::BTreeMap;
use std::sync::Arc;

use sha2::{Digest, Sha256};

/// The texts of a project: path relative to its folder, with `/` separators → content.
///
/// Everything above the disk works on this value, so a reload can never see half of an edit twice and tests need no disk.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tree {
    files: BTreeMap<String, Arc<str>>,
}

impl Tree {
    /// An empty tree.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds or replaces a file.
    pub fn insert(&mut self, path: impl Into<String>, text: impl Into<Arc<str>>) {
        self.files.insert(path.into(), text.into());
    }

    /// Adds a file, for building a tree in one expression.
    #[must_use]
    pub fn with(mut self, path: &str, text: &str) -> Self {
        self.insert(path, text);
        self
    }

    /// The text of a file.
    pub fn get(&self, path: &str) -> Option<&Arc<str>> {
        self.files.get(path)
    }

    /// All files below a folder (given without the trailing `/`), in order of their paths.
    pub fn below<'a>(&'a self, folder: &str) -> impl Iterator<Item = (&'a str, &'a Arc<str>)> + use<'a> {
        let prefix = format!("{folder}/");
        self.files
            .range(prefix.clone()..)
            .take_while(move |(path, _)| path.starts_with(&prefix))
            .map(|(path, text)| (path.as_str(), text))
    }

    /// All files, in order of their paths.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Arc<str>)> {
        self.files.iter().map(|(path, text)| (path.as_str(), text))
    }

    /// A content hash over the given files (missing ones count as missing), 12 hex digits: a revision's name.
    pub fn hash<'a>(&self, paths: impl IntoIterator<Item = &'a str>) -> String {
        let mut hasher = Sha256::new();
        for path in paths {
            hasher.update(path.len().to_le_bytes());
            hasher.update(path);
            if let Some(text) = self.get(path) {
                hasher.update(text.len().to_le_bytes());
                hasher.update(text.as_bytes());
            }
        }
        hex::encode(&hasher.finalize()[..6])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_a_folder_without_its_neighbours() {
        let tree = Tree::new().with("scripts/a.rhai", "").with("scripts-old/b.rhai", "").with("scripts/x/c.rhai", "");
        let found: Vec<_> = tree.below("scripts").map(|(path, _)| path).collect();
        assert_eq!(found, ["scripts/a.rhai", "scripts/x/c.rhai"]);
    }

    #[test]
    fn the_hash_depends_on_names_and_contents() {
        let one = Tree::new().with("a", "bc");
        let two = Tree::new().with("a", "b");
        assert_ne!(one.hash(["a"]), two.hash(["a"]));
        assert_ne!(one.hash(["a"]), one.hash(["a", "missing"]));
        assert_eq!(one.hash(["a"]), one.clone().with("z", "").hash(["a"]));
    }
}
