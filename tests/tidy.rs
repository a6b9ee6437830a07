//! House rules that the compiler does not know: layers, sizes, first lines, dead words.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, reason = "a test fails by panicking")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// The layer table of `src/lib.rs`: a module may use those of lower layers, and the ones named beside it.
const LAYERS: &[(&str, u32, &[&str])] = &[
    ("diag", 0, &[]),
    ("json", 0, &[]),
    ("path", 0, &[]),
    ("pattern", 0, &[]),
    ("tree", 0, &[]),
    ("jsonpath", 0, &["json", "path", "pattern"]),
    ("lookup", 0, &[]),
    ("event", 0, &["json"]),
    ("erasure", 0, &["event"]),
    ("yaml", 0, &["diag"]),
    ("registry", 1, &[]),
    ("journal", 1, &[]),
    ("state", 1, &[]),
    ("script", 1, &["state", "registry"]),
    ("source", 2, &[]),
    ("step", 2, &[]),
    ("sink", 2, &[]),
    ("config", 3, &[]),
    ("pipeline", 3, &["config"]),
    ("check", 4, &[]),
    ("engine", 4, &["check"]),
    ("reference", 4, &["check"]),
    ("cli", 5, &[]),
    ("main", 6, &[]),
];

/// No file of the program is longer.
const LINES_MAX: usize = 400;
/// Most files are at most this long.
const LINES_USUAL: usize = 200;

struct Source {
    path: PathBuf,
    module: String,
    text: String,
}

impl Source {
    /// The text without comments and without the tests at the end of the file.
    fn code(&self) -> String {
        let body = self.text.split("#[cfg(test)]\nmod tests {").next().unwrap();
        body.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n")
    }

    fn is_test(&self) -> bool {
        self.path.components().any(|part| part.as_os_str() == "tests")
            || self.path.file_stem().is_some_and(|stem| stem == "tests")
    }
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn rust_files(folder: &str) -> Vec<PathBuf> {
    fn walk(dir: &Path, found: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, found);
            } else if path.extension().is_some_and(|ending| ending == "rs") {
                found.push(path);
            }
        }
    }
    let mut found = Vec::new();
    walk(&root().join(folder), &mut found);
    found.sort();
    found
}

fn sources() -> Vec<Source> {
    rust_files("src")
        .into_iter()
        .map(|path| {
            let inside = path.strip_prefix(root().join("src")).unwrap();
            let first = inside.components().next().unwrap().as_os_str().to_string_lossy();
            let module = first.trim_end_matches(".rs").to_owned();
            Source { module, text: fs::read_to_string(&path).unwrap(), path }
        })
        .collect()
}

fn layer(module: &str) -> (u32, &'static [&'static str]) {
    LAYERS.iter().find(|(name, ..)| *name == module).map_or_else(
        || panic!("`{module}` stands in no layer: add it to the table here and in src/lib.rs"),
        |(_, layer, beside)| (*layer, *beside),
    )
}

/// The modules that a file names with `crate::` (or `cartwire::`, in main).
fn uses(code: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for prefix in ["crate::", "cartwire::"] {
        for rest in code.split(prefix).skip(1) {
            if let Some(group) = rest.strip_prefix('{') {
                for part in group.split('}').next().unwrap().split(',') {
                    found.insert(name(part.trim()));
                }
            } else {
                found.insert(name(rest));
            }
        }
    }
    found.remove("");
    found
}

fn name(text: &str) -> String {
    text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()
}

#[test]
fn modules_use_only_what_is_below_them() {
    let mut wrong = Vec::new();
    for source in sources() {
        if source.module == "lib" || source.is_test() {
            continue;
        }
        let (own, beside) = layer(&source.module);
        for used in uses(&source.code()) {
            if used == source.module {
                continue;
            }
            let (other, _) = layer(&used);
            if other >= own && !beside.contains(&used.as_str()) {
                wrong.push(format!("{} uses `{used}`, which is not below `{}`", source.path.display(), source.module));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn reaches(graph: &BTreeMap<String, BTreeSet<String>>, from: &str, to: &str, seen: &mut BTreeSet<String>) -> bool {
    graph.get(from).is_some_and(|next| {
        next.iter().any(|next| next == to || (seen.insert(next.clone()) && reaches(graph, next, to, seen)))
    })
}

#[test]
fn modules_have_no_cycles() {
    let mut graph: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for source in sources() {
        if source.module == "lib" || source.is_test() {
            continue;
        }
        let uses = uses(&source.code());
        let edges = graph.entry(source.module.clone()).or_default();
        edges.extend(uses.into_iter().filter(|used| *used != source.module));
    }
    for module in graph.keys() {
        assert!(!reaches(&graph, module, module, &mut BTreeSet::new()), "`{module}` is in a cycle");
    }
}

#[test]
fn only_the_engine_and_the_command_line_touch_the_outside() {
    for source in sources() {
        if matches!(source.module.as_str(), "engine" | "cli" | "main") || source.is_test() {
            continue;
        }
        let code = source.code();
        for word in ["tokio", "reqwest", "async fn", ".await", "SystemTime::now", "TcpStream", "TcpListener"] {
            assert!(!code.contains(word), "{}: `{word}` belongs to the engine", source.path.display());
        }
        // The journal is files, and so is the state; fixtures and limits of scripts have their own small windows to the outside.
        let may_read = matches!(source.module.as_str(), "journal" | "check")
            || ["watchdog/memory.rs", "state/disk.rs"].iter().any(|file| source.path.ends_with(file));
        assert!(may_read || !code.contains("std::fs"), "{}: files belong to the engine", source.path.display());
    }
}

#[test]
fn every_file_says_what_it_is_for() {
    for path in ["src", "tests", "benches"].into_iter().flat_map(rust_files) {
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.starts_with("//! "), "{} does not begin with `//! `", path.display());
    }
}

#[test]
fn files_are_small() {
    let sizes: Vec<_> = sources().iter().map(|source| (source.text.lines().count(), source.path.clone())).collect();
    for (lines, path) in &sizes {
        assert!(*lines <= LINES_MAX, "{} has {lines} lines: split it", path.display());
    }
    let usual = sizes.iter().filter(|(lines, _)| *lines <= LINES_USUAL).count();
    assert!(usual * 4 >= sizes.len() * 3, "only {usual} of {} files have at most {LINES_USUAL} lines", sizes.len());
}

#[test]
fn nothing_is_left_unfinished() {
    // Written apart, so that this file does not find itself.
    let words =
        [["to", "do!"], ["unimple", "mented!"], ["db", "g!("], ["FIX", "ME"], ["XX", "X"]].map(|parts| parts.concat());
    for path in ["src", "tests", "benches"].into_iter().flat_map(rust_files) {
        let text = fs::read_to_string(&path).unwrap();
        for word in &words {
            assert!(!text.contains(word.as_str()), "{} contains `{word}`", path.display());
        }
    }
}

#[test]
fn the_layer_table_is_in_the_architecture_chapter() {
    let chapter = fs::read_to_string(root().join("src/lib.rs")).unwrap();
    for (module, ..) in LAYERS.iter().filter(|(name, ..)| *name != "main") {
        assert!(chapter.contains(&format!("[`{module}`]")), "src/lib.rs says nothing of `{module}`");
    }
}
